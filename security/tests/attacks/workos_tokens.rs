//! Forged, foreign and misplaced access tokens of WorkOS, in the header and in genuine seals.

use anteroom_security::Table;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::workos::{CLIENT_ID, FOREIGN_KEY, SIGNING_KEY};
use anteroom_testing::Event;
use anteroom_testing::sessions::{COOKIE, access_token, sealed, with_access_token};
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{JANE_ID, World, with};

/// An endpoint that reads the session's user, and one that grants something to that user.
const WHO: &str = "session";
const ROOM: &str = "room-auth";

const INVALID: (u64, &str) = (401, "The access token is not valid");
const INVALID_SEAL: (u64, &str) = (401, "The session is not valid. Sign in again");
const NOBODY: (u64, &str) = (401, "Sign in first");
const EXPIRED: (u64, &str) = (401, "The access token has expired");
const CANNOT_TELL: (u64, &str) =
    (503, "A service we depend on is not responding. Try again shortly");

/// What a refused token in a genuine seal does to the cookie: it is cleared if no key could ever
/// verify the token, and kept otherwise.
#[derive(Clone, Copy, PartialEq)]
enum Seal {
    Cleared,
    Kept,
}

use Seal::{Cleared, Kept};

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("WorkOS access tokens", &world);
    let session = world.workos.sign_in("jane", None);
    for (tried, token, effect) in forged(&world) {
        let refused = |place: &str, event: &Event| Attack::new(format!("{tried}, {place}"), event);
        let header = refused("in the header", &world.to(WHO).bearer(&token));
        attacks.add(header.refused(INVALID.0, INVALID.1)).await;
        let seal = sealed(&world.settings, &with_access_token(&session, &token)).await;
        let attack = refused("in a genuine seal", &world.to(WHO).cookie(COOKIE, &seal));
        let attack = attack.refused(INVALID_SEAL.0, INVALID_SEAL.1);
        attacks.add(if effect == Cleared { attack.clearing(COOKIE) } else { attack }).await;
    }
    for (tried, event, (status, message)) in misplaced(&world).await {
        attacks.add(Attack::new(tried, &event).refused(status, message)).await;
    }
    let not_yet = token(&world, &json!({ "nbf": 4_000_000_000_u64 }));
    let attack = Attack::new("a token that is not valid yet", &world.to(WHO).bearer(&not_yet));
    attacks.add(attack.refused(CANNOT_TELL.0, CANNOT_TELL.1)).await;
    for attack in unknown_keys(&world) {
        attacks.add(attack).await;
    }
    for attack in without_effect(&world).await {
        attacks.add(attack).await;
    }
    attacks.table()
}

fn claims(world: &World) -> Value {
    world.workos.claims_for("jane")
}

fn token(world: &World, changes: &Value) -> String {
    world.workos.sign(&world.workos.header(), &with(&claims(world), changes))
}

fn with_claim(world: &World, name: &str, value: Value) -> String {
    let mut claims = claims(world);
    claims[name] = value;
    world.workos.sign(&world.workos.header(), &claims)
}

fn with_header(world: &World, changes: &Value) -> String {
    world.workos.sign(&with(&world.workos.header(), changes), &claims(world))
}

fn forged(world: &World) -> Vec<(String, String, Seal)> {
    let (header, claims) = (world.workos.header(), claims(world));
    let alg = |alg: &str| with(&header, &json!({ "alg": alg }));
    let foreign = |changes: &Value| world.workos.sign_foreign(&with(&header, changes), &claims);
    let good = world.workos.sign(&header, &claims);
    let (start, signature) = good.rsplit_once('.').unwrap();
    let eve = with(&claims, &json!({ "sub": "user_01ANTER00MEVE" }));
    let text = |claims: &str| SIGNING_KEY.sign_text(&header, claims);
    let twice = claims.to_string().replacen('{', "{\"sub\":\"user_eve\",", 1);
    let mut tokens: Vec<(String, String, Seal)> = vec![
        ("`none`".into(), jwt::unsigned(&alg("none"), &claims), Cleared),
        ("`None`".into(), jwt::unsigned(&alg("None"), &claims), Cleared),
        (
            "HS256 with the public key's PEM".into(),
            jwt::hmac_signed(&alg("HS256"), &claims, SIGNING_KEY.public_pem.as_bytes()),
            Cleared,
        ),
        (
            "HS256 with the client's id".into(),
            jwt::hmac_signed(&alg("HS256"), &claims, CLIENT_ID.as_bytes()),
            Cleared,
        ),
        (
            "an HMAC that claims to be RS256".into(),
            jwt::hmac_signed(&header, &claims, SIGNING_KEY.public_pem.as_bytes()),
            Cleared,
        ),
        ("another environment's signature".into(), foreign(&json!({})), Cleared),
        (
            "`jku` that names a key set of one's own".into(),
            foreign(&json!({ "jku": "https://evil.example/jwks" })),
            Cleared,
        ),
        (
            "`x5u` that names a certificate of one's own".into(),
            foreign(&json!({ "x5u": "https://evil.example/x5u" })),
            Cleared,
        ),
        (
            "`jwk` with a key of one's own".into(),
            foreign(&json!({ "jwk": FOREIGN_KEY.jwk() })),
            Cleared,
        ),
        ("claims of another user".into(), jwt::with_claims(&good, &eve), Cleared),
        (
            "permissions that were added".into(),
            jwt::with_claims(&good, &with(&claims, &json!({ "permissions": ["everything"] }))),
            Cleared,
        ),
        (
            "a header that was changed".into(),
            jwt::with_header(&good, &with(&header, &json!({ "x": 1 }))),
            Cleared,
        ),
        ("a signature cut short".into(), format!("{start}.{}", &signature[..300]), Cleared),
        ("no signature".into(), format!("{start}."), Cleared),
        ("padding".into(), format!("{good}=="), Cleared),
        ("a fourth part".into(), format!("{good}.{signature}"), Cleared),
        ("two parts".into(), start.to_owned(), Cleared),
        ("claims as a list".into(), text("[]"), Cleared),
        ("two subjects in one token".into(), text(&twice), Cleared),
        (
            "a session's id that is another kind of token's".into(),
            with_claim(world, "sid", json!("app_consent_01")),
            Kept,
        ),
    ];
    for name in ["RS384", "PS256", "ES384", "rs256"] {
        tokens.push((
            format!("`{name}` over an RS256 signature"),
            world.workos.sign(&alg(name), &claims),
            Cleared,
        ));
    }
    for crit in [json!([]), json!(["exp"]), json!(null)] {
        let mut header = header.clone();
        header["crit"] = crit.clone();
        tokens.push((format!("`crit` {crit}"), world.workos.sign(&header, &claims), Cleared));
    }
    for typ in ["dpop+jwt", "logout+jwt", "JWE", ""] {
        tokens.push((
            format!("the type `{typ}`"),
            with_header(world, &json!({ "typ": typ })),
            Kept,
        ));
    }
    let issuer = world.workos.issuer();
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{issuer}/user_management/client_01OTHER"))),
        ("iss", json!(format!("{issuer}.evil.example"))),
        ("iss", json!(format!("{issuer}//"))),
        ("iss", json!(1)),
        ("iss", json!([issuer])),
        ("iss", json!(null)),
        ("client_id", json!("client_01OTHER")),
        ("client_id", json!([CLIENT_ID])),
        ("client_id", json!("")),
        ("aud", json!("client_01OTHER")),
        ("aud", json!(["client_01OTHER"])),
        ("sid", json!(null)),
        ("sid", json!("Session_01")),
        ("sid", json!(["session_01"])),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!(["user_01ANTER00MJANE"])),
        ("sub", json!("user 01")),
        ("exp", json!(null)),
        ("exp", json!("4102444800")),
        ("exp", json!([4_102_444_800_u64])),
        ("nbf", json!("tomorrow")),
    ] {
        let tried = format!("`{name}` {value}").replace(&issuer, "<issuer>");
        tokens.push((tried, with_claim(world, name, value), Kept));
    }
    tokens
}

async fn misplaced(world: &World) -> Vec<(&'static str, Event, (u64, &'static str))> {
    let session = world.workos.sign_in("jane", None);
    let good = access_token(&session).to_owned();
    let seal = sealed(&world.settings, &session).await;
    let with_cookie = || world.to(WHO).cookie(COOKIE, &seal);
    let event = || world.to(WHO);
    let expired = token(world, &json!({ "exp": 1_700_000_000 }));
    let authorization = |value: &str| world.to(WHO).header("authorization", value);
    vec![
        ("a forged token before a good cookie", with_cookie().bearer("forged"), INVALID),
        ("an expired token before a good cookie", with_cookie().bearer(&expired), EXPIRED),
        ("an empty token before a good cookie", with_cookie().bearer(""), NOBODY),
        ("the seal as a token", event().bearer(&seal), INVALID),
        (
            "the refresh token as a token",
            event().bearer(session["refresh_token"].as_str().unwrap()),
            INVALID,
        ),
        ("an API key as a token", event().bearer("sk_test_of_somebody"), INVALID),
        ("the token in the cookie of another name", event().cookie("session", &good), NOBODY),
        (
            "the seal in the cookie of another name",
            event().cookie("__Host-wos-session", &seal),
            NOBODY,
        ),
        ("the seal in a cookie in capitals", event().cookie("WOS-SESSION", &seal), NOBODY),
        ("the token in Clerk's cookie", event().cookie("__session", &good), NOBODY),
        ("the token in the query", event().query(&format!("access_token={good}")), NOBODY),
        ("the seal in another header", event().header("x-workos-session", &seal), NOBODY),
        (
            "two tokens in one header",
            authorization(&format!("Bearer {good}, Bearer {good}")),
            INVALID,
        ),
        (
            "two headers",
            authorization(&format!("Bearer {good}"))
                .with("/headers/Authorization", json!("Bearer x")),
            INVALID,
        ),
        ("a tab after the scheme", authorization(&format!("Bearer\t{good}")), INVALID),
        ("a line break after the token", authorization(&format!("Bearer {good}\r\n")), INVALID),
        ("another scheme", authorization(&format!("DPoP {good}")), NOBODY),
        ("no scheme", authorization(&good), NOBODY),
    ]
}

fn unknown_keys(world: &World) -> Vec<Attack> {
    let of_clerk = world.clerk.session_token("jane");
    let of_kid = |kid: &str| world.to(WHO).bearer(&with_header(world, &json!({ "kid": kid })));
    let mut attacks = vec![
        Attack::new("Clerk's token", &world.to(WHO).bearer(&of_clerk))
            .refused(INVALID.0, INVALID.1)
            .calling(&["workos jwks"]),
        Attack::new(
            "no key id",
            &world.to(WHO).bearer(&with_header(world, &json!({ "kid": null }))),
        )
        .refused(INVALID.0, INVALID.1),
    ];
    for kid in ["invented", "../jwks", "file:///etc/passwd"] {
        let tried = format!("the key id `{kid}`, half a minute after another unknown one");
        attacks.push(Attack::new(tried, &of_kid(kid)).refused(CANNOT_TELL.0, CANNOT_TELL.1));
    }
    attacks
}

/// Requests of Jane's that try to become somebody else, or to have more rights.
async fn without_effect(world: &World) -> Vec<Attack> {
    let session = world.workos.sign_in("jane", None);
    let good = access_token(&session).to_owned();
    let seal = sealed(&world.settings, &session).await;
    let jane = world.workos.user("jane").id;
    let is_jane = move |body: &Value| ensure(body["user"]["id"] == *jane, || body.to_string());
    let injected =
        with_header(world, &json!({ "jku": "https://evil.example", "jwk": FOREIGN_KEY.jwk() }));
    let odd =
        token(world, &json!({ "permissions": [1, { "a": 1 }, ["everything"], "guests:invite"] }));
    let room = world.to(ROOM).json(&json!({
        "username": "Jane", "roomId": "daily", "userId": "user_eve", "sub": "user_eve",
    }));
    let who = |tried: &'static str, event: &Event| {
        Attack::new(tried, event).served(200, "as the token's own user", is_jane.clone())
    };
    vec![
        who(
            "a good token before a forged cookie",
            &world.to(WHO).bearer(&good).cookie(COOKIE, "forged"),
        ),
        who("a genuine token that names keys elsewhere", &world.to(WHO).bearer(&injected)),
        who(
            "another user's id in the query",
            &world.to(WHO).bearer(&good).query("user=user_eve&id=user_eve"),
        ),
        who(
            "another user's id in headers",
            &world.to(WHO).cookie(COOKIE, &seal).header("x-user-id", "user_eve"),
        ),
        Attack::new("permissions of other types", &world.to(WHO).bearer(&odd)).served(
            200,
            "with the readable permission only",
            |body| ensure(body["permissions"] == json!(["guests:invite"]), || body.to_string()),
        ),
        Attack::new("another user's id in the body", &room.bearer(&good)).served(
            200,
            "for the token's own user",
            |body| {
                let claims = jwt::claims(body["token"].as_str().unwrap_or_default());
                let subject = claims.unwrap_or_default()["sub"].as_str().map(str::to_owned);
                let is_jane = subject.as_ref().is_some_and(|it| it.starts_with(JANE_ID));
                ensure(is_jane, || format!("{subject:?}"))
            },
        ),
    ]
}
