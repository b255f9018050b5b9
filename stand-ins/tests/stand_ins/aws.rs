//! Requests as an AWS SDK signs them.

use anteroom_stand_ins::secrets_manager::{
    ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN,
};
use ring::{
    digest::{SHA256, digest},
    hmac,
};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{client, send};

/// A request as an AWS SDK signs it, any part of which can be wrong.
pub(super) struct Signed {
    pub(super) service: &'static str,
    pub(super) target: &'static str,
    pub(super) key: String,
    pub(super) secret: String,
    pub(super) session_token: Option<String>,
    pub(super) region: String,
    /// In the place of the right one.
    pub(super) signature: Option<String>,
    /// The signed ones, in order.
    pub(super) headers: String,
    /// What is signed in the place of the body.
    pub(super) body: Option<String>,
    pub(super) age: Duration,
}

impl Signed {
    pub(super) fn rightly(service: &'static str, target: &'static str) -> Self {
        Self {
            service,
            target,
            key: ACCESS_KEY_ID.to_owned(),
            secret: SECRET_ACCESS_KEY.to_owned(),
            session_token: Some(SESSION_TOKEN.to_owned()),
            region: REGION.to_owned(),
            signature: None,
            headers: "content-type;host;x-amz-date;x-amz-security-token;x-amz-target".to_owned(),
            body: None,
            age: Duration::ZERO,
        }
    }

    pub(super) async fn asks(&self, url: &str, body: Value) -> (u16, Value) {
        let (date, body) = (amz_date(now() - self.age), body.to_string());
        let scope = format!("{}/{}/{}/aws4_request", &date[..8], self.region, self.service);
        let sent = [
            ("content-type", "application/x-amz-json-1.1"),
            ("host", url.trim_start_matches("http://")),
            ("x-amz-date", &date),
            ("x-amz-security-token", self.session_token.as_deref().unwrap_or_default()),
            ("x-amz-target", self.target),
        ];
        let signature = self.signature.clone().unwrap_or_else(|| {
            self.sign(&date, &scope, &sent, self.body.as_ref().unwrap_or(&body))
        });
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
            self.key, self.headers,
        );
        let mut request = client().post(url).header("authorization", authorization);
        for (name, value) in sent.into_iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(name, value);
        }
        send(request.body(body)).await
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>
    fn sign(&self, date: &str, scope: &str, sent: &[(&str, &str)], body: &str) -> String {
        let is_signed = |name: &str| self.headers.split(';').any(|signed| signed == name);
        let signed = sent.iter().filter(|(name, _)| is_signed(name));
        let headers: Vec<_> = signed.map(|(name, value)| format!("{name}:{value}\n")).collect();
        let headers = headers.concat();
        let request = format!("POST\n/\n\n{headers}\n{}\n{}", self.headers, sha256(body));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(&request));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in scope.split('/') {
            key = hmac(&key, part);
        }
        hex(&hmac(&key, &text))
    }
}

fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
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
