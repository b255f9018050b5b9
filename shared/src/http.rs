//! The HTTP client that all providers and the AWS SDK share.
//!
//! It follows no redirects (no provider redirects), ignores proxy variables, and trusts Mozilla's
//! compiled-in roots plus those in `SSL_CERT_FILE`. Connecting times out after [`CONNECT_TIMEOUT`],
//! a call after [`CALL_TIMEOUT`].
//!
//! It also decides which connections may be reused. Lambda freezes a process between two requests,
//! and nothing tells the process that a peer or a network device has dropped a connection in the
//! meantime. The pool's own idle timeout does not help, because its clock may stop with the
//! process. So we go by the wall clock and the host's last response.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Position, Url};

use crate::clock::{Clock, Timestamp};

/// Timeout for connecting, including TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Timeout for one call, from its first byte to its last. Two calls in a row, one of them retried,
/// still fit into the ten seconds of a request.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a connection may be idle if the request can be retried. Load balancers in front of
/// providers keep connections for a minute or more.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// How long a connection may be idle if the request cannot be retried: less than the usual limits
/// of servers and network devices. A new connection costs two round trips and less than half a
/// millisecond of CPU time; a dead one costs the user a code.
pub(crate) const SINGLE_SEND_IDLE_TIMEOUT: Duration = Duration::from_secs(3);

/// The shared client. Clones share connections.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

struct Shared {
    tls: rustls::ClientConfig,
    clock: Clock,
    /// Used for each host until it needs new connections.
    first: reqwest::Client,
    hosts: Mutex<HashMap<String, Host>>,
}

/// The connections to one host.
struct Host {
    client: reqwest::Client,
    answered: Option<Timestamp>,
}

impl Http {
    /// A client that trusts the built-in roots and those in the PEM file `extra_roots`.
    ///
    /// # Errors
    /// If the file cannot be read or holds no certificate.
    pub fn new(extra_roots: Option<&str>, clock: Clock) -> Result<Self, io::Error> {
        let tls = tls_config(extra_roots)?;
        let first = client(tls.clone())?;
        Ok(Self(Arc::new(Shared { tls, clock, first, hosts: Mutex::default() })))
    }

    /// The client for a request to `url`. It reuses only connections that have been idle for less
    /// than `idle`.
    pub(crate) fn client(&self, url: &Url, idle: Duration) -> reqwest::Client {
        let mut hosts = self.hosts();
        let name = name_of(url);
        let Some(host) = hosts.get_mut(name) else {
            let client = self.0.first.clone();
            hosts.insert(name.to_owned(), Host { client: client.clone(), answered: None });
            return client;
        };
        let now = self.0.clock.now();
        if host.answered.is_some_and(|at| !now.is_within(idle, at)) {
            self.reconnect(host);
        }
        host.client.clone()
    }

    /// Records that the host of `url` has responded, so its connection works.
    pub(crate) fn answered(&self, url: &Url) {
        if let Some(host) = self.hosts().get_mut(name_of(url)) {
            host.answered = Some(self.0.clock.now());
        }
    }

    /// Records that the host of `url` has not responded, so its connections are not reused.
    pub(crate) fn failed(&self, url: &Url) {
        if let Some(host) = self.hosts().get_mut(name_of(url)) {
            self.reconnect(host);
        }
    }

    fn reconnect(&self, host: &mut Host) {
        // The clones share TLS session tickets, so this is cheaper than a first connection. The old
        // client's connections close when their requests finish.
        match client(self.0.tls.clone()) {
            Ok(client) => *host = Host { client, answered: None },
            Err(error) => tracing::error!(%error, "failed to open new connections"),
        }
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Scheme, host and port.
fn name_of(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

fn client(tls: rustls::ClientConfig) -> Result<reqwest::Client, io::Error> {
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the HTTP client")]
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("anteroom/", env!("CARGO_PKG_VERSION")))
        .build();
    client.map_err(io::Error::other)
}

fn tls_config(extra_roots: Option<&str>) -> Result<rustls::ClientConfig, io::Error> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = extra_roots {
        let mut found = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
            roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
            found += 1;
        }
        if found == 0 {
            return Err(io::Error::other("the file contains no certificate"));
        }
    }
    Ok(rustls::ClientConfig::builder_with_provider(Arc::new(tls_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Ring's ciphers, with AES-128 before AES-256, as AWS and others order them. AES-128 is no weaker
/// in practice, and its handshake uses SHA-256, which processors accelerate, instead of SHA-384.
fn tls_provider() -> rustls::crypto::CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let is_sha384 = |suite: &rustls::SupportedCipherSuite| match suite {
        rustls::SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider.output_len() > 32,
        rustls::SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider.output_len() > 32,
    };
    provider.cipher_suites.sort_by_key(is_sha384);
    provider
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
