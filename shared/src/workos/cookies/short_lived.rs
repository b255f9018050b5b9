//! Tickets: sealed cookies that last some minutes and serve one purpose. A browser may hold several
//! of a kind at once, since a person may have several tabs, each under a name of its own.
//!
//! All cookies travel with every request, and a gateway refuses a request whose headers come to
//! 10 KB. So that the session always has its place, the tickets of all kinds together have only so
//! much [`ROOM`]; the oldest give way.
//!
//! A ticket that has been used may leave a stub: a cookie of the same name with the digest of its
//! key, which is as much as it takes to recognize the key when it comes again. A stub is not sealed,
//! since it grants nothing.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::Cookie;
use http::HeaderMap;
use http::header::COOKIE;
use ring::digest::{SHA256, digest};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::cookie_seal::{SealError, hexadecimal};
use crate::secrets::SecretError;
use crate::workos::cookies::sealed::{CookieError, Label, SealedCookies};

/// How much of a key's digest stands in the name of its cookie: enough for those few to differ.
const NAME_HASH_BYTES: usize = 4;

/// How many bytes the tickets of a browser may have together, names included. With a session cookie
/// of the greatest length beside them, all cookies stay under 8 KiB.
pub(super) const ROOM: usize = 4000;

/// The tickets of sign-ins that have begun.
pub(super) const SIGN_IN: &str = "wos-sign-in";

/// The tickets of organizations to choose from.
pub(super) const PENDING: &str = "wos-pending";

const KINDS: [&str; 2] = [SIGN_IN, PENDING];

/// The tickets of one kind.
#[derive(Clone, Debug)]
pub(super) struct Tickets {
    pub(super) cookies: SealedCookies,
    /// What the names of the cookies begin with. It stands in the seal as well, so that a ticket of
    /// another kind is not taken for one of this.
    pub(super) kind: &'static str,
    /// How long one is good.
    pub(super) lifetime: Duration,
    /// How many a browser holds at most; the oldest give way.
    pub(super) held: usize,
}

/// A cookie in a request that has the name of a ticket, of whichever kind.
struct Held<'r> {
    name: &'r str,
    kind: &'static str,
    bytes: usize,
    /// When the ticket was issued; a stub does not say, and is taken for the oldest.
    issued: u64,
}

/// What is in the seal.
#[derive(Serialize, Deserialize)]
struct Ticket<C> {
    kind: String,
    /// In milliseconds since the Unix epoch.
    issued: u64,
    content: C,
}

/// Why there is no ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoTicket {
    /// The browser has none of that name, or nothing genuine under it.
    Absent,
    /// It was good once.
    Expired,
    /// It has been used, and a stub is left of it.
    Used,
    /// There is no password to open it with just now.
    NoPassword(SecretError),
}

impl Tickets {
    /// A ticket for `key`, and the removal of those that it replaces or that are no longer good.
    pub(super) async fn issue<C: Serialize>(
        &self,
        headers: &HeaderMap,
        key: &str,
        content: &C,
    ) -> Result<Vec<Cookie<'static>>, CookieError> {
        let name = self.name(key);
        let issued = self.cookies.now().unix_millis();
        let ticket = Ticket { kind: self.kind.to_owned(), issued, content };
        let label = Label { name: &name, domain: None, max_age: self.lifetime };
        let cookie = self.cookies.write(&label, &ticket, Some(self.lifetime)).await?;

        let bytes = bytes_in_request(cookie.name(), cookie.value());
        if bytes > ROOM {
            let parts = "of all tickets together".to_owned();
            return Err(CookieError::TooLong { name, bytes, parts });
        }
        let kept = self.kept(headers, &name, bytes).await.map_err(SealError::from)?;
        let others: HashSet<_> = KINDS
            .iter()
            .flat_map(|kind| self.values_of(headers, kind))
            .map(|(other, _)| other)
            .filter(|other| *other != name && !kept.contains(other))
            .collect();
        let removals = others.into_iter().map(|other| self.cookies.clear(other, None));
        Ok(std::iter::once(cookie).chain(removals).collect())
    }

    /// The tickets that a browser keeps beside the new one called `name`: as many of this kind as it
    /// may hold, and of all kinds as many as there is room for, the newest first.
    async fn kept<'r>(
        &self,
        headers: &'r HeaderMap,
        name: &str,
        bytes: usize,
    ) -> Result<HashSet<&'r str>, SecretError> {
        let mut held = self.held(headers).await?;
        held.retain(|other| other.name != name);
        held.sort_by_key(|other| std::cmp::Reverse(other.issued));
        let (mut room, mut places) = (ROOM - bytes, self.held - 1);
        let mut kept = HashSet::new();
        for other in held {
            let takes_place = other.kind == self.kind && other.issued > 0;
            if other.bytes > room || (takes_place && places == 0) {
                continue;
            }
            room -= other.bytes;
            places -= usize::from(takes_place);
            kept.insert(other.name);
        }
        Ok(kept)
    }

    /// What a request carries of tickets that are good, and of stubs.
    async fn held<'r>(&self, headers: &'r HeaderMap) -> Result<Vec<Held<'r>>, SecretError> {
        let mut held: HashMap<&str, Held> = HashMap::new();
        for kind in KINDS {
            let tickets = Self { cookies: self.cookies.clone(), kind, ..*self };
            for (name, value) in self.values_of(headers, kind) {
                let issued = match tickets.open::<IgnoredAny>(value).await {
                    Ok(ticket) => ticket.issued,
                    Err(NoTicket::NoPassword(error)) => return Err(error),
                    Err(_) if is_stub(value) => 0,
                    Err(_) => continue,
                };
                let bytes = bytes_in_request(name, value);
                // Of two cookies of one name, both travel.
                let one = held.entry(name).or_insert(Held { name, kind, bytes: 0, issued: 0 });
                (one.bytes, one.issued) = (one.bytes + bytes, one.issued.max(issued));
            }
        }
        Ok(held.into_values().collect())
    }

    /// The content of the ticket for `key`.
    pub(super) async fn find<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        key: &str,
    ) -> Result<C, NoTicket> {
        Ok(self.ticket(headers, key).await?.content)
    }

    /// A stub in the place of the ticket for `key`, which has been used, until it would have ended.
    pub(super) async fn use_up(&self, headers: &HeaderMap, key: &str) -> Option<Cookie<'static>> {
        let ticket: Ticket<IgnoredAny> = self.ticket(headers, key).await.ok()?;
        let max_age = self.lifetime.saturating_sub(self.age(ticket.issued));
        let label = Label { name: &self.name(key), domain: None, max_age };
        Some(self.cookies.plain(&label, stub(key)))
    }

    async fn ticket<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        key: &str,
    ) -> Result<Ticket<C>, NoTicket> {
        let wanted = self.name(key);
        let mut reason = NoTicket::Absent;
        for (_, value) in self.values(headers).filter(|(name, _)| *name == wanted) {
            match self.open(value).await {
                Ok(ticket) => return Ok(ticket),
                Err(NoTicket::Absent) if value == stub(key) => reason = NoTicket::Used,
                Err(NoTicket::Absent) => {}
                Err(other) => reason = other,
            }
        }
        Err(reason)
    }

    /// The contents of all tickets that are good, the newest first.
    pub(super) async fn all<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
    ) -> Result<Vec<C>, SecretError> {
        let tickets = self.newest_first(headers).await?.into_iter();
        Ok(tickets.take(self.held).map(|(_, ticket)| ticket.content).collect())
    }

    /// A cookie that makes the browser forget the ticket for `key`.
    pub(super) fn clear(&self, key: &str) -> Cookie<'static> {
        self.cookies.clear(&self.name(key), None)
    }

    async fn newest_first<'r, C: DeserializeOwned>(
        &self,
        headers: &'r HeaderMap,
    ) -> Result<Vec<(&'r str, Ticket<C>)>, SecretError> {
        let mut tickets = Vec::new();
        for (name, value) in self.values(headers) {
            match self.open(value).await {
                Ok(ticket) => tickets.push((name, ticket)),
                Err(NoTicket::NoPassword(error)) => return Err(error),
                Err(NoTicket::Absent | NoTicket::Expired | NoTicket::Used) => {}
            }
        }
        tickets.sort_by_key(|(_, ticket)| std::cmp::Reverse(ticket.issued));
        Ok(tickets)
    }

    async fn open<C: DeserializeOwned>(&self, value: &str) -> Result<Ticket<C>, NoTicket> {
        let ticket: Ticket<C> = match self.cookies.open(value).await {
            Ok(ticket) => ticket,
            Err(SealError::Expired) => return Err(NoTicket::Expired),
            Err(SealError::NoPassword(error)) => return Err(NoTicket::NoPassword(error)),
            Err(_) => return Err(NoTicket::Absent),
        };
        if ticket.kind != self.kind {
            return Err(NoTicket::Absent);
        }
        // To the second, and not with the minute's grace that iron gives every seal.
        if self.age(ticket.issued) >= self.lifetime {
            return Err(NoTicket::Expired);
        }
        Ok(ticket)
    }

    fn age(&self, issued: u64) -> Duration {
        Duration::from_millis(self.cookies.now().unix_millis().saturating_sub(issued))
    }

    /// The cookies of this kind that a request carries, with their values.
    fn values<'r>(&self, headers: &'r HeaderMap) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.values_of(headers, self.kind)
    }

    fn values_of<'r>(
        &self,
        headers: &'r HeaderMap,
        kind: &str,
    ) -> impl Iterator<Item = (&'r str, &'r str)> + use<'r> {
        let prefix = self.cookies.host_name(kind) + "-";
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(move |(name, _)| name.starts_with(&prefix))
    }

    /// The name says nothing of the key, and is short.
    fn name(&self, key: &str) -> String {
        let hash = digest(&SHA256, key.as_bytes());
        let hash = hexadecimal(&hash.as_ref()[..NAME_HASH_BYTES]);
        format!("{}-{hash}", self.cookies.host_name(self.kind))
    }
}

/// How many bytes a cookie has in the header of a request, with what stands between it and the next.
fn bytes_in_request(name: &str, value: &str) -> usize {
    name.len() + value.len() + "=; ".len()
}

fn stub(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, key.as_bytes()))
}

/// Whether a value has the form of a stub, which no seal has.
fn is_stub(value: &str) -> bool {
    URL_SAFE_NO_PAD.decode(value).is_ok_and(|digest| digest.len() == SHA256.output_len())
}
