//! The HTTP client that all providers and the AWS SDK share.
//!
//! It follows no redirects (no provider uses them), ignores proxy variables, and trusts Mozilla's
//! compiled-in roots plus those in `SSL_CERT_FILE`. Connecting times out after [`CONNECT_TIMEOUT`],
//! a call after [`CALL_TIMEOUT`].
//!
//! A function knows at start which hosts it will call. Connections to them are opened while secrets and
//! keys are being fetched, so that the first request need not wait for them.
//!
//! It also decides which connections may be reused. Lambda freezes a process between two requests,
//! and nothing tells the process that a peer or a network device has dropped a connection in the
//! meantime. The pool's own idle timeout does not help, because its clock may stop with the
//! process. So we go by the wall clock and the host's last response.

mod connector;
mod resolver;
mod tls;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderValue, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::clock::{Clock, Timestamp};
use crate::http::connector::Connector;
use crate::http::tls::tls_config;

pub use connector::CONNECT_TIMEOUT;

/// Timeout for one call, from its first byte to its last. Two calls in a row, one of them retried,
/// still fit into the ten seconds of a request.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a connection may be idle if the request can be retried. Load balancers in front of
/// providers keep connections for a minute or more.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// How long a connection may be idle if the request cannot be retried: long enough for the next call of
/// the same request, and shorter than any pause in which Lambda may have frozen the process. A new
/// connection costs two round trips and less than half a millisecond of CPU time; a dead one costs the
/// user a code.
pub(crate) const SINGLE_SEND_IDLE_TIMEOUT: Duration = Duration::from_millis(800);

/// The name that providers see in their logs.
const OWN_NAME: HeaderValue =
    HeaderValue::from_static(concat!("anteroom/", env!("CARGO_PKG_VERSION")));

type Client = legacy::Client<Connector, Full<Bytes>>;

/// The shared client. Clones share connections.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    tls: Arc<rustls::ClientConfig>,
    clock: Clock,
    hosts: Mutex<HashMap<HostName, Host>>,
}

/// Scheme, host and port.
type HostName = (Option<Scheme>, Option<Authority>);

/// The connections to one host.
struct Host {
    client: Client,
    connector: Connector,
    /// When it last responded, or when a connection was opened ahead.
    alive: Option<Timestamp>,
}

/// The limits of one exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long its connection may have been idle.
    pub(crate) idle: Duration,
    /// How long it may take, from its first byte to its last.
    pub(crate) time: Duration,
    /// How many bytes of the response's body are read.
    pub(crate) bytes: usize,
}

/// A response. It may be secret or personal, so it has no `Debug`.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body, up to the limit.
    pub(crate) body: Vec<u8>,
    /// Whether the body ended within the limit.
    pub(crate) is_whole: bool,
}

/// Why a request got no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No connection could be opened, or not in time. Nothing was sent.
    #[error("no connection")]
    NoConnection,
    /// It took too long until the response was complete.
    #[error("timed out")]
    TimedOut,
    /// The connection ended before the response was complete.
    #[error("the connection broke")]
    Broken,
}

impl Http {
    /// A client that trusts the built-in roots and those in the PEM file `extra_roots`.
    ///
    /// # Errors
    /// If the file cannot be read or holds no certificate.
    pub fn new(extra_roots: Option<&str>, clock: Clock) -> Result<Self, io::Error> {
        let tls = Arc::new(tls_config(extra_roots)?);
        Ok(Self(Arc::new(Shared { tls, clock, hosts: Mutex::default() })))
    }

    /// Sends a request to an absolute URI and reads the response.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
        limits: Limits,
    ) -> Result<Received, SendError> {
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert(OWN_NAME);
        headers.entry(ACCEPT).or_insert(const { HeaderValue::from_static("*/*") });
        let host = name_of(request.uri());
        let client = self.client(&host, limits.idle);
        let exchange = exchange(&client, request, limits.bytes);
        let result = match tokio::time::timeout(limits.time, exchange).await {
            Ok(result) => result,
            Err(_) => Err(SendError::TimedOut),
        };
        self.ended(&host, result.is_ok());
        result
    }

    /// Begins to open `count` connections to the host of `address`, which the first requests to it
    /// use.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn open_ahead(&self, address: &Uri, count: usize) {
        let mut hosts = self.hosts();
        let host = hosts.entry(name_of(address)).or_insert_with(|| self.new_host());
        host.alive = Some(self.0.clock.now());
        host.connector.open_ahead(address, count);
    }

    /// The client for a request to `name`. It reuses only connections that have been idle for less
    /// than `idle`.
    fn client(&self, name: &HostName, idle: Duration) -> Client {
        let mut hosts = self.hosts();
        let now = self.0.clock.now();
        match hosts.get_mut(name) {
            Some(host) if host.alive.is_none_or(|at| now.is_within(idle, at)) => {
                host.client.clone()
            }
            _ => {
                let host = self.new_host();
                let client = host.client.clone();
                hosts.insert(name.clone(), host);
                client
            }
        }
    }

    /// Records whether the host has responded. If it has not, its connections are not reused.
    fn ended(&self, name: &HostName, has_answered: bool) {
        if let Some(host) = self.hosts().get_mut(name) {
            if has_answered {
                host.alive = Some(self.0.clock.now());
            } else {
                *host = self.new_host();
            }
        }
    }

    /// New connections, which share TLS session tickets with earlier ones. The connections of an old
    /// client close when their requests finish.
    fn new_host(&self) -> Host {
        let connector = Connector::new(Arc::clone(&self.0.tls), self.0.clock.clone());
        #[expect(clippy::disallowed_methods, reason = "this is the one home of the HTTP client")]
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector.clone());
        Host { client, connector, alive: None }
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<HostName, Host>> {
        self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Http").finish_non_exhaustive()
    }
}

fn name_of(address: &Uri) -> HostName {
    (address.scheme().cloned(), address.authority().cloned())
}

async fn exchange(
    client: &Client,
    request: Request<Bytes>,
    max_bytes: usize,
) -> Result<Received, SendError> {
    let response = client.request(request.map(Full::new)).await.map_err(|error| why(&error))?;
    let (parts, mut rest) = response.into_parts();
    let (mut body, mut is_whole) = (Vec::new(), true);
    while let Some(frame) = rest.frame().await {
        let Ok(part) = frame.map_err(|_| SendError::Broken)?.into_data() else {
            continue; // trailers
        };
        if body.len() + part.len() > max_bytes {
            is_whole = false;
            break;
        }
        body.extend_from_slice(&part);
    }
    Ok(Received { status: parts.status, headers: parts.headers, body, is_whole })
}

fn why(error: &legacy::Error) -> SendError {
    if error.is_connect() { SendError::NoConnection } else { SendError::Broken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_certificate_file_that_is_missing_or_empty() {
        let new = |extra_roots| Http::new(extra_roots, Clock::fixed(0));
        assert!(new(Some("/nonexistent/roots.pem")).is_err());
        assert!(new(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).is_err());
        assert!(new(None).is_ok());
    }
}
