//! Liveblocks' identify-user: what is sent, what comes back, and what its refusals mean.

use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::liveblocks::{Liveblocks, UserInfo};
use anteroom_stand_ins as stand_ins;
use anteroom_stand_ins::faults::Fault;
use serde_json::json;

use crate::configured;

async fn liveblocks(stand_in: &stand_ins::liveblocks::Liveblocks) -> Liveblocks {
    configured(stand_in.settings(), Liveblocks::configure).await
}

async fn identify(liveblocks: &Liveblocks, id: &str) -> Result<serde_json::Value, ApiError> {
    let image_url = Some("https://img.example/jane.png".to_owned());
    let info = UserInfo { name: "Jane Doe".to_owned(), image_url, color: "#0072B2" };
    let identity = liveblocks.identify_user(id, &info, Some("org_1")).await?;
    Ok(serde_json::to_value(identity).unwrap())
}

async fn status(liveblocks: &Liveblocks) -> u16 {
    identify(liveblocks, "jane.doe@example.com").await.map_or_else(|e| e.status().as_u16(), |_| 200)
}

#[tokio::test]
async fn sends_the_user_and_returns_liveblocks_response() {
    let stand_in = stand_ins::liveblocks::Liveblocks::start().await.unwrap();
    let identity = identify(&liveblocks(&stand_in).await, "jane.doe@example.com").await.unwrap();

    let requests = stand_in.requests();
    assert_eq!(requests[0].path_and_query, "/v2/identify-user");
    assert_eq!(requests[0].bearer(), Some(stand_in.secret_key().as_str()));
    let info = json!({
        "name": "Jane Doe", "imageUrl": "https://img.example/jane.png", "color": "#0072B2",
    });
    let expected = json!({ "userId": "jane.doe@example.com", "userInfo": info });
    assert_eq!(requests[0].json(), Some(expected));

    let token = identity["token"].as_str().unwrap();
    let claims = stand_ins::jwt::claims(token).unwrap();
    assert_eq!(claims["uid"], "jane.doe@example.com");
    assert_eq!(claims["ui"], info);
}

#[tokio::test]
async fn the_organization_is_sent_if_the_setting_says_so() {
    let stand_in = stand_ins::liveblocks::Liveblocks::start().await.unwrap();
    for (setting, sent) in [("", None), ("false", None), ("true", Some("org_1"))] {
        let mut pairs = stand_in.settings();
        pairs.push(("LIVEBLOCKS_ORGANIZATIONS".to_owned(), setting.to_owned()));
        let liveblocks = configured(pairs, Liveblocks::configure).await;
        stand_in.forget_requests();
        identify(&liveblocks, "jane.doe@example.com").await.unwrap();
        let body = stand_in.requests()[0].json().unwrap();
        assert_eq!(body.get("organizationId"), sent.map(|id| json!(id)).as_ref(), "{setting}");
    }
}

#[tokio::test]
async fn a_rejected_user_is_403_and_a_rejected_key_is_not() {
    let stand_in = stand_ins::liveblocks::Liveblocks::start().await.unwrap();
    let liveblocks = liveblocks(&stand_in).await;
    stand_in.refuse_user("jane.doe@example.com");
    assert_eq!(status(&liveblocks).await, 403);
    assert_eq!(identify(&liveblocks, "john@example.com").await.map(|_| 200), Ok(200));

    stand_in.rotate_secret_key("sk_dev_another_key");
    assert_eq!(status(&liveblocks).await, 502);
}

#[tokio::test]
async fn every_failure_has_its_status() {
    let stand_in = stand_ins::liveblocks::Liveblocks::start().await.unwrap();
    let liveblocks = liveblocks(&stand_in).await;
    for (fault, expected) in [
        (Fault::Refusing, 502),
        (Fault::Garbage, 502),
        (Fault::WrongShape, 502),
        (Fault::Failing(400), 502),
        (Fault::Failing(403), 403),
        (Fault::Failing(422), 403),
        (Fault::Truncated, 503),
        (Fault::Down, 503),
        (Fault::GatewayPage, 503),
        (Fault::Failing(500), 503),
        (Fault::Limiting { retry_after: Some(3) }, 503),
        (Fault::Slow(Duration::from_secs(30)), 503),
    ] {
        stand_in.inject(fault);
        assert_eq!(status(&liveblocks).await, expected, "{fault:?}");
        stand_in.clear_faults();
    }
    assert_eq!(status(&liveblocks).await, 200);
}
