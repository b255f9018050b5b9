//! Chooses between Clerk's suffixed and plain cookies.
//!
//! Clerk sets each cookie twice: under its plain name, and with a suffix specific to the instance,
//! so that two instances on one domain do not overwrite each other's cookies. The rules for
//! choosing are those of Clerk's backend SDK (`authenticateContext`, `usesSuffixedCookies`).

use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;

use crate::api;
use crate::clerk::{ClerkRefusal, PublishableKey};
use crate::clock::Timestamp;
use crate::json;
use crate::jwt::Token;

/// The chosen cookies. They contain a session, so they have no `Debug`.
pub(super) struct SessionCookies<'r> {
    /// The session's token.
    pub(super) token: Option<&'r str>,
    /// When the user last signed in, or whether they have signed out since.
    pub(super) client_updated: ClientUpdated,
}

/// The content of Clerk's `__client_uat` cookie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ClientUpdated {
    /// The cookie is absent, for example on a subdomain other than the one that Clerk set it for.
    Absent,
    /// The user is signed out: the cookie is 0 or not a timestamp.
    SignedOut,
    /// When the user last signed in.
    At(Timestamp),
}

/// The cookies with one kind of name, including repeated ones.
struct Pair<'r> {
    tokens: Vec<&'r str>,
    updates: Vec<&'r str>,
}

/// The claims that decide between two cookies. They are not verified: a forged token can only make
/// us choose the other cookie, which is then verified itself.
#[derive(Default, Deserialize)]
struct UnverifiedClaims {
    #[serde(default, deserialize_with = "json::or_default")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    iat: Option<Timestamp>,
    #[serde(default, deserialize_with = "json::or_default")]
    exp: Option<Timestamp>,
}

/// Chooses between the suffixed cookies and the plain ones.
pub(super) fn choose<'r>(
    headers: &'r HeaderMap,
    key: &PublishableKey,
    issuer: &str,
    now: Timestamp,
) -> Result<SessionCookies<'r>, ClerkRefusal> {
    let plain = Pair::read(headers, "");
    let suffixed = Pair::read(headers, &format!("_{}", key.cookie_suffix()));
    let use_suffixed = prefers_suffixed(&plain, &suffixed, key, issuer, now);
    let chosen = if use_suffixed { suffixed } else { plain };
    // A sibling subdomain may have planted one of two different cookies, and we cannot tell which.
    // Cookies that were not chosen may be repeated.
    if chosen.tokens.iter().any(|token| Some(token) != chosen.tokens.first()) {
        return Err(ClerkRefusal::TwoCookies);
    }
    let client_updated = chosen.client_updated();
    Ok(SessionCookies { token: chosen.token(), client_updated })
}

impl<'r> Pair<'r> {
    fn read(headers: &'r HeaderMap, suffix: &str) -> Self {
        let read = |name: &str| {
            let values = api::cookies(headers, &format!("{name}{suffix}")).collect::<Vec<_>>();
            values.into_iter().filter(|value| !value.is_empty()).collect()
        };
        Self { tokens: read("__session"), updates: read("__client_uat") }
    }

    fn token(&self) -> Option<&'r str> {
        self.tokens.first().copied()
    }

    fn update(&self) -> Option<&'r str> {
        self.updates.first().copied()
    }

    fn is_signed_out(&self) -> bool {
        self.update() == Some("0")
    }

    /// The latest of the updates, which is the strictest of several.
    fn client_updated(&self) -> ClientUpdated {
        let at = |update: &&str| update.parse::<u32>().ok().filter(|at| *at > 0);
        let times: Option<Vec<u32>> = self.updates.iter().map(at).collect();
        match times.map(|times| times.into_iter().max()) {
            None => ClientUpdated::SignedOut,
            Some(None) => ClientUpdated::Absent,
            Some(Some(latest)) => {
                let since_epoch = Duration::from_secs(latest.into());
                ClientUpdated::At(Timestamp::EPOCH.after(since_epoch))
            }
        }
    }
}

fn prefers_suffixed(
    plain: &Pair<'_>,
    suffixed: &Pair<'_>,
    key: &PublishableKey,
    issuer: &str,
    now: Timestamp,
) -> bool {
    let plain_claims = unverified_claims(plain.token());
    if plain.token().is_some() {
        match plain_claims.iss.as_deref() {
            // Choose a malformed token, so that it is rejected and not ignored.
            None => return false,
            // The token belongs to another instance.
            Some(plain_issuer) if plain_issuer != issuer => return true,
            Some(_) => {}
        }
    }
    if suffixed.token().is_none() && suffixed.update().is_none() {
        return false;
    }
    let suffixed_claims = unverified_claims(suffixed.token());
    let plain_out = plain.is_signed_out();
    let suffixed_out = suffixed.is_signed_out();
    // If both say that the user is signed in, the later one counts.
    let plain_is_newer = plain_claims.iat.unwrap_or(Timestamp::EPOCH)
        > suffixed_claims.iat.unwrap_or(Timestamp::EPOCH);
    if !suffixed_out && !plain_out && plain_is_newer {
        return false;
    }
    // Every version of clerk-js writes the plain cookie; only newer ones write the suffixed one.
    if suffixed_out && !plain_out {
        return false;
    }
    // In a development instance, an older clerk-js signs out without deleting the suffixed cookie.
    let suffixed_expired = suffixed_claims.exp.is_some_and(|exp| exp <= now);
    if !key.is_production() && !suffixed_out && plain_out && suffixed_expired {
        return false;
    }
    // Suffixed cookies were turned off for the instance, so any that remain are stale.
    let plain_is_there = plain.token().is_some() || plain.update().is_some();
    !(suffixed.update().is_none() && plain_is_there)
}

fn unverified_claims(token: Option<&str>) -> UnverifiedClaims {
    token.and_then(|token| Token::parse(token).ok()?.unverified_claims().ok()).unwrap_or_default()
}
