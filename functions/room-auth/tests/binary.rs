//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::API_KEY;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::livekit::stored_keys;
use anteroom_testing::mistakes::{HOSTILE_NAMES, LONE_SURROGATE, MALFORMED_NAMES, with_field};
use anteroom_testing::sessions::{COOKIE, expired_session, sealed};
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Answer, Event, Identity, OUTAGES, RoomWorld};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_room-auth");

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "room-auth.json",
    event_status: 200,
    success: 200,
    room_field: "roomId",
    required_settings: &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"],
    malformed_settings: &[
        ("ALLOWED_ORIGINS", "everybody.example"),
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_SECRET", "hunter2"),
        ("LIVEKIT_IDENTITY", "auth0"),
        ("ROOM_NAMESPACE", "organisation"),
        ("ROOM_OWN_METADATA", "of course"),
        ("STAGE", "production"),
    ],
    livekit_calls: &[],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT);

fn good_input(_: &RoomWorld) -> Value {
    json!({ "username": "John Doe", "roomId": "room123" })
}

fn token(answer: &Answer) -> String {
    let body = answer.success();
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{body}");
    body["token"].as_str().expect("a token").to_owned()
}

fn claims(answer: &Answer) -> Value {
    jwt::claims(&token(answer)).expect("claims")
}

#[tokio::test]
async fn an_invalid_username_is_400_and_no_token_is_issued() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let too_long = ["x".repeat(129), "字".repeat(86)].map(|name| json!(name).to_string());
    for name in MALFORMED_NAMES.map(str::to_owned).into_iter().chain(too_long) {
        let body = with_field(&input, "username", &name);
        let event = world.event_of("jane", &input).body("application/json", &body);
        let (status, message) = world.ask(&event).await.refusal();
        assert_eq!(status, 400, "{name}");
        assert!(
            message.contains("`username`") || name.contains(LONE_SURROGATE),
            "{message} for {name}"
        );
    }
    let answer = world.ask(&world.event_of("jane", &json!({ "roomId": "room123" }))).await;
    assert_eq!(answer.refusal(), (400, "`username` is missing".to_owned()));
    let answer = world.ask(&world.event_of("jane", &json!({}))).await;
    assert_eq!(answer.refusal().0, 400);
    let twice = r#"{"username":"John Doe","roomId":"room123","roomId":"room124"}"#;
    let answer = world.ask(&world.event_of("jane", &input).body("application/json", twice)).await;
    assert_eq!(answer.refusal().0, 400);
}

#[tokio::test]
async fn the_token_grants_exactly_one_room_for_ten_minutes() {
    let world = RoomWorld::start(BINARY).await;
    let session = world.workos().claims_for("jane");
    let bearer = world.workos().sign(&world.workos().header(), &session);
    let event = world.event().bearer(&bearer).json(&good_input(&world));
    let token = token(&world.ask(&event).await);

    assert_eq!(jwt::header(&token), Some(json!({ "alg": "HS256", "typ": "JWT" })));
    let claims = jwt::claims(&token).expect("claims");
    let (from, identity) = (&claims["nbf"], claims["sub"].as_str().expect("an identity"));
    let from = from.as_u64().expect("a whole number of seconds");
    let expected = json!({
        "iss": API_KEY, "sub": identity, "name": "John Doe", "nbf": from, "exp": from + 600,
        "video": {
            "roomJoin": true, "room": "room123", "canPublish": true, "canSubscribe": true,
        },
    });
    assert_eq!(claims, expected, "this and nothing more");
    // The session's token was made a moment ago.
    let now = session["iat"].as_u64().expect("a time");
    assert!((now..now + 60).contains(&from), "{from} is not now");

    let (user, device) = identity.rsplit_once(':').expect("two parts");
    assert_eq!(json!(user), session["sub"]);
    assert_eq!(device.len(), 16, "{device}");
    assert!(device.bytes().all(|digit| digit.is_ascii_hexdigit()), "{device}");
}

#[tokio::test]
async fn livekit_admits_the_token_to_its_room_and_rejects_a_modified_one() {
    let world = RoomWorld::start(BINARY).await;
    let token = token(&world.ask(&world.event_of("jane", &good_input(&world))).await);
    let mut claims = jwt::claims(&token).expect("claims");
    let seat = world.livekit.seat(&token).expect("a seat");
    assert_eq!((seat.room.as_str(), seat.name.as_str()), ("room123", "John Doe"));
    assert_eq!(json!(seat.identity), claims["sub"]);

    claims["video"]["room"] = json!("another");
    let (start, signature) = token.rsplit_once('.').expect("a signature");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    for changed in [
        jwt::with_claims(&token, &claims),
        jwt::unsigned(&json!({ "alg": "none" }), &claims),
        format!("{start}.{first}{}", &signature[1..]),
        format!("{start}."),
    ] {
        let (status, _) = world.livekit.seat(&changed).expect_err("a changed token");
        assert_eq!(status, 401, "{changed}");
    }
}

#[tokio::test]
async fn names_have_no_special_meaning() {
    let world = RoomWorld::start(BINARY).await;
    let jane = world.user_id("jane");
    let long = "x".repeat(128);
    let wide = "é".repeat(128);
    for name in HOSTILE_NAMES.into_iter().chain([jane.as_str(), &long, &wide]) {
        let input = json!({ "username": name, "roomId": name });
        let answer = world.ask(&world.event_of("member_of_two", &input)).await;
        let seat = world.livekit.seat(&token(&answer)).expect(name);
        assert_eq!((seat.room.as_str(), seat.name.as_str()), (name, name));
        let user = world.user_id("member_of_two");
        assert!(seat.identity.starts_with(&format!("{user}:")), "{} for {name}", seat.identity);
    }
}

#[tokio::test]
async fn other_fields_are_ignored() {
    let world = RoomWorld::start(BINARY).await;
    let bearer = world.workos().access_token("jane");
    let plain = good_input(&world);
    let mut greedy = plain.clone();
    let wishes = json!({
        "identity": "user_eve", "sub": "user_eve", "name": "Eve", "metadata": "{\"admin\":true}",
        "attributes": { "role": "admin" }, "ttl": "100d", "exp": 4_102_444_800_u64, "kind": "agent",
        "roomAdmin": true, "roomCreate": true, "roomRecord": true, "hidden": true,
        "room": "another", "roomName": "another", "organizationId": "org_1",
        "video": { "roomAdmin": true, "room": "" }, "grants": { "roomAdmin": true },
        "roomConfig": { "name": "another" }, "sip": { "admin": true },
    });
    let wishes = wishes.as_object().expect("an object").clone();
    greedy.as_object_mut().expect("an object").extend(wishes);
    let ask = async |input: &Value| {
        let event = world.event().bearer(&bearer).query("roomAdmin=true&room=another").json(input);
        let mut claims = claims(&world.ask(&event).await);
        let lifetime = claims["exp"].as_u64().zip(claims["nbf"].as_u64());
        assert_eq!(lifetime.map(|(end, start)| end - start), Some(600));
        for time in ["exp", "nbf"] {
            claims[time] = json!("now");
        }
        claims
    };
    assert_eq!(ask(&greedy).await, ask(&plain).await);
}

#[tokio::test]
async fn a_session_is_the_same_participant_before_and_after_a_refresh() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let session = expired_session(world.workos(), "jane", None);
    let expired = jwt::claims(session["access_token"].as_str().expect("a token")).expect("claims");
    let mut earlier = expired.clone();
    earlier["exp"] = json!(expired["iat"].as_u64().expect("a time") + 300);
    let earlier = world.workos().sign(&world.workos().header(), &earlier);

    let before = claims(&world.ask(&world.event().bearer(&earlier).json(&input)).await);
    let cookie = sealed(world.settings(), &session).await;
    let refreshing = world.ask(&world.event().cookie(COOKIE, &cookie).json(&input)).await;
    let refreshed = refreshing.cookie().value;
    let after = world.ask(&world.event().cookie(COOKIE, &refreshed).json(&input)).await;
    assert_eq!(after.cookies(), [], "the refreshed session is good");
    assert_eq!(claims(&refreshing)["sub"], before["sub"]);
    assert_eq!(claims(&after)["sub"], before["sub"]);
    let text = before.to_string();
    assert!(!text.contains(expired["sid"].as_str().expect("an id")), "the session's id is private");
}

#[tokio::test]
async fn different_sessions_and_users_are_different_participants() {
    let world = RoomWorld::start(BINARY).await;
    let input = good_input(&world);
    let identity = async |event: &Event| claims(&world.ask(event).await)["sub"].clone();
    let phone = world.event_of("jane", &input);
    let laptop = world.event_of("jane", &input);
    let (on_phone, on_laptop) = (identity(&phone).await, identity(&laptop).await);
    assert_eq!(identity(&phone).await, on_phone, "a reload");
    assert_ne!(on_phone, on_laptop, "two devices of one user");

    // Somebody else, even with the id of the same session.
    let mut claims = world.workos().claims_for("without_organization");
    let same_session = jwt::claims(&world.workos().access_token("jane")).expect("claims");
    let header = world.workos().header();
    let janes = world.workos().sign(&header, &same_session);
    claims["sid"] = same_session["sid"].clone();
    let others = world.workos().sign(&header, &claims);
    let janes = identity(&world.event().bearer(&janes).json(&input)).await;
    let others = identity(&world.event().bearer(&others).json(&input)).await;
    assert_ne!(janes, others);
}

#[tokio::test]
async fn a_clerk_participants_identity_names_the_user_and_the_session() {
    let world = RoomWorld::start_with(BINARY, &[("LIVEKIT_IDENTITY", "clerk")]).await;
    let input = good_input(&world);
    let identity = async |event: &Event| claims(&world.ask(event).await)["sub"].clone();
    let (phone, laptop) = (world.event_of("jane", &input), world.event_of("jane", &input));
    let on_phone = identity(&phone).await;
    let (user, device) = on_phone.as_str().and_then(|it| it.rsplit_once(':')).expect("two parts");
    assert_eq!(user, world.user_id("jane"));
    assert!(device.len() == 16 && device.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_eq!(identity(&phone).await, on_phone, "a reload");
    assert_ne!(identity(&laptop).await, on_phone, "two devices of one user");
}

#[tokio::test]
async fn without_the_configured_permission_a_participant_only_watches_and_listens() {
    for identity in [Identity::WorkOs, Identity::Clerk] {
        let permission = identity.recording_permission();
        let own = [("LIVEKIT_IDENTITY", identity.name()), ("ROOM_PUBLISH_PERMISSION", permission)];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let input = good_input(&world);
        let video = async |event: &Event| claims(&world.ask(event).await)["video"].clone();
        let watching = json!({
            "roomJoin": true, "room": "room123", "canSubscribe": true,
            "canPublish": false, "canPublishData": false,
        });
        let longer = format!("{permission}:all");
        for permissions in [&[][..], &["recordings"], &["org:recordings"], &[&longer]] {
            let event = world.event_with_permissions(permissions, &input);
            assert_eq!(video(&event).await, watching, "{permissions:?}");
        }
        assert_eq!(video(&world.event_of("without_organization", &input)).await, watching);
        let speaking = video(&world.event_of("jane", &input)).await;
        assert_eq!(speaking["canPublish"], json!(true));
        assert_eq!(speaking.get("canPublishData"), None, "it goes with the others");
    }
}

#[tokio::test]
async fn participants_may_change_their_own_metadata_if_configured() {
    for (setting, granted) in [("true", Some(&json!(true))), ("false", None), ("", None)] {
        let world = RoomWorld::start_with(BINARY, &[("ROOM_OWN_METADATA", setting)]).await;
        let event = world.event_of("jane", &good_input(&world));
        let claims = claims(&world.ask(&event).await);
        assert_eq!(claims["video"].get("canUpdateOwnMetadata"), granted, "{setting}");
    }
}

#[tokio::test]
async fn with_isolated_rooms_organizations_cannot_join_each_others_rooms() {
    for identity in [Identity::WorkOs, Identity::Clerk] {
        let own = [("ROOM_NAMESPACE", "organization"), ("LIVEKIT_IDENTITY", identity.name())];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let (masadas, taunta) =
            (world.organization_id("MASADAS"), world.organization_id("TAUNTA SCRE"));
        let room = async |organization: &str, room: &str| {
            let input = json!({ "username": "John Doe", "roomId": room });
            let answer = world.ask(&world.event_in("member_of_two", organization, &input)).await;
            world.livekit.seat(&token(&answer)).expect("a seat").room
        };
        assert_eq!(room("MASADAS", "room123").await, format!("{masadas}:room123"));
        assert_eq!(room("TAUNTA SCRE", "room123").await, format!("{taunta}:room123"));
        let borrowed = format!("{masadas}:room123");
        assert_eq!(room("TAUNTA SCRE", &borrowed).await, format!("{taunta}:{borrowed}"));
        let ascending = format!("../{masadas}:room123");
        assert_eq!(room("TAUNTA SCRE", &ascending).await, format!("{taunta}:{ascending}"));
    }
}

#[tokio::test]
async fn the_longest_room_name_that_fits_after_the_organization_prefix_is_accepted() {
    let world = RoomWorld::start_with(BINARY, &[("ROOM_NAMESPACE", "organization")]).await;
    let organization = world.organization_id("Example");
    let left = 256 - organization.len() - ":".len();
    // Two bytes each, and one character of one byte where the number is odd.
    let longest = "é".repeat(left / 2) + &"x".repeat(left % 2);
    let input = |room: &str| json!({ "username": "John Doe", "roomId": room });
    let answer = world.ask(&world.event_of("jane", &input(&longest))).await;
    let seat = world.livekit.seat(&token(&answer)).expect("a seat");
    assert_eq!(seat.room, format!("{organization}:{longest}"));
    let longer = longest + "x";
    assert_eq!(world.ask(&world.event_of("jane", &input(&longer))).await.refusal().0, 400);
}

#[tokio::test]
async fn livekit_is_never_called_and_its_url_is_optional() {
    let world = RoomWorld::start_with(BINARY, &[("LIVEKIT_URL", "")]).await;
    let event = world.event_of("jane", &good_input(&world));
    for (fault, _) in OUTAGES {
        world.livekit.inject(fault);
        assert_eq!(world.ask(&event).await.status(), 200, "{fault:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn unreachable_workos_signing_keys_sign_nobody_out() {
    let world = RoomWorld::start(BINARY).await;
    world.workos().inject(Fault::Down.on("/sso/jwks/"));
    let another = world.another().await;
    let event = world.event_of("jane", &good_input(&world));
    assert_eq!(Answer::of(&another, &event).await.refusal().0, 503);
    world.workos().clear_faults();
}

#[tokio::test]
async fn a_process_that_starts_after_a_rotation_signs_with_the_new_key() {
    let manager = SecretsManager::start().await.expect("a free port");
    let secret = "a newer secret, of thirty-two bytes and more";
    let put = |key: &str, secret: &str| {
        let keys = json!({ "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret });
        manager.put("livekit", keys);
    };
    put("APIOlder", "an older secret, of thirty-two bytes and more");
    let world = RoomWorld::start_with(BINARY, &stored_keys(&manager.settings())).await;
    let event = world.event_of("jane", &good_input(&world));
    assert_eq!(claims(&world.ask(&event).await)["iss"], "APIOlder");

    put("APINewer", secret);
    world.livekit.rotate_keys("APINewer", secret);
    let token = token(&Answer::of(&world.another().await, &event).await);
    assert_eq!(world.livekit.seat(&token).expect("a seat").room, "room123");
}

#[tokio::test]
async fn a_secret_with_a_trailing_newline_signs_valid_tokens() {
    let manager = SecretsManager::start().await.expect("a free port");
    let (key, secret) = ("APIWithLineEnd", "a secret that an editor ended with a line end");
    let (long_key, long_secret) = (format!("{key}\n"), format!("{secret}\r\n"));
    manager
        .put("livekit", json!({ "LIVEKIT_API_KEY": long_key, "LIVEKIT_API_SECRET": long_secret }));
    let manager = manager.settings();
    let variables =
        [("LIVEKIT_API_KEY", long_key.as_str()), ("LIVEKIT_API_SECRET", long_secret.as_str())];
    for own in [stored_keys(&manager), variables.to_vec()] {
        let world = RoomWorld::start_with(BINARY, &own).await;
        world.livekit.rotate_keys(key, secret);
        let event = world.event_of("jane", &good_input(&world));
        let token = token(&world.ask(&event).await);
        assert_eq!(world.livekit.seat(&token).expect("a seat").room, "room123");
    }
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = RoomWorld::start(BINARY).await;
    let input = json!({ "username": "John Doe", "roomId": "doctor-visit" });
    let session = expired_session(world.workos(), "jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).json(&input)).await;
    let (token, refreshed) = (token(&answer), answer.cookie().value);
    let wrong = json!({ "username": "John\nDoe", "roomId": "doctor-visit" });
    assert_eq!(world.ask(&world.event_of("jane", &wrong)).await.status(), 400);
    assert_eq!(world.ask(&world.event().json(&input)).await.status(), 401);
    let jane = world.user_id("jane");
    let private = ["John", "Doe", "doctor", &jane, &token, &cookie, &refreshed];
    world.logs_nothing_of(3, &private).await;
}
