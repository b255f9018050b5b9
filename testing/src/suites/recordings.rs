//! For the endpoints that `RECORDING_PERMISSION` protects: `start-recording`, `stop-recording`,
//! `recordings`. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use crate::suites::rooms::RoomEndpoint;

pub async fn without_the_configured_permission_it_is_403_and_livekit_is_not_called(
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
            (403, "You are not allowed to manage recordings".to_owned()),
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
            without_the_configured_permission_it_is_403_and_livekit_is_not_called,
        }
        $crate::livekit_calls_suite!($endpoint);
    };
}

/// Declares those of the suite's tests that also apply to an endpoint for which a room that does not
/// exist has no recordings.
#[macro_export]
macro_rules! recordings_list_suite {
    ($endpoint:ident) => {
        $crate::tests! { recordings($endpoint):
            without_the_configured_permission_it_is_403_and_livekit_is_not_called,
        }
        $crate::tests! { livekit_calls($endpoint):
            an_outage_of_livekit_never_signs_anybody_out_and_changes_nothing,
            a_limit_is_503_whatever_status_livekit_gives_it,
            a_gateways_page_is_503,
            a_retry_after_date_is_passed_on_as_seconds,
            an_unreachable_livekit_is_503,
            a_slow_or_truncated_response_of_livekit_is_503,
            a_wrong_key_of_ours_is_502,
            a_rotated_key_is_used_without_a_restart,
            each_call_has_its_own_token_that_grants_no_more_than_it_needs,
        }
    };
}
