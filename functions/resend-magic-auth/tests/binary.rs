//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom::clock::Clock;
use anteroom_stand_ins::faults::Fault;
use anteroom_testing::suites::addresses::{AddressEndpoint, email};
use anteroom_testing::{AuthWorld, Event};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_resend-magic-auth");

const JANE: &str = "jane.doe@example.com";

const NOBODY: &str = "nobody@example.com";

const DOMAIN: &str = "GET /organizations";

const FIND: &str = "GET /user_management/users";

const SEND: &str = "POST /user_management/magic_auth";

const ENDPOINT: AddressEndpoint = AddressEndpoint { binary: BINARY, address: JANE, success: ok };

anteroom_testing::addresses_suite!(ENDPOINT);
anteroom_testing::magic_codes_suite!(ENDPOINT);

fn ok() -> Value {
    json!({"code": 200, "message": "OK"})
}

#[tokio::test]
async fn an_address_without_an_account_is_400_and_gets_neither_code_nor_account() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&email(NOBODY)).await;
    assert_eq!(answer.refusal(), (400, "No account has this e-mail address".to_owned()));
    assert_eq!(world.asked(), [DOMAIN, FIND]);
    assert!(!world.workos.has_user(NOBODY));
}

#[tokio::test]
async fn with_concealed_accounts_both_kinds_of_address_get_the_same_response() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    let known = world.post(&email(JANE)).await;
    let asked = Clock::system().now();
    let unknown = world.post(&email(NOBODY)).await;
    let took = Clock::system().now().since(asked);
    assert!(took >= Duration::from_secs(2), "an account takes longer to look up");
    assert_eq!(unknown.success(), ok());
    assert_eq!(unknown.text(), known.text());
    assert!(!world.workos.has_user(NOBODY));
    assert_eq!(world.workos.magic_code_for(NOBODY), None);
}

#[tokio::test]
async fn with_concealed_accounts_limits_requirements_and_single_sign_on_are_concealed_too() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    let unknown = world.post(&email(NOBODY)).await;
    assert_eq!(unknown.success(), ok());
    let path = "/user_management/magic_auth";
    let error = "authentication_method_not_allowed";
    world.workos.prescribe(path, 400, json!({"error": error, "error_description": "No."}));
    let known = world.post(&email(JANE)).await;
    assert_eq!(format!("{known:?}"), format!("{unknown:?}"), "a requirement");
    world.workos.inject(Fault::Limiting { retry_after: Some(30) }.on(path));
    let known = world.post(&email(JANE)).await;
    assert_eq!(format!("{known:?}"), format!("{unknown:?}"), "a limit");
    world.workos.clear_faults();

    world.workos.forget_requests();
    let sso = world.post(&email("someone@sso.example.com")).await;
    assert_eq!(format!("{sso:?}"), format!("{unknown:?}"), "single sign-on");
    assert_eq!(world.asked(), [DOMAIN, "GET /connections"], "and no code");
    assert_eq!(world.workos.magic_code_for("someone@sso.example.com"), None);
}

#[tokio::test]
async fn an_sso_address_gets_no_one_time_code() {
    let world = AuthWorld::start(BINARY).await;
    for address in ["someone@sso.example.com", "Someone@SSO.example.com ", "nobody@sso.example.com"]
    {
        let answer = world.post(&email(address)).await;
        assert_eq!(answer.refusal(), (403, "Sign in with single sign-on".to_owned()), "{address}");
        assert_eq!(world.workos.magic_code_for(address.trim()), None, "{address}");
    }
    assert!(!world.asked().contains(&SEND.to_owned()));
    for address in ["pending@pending.example.com", "inactive@inactive.example.com"] {
        assert_eq!(world.post(&email(address)).await.success(), ok(), "{address}");
    }
}

#[tokio::test]
async fn a_2xx_that_does_not_describe_a_code_is_502() {
    let world = AuthWorld::start(BINARY).await;
    for status in [200, 201, 202] {
        for body in ["", "<!doctype html><title>Hello</title>", "null", "[]", "{}", "\"ok\""] {
            world.workos.prescribe("/user_management/magic_auth", status, body);
            assert_eq!(world.post(&email(JANE)).await.refusal().0, 502, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_user_gets_another_code_that_the_caller_does_not_see() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&email("Jane.Doe@Example.com")).await;
    assert_eq!(answer.success(), ok());
    assert_eq!(answer.cookies(), []);
    assert_eq!(world.asked(), [DOMAIN, FIND, SEND]);
    assert_eq!(world.last_sent(), email(JANE), "in small letters");
    assert!(world.workos.magic_code_for(JANE).is_some());
}

#[tokio::test]
async fn the_documented_event_gets_the_expected_response() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("resend-magic-auth.json")).await;
    assert_eq!(answer.success(), ok());
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    assert_eq!(world.post(&email(JANE)).await.status(), 200);
    assert_eq!(world.post(&email(NOBODY)).await.status(), 400);
    assert_eq!(world.post(&email("not an address, but secret")).await.status(), 400);
    let code = world.workos.magic_code_for(JANE).expect("a code");
    world.logs_nothing_of(3, &["jane", "nobody", "secret", &code]).await;
}
