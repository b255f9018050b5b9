//! The cookie of a pending choice of an organization: which pending authentication token belongs to
//! the browser, and which organizations were offered with it.
//!
//! It holds only digests, six bytes per organization and fewer if there are very many, so that
//! hundreds of organizations fit into a cookie. The digests are keyed with the token, which is long
//! and random.
//!
//! After the choice, a stub lets us recognize the token, so that a second attempt is reported as
//! already used and not as another browser's.

use std::ops::RangeInclusive;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::Cookie;
use http::HeaderMap;
use ring::digest::{SHA256, digest};
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::secrets::SecretError;
use crate::workos::cookies::flow_cookies::{FlowCookies, FlowError, PENDING};
use crate::workos::cookies::sealed::{CookieError, SealedCookies};
use crate::workos::{Grant, OrganizationId};

/// The bytes of an organization's digest that are kept. With three bytes, an organization that was
/// not offered matches one of six hundred with a probability of one in 28,000, and WorkOS checks
/// the membership as well.
const TAG_BYTES: RangeInclusive<usize> = 3..=6;

/// The maximum size of all organizations' tags together, which leaves room for other cookies.
const ALL_TAGS_BYTES: usize = 1800;

/// The pending choices of an organization in a browser.
#[derive(Clone, Debug)]
pub struct PendingCookies(FlowCookies);

#[derive(Deserialize, Serialize)]
struct Choice {
    /// The SHA-256 digest of the token, in base64url.
    token: String,
    /// The concatenated tags of the organizations, in base64url.
    organizations: String,
    /// The bytes per tag.
    #[serde(default = "longest_tag")]
    tag_bytes: usize,
}

fn longest_tag() -> usize {
    *TAG_BYTES.end()
}

/// Why a choice is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PendingError {
    /// The token was not issued to this browser.
    #[error("the pending token was not issued to this browser")]
    OtherBrowser,
    /// The organization was not among those that were offered.
    #[error("the organization was not offered")]
    NotOffered,
    /// The choice has already been made.
    #[error("the choice was already made")]
    Made,
    /// The choice has expired.
    #[error("the choice has expired")]
    Expired,
    /// No password is available right now, which says nothing about the choice.
    #[error("no password for the pending cookie: {0}")]
    NoPassword(#[from] SecretError),
}

impl From<PendingError> for ApiError {
    fn from(error: PendingError) -> Self {
        match error {
            PendingError::OtherBrowser => {
                Self::forbidden("This sign-in was started in another browser")
            }
            PendingError::NotOffered => Self::forbidden("This organization was not offered to you"),
            PendingError::Made => Self::unauthorized(Grant::PendingToken.refusal()),
            PendingError::Expired => Self::unauthorized("The sign-in has expired. Sign in again"),
            PendingError::NoPassword(error) => error.into(),
        }
    }
}

impl PendingCookies {
    pub(super) fn new(cookies: SealedCookies) -> Self {
        // WorkOS does not document how long its tokens are valid; its other one-time credentials
        // last ten minutes. Our cookie lasts longer, so that WorkOS reports "expired" (401) before
        // a missing cookie looks like "another browser" (403).
        let lifetime = Duration::from_hours(1);
        Self(FlowCookies { cookies, kind: PENDING, lifetime, max_flows: 2 })
    }

    /// The cookies that record the organizations offered with `token`, and those that clear older
    /// ones to make room. `headers` hold the cookies of other tabs.
    pub async fn remember<'o>(
        &self,
        headers: &HeaderMap,
        token: &SecretString,
        organizations: impl IntoIterator<Item = &'o OrganizationId>,
    ) -> Result<Vec<Cookie<'static>>, CookieError> {
        let organizations: Vec<_> = organizations.into_iter().collect();
        let each = ALL_TAGS_BYTES / organizations.len().max(1);
        let tag_bytes = each.clamp(*TAG_BYTES.start(), *TAG_BYTES.end());
        let tags = organizations.iter().flat_map(|offered| tag(token, offered, tag_bytes));
        let organizations = URL_SAFE_NO_PAD.encode(tags.collect::<Vec<_>>());
        let choice = Choice { token: token_digest(token), organizations, tag_bytes };
        self.0.issue(headers, token.expose_secret(), &choice).await
    }

    /// The stub that replaces the cookie after the choice.
    pub async fn make(&self, headers: &HeaderMap, token: &SecretString) -> Option<Cookie<'static>> {
        self.0.use_up(headers, token.expose_secret()).await
    }

    /// Whether this browser may choose `organization` with `token`.
    pub async fn check(
        &self,
        headers: &HeaderMap,
        token: &SecretString,
        organization: &OrganizationId,
    ) -> Result<(), PendingError> {
        let choice: Choice = match self.0.find(headers, token.expose_secret()).await {
            Ok(choice) => choice,
            Err(FlowError::Absent) => return Err(PendingError::OtherBrowser),
            Err(FlowError::Used) => return Err(PendingError::Made),
            Err(FlowError::Expired) => return Err(PendingError::Expired),
            Err(FlowError::NoPassword(error)) => return Err(error.into()),
        };
        if choice.token != token_digest(token) {
            return Err(PendingError::OtherBrowser);
        }
        let tags = URL_SAFE_NO_PAD.decode(&choice.organizations).unwrap_or_default();
        let wanted = tag(token, organization, choice.tag_bytes);
        if tags.chunks_exact(wanted.len()).any(|offered| offered == wanted) {
            Ok(())
        } else {
            Err(PendingError::NotOffered)
        }
    }
}

fn token_digest(token: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose_secret().as_bytes()))
}

fn tag(token: &SecretString, organization: &OrganizationId, bytes: usize) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.expose_secret().as_bytes());
    let digest = hmac::sign(&key, organization.as_str().as_bytes());
    digest.as_ref()[..bytes.clamp(*TAG_BYTES.start(), *TAG_BYTES.end())].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_that_does_not_say_how_long_its_tags_are_has_the_longest() {
        let choice = r#"{"token":"","organizations":""}"#;
        let choice: Choice = serde_json::from_str(choice).expect("a choice");
        assert_eq!(choice.tag_bytes, 6);
    }
}
