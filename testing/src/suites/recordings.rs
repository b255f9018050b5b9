//! For endpoints of recordings: `start-recording`, `stop-recording`. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use crate::suites::rooms::RoomEndpoint;

pub async fn without_the_permission_that_is_configured_it_is_403_and_livekit_is_not_asked(
    endpoint: &RoomEndpoint,
) {
    let permission = endpoint.identity.recording_permission();
    let own = [("RECORDING_PERMISSION", permission)];
    let world = endpoint.start_with(&own).await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let (longer, louder) = (format!("{permission}:all"), permission.to_uppercase());
    let without = [&[][..], &["recordings"], &["org:recordings"], &[&longer], &[&louder]];
    let without = without.map(|permissions| world.event_with_permissions(permissions, &input));
    let others = [
        world.event_of("without_organization", &input),
        world.event_in("member_of_two", "MASADAS", &input),
    ];
    for event in without.into_iter().chain(others) {
        let answer = world.ask(&event).await;
        assert_eq!(
            answer.refusal(),
            (403, "You are not allowed to record".to_owned()),
            "{event:?}"
        );
    }
    assert_eq!(world.asked(), [""; 0]);
    let answer = world.ask(&world.event_of("jane", &input)).await;
    assert_eq!(answer.status(), endpoint.success, "{}", answer.text());
}

/// Declares the suite's tests for a [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! recordings_suite {
    ($endpoint:ident) => {
        $crate::tests! { recordings($endpoint):
            without_the_permission_that_is_configured_it_is_403_and_livekit_is_not_asked,
        }
        $crate::livekit_calls_suite!($endpoint);
    };
}
