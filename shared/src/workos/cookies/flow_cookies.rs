//! Flow cookies: sealed, short-lived cookies that hold the state of one sign-in flow.
//!
//! A browser may have several flows of a kind at once, in several tabs. Each flow has its own
//! cookie, whose name ends in a digest of the flow's key.
//!
//! A used flow cookie may leave a stub: a cookie of the same name that holds the digest of the key.
//! It lets us recognize the key when it is used a second time. A stub grants nothing, so it is not
//! sealed.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::Cookie;
use http::HeaderMap;
use ring::digest::{SHA256, digest};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::api;
use crate::cookie_seal::{SealError, hexadecimal};
use crate::secrets::SecretError;
use crate::workos::cookies::budget::{self, HeldCookie};
use crate::workos::cookies::sealed::{CookieError, Label, SealedCookies};

/// How many bytes of the key's digest go into the cookie's name: enough to keep a few names
/// distinct.
const NAME_HASH_BYTES: usize = 4;

/// The maximum number of cookies that one response clears, the largest first. We leave fewer in a
/// browser, but another page of this host can leave hundreds, and clients limit the headers of a
/// response: Node to 16 KiB. The next responses clear the rest.
const MAX_REMOVALS: usize = 50;

/// The kind of a sign-in on WorkOS's pages.
pub(super) const SIGN_IN: &str = "wos-sign-in";

/// The kind of a pending choice of an organization.
pub(super) const PENDING: &str = "wos-pending";

const KINDS: [&str; 2] = [SIGN_IN, PENDING];

/// Issues and reads the flow cookies of one kind.
#[derive(Clone, Debug)]
pub(super) struct FlowCookies {
    pub(super) cookies: SealedCookies,
    /// The prefix of the cookies' names. The seal repeats it, so that a cookie of one kind cannot
    /// be renamed to another.
    pub(super) kind: &'static str,
    /// How long a flow lasts.
    pub(super) lifetime: Duration,
    /// The maximum number of flows of this kind in a browser; the oldest are dropped.
    pub(super) max_flows: usize,
}

/// The sealed content of a flow cookie.
#[derive(Serialize, Deserialize)]
struct Flow<C> {
    kind: String,
    /// In milliseconds since the Unix epoch.
    issued: u64,
    content: C,
}

/// Why a flow was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FlowError {
    /// The browser has no genuine flow cookie with that name.
    Absent,
    /// The flow has expired.
    Expired,
    /// The flow has been used; only its stub remains.
    Used,
    /// No password is available right now.
    NoPassword(SecretError),
}

impl FlowCookies {
    /// The cookie of a new flow, and cookies that clear those that have expired or exceed the
    /// [`budget`].
    pub(super) async fn issue<C: Serialize>(
        &self,
        headers: &HeaderMap,
        key: &str,
        content: &C,
    ) -> Result<Vec<Cookie<'static>>, CookieError> {
        let name = self.name(key);
        let issued = self.cookies.now().unix_millis();
        let flow = Flow { kind: self.kind.to_owned(), issued, content };
        let label = Label { name: &name, domain: None, max_age: self.lifetime };
        let cookie = self.cookies.write(&label, &flow, Some(self.lifetime)).await?;

        let bytes = budget::bytes_in_request(cookie.name(), cookie.value());
        let Some(left) = budget::FLOW_COOKIES_BYTES.checked_sub(bytes) else {
            let parts = "with all other flow cookies".to_owned();
            return Err(CookieError::TooLong { name, bytes, parts });
        };
        let mut held = self.held(headers).await.map_err(SealError::from)?;
        held.retain(|other| other.name != name);
        let kept = budget::keep(held, left, self.kind, self.max_flows - 1);
        let mut others: HashMap<&str, usize> = HashMap::new();
        for (other, value) in KINDS.iter().flat_map(|kind| self.values_of(headers, kind)) {
            if other != name && !kept.contains(other) {
                *others.entry(other).or_default() += budget::bytes_in_request(other, value);
            }
        }
        let mut others: Vec<_> = others.into_iter().collect();
        others.sort_by_key(|(_, bytes)| Reverse(*bytes));
        let removals = others.iter().take(MAX_REMOVALS);
        let removals = removals.map(|(other, _)| self.cookies.clear(other, None));
        Ok(std::iter::once(cookie).chain(removals).collect())
    }

    /// The valid flow cookies and the stubs of all kinds in a request.
    async fn held<'r>(&self, headers: &'r HeaderMap) -> Result<Vec<HeldCookie<'r>>, SecretError> {
        let mut held: HashMap<&str, HeldCookie<'_>> = HashMap::new();
        for kind in KINDS {
            let flows = Self { cookies: self.cookies.clone(), kind, ..*self };
            for (name, value) in self.values_of(headers, kind) {
                let issued = match flows.open::<IgnoredAny>(value).await {
                    Ok(flow) => flow.issued,
                    Err(FlowError::NoPassword(error)) => return Err(error),
                    Err(_) if is_stub(value) => 0,
                    Err(_) => continue,
                };
                let bytes = budget::bytes_in_request(name, value);
                // A browser may send two cookies with the same name.
                let one =
                    held.entry(name).or_insert(HeldCookie { name, kind, bytes: 0, issued: 0 });
                (one.bytes, one.issued) = (one.bytes + bytes, one.issued.max(issued));
            }
        }
        Ok(held.into_values().collect())
    }

    /// The content of the flow with this `key`.
    pub(super) async fn find<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        key: &str,
    ) -> Result<C, FlowError> {
        Ok(self.flow(headers, key).await?.content)
    }

    /// The stub that replaces the used flow of `key` until the flow would have expired.
    pub(super) async fn use_up(&self, headers: &HeaderMap, key: &str) -> Option<Cookie<'static>> {
        let flow: Flow<IgnoredAny> = self.flow(headers, key).await.ok()?;
        let max_age = self.lifetime.saturating_sub(self.age(flow.issued));
        let label = Label { name: &self.name(key), domain: None, max_age };
        Some(self.cookies.plain(&label, stub(key)))
    }

    async fn flow<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        key: &str,
    ) -> Result<Flow<C>, FlowError> {
        let wanted = self.name(key);
        let mut reason = FlowError::Absent;
        for (_, value) in self.values(headers).filter(|(name, _)| *name == wanted) {
            match self.open(value).await {
                Ok(flow) => return Ok(flow),
                Err(FlowError::Absent) if value == stub(key) => reason = FlowError::Used,
                Err(FlowError::Absent) => {}
                Err(other) => reason = other,
            }
        }
        Err(reason)
    }

    /// The contents of all valid flows, the newest first.
    pub(super) async fn all<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
    ) -> Result<Vec<C>, SecretError> {
        let flows = self.newest_first(headers).await?.into_iter();
        Ok(flows.take(self.max_flows).map(|flow| flow.content).collect())
    }

    /// The cookie that clears the flow of `key`.
    pub(super) fn clear(&self, key: &str) -> Cookie<'static> {
        self.cookies.clear(&self.name(key), None)
    }

    async fn newest_first<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
    ) -> Result<Vec<Flow<C>>, SecretError> {
        let mut flows = Vec::new();
        for (_, value) in self.values(headers) {
            match self.open(value).await {
                Ok(flow) => flows.push(flow),
                Err(FlowError::NoPassword(error)) => return Err(error),
                Err(FlowError::Absent | FlowError::Expired | FlowError::Used) => {}
            }
        }
        flows.sort_by_key(|flow| std::cmp::Reverse(flow.issued));
        Ok(flows)
    }

    async fn open<C: DeserializeOwned>(&self, value: &str) -> Result<Flow<C>, FlowError> {
        let flow: Flow<C> = match self.cookies.open(value).await {
            Ok(flow) => flow,
            Err(SealError::Expired) => return Err(FlowError::Expired),
            Err(SealError::NoPassword(error)) => return Err(FlowError::NoPassword(error)),
            Err(_) => return Err(FlowError::Absent),
        };
        if flow.kind != self.kind {
            return Err(FlowError::Absent);
        }
        // Without the minute of leeway that iron allows for every seal.
        if self.age(flow.issued) >= self.lifetime {
            return Err(FlowError::Expired);
        }
        Ok(flow)
    }

    fn age(&self, issued: u64) -> Duration {
        Duration::from_millis(self.cookies.now().unix_millis().saturating_sub(issued))
    }

    /// The names and values of this kind's cookies in a request.
    fn values<'r>(&self, headers: &'r HeaderMap) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.values_of(headers, self.kind)
    }

    fn values_of<'r>(
        &self,
        headers: &'r HeaderMap,
        kind: &str,
    ) -> impl Iterator<Item = (&'r str, &'r str)> + use<'r> {
        let prefix = self.cookies.host_name(kind) + "-";
        api::all_cookies(headers)
            .filter(move |(name, _)| name.strip_prefix(&prefix).is_some_and(is_name_hash))
    }

    /// The cookie's name, which is short and does not reveal the key.
    fn name(&self, key: &str) -> String {
        let hash = digest(&SHA256, key.as_bytes());
        let hash = hexadecimal(&hash.as_ref()[..NAME_HASH_BYTES]);
        format!("{}-{hash}", self.cookies.host_name(self.kind))
    }
}

/// Whether a text can be the end of a flow cookie's name.
fn is_name_hash(text: &str) -> bool {
    text.len() == 2 * NAME_HASH_BYTES
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn stub(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, key.as_bytes()))
}

/// Whether a value has a stub's format, which differs from every seal's.
fn is_stub(value: &str) -> bool {
    URL_SAFE_NO_PAD.decode(value).is_ok_and(|digest| digest.len() == SHA256.output_len())
}
