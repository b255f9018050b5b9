//! WorkOS as an application sees it. The grants of `authenticate` each have a file of their own.

mod authorization_code;
mod callers;
mod directory;
mod hosted_page;
mod magic_auth;
mod organization_selection;
mod refresh_token;
mod tokens;

use anteroom_stand_ins::{
    faults::Fault,
    jwt,
    workos::{CLIENT_ID, REDIRECT_URI, WorkOs},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::Url;

use super::{browser, client, send};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";

/// An application with the environment's own key.
struct Application {
    workos: WorkOs,
    client: reqwest::Client,
}

impl Application {
    async fn new() -> Self {
        Self { workos: WorkOs::start().await.expect("it starts"), client: client() }
    }

    async fn gets(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.workos.url()));
        send(request.bearer_auth(self.workos.api_key())).await
    }

    async fn posts(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.workos.url())).json(body);
        send(request.bearer_auth(self.workos.api_key())).await
    }

    /// Asks `authenticate` with the application's own id and secret besides the given fields.
    async fn authenticates(&self, fields: Value) -> (u16, Value) {
        let mut body = json!({"client_id": CLIENT_ID, "client_secret": self.workos.api_key()});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let url = format!("{}/user_management/authenticate", self.workos.url());
        send(self.client.post(url).json(&body)).await
    }

    async fn redeems(&self, code: &str, verifier: Option<&str>) -> (u16, Value) {
        let grant =
            json!({"grant_type": "authorization_code", "code": code, "code_verifier": verifier});
        self.authenticates(grant).await
    }

    async fn redeems_magic_code(&self, email: &str, code: &str) -> (u16, Value) {
        let grant_type = "urn:workos:oauth:grant-type:magic-auth:code";
        self.authenticates(json!({"grant_type": grant_type, "email": email, "code": code})).await
    }

    async fn selects(&self, token: &Value, organization_id: &str) -> (u16, Value) {
        self.authenticates(json!({
            "grant_type": "urn:workos:oauth:grant-type:organization-selection",
            "pending_authentication_token": token,
            "organization_id": organization_id,
        }))
        .await
    }

    async fn refreshes(&self, token: &Value, organization_id: Option<&str>) -> (u16, Value) {
        self.authenticates(json!({
            "grant_type": "refresh_token",
            "refresh_token": token,
            "organization_id": organization_id,
        }))
        .await
    }

    /// A magic code for that address, and the sign-in with it.
    async fn signs_in(&self, email: &str) -> (u16, Value) {
        let (status, sent) =
            self.posts("/user_management/magic_auth", &json!({"email": email})).await;
        assert_eq!(status, 201, "{sent}");
        self.redeems_magic_code(email, sent["code"].as_str().expect("a code")).await
    }

    /// Where a browser is sent that asks for `path`.
    async fn redirected(&self, path: &str) -> Url {
        let answer = self.visits(path).await;
        assert_eq!(answer.status(), 302, "{path}");
        let location = answer.headers()["location"].to_str().expect("text");
        Url::parse(location).expect("a URL")
    }

    async fn visits(&self, path: &str) -> reqwest::Response {
        let request = browser().get(format!("{}{path}", self.workos.url()));
        request.send().await.expect("an answer")
    }

    fn organization_id(&self, name: &str) -> String {
        self.workos.organization(name).id
    }
}

/// `/user_management/authorize` with what every application sends, and these parameters over it.
fn authorize(parameters: &[(&str, &str)]) -> String {
    let usual =
        [("client_id", CLIENT_ID), ("redirect_uri", REDIRECT_URI), ("response_type", "code")];
    let usual = usual.iter().filter(|(name, _)| parameters.iter().all(|(other, _)| name != other));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(usual)
        .extend_pairs(parameters)
        .finish();
    format!("/user_management/authorize?{query}")
}

fn challenge() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()))
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The name of an error, in whichever of WorkOS's two shapes it comes.
fn error(body: &Value) -> &str {
    body["code"].as_str().or(body["error"].as_str()).unwrap_or_default()
}

fn claims(answer: &Value) -> Value {
    let token = answer["access_token"].as_str().expect("an access token");
    jwt::claims(token).expect("claims")
}

#[tokio::test]
async fn refuses_a_missing_or_wrong_client_secret_or_client() {
    let application = Application::new().await;
    let code = application.workos.authorization_code("jane", None);
    let grant = json!({"grant_type": "authorization_code", "code": code});
    let cases = [
        (json!({"client_id": "client_other"}), (400, "invalid_client")),
        (json!({"client_secret": "sk_test_other"}), (400, "invalid_client")),
        (json!({"client_secret": null}), (422, "invalid_request_parameters")),
        (json!({"client_id": 7}), (422, "invalid_request_parameters")),
        (json!({"grant_type": "password"}), (400, "invalid_request")),
        (json!({"grant_type": ""}), (422, "invalid_request_parameters")),
        (json!({"code": null}), (422, "invalid_request_parameters")),
    ];
    for (wrong, expected) in cases {
        let mut fields = grant.clone();
        for (name, value) in wrong.as_object().expect("fields") {
            fields[name] = value.clone();
        }
        let (status, body) = application.authenticates(fields).await;
        assert_eq!((status, error(&body)), expected, "{wrong}");
    }
    assert_eq!(application.authenticates(grant).await.0, 200, "none of them spent the code");
}

#[tokio::test]
async fn refuses_a_body_that_is_no_json_object() {
    let application = Application::new().await;
    let url = format!("{}/user_management/authenticate", application.workos.url());
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "[]"),
        ("application/json", "{"),
        ("text/plain", "{}"),
    ] {
        let request = application.client.post(&url).header("content-type", content_type).body(body);
        let (status, answer) = send(request).await;
        assert_eq!((status, error(&answer)), (400, "invalid_request"), "{content_type} {body}");
    }
}

#[tokio::test]
async fn all_but_the_browsers_endpoints_and_the_keys_need_the_api_key() {
    let application = Application::new().await;
    let paths = [
        "/user_management/users",
        "/user_management/users/user_1",
        "/user_management/organization_memberships?user_id=user_1",
        "/organizations",
        "/organizations/org_1",
        "/connections",
        "/no/such/path",
    ];
    for path in paths {
        for key in [None, Some("sk_test_other")] {
            let mut request = application.client.get(format!("{}{path}", application.workos.url()));
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            let expected = (401, json!({"message": "Unauthorized"}));
            assert_eq!(send(request).await, expected, "{path} {key:?}");
        }
    }
    let jwks = format!("{}/sso/jwks/{CLIENT_ID}", application.workos.url());
    assert_eq!(send(application.client.get(jwks)).await.0, 200);
}

#[tokio::test]
async fn accepts_two_keys_until_the_old_one_is_revoked() {
    let application = Application::new().await;
    let old = application.workos.api_key();
    let url = format!("{}/organizations", application.workos.url());
    let status = async |key: &str| send(application.client.get(&url).bearer_auth(key)).await.0;
    assert_eq!((status(&old).await, status("sk_test_new").await), (200, 401));
    application.workos.create_api_key("sk_test_new");
    assert_eq!((status(&old).await, status("sk_test_new").await), (200, 200));
    application.workos.rotate_api_key("sk_test_new");
    assert_eq!((status(&old).await, status("sk_test_new").await), (401, 200));
    assert_eq!(application.gets("/organizations").await.0, 200);
    let settings = application.workos.settings();
    assert!(settings.contains(&("WORKOS_API_KEY".to_owned(), "sk_test_new".to_owned())));
}

#[tokio::test]
async fn says_what_is_not_there() {
    let application = Application::new().await;
    let (status, body) = application.gets("/user_management/users/user_nobody").await;
    let message = "User not found: 'user_nobody'.";
    let expected =
        json!({"message": message, "code": "entity_not_found", "entity_id": "user_nobody"});
    assert_eq!((status, body), (404, expected));
    assert_eq!(error(&application.gets("/organizations/org_no").await.1), "entity_not_found");
    let (status, body) = application.gets("/user_management/nothing").await;
    assert_eq!((status, &body["statusCode"]), (404, &json!(404)));
}

#[tokio::test]
async fn gives_tools_a_token_and_a_code_without_a_key() {
    let application = Application::new().await;
    let text = async |path: &str| {
        let answer = application.visits(path).await;
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let (status, token) = text("/dev/access-token?user=member_of_two&organization=MASADAS").await;
    assert_eq!(status, 200);
    let claims = jwt::claims(&token).expect("claims");
    assert_eq!(claims["org_id"], json!(application.organization_id("MASADAS")));
    assert!(application.workos.has_session(claims["sid"].as_str().expect("a session")));
    assert_eq!(text("/dev/access-token?user=member_of_two&organization=Example").await.0, 404);
    let (status, problem) = text("/dev/access-token?user=nobody").await;
    assert!(status == 404 && problem.contains("jane"), "{problem}");

    assert_eq!(text("/dev/magic-code?email=jane.doe@example.com").await.0, 404);
    let email = json!({"email": "Jane.Doe@example.com"});
    let (_, sent) = application.posts("/user_management/magic_auth", &email).await;
    let code = text("/dev/magic-code?email=jane.doe@example.com").await;
    assert_eq!(code, (200, sent["code"].as_str().expect("a code").to_owned()));
}

#[tokio::test]
async fn says_what_is_prescribed_once_and_in_order() {
    let application = Application::new().await;
    let path = "/user_management/authenticate";
    for code in ["radar_challenge", "token_too_big"] {
        application.workos.prescribe(path, 403, json!({"code": code}));
    }
    assert_eq!(application.gets("/organizations").await.0, 200, "another path is not meant");
    for code in ["radar_challenge", "token_too_big"] {
        assert_eq!(
            application.signs_in("without.organization@example.com").await,
            (403, json!({"code": code}))
        );
    }
    assert_eq!(application.signs_in("without.organization@example.com").await.0, 200);
}

#[tokio::test]
async fn fails_in_workos_own_words() {
    let application = Application::new().await;
    let ask = || application.gets("/organizations");
    application.workos.inject(Fault::Limiting { retry_after: None }.once());
    assert_eq!(error(&ask().await.1), "rate_limit_exceeded");
    application.workos.inject(Fault::Failing(503).once());
    let internal = json!({"statusCode": 503, "message": "Internal server error"});
    assert_eq!(ask().await, (503, internal));
    application.workos.inject(Fault::Refusing.once());
    assert_eq!(ask().await, (401, json!({"message": "Unauthorized"})));
}

#[tokio::test]
async fn a_truncated_answer_has_spent_the_code_all_the_same() {
    let application = Application::new().await;
    let code = application.workos.authorization_code("jane", None);
    application.workos.inject(Fault::Truncated.on("/user_management/authenticate").once());
    let body = json!({
        "client_id": CLIENT_ID,
        "client_secret": application.workos.api_key(),
        "grant_type": "authorization_code",
        "code": code,
    });
    let url = format!("{}/user_management/authenticate", application.workos.url());
    let answer = application.client.post(url).json(&body).send().await.expect("a head");
    assert!(answer.bytes().await.is_err(), "the rest never came");
    assert_eq!(error(&application.redeems(&code, None).await.1), "invalid_grant");
}
