use anteroom_stand_ins::{
    clerk::{AUTHORIZED_PARTY, Clerk, ISSUER, User, seeded_users, session_claims},
    jwt,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{rsa::PublicKeyComponents, signature::RSA_PKCS1_2048_8192_SHA256};
use serde_json::{Value, json};

use super::{client, send};

struct Backend {
    clerk: Clerk,
    client: reqwest::Client,
}

impl Backend {
    async fn new() -> Self {
        Self { clerk: Clerk::start().await.expect("it starts"), client: client() }
    }

    async fn asks(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.clerk.url()));
        send(request.bearer_auth(self.clerk.secret_key())).await
    }

    async fn posts(&self, path: &str, body: &'static str) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.clerk.url())).body(body);
        send(request.bearer_auth(self.clerk.secret_key())).await
    }

    async fn asks_with(&self, authorization: Option<&str>) -> (u16, Value) {
        let mut request = self.client.get(format!("{}/v1/jwks", self.clerk.url()));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        send(request).await
    }

    async fn dev_token(&self, query: &str) -> (u16, String) {
        let url = format!("{}/dev/session-token{query}", self.clerk.url());
        let answer = self.client.get(url).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }
}

fn code(body: &Value) -> &str {
    body["errors"][0]["code"].as_str().unwrap_or_default()
}

fn decode(text: &Value) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text.as_str().expect("text")).expect("base64url")
}

/// Whether a key of the set with the token's own `kid` signed it.
fn is_signed_by(token: &str, jwks: &Value) -> bool {
    let header = jwt::header(token).expect("a header");
    let keys = jwks["keys"].as_array().expect("keys");
    let Some(key) = keys.iter().find(|key| key["kid"] == header["kid"]) else { return false };
    let key = PublicKeyComponents { n: decode(&key["n"]), e: decode(&key["e"]) };
    let (message, signed) = token.rsplit_once('.').expect("three parts");
    let signed = decode(&json!(signed));
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signed).is_ok()
}

#[tokio::test]
async fn refuses_a_missing_malformed_or_wrong_key() {
    let backend = Backend::new().await;
    let cases = [
        (None, "authentication_invalid"),
        (Some("Basic c2tfdGVzdA=="), "authorization_header_format_invalid"),
        (Some("sk_test_of_the_stand_in_and_no_secret"), "authorization_header_format_invalid"),
        (Some("Bearer sk_test_other"), "clerk_key_invalid"),
        (Some("Bearer"), "authorization_header_format_invalid"),
    ];
    for (authorization, expected) in cases {
        let (status, body) = backend.asks_with(authorization).await;
        assert_eq!((status, code(&body)), (401, expected), "{authorization:?}");
        let error = &body["errors"][0];
        assert!(error["message"].is_string() && error["long_message"].is_string(), "{body}");
        assert_eq!(body["clerk_trace_id"].as_str().map(str::len), Some(32), "{body}");
    }
}

#[tokio::test]
async fn refuses_the_old_key_after_a_rotation() {
    let backend = Backend::new().await;
    let old = backend.clerk.secret_key();
    backend.clerk.rotate_secret_key("sk_test_new");
    let (status, body) = backend.asks_with(Some(&format!("Bearer {old}"))).await;
    assert_eq!((status, code(&body)), (401, "clerk_key_invalid"));
    assert_eq!(backend.asks("/v1/jwks").await.0, 200);
    let settings = backend.clerk.settings();
    assert!(settings.contains(&("CLERK_SECRET_KEY".to_owned(), "sk_test_new".to_owned())));
}

#[tokio::test]
async fn gives_the_user_as_documented() {
    let backend = Backend::new().await;
    let jane = User::seeded("jane");
    let (status, body) = backend.asks(&format!("/v1/users/{}", jane.id)).await;
    assert_eq!(status, 200);
    assert_eq!(body["object"], "user");
    assert_eq!(body["id"], json!(jane.id));
    assert_eq!((&body["first_name"], &body["last_name"]), (&json!("Jane"), &json!("Doe")));
    assert_eq!(body["image_url"], "https://img.example.com/jane.png");
    assert_eq!(body["has_image"], true);
    assert_eq!((&body["banned"], &body["locked"]), (&json!(false), &json!(false)));
    assert_eq!(body["external_accounts"], json!([]));
    let address = &body["email_addresses"][0];
    assert_eq!(address["email_address"], "jane.doe@example.com");
    assert_eq!(address["verification"]["status"], "verified");
    assert_eq!(address["id"], body["primary_email_address_id"]);
}

#[tokio::test]
async fn gives_each_seeded_user_what_the_table_says() {
    let backend = Backend::new().await;
    for user in seeded_users() {
        let (_, body) = backend.asks(&format!("/v1/users/{}", user.id)).await;
        let addresses = body["email_addresses"].as_array().expect("addresses");
        let primary =
            addresses.iter().position(|address| address["id"] == body["primary_email_address_id"]);
        let seen =
            (body["first_name"].as_str(), body["has_image"] == true, addresses.len(), primary);
        let expected = match user.short_name.as_str() {
            "jane" => (Some("Jane"), true, 1, Some(0)),
            "nameless" => (None, false, 1, Some(0)),
            "mailless" => (Some("Max"), false, 1, None),
            "several" => (Some("Sam"), false, 3, Some(1)),
            "member" => (Some("Mia"), false, 1, Some(0)),
            "unproven" => (Some("Una"), false, 1, Some(0)),
            "banned" => (Some("Ben"), false, 1, Some(0)),
            "locked" => (Some("Lou"), false, 1, Some(0)),
            other => panic!("{other} is not in the table"),
        };
        assert_eq!(seen, expected, "{}", user.short_name);
        assert!(body["image_url"].is_string(), "Clerk draws a picture for everyone");
    }
}

#[tokio::test]
async fn does_not_know_what_is_not_there() {
    let backend = Backend::new().await;
    for path in ["/v1/users/user_unknown", "/v1/users/jane", "/v1/sessions/sess_unknown"] {
        let (status, body) = backend.asks(path).await;
        assert_eq!((status, code(&body)), (404, "resource_not_found"), "{path}");
    }
    for path in ["/", "/v1", "/v1/users", "/v1/users/user_1/", "/v2/jwks"] {
        let (status, body) = backend.asks(path).await;
        assert_ne!((status, code(&body)), (404, "resource_not_found"), "{path}");
        assert_eq!(status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_removed_user_is_gone_with_the_session() {
    let backend = Backend::new().await;
    let jane = User::seeded("jane");
    backend.clerk.remove_user("jane");
    for path in [format!("/v1/users/{}", jane.id), format!("/v1/sessions/{}", jane.session_id)] {
        assert_eq!(backend.asks(&path).await.0, 404, "{path}");
    }
    assert_eq!(backend.dev_token("?user=jane").await.0, 404);
    let nobody = User::new("nobody");
    backend.clerk.add_user(nobody.clone());
    assert_eq!(backend.asks(&format!("/v1/users/{}", nobody.id)).await.0, 200);
}

#[tokio::test]
async fn mints_session_tokens_of_clerks_form() {
    let backend = Backend::new().await;
    let token = backend.clerk.session_token("jane");
    let jwks = backend.asks("/v1/jwks").await.1;
    assert!(is_signed_by(&token, &jwks));

    let header = jwt::header(&token).expect("a header");
    let kid = &jwks["keys"][0]["kid"];
    let expected = json!({"alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": kid, "typ": "JWT"});
    assert_eq!(header, expected);

    let claims = jwt::claims(&token).expect("claims");
    let names: Vec<_> = claims.as_object().expect("an object").keys().collect();
    let expected = ["azp", "exp", "fva", "iat", "iss", "jti", "nbf", "sid", "sts", "sub", "v"];
    assert_eq!(names, expected);
    let jane = User::seeded("jane");
    assert_eq!((&claims["sub"], &claims["sid"]), (&json!(jane.id), &json!(jane.session_id)));
    assert_eq!((&claims["iss"], &claims["azp"]), (&json!(ISSUER), &json!(AUTHORIZED_PARTY)));
    assert_eq!((&claims["sts"], &claims["v"]), (&json!("active"), &json!(2)));
}

#[tokio::test]
async fn a_foreign_or_altered_token_is_not_signed_by_the_instance() {
    let backend = Backend::new().await;
    let clerk = &backend.clerk;
    let jwks = backend.asks("/v1/jwks").await.1;
    let (header, claims) = (clerk.header(), clerk.claims_for("jane"));
    assert!(is_signed_by(&clerk.sign(&header, &claims), &jwks));
    assert!(!is_signed_by(&clerk.sign_foreign(&header, &claims), &jwks));
    let other = clerk.claims_for("several");
    assert!(!is_signed_by(&jwt::with_claims(&clerk.session_token("jane"), &other), &jwks));
}

#[tokio::test]
async fn makes_tokens_for_a_session() {
    let backend = Backend::new().await;
    let session = User::seeded("member").session_id;
    let path = format!("/v1/sessions/{session}/tokens");
    let (status, body) = backend.posts(&path, r#"{"expires_in_seconds": 600}"#).await;
    assert_eq!((status, &body["object"]), (200, &json!("token")));
    let claims = jwt::claims(body["jwt"].as_str().expect("a token")).expect("claims");
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|issued| issued + 600));
    assert_eq!(claims["o"]["slg"], "acme");
    assert_eq!(backend.posts(&path, "").await.0, 200);

    let (status, session_body) = backend.asks(&format!("/v1/sessions/{session}")).await;
    assert_eq!((status, &session_body["status"]), (200, &json!("active")));
    assert_eq!(session_body["user_id"], claims["sub"]);
}

#[tokio::test]
async fn makes_tokens_from_known_templates_only() {
    let backend = Backend::new().await;
    backend.clerk.add_template("grafbase", json!({"role": "editor", "groups": ["org:admin"]}));
    let session = User::seeded("jane").session_id;

    let path = format!("/v1/sessions/{session}/tokens/supabase");
    let (_, body) = backend.posts(&path, "{}").await;
    let token = body["jwt"].as_str().expect("a token");
    assert!(is_signed_by(token, &backend.asks("/v1/jwks").await.1));
    assert_eq!(jwt::header(token).expect("a header")["cat"], "cl_B7d4PD222AAA");
    let claims = jwt::claims(token).expect("claims");
    assert_eq!(
        (&claims["aud"], &claims["email"]),
        (&json!("authenticated"), &json!("jane.doe@example.com"))
    );
    assert_eq!(claims["sid"], Value::Null, "a template's token has no session");

    let path = format!("/v1/sessions/{session}/tokens/grafbase");
    assert_eq!(backend.posts(&path, "").await.0, 200);
    for path in [
        format!("/v1/sessions/{session}/tokens/unknown"),
        "/v1/sessions/sess_unknown/tokens/supabase".to_owned(),
        "/v1/sessions/sess_unknown/tokens".to_owned(),
    ] {
        let (status, body) = backend.posts(&path, "").await;
        assert_eq!((status, code(&body)), (404, "resource_not_found"), "{path}");
    }
}

#[tokio::test]
async fn refuses_a_malformed_request_for_a_token() {
    let backend = Backend::new().await;
    let path = format!("/v1/sessions/{}/tokens", User::seeded("jane").session_id);
    let cases = [
        ("{", (400, "request_body_invalid")),
        ("[]", (400, "request_body_invalid")),
        (r#"{"expires_in_seconds": 5}"#, (422, "form_param_value_invalid")),
        (r#"{"expires_in_seconds": "60"}"#, (422, "form_param_value_invalid")),
    ];
    for (body, expected) in cases {
        let (status, answer) = backend.posts(&path, body).await;
        assert_eq!((status, code(&answer)), expected, "{body}");
    }
}

#[tokio::test]
async fn rotates_the_signing_key() {
    let backend = Backend::new().await;
    let old = backend.clerk.session_token("jane");
    let old_pem = backend.clerk.jwt_key();
    backend.clerk.rotate_signing_key();
    let new = backend.clerk.session_token("jane");
    assert_ne!(backend.clerk.jwt_key(), old_pem);

    let both = backend.asks("/v1/jwks").await.1;
    assert!(is_signed_by(&old, &both) && is_signed_by(&new, &both));
    backend.clerk.retire_old_signing_key();
    let one = backend.asks("/v1/jwks").await.1;
    assert!(!is_signed_by(&old, &one) && is_signed_by(&new, &one));
}

#[tokio::test]
async fn hands_out_session_tokens_to_people() {
    let backend = Backend::new().await;
    let jwks = backend.asks("/v1/jwks").await.1;
    let (status, token) = backend.dev_token("?user=jane").await;
    assert!(status == 200 && is_signed_by(&token, &jwks), "{token}");

    let (_, token) = backend.dev_token("?user=member&ttl=3600&claims=1").await;
    let claims = jwt::claims(&token).expect("claims");
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|issued| issued + 3600));
    assert_eq!((&claims["org_slug"], &claims["v"]), (&json!("acme"), &Value::Null));

    let (status, problem) = backend.dev_token("?user=eve").await;
    assert!(status == 404 && problem.contains("jane"), "{problem}");
    assert_eq!(backend.dev_token("?user=jane&ttl=long").await.0, 400);
    assert_eq!(backend.clerk.hits("GET", "/dev/session-token"), 0);
}

#[test]
fn the_publishable_key_names_the_issuer() {
    let key = anteroom_stand_ins::clerk::publishable_key();
    assert_eq!(key, "pk_test_Y2xlcmsuYW50ZXJvb20ubG9jYWxob3N0JA==");
}

#[test]
fn ids_have_clerks_form_and_stay_the_same() {
    let jane = User::seeded("jane");
    assert_eq!(jane.id, "user_2Anteroomjane00000000000000");
    assert_eq!(jane.session_id, "sess_2Anteroomjane00000000000000");
    let claims = session_claims(&jane, 0);
    assert_eq!(claims["sub"], json!(jane.id));
}
