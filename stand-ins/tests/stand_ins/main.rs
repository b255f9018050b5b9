//! The stand-ins refuse what the providers refuse, and fail as they are told to.

mod aws;
mod clerk;
mod event_bridge;
mod faults;
mod liveblocks;
mod livekit;
mod secrets_manager;
mod server;
mod workos;

use std::sync::Arc;

use anteroom_stand_ins::server::TLS_AUTHORITY_FILE;
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::Value;

/// A client that trusts the stand-ins' authority and nobody else.
fn client() -> Client {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(TLS_AUTHORITY_FILE).expect("a certificate");
    roots.add(authority).expect("an authority");
    client_that_trusts(roots)
}

fn client_that_trusts(roots: RootCertStore) -> Client {
    builder(roots).build().expect("a client")
}

/// A client that shows where it is sent instead of going there.
fn browser() -> Client {
    builder(RootCertStore::empty()).redirect(Policy::none()).build().expect("a client")
}

#[allow(clippy::disallowed_methods, reason = "the stand-ins share no code with the functions")]
fn builder(roots: RootCertStore) -> ClientBuilder {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls)
}

/// Sends the request: the answer's status and JSON.
async fn send(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}
