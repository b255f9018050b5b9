//! Every endpoint of LiveKit's rooms, with a session of either provider: `room-auth`, `livekit-token`,
//! `start-recording`, `stop-recording`, `recordings`, `invite-guest`, `remove-participant`, `mute-participant`.
//! Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::livekit::{API_KEY, API_SECRET};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};

use crate::event::Event;
use crate::identity::Identity;
use crate::livekit::stored_keys;
use crate::mistakes::{LONE_SURROGATE, MALFORMED_NAMES, malformed_requests, with_field};
use crate::room_world::RoomWorld;
use crate::sessions::COOKIE;

/// An endpoint under `/api/v1/livekit/`.
#[derive(Clone, Copy, Debug)]
pub struct RoomEndpoint {
    /// Whose sessions it accepts.
    pub identity: Identity,
    /// The executable.
    pub binary: &'static str,
    /// The documented event: a file in `events/`.
    pub event: &'static str,
    /// The response's status if a signed-in user sends that event.
    pub event_status: u64,
    /// The status of a success.
    pub success: u64,
    /// The field of the input that names the room.
    pub room_field: &'static str,
    /// The settings without which the function does not start, those of the provider of sessions left
    /// out.
    pub required_settings: &'static [&'static str],
    /// Settings with malformed values, which must not show in the log.
    pub malformed_settings: &'static [(&'static str, &'static str)],
    /// The LiveKit API methods that it calls: `livekit.Egress/ListEgress`.
    pub livekit_calls: &'static [&'static str],
    /// Prepares the world for a request that succeeds, and returns the request's input.
    pub good_input: fn(&RoomWorld) -> Value,
}

impl RoomEndpoint {
    /// A world of the endpoint.
    pub async fn start(&self) -> RoomWorld {
        self.start_with(&[]).await
    }

    /// The same with settings of its own.
    pub async fn start_with(&self, own: &[(&str, &str)]) -> RoomWorld {
        let identity = [("LIVEKIT_IDENTITY", self.identity.name())];
        RoomWorld::start_with(self.binary, &[own, &identity].concat()).await
    }

    /// A request of Jane's that succeeds.
    pub(super) fn good(&self, world: &RoomWorld) -> Event {
        let input = (self.good_input)(world);
        world.livekit.forget_requests();
        world.event_of("jane", &input)
    }
}

pub async fn malformed_requests_are_rejected_and_livekit_is_not_called(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    for (event, status) in malformed_requests(&endpoint.good(&world)) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn an_invalid_room_name_is_400_and_livekit_is_not_called(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let too_long = ["x".repeat(129), "字".repeat(86)].map(|name| json!(name).to_string());
    let bad_names = MALFORMED_NAMES.map(str::to_owned).into_iter().chain(too_long);
    for name in bad_names {
        let event = world.event_of("jane", &input);
        let event = if event.is_get() {
            // A query has texts only, and halves of surrogate pairs have no form in it.
            let Ok(name) = serde_json::from_str::<String>(&name) else { continue };
            let mut input = input.clone();
            input[endpoint.room_field] = json!(name);
            world.event_of("jane", &input)
        } else {
            event.body("application/json", &with_field(&input, endpoint.room_field, &name))
        };
        let (status, message) = world.ask(&event).await.refusal();
        assert_eq!(status, 400, "{name}");
        assert!(
            message.contains(endpoint.room_field) || name.contains(LONE_SURROGATE),
            "{message} for {name}"
        );
    }
    let mut without = input.clone();
    without.as_object_mut().expect("an object").remove(endpoint.room_field);
    let answer = world.ask(&world.event_of("jane", &without)).await;
    assert_eq!(answer.refusal(), (400, format!("`{}` is missing", endpoint.room_field)));
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn no_session_is_401_and_livekit_is_not_called(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    for (why, event) in [
        ("nothing at all", world.event()),
        ("an empty cookie", world.event().cookie(COOKIE, "")),
        ("an empty cookie of Clerk's", world.event().cookie("__session", "")),
        ("another cookie", world.event().cookie("theme", "dark")),
        ("no token", world.event().header("authorization", "Bearer ")),
        ("forged headers", world.event().header("x-workos-session", "session_1")),
    ] {
        let answer = world.ask(&event.input(&input)).await;
        assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()), "{why}");
        assert_eq!(answer.cookies(), [], "{why}: there is nothing to clear");
    }
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn the_documented_event_is_401_without_a_session_and_succeeds_with_one(
    endpoint: &RoomEndpoint,
) {
    let world = endpoint.start().await;
    (endpoint.good_input)(&world);
    let event = Event::documented(endpoint.event);
    assert_eq!(world.ask(&event).await.refusal(), (401, "Sign in first".to_owned()));
    let answer = world.ask(&event.bearer(&world.token_of("jane"))).await;
    assert_eq!(answer.status(), endpoint.event_status, "{}", answer.text());
}

pub async fn with_isolated_rooms_a_user_without_an_organization_is_403(endpoint: &RoomEndpoint) {
    let world = endpoint.start_with(&[("ROOM_NAMESPACE", "organization")]).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let answer = world.ask(&world.event_of("without_organization", &input)).await;
    assert_eq!(answer.refusal().0, 403);
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn a_room_name_too_long_after_the_organization_prefix_is_400(endpoint: &RoomEndpoint) {
    let world = endpoint.start_with(&[("ROOM_NAMESPACE", "organization")]).await;
    let mut input = (endpoint.good_input)(&world);
    input[endpoint.room_field] = json!("é".repeat(128));
    world.livekit.forget_requests();
    assert_eq!(world.ask(&world.event_of("jane", &input)).await.refusal().0, 400);
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn keys_come_from_secrets_manager_which_may_be_unreachable_at_startup(
    endpoint: &RoomEndpoint,
) {
    let manager = SecretsManager::start().await.expect("a free port");
    let keys = json!({ "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET });
    manager.put("livekit", keys);
    manager.stop().await;
    let world = endpoint.start_with(&stored_keys(&manager.settings())).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let event = world.event_of("jane", &input);
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal().0, 503, "there is no key yet");
    assert_eq!(world.asked(), [""; 0]);
    manager.restart().await.expect("the same port");
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), endpoint.success, "{}", answer.text());
}

pub async fn stops_at_start_and_names_every_missing_setting_in_one_line(endpoint: &RoomEndpoint) {
    let line = refused_settings(endpoint, &[]).await;
    for name in endpoint.required_settings.iter().chain(endpoint.identity.required_settings()) {
        assert!(line.contains(&format!("{name} is missing")), "{name} is not in {line}");
    }
}

pub async fn stops_at_start_and_names_every_malformed_setting_without_its_value(
    endpoint: &RoomEndpoint,
) {
    let line = refused_settings(endpoint, endpoint.malformed_settings).await;
    for (name, value) in endpoint.malformed_settings {
        assert!(line.contains(name), "{name} is not in {line}");
        assert!(!line.contains(value), "the value of {name} is in {line}");
    }
}

/// The only log line of a function that cannot start with these settings.
async fn refused_settings(endpoint: &RoomEndpoint, settings: &[(&str, &str)]) -> String {
    let identity = [("LIVEKIT_IDENTITY", endpoint.identity.name())].into_iter();
    let Err(StartError::Refused { logs, .. }) =
        Instance::start(endpoint.binary, identity.chain(settings.iter().copied())).await
    else {
        panic!("it started");
    };
    let [line] = &logs[..] else {
        panic!("not one line: {logs:?}");
    };
    line.clone()
}

/// Declares the suite's tests for a [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! rooms_suite {
    ($endpoint:ident) => {
        $crate::tests! { rooms($endpoint):
            malformed_requests_are_rejected_and_livekit_is_not_called,
            an_invalid_room_name_is_400_and_livekit_is_not_called,
            no_session_is_401_and_livekit_is_not_called,
            the_documented_event_is_401_without_a_session_and_succeeds_with_one,
            with_isolated_rooms_a_user_without_an_organization_is_403,
            a_room_name_too_long_after_the_organization_prefix_is_400,
            keys_come_from_secrets_manager_which_may_be_unreachable_at_startup,
            stops_at_start_and_names_every_missing_setting_in_one_line,
            stops_at_start_and_names_every_malformed_setting_without_its_value,
        }
    };
}

/// Declares the tests that every [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint) must pass, with
/// sessions of WorkOS and of Clerk, and with both those of the other suites that are named. The
/// constant of this name is the endpoint with sessions of WorkOS.
#[macro_export]
macro_rules! room_endpoint_suites {
    ($endpoint:ident $(, $suite:ident)*) => {
        $crate::rooms_suite!($endpoint);
        $crate::workos_rooms_suite!($endpoint);
        $($crate::$suite!($endpoint);)*

        mod with_clerk {
            use $crate::Identity;
            use $crate::suites::rooms::RoomEndpoint;

            const $endpoint: RoomEndpoint =
                RoomEndpoint { identity: Identity::Clerk, ..super::$endpoint };

            $crate::rooms_suite!($endpoint);
            $crate::clerk_rooms_suite!($endpoint);
            $($crate::$suite!($endpoint);)*
        }
    };
}
