//! The one HTTP client, shared by every provider and by the AWS SDK.
//!
//! It follows no redirect (a provider that redirects is not the provider), reads no proxy
//! variables, trusts Mozilla's roots as compiled in plus those in `SSL_CERT_FILE`, and gives up:
//! after [`CONNECT_TIMEOUT`] when there is nobody, after [`CALL_TIMEOUT`] when the answer is slow.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// How long a connection may take to be made, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one call may take from its first byte to its last. Two calls in a row, and a second
/// attempt of one of them, stay within the ten seconds that a request may take.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// Idle connections are dropped after this; load balancers in front of providers keep them for a
/// minute or more.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// The shared client. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Http(reqwest::Client);

impl Http {
    /// A client that trusts the built-in roots, and those in the PEM file `extra_roots`.
    ///
    /// # Errors
    /// When that file cannot be read or holds no certificate.
    pub fn new(extra_roots: Option<&str>) -> Result<Self, io::Error> {
        let tls = tls_config(extra_roots)?;
        #[expect(clippy::disallowed_methods, reason = "this is the one home of the HTTP client")]
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("anteroom/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(io::Error::other)?;
        Ok(Self(client))
    }

    /// Starts a request to `url`.
    pub(crate) fn request(&self, method: http::Method, url: url::Url) -> reqwest::RequestBuilder {
        self.0.request(method, url)
    }

    /// The same client in the form that the AWS SDK takes.
    pub(crate) fn for_aws_sdk(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(AwsConnector(self.0.clone()));
        http_client_fn(move |_, _| connector.clone())
    }
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
            return Err(io::Error::other("the file holds no certificate"));
        }
    }
    Ok(rustls::ClientConfig::builder_with_provider(Arc::new(tls_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Ring's ciphers, AES-128 before AES-256 as AWS and others have it: no weaker in practice, and its
/// handshake hashes with SHA-256, for which processors have instructions, and not with SHA-384.
fn tls_provider() -> rustls::crypto::CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let is_sha384 = |suite: &rustls::SupportedCipherSuite| match suite {
        rustls::SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider.output_len() > 32,
        rustls::SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider.output_len() > 32,
    };
    provider.cipher_suites.sort_by_key(is_sha384);
    provider
}

/// Hands the AWS SDK's requests to the shared client; time-outs are the client's own.
#[derive(Debug)]
struct AwsConnector(reqwest::Client);

impl HttpConnector for AwsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?
                .map(|body| reqwest::Body::from(body.bytes().unwrap_or_default().to_vec()));
            let request = reqwest::Request::try_from(request)
                .map_err(|error| ConnectorError::user(error.into()))?;
            let response = client.execute(request).await.map_err(connector_error)?;
            let (parts, body) = http::Response::from(response).into_parts();
            let response = http::Response::from_parts(parts, SdkBody::from_body_1_x(body));
            response.try_into().map_err(|error: aws_smithy_runtime_api::http::HttpError| {
                ConnectorError::other(error.into(), None)
            })
        })
    }
}

fn connector_error(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_certificate_file_that_is_missing_or_empty() {
        assert!(Http::new(Some("/nonexistent/roots.pem")).is_err());
        assert!(Http::new(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).is_err());
        assert!(Http::new(None).is_ok());
    }
}
