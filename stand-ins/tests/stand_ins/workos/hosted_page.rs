use serde_json::{Value, json};

use super::{Application, REDIRECT_URI, VERIFIER, authorize, challenge, claims, error, parameter};

fn hosted_page(more: &[(&str, &str)]) -> String {
    let challenge = challenge();
    let usual = [
        ("provider", "authkit"),
        ("state", "s"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    authorize(&[&usual[..], more].concat())
}

/// The session of a browser that has come back from the page.
async fn finishes(application: &Application, path: &str) -> (u16, Value) {
    let callback = application.redirected(path).await;
    let code = parameter(&callback, "code").unwrap_or_else(|| panic!("no code: {callback}"));
    application.redeems(&code, Some(VERIFIER)).await
}

#[tokio::test]
async fn takes_a_user_through_the_step_that_the_api_refuses() {
    let application = Application::new().await;
    for (user, step, again) in [
        ("unverified", "email_verification", None),
        ("enrolling", "mfa_enrollment", Some("mfa_challenge")),
        ("challenged", "mfa_challenge", Some("mfa_challenge")),
    ] {
        let user = ("user", user);
        for other in [("step", "none"), ("step", "passkey"), ("login_hint", "a@b.example")] {
            let page = application.visits(&hosted_page(&[user, other])).await;
            assert_eq!(page.status(), 200, "{user:?} {other:?}");
            assert!(page.text().await.expect("text").contains(&format!("step={step}")));
        }
        let (status, answer) = finishes(&application, &hosted_page(&[user, ("step", step)])).await;
        assert_eq!(status, 200, "{answer}");

        let next = application.visits(&hosted_page(&[user])).await;
        match again {
            None => assert_eq!(next.status(), 302, "an address stays verified"),
            Some(step) => assert!(next.text().await.expect("text").contains(step), "{user:?}"),
        }
    }
}

#[tokio::test]
async fn no_other_page_takes_a_user_through_it() {
    let application = Application::new().await;
    let challenge = challenge();
    let path = authorize(&[
        ("provider", "GoogleOAuth"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("user", "challenged"),
        ("step", "mfa_challenge"),
    ]);
    let (status, body) = finishes(&application, &path).await;
    assert_eq!((status, error(&body)), (403, "mfa_challenge"));
}

#[tokio::test]
async fn takes_a_member_of_an_organization_that_demands_mfa_through_it() {
    let application = Application::new().await;
    application.workos.add_member("Mfa Example", "without_organization");
    let user = ("user", "without_organization");
    assert_eq!(application.visits(&hosted_page(&[user])).await.status(), 200);
    let path = hosted_page(&[user, ("step", "mfa_enrollment")]);
    let (status, answer) = finishes(&application, &path).await;
    assert_eq!(
        (status, &answer["organization_id"]),
        (200, &json!(application.organization_id("Mfa Example")))
    );
}

#[tokio::test]
async fn a_screen_is_for_authkit_and_one_of_two() {
    let application = Application::new().await;
    for (provider, hint, is_good) in [
        ("authkit", "sign-in", true),
        ("authkit", "sign-up", true),
        ("authkit", "signup", false),
        ("GoogleOAuth", "sign-in", false),
    ] {
        let path = authorize(&[("provider", provider), ("screen_hint", hint), ("user", "jane")]);
        let callback = application.redirected(&path).await;
        assert_eq!(parameter(&callback, "code").is_some(), is_good, "{provider} {hint}");
    }
}

#[tokio::test]
async fn an_invitation_that_is_brought_is_accepted_once_by_its_own_address() {
    let application = Application::new().await;
    let email = "without.organization@example.com";
    let token = application.workos.invite(email, "MASADAS");
    let brought = [("invitation_token", token.as_str()), ("user", "jane")];
    let (status, body) = finishes(&application, &hosted_page(&brought)).await;
    assert_eq!((status, error(&body)), (400, "invitation_cannot_be_used_for_email"));

    let brought = [("invitation_token", token.as_str()), ("user", "without_organization")];
    let (status, answer) = finishes(&application, &hosted_page(&brought)).await;
    assert_eq!(
        (status, &answer["organization_id"]),
        (200, &json!(application.organization_id("MASADAS")))
    );
    let (status, body) = finishes(&application, &hosted_page(&brought)).await;
    assert_eq!((status, error(&body)), (400, "invitation_invalid"));
}

#[tokio::test]
async fn a_code_is_sent_only_for_an_invitation_that_its_address_can_accept() {
    let application = Application::new().await;
    application.workos.lift_limits();
    let email = "without.organization@example.com";
    let token = application.workos.invite(email, "Example");
    for (email, token, expected) in [
        (email, "inv_unknown", (400, "invitation_invalid")),
        ("jane.doe@example.com", &token, (400, "invitation_cannot_be_used_for_email")),
        (email, &token, (201, "")),
    ] {
        let body = json!({"email": email, "invitation_token": token});
        let (status, body) = application.posts("/user_management/magic_auth", &body).await;
        let error = if status == 201 { "" } else { error(&body) };
        assert_eq!((status, error), expected);
    }
}

#[tokio::test]
async fn a_sign_in_that_begins_at_workos_comes_without_a_state_unless_there_is_a_sign_in_endpoint()
{
    let application = Application::new().await;
    let page = "http://localhost:3000/sign-in";
    for (path, method, actor) in [
        (
            "/dev/impersonate?user=jane&by=admin@example.com&reason=Ticket+17",
            "Impersonation",
            json!({"email": "admin@example.com", "reason": "Ticket 17"}),
        ),
        ("/dev/identity-provider?user=someone", "SSO", Value::Null),
    ] {
        let callback = application.redirected(path).await;
        assert!(callback.as_str().starts_with(REDIRECT_URI), "{callback}");
        assert_eq!(parameter(&callback, "state"), None);
        let code = parameter(&callback, "code").expect("a code");
        assert_eq!(
            error(&application.redeems(&code, Some(VERIFIER)).await.1),
            "code_challenge_not_found"
        );

        let answer = application.visits(&format!("{path}&sign_in_endpoint={page}")).await;
        assert_eq!(answer.headers()["location"], page);
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        let url = format!("{}{}", application.workos.url(), hosted_page(&[]));
        let visit = || super::browser().get(&url).header("cookie", &cookie).send();
        let sent = visit().await.expect("an answer");
        let callback = sent.headers()["location"].to_str().expect("text").parse().expect("a URL");
        assert_eq!(parameter(&callback, "state").as_deref(), Some("s"));
        let code = parameter(&callback, "code").expect("a code");
        let (status, answer) = application.redeems(&code, Some(VERIFIER)).await;
        assert_eq!((status, &answer["authentication_method"]), (200, &json!(method)));
        assert_eq!(answer["impersonator"], actor);
        assert_eq!(claims(&answer)["act"]["sub"], actor["email"]);
        assert_eq!(visit().await.expect("an answer").status(), 200, "it is completed once");
    }
}
