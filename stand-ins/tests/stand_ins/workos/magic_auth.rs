use std::sync::{Arc, Mutex};

use anteroom_stand_ins::workos::{MAGIC_CODE_GUESSES, MAGIC_CODE_SECONDS};
use serde_json::{Value, json};

use super::{Application, error};

const JANE: &str = "jane.doe@example.com";
const MAGIC_AUTH: &str = "/user_management/magic_auth";

async fn code_for(application: &Application, email: &str) -> String {
    let (status, sent) = application.posts(MAGIC_AUTH, &json!({"email": email})).await;
    assert_eq!(status, 201, "{sent}");
    sent["code"].as_str().expect("a code").to_owned()
}

/// Another code of six digits.
fn wrong(code: &str) -> String {
    let last = code.ends_with('0');
    format!("{}{}", &code[..5], if last { '1' } else { '0' })
}

#[tokio::test]
async fn a_magic_code_signs_its_user_in_once() {
    let application = Application::new().await;
    let (status, sent) = application.posts(MAGIC_AUTH, &json!({"email": JANE})).await;
    assert_eq!((status, &sent["object"]), (201, &json!("magic_auth")));
    assert_eq!(sent["user_id"], application.workos.user("jane").id);
    let code = sent["code"].as_str().expect("a code");
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
    assert_eq!(application.workos.magic_code_for(JANE).as_deref(), Some(code));

    let (status, answer) = application.redeems_magic_code("Jane.Doe@Example.com", code).await;
    assert_eq!((status, &answer["authentication_method"]), (200, &json!("MagicAuth")));
    assert_eq!(answer["user"]["id"], sent["user_id"]);
    assert!(answer["user"]["last_sign_in_at"].is_string(), "{answer}");

    let (status, body) = application.redeems_magic_code(JANE, code).await;
    assert_eq!((status, error(&body)), (400, "one_time_code_previously_used"));
}

#[tokio::test]
async fn refuses_a_wrong_a_strange_an_older_and_an_expired_code() {
    let application = Application::new().await;
    application.workos.lift_limits();
    let refusal = async |email: &str, code: &str| {
        let (status, body) = application.redeems_magic_code(email, code).await;
        assert_eq!(status, 400, "{body}");
        error(&body).to_owned()
    };
    assert_eq!(refusal(JANE, "123456").await, "invalid_one_time_code", "none was issued");
    let old = code_for(&application, JANE).await;
    assert_eq!(refusal(JANE, &wrong(&old)).await, "invalid_one_time_code");
    assert_eq!(refusal("123@gmail.com", &old).await, "invalid_one_time_code", "not theirs");

    let mut new = code_for(&application, JANE).await;
    while new == old {
        new = code_for(&application, JANE).await;
    }
    assert_eq!(refusal(JANE, &old).await, "invalid_one_time_code", "a newer one was sent");
    application.workos.expire_codes();
    assert_eq!(refusal(JANE, &new).await, "one_time_code_expired");
}

#[tokio::test]
async fn a_code_that_was_guessed_at_too_often_is_worthless() {
    let application = Application::new().await;
    let code = code_for(&application, JANE).await;
    for _ in 0..MAGIC_CODE_GUESSES {
        let (_, body) = application.redeems_magic_code(JANE, &wrong(&code)).await;
        assert_eq!(error(&body), "invalid_one_time_code");
    }
    let (status, body) = application.redeems_magic_code(JANE, &code).await;
    assert_eq!((status, error(&body)), (400, "one_time_code_too_many_attempts"));
}

#[tokio::test]
async fn limits_what_an_address_may_ask_for_in_a_minute() {
    let application = Application::new().await;
    let limited = |answer: &reqwest::Response| {
        let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let seconds: Option<u64> = seconds.and_then(|text| text.parse().ok());
        (answer.status().as_u16(), seconds.is_some_and(|seconds| (1..=60).contains(&seconds)))
    };
    let asks = async |email: &str| {
        let url = format!("{}{MAGIC_AUTH}", application.workos.url());
        let request = application.client.post(url).bearer_auth(application.workos.api_key());
        request.json(&json!({"email": email})).send().await.expect("an answer")
    };
    for _ in 0..3 {
        assert_eq!(asks(JANE).await.status(), 201);
    }
    assert_eq!(limited(&asks("JANE.DOE@example.com").await), (429, true));
    assert_eq!(asks("123@gmail.com").await.status(), 201, "another address may");

    let last = application.workos.magic_code_for(JANE).expect("a code");
    for _ in 0..10 {
        assert_eq!(application.redeems_magic_code(JANE, &wrong(&last)).await.0, 400);
    }
    let (status, body) = application.redeems_magic_code(JANE, &last).await;
    assert_eq!((status, error(&body)), (429, "rate_limit_exceeded"));
    application.workos.lift_limits();
    assert_eq!(asks(JANE).await.status(), 201);
}

#[tokio::test]
async fn an_unknown_address_gets_an_account_and_the_code_verifies_it() {
    let application = Application::new().await;
    let code = code_for(&application, "New.Person@example.com").await;
    let user = application.workos.user("new.person@example.com");
    assert!(!user.is_email_verified);
    let (status, answer) = application.redeems_magic_code(&user.email, &code).await;
    assert_eq!((status, &answer["user"]["email_verified"]), (200, &json!(true)));
    assert_eq!(answer.get("organization_id"), None);

    application.workos.close_sign_up();
    let newer = json!({"email": "newer.person@example.com"});
    let (status, body) = application.posts(MAGIC_AUTH, &newer).await;
    assert_eq!((status, error(&body)), (400, "sign_up_not_allowed"));
    assert!(!application.workos.has_user("newer.person@example.com"));
}

#[tokio::test]
async fn refuses_an_invalid_address() {
    let application = Application::new().await;
    let long = format!("{}@example.com", "x".repeat(243));
    let cases = [
        Value::Null,
        json!(7),
        json!(""),
        json!("jane"),
        json!("@example.com"),
        json!("jane@localhost"),
        json!("jane@a.b@example.com"),
        json!("jane doe@example.com"),
        json!("jane@example.com\r\n"),
        json!(long),
    ];
    for email in cases {
        let (status, body) = application.posts(MAGIC_AUTH, &json!({"email": email})).await;
        assert_eq!((status, error(&body)), (422, "invalid_request_parameters"), "{email}");
        assert!(body["errors"][0]["code"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn a_user_with_something_to_do_first_gets_no_session() {
    let application = Application::new().await;
    let cases = [
        ("unverified@example.com", "email_verification_required", "email_verification_id"),
        ("enrolling@example.com", "mfa_enrollment", "user"),
        ("challenged@example.com", "mfa_challenge", "authentication_factors"),
    ];
    for (email, expected, detail) in cases {
        let (status, body) = application.signs_in(email).await;
        assert_eq!((status, error(&body)), (403, expected));
        assert!(body["pending_authentication_token"].is_string(), "{body}");
        assert!(!body[detail].is_null(), "{body}");
    }
}

#[tokio::test]
async fn who_must_use_sso_is_told_through_which_connection() {
    let application = Application::new().await;
    let (status, body) = application.signs_in("someone@sso.example.com").await;
    assert_eq!((status, error(&body)), (400, "sso_required"));
    let connection = &application.workos.organization("Sso Example").connections[0].id;
    assert_eq!(body["connection_ids"], json!([connection]));
    assert_eq!(body["email"], "someone@sso.example.com");

    for email in ["pending@pending.example.com", "inactive@inactive.example.com"] {
        assert_eq!(application.signs_in(email).await.0, 200, "{email}");
    }
}

#[tokio::test]
async fn tells_of_a_code_as_the_e_mail_would() {
    let application = Application::new().await;
    let mail: Arc<Mutex<Vec<String>>> = Arc::default();
    let inbox = Arc::clone(&mail);
    application.workos.on_magic_code(move |email, digits| {
        inbox.lock().expect("no panic").push(format!("{email} {digits}"));
    });
    let code = code_for(&application, JANE).await;
    assert_eq!(*mail.lock().expect("no panic"), [format!("{JANE} {code}")]);
}

#[tokio::test]
async fn a_code_says_that_it_counts_for_ten_minutes() {
    let application = Application::new().await;
    let (_, sent) = application.posts(MAGIC_AUTH, &json!({"email": JANE})).await;
    let seconds_of_day = |name: &str| {
        let text = sent[name].as_str().expect("a time");
        let parts: Vec<u64> =
            text[11..19].split(':').map(|part| part.parse().expect("a number")).collect();
        parts[0] * 3600 + parts[1] * 60 + parts[2]
    };
    let day = 24 * 60 * 60;
    let lifetime = (seconds_of_day("expires_at") + day - seconds_of_day("created_at")) % day;
    assert_eq!(lifetime, MAGIC_CODE_SECONDS);
}
