//! Clerk's Backend API: users, tokens from templates, and every way in which it fails.

use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::clerk::{Clerk, TemplateError, UserId};
use anteroom_stand_ins as stand_ins;
use anteroom_stand_ins::faults::Fault;
use secrecy::ExposeSecret as _;

use crate::{bearer, clerk, configured, pairs};

fn jane() -> UserId {
    UserId::parse(&stand_ins::clerk::User::seeded("jane").id).unwrap()
}

/// The status that a caller sees when the user is asked for.
async fn status(clerk: &Clerk) -> u16 {
    match clerk.users().user(&jane()).await {
        Ok(_) => 200,
        Err(error) => ApiError::from(error).status().as_u16(),
    }
}

#[tokio::test]
async fn finds_a_user_with_every_displayed_field() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let user = clerk(&stand_in).await.users().user(&jane()).await.unwrap().unwrap();

    assert_eq!(user.primary_email(), Some("jane.doe@example.com"));
    assert_eq!(user.person().name.as_deref(), Some("Jane Doe"));
    assert!(user.image_url.is_some_and(|url| url.starts_with("https://")));
    let requests = stand_in.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path_and_query, format!("/v1/users/{}", jane()));
    assert_eq!(requests[0].bearer(), Some(stand_in.secret_key().as_str()));
}

#[tokio::test]
async fn only_a_user_who_does_not_exist_is_none() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = clerk(&stand_in).await;
    let nobody = UserId::parse("user_nobody").unwrap();
    assert!(clerk.users().user(&nobody).await.unwrap().is_none());

    // A 404 that is not Clerk's own says nothing about the user.
    stand_in.inject(Fault::Failing(404).on("/v1/users"));
    assert_eq!(status(&clerk).await, 502);
}

#[tokio::test]
async fn an_id_cannot_reach_another_path() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = clerk(&stand_in).await;
    let sly = UserId::parse("user_jane/../../jwks?x=%2e").unwrap();
    assert!(clerk.users().user(&sly).await.unwrap().is_none());
    let asked = &stand_in.requests()[0].path_and_query;
    assert_eq!(asked, "/v1/users/user_jane%2F..%2F..%2Fjwks%3Fx=%252e");
}

#[tokio::test]
async fn every_failure_has_its_status() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = clerk(&stand_in).await;
    for (fault, expected) in [
        (Fault::Refusing, 502),
        (Fault::Garbage, 502),
        (Fault::WrongShape, 502),
        (Fault::Failing(418), 502),
        (Fault::Failing(302), 502),
        (Fault::Truncated, 503),
        (Fault::Down, 503),
        (Fault::GatewayPage, 503),
        (Fault::Failing(500), 503),
        (Fault::Failing(503), 503),
        (Fault::Limiting { retry_after: None }, 503),
        (Fault::Slow(Duration::from_secs(30)), 503),
    ] {
        let told = format!("{fault:?}");
        stand_in.inject(fault);
        assert_eq!(status(&clerk).await, expected, "{told}");
        stand_in.clear_faults();
    }
    assert_eq!(status(&clerk).await, 200, "all is well again");
    stand_in.stop().await;
    assert_eq!(status(&clerk).await, 503, "nobody listens");
    stand_in.restart().await.unwrap();
    assert_eq!(status(&clerk).await, 200, "and it is back");
}

#[tokio::test]
async fn passes_on_retry_after() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = clerk(&stand_in).await;
    stand_in.inject(Fault::Limiting { retry_after: Some(7) });
    let error = clerk.users().user(&jane()).await.unwrap_err();
    let expected = ApiError::unavailable(&error).retry_after(Some(Duration::from_secs(7)));
    assert_eq!(ApiError::from(error), expected);
}

#[tokio::test]
async fn a_call_whose_connection_breaks_is_retried_once() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = clerk(&stand_in).await;
    stand_in.inject(Fault::Down.once());
    assert_eq!(status(&clerk).await, 200);
    stand_in.inject(Fault::Down.times(2));
    assert_eq!(status(&clerk).await, 503);
}

#[tokio::test]
async fn makes_a_token_from_a_template() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let clerk = clerk(&stand_in).await;
    let request = bearer(&stand_in.session_token("jane"));
    let session = clerk.auth(&request).await.unwrap().require().unwrap();

    let token = session.token_from_template("supabase").await.unwrap();
    assert_eq!(token.expose_secret().split('.').count(), 3);
    // It is no session token, and is not taken for one.
    assert!(clerk.auth(&bearer(token.expose_secret())).await.is_err());

    for request in stand_in.requests() {
        assert_eq!(request.header("clerk-api-version"), Some("2026-05-12"), "{request:?}");
    }

    let error = session.token_from_template("unknown").await.unwrap_err();
    assert!(matches!(error, TemplateError::NotFound), "{error}");
    stand_in.inject(Fault::Failing(500));
    let error = session.token_from_template("supabase").await.unwrap_err();
    assert_eq!(ApiError::from(error).status(), 503);
}

#[tokio::test]
async fn a_wrong_key_is_our_fault_and_not_the_users() {
    let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
    let mut pairs = pairs(stand_in.settings());
    pairs.retain(|(name, _)| name != "CLERK_SECRET_KEY");
    pairs.push(("CLERK_SECRET_KEY".to_owned(), "sk_test_wrong".to_owned()));
    let clerk = configured(pairs, Clerk::configure).await;

    let auth = clerk.auth(&bearer(&stand_in.session_token("jane"))).await;
    assert_eq!(ApiError::from(auth.unwrap_err()).status(), 502, "the keys");
    assert_eq!(status(&clerk).await, 502, "the user");
}
