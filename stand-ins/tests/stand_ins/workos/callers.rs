use serde_json::{Value, json};

use super::{Application, error};

fn with_caller(mut fields: Value) -> Value {
    fields["ip_address"] = json!("203.0.113.7");
    fields["user_agent"] = json!("Mozilla/5.0");
    fields
}

#[tokio::test]
async fn the_caller_of_each_grant_is_recorded() {
    let application = Application::new().await;
    let code = application.workos.authorization_code("jane", None);
    let grant = json!({"grant_type": "authorization_code", "code": code});
    let (status, answer) = application.authenticates(with_caller(grant)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(application.refreshes(&answer["refresh_token"], None).await.0, 200);

    let [first, second] = &application.workos.callers()[..] else { panic!("two grants") };
    assert_eq!(first.grant_type, "authorization_code");
    assert_eq!(first.ip_address, "203.0.113.7".parse().ok());
    assert_eq!(first.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert_eq!((second.ip_address, &second.user_agent), (None, &None));

    let url = format!("{}/dev/callers", application.workos.url());
    let (_, listed) = super::send(application.client.get(url)).await;
    assert_eq!(listed[0]["ip_address"], "203.0.113.7");
    assert_eq!(listed[1]["grant_type"], "refresh_token");
}

#[tokio::test]
async fn refuses_an_invalid_address() {
    let application = Application::new().await;
    for address in [json!("somewhere"), json!(""), json!("203.0.113.7, 203.0.113.8"), json!(7)] {
        let code = application.workos.authorization_code("jane", None);
        let grant =
            json!({"grant_type": "authorization_code", "code": code, "ip_address": address});
        let (status, body) = application.authenticates(grant).await;
        assert_eq!((status, error(&body)), (422, "invalid_request_parameters"), "{address}");
    }
    assert!(application.workos.callers().is_empty());
}

#[tokio::test]
async fn no_other_call_has_these_fields() {
    let application = Application::new().await;
    for path in ["/user_management/magic_auth", "/user_management/users"] {
        for field in ["ip_address", "user_agent"] {
            let body = json!({"email": "new.user@example.com", field: "203.0.113.7"});
            let (status, body) = application.posts(path, &body).await;
            assert_eq!(
                (status, error(&body)),
                (422, "invalid_request_parameters"),
                "{path} {field}"
            );
            assert_eq!(body["errors"][0]["message"], format!("property {field} should not exist"));
        }
    }
    assert!(!application.workos.has_user("new.user@example.com"));
}
