//! Forged, foreign and misplaced session tokens of Clerk.

use anteroom_security::Table;
use anteroom_stand_ins::clerk::{FOREIGN_KEY, ISSUER, SECRET_KEY};
use anteroom_stand_ins::jwt;
use anteroom_testing::{Event, PAGE};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{LONG, Own, World, with};

const ENDPOINT: &str = "liveblocks-auth";
const COOKIE: &str = "__session";
const INVALID: (u64, &str) = (401, "The session token is not valid");
const NOBODY: (u64, &str) = (404, "User not found");
const CANNOT_TELL: (u64, &str) =
    (503, "A service we depend on is not responding. Try again shortly");
const SERVED: [&str; 2] = ["clerk user", "liveblocks identify-user"];

/// The key of the instance, so that Clerk's JWKS is never fetched. `World` lets Clerk sign with it.
const FIXED_KEY: Own =
    &[("CLERK_JWT_KEY", include_str!("../../../stand-ins/keys/clerk-instance.public.pem"))];

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Clerk tokens", &world);
    for (tried, token) in forged(&world) {
        let attack = Attack::new(format!("{tried}, in the header"), &bearer(&world, &token));
        attacks.add(attack.refused(INVALID.0, INVALID.1)).await;
        let attack = Attack::new(format!("{tried}, in the cookie"), &cookie(&world, &token));
        let (status, message) = if is_of_another_instance(&token) { NOBODY } else { INVALID };
        attacks.add(attack.refused(status, message)).await;
    }
    for (tried, changes) in signed_out() {
        let token = token(&world, &changes);
        let event = bearer(&world, &token);
        attacks.add(Attack::new(tried, &event).refused(NOBODY.0, NOBODY.1)).await;
    }
    for attack in of_a_fixed_key(&world) {
        attacks.add(attack.with(FIXED_KEY)).await;
    }
    for attack in unknown_keys(&world) {
        attacks.add(attack).await;
    }
    for (tried, event, (status, message)) in misplaced(&world) {
        attacks.add(Attack::new(tried, &event).refused(status, message)).await;
    }
    for (tried, event) in without_effect(&world) {
        let attack = Attack::new(tried, &event).calling(&SERVED);
        attacks.add(attack.served(200, "as the token's own user", is_jane)).await;
    }
    attacks.table()
}

fn bearer(world: &World, token: &str) -> Event {
    world.to(ENDPOINT).bearer(token)
}

fn cookie(world: &World, token: &str) -> Event {
    world.to(ENDPOINT).cookie(COOKIE, token)
}

/// Whether a token names another issuer. In a cookie, it is the cookie of another instance on the same
/// domain, and is passed over.
fn is_of_another_instance(token: &str) -> bool {
    let claims = jwt::claims(token).unwrap_or_default();
    claims["iss"].as_str().is_some_and(|issuer| issuer != ISSUER)
}

fn is_jane(body: &Value) -> Result<(), String> {
    let claims = body["token"].as_str().and_then(jwt::claims).unwrap_or_default();
    let is_jane = claims["uid"] == "jane.doe@example.com" && claims["ui"]["name"] == "Jane Doe";
    ensure(is_jane, || claims.to_string())
}

/// Jane's claims with changes, which are good for longer than the tests take.
fn claims(world: &World, changes: &Value) -> Value {
    let claims = world.clerk.claims_for("jane");
    let issued = claims["iat"].as_u64().expect("a time");
    with(&with(&claims, &json!({ "exp": issued + LONG.unsigned_abs() })), changes)
}

fn token(world: &World, changes: &Value) -> String {
    world.clerk.sign(&world.clerk.header(), &claims(world, changes))
}

fn good(world: &World) -> String {
    token(world, &json!({}))
}

/// A claim with a value of its own, even `null`.
fn with_claim(world: &World, name: &str, value: Value) -> String {
    let mut claims = claims(world, &json!({}));
    claims[name] = value;
    world.clerk.sign(&world.clerk.header(), &claims)
}

fn with_header(world: &World, changes: &Value) -> String {
    world.clerk.sign(&with(&world.clerk.header(), changes), &claims(world, &json!({})))
}

/// Tokens that are refused wherever they are.
fn forged(world: &World) -> Vec<(String, String)> {
    let mut forged: Vec<(String, String)> = Vec::new();
    forged.extend(algorithms(world));
    forged.extend(headers(world));
    forged.extend(false_claims(world));
    forged.extend(encodings(world).into_iter().map(|(tried, token)| (tried.to_owned(), token)));
    forged
}

fn algorithms(world: &World) -> Vec<(String, String)> {
    let (header, claims) = (world.clerk.header(), claims(world, &json!({})));
    let alg = |alg: &str| with(&header, &json!({ "alg": alg }));
    let public = world.clerk.jwt_key();
    let jwk = anteroom_stand_ins::clerk::INSTANCE_KEY.jwk();
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let mut tokens = vec![
        ("`none` without a signature".to_owned(), jwt::unsigned(&alg("none"), &claims)),
        ("`nOnE` without a signature".to_owned(), jwt::unsigned(&alg("nOnE"), &claims)),
        ("an empty algorithm".to_owned(), jwt::unsigned(&alg(""), &claims)),
        ("`none` with a genuine signature".to_owned(), world.clerk.sign(&alg("none"), &claims)),
        ("RS256 without a signature".to_owned(), jwt::unsigned(&alg("RS256"), &claims)),
        (
            "HS256 with the public key's PEM".to_owned(),
            jwt::hmac_signed(&alg("HS256"), &claims, public.as_bytes()),
        ),
        (
            "HS256 with the public key's modulus".to_owned(),
            jwt::hmac_signed(&alg("HS256"), &claims, &modulus),
        ),
        ("HS256 with an empty secret".to_owned(), jwt::hmac_signed(&alg("HS256"), &claims, b"")),
        (
            "an HMAC that claims to be RS256".to_owned(),
            jwt::hmac_signed(&alg("RS256"), &claims, public.as_bytes()),
        ),
    ];
    for name in ["RS384", "RS512", "PS256", "ES256", "ES256K", "EdDSA", "rs256", "RS256 "] {
        let token = world.clerk.sign(&alg(name), &claims);
        tokens.push((format!("`{name}` over an RS256 signature"), token));
    }
    for (tried, value) in [
        ("no algorithm", json!(null)),
        ("a list as the algorithm", json!(["RS256"])),
        ("a number as the algorithm", json!(256)),
    ] {
        let mut header = header.clone();
        header["alg"] = value;
        tokens.push((tried.to_owned(), world.clerk.sign(&header, &claims)));
    }
    tokens
}

fn headers(world: &World) -> Vec<(String, String)> {
    let (header, claims) = (world.clerk.header(), claims(world, &json!({})));
    let foreign = |changes: &Value| world.clerk.sign_foreign(&with(&header, changes), &claims);
    let key = FOREIGN_KEY.jwk();
    let mut tokens = vec![
        ("another instance's signature under our key's id".to_owned(), foreign(&json!({}))),
        (
            "`jku` that names a key set of one's own".to_owned(),
            foreign(&json!({ "jku": "https://evil.example/.well-known/jwks.json" })),
        ),
        (
            "`x5u` that names a certificate of one's own".to_owned(),
            foreign(&json!({ "x5u": "https://evil.example/x5u.pem" })),
        ),
        ("`jwk` with a key of one's own".to_owned(), foreign(&json!({ "jwk": key }))),
        (
            "`x5c` with a certificate of one's own".to_owned(),
            foreign(&json!({ "x5c": [BASE64_STANDARD.encode("certificate")] })),
        ),
        ("no key id".to_owned(), with_header(world, &json!({ "kid": null }))),
        ("a number as the key id".to_owned(), with_header(world, &json!({ "kid": 1 }))),
        ("a list of key ids".to_owned(), with_header(world, &json!({ "kid": [header["kid"]] }))),
    ];
    for crit in [json!([]), json!(["exp"]), json!(["b64"]), json!(""), json!({})] {
        tokens.push((format!("`crit` {crit}"), with_header(world, &json!({ "crit": crit }))));
    }
    for typ in ["at+jwt", "JWE", "jwt", "dpop+jwt", ""] {
        tokens.push((format!("the type `{typ}`"), with_header(world, &json!({ "typ": typ }))));
    }
    for cat in ["cl_B7d4PD222AAA", "oauth_token", "m2m_token", "cl_b7d4pd111aaa", ""] {
        tokens.push((format!("the category `{cat}`"), with_header(world, &json!({ "cat": cat }))));
    }
    tokens
        .push(("a number as the category".to_owned(), with_header(world, &json!({ "cat": 111 }))));
    tokens
}

fn false_claims(world: &World) -> Vec<(String, String)> {
    let now = world.clerk.claims_for("jane")["iat"].as_u64().expect("a time");
    let claims = vec![
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{ISSUER}/"))),
        ("iss", json!(format!("{ISSUER}.evil.example"))),
        ("iss", json!(ISSUER.to_uppercase())),
        ("iss", json!(ISSUER.replace("https", "http"))),
        ("iss", json!("")),
        ("iss", json!(1)),
        ("iss", json!([ISSUER])),
        ("iss", json!({ "iss": ISSUER })),
        ("iss", json!(null)),
        ("azp", json!("https://evil.example")),
        ("azp", json!(format!("{PAGE}/"))),
        ("azp", json!(format!("{PAGE}.evil.example"))),
        ("azp", json!(PAGE.to_uppercase())),
        ("azp", json!("null")),
        ("azp", json!("*")),
        ("azp", json!("")),
        ("azp", json!(3000)),
        ("azp", json!([PAGE])),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!(["user_1"])),
        ("sub", json!("mch_2AnteroomMachine")),
        ("sub", json!("../users/user_1")),
        ("sid", json!(null)),
        ("sid", json!("")),
        ("sid", json!(1)),
        ("exp", json!(null)),
        ("exp", json!("4102444800")),
        ("exp", json!([4_102_444_800_u64])),
        ("exp", json!(true)),
        ("nbf", json!(now + 3600)),
        ("nbf", json!("0")),
        ("nbf", json!(null)),
        ("iat", json!(now + 3600)),
        ("iat", json!("now")),
        ("sts", json!(1)),
    ];
    let mut tokens: Vec<_> = claims
        .into_iter()
        .map(|(name, value)| {
            let tried = match &value {
                Value::Number(time) if *time == (now + 3600).into() => "in an hour".to_owned(),
                value => value.to_string(),
            };
            (format!("`{name}` {tried}"), with_claim(world, name, value))
        })
        .collect();
    for name in ["iss", "sub", "sid", "exp"] {
        let without = token(world, &json!({ name: null }));
        tokens.push((format!("no `{name}`"), without));
    }
    tokens
}

fn encodings(world: &World) -> Vec<(&'static str, String)> {
    let good = good(world);
    let [header, body, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let other = token(world, &json!({ "sid": "sess_other" }));
    let others = other.rsplit('.').next().unwrap();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let signed = |signature: &[u8]| format!("{header}.{body}.{}", encode(signature));
    let text = |claims: &str| world.clerk.sign_text(&world.clerk.header(), claims);
    let claims = claims(world, &json!({})).to_string();
    let twice = claims.replacen('{', "{\"sub\":\"user_2AnteroomEve\",", 1);
    vec![
        ("no token at all", "token".to_owned()),
        ("two parts", format!("{header}.{body}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as an encrypted token", format!("{good}.{signature}.{signature}")),
        ("an empty header", format!(".{body}.{signature}")),
        ("empty claims", format!("{header}..{signature}")),
        ("padding after the signature", format!("{good}=")),
        ("padding after the claims", format!("{header}.{body}=.{signature}")),
        ("the standard alphabet", BASE64_STANDARD.encode(&good)),
        (
            "unused bits that are set in the signature",
            format!("{header}.{body}.{}", non_canonical(signature)),
        ),
        ("a signature without its last byte", signed(&bytes[..bytes.len() - 1])),
        ("a signature with a byte more", signed(&[&bytes[..], &[0]].concat())),
        ("a signature behind a zero byte", signed(&[&[0], &bytes[..]].concat())),
        ("a signature of zeros", signed(&[0; 256])),
        ("a signature of ones", signed(&[0xff; 256])),
        ("a signature with one bit flipped", signed(&[&[bytes[0] ^ 1], &bytes[1..]].concat())),
        ("another token's signature", format!("{header}.{body}.{others}")),
        ("another user's claims", jwt::with_claims(&good, &json!({ "sub": "user_2AnteroomEve" }))),
        ("header and claims swapped", format!("{body}.{header}.{signature}")),
        ("a token in capitals", good.to_uppercase()),
        ("claims as a list", text("[]")),
        ("claims as a text", text("\"claims\"")),
        ("claims with more behind them", text(&format!("{claims} {{}}"))),
        ("claims behind a byte order mark", text(&format!("\u{feff}{claims}"))),
        ("two subjects in one token", text(&twice)),
        ("claims nested a thousand deep", text(&"[".repeat(1000))),
    ]
}

/// The same bytes in base64url with bits set that no byte has.
fn non_canonical(part: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = part.split_at(part.len() - 1);
    let at = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    format!("{start}{}", char::from(ALPHABET[at | 1]))
}

/// Genuine tokens of a session that has ended or has not begun.
fn signed_out() -> Vec<(&'static str, Value)> {
    vec![
        ("an expired token", json!({ "exp": 1_700_000_000 })),
        ("a token that expires before the epoch", json!({ "exp": -1 })),
        ("a token that expires at zero", json!({ "exp": 0 })),
        ("a pending session", json!({ "sts": "pending" })),
        ("a session of a state that there is not", json!({ "sts": "ACTIVE" })),
        ("a session without a state's name", json!({ "sts": "" })),
    ]
}

fn of_a_fixed_key(world: &World) -> Vec<Attack> {
    let (header, claims) = (world.clerk.header(), claims(world, &json!({})));
    let hmac = with(&header, &json!({ "alg": "HS256" }));
    let invalid = |tried: &str, token: &str| {
        Attack::new(format!("{tried}, with a fixed key"), &bearer(world, token))
            .refused(INVALID.0, INVALID.1)
    };
    vec![
        invalid(
            "HS256 with the fixed key's PEM",
            &jwt::hmac_signed(&hmac, &claims, FIXED_KEY[0].1.as_bytes()),
        ),
        invalid(
            "HS256 with the fixed key's PEM on one line",
            &jwt::hmac_signed(&hmac, &claims, FIXED_KEY[0].1.replace('\n', "\\n").as_bytes()),
        ),
        invalid(
            "HS256 with the secret key",
            &jwt::hmac_signed(&hmac, &claims, SECRET_KEY.as_bytes()),
        ),
        invalid("`none`", &jwt::unsigned(&json!({ "alg": "none" }), &claims)),
        invalid("another instance's signature", &world.clerk.sign_foreign(&header, &claims)),
        invalid(
            "another instance's signature under its own key's id",
            &world.clerk.sign_foreign(&with(&header, &json!({ "kid": FOREIGN_KEY.kid })), &claims),
        ),
        invalid("WorkOS's token", &world.workos.access_token("jane")),
    ]
}

/// Tokens whose key's id Clerk does not have. Clerk is asked once, and then not for a while, in which
/// nobody can tell whether a key is new.
fn unknown_keys(world: &World) -> Vec<Attack> {
    let of_kid = |kid: &str| with_header(world, &json!({ "kid": kid }));
    let mut attacks = vec![
        Attack::new("WorkOS's token", &bearer(world, &world.workos.access_token("jane")))
            .refused(INVALID.0, INVALID.1)
            .calling(&["clerk jwks"]),
    ];
    for kid in
        ["ins_unknown", "../../dev/null", "' OR 1=1 --", "https://evil.example/jwks.json", ""]
    {
        let attack = Attack::new(
            format!("the key id `{kid}`, half a minute after another unknown one"),
            &bearer(world, &of_kid(kid)),
        );
        attacks.push(attack.refused(CANNOT_TELL.0, CANNOT_TELL.1));
    }
    attacks
}

/// Tokens that are good, in a place where they do not count, or next to one that is not good.
fn misplaced(world: &World) -> Vec<(&'static str, Event, (u64, &'static str))> {
    let (good, other) = (good(world), token(world, &json!({ "sid": "sess_other" })));
    let forged = jwt::with_signature(&good, "AAAA");
    let event = || world.to(ENDPOINT);
    let key: anteroom::clerk::PublishableKey = world.clerk.publishable_key().parse().unwrap();
    let suffix = key.cookie_suffix().to_owned();
    let suffixed = format!("{COOKIE}_{suffix}");
    let without_party = token(world, &json!({ "azp": null }));
    vec![
        (
            "a forged token in the header before a good cookie",
            cookie(world, &good).bearer(&forged),
            INVALID,
        ),
        (
            "an empty token in the header before a good cookie",
            cookie(world, &good).bearer(""),
            NOBODY,
        ),
        ("two good cookies that differ", cookie(world, &good).cookie(COOKIE, &other), INVALID),
        (
            "a forged cookie before a good one",
            cookie(world, &forged).cookie(COOKIE, &good),
            INVALID,
        ),
        (
            "a good cookie before a forged one",
            cookie(world, &good).cookie(COOKIE, &forged),
            INVALID,
        ),
        (
            "a planted cookie without a suffix before a good one with it",
            cookie(world, &forged).cookie(&suffixed, &good),
            INVALID,
        ),
        (
            "two different cookies with the suffix",
            event().cookie(&suffixed, &good).cookie(&suffixed, &other),
            INVALID,
        ),
        (
            "a cookie with another instance's suffix",
            event().cookie(&format!("{COOKIE}_AAAAAAAA"), &good),
            NOBODY,
        ),
        ("a cookie with an empty suffix", event().cookie(&format!("{COOKIE}_"), &good), NOBODY),
        (
            "a cookie with the suffix in capitals",
            event().cookie(&suffixed.to_uppercase(), &good),
            NOBODY,
        ),
        (
            "a cookie with more behind the suffix",
            event().cookie(&format!("{suffixed}x"), &good),
            NOBODY,
        ),
        ("a cookie's name in capitals", event().cookie("__SESSION", &good), NOBODY),
        ("a cookie's name with a prefix", event().cookie("__Host-__session", &good), NOBODY),
        ("the other provider's cookie", event().cookie("wos-session", &good), NOBODY),
        (
            "a handshake",
            event().cookie("__clerk_handshake", &good).query(&format!("__clerk_handshake={good}")),
            NOBODY,
        ),
        ("a token in the query", event().query(&format!("__session={good}&token={good}")), NOBODY),
        ("a token in the body", event().json(&json!({ "token": good, "__session": good })), NOBODY),
        (
            "a token in another header",
            event().header("x-authorization", &format!("Bearer {good}")),
            NOBODY,
        ),
        (
            "a forwarded token",
            event().header("x-forwarded-authorization", &format!("Bearer {good}")),
            NOBODY,
        ),
        (
            "headers that Clerk's middleware sets",
            event().header("x-clerk-auth-status", "signed-in").header("x-clerk-auth-token", &good),
            NOBODY,
        ),
        ("a token without a scheme", event().header("authorization", &good), NOBODY),
        (
            "the scheme in small letters",
            event().header("authorization", &format!("bearer {good}")),
            NOBODY,
        ),
        ("another scheme", event().header("authorization", &format!("Basic {good}")), NOBODY),
        (
            "a tab after the scheme",
            event().header("authorization", &format!("Bearer\t{good}")),
            INVALID,
        ),
        (
            "two tokens in one header",
            event().header("authorization", &format!("Bearer {good},Bearer {good}")),
            INVALID,
        ),
        (
            "a token and a parameter",
            event().header("authorization", &format!("Bearer {good}; a=1")),
            INVALID,
        ),
        (
            "a list as the header",
            event().with("/headers/authorization", json!([format!("Bearer {good}")])),
            INVALID,
        ),
        (
            "two headers that differ in case",
            bearer(world, &good).with("/headers/Authorization", json!(format!("Bearer {good}"))),
            INVALID,
        ),
        (
            "a NUL in the header",
            event().header("authorization", &format!("Bearer {good}\u{0}")),
            INVALID,
        ),
        (
            "a session that was signed out of since",
            cookie(world, &good).cookie("__client_uat", "0"),
            NOBODY,
        ),
        (
            "a sign-out that cannot be read",
            cookie(world, &good).cookie("__client_uat", "never"),
            NOBODY,
        ),
        (
            "a sign-out far in the future",
            cookie(world, &good).cookie("__client_uat", "4102444800"),
            NOBODY,
        ),
        (
            "a sign-out behind one that is older",
            cookie(world, &good).cookie("__client_uat", "1").cookie("__client_uat", "4102444800"),
            NOBODY,
        ),
        ("a token without a party in the header", bearer(world, &without_party), INVALID),
        (
            "a token without a party in the cookie of a request without an origin",
            cookie(world, &without_party).without_header("origin"),
            INVALID,
        ),
        (
            "a token without a party, and a referer instead of an origin",
            cookie(world, &without_party).without_header("origin").header("referer", PAGE),
            INVALID,
        ),
    ]
}

/// Requests of Jane's that try to become somebody else.
fn without_effect(world: &World) -> Vec<(&'static str, Event)> {
    let good = good(world);
    let body = json!({
        "userId": "eve@example.com", "userInfo": { "name": "Eve" }, "groupIds": ["admins"],
        "sub": "user_2AnteroomEve", "tenantId": "other",
    });
    let injected = with_header(
        world,
        &json!({ "jku": "https://evil.example/jwks.json", "jwk": FOREIGN_KEY.jwk(), "x5u": "file:///etc/passwd" }),
    );
    vec![
        ("another user's id in the body", bearer(world, &good).json(&body)),
        (
            "another user's id in the query",
            bearer(world, &good).query("userId=eve@example.com&sub=user_eve"),
        ),
        (
            "another user's id in headers",
            bearer(world, &good)
                .header("x-user-id", "user_eve")
                .header("x-clerk-user-id", "user_eve"),
        ),
        ("a good header before a forged cookie", cookie(world, "forged").bearer(&good)),
        ("a genuine token that names keys elsewhere", bearer(world, &injected)),
        (
            "an authorizer's claims in the event",
            bearer(world, &good).with(
                "/requestContext/authorizer",
                json!({ "jwt": { "claims": { "sub": "user_eve" } } }),
            ),
        ),
    ]
}
