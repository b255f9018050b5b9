//! What a browser keeps while its user chooses an organization: which pending authentication token
//! is its own, and which organizations were offered with it.
//!
//! It holds digests alone, six bytes for each organization, so that hundreds of organizations fit a
//! cookie. The key of those digests is the token, which is long and random.

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
use crate::workos::OrganizationId;
use crate::workos::cookies::{CookieError, SealedCookies};
use crate::workos::ticket::{NoTicket, Tickets};

/// How much of an organization's digest is kept. Two organizations of one user share so much with a
/// chance of one in 2⁴⁸, and WorkOS checks the membership besides.
const TAG_BYTES: usize = 6;

/// The choices of an organization that a browser may make.
#[derive(Clone, Debug)]
pub struct PendingCookies(Tickets);

#[derive(Deserialize, Serialize)]
struct Choice {
    /// The SHA-256 digest of the token, in base64url.
    token: String,
    /// The tags of the organizations, one after the other, in base64url.
    organizations: String,
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
    /// The choice was offered to this browser, but too long ago.
    #[error("the choice was offered too long ago")]
    Expired,
    /// There is no password just now, which says nothing of the choice.
    #[error("no password for the pending cookie: {0}")]
    NoPassword(#[from] SecretError),
}

impl From<PendingError> for ApiError {
    fn from(error: PendingError) -> Self {
        match error {
            PendingError::OtherBrowser => {
                Self::forbidden("This sign-in was begun in another browser")
            }
            PendingError::NotOffered => Self::forbidden("This organization is not yours to choose"),
            PendingError::Expired => Self::unauthorized("The sign-in has expired. Sign in again"),
            PendingError::NoPassword(error) => error.into(),
        }
    }
}

impl PendingCookies {
    pub(super) fn new(cookies: SealedCookies) -> Self {
        // WorkOS does not say how long its tokens are good; its other one-time credentials are
        // for ten minutes. Ours lasts longer than that, so that it is WorkOS who says "expired"
        // (401), and not a missing cookie that says "another browser" (403).
        let lifetime = Duration::from_hours(1);
        Self(Tickets { cookies, kind: "wos-pending", lifetime, held: 2 })
    }

    /// What the browser has to keep with `token`, and what it can forget. The headers tell which
    /// other choices it is being offered, in another tab.
    ///
    /// There is nothing to clear when the choice has been made: the token is spent then, as WorkOS
    /// says when it comes again (401).
    pub async fn remember<'o>(
        &self,
        headers: &HeaderMap,
        token: &SecretString,
        organizations: impl IntoIterator<Item = &'o OrganizationId>,
    ) -> Result<Vec<Cookie<'static>>, CookieError> {
        let tags = organizations.into_iter().flat_map(|organization| tag(token, organization));
        let organizations = URL_SAFE_NO_PAD.encode(tags.collect::<Vec<_>>());
        let choice = Choice { token: token_digest(token), organizations };
        self.0.issue(headers, token.expose_secret(), &choice).await
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
            Err(NoTicket::Absent) => return Err(PendingError::OtherBrowser),
            Err(NoTicket::Expired) => return Err(PendingError::Expired),
            Err(NoTicket::NoPassword(error)) => return Err(error.into()),
        };
        if choice.token != token_digest(token) {
            return Err(PendingError::OtherBrowser);
        }
        let tags = URL_SAFE_NO_PAD.decode(&choice.organizations).unwrap_or_default();
        let wanted = tag(token, organization);
        if tags.chunks(TAG_BYTES).any(|offered| offered == wanted) {
            Ok(())
        } else {
            Err(PendingError::NotOffered)
        }
    }
}

fn token_digest(token: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose_secret().as_bytes()))
}

fn tag(token: &SecretString, organization: &OrganizationId) -> [u8; TAG_BYTES] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.expose_secret().as_bytes());
    let digest = hmac::sign(&key, organization.as_str().as_bytes());
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&digest.as_ref()[..TAG_BYTES]);
    tag
}
