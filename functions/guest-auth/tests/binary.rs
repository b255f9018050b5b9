//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::livekit::{invitation, now, stored_keys, with_settings};
use anteroom_testing::mistakes::{HOSTILE_NAMES, LONE_SURROGATE, MALFORMED_NAMES, with_field};
use anteroom_testing::sessions::{COOKIE, sealed};
use anteroom_testing::{Answer, Event, RoomWorld, malformed_requests};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_guest-auth");

const NEWER_KEY: &str = "APINewer";
const NEWER_SECRET: &str = "a newer secret, of thirty-two bytes and more";

const MOMENT: Duration = Duration::ZERO;

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

/// An invitation to `room123` that this world's function accepts.
async fn good_invitation(world: &RoomWorld) -> String {
    invitation(world.settings(), &json!({ "roomId": "room123" }), MOMENT).await
}

async fn world_with(own: &[(&str, &str)]) -> (RoomWorld, String) {
    let world = RoomWorld::start_with(BINARY, own).await;
    let invitation = good_invitation(&world).await;
    (world, invitation)
}

fn event(world: &RoomWorld, invitation: &str) -> Event {
    world.event().json(&json!({ "invitation": invitation, "username": "Gus Guest" }))
}

fn token(answer: &Answer) -> String {
    let body = answer.success();
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{body}");
    body["token"].as_str().expect("a token").to_owned()
}

async fn assert_refused(world: &RoomWorld, invitation: &str, why: &str) {
    let answer = world.ask(&event(world, invitation)).await;
    let message = if why == "expired" {
        "This invitation has expired"
    } else {
        "This invitation is not valid"
    };
    assert_eq!(answer.refusal(), (401, message.to_owned()), "{why}");
    assert_eq!(answer.cookies(), [], "{why}");
}

#[tokio::test]
async fn malformed_requests_are_rejected() {
    let (world, invitation) = world_with(&[]).await;
    for (event, status) in malformed_requests(&event(&world, &invitation)) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
}

#[tokio::test]
async fn a_malformed_invitation_or_name_is_400() {
    let (world, invitation) = world_with(&[]).await;
    for other in [json!(null), json!(7), json!(true), json!([invitation]), json!({})] {
        let event = world.event().json(&json!({ "invitation": other, "username": "Gus" }));
        let refusal = world.ask(&event).await.refusal();
        assert_eq!(refusal, (400, "`invitation` is not valid".to_owned()), "{other}");
    }
    let event = world.event().json(&json!({ "username": "Gus" }));
    assert_eq!(world.ask(&event).await.refusal(), (400, "`invitation` is missing".to_owned()));
    let event = world.event().json(&json!({ "invitation": invitation }));
    assert_eq!(world.ask(&event).await.refusal(), (400, "`username` is missing".to_owned()));

    let input = json!({ "invitation": invitation, "username": "Gus" });
    let too_long = ["x".repeat(129), "字".repeat(86)].map(|name| json!(name).to_string());
    for name in MALFORMED_NAMES.map(str::to_owned).into_iter().chain(too_long) {
        let body = with_field(&input, "username", &name);
        let (status, message) =
            world.ask(&world.event().body("application/json", &body)).await.refusal();
        assert_eq!(status, 400, "{name}");
        assert!(message.contains("`username`") || name.contains(LONE_SURROGATE), "{message}");
    }
}

#[tokio::test]
async fn without_a_configured_permission_no_guest_is_admitted() {
    let (world, invitation) = world_with(&[("ROOM_INVITE_PERMISSION", "")]).await;
    for text in [invitation.as_str(), "not an invitation"] {
        let refusal = world.ask(&event(&world, text)).await.refusal();
        assert_eq!(refusal, (403, "Guests are not admitted".to_owned()));
    }
}

#[tokio::test]
async fn a_text_that_is_not_an_invitation_is_401() {
    let (world, invitation) = world_with(&[]).await;
    let claims = jwt::claims(&invitation).expect("claims");
    let header = jwt::header(&invitation).expect("a header");
    let sign =
        |header: &Value, claims: &Value| jwt::hmac_signed(header, claims, API_SECRET.as_bytes());
    let jwt_header = json!({ "alg": "HS256", "typ": "JWT" });
    let join = json!({
        "iss": API_KEY, "sub": "user_1:0123456789abcdef", "name": "Eve", "exp": now() + 600,
        "nbf": now(), "video": { "roomJoin": true, "room": "room123" },
    });
    let session = world.workos().sign_in("jane", None);
    let cookie = sealed(world.settings(), &session).await;
    for (why, text) in [
        ("empty", String::new()),
        ("no token", "an invitation".to_owned()),
        ("three parts", "a.b.c".to_owned()),
        ("a join token", sign(&jwt_header, &join)),
        ("a join token of that type", sign(&header, &join)),
        ("signed with the secret itself", sign(&header, &claims)),
        ("signed with the secret itself, as a plain token", sign(&jwt_header, &claims)),
        ("a cookie's seal", cookie),
        ("a session's token", world.workos().access_token("jane")),
        ("too long", format!("{invitation}{}", "A".repeat(2048))),
        ("a control character", format!("{invitation}\n")),
        ("unsigned", jwt::unsigned(&json!({ "alg": "none", "typ": header["typ"] }), &claims)),
    ] {
        assert_refused(&world, &text, why).await;
    }
}

#[tokio::test]
async fn a_tampered_invitation_is_401() {
    let (world, invitation) = world_with(&[]).await;
    let claims = jwt::claims(&invitation).expect("claims");
    let header = jwt::header(&invitation).expect("a header");
    for (name, value) in [
        ("room", json!("another")),
        ("exp", json!(now() + 1_000_000)),
        ("canPublish", json!(false)),
        ("inviter", json!("user_eve")),
        ("iss", json!("APIAnother")),
        ("iss", json!(null)),
    ] {
        let mut changed = claims.clone();
        changed[name] = value;
        assert_refused(&world, &jwt::with_claims(&invitation, &changed), name).await;
    }
    for (name, value) in [
        ("alg", json!("HS512")),
        ("alg", json!("none")),
        ("alg", json!("RS256")),
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("crit", json!(["exp"])),
        ("kid", json!("1")),
    ] {
        let mut changed = header.clone();
        changed[name] = value;
        assert_refused(&world, &jwt::with_header(&invitation, &changed), name).await;
    }
    let (start, signature) = invitation.rsplit_once('.').expect("a signature");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    for changed in [
        format!("{start}.{first}{}", &signature[1..]),
        format!("{start}."),
        start.to_owned(),
        format!("{start}.{}", &signature[..20]),
        format!(" {invitation}"),
    ] {
        assert_refused(&world, &changed, "its signature").await;
    }
    assert_eq!(world.ask(&event(&world, &invitation)).await.status(), 200);
}

#[tokio::test]
async fn another_deployments_invitation_is_401() {
    let (world, _) = world_with(&[("STAGE", "staging")]).await;
    for (name, value) in [
        ("STAGE", "dev"),
        ("STAGE", ""),
        ("LIVEKIT_URL", "wss://another.livekit.cloud"),
        ("LIVEKIT_URL", "ws://localhost:1"),
        ("ROOM_NAMESPACE", "organization"),
        ("LIVEKIT_API_SECRET", NEWER_SECRET),
        ("LIVEKIT_API_KEY", NEWER_KEY),
    ] {
        let theirs = with_settings(world.settings(), &[(name, value)]);
        let request = json!({ "roomId": "room123" });
        let theirs = invitation(&theirs, &request, MOMENT).await;
        assert_refused(&world, &theirs, name).await;
    }
}

#[tokio::test]
async fn an_expired_invitation_is_401() {
    let (world, _) = world_with(&[]).await;
    for (valid, age) in [(1, 1), (24, 25), (168, 168)] {
        let request = json!({ "roomId": "room123", "hours": valid });
        let old = invitation(world.settings(), &request, hours(age)).await;
        assert_refused(&world, &old, "expired").await;
    }
    // Its signature counts first.
    let old = invitation(world.settings(), &json!({ "roomId": "room123" }), hours(25)).await;
    let mut claims = jwt::claims(&old).expect("claims");
    claims["room"] = json!("another");
    assert_refused(&world, &jwt::with_claims(&old, &claims), "expired and tampered").await;
}

#[tokio::test]
async fn the_token_lets_a_guest_into_that_room_for_ten_minutes() {
    let (world, invitation) = world_with(&[]).await;
    let before = now();
    let token = token(&world.ask(&event(&world, &invitation)).await);
    assert_eq!(jwt::header(&token), Some(json!({ "alg": "HS256", "typ": "JWT" })));
    let claims = jwt::claims(&token).expect("claims");
    let (from, identity) = (claims["nbf"].as_u64().expect("seconds"), claims["sub"].clone());
    assert!((before..=now()).contains(&from), "{from}");
    let expected = json!({
        "iss": API_KEY, "sub": identity, "name": "Gus Guest", "nbf": from, "exp": from + 600,
        "video": {
            "roomJoin": true, "room": "room123", "canPublish": true, "canSubscribe": true,
        },
    });
    assert_eq!(claims, expected, "this and nothing more");
    let digits = identity.as_str().and_then(|it| it.strip_prefix("guest:")).expect("a guest");
    assert!(digits.len() >= 16 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{digits}");
    let seat = world.livekit.seat(&token).expect("a seat");
    assert_eq!((seat.room.as_str(), seat.name.as_str()), ("room123", "Gus Guest"));
    assert_eq!(world.asked(), [""; 0], "LiveKit is not called");
}

#[tokio::test]
async fn the_token_ends_with_the_invitation() {
    let (world, _) = world_with(&[]).await;
    let ago = Duration::from_mins(58);
    let request = json!({ "roomId": "room123", "hours": 1 });
    let nearly_over = invitation(world.settings(), &request, ago).await;
    let end = jwt::claims(&nearly_over).expect("claims")["exp"].clone();
    let token = token(&world.ask(&event(&world, &nearly_over)).await);
    assert_eq!(jwt::claims(&token).expect("claims")["exp"], end);
}

#[tokio::test]
async fn an_invitation_is_for_any_number_of_guests_each_with_an_identity_of_their_own() {
    let (world, invitation) = world_with(&[]).await;
    let mut identities = Vec::new();
    for _ in 0..5 {
        let token = token(&world.ask(&event(&world, &invitation)).await);
        identities.push(world.livekit.join(&token).expect("a seat").identity);
    }
    assert_eq!(world.livekit.identities("room123"), identities, "nobody is evicted");
}

#[tokio::test]
async fn an_invitation_to_watch_gives_no_right_to_publish() {
    let (world, _) = world_with(&[]).await;
    let request = json!({ "roomId": "room123", "canPublish": false });
    let invitation = invitation(world.settings(), &request, MOMENT).await;
    let token = token(&world.ask(&event(&world, &invitation)).await);
    let watching = json!({
        "roomJoin": true, "room": "room123", "canSubscribe": true,
        "canPublish": false, "canPublishData": false,
    });
    assert_eq!(jwt::claims(&token).expect("claims")["video"], watching);
}

#[tokio::test]
async fn guests_may_change_their_own_metadata_if_configured() {
    for (setting, granted) in [("true", Some(&json!(true))), ("false", None), ("", None)] {
        let (world, invitation) = world_with(&[("ROOM_OWN_METADATA", setting)]).await;
        let token = token(&world.ask(&event(&world, &invitation)).await);
        let claims = jwt::claims(&token).expect("claims");
        assert_eq!(claims["video"].get("canUpdateOwnMetadata"), granted, "{setting}");
    }
}

#[tokio::test]
async fn a_guest_may_have_any_name_and_is_recognized_by_the_identity() {
    let (world, invitation) = world_with(&[]).await;
    let jane = world.user_id("jane");
    for name in HOSTILE_NAMES.into_iter().chain(["Jane Doe", &jane]) {
        let input = json!({
            "invitation": invitation, "username": name, "identity": jane, "room": "another",
            "roomId": "another", "canPublish": false, "roomAdmin": true, "exp": 4_102_444_800_u64,
        });
        let answer = world.ask(&world.event().json(&input)).await;
        let seat = world.livekit.seat(&token(&answer)).expect(name);
        assert_eq!((seat.name.as_str(), seat.room.as_str()), (name, "room123"));
        assert!(seat.identity.starts_with("guest:"), "{}", seat.identity);
    }
}

#[tokio::test]
async fn a_session_changes_nothing() {
    let (world, invitation) = world_with(&[]).await;
    let good = sealed(world.settings(), &world.workos().sign_in("jane", None)).await;
    let event = event(&world, &invitation);
    for event in [
        event.clone().bearer(&world.workos().access_token("jane")),
        event.clone().bearer("not a token"),
        event.clone().cookie(COOKIE, &good),
        event.clone().cookie(COOKIE, "not a seal"),
        event.clone().without_header("origin"),
    ] {
        let answer = world.ask(&event).await;
        let seat = world.livekit.seat(&token(&answer)).expect("a seat");
        assert!(seat.identity.starts_with("guest:"), "{}", seat.identity);
        assert_eq!(answer.cookies(), []);
    }
    let bearer = world.workos().access_token("jane");
    let without = world.event().bearer(&bearer).json(&json!({ "username": "Jane" }));
    assert_eq!(world.ask(&without).await.refusal().0, 400, "a session is no invitation");
}

#[tokio::test]
async fn the_documented_event_has_a_made_up_invitation() {
    let (world, invitation) = world_with(&[]).await;
    let event = Event::documented("guest-auth.json");
    assert_eq!(world.ask(&event).await.refusal().0, 401);
    let body = json!({ "invitation": invitation, "username": "Gus Guest" });
    assert_eq!(world.ask(&event.json(&body)).await.status(), 200);
}

#[tokio::test]
async fn a_rotation_with_the_previous_pair_keeps_invitations_valid_and_one_without_it_ends_them() {
    let previous = [
        ("LIVEKIT_API_KEY", NEWER_KEY),
        ("LIVEKIT_API_SECRET", NEWER_SECRET),
        ("LIVEKIT_API_KEY_PREVIOUS", API_KEY),
        ("LIVEKIT_API_SECRET_PREVIOUS", API_SECRET),
    ];
    for (settings, accepted) in [(&previous[..], true), (&previous[..2], false)] {
        let world = RoomWorld::start_with(BINARY, settings).await;
        let before = [("LIVEKIT_API_KEY", API_KEY), ("LIVEKIT_API_SECRET", API_SECRET)];
        let before = with_settings(world.settings(), &before);
        let old = invitation(&before, &json!({ "roomId": "room123" }), MOMENT).await;
        if accepted {
            world.livekit.rotate_keys(NEWER_KEY, NEWER_SECRET);
            let token = token(&world.ask(&event(&world, &old)).await);
            assert!(world.livekit.seat(&token).is_ok(), "the current pair signs");
        } else {
            assert_refused(&world, &old, "rotated").await;
        }
        let new = good_invitation(&world).await;
        assert_eq!(world.ask(&event(&world, &new)).await.status(), 200);
    }
}

#[tokio::test]
async fn a_newer_key_pair_is_read_before_an_invitation_is_rejected() {
    let manager = SecretsManager::start().await.expect("a free port");
    let old = json!({ "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET });
    manager.put("livekit", &old);
    let world = RoomWorld::start_with(BINARY, &stored_keys(&manager.settings())).await;
    let keys = |key, secret| [("LIVEKIT_API_KEY", key), ("LIVEKIT_API_SECRET", secret)];
    let request = json!({ "roomId": "room123" });
    let before = with_settings(world.settings(), &keys(API_KEY, API_SECRET));
    let before = invitation(&before, &request, MOMENT).await;
    let after = with_settings(world.settings(), &keys(NEWER_KEY, NEWER_SECRET));
    let after = invitation(&after, &request, MOMENT).await;
    assert_eq!(world.ask(&event(&world, &before)).await.status(), 200);

    manager.put(
        "livekit",
        json!({
            "LIVEKIT_API_KEY": NEWER_KEY, "LIVEKIT_API_SECRET": NEWER_SECRET,
            "LIVEKIT_API_KEY_PREVIOUS": API_KEY, "LIVEKIT_API_SECRET_PREVIOUS": API_SECRET,
        }),
    );
    assert_eq!(world.ask(&event(&world, &after)).await.status(), 200, "the newer pair");
    assert_eq!(world.ask(&event(&world, &before)).await.status(), 200, "the previous one");

    // Without the secret, nobody can tell whether an unknown pair is ours.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    manager.stop().await;
    let unknown = with_settings(world.settings(), &keys("APIUnknown", NEWER_SECRET));
    let unknown = invitation(&unknown, &request, MOMENT).await;
    assert_eq!(world.ask(&event(&world, &unknown)).await.refusal().0, 503);
    assert_eq!(world.ask(&event(&world, &before)).await.status(), 200, "known pairs are known");
}

#[tokio::test]
async fn keys_come_from_secrets_manager_which_may_be_unreachable_at_startup() {
    let manager = SecretsManager::start().await.expect("a free port");
    let keys = json!({ "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET });
    manager.put("livekit", keys);
    manager.stop().await;
    let world = RoomWorld::start_with(BINARY, &stored_keys(&manager.settings())).await;
    let own = [("LIVEKIT_API_KEY", API_KEY), ("LIVEKIT_API_SECRET", API_SECRET)];
    let settings = with_settings(world.settings(), &own);
    let invitation = invitation(&settings, &json!({ "roomId": "room123" }), MOMENT).await;
    assert_eq!(world.ask(&event(&world, &invitation)).await.refusal().0, 503);
    manager.restart().await.expect("the same port");
    assert_eq!(world.ask(&event(&world, &invitation)).await.status(), 200);
}

#[tokio::test]
async fn stops_at_start_and_names_every_missing_or_malformed_setting_in_one_line() {
    let line = refused_settings(&[]).await;
    for name in ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"] {
        assert!(line.contains(&format!("{name} is missing")), "{name} is not in {line}");
    }
    for half in ["LIVEKIT_API_KEY_PREVIOUS", "LIVEKIT_API_SECRET_PREVIOUS"] {
        let line = refused_settings(&[(half, "hunter2")]).await;
        assert!(line.contains("LIVEKIT_API_SECRET_PREVIOUS must both be"), "{line}");
    }
    let malformed = [
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_KEY_PREVIOUS", "hunter two"),
        ("LIVEKIT_API_SECRET", "hunter3"),
        ("LIVEKIT_URL", "ws://hunter4.example.com"),
        ("ROOM_NAMESPACE", "hunter5"),
        ("ROOM_OWN_METADATA", "hunter6"),
        ("STAGE", "hunter7"),
    ];
    let line = refused_settings(&malformed).await;
    for (name, value) in malformed {
        assert!(line.contains(name), "{name} is not in {line}");
        assert!(!line.contains(value), "the value of {name} is in {line}");
    }
}

async fn refused_settings(settings: &[(&str, &str)]) -> String {
    let Err(StartError::Refused { logs, .. }) =
        Instance::start(BINARY, settings.iter().copied()).await
    else {
        panic!("it started");
    };
    let [line] = &logs[..] else {
        panic!("not one line: {logs:?}");
    };
    line.clone()
}

#[tokio::test]
async fn logs_name_neither_the_invitation_nor_the_guest_nor_the_room() {
    let (world, _) = world_with(&[]).await;
    let request = json!({ "roomId": "doctor-visit" });
    let good = invitation(world.settings(), &request, MOMENT).await;
    let token = token(&world.ask(&event(&world, &good)).await);
    let claims = jwt::claims(&token).expect("claims");
    let identity = claims["sub"].as_str().expect("an identity").to_owned();
    let expired = invitation(world.settings(), &request, hours(30)).await;
    for (text, status) in [(expired.as_str(), 401), (&good[1..], 401)] {
        assert_eq!(world.ask(&event(&world, text)).await.status(), status);
    }
    let (_, signature) = good.rsplit_once('.').expect("a signature");
    let private = ["doctor", "Gus", "Guest", &identity, signature, "user_01ANTER00MJANE"];
    world.logs_nothing_of(3, &private).await;
}
