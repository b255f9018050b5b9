//! Which of Clerk's cookies counts.
//!
//! Clerk sets its cookies twice: under their plain names, and with a suffix that is the instance's
//! own, so that two instances on one domain do not overwrite each other's. The rules for choosing
//! are those of Clerk's backend SDK (`authenticateContext`, `usesSuffixedCookies`).

use http::HeaderMap;
use serde::Deserialize;

use crate::api;
use crate::clerk::PublishableKey;
use crate::clerk::session::Refusal;
use crate::clock::Timestamp;
use crate::jwt::Token;

/// The cookies of the instance that a request carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SessionCookies<'r> {
    /// The session's token.
    pub(super) token: Option<&'r str>,
    /// When the user last signed in or out, as Clerk's `__client_uat` tells it: a Unix time, 0 for
    /// signed out.
    pub(super) client_updated: Option<&'r str>,
}

/// The two cookies under one kind of name.
struct Pair<'r> {
    token: Option<&'r str>,
    client_updated: Option<&'r str>,
}

/// What the choice depends on. Nobody has vouched for it: a forged token can lead to the other
/// cookie being chosen, which must stand on its own.
#[derive(Default, Deserialize)]
struct Glimpse {
    iss: Option<String>,
    iat: Option<f64>,
    exp: Option<f64>,
}

/// Chooses between the suffixed cookies and the plain ones.
pub(super) fn choose<'r>(
    headers: &'r HeaderMap,
    key: &PublishableKey,
    issuer: &str,
    now: Timestamp,
) -> Result<SessionCookies<'r>, Refusal> {
    let suffix = key.cookie_suffix();
    let plain = Pair {
        token: single(headers, "__session")?,
        client_updated: single(headers, "__client_uat")?,
    };
    let suffixed = Pair {
        token: single(headers, &format!("__session_{suffix}"))?,
        client_updated: single(headers, &format!("__client_uat_{suffix}"))?,
    };
    let use_suffixed = prefers_suffixed(&plain, &suffixed, key, issuer, now);
    let chosen = if use_suffixed { suffixed } else { plain };
    Ok(SessionCookies { token: chosen.token, client_updated: chosen.client_updated })
}

fn prefers_suffixed(
    plain: &Pair,
    suffixed: &Pair,
    key: &PublishableKey,
    issuer: &str,
    now: Timestamp,
) -> bool {
    let plain_glimpse = glimpse(plain.token);
    if plain.token.is_some() {
        match plain_glimpse.iss.as_deref() {
            // Malformed: let it be refused rather than passed over.
            None => return false,
            // Another instance's.
            Some(plain_issuer) if plain_issuer != issuer => return true,
            Some(_) => {}
        }
    }
    if suffixed.token.is_none() && suffixed.client_updated.is_none() {
        return false;
    }
    let suffixed_glimpse = glimpse(suffixed.token);
    let plain_out = plain.client_updated == Some("0");
    let suffixed_out = suffixed.client_updated == Some("0");
    // The later one counts where both say that the user is signed in.
    let plain_is_newer =
        plain_glimpse.iat.unwrap_or_default() > suffixed_glimpse.iat.unwrap_or_default();
    if !suffixed_out && !plain_out && plain_is_newer {
        return false;
    }
    // Every version of Clerk's script writes the plain one, only newer ones the suffixed one.
    if suffixed_out && !plain_out {
        return false;
    }
    // Signed out by an older script of a development instance, which left the suffixed one behind.
    let suffixed_expired = suffixed_glimpse.exp.is_some_and(|exp| exp <= now.unix_seconds());
    if !key.is_production() && !suffixed_out && plain_out && suffixed_expired {
        return false;
    }
    // Suffixed cookies were switched off for the instance; what is left of them is old.
    let plain_is_there = plain.token.is_some() || plain.client_updated.is_some();
    !(suffixed.client_updated.is_none() && plain_is_there)
}

fn glimpse(token: Option<&str>) -> Glimpse {
    token.and_then(|token| Token::parse(token).ok()?.unverified_claims().ok()).unwrap_or_default()
}

/// The one cookie called `name`. Two that differ are refused: one of them may have been planted by
/// a sibling subdomain, and nobody can tell which.
fn single<'r>(headers: &'r HeaderMap, name: &str) -> Result<Option<&'r str>, Refusal> {
    let mut values = api::cookies(headers, name).filter(|value| !value.is_empty());
    let first = values.next();
    if values.any(|value| Some(value) != first) {
        return Err(Refusal::TwoCookies);
    }
    Ok(first)
}
