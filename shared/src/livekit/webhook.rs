//! Webhooks: verifies LiveKit's events and removes credentials from them.
//! <https://docs.livekit.io/home/server/webhooks/>
//!
//! LiveKit signs an event with a token in `Authorization`, without a scheme. The token's `sha256` is
//! the digest of the body, byte for byte, in base64.

mod redaction;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::ApiError;
use crate::clock::Timestamp;
use crate::event_bus::{BusEvent, MAX_KIND};
use crate::json;
use crate::jwt::{Hs256Key, Token, TokenError};
use crate::livekit::keys::{AcceptedKeys, NotAccepted};
use crate::livekit::recording::Origin;
use crate::livekit::server_api::EgressInfo;
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;

/// EventBridge's `source` of LiveKit's events.
const SOURCE: &str = "anteroom.livekit";

/// How long after its expiry a token is accepted, and how far a clock may be behind LiveKit's.
const LEEWAY: Duration = Duration::from_mins(1);

/// The longest remaining life of a token. LiveKit's are valid for five minutes.
const MAX_LIFETIME: Duration = Duration::from_mins(6);

/// Receives LiveKit's webhooks.
#[derive(Clone, Debug)]
pub struct Webhooks {
    keys: AcceptedKeys,
}

/// The claims of a webhook's token. Those of other tokens lack `sha256`.
#[derive(Deserialize)]
struct Claims {
    sha256: String,
    exp: f64,
    nbf: Option<f64>,
}

/// Why a webhook is not genuine.
#[derive(Clone, Debug, thiserror::Error)]
enum NotGenuine {
    #[error("it has no token, or more than one")]
    NoToken,
    #[error("its body is not the one that was signed")]
    Body,
    #[error("its token has expired")]
    Expired,
    #[error("its token is not valid yet")]
    Future,
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
}

impl From<NotGenuine> for ApiError {
    fn from(error: NotGenuine) -> Self {
        match error {
            NotGenuine::NotAccepted(NotAccepted::Keys(error)) => error.into(),
            error => {
                Self::unauthorized("The LiveKit signature is missing or invalid").with_detail(error)
            }
        }
    }
}

impl Webhooks {
    /// Reads `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`, and during a rotation also
    /// `LIVEKIT_API_KEY_PREVIOUS` and `LIVEKIT_API_SECRET_PREVIOUS`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { keys: AcceptedKeys::configure(settings)? })
    }

    /// The event in a request. If LiveKit sends an event again, it has the same `id`.
    ///
    /// # Errors
    /// 401 if LiveKit has not signed it, 400 if it is not an object with `event` and `id`, 503 if the
    /// keys cannot be read.
    pub async fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<BusEvent, ApiError> {
        self.verify(headers, body).await?;
        let Value::Object(event) = json::value_from_slice(body).map_err(|_| not_an_event())? else {
            return Err(not_an_event());
        };
        to_bus_event(event, body)
    }

    async fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), NotGenuine> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(token), None) = (values.next(), values.next()) else {
            return Err(NotGenuine::NoToken);
        };
        let token = token.to_str().map_err(|_| NotGenuine::NoToken)?;
        let token = Token::parse(token)?;
        // Before the signature, because a signature that we do not know can make us read the keys
        // again, and anybody can send one.
        let claims: Claims = token.unverified_claims()?;
        self.check(&claims, body)?;
        self.keys.verify(&token, |pair| Some(Hs256Key::from_secret(&pair.api_secret))).await?;
        Ok(())
    }

    fn check(&self, claims: &Claims, body: &[u8]) -> Result<(), NotGenuine> {
        let now = self.keys.current().clock.now();
        let expiry = Timestamp::from_unix_seconds(claims.exp);
        if expiry.after(LEEWAY) < now {
            return Err(NotGenuine::Expired);
        }
        let not_before = claims.nbf.map_or(Timestamp::EPOCH, Timestamp::from_unix_seconds);
        if now.after(MAX_LIFETIME) < expiry || now.after(LEEWAY) < not_before {
            return Err(NotGenuine::Future);
        }
        if claims.sha256 != BASE64_STANDARD.encode(digest(&SHA256, body)) {
            return Err(NotGenuine::Body);
        }
        Ok(())
    }
}

fn not_an_event() -> ApiError {
    ApiError::bad_request("The body is not a LiveKit event: an object with `event` and `id`")
}

fn to_bus_event(mut event: Map<String, Value>, body: &[u8]) -> Result<BusEvent, ApiError> {
    let text = |name| event.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(kind), Some(id)) = (text("event"), text("id")) else {
        return Err(not_an_event());
    };
    if kind.chars().count() > MAX_KIND || kind.chars().any(char::is_control) {
        return Err(not_an_event());
    }
    tracing::info!(event = loggable(kind), id = loggable(id), "livekit sent an event");
    let kind = kind.to_owned();
    let origin = recorded(body).and_then(|egress| Origin::of(&egress));
    redaction::redact(&mut event);
    // Drop a `recording` field from the sender, so that readers do not take it for ours.
    event.remove("recording");
    if let Some(origin) = origin {
        event.insert("recording".to_owned(), json!(origin));
    }
    Ok(BusEvent { source: SOURCE, kind, detail: Value::Object(event).to_string() })
}

/// The egress that an event is about.
fn recorded(body: &[u8]) -> Option<EgressInfo> {
    #[derive(Deserialize)]
    struct OfEgress {
        #[serde(default, alias = "egressInfo", deserialize_with = "json::or_default")]
        egress_info: Option<EgressInfo>,
    }
    json::from_slice::<OfEgress>(body).ok()?.egress_info
}

/// LiveKit's names and ids are short and plain. Anything else may be personal.
fn loggable(text: &str) -> &str {
    if text.len() <= MAX_KIND && is_visible_ascii(text) { text } else { "(unusual)" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_and_plain_name_is_logged() {
        let longest = "x".repeat(MAX_KIND);
        for plain in ["room_started", "EV_1", &longest] {
            assert_eq!(loggable(plain), plain);
        }
        for unusual in ["", "Jane Doe", "caf\u{e9}", "a\nb", &(longest.clone() + "x")] {
            assert_eq!(loggable(unusual), "(unusual)", "{unusual:?}");
        }
    }
}
