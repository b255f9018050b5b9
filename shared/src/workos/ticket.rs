//! Tickets: sealed cookies that last some minutes and serve one purpose. A browser may hold several
//! of a kind at once, since a person may have several tabs, each under a name of its own.

use std::collections::HashSet;
use std::time::Duration;

use cookie::Cookie;
use http::HeaderMap;
use http::header::COOKIE;
use ring::digest::{SHA256, digest};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::cookie_seal::{SealError, hexadecimal};
use crate::secrets::SecretError;
use crate::workos::cookies::{CookieError, Label, SealedCookies};

/// How much of a key's digest stands in the name of its cookie: enough for those few to differ.
const NAME_HASH_BYTES: usize = 4;

/// The tickets of one kind.
#[derive(Clone, Debug)]
pub(super) struct Tickets {
    pub(super) cookies: SealedCookies,
    /// What the names of the cookies begin with. It stands in the seal as well, so that a ticket of
    /// another kind is not taken for one of this.
    pub(super) kind: &'static str,
    /// How long one is good.
    pub(super) lifetime: Duration,
    /// How many a browser holds at most; the oldest give way. All cookies travel with every
    /// request, and a gateway refuses a request whose headers come to 10 KB.
    pub(super) held: usize,
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

        let good = self.newest_first::<IgnoredAny>(headers).await.map_err(SealError::from)?;
        let kept: HashSet<_> = good.into_iter().take(self.held - 1).map(|(name, _)| name).collect();
        let others: HashSet<_> = self.values(headers).map(|(name, _)| name).collect();
        let dropped = others.into_iter().filter(|other| *other != name && !kept.contains(other));
        let removals = dropped.map(|name| self.cookies.clear(name, None));
        Ok(std::iter::once(cookie).chain(removals).collect())
    }

    /// The content of the ticket for `key`.
    pub(super) async fn find<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        key: &str,
    ) -> Result<C, NoTicket> {
        let wanted = self.name(key);
        let mut reason = NoTicket::Absent;
        for (_, value) in self.values(headers).filter(|(name, _)| *name == wanted) {
            match self.open(value).await {
                Ok(ticket) => return Ok(ticket.content),
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
                Err(NoTicket::Absent | NoTicket::Expired) => {}
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
        let age = self.cookies.now().unix_millis().saturating_sub(ticket.issued);
        if Duration::from_millis(age) >= self.lifetime {
            return Err(NoTicket::Expired);
        }
        Ok(ticket)
    }

    /// The cookies of this kind that a request carries, with their values.
    fn values<'r>(&self, headers: &'r HeaderMap) -> impl Iterator<Item = (&'r str, &'r str)> {
        let prefix = self.name_before_key();
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
        self.name_before_key() + &hexadecimal(&hash.as_ref()[..NAME_HASH_BYTES])
    }

    fn name_before_key(&self) -> String {
        self.cookies.host_name(self.kind) + "-"
    }
}
