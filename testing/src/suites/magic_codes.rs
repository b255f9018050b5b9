//! For endpoints that make WorkOS send a magic code: `sign-in`, `resend-magic-auth`.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::workos::User;

use crate::auth_world::AuthWorld;
use crate::mistakes::OUTAGES;
use crate::suites::addresses::{AddressEndpoint, email};

pub async fn an_address_is_found_in_any_spelling_and_used_as_workos_spells_it(
    endpoint: &AddressEndpoint,
) {
    let world = AuthWorld::start(endpoint.binary).await;
    for (asked, own) in [
        ("jane.doe@mail.example", "Jane.Doe@Mail.Example"),
        (" jane.doe@MAIL2.example\r\n", "Jane.Doe@Mail2.Example"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("JANE@BÜCHER2.example", "jane@xn--bcher2-3ya.example"),
        ("ÄNNE@example.com", "änne@example.com"),
        ("änne2@example.com", "ÄNNE2@example.com"),
    ] {
        world.workos.add_user(User::new(own, own).with_email_spelled(own));
        let answer = world.post(&email(asked)).await;
        assert_eq!(answer.success(), (endpoint.success)(), "{asked:?}");
        assert_eq!(world.last_sent(), email(own), "{asked:?}");
        assert!(world.workos.magic_code_for(own).is_some(), "{own}");
    }
}

pub async fn an_outage_is_reported_as_one_and_reveals_nothing_about_the_account(
    endpoint: &AddressEndpoint,
) {
    let world = AuthWorld::start(endpoint.binary).await;
    world.workos.lift_limits();
    for path in ["/organizations", "/user_management/users", "/user_management/magic_auth"] {
        for (fault, status) in OUTAGES {
            world.workos.inject(fault.on(path));
            let answer = world.post(&email(endpoint.address)).await;
            assert_eq!(answer.refusal().0, status, "{fault:?} of {path}");
            world.workos.clear_faults();
        }
    }
    assert_eq!(world.post(&email(endpoint.address)).await.status(), 200, "all is well again");
}

pub async fn a_limit_of_codes_is_429_and_any_other_limit_is_503_each_with_its_wait(
    endpoint: &AddressEndpoint,
) {
    let world = AuthWorld::start(endpoint.binary).await;
    let limit = Fault::Limiting { retry_after: Some(9) };
    for (path, status) in [
        ("/user_management/magic_auth", 429),
        ("/user_management/users", 503),
        ("/organizations", 503),
    ] {
        world.workos.inject(limit.on(path));
        let answer = world.post(&email(endpoint.address)).await;
        assert_eq!(answer.refusal().0, status, "{path}");
        assert_eq!(answer.header("retry-after"), Some("9"), "{path}");
        world.workos.clear_faults();
    }

    for (path, status) in [("/user_management/magic_auth", 429), ("/user_management/users", 503)] {
        world.workos.inject(Fault::Dated { status: 429, seconds: 100 }.on(path));
        let answer = world.post(&email(endpoint.address)).await;
        assert_eq!(answer.refusal().0, status, "{path}, by date");
        let wait: u64 = answer.header("retry-after").expect("a time").parse().expect("seconds");
        // Allows for a slow machine.
        assert!((60..=100).contains(&wait), "{wait}");
        world.workos.clear_faults();
    }

    // WorkOS's own limit: three codes per minute.
    for _ in 0..3 {
        assert_eq!(world.post(&email(endpoint.address)).await.status(), 200);
    }
    let answer = world.post(&email(endpoint.address)).await;
    assert_eq!(answer.refusal().0, 429);
    assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok()));
}

/// Declares the suite's tests for an [`AddressEndpoint`](crate::suites::addresses::AddressEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! magic_codes_suite {
    ($endpoint:ident) => {
        $crate::tests! { magic_codes($endpoint):
            an_address_is_found_in_any_spelling_and_used_as_workos_spells_it,
            an_outage_is_reported_as_one_and_reveals_nothing_about_the_account,
            a_limit_of_codes_is_429_and_any_other_limit_is_503_each_with_its_wait,
        }
    };
}
