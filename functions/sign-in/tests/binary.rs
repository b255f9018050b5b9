//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom_local::stand_ins::faults::Fault;
use anteroom_local::testing::{AuthWorld, Event, MALFORMED_EMAILS, OUTAGES, mistaken};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sign-in");

const JANE: &str = "jane.doe@example.com";

fn email(email: &str) -> Value {
    json!({ "email": email })
}

fn bad_request() -> (u64, String) {
    (400, "Bad request".to_owned())
}

#[tokio::test]
async fn what_no_endpoint_answers_is_refused_and_nothing_is_asked() {
    let world = AuthWorld::start(BINARY).await;
    for (event, status) in mistaken(&world.event().json(&email(JANE))) {
        let refusal = world.ask(&event).await.refusal();
        assert_eq!(refusal.0, status, "{event:?}");
        assert!(status != 400 || refusal == bad_request(), "{refusal:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn what_is_no_address_is_400_bad_request_and_nothing_is_asked() {
    let world = AuthWorld::start(BINARY).await;
    let bodies = MALFORMED_EMAILS.map(|email| format!("{{\"email\":{email}}}"));
    for body in bodies.iter().map(String::as_str).chain(["", "{}", "{\"mail\":\"a@b.example\"}"]) {
        let answer = world.ask(&world.event().body("application/json", body)).await;
        assert_eq!(answer.refusal(), bad_request(), "{body}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_address_without_an_account_is_400_bad_request_and_gets_neither_code_nor_account() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&email("nobody@example.com")).await;
    assert_eq!(answer.refusal(), bad_request());
    assert!(!world.asked().contains(&"POST /user_management/magic_auth".to_owned()));
    assert!(!world.workos.has_user("nobody@example.com"));
}

#[tokio::test]
async fn where_accounts_are_concealed_both_are_answered_alike() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    let known = world.post(&email(JANE)).await;
    let unknown = world.post(&email("nobody@example.com")).await;
    assert_eq!(unknown.success(), json!({"authData": {"authMethod": "magic_auth"}}));
    assert_eq!(unknown.text(), known.text());
    assert!(!world.workos.has_user("nobody@example.com"), "there is no account of it");
    assert_eq!(world.workos.magic_code_for("nobody@example.com"), None);
}

#[tokio::test]
async fn an_outage_says_what_it_is_and_nothing_of_the_account() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.lift_limits();
    for path in ["/organizations", "/user_management/users", "/user_management/magic_auth"] {
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
async fn slowness_ends_after_ten_seconds() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.inject(Fault::Slow(Duration::from_secs(20)));
    let input = email(JANE);
    // Ten seconds, and some for a machine that is busy.
    let answer = tokio::time::timeout(Duration::from_secs(12), world.post(&input)).await;
    assert_eq!(answer.expect("an answer in time").refusal().0, 503);
}

#[tokio::test]
async fn a_limit_of_codes_is_429_and_any_other_limit_is_503_each_with_its_wait() {
    let world = AuthWorld::start(BINARY).await;
    let limit = Fault::Limiting { retry_after: Some(9) };
    for (path, status) in [("/user_management/magic_auth", 429), ("/organizations", 503)] {
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
async fn a_domain_that_is_unproven_or_a_connection_that_is_off_means_a_code() {
    let world = AuthWorld::start(BINARY).await;
    for address in ["pending@pending.example.com", "inactive@inactive.example.com"] {
        let answer = world.post(&email(address)).await;
        assert_eq!(answer.success(), json!({"authData": {"authMethod": "magic_auth"}}));
        assert!(world.workos.magic_code_for(address).is_some());
    }
}

#[tokio::test]
async fn an_existing_user_is_sent_a_code_and_the_caller_does_not_see_it() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&json!({"email": "Jane.Doe@Example.com", "unknown": [1]})).await;
    assert_eq!(answer.success(), json!({"authData": {"authMethod": "magic_auth"}}));
    assert_eq!(answer.cookies(), []);
    let asked =
        ["GET /organizations", "GET /user_management/users", "POST /user_management/magic_auth"];
    assert_eq!(world.asked(), asked);
    assert_eq!(world.last_sent(), email(JANE), "in small letters");
    assert!(world.workos.magic_code_for(JANE).is_some());
}

#[tokio::test]
async fn a_user_behind_sso_is_sent_to_their_identity_provider_with_state_and_pkce() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&email("someone@sso.example.com")).await;

    let data = &answer.success()["authData"];
    assert_eq!(data.as_object().map(serde_json::Map::len), Some(3), "{data}");
    assert_eq!(data["authMethod"], "sso");
    let (url, state) = (data["redirectURL"].as_str(), data["state"].as_str());
    let (url, state) = (url.expect("an address"), state.expect("a state"));
    assert!(url.starts_with(&format!("{}/user_management/authorize?", world.workos.url())));
    let connection = &world.workos.organization("Sso Example").connections[0].id;
    for parameter in [
        format!("connection_id={connection}"),
        format!("state={state}"),
        format!("client_id={}", world.workos.client_id()),
        "login_hint=someone%40sso.example.com".to_owned(),
        "code_challenge_method=S256".to_owned(),
        "response_type=code".to_owned(),
    ] {
        assert!(url.contains(&parameter), "{parameter} is not in {url}");
    }
    assert!(url.contains("code_challenge="), "{url}");

    let cookie = answer.cookie();
    assert!(cookie.name.starts_with("wos-sign-in-"), "{cookie:?}");
    assert!(cookie.value.starts_with("Fe26.2*") && cookie.has("Max-Age=600"), "{cookie:?}");
    assert!(!cookie.value.contains(state));
    assert_eq!(world.asked(), ["GET /organizations", "GET /connections"], "no code is sent");
}

#[tokio::test]
async fn a_sign_in_cookie_is_for_one_host_where_the_page_has_tls() {
    let own = [("WORKOS_REDIRECT_URI", "https://app.example.com/callback")];
    let world = AuthWorld::start_with(BINARY, &own).await;
    let first = world.post(&email("someone@sso.example.com")).await;
    let cookie = first.cookie();
    assert!(cookie.name.starts_with("__Host-wos-sign-in-"), "{cookie:?}");
    let attributes = ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(cookie.attributes, attributes);

    let again = world.event().json(&email("someone@sso.example.com"));
    let second = world.ask(&again.cookie(&cookie.name, &cookie.value)).await;
    assert_ne!(second.success()["authData"]["state"], first.success()["authData"]["state"]);
    assert_ne!(second.cookie().name, cookie.name, "one for each tab, and the first is kept");
}

#[tokio::test]
async fn every_documented_event_has_its_answer() {
    let world = AuthWorld::start(BINARY).await;
    for (file, method) in [("sign-in.json", "magic_auth"), ("sign-in.sso.json", "sso")] {
        let answer = world.ask(&Event::documented(file)).await;
        assert_eq!(answer.success()["authData"]["authMethod"], method, "{file}");
    }
}

#[tokio::test]
async fn logs_tell_of_each_request_and_nothing_personal() {
    let world = AuthWorld::start(BINARY).await;
    assert_eq!(world.post(&email(JANE)).await.status(), 200);
    let sso = world.post(&email("someone@sso.example.com")).await;
    assert_eq!(world.post(&email("nobody@example.com")).await.status(), 400);
    assert_eq!(world.post(&email("not an address, but secret")).await.status(), 400);
    world.workos.inject(Fault::Failing(500));
    assert_eq!(world.post(&email(JANE)).await.status(), 503);
    let code = world.workos.magic_code_for(JANE).expect("a code");
    let state = sso.success()["authData"]["state"].as_str().expect("a state").to_owned();
    world.logs_nothing_of(5, &["jane", "nobody", "secret", &code, &state]).await;
}
