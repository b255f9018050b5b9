//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_local::stand_ins::faults::Fault;
use anteroom_local::testing::{AuthWorld, Event, MALFORMED_EMAILS, OUTAGES, mistaken};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_resend-magic-auth");

const JANE: &str = "jane.doe@example.com";

const NOBODY: &str = "nobody@example.com";

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
    for (event, status) in mistaken(&world.event().json(&email(JANE))) {
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
    assert_eq!(world.asked(), [FIND]);
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
async fn an_outage_says_what_it_is_and_nothing_of_the_account() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.lift_limits();
    for path in ["/user_management/users", "/user_management/magic_auth"] {
        for (fault, status) in OUTAGES {
            // What a code's creation says is not read: whatever it says, it was a success.
            if path.ends_with("magic_auth") && matches!(fault, Fault::Garbage | Fault::WrongShape) {
                continue;
            }
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
    for (path, status) in [("/user_management/magic_auth", 429), ("/user_management/users", 503)] {
        world.workos.inject(limit.on(path));
        let answer = world.post(&email(JANE)).await;
        assert_eq!(answer.refusal().0, status, "{path}");
        assert_eq!(answer.header("retry-after"), Some("9"), "{path}");
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
    assert_eq!(world.asked(), [FIND, SEND]);
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
