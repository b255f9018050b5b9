//! Requests as an AWS SDK signs them.

use anteroom_stand_ins::secrets_manager::{ACCESS_KEY_ID, REGION};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{client, send};

/// A request as an AWS SDK signs it, any part of which can be wrong.
pub(super) struct Signed {
    pub(super) service: &'static str,
    pub(super) target: &'static str,
    pub(super) key: String,
    pub(super) region: String,
    pub(super) signature: String,
    pub(super) headers: String,
    pub(super) age: Duration,
}

impl Signed {
    pub(super) fn rightly(service: &'static str, target: &'static str) -> Self {
        Self {
            service,
            target,
            key: ACCESS_KEY_ID.to_owned(),
            region: REGION.to_owned(),
            signature: "a1".repeat(32),
            headers: "content-type;host;x-amz-date;x-amz-target".to_owned(),
            age: Duration::ZERO,
        }
    }

    pub(super) async fn asks(&self, url: &str, body: Value) -> (u16, Value) {
        let date = amz_date(now() - self.age);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/{}/{}/aws4_request, SignedHeaders={}, Signature={}",
            self.key,
            &date[..8],
            self.region,
            self.service,
            self.headers,
            self.signature,
        );
        let request = client()
            .post(url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", self.target)
            .header("x-amz-date", date)
            .header("authorization", authorization);
        send(request.body(body.to_string())).await
    }
}

#[allow(clippy::disallowed_methods, reason = "the stand-in looks at the real clock too")]
fn now() -> OffsetDateTime {
    std::time::SystemTime::now().into()
}

fn amz_date(at: OffsetDateTime) -> String {
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
    )
}
