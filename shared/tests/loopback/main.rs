//! The providers' clients and the kit against real servers on the loopback address.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
#![allow(clippy::needless_pass_by_value, reason = "tables of `json!` read better without `&`")]

mod clerk_auth;
mod clerk_backend;
mod connections_ahead;
mod cookie_password;
mod function;
mod identity;
mod liveblocks;
mod livekit_join;
mod livekit_moderation;
mod livekit_recorder;
mod livekit_recordings;
mod livekit_server;
mod livekit_webhook;
mod log_lines;
mod provider_calls;
mod secrets;
mod settings;
mod signing_keys;
mod tls;
mod workos_client;
mod workos_cookies;
mod workos_session;

use std::time::Duration;

use anteroom::api::{ApiError, Request};
use anteroom::clerk::Clerk;
use anteroom::client::Client;
use anteroom::clock::Clock;
use anteroom::request_scope;
use anteroom::settings::{Incomplete, Settings};
use anteroom_stand_ins as stand_ins;
use anteroom_stand_ins::livekit::LiveKit;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The page that the stand-in issues sessions to.
const ORIGIN: &str = "http://localhost:3000";

type Pairs = Vec<(String, String)>;

/// The settings that point at a stand-in, with the origin that goes along.
fn pairs(settings: Pairs) -> Pairs {
    let mut pairs = settings;
    pairs.push(("ALLOWED_ORIGINS".to_owned(), ORIGIN.to_owned()));
    pairs
}

/// Puts LiveKit's key pair into Secrets Manager.
fn store_keys(secrets: &SecretsManager, livekit: &LiveKit) {
    let (key, secret) = (livekit.api_key(), livekit.api_secret());
    secrets.put("livekit", json!({ "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret }));
}

/// These settings, with LiveKit's key pair in Secrets Manager.
fn with_keys_in(secrets: &SecretsManager, settings: Pairs) -> Pairs {
    let mut pairs = settings;
    pairs.retain(|(name, _)| !name.starts_with("LIVEKIT_API_"));
    pairs.extend(secrets.settings());
    pairs.push(("LIVEKIT_SECRET_ID".to_owned(), "livekit".to_owned()));
    pairs
}

/// Input as a function reads it from a body or a query.
fn read<T: DeserializeOwned>(input: Value) -> T {
    serde_json::from_value(input).unwrap()
}

/// The status that the caller of a function gets.
fn status<T>(result: &Result<T, ApiError>) -> u16 {
    result.as_ref().map_or_else(|error| error.status().as_u16(), |_| 200)
}

/// A client configured from `pairs`, on the system's clock.
async fn configured<T>(
    pairs: Pairs,
    configure: impl FnOnce(&mut Settings) -> Result<T, Incomplete>,
) -> T {
    configured_at(Clock::system(), pairs, configure).await
}

/// The same on another clock.
async fn configured_at<T>(
    clock: Clock,
    pairs: Pairs,
    configure: impl FnOnce(&mut Settings) -> Result<T, Incomplete>,
) -> T {
    let mut settings = Settings::from_pairs(pairs, clock).unwrap();
    let client = configure(&mut settings);
    settings.complete(client).await.unwrap()
}

/// Runs the work of a request that has this much time.
async fn within<F: Future>(limit: Duration, work: F) -> F::Output {
    request_scope::handle(Clock::system().now().after(limit), Client::default(), work).await
}

/// Clerk, with its keys fetched from the stand-in.
async fn clerk(stand_in: &stand_ins::clerk::Clerk) -> Clerk {
    configured(pairs(stand_in.settings()), Clerk::configure).await
}

/// A request with these headers.
fn request(headers: &[(&str, &str)]) -> Request {
    let mut request = http::Request::post("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Vec::new()).unwrap()
}

/// A request with a bearer token.
fn bearer(token: &str) -> Request {
    request(&[("authorization", &format!("Bearer {token}"))])
}
