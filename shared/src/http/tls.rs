//! The TLS of all connections: ring's ciphers and compiled-in roots.

use std::io;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Trusts Mozilla's roots and those in the PEM file `extra_roots`.
///
/// # Errors
/// If the file cannot be read or holds no certificate.
pub(super) fn tls_config(extra_roots: Option<&str>) -> Result<rustls::ClientConfig, io::Error> {
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
    Ok(rustls::ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Ring's ciphers, with AES-128 before AES-256, as AWS and others order them. AES-128 is no weaker
/// in practice, and its handshake uses SHA-256, which processors accelerate, instead of SHA-384.
fn provider() -> rustls::crypto::CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let is_sha384 = |suite: &rustls::SupportedCipherSuite| match suite {
        rustls::SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider.output_len() > 32,
        rustls::SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider.output_len() > 32,
    };
    provider.cipher_suites.sort_by_key(is_sha384);
    provider
}
