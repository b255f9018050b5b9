//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::workos::User;
use anteroom_testing::{AuthWorld, Event, MALFORMED_EMAILS, OUTAGES, malformed_requests};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_resend-magic-auth");

const JANE: &str = "jane.doe@example.com";

const NOBODY: &str = "nobody@example.com";

const DOMAIN: &str = "GET /organizations";

const FIND: &str = "GET /user_management/users";

const SEND: &str = "POST /user_management/magic_auth";

fn email(email: &str) -> Value {
    json!({ "email": email })
}

fn ok() -> Value {
    json!({"code": 200, "message": "OK"})
}

#[tokio::test]
async fn what_no_endpoint_answers_is_refused_and_nothing_is_asked() {
    let world = AuthWorld::start(BINARY).await;
    for (event, status) in malformed_requests(&world.event().json(&email(JANE))) {
        assert_eq!(world.ask(&event).await.refusal().0, status, "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn what_is_no_address_is_400_and_nothing_is_asked() {
    let world = AuthWorld::start(BINARY).await;
    let bodies = MALFORMED_EMAILS.map(|email| format!("{{\"email\":{email}}}"));
    for body in bodies.iter().map(String::as_str).chain(["", "{}"]) {
        let answer = world.ask(&world.event().body("application/json", body)).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 400, "{body}");
        assert!(message.contains("`email`"), "{message}");
    }
    assert_eq!(world.asked(), [""; 0]);
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
async fn where_accounts_are_concealed_both_are_answered_alike() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    let known = world.post(&email(JANE)).await;
    let unknown = world.post(&email(NOBODY)).await;
    assert_eq!(unknown.success(), ok());
    assert_eq!(unknown.text(), known.text());
    assert!(!world.workos.has_user(NOBODY));
    assert_eq!(world.workos.magic_code_for(NOBODY), None);
}

#[tokio::test]
async fn where_accounts_are_concealed_limits_requirements_and_single_sign_on_are_too() {
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
async fn an_address_that_signs_in_by_single_sign_on_gets_no_code_by_the_side_door() {
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
async fn the_same_address_is_found_however_it_is_written_and_used_as_workos_spells_it() {
    let world = AuthWorld::start(BINARY).await;
    for (asked, own) in [
        ("jane.doe@mail.example", "Jane.Doe@Mail.Example"),
        (" jane@bücher.example\n", "jane@xn--bcher-kva.example"),
        ("ÄNNE@example.com", "änne@example.com"),
    ] {
        world.workos.add_user(User::new(own, own).with_email_spelled(own));
        assert_eq!(world.post(&email(asked)).await.success(), ok(), "{asked:?}");
        assert_eq!(world.last_sent(), email(own), "{asked:?}");
    }
}

#[tokio::test]
async fn a_success_that_is_not_about_a_code_is_502() {
    let world = AuthWorld::start(BINARY).await;
    for status in [200, 201, 202] {
        for body in ["", "<!doctype html><title>Hello</title>", "null", "[]", "{}", "\"ok\""] {
            world.workos.prescribe("/user_management/magic_auth", status, body);
            assert_eq!(world.post(&email(JANE)).await.refusal().0, 502, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn an_outage_says_what_it_is_and_nothing_of_the_account() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.lift_limits();
    for path in ["/organizations", "/user_management/users", "/user_management/magic_auth"] {
        for (fault, status) in OUTAGES {
            world.workos.inject(fault.on(path));
            let answer = world.post(&email(JANE)).await;
            assert_eq!(answer.refusal().0, status, "{fault:?} of {path}");
            world.workos.clear_faults();
        }
    }
    assert_eq!(world.post(&email(JANE)).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_limit_of_codes_is_429_and_any_other_limit_is_503_each_with_its_wait() {
    let world = AuthWorld::start(BINARY).await;
    let limit = Fault::Limiting { retry_after: Some(9) };
    for (path, status) in [
        ("/user_management/magic_auth", 429),
        ("/user_management/users", 503),
        ("/organizations", 503),
    ] {
        world.workos.inject(limit.on(path));
        let answer = world.post(&email(JANE)).await;
        assert_eq!(answer.refusal().0, status, "{path}");
        assert_eq!(answer.header("retry-after"), Some("9"), "{path}");
        world.workos.clear_faults();
    }

    for (path, status) in [("/user_management/magic_auth", 429), ("/user_management/users", 503)] {
        world.workos.inject(Fault::Dated { status: 429, seconds: 100 }.on(path));
        let answer = world.post(&email(JANE)).await;
        assert_eq!(answer.refusal().0, status, "{path}, by date");
        let wait: u64 = answer.header("retry-after").expect("a time").parse().expect("seconds");
        // Some seconds for a machine that is busy.
        assert!((60..=100).contains(&wait), "{wait}");
        world.workos.clear_faults();
    }

    // WorkOS's own: three codes in a minute.
    for _ in 0..3 {
        assert_eq!(world.post(&email(JANE)).await.status(), 200);
    }
    let answer = world.post(&email(JANE)).await;
    assert_eq!(answer.refusal().0, 429);
    assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok()));
}

#[tokio::test]
async fn a_user_is_sent_another_code_and_the_caller_does_not_see_it() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&email("Jane.Doe@Example.com")).await;
    assert_eq!(answer.success(), ok());
    assert_eq!(answer.cookies(), []);
    assert_eq!(world.asked(), [DOMAIN, FIND, SEND]);
    assert_eq!(world.last_sent(), email(JANE), "in small letters");
    assert!(world.workos.magic_code_for(JANE).is_some());
}

#[tokio::test]
async fn the_documented_event_has_its_answer() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("resend-magic-auth.json")).await;
    assert_eq!(answer.success(), ok());
}

#[tokio::test]
async fn logs_tell_of_each_request_and_nothing_personal() {
    let world = AuthWorld::start(BINARY).await;
    assert_eq!(world.post(&email(JANE)).await.status(), 200);
    assert_eq!(world.post(&email(NOBODY)).await.status(), 400);
    assert_eq!(world.post(&email("not an address, but secret")).await.status(), 400);
    let code = world.workos.magic_code_for(JANE).expect("a code");
    world.logs_nothing_of(3, &["jane", "nobody", "secret", &code]).await;
}
