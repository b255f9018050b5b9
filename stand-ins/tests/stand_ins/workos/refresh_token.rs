use serde_json::json;

use super::{Application, claims, error, parameter};

#[tokio::test]
async fn a_refresh_keeps_the_session_and_changes_both_tokens() {
    let application = Application::new().await;
    let first = application.workos.sign_in("jane", None);
    let (status, second) = application.refreshes(&first["refresh_token"], None).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    let (old, new) = (claims(&first), claims(&second));
    for name in ["iss", "sub", "sid", "org_id", "role", "permissions"] {
        assert_eq!(old[name], new[name], "{name}");
    }
    assert_ne!(old["jti"], new["jti"]);
    assert_eq!(second["authentication_method"], "MagicAuth");
    assert_eq!(second["user"]["email"], "jane.doe@example.com");
}

#[tokio::test]
async fn a_refresh_token_brings_the_same_pair_for_half_a_minute_and_then_nothing() {
    let application = Application::new().await;
    let session = application.workos.sign_in("jane", None);
    let (_, next) = application.refreshes(&session["refresh_token"], None).await;
    let (status, same) = application.refreshes(&session["refresh_token"], None).await;
    assert_eq!((status, &same), (200, &next), "a request that is sent again");

    application.workos.end_replays();
    let (status, body) = application.refreshes(&session["refresh_token"], None).await;
    assert_eq!((status, error(&body)), (400, "invalid_grant"));
    assert_eq!(body["error_description"], "Refresh token already exchanged.");
    assert_eq!(application.refreshes(&next["refresh_token"], None).await.0, 200);
    let (status, body) = application.refreshes(&json!("made-up"), None).await;
    assert_eq!((status, error(&body)), (400, "invalid_grant"));
}

#[tokio::test]
async fn an_exchange_is_repeated_whether_its_organization_is_named_or_not() {
    let application = Application::new().await;
    let own = application.organization_id("MASADAS");
    for [first, second] in [[None, Some(&*own)], [Some(&*own), None]] {
        let session = application.workos.sign_in("member_of_two", Some("MASADAS"));
        let (_, next) = application.refreshes(&session["refresh_token"], first).await;
        let (status, same) = application.refreshes(&session["refresh_token"], second).await;
        assert_eq!((status, &same), (200, &next));
    }
}

#[tokio::test]
async fn an_exchange_is_not_repeated_for_another_organization_or_an_ended_session() {
    let application = Application::new().await;
    let session = application.workos.sign_in("member_of_two", Some("MASADAS"));
    let token = &session["refresh_token"];
    assert_eq!(application.refreshes(token, None).await.0, 200);
    let other = application.organization_id("TAUNTA SCRE");
    let (status, body) = application.refreshes(token, Some(&other)).await;
    assert_eq!((status, error(&body)), (400, "invalid_grant"));

    application.workos.revoke_session(claims(&session)["sid"].as_str().expect("a session"));
    let (_, body) = application.refreshes(token, None).await;
    assert_eq!(body["error_description"], "Session has already ended.");
}

#[tokio::test]
async fn a_session_moves_between_the_users_organizations() {
    let application = Application::new().await;
    let session = application.workos.sign_in("member_of_two", Some("MASADAS"));
    let other = application.organization_id("TAUNTA SCRE");
    let (status, moved) = application.refreshes(&session["refresh_token"], Some(&other)).await;
    assert_eq!((status, &moved["organization_id"]), (200, &json!(other)));
    assert_eq!(claims(&moved)["sid"], claims(&session)["sid"]);
    let (_, stayed) = application.refreshes(&moved["refresh_token"], None).await;
    assert_eq!(claims(&stayed)["org_id"], json!(other));
}

#[tokio::test]
async fn a_refused_move_leaves_the_session_as_it_was() {
    let application = Application::new().await;
    let session = application.workos.sign_in("consultant", Some("Example"));
    let token = &session["refresh_token"];
    let sso = application.workos.organization("Sso Example");
    let (status, body) = application.refreshes(token, Some(&sso.id)).await;
    assert_eq!((status, error(&body)), (400, "sso_required"));
    assert_eq!(body["connection_ids"], json!([sso.connections[0].id]));
    let cases = [
        (application.organization_id("Mfa Example"), "mfa_enrollment"),
        (application.organization_id("MASADAS"), "organization_membership_not_found"),
        ("org_no".to_owned(), "organization_not_found"),
    ];
    for (id, expected) in cases {
        let (status, body) = application.refreshes(token, Some(&id)).await;
        assert_eq!((status, error(&body)), (400, expected));
    }
    let (status, same) = application.refreshes(token, None).await;
    assert_eq!((status, &same["organization_id"]), (200, &session["organization_id"]));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_leads_back() {
    let application = Application::new().await;
    let session = application.workos.sign_in("jane", None);
    let sid = claims(&session)["sid"].as_str().expect("a session").to_owned();
    assert!(application.workos.has_session(&sid));

    let logout = format!("/user_management/sessions/logout?session_id={sid}");
    let elsewhere = application.visits(&format!("{logout}&return_to=https://evil.example")).await;
    assert_eq!(elsewhere.status(), 422);
    assert!(application.workos.has_session(&sid), "the whole request was refused");

    let back = application.redirected(&format!("{logout}&return_to=http://localhost:3000")).await;
    assert_eq!(back.as_str(), "http://localhost:3000/");
    assert!(!application.workos.has_session(&sid));
    let (status, body) = application.refreshes(&session["refresh_token"], None).await;
    assert_eq!((status, error(&body)), (400, "invalid_grant"));

    assert_eq!(application.redirected(&logout).await.as_str(), "http://localhost:3000/");
    let unnamed = application.visits("/user_management/sessions/logout").await;
    assert_eq!(unnamed.status(), 422);
}

#[tokio::test]
async fn a_revoked_session_and_a_removed_user_cannot_be_refreshed() {
    let application = Application::new().await;
    let session = application.workos.sign_in("jane", None);
    let sid = claims(&session)["sid"].as_str().expect("a session").to_owned();
    assert!(application.workos.revoke_session(&sid));
    assert!(!application.workos.revoke_session(&sid), "it had ended already");
    let (_, body) = application.refreshes(&session["refresh_token"], None).await;
    assert_eq!(body["error_description"], "Session has already ended.");

    let session = application.workos.sign_in("without_organization", None);
    application.workos.remove_user("without_organization");
    let (_, body) = application.refreshes(&session["refresh_token"], None).await;
    assert_eq!(error(&body), "invalid_grant");
}

#[tokio::test]
async fn a_refresh_can_be_made_to_end_up_in_another_organization() {
    let application = Application::new().await;
    let session = application.workos.sign_in("member_of_two", Some("MASADAS"));
    application.workos.misplace_refreshes("Example");
    let wanted = application.organization_id("TAUNTA SCRE");
    let (status, moved) = application.refreshes(&session["refresh_token"], Some(&wanted)).await;
    let example = json!(application.organization_id("Example"));
    assert_eq!((status, &moved["organization_id"]), (200, &example));
    assert_eq!(claims(&moved)["org_id"], example);
}

#[tokio::test]
async fn who_came_by_sso_may_move_into_that_organization() {
    let application = Application::new().await;
    let (sso, example) =
        (application.organization_id("Sso Example"), application.organization_id("Example"));
    let path = super::authorize(&[("organization_id", &sso), ("user", "consultant")]);
    let code = parameter(&application.redirected(&path).await, "code").expect("a code");
    let (_, session) = application.redeems(&code, None).await;
    let (_, moved) = application.refreshes(&session["refresh_token"], Some(&example)).await;
    let (status, back) = application.refreshes(&moved["refresh_token"], Some(&sso)).await;
    assert_eq!((status, &back["organization_id"]), (200, &json!(sso)));
}
