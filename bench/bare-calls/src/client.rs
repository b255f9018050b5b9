//! Calls over TLS.

use std::env;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lambda_runtime::Error;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CipherSuite, ClientConfig, RootCertStore};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;

pub(crate) type Client = legacy::Client<Connector, Full<Bytes>>;

pub(crate) type Connector = HttpsConnector<HttpConnector>;

pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A call to a provider, which answers with JSON.
#[derive(Deserialize)]
pub(crate) struct Call {
    url: String,
    authorization: Option<String>,
    /// With a body, the call is a `POST`.
    body: Option<Value>,
}

impl Call {
    pub(crate) async fn send(&self, client: &Client) -> Result<Value, Error> {
        let mut request = Request::builder().uri(&self.url);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = match &self.body {
            None => request.body(Full::default())?,
            Some(body) => {
                let request = request.method(Method::POST).header(CONTENT_TYPE, "application/json");
                request.body(serde_json::to_vec(body)?.into())?
            }
        };
        let (head, body) = client.request(request).await?.into_parts();
        if !head.status.is_success() {
            return Err(format!("{} answered with {}", self.url, head.status).into());
        }
        Ok(serde_json::from_slice(&body.collect().await?.to_bytes())?)
    }
}

pub(crate) fn client(connector: Connector) -> Client {
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

/// TLS as in the functions: AES-128 and SHA-256 first.
pub(crate) fn connector() -> Result<Connector, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Ok(file) = env::var("SSL_CERT_FILE") {
        for certificate in CertificateDer::pem_file_iter(file)? {
            roots.add(certificate?)?;
        }
    }
    let mut cipher_suites = ring::DEFAULT_CIPHER_SUITES.to_vec();
    cipher_suites.sort_by_key(|one| one.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let provider = CryptoProvider { cipher_suites, ..ring::default_provider() };
    let tls = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    Ok((tcp, tls).into())
}
