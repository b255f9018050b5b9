//! Invitations: forged, tampered, expired, of another deployment, or something else in their place.

use std::time::Duration;

use anteroom_security::Table;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET, webhook_token};
use anteroom_stand_ins::workos::{INVITE_PERMISSION, MODERATE_PERMISSION};
use anteroom_testing::Event;
use anteroom_testing::livekit::{invitation, now};
use anteroom_testing::sessions::{COOKIE, sealed};
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{JANE_ID, Own, World, with};

const GUEST: &str = "guest-auth";
const INVITE: &str = "invite-guest";

const INVALID: (u64, &str) = (401, "This invitation is not valid");
const EXPIRED: (u64, &str) = (401, "This invitation has expired");
const NOT_ALLOWED: (u64, &str) = (403, "You are not allowed to invite guests");
const CLOSED: Own = &[("ROOM_INVITE_PERMISSION", "")];
const SPEAKERS_ONLY: Own = &[("ROOM_PUBLISH_PERMISSION", "rooms:speak")];

const MOMENT: Duration = Duration::ZERO;

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Invitations", &world);
    let good = invitation(&world.settings, &json!({ "roomId": "daily" }), MOMENT).await;
    for (tried, text) in forged(&world, &good).await {
        let attack = Attack::new(tried, &guest(&world, &text));
        attacks.add(attack.refused(INVALID.0, INVALID.1)).await;
    }
    for (tried, own) in other_deployments() {
        let theirs = world.settings_with(&[own]);
        let theirs = invitation(&theirs, &json!({ "roomId": "daily" }), MOMENT).await;
        let attack = Attack::new(format!("the invitation of {tried}"), &guest(&world, &theirs));
        attacks.add(attack.refused(INVALID.0, INVALID.1)).await;
    }
    for attack in expired_and_closed(&world, &good).await {
        attacks.add(attack).await;
    }
    for attack in misuses(&world, &good) {
        attacks.add(attack).await;
    }
    for attack in invitings(&world) {
        attacks.add(attack).await;
    }
    attacks.table()
}

fn guest(world: &World, invitation: &str) -> Event {
    world.to(GUEST).json(&json!({ "invitation": invitation, "username": "Gus Guest" }))
}

fn sign(header: &Value, claims: &Value) -> String {
    jwt::hmac_signed(header, claims, API_SECRET.as_bytes())
}

async fn forged(world: &World, good: &str) -> Vec<(String, String)> {
    let (header, claims) = (jwt::header(good).unwrap(), jwt::claims(good).unwrap());
    let plain = json!({ "alg": "HS256", "typ": "JWT" });
    let join = json!({
        "iss": API_KEY, "sub": "user_1:0123456789abcdef", "exp": now() + 600, "nbf": now(),
        "video": { "roomJoin": true, "room": "daily" },
    });
    let seal = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    let (start, signature) = good.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let mut forged: Vec<(String, String)> = [
        ("an empty text", String::new()),
        ("no token", "an invitation".to_owned()),
        ("three parts", "a.b.c".to_owned()),
        ("a join token", sign(&plain, &join)),
        ("a join token of an invitation's type", sign(&header, &join)),
        ("an invitation that is signed with the secret itself", sign(&header, &claims)),
        ("the same as a plain token", sign(&plain, &claims)),
        (
            "an invitation that is signed with the key's name",
            jwt::hmac_signed(&header, &claims, API_KEY.as_bytes()),
        ),
        ("an invitation that is signed with nothing", jwt::hmac_signed(&header, &claims, b"")),
        (
            "an unsigned invitation",
            jwt::unsigned(&with(&header, &json!({ "alg": "none" })), &claims),
        ),
        ("a webhook's token", webhook_token(API_KEY, API_SECRET, b"{}")),
        ("a session's token", world.workos.access_token("jane")),
        ("Clerk's token", world.clerk.session_token("jane")),
        ("a session's seal", seal),
        ("an invitation and a NUL", format!("{good}\u{0}")),
        ("an invitation behind a space", format!(" {good}")),
        ("an invitation with a scheme", format!("Bearer {good}")),
        ("an invitation and 2,048 letters", format!("{good}{}", "A".repeat(2048))),
        ("a signature with another first letter", format!("{start}.{first}{}", &signature[1..])),
        ("a signature cut short", format!("{start}.{}", &signature[..20])),
        ("no signature", format!("{start}.")),
        ("two parts", start.to_owned()),
        ("a fourth part", format!("{good}.{signature}")),
        ("padding", format!("{good}=")),
    ]
    .map(|(tried, text)| (tried.to_owned(), text))
    .into();
    for (name, value) in [
        ("room", json!("other")),
        ("room", json!("")),
        ("exp", json!(4_102_444_800_u64)),
        ("canPublish", json!(false)),
        ("inviter", json!("user_eve")),
        ("iss", json!("APIOther")),
        ("iss", json!(null)),
    ] {
        let mut changed = claims.clone();
        changed[name] = value.clone();
        forged.push((format!("`{name}` changed to {value}"), jwt::with_claims(good, &changed)));
    }
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("crit", json!(["exp"])),
        ("kid", json!("../../dev/null")),
    ] {
        let mut changed = header.clone();
        changed[name] = value.clone();
        forged.push((format!("`{name}` changed to {value}"), jwt::with_header(good, &changed)));
    }
    forged
}

fn other_deployments() -> Vec<(&'static str, (&'static str, &'static str))> {
    vec![
        ("another stage", ("STAGE", "staging")),
        ("no stage", ("STAGE", "")),
        ("another server", ("LIVEKIT_URL", "wss://another.livekit.cloud")),
        ("another port", ("LIVEKIT_URL", "ws://127.0.0.1:1")),
        ("another namespace", ("ROOM_NAMESPACE", "organization")),
        ("another secret", ("LIVEKIT_API_SECRET", "another secret, of thirty-two bytes or more")),
        ("another key", ("LIVEKIT_API_KEY", "APIAnother")),
    ]
}

async fn expired_and_closed(world: &World, good: &str) -> Vec<Attack> {
    let hour = Duration::from_hours(1);
    let request = json!({ "roomId": "daily", "hours": 1 });
    let expired = invitation(&world.settings, &request, hour).await;
    let long_ago = invitation(&world.settings, &request, hour * 1000).await;
    let mut claims = jwt::claims(&expired).unwrap();
    claims["exp"] = json!(now() + 600);
    vec![
        Attack::new("an invitation that has just expired", &guest(world, &expired))
            .refused(EXPIRED.0, EXPIRED.1),
        Attack::new("an invitation of long ago", &guest(world, &long_ago))
            .refused(EXPIRED.0, EXPIRED.1),
        Attack::new(
            "an expired invitation with a later end",
            &guest(world, &jwt::with_claims(&expired, &claims)),
        )
        .refused(INVALID.0, INVALID.1),
        Attack::new("a good invitation after the setting was removed", &guest(world, good))
            .with(CLOSED)
            .refused(403, "Guests are not admitted"),
    ]
}

/// A good invitation where something else is needed, and with wishes.
fn misuses(world: &World, good: &str) -> Vec<Attack> {
    let input = json!({ "username": "Gus Guest", "roomId": "daily" });
    let greedy = json!({
        "invitation": good, "username": "Gus Guest", "identity": "user_01ANTER00MJANE:0123456789abcdef",
        "roomId": "other", "room": "other", "canPublish": true, "roomAdmin": true, "hidden": true,
        "metadata": "x", "ttl": "100d",
    });
    let mut attacks = vec![
        Attack::new(
            "a good invitation as the session",
            &world.to("room-auth").bearer(good).json(&input),
        )
        .refused(401, "The access token is not valid"),
        Attack::new(
            "a good invitation as the session's cookie",
            &world.to("room-auth").cookie(COOKIE, good).json(&input),
        )
        .refused(401, "The session is not valid. Sign in again")
        .clearing(COOKIE),
        Attack::new(
            "a good invitation to invite others with",
            &world.to(INVITE).bearer(good).json(&input),
        )
        .refused(401, "The access token is not valid"),
        Attack::new("a good invitation with wishes", &world.to(GUEST).json(&greedy)).served(
            200,
            "as a guest in the invitation's room",
            |body| {
                let claims = body["token"].as_str().and_then(jwt::claims).unwrap_or_default();
                let video = json!({
                    "roomJoin": true, "room": "daily", "canPublish": true, "canSubscribe": true,
                });
                let subject = claims["sub"].as_str().unwrap_or_default();
                let is_guest = claims["video"] == video
                    && subject.starts_with("guest:")
                    && claims.get("metadata").is_none();
                ensure(is_guest, || claims.to_string())
            },
        ),
    ];
    for (tried, invitation) in [
        ("nothing", json!(null)),
        ("a number", json!(7)),
        ("a list", json!([good])),
        ("an object", json!({ "invitation": good })),
        ("true", json!(true)),
    ] {
        let event = world.to(GUEST).json(&json!({ "invitation": invitation, "username": "Gus" }));
        let attack = Attack::new(format!("{tried} as the invitation"), &event);
        attacks.push(attack.refused(400, "`invitation` is not valid"));
    }
    attacks
}

/// Requests for an invitation without the right to it, or with odd values.
fn invitings(world: &World) -> Vec<Attack> {
    let jane_with = |permissions: Value, input: &Value| {
        let claims = with(&world.workos.claims_for("jane"), &json!({ "permissions": permissions }));
        world.to(INVITE).bearer(&world.workos.sign(&world.workos.header(), &claims)).json(input)
    };
    let input = json!({ "roomId": "daily" });
    let refused = |tried: &str, event: &Event| {
        Attack::new(tried, event).refused(NOT_ALLOWED.0, NOT_ALLOWED.1)
    };
    let mut attacks = vec![
        refused("no permissions", &jane_with(json!([]), &input)),
        refused("another permission", &jane_with(json!([MODERATE_PERMISSION]), &input)),
        refused(
            "a longer permission",
            &jane_with(json!([format!("{INVITE_PERMISSION}s")]), &input),
        ),
        refused("the permission as a text", &jane_with(json!(INVITE_PERMISSION), &input)),
        refused(
            "the permission while none is configured",
            &jane_with(json!([INVITE_PERMISSION, ""]), &input),
        )
        .with(CLOSED),
        Attack::new("no session", &world.to(INVITE).json(&input)).refused(401, "Sign in first"),
    ];
    for hours in [
        json!(0),
        json!(-1),
        json!(169),
        json!(1.5),
        json!(1e300),
        json!("24"),
        json!([24]),
        json!({ "hours": 24 }),
        json!(true),
    ] {
        let event =
            jane_with(json!([INVITE_PERMISSION]), &with(&input, &json!({ "hours": hours })));
        let attack = Attack::new(format!("{hours} as the hours"), &event);
        attacks.push(attack.refused(400, "`hours` is not valid"));
    }
    for publish in [json!(1), json!("true"), json!([true])] {
        let event =
            jane_with(json!([INVITE_PERMISSION]), &with(&input, &json!({ "canPublish": publish })));
        let attack = Attack::new(format!("{publish} as the right to publish"), &event);
        attacks.push(attack.refused(400, "`canPublish` is not valid"));
    }
    let wish = with(
        &input,
        &json!({ "canPublish": true, "inviter": "user_eve", "exp": 4_102_444_800_u64 }),
    );
    let event = jane_with(json!([INVITE_PERMISSION]), &wish);
    attacks.push(
        Attack::new("a guest who may publish, of somebody who may not", &event)
            .with(SPEAKERS_ONLY)
            .served(200, "for a guest who may not publish either", |body| {
                let claims = body["invitation"].as_str().and_then(jwt::claims).unwrap_or_default();
                let is_bounded = claims["canPublish"] == false
                    && claims["inviter"] == JANE_ID
                    && claims["exp"].as_u64().is_some_and(|end| end <= now() + 24 * 3600);
                ensure(is_bounded, || claims.to_string())
            }),
    );
    attacks
}
