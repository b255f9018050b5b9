use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};
use time::Duration;

use super::{aws::Signed, client, send};

fn rightly() -> Signed {
    Signed::rightly("secretsmanager", "secretsmanager.GetSecretValue")
}

async fn start() -> SecretsManager {
    let secrets = SecretsManager::start().await.expect("it starts");
    secrets.put("anteroom/clerk", json!({"CLERK_SECRET_KEY": "sk_test_1"}));
    secrets
}

async fn ask(secrets: &SecretsManager, body: Value) -> (u16, Value) {
    rightly().asks(&secrets.url(), body).await
}

fn kind(body: &Value) -> &str {
    body["__type"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn gives_a_secret_by_name_or_arn() {
    let secrets = start().await;
    let (status, by_name) = ask(&secrets, json!({"SecretId": "anteroom/clerk"})).await;
    assert_eq!(status, 200);
    assert_eq!(by_name["Name"], "anteroom/clerk");
    assert_eq!(by_name["SecretString"], r#"{"CLERK_SECRET_KEY":"sk_test_1"}"#);
    assert_eq!(by_name["VersionStages"], json!(["AWSCURRENT"]));
    assert_eq!(by_name["VersionId"].as_str().map(str::len), Some(36));
    assert!(by_name["CreatedDate"].is_number(), "seconds, as the JSON protocol has them");
    let (_, by_arn) = ask(&secrets, json!({"SecretId": by_name["ARN"]})).await;
    assert_eq!(by_arn, by_name);
}

#[tokio::test]
async fn keeps_the_version_before() {
    let secrets = start().await;
    secrets.put("anteroom/clerk", "not JSON");
    let get = |stage: &str| json!({"SecretId": "anteroom/clerk", "VersionStage": stage});
    assert_eq!(ask(&secrets, get("AWSCURRENT")).await.1["SecretString"], "not JSON");
    let (_, previous) = ask(&secrets, get("AWSPREVIOUS")).await;
    assert_eq!(previous["SecretString"], r#"{"CLERK_SECRET_KEY":"sk_test_1"}"#);
    let by_id = json!({"SecretId": "anteroom/clerk", "VersionId": previous["VersionId"]});
    assert_eq!(ask(&secrets, by_id).await.1, previous);
    let (status, body) = ask(&secrets, get("AWSPENDING")).await;
    assert_eq!((status, kind(&body)), (400, "ResourceNotFoundException"));
}

#[tokio::test]
async fn does_not_give_what_is_not_there_or_not_allowed() {
    let secrets = start().await;
    let unknown = ask(&secrets, json!({"SecretId": "other"})).await;
    assert_eq!((unknown.0, kind(&unknown.1)), (400, "ResourceNotFoundException"));

    secrets.deny("anteroom/clerk");
    let denied = ask(&secrets, json!({"SecretId": "anteroom/clerk"})).await;
    assert_eq!((denied.0, kind(&denied.1)), (400, "AccessDeniedException"));
    secrets.allow("anteroom/clerk");
    assert_eq!(ask(&secrets, json!({"SecretId": "anteroom/clerk"})).await.0, 200);

    secrets.remove("anteroom/clerk");
    assert_eq!(ask(&secrets, json!({"SecretId": "anteroom/clerk"})).await.0, 400);
}

#[tokio::test]
async fn refuses_a_malformed_body() {
    let secrets = start().await;
    for (body, expected) in [
        (json!([]), "SerializationException"),
        (json!({"SecretId": 1}), "SerializationException"),
        (json!({}), "InvalidParameterException"),
        (json!({"SecretId": ""}), "InvalidParameterException"),
    ] {
        let (status, answer) = ask(&secrets, body.clone()).await;
        assert_eq!((status, kind(&answer)), (400, expected), "{body}");
    }
}

#[tokio::test]
async fn refuses_a_request_that_is_not_signed_for_it() {
    let secrets = start().await;
    let right = rightly;
    let cases = [
        (Signed { key: "AKIAOTHER".to_owned(), ..right() }, "UnrecognizedClientException"),
        (Signed { region: "us-east-1".to_owned(), ..right() }, "InvalidSignatureException"),
        (Signed { secret: "other".to_owned(), ..right() }, "InvalidSignatureException"),
        (Signed { body: Some("{}".to_owned()), ..right() }, "InvalidSignatureException"),
        (Signed { signature: Some("abc".to_owned()), ..right() }, "InvalidSignatureException"),
        (Signed { headers: "host".to_owned(), ..right() }, "InvalidSignatureException"),
        (Signed { age: Duration::minutes(6), ..right() }, "InvalidSignatureException"),
        (Signed { age: Duration::minutes(-6), ..right() }, "InvalidSignatureException"),
    ];
    for (signed, expected) in cases {
        let (status, body) =
            signed.asks(&secrets.url(), json!({"SecretId": "anteroom/clerk"})).await;
        assert_eq!((status, kind(&body)), (400, expected));
    }
    let without_target = "content-type;host;x-amz-date;x-amz-security-token".to_owned();
    let signed = Signed { headers: without_target, ..right() };
    let (status, body) = signed.asks(&secrets.url(), json!({"SecretId": "anteroom/clerk"})).await;
    assert_eq!((status, kind(&body)), (400, "InvalidSignatureException"));
    let still_good = Signed { age: Duration::minutes(4), ..right() };
    assert_eq!(still_good.asks(&secrets.url(), json!({"SecretId": "anteroom/clerk"})).await.0, 200);

    let (status, body) = send(client().post(secrets.url())).await;
    assert_eq!((status, kind(&body)), (400, "MissingAuthenticationTokenException"));
    let bearer = client().post(secrets.url()).bearer_auth("sk_test_1");
    let (status, body) = send(bearer).await;
    assert_eq!((status, kind(&body)), (400, "IncompleteSignatureException"));
}

#[tokio::test]
async fn refuses_a_request_without_the_signed_token_of_the_roles_session() {
    let secrets = start().await;
    let unsigned = || "content-type;host;x-amz-date;x-amz-target".to_owned();
    for (signed, expected) in [
        (Signed { session_token: None, headers: unsigned(), ..rightly() }, "UnrecognizedClient"),
        (Signed { session_token: Some("other".to_owned()), ..rightly() }, "UnrecognizedClient"),
        (Signed { headers: unsigned(), ..rightly() }, "InvalidSignature"),
    ] {
        let (status, body) =
            signed.asks(&secrets.url(), json!({"SecretId": "anteroom/clerk"})).await;
        assert_eq!((status, kind(&body)), (400, format!("{expected}Exception").as_str()));
    }
    let settings = secrets.settings();
    let token = settings.iter().find(|(name, _)| name == "AWS_SESSION_TOKEN");
    assert_eq!(token.map(|(_, value)| value.as_str()), rightly().session_token.as_deref());
}
