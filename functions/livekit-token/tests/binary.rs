//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_stand_ins::clerk::{self, User};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::mistakes::{LONE_SURROGATE, MALFORMED_NAMES, with_field};
use anteroom_testing::sessions::{COOKIE, expired_session, sealed};
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Answer, Event, Identity, RoomWorld};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_livekit-token");

const CLERKS_PUBLIC_KEY: &str = include_str!("../../../stand-ins/keys/clerk-instance.public.pem");

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "livekit-token.json",
    event_status: 201,
    success: 201,
    room_field: "room_name",
    required_settings: &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"],
    malformed_settings: &[
        ("ALLOWED_ORIGINS", "everybody.example"),
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_SECRET", "hunter2"),
        ("LIVEKIT_IDENTITY", "auth0"),
        ("LIVEKIT_PUBLIC_URL", "ws://livekit.example.com"),
        ("ROOM_NAMESPACE", "organisation"),
        ("ROOM_OWN_METADATA", "of course"),
        ("STAGE", "production"),
    ],
    livekit_calls: &[],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT);

fn good_input(_: &RoomWorld) -> Value {
    json!({ "room_name": "room123", "participant_name": "John Doe" })
}

fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status(), 201, "{}", answer.text());
    answer.body()
}

/// The token in an answer.
fn token(answer: &Answer) -> String {
    body(answer)["participant_token"].as_str().expect("a token").to_owned()
}

/// The claims of the token in an answer, which has nothing else but this address.
fn claims_at(answer: &Answer, url: &str) -> Value {
    let body = body(answer);
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
    assert_eq!(body["server_url"], url);
    jwt::claims(&token(answer)).expect("claims")
}

/// The address of the world's LiveKit, as participants are told it.
fn url(world: &RoomWorld) -> String {
    world.livekit.url().replacen("http", "ws", 1)
}

#[tokio::test]
async fn an_invalid_participant_name_is_400() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let too_long = ["x".repeat(129), "字".repeat(86)].map(|name| json!(name).to_string());
    for name in MALFORMED_NAMES.map(str::to_owned).into_iter().chain(too_long) {
        // As good as none at all.
        if matches!(name.as_str(), "null" | "\"\"") {
            continue;
        }
        let body = with_field(&input, "participant_name", &name);
        let event = world.event_of("jane", &input).body("application/json", &body);
        let (status, message) = world.ask(&event).await.refusal();
        assert_eq!(status, 400, "{name}");
        assert!(
            message.contains("`participant_name`") || name.contains(LONE_SURROGATE),
            "{message} for {name}"
        );
    }
}

#[tokio::test]
async fn the_token_matches_room_auths_and_comes_with_the_servers_url() {
    for identity in [Identity::WorkOs, Identity::Clerk] {
        let own = [("LIVEKIT_IDENTITY", identity.name())];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let answer = world.ask(&world.event_of("jane", &good_input(&world))).await;
        let claims = claims_at(&answer, &url(&world));
        let subject = claims["sub"].as_str().expect("an identity");
        assert!(subject.starts_with(&format!("{}:", world.user_id("jane"))), "{subject}");
        assert_eq!(claims["name"], "John Doe");
        let lifetime = claims["exp"].as_u64().zip(claims["nbf"].as_u64());
        assert_eq!(lifetime.map(|(end, start)| end - start), Some(600));
        let video = json!({
            "roomJoin": true, "room": "room123", "canPublish": true, "canSubscribe": true,
        });
        assert_eq!(claims["video"], video);
        assert_eq!(world.livekit.seat(&token(&answer)).expect("a seat").room, "room123");
    }
}

#[tokio::test]
async fn other_requested_grants_are_ignored() {
    let world = RoomWorld::start(BINARY).await;
    let token = world.token_of("jane");
    let plain = good_input(&world);
    let mut greedy = plain.clone();
    let wishes = json!({
        "participant_identity": "user_eve", "participant_metadata": "{\"admin\":true}",
        "participant_attributes": { "role": "admin" },
        "room_config": {
            "name": "another", "agents": [{ "agentName": "spy" }], "metadata": "x",
            "egress": { "room": { "fileOutputs": [{ "filepath": "x" }] } },
        },
        "roomName": "another", "username": "Eve", "ttl": "100d",
        "video": { "roomAdmin": true }, "grants": { "roomAdmin": true },
    });
    greedy.as_object_mut().expect("an object").extend(wishes.as_object().expect("one").clone());
    let ask = async |input: &Value| {
        let event = world.event().bearer(&token).json(input);
        let mut claims = claims_at(&world.ask(&event).await, &url(&world));
        for time in ["exp", "nbf"] {
            claims[time] = json!("now");
        }
        claims
    };
    assert_eq!(ask(&greedy).await, ask(&plain).await);
}

#[tokio::test]
async fn a_participant_without_a_name_gets_the_name_from_the_provider() {
    for absent in
        [json!({}), json!({ "participant_name": "" }), json!({ "participant_name": null })]
    {
        let mut input = absent;
        input["room_name"] = json!("room123");
        for identity in [Identity::WorkOs, Identity::Clerk] {
            let own = [("LIVEKIT_IDENTITY", identity.name())];
            let world = RoomWorld::start_with(BINARY, &own).await;
            let name = async |event: &Event| {
                claims_at(&world.ask(event).await, &url(&world))["name"].clone()
            };
            assert_eq!(name(&world.event_of("jane", &input)).await, "Jane Doe");
            assert_eq!(name(&world.cookie_event_of("jane", &input).await).await, "Jane Doe");
            let nameless = world.event_of("without_organization", &input);
            assert_eq!(name(&nameless).await, world.user_id("without_organization"));
        }
    }
}

/// As deployed: Clerk's public key is a setting, and its secret key is in Secrets Manager.
#[tokio::test]
async fn clerks_users_are_read_even_if_its_public_key_is_a_setting() {
    let manager = SecretsManager::start().await.expect("a free port");
    manager.put("clerk", json!({ "CLERK_SECRET_KEY": clerk::SECRET_KEY }));
    let manager = manager.settings();
    let mut own: Vec<_> =
        manager.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    own.extend([
        ("LIVEKIT_IDENTITY", "clerk"),
        ("CLERK_JWT_KEY", CLERKS_PUBLIC_KEY),
        ("CLERK_SECRET_KEY", ""),
        ("CLERK_SECRET_ID", "clerk"),
    ]);
    let world = RoomWorld::start_with(BINARY, &own).await;
    let answer = world.ask(&world.event_of("jane", &json!({ "room_name": "room123" }))).await;
    assert_eq!(claims_at(&answer, &url(&world))["name"], "Jane Doe");
}

#[tokio::test]
async fn a_name_in_the_cookie_or_in_the_request_needs_no_call() {
    let world = RoomWorld::start(BINARY).await;
    let nameless = json!({ "room_name": "room123" });
    let calls =
        || world.workos().hits("GET", &format!("/user_management/users/{}", world.user_id("jane")));
    for (event, expected) in [
        (world.cookie_event_of("jane", &nameless).await, 0),
        (world.event_of("jane", &good_input(&world)), 0),
        (world.event_of("jane", &nameless), 1),
    ] {
        assert_eq!(world.ask(&event).await.status(), 201);
        assert_eq!(calls(), expected, "{event:?}");
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_503_and_a_blocked_user_is_403() {
    let nameless = json!({ "room_name": "room123" });
    let world = RoomWorld::start(BINARY).await;
    world.workos().inject(Fault::Down.on("/user_management/users/"));
    assert_eq!(world.ask(&world.event_of("jane", &nameless)).await.refusal().0, 503);

    let world = RoomWorld::start_with(BINARY, &[("LIVEKIT_IDENTITY", "clerk")]).await;
    world.clerk().inject(Fault::Down.on("/v1/users/"));
    assert_eq!(world.ask(&world.event_of("jane", &nameless)).await.refusal().0, 503);
    world.clerk().clear_faults();
    let banned = world.event().bearer(&world.clerk().session_token("banned")).json(&nameless);
    let refused = (403, "This user is banned or locked".to_owned());
    assert_eq!(world.ask(&banned).await.refusal(), refused);
    // The session of a user who is gone is good for another minute, as in `room-auth`.
    world.clerk().add_user(User::new("gone"));
    let gone = world.event().bearer(&world.clerk().session_token("gone")).json(&nameless);
    world.clerk().remove_user("gone");
    let claims = claims_at(&world.ask(&gone).await, &url(&world));
    assert_eq!(claims["name"], User::new("gone").id);
}

#[tokio::test]
async fn participants_get_the_public_url() {
    for (settings, expected) in [
        (&[("LIVEKIT_PUBLIC_URL", "wss://rtc.example.com")][..], "wss://rtc.example.com"),
        (
            &[("LIVEKIT_PUBLIC_URL", "https://rtc.example.com/"), ("LIVEKIT_URL", "")],
            "wss://rtc.example.com",
        ),
        (&[("LIVEKIT_URL", "https://one.livekit.cloud")], "wss://one.livekit.cloud"),
    ] {
        let world = RoomWorld::start_with(BINARY, settings).await;
        let answer = world.ask(&world.event_of("jane", &good_input(&world))).await;
        claims_at(&answer, expected);
        assert_eq!(world.asked(), [""; 0], "LiveKit is never asked");
    }
}

#[tokio::test]
async fn rights_are_the_same_as_in_room_auth() {
    let own = [("ROOM_PUBLISH_PERMISSION", "rooms:speak"), ("ROOM_OWN_METADATA", "true")];
    let world = RoomWorld::start_with(BINARY, &own).await;
    let event = world.event_of("jane", &good_input(&world));
    let claims = claims_at(&world.ask(&event).await, &url(&world));
    let video = json!({
        "roomJoin": true, "room": "room123", "canSubscribe": true, "canPublish": false,
        "canPublishData": false, "canUpdateOwnMetadata": true,
    });
    assert_eq!(claims["video"], video);
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = RoomWorld::start(BINARY).await;
    let nameless = json!({ "room_name": "doctor-visit" });
    let session = expired_session(world.workos(), "jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).json(&nameless)).await;
    let (token, refreshed) = (token(&answer), answer.cookie().value);
    assert_eq!(world.ask(&world.event_of("jane", &nameless)).await.status(), 201);
    assert_eq!(world.ask(&world.event().json(&nameless)).await.status(), 401);
    let jane = world.user_id("jane");
    let private = ["Jane", "Doe", "doctor", &jane, &token, &cookie, &refreshed];
    world.logs_nothing_of(3, &private).await;
}
