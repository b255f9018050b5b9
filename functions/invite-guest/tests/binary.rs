//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET};
use anteroom_testing::livekit::now;
use anteroom_testing::mistakes::HOSTILE_NAMES;
use anteroom_testing::suites::rooms::RoomEndpoint;
use anteroom_testing::{Answer, Identity, RoomWorld};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_invite-guest");

const ENDPOINT: RoomEndpoint = RoomEndpoint {
    identity: Identity::WorkOs,
    binary: BINARY,
    event: "invite-guest.json",
    event_status: 200,
    success: 200,
    room_field: "roomId",
    required_settings: &["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"],
    malformed_settings: &[
        ("ALLOWED_ORIGINS", "everybody.example"),
        ("LIVEKIT_API_KEY", "hunter one"),
        ("LIVEKIT_API_SECRET", "hunter2"),
        ("LIVEKIT_IDENTITY", "auth0"),
        ("LIVEKIT_URL", "ws://livekit.example.com"),
        ("ROOM_NAMESPACE", "organisation"),
        ("STAGE", "production"),
    ],
    livekit_calls: &[],
    good_input,
};

anteroom_testing::room_endpoint_suites!(ENDPOINT);

const BOTH: [Identity; 2] = [Identity::WorkOs, Identity::Clerk];

fn good_input(_: &RoomWorld) -> Value {
    json!({ "roomId": "room123" })
}

/// The invitation in a response, and when it expires.
fn invitation(answer: &Answer) -> (String, u64) {
    let body = answer.success();
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
    let text = body["invitation"].as_str().expect("an invitation").to_owned();
    (text, body["expiresAt"].as_u64().expect("whole seconds"))
}

fn claims(answer: &Answer) -> Value {
    jwt::claims(&invitation(answer).0).expect("claims")
}

#[tokio::test]
async fn without_the_permission_it_is_403() {
    for identity in BOTH {
        let world = RoomWorld::start_with(BINARY, &[("LIVEKIT_IDENTITY", identity.name())]).await;
        let input = good_input(&world);
        let permission = identity.invite_permission();
        let (longer, louder) = (format!("{permission}:all"), permission.to_uppercase());
        let others = [identity.recording_permission(), identity.moderate_permission()];
        let without = [&[][..], &["guests"], &["org:guests"], &[&longer], &[&louder], &others];
        let without = without.map(|permissions| world.event_with_permissions(permissions, &input));
        let people = [
            world.event_of("without_organization", &input),
            world.event_in("member_of_two", "MASADAS", &input),
        ];
        for event in without.into_iter().chain(people) {
            let refused = (403, "You are not allowed to invite guests".to_owned());
            assert_eq!(world.ask(&event).await.refusal(), refused, "{event:?}");
        }
        let event = world.event_with_permissions(&[permission], &input);
        assert_eq!(world.ask(&event).await.status(), 200);
    }
}

#[tokio::test]
async fn without_a_configured_permission_nobody_invites() {
    for identity in BOTH {
        let own = [("LIVEKIT_IDENTITY", identity.name()), ("ROOM_INVITE_PERMISSION", "")];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let input = good_input(&world);
        for event in [
            world.event_of("jane", &input),
            world.event_with_permissions(&["", identity.invite_permission(), "*"], &input),
        ] {
            let refused = (403, "You are not allowed to invite guests".to_owned());
            assert_eq!(world.ask(&event).await.refusal(), refused);
        }
    }
}

#[tokio::test]
async fn hours_that_are_not_a_whole_number_up_to_a_week_are_400() {
    let world = RoomWorld::start(BINARY).await;
    for hours in [
        json!(0),
        json!(169),
        json!(1.5),
        json!("24"),
        json!(-1),
        json!(true),
        json!([24]),
        json!({}),
        json!(u64::MAX),
        json!(0.999_999),
    ] {
        let event = world.event_of("jane", &json!({ "roomId": "room123", "hours": hours }));
        let refusal = world.ask(&event).await.refusal();
        assert_eq!(refusal, (400, "`hours` is not valid".to_owned()), "{hours}");
    }
    for can_publish in [json!("true"), json!(1), json!([])] {
        let input = json!({ "roomId": "room123", "canPublish": can_publish });
        let refusal = world.ask(&world.event_of("jane", &input)).await.refusal();
        assert_eq!(refusal, (400, "`canPublish` is not valid".to_owned()), "{input}");
    }
}

#[tokio::test]
async fn an_invitation_is_valid_for_the_hours_that_were_asked_for() {
    let world = RoomWorld::start(BINARY).await;
    for (input, hours) in [
        (json!({}), 24),
        (json!({ "hours": null }), 24),
        (json!({ "hours": 1 }), 1),
        (json!({ "hours": 24.0 }), 24),
        (json!({ "hours": 168 }), 168),
    ] {
        let mut body = good_input(&world);
        body.as_object_mut().expect("an object").extend(input.as_object().expect("it").clone());
        let before = now();
        let answer = world.ask(&world.event_of("jane", &body)).await;
        let (text, expires_at) = invitation(&answer);
        let expected = before + hours * 3600..=now() + hours * 3600;
        assert!(expected.contains(&expires_at), "{input}: {expires_at}");
        assert_eq!(jwt::claims(&text).expect("claims")["exp"], json!(expires_at));
    }
}

#[tokio::test]
async fn an_invitation_names_only_the_room_the_right_the_expiry_and_the_inviter() {
    for identity in BOTH {
        let world = RoomWorld::start_with(BINARY, &[("LIVEKIT_IDENTITY", identity.name())]).await;
        let answer = world.ask(&world.event_of("jane", &good_input(&world))).await;
        let (text, expires_at) = invitation(&answer);
        let header = json!({ "alg": "HS256", "typ": "anteroom-invitation+jwt" });
        assert_eq!(jwt::header(&text), Some(header));
        let expected = json!({
            "iss": API_KEY, "exp": expires_at, "room": "room123", "canPublish": true,
            "inviter": world.user_id("jane"),
        });
        assert_eq!(jwt::claims(&text), Some(expected));
    }
}

#[tokio::test]
async fn an_invitation_is_neither_a_livekit_token_nor_a_session() {
    let world = RoomWorld::start(BINARY).await;
    let (text, _) = invitation(&world.ask(&world.event_of("jane", &good_input(&world))).await);
    assert_eq!(world.livekit.seat(&text).expect_err("no join token").0, 401);
    let event = world.event().bearer(&text).json(&good_input(&world));
    assert_eq!(world.ask(&event).await.refusal().0, 401);
    // The API secret itself has not signed it.
    let claims = jwt::claims(&text).expect("claims");
    let header = jwt::header(&text).expect("a header");
    assert_ne!(jwt::hmac_signed(&header, &claims, API_SECRET.as_bytes()), text);
}

#[tokio::test]
async fn guests_may_publish_if_requested_and_if_the_inviter_may() {
    for identity in BOTH {
        let speak = if identity == Identity::Clerk { "org:rooms:speak" } else { "rooms:speak" };
        let invite = identity.invite_permission();
        for (setting, held, asked, expected) in [
            ("", &[invite][..], json!(null), true),
            ("", &[invite], json!(true), true),
            ("", &[invite], json!(false), false),
            (speak, &[invite, speak], json!(null), true),
            (speak, &[invite, speak], json!(true), true),
            (speak, &[invite, speak], json!(false), false),
            (speak, &[invite], json!(null), false),
            (speak, &[invite], json!(true), false),
            (speak, &[invite], json!(false), false),
        ] {
            let own = [("LIVEKIT_IDENTITY", identity.name()), ("ROOM_PUBLISH_PERMISSION", setting)];
            let world = RoomWorld::start_with(BINARY, &own).await;
            let input = json!({ "roomId": "room123", "canPublish": asked });
            let answer = world.ask(&world.event_with_permissions(held, &input)).await;
            assert_eq!(
                claims(&answer)["canPublish"],
                json!(expected),
                "{setting} {held:?} {input}"
            );
        }
    }
}

#[tokio::test]
async fn with_isolated_rooms_an_invitation_is_to_a_room_of_the_inviters_organization() {
    for identity in BOTH {
        let own = [("LIVEKIT_IDENTITY", identity.name()), ("ROOM_NAMESPACE", "organization")];
        let world = RoomWorld::start_with(BINARY, &own).await;
        let example = world.organization_id("Example");
        let theirs = format!("{}:room123", world.organization_id("MASADAS"));
        for name in ["room123", &theirs] {
            let input = json!({ "roomId": name });
            let answer = world.ask(&world.event_of("jane", &input)).await;
            assert_eq!(claims(&answer)["room"], json!(format!("{example}:{name}")));
        }
    }
}

#[tokio::test]
async fn rooms_may_have_hostile_names() {
    let world = RoomWorld::start(BINARY).await;
    let long = "\"".repeat(128);
    let wide = "é".repeat(128);
    for name in HOSTILE_NAMES.into_iter().chain([long.as_str(), &wide]) {
        let answer = world.ask(&world.event_of("jane", &json!({ "roomId": name }))).await;
        assert_eq!(claims(&answer)["room"], json!(name));
        assert!(invitation(&answer).0.len() <= 2048, "`guest-auth` reads no longer ones");
    }
}

#[tokio::test]
async fn other_fields_are_ignored_and_no_provider_is_called() {
    let world = RoomWorld::start(BINARY).await;
    let wishes = json!({
        "roomId": "room123", "exp": 4_102_444_800_u64, "room": "another", "roomName": "another",
        "inviter": "user_eve", "iss": "another", "roomAdmin": true, "identity": "user_eve",
        "expiresAt": 4_102_444_800_u64, "organizationId": "org_1",
    });
    let answer = world.ask(&world.event_of("jane", &wishes)).await;
    let (mut greedy, mut plain) =
        (claims(&answer), claims(&world.ask(&world.event_of("jane", &good_input(&world))).await));
    for claims in [&mut greedy, &mut plain] {
        claims["exp"] = json!("then");
    }
    assert_eq!(greedy, plain);
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn logs_name_neither_the_invitation_nor_the_room_nor_anybody() {
    let world = RoomWorld::start(BINARY).await;
    let answer = world.ask(&world.event_of("jane", &json!({ "roomId": "doctor-visit" }))).await;
    let (text, _) = invitation(&answer);
    let refused = world.event_of("without_organization", &json!({ "roomId": "doctor-visit" }));
    assert_eq!(world.ask(&refused).await.status(), 403);
    let jane = world.user_id("jane");
    let (_, signature) = text.rsplit_once('.').expect("a signature");
    world.logs_nothing_of(2, &["doctor", &jane, signature]).await;
}
