use anteroom_stand_ins::{jwt, liveblocks::Liveblocks};
use serde_json::{Value, json};

use super::{client, send};

async fn start() -> Liveblocks {
    Liveblocks::start().await.expect("it starts")
}

async fn identify(liveblocks: &Liveblocks, body: impl ToString) -> (u16, Value) {
    let request = client().post(format!("{}/v2/identify-user", liveblocks.url()));
    send(request.bearer_auth(liveblocks.secret_key()).body(body.to_string())).await
}

fn error(body: &Value) -> &str {
    body["error"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn makes_an_id_token_of_liveblocks_form() {
    let liveblocks = start().await;
    let info = json!({"name": "Jane Doe", "imageUrl": "https://img.example.com/j.png", "color": "#E57373"});
    let identity = json!({"userId": "jane.doe@example.com", "userInfo": info, "groupIds": ["a"]});
    let (status, body) = identify(&liveblocks, identity).await;
    assert_eq!(status, 200);
    let token = body["token"].as_str().expect("a token");
    assert_eq!(jwt::header(token), Some(json!({"alg": "none", "typ": "JWT"})));
    assert!(token.ends_with('.'), "it is unsigned");
    let claims = jwt::claims(token).expect("claims");
    assert_eq!((&claims["k"], &claims["uid"]), (&json!("id"), &json!("jane.doe@example.com")));
    assert_eq!((&claims["ui"], &claims["gids"]), (&info, &json!(["a"])));
    let seconds =
        claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(end, start)| end - start);
    assert_eq!(seconds, Some(3600));
}

#[tokio::test]
async fn leaves_out_of_the_token_what_was_not_given() {
    let (_, body) = identify(&start().await, json!({"userId": "jane"})).await;
    let claims = jwt::claims(body["token"].as_str().expect("a token")).expect("claims");
    assert_eq!((claims.get("ui"), claims.get("gids")), (None, None));
}

#[tokio::test]
async fn takes_an_organization_that_is_a_text_and_no_other() {
    let liveblocks = start().await;
    for (organization, expected) in
        [(json!("org_1"), 200), (json!(""), 422), (json!(null), 422), (json!(7), 422)]
    {
        let body = json!({"userId": "jane", "organizationId": organization});
        assert_eq!(identify(&liveblocks, &body).await.0, expected, "{body}");
    }
}

#[tokio::test]
async fn refuses_a_missing_public_or_unknown_key_each_in_its_way() {
    let liveblocks = start().await;
    let cases = [
        (None, (401, "MISSING_SECRET_KEY")),
        (Some("Basic c2s="), (401, "MISSING_SECRET_KEY")),
        (Some("Bearer pk_dev_public"), (401, "WRONG_KEY_USED")),
        (Some("Bearer sk_dev_other"), (403, "INVALID_SECRET_KEY")),
    ];
    for (authorization, expected) in cases {
        let mut request = client().post(format!("{}/v2/identify-user", liveblocks.url()));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let (status, body) = send(request.body(r#"{"userId":"jane"}"#)).await;
        assert_eq!((status, error(&body)), expected, "{authorization:?}");
        assert!(body["message"].is_string() && body["suggestion"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn refuses_the_old_key_after_a_rotation() {
    let liveblocks = start().await;
    let old = liveblocks.secret_key();
    liveblocks.rotate_secret_key("sk_dev_new");
    let request = client().post(format!("{}/v2/identify-user", liveblocks.url()));
    let (status, body) = send(request.bearer_auth(old).body(r#"{"userId":"jane"}"#)).await;
    assert_eq!((status, error(&body)), (403, "INVALID_SECRET_KEY"));
    assert_eq!(identify(&liveblocks, json!({"userId": "jane"})).await.0, 200);
}

#[tokio::test]
async fn refuses_a_user_unlike_a_key() {
    let liveblocks = start().await;
    liveblocks.refuse_user("jane");
    let (status, body) = identify(&liveblocks, json!({"userId": "jane"})).await;
    assert_eq!((status, error(&body)), (403, "UNAUTHORIZED_ROOM_ACCESS"));
    assert_eq!(identify(&liveblocks, json!({"userId": "sam"})).await.0, 200);
}

#[tokio::test]
async fn refuses_a_malformed_body() {
    let liveblocks = start().await;
    let cases = [
        json!([]),
        json!({}),
        json!({"userId": null}),
        json!({"userId": ""}),
        json!({"userId": 7}),
        json!({"userId": "x".repeat(129)}),
        json!({"userId": "jane", "groupIds": "a"}),
        json!({"userId": "jane", "groupIds": [1]}),
        json!({"userId": "jane", "userInfo": "Jane"}),
        json!({"userId": "jane", "userInfo": null}),
        json!({"userId": "jane", "userInfo": {"name": null}}),
        json!({"userId": "jane", "userInfo": {"avatar": 1}}),
        json!({"userId": "jane", "userInfo": {"bio": "x".repeat(1024)}}),
    ];
    for case in cases {
        let (status, body) = identify(&liveblocks, &case).await;
        assert_eq!((status, error(&body)), (422, "UNPROCESSABLE_ENTITY"), "{case}");
    }
    assert_eq!(identify(&liveblocks, "{").await.0, 400);
}

#[tokio::test]
async fn has_no_other_endpoint() {
    let liveblocks = start().await;
    let get = client().get(format!("{}/v2/identify-user", liveblocks.url()));
    assert_eq!(send(get).await.0, 405);
    let other = client().post(format!("{}/v2/authorize-user", liveblocks.url()));
    assert_eq!(send(other).await.0, 404);
}
