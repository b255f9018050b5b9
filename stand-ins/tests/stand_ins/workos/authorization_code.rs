use anteroom_stand_ins::workos::Organization;

use super::{Application, REDIRECT_URI, VERIFIER, authorize, challenge, claims, error, parameter};

#[tokio::test]
async fn a_sign_in_on_the_page_ends_in_a_session() {
    let application = Application::new().await;
    let challenge = challenge();
    let path = authorize(&[
        ("provider", "GoogleOAuth"),
        ("state", "a state & more"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("user", "jane"),
    ]);
    let callback = application.redirected(&path).await;
    assert!(callback.as_str().starts_with(REDIRECT_URI), "{callback}");
    assert_eq!(parameter(&callback, "state").as_deref(), Some("a state & more"));

    let code = parameter(&callback, "code").expect("a code");
    let (status, answer) = application.redeems(&code, Some(VERIFIER)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["user"]["email"], "jane.doe@example.com");
    assert_eq!(answer["authentication_method"], "GoogleOAuth");
    assert_eq!(answer["organization_id"], application.organization_id("Example"));
}

#[tokio::test]
async fn a_code_is_good_for_one_session() {
    let application = Application::new().await;
    let code = application.workos.authorization_code("jane", None);
    assert_eq!(application.redeems(&code, None).await.0, 200);
    let (status, body) = application.redeems(&code, None).await;
    assert_eq!((status, error(&body)), (400, "invalid_grant"));
    assert_eq!(body["error_description"], format!("The code '{code}' has expired or is invalid."));
    assert_eq!(error(&application.redeems("01MADEUP", None).await.1), "invalid_grant");

    let code = application.workos.authorization_code("jane", None);
    application.workos.expire_codes();
    assert_eq!(error(&application.redeems(&code, None).await.1), "invalid_grant");
}

#[tokio::test]
async fn a_code_asked_for_with_a_challenge_needs_its_verifier() {
    let application = Application::new().await;
    let wrong = VERIFIER.replace('a', "b");
    for verifier in [None, Some(wrong.as_str()), Some(""), Some(&VERIFIER[..42])] {
        let code = application.workos.authorization_code("jane", Some(&challenge()));
        let (status, body) = application.redeems(&code, verifier).await;
        assert_eq!((status, error(&body)), (400, "invalid_grant"), "{verifier:?}");
        let again = application.redeems(&code, Some(VERIFIER)).await;
        assert_eq!(again.0, 400, "the try spent the code");
    }
    let code = application.workos.authorization_code("jane", Some(&challenge()));
    assert_eq!(application.redeems(&code, Some(VERIFIER)).await.0, 200);

    let code = application.workos.authorization_code("jane", None);
    let (status, body) = application.redeems(&code, Some(VERIFIER)).await;
    assert_eq!((status, error(&body)), (400, "code_challenge_not_found"));
}

#[tokio::test]
async fn never_sends_anybody_to_an_unregistered_place() {
    let application = Application::new().await;
    let cases = [
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://localhost:3000/callback/more"),
        ("redirect_uri", ""),
        ("client_id", "client_other"),
    ];
    for case in cases {
        let path = authorize(&[("provider", "authkit"), ("user", "jane"), case]);
        let answer = application.visits(&path).await;
        assert_eq!(answer.status(), 400, "{case:?}");
        assert_eq!(answer.headers().get("location"), None, "{case:?}");
    }
    application.workos.register_redirect_uri("https://app.example/back?to=1");
    let other = ("redirect_uri", "https://app.example/back?to=1");
    let path = authorize(&[("provider", "authkit"), ("user", "jane"), other]);
    let callback = application.redirected(&path).await;
    assert!(callback.as_str().starts_with("https://app.example/back?to=1&code="), "{callback}");
}

#[tokio::test]
async fn tells_the_application_what_is_wrong_with_its_request() {
    let application = Application::new().await;
    let (workos, challenge) = (&application.workos, challenge());
    let inactive = workos.organization("Inactive Example");
    let two = Organization::new("Two Ways").with_connection(true).with_connection(true);
    let two_id = two.id.clone();
    workos.add_organization(two);
    let example = application.organization_id("Example");
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[], "invalid_connection_selector"),
        (&[("provider", "Nobody")], "invalid_connection_selector"),
        (&[("provider", "authkit"), ("connection_id", "conn_1")], "invalid_connection_selector"),
        (&[("connection_id", "conn_1")], "connection_invalid"),
        (&[("connection_id", &inactive.connections[0].id)], "connection_unlinked"),
        (&[("organization_id", "org_1")], "organization_invalid"),
        (&[("organization_id", &example)], "organization_invalid"),
        (&[("organization_id", &two_id)], "ambiguous_connection_selector"),
        (&[("provider", "authkit"), ("response_type", "token")], "invalid_request"),
        (&[("provider", "authkit"), ("code_challenge", &challenge)], "invalid_request"),
        (&[("provider", "authkit"), ("user", "nobody")], "access_denied"),
        (
            &[
                ("provider", "authkit"),
                ("code_challenge", "short"),
                ("code_challenge_method", "S256"),
            ],
            "invalid_request",
        ),
    ];
    for (parameters, expected) in cases {
        let parameters = [parameters, &[("state", "s")]].concat();
        let callback = application.redirected(&authorize(&parameters)).await;
        assert_eq!(parameter(&callback, "error").as_deref(), Some(expected), "{parameters:?}");
        assert!(parameter(&callback, "error_description").is_some(), "{callback}");
        assert_eq!(parameter(&callback, "state").as_deref(), Some("s"));
        assert_eq!(parameter(&callback, "code"), None);
    }
}

#[tokio::test]
async fn the_page_lists_who_can_sign_in_that_way_and_a_link_does_it() {
    let application = Application::new().await;
    let sso = application.workos.organization("Sso Example");
    let path = authorize(&[
        ("connection_id", &sso.connections[0].id),
        ("state", "<\"s\">"),
        ("login_hint", "someone@sso.example.com"),
    ]);
    let answer = application.visits(&path).await;
    assert_eq!(answer.status(), 200);
    let page = answer.text().await.expect("text");
    assert!(page.contains("Sign in to Sso Example"), "{page}");
    assert!(page.contains("consultant@example.com"), "{page}");
    assert!(!page.contains("jane.doe@example.com"), "{page}");
    assert!(!page.contains("<\"s\">"), "{page}");

    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let links: Vec<_> = links.map(|link| link.replace("&amp;", "&")).collect();
    let callback = application.redirected(&links[0]).await;
    assert_eq!(parameter(&callback, "state").as_deref(), Some("<\"s\">"));
    let code = parameter(&callback, "code").expect("a code");
    let (_, answer) = application.redeems(&code, None).await;
    assert_eq!(answer["user"]["email"], "someone@sso.example.com", "the hinted one is first");

    let cancel = url::Url::parse(links.last().expect("a link")).expect("a URL");
    assert_eq!(parameter(&cancel, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&cancel, "state").as_deref(), Some("<\"s\">"));
}

#[tokio::test]
async fn sso_is_for_the_members_and_leads_into_their_organization() {
    let application = Application::new().await;
    let id = application.organization_id("Sso Example");
    let sign_in = async |user: &str| {
        let path = authorize(&[("organization_id", &id), ("user", user)]);
        application.redirected(&path).await
    };
    let refused = sign_in("jane").await;
    assert_eq!(parameter(&refused, "error").as_deref(), Some("access_denied"));

    for user in ["someone", "consultant"] {
        let code = parameter(&sign_in(user).await, "code").expect("a code");
        let (status, answer) = application.redeems(&code, None).await;
        assert_eq!((status, &answer["organization_id"]), (200, &id.clone().into()), "{user}");
        assert_eq!(answer["authentication_method"], "SSO");
        assert_eq!(claims(&answer)["org_id"], id);
    }
}
