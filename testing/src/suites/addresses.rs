//! For endpoints that take an e-mail address and report what is wrong with it: `sign-up`,
//! `resend-magic-auth`. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use serde_json::{Value, json};

use crate::auth_world::AuthWorld;
use crate::mistakes::{MALFORMED_EMAILS, malformed_requests};

/// An endpoint whose input is an e-mail address.
#[derive(Clone, Copy, Debug)]
pub struct AddressEndpoint {
    /// The executable.
    pub binary: &'static str,
    /// An address that it accepts.
    pub address: &'static str,
    /// The body of a success.
    pub success: fn() -> Value,
}

/// The input: an e-mail address.
pub fn email(address: &str) -> Value {
    json!({ "email": address })
}

pub async fn malformed_requests_are_rejected_and_workos_is_not_called(endpoint: &AddressEndpoint) {
    let world = AuthWorld::start(endpoint.binary).await;
    for (event, status) in malformed_requests(&world.event().json(&email(endpoint.address))) {
        assert_eq!(world.ask(&event).await.refusal().0, status, "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn an_invalid_address_is_400_and_workos_is_not_called(endpoint: &AddressEndpoint) {
    let world = AuthWorld::start(endpoint.binary).await;
    let bodies = MALFORMED_EMAILS.map(|email| format!("{{\"email\":{email}}}"));
    for body in bodies.iter().map(String::as_str).chain(["", "{}"]) {
        let answer = world.ask(&world.event().body("application/json", body)).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 400, "{body}");
        assert!(message.contains("`email`"), "{message}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

/// Declares the suite's tests for an [`AddressEndpoint`](crate::suites::addresses::AddressEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! addresses_suite {
    ($endpoint:ident) => {
        $crate::tests! { addresses($endpoint):
            malformed_requests_are_rejected_and_workos_is_not_called,
            an_invalid_address_is_400_and_workos_is_not_called,
        }
    };
}
