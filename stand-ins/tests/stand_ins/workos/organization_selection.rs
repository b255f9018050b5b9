use serde_json::json;

use super::{Application, claims, error};

#[tokio::test]
async fn who_belongs_to_two_organizations_chooses_one_of_them() {
    let application = Application::new().await;
    let (status, body) = application.signs_in("123@gmail.com").await;
    assert_eq!((status, error(&body)), (403, "organization_selection_required"));
    let ids = ["MASADAS", "TAUNTA SCRE"].map(|name| application.organization_id(name));
    let offered = json!([
        {"id": ids[0], "name": "MASADAS"},
        {"id": ids[1], "name": "TAUNTA SCRE"},
    ]);
    assert_eq!(body["organizations"], offered);
    assert_eq!(body["user"]["email"], "123@gmail.com");

    let token = &body["pending_authentication_token"];
    let (status, answer) = application.selects(token, &ids[1]).await;
    assert_eq!((status, &answer["organization_id"]), (200, &json!(ids[1])));
    assert_eq!(claims(&answer)["org_id"], json!(ids[1]));

    let (status, body) = application.selects(token, &ids[0]).await;
    assert_eq!((status, error(&body)), (400, "invalid_pending_authentication_token"));
}

#[tokio::test]
async fn a_hundred_organizations_are_all_offered() {
    let application = Application::new().await;
    let (_, body) = application.signs_in("member.of.hundred@example.com").await;
    assert_eq!(body["organizations"].as_array().map(Vec::len), Some(100));
    let last = body["organizations"][99]["id"].as_str().expect("an id");
    let (status, answer) = application.selects(&body["pending_authentication_token"], last).await;
    assert_eq!((status, &answer["organization_id"]), (200, &json!(last)));
}

#[tokio::test]
async fn a_choice_of_what_was_not_offered_is_refused_and_can_be_made_again() {
    let application = Application::new().await;
    let (_, body) = application.signs_in("consultant@example.com").await;
    let token = &body["pending_authentication_token"];
    let sso = application.organization_id("Sso Example");
    let foreign = application.organization_id("MASADAS");

    assert_eq!(error(&application.selects(token, "org_no").await.1), "invalid_organization_id");
    let (status, body) = application.selects(token, &foreign).await;
    assert_eq!((status, error(&body)), (400, "organization_membership_not_found"));
    let refused = application.selects(token, &sso).await;
    assert_eq!(refused, (400, json!({"message": "Must use SSO for selected organization"})));
    let (status, _) = application.selects(token, &application.organization_id("Example")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_organization_that_demands_mfa_lets_nobody_in() {
    let application = Application::new().await;
    let (_, body) = application.signs_in("consultant@example.com").await;
    let mfa = application.organization_id("Mfa Example");
    let (status, body) = application.selects(&body["pending_authentication_token"], &mfa).await;
    assert_eq!((status, error(&body)), (403, "mfa_enrollment"));
}

#[tokio::test]
async fn refuses_a_made_up_or_expired_choice() {
    let application = Application::new().await;
    let id = application.organization_id("MASADAS");
    let made_up = json!("made-up");
    let (status, body) = application.selects(&made_up, &id).await;
    assert_eq!((status, error(&body)), (400, "invalid_pending_authentication_token"));

    let (_, body) = application.signs_in("123@gmail.com").await;
    application.workos.expire_codes();
    let (_, body) = application.selects(&body["pending_authentication_token"], &id).await;
    assert_eq!(error(&body), "invalid_pending_authentication_token");
}
