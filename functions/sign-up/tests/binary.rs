//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom::clock::Clock;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::workos::User;
use anteroom_testing::suites::addresses::{AddressEndpoint, email};
use anteroom_testing::{AuthWorld, Event, OUTAGES};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sign-up");

const NEW: &str = "new.user@example.com";

const CREATE: &str = "POST /user_management/users";

const ENDPOINT: AddressEndpoint =
    AddressEndpoint { binary: BINARY, address: NEW, success: created };

anteroom_testing::addresses_suite!(ENDPOINT);

fn created() -> Value {
    json!({"code": 201, "message": "Created"})
}

#[tokio::test]
async fn an_address_that_has_an_account_is_409() {
    let world = AuthWorld::start(BINARY).await;
    let own = ["Änne@example.com", "jane@xn--bcher-kva.example"];
    for own in own {
        world.workos.add_user(User::new(own, own).with_email_spelled(own));
    }
    for address in [
        "jane.doe@example.com",
        "Jane.Doe@Example.com",
        " jane.doe@example.com\r\n",
        "ÄNNE@example.com",
        "Jane@BÜCHER.example",
    ] {
        let answer = world.post(&email(address)).await;
        let message = "This e-mail address already has an account";
        assert_eq!(answer.refusal(), (409, message.to_owned()));
    }
}

#[tokio::test]
async fn with_concealed_accounts_both_kinds_of_address_get_the_same_response() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    let known = world.post(&email("jane.doe@example.com")).await;
    let asked = Clock::system().now();
    let unknown = world.post(&email(NEW)).await;
    let took = Clock::system().now().since(asked);
    assert!(took >= Duration::from_secs(2), "creating an account takes longer");
    assert_eq!((known.status(), known.body()), (201, created()));
    assert_eq!((unknown.status(), unknown.text()), (201, known.text()));
    assert!(world.workos.has_user(NEW));
}

#[tokio::test]
async fn a_rejection_by_workos_keeps_its_meaning_even_if_it_is_new() {
    let world = AuthWorld::start(BINARY).await;
    let code = |code: &str| json!({"code": code, "message": ["No.", "Not like this."]});
    let list = |errors: Value| json!({"code": "user_creation_error", "errors": errors});
    for (status, body, expected) in [
        (400, code("email_domain_not_deliverable"), 400),
        (400, list(json!([{"code": "email_domain_not_deliverable"}])), 400),
        (400, list(json!([{"code": "email_not_available"}])), 409),
        (422, list(json!(["email_not_available"])), 409),
        (400, code("something_new"), 400),
        (403, code("something_new"), 403),
        (403, code("radar_sign_up_challenge"), 403),
        (400, json!({"error": "sign_up_not_allowed", "error_description": "No."}), 403),
        (400, code("password_strength_error"), 502),
        (400, json!({"message": ["No."], "error": "Bad Request"}), 502),
        (200, json!("a page"), 502),
        (201, json!({}), 502),
    ] {
        world.workos.prescribe("/user_management/users", status, body.clone());
        assert_eq!(world.post(&email(NEW)).await.refusal().0, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn with_concealed_accounts_any_response_from_workos_about_the_address_is_201() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    for code in ["email_not_available", "sign_up_not_allowed", "something_new"] {
        world.workos.prescribe("/user_management/users", 400, json!({ "code": code }));
        assert_eq!(world.post(&email(NEW)).await.status(), 201, "{code}");
    }
    world.workos.inject(Fault::Down);
    for address in [NEW, "jane.doe@example.com"] {
        assert_eq!(world.post(&email(address)).await.refusal().0, 503, "{address}");
    }
}

#[tokio::test]
async fn an_outage_is_not_reported_as_a_rejected_address() {
    let world = AuthWorld::start(BINARY).await;
    let limit = (Fault::Limiting { retry_after: Some(9) }, 503);
    for (fault, status) in OUTAGES.into_iter().chain([limit]) {
        world.workos.inject(fault);
        let answer = world.post(&email(NEW)).await;
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        let wait = (fault == limit.0).then_some("9");
        assert_eq!(answer.header("retry-after"), wait, "{fault:?}");
        world.workos.clear_faults();
    }
    assert_eq!(world.post(&email(NEW)).await.status(), 201, "all is well again");
}

#[tokio::test]
async fn an_account_is_created_and_nothing_is_sent_to_it() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&json!({"email": "New.User@Example.com", "admin": true})).await;
    assert_eq!((answer.status(), answer.body()), (201, created()));
    assert_eq!(answer.cookies(), []);
    assert!(world.workos.has_user(NEW));
    assert_eq!(world.asked(), [CREATE]);
    assert_eq!(world.last_sent(), email(NEW), "the address, in small letters, and nothing else");
    assert_eq!(world.workos.magic_code_for(NEW), None);
}

#[tokio::test]
async fn the_documented_event_gets_the_expected_response() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("sign-up.json")).await;
    assert_eq!((answer.status(), answer.body()), (201, created()));
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    assert_eq!(world.post(&email(NEW)).await.status(), 201);
    assert_eq!(world.post(&email(NEW)).await.status(), 409);
    assert_eq!(world.post(&email("not an address, but secret")).await.status(), 400);
    world.logs_nothing_of(3, &["new.user", "secret"]).await;
}
