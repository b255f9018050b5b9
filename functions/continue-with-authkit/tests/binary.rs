//! The real binary under a Lambda Runtime API, with real events.

use anteroom_testing::AuthWorld;
use anteroom_testing::suites::redirects::{Redirect, redirect_url};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_continue-with-authkit");

const ENDPOINT: Redirect =
    Redirect { binary: BINARY, event: "continue-with-authkit.json", provider: "provider=authkit" };

anteroom_testing::redirects_suite!(ENDPOINT);

#[tokio::test]
async fn an_invalid_input_is_named_and_no_sign_in_starts() {
    let world = AuthWorld::start(BINARY).await;
    for (field, value) in [
        ("email", json!("")),
        ("email", json!("jane")),
        ("email", json!(["jane.doe@example.com"])),
        ("screenHint", json!("signup")),
        ("screenHint", json!("Sign-In")),
        ("screenHint", json!("")),
        ("screenHint", json!(1)),
        ("screenHint", json!(["sign-up"])),
        ("screenHint", json!({ "sign-up": null })),
    ] {
        let answer = world.post(&json!({ field: value })).await;
        assert_eq!(answer.refusal(), (400, format!("`{field}` is not valid")), "{value}");
        assert_eq!(answer.cookies(), [], "{value}");
    }
}

#[tokio::test]
async fn the_hosted_page_gets_the_address_the_form_and_the_invitation() {
    let world = AuthWorld::start(BINARY).await;
    let input = json!({
        "email": " Jane.Doe@bücher.example ", "screenHint": "sign-up", "invitationToken": "inv&1",
    });
    let url = redirect_url(&world.post(&input).await);
    for parameter in [
        "login_hint=jane.doe%40xn--bcher-kva.example",
        "screen_hint=sign-up",
        "invitation_token=inv%261",
    ] {
        assert!(url.contains(parameter), "{parameter} is not in {url}");
    }
    let absent = json!({"email": Value::Null, "screenHint": null, "invitationToken": null});
    for input in [json!({}), absent] {
        let url = redirect_url(&world.post(&input).await);
        for parameter in ["login_hint", "screen_hint", "invitation_token"] {
            assert!(!url.contains(parameter), "{parameter} is in {url}");
        }
    }
    let url = redirect_url(&world.post(&json!({"screenHint": "sign-in"})).await);
    assert!(url.contains("screen_hint=sign-in"), "{url}");
}

#[tokio::test]
async fn no_log_has_the_address_or_the_invitation() {
    let world = AuthWorld::start(BINARY).await;
    let input = json!({"email": "jane.doe@example.com", "invitationToken": "inv_token_1"});
    assert_eq!(world.post(&input).await.status(), 200);
    world.logs_nothing_of(1, &["jane", "inv_token_1"]).await;
}
