//! The TLS of all connections: ring's ciphers and compiled-in roots.

use std::io;
use std::sync::Arc;

use ring::rand::SystemRandom;
use rustls::SignatureScheme;
use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::crypto::{
    CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use webpki::ring as signatures;

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

/// What rustls offers by default on ring, without what no provider needs and every function would have to load:
/// `ChaCha20`, which is for clients without AES instructions, `Ed25519`, with which no public authority signs, and
/// client certificates.
///
/// AES-128 comes before AES-256, as AWS and others order them. It is no weaker in practice, and its handshake uses
/// SHA-256, which processors accelerate, instead of SHA-384.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        kx_groups: vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        signature_verification_algorithms: SIGNATURES,
        secure_random: &Ring,
        key_provider: &Ring,
    }
}

/// The signatures of servers and of certificates.
const SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        signatures::ECDSA_P256_SHA256,
        signatures::ECDSA_P256_SHA384,
        signatures::ECDSA_P384_SHA256,
        signatures::ECDSA_P384_SHA384,
        signatures::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        signatures::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        signatures::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        signatures::RSA_PKCS1_2048_8192_SHA256,
        signatures::RSA_PKCS1_2048_8192_SHA384,
        signatures::RSA_PKCS1_2048_8192_SHA512,
        signatures::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        signatures::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        signatures::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    ],
    mapping: &[
        // TLS 1.3 uses only the first algorithm of each entry, whose curve matches the scheme. TLS 1.2
        // may use any of them.
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[signatures::ECDSA_P256_SHA256, signatures::ECDSA_P384_SHA256],
        ),
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[signatures::ECDSA_P384_SHA384, signatures::ECDSA_P256_SHA384],
        ),
        (SignatureScheme::RSA_PSS_SHA256, &[signatures::RSA_PSS_2048_8192_SHA256_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA384, &[signatures::RSA_PSS_2048_8192_SHA384_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA512, &[signatures::RSA_PSS_2048_8192_SHA512_LEGACY_KEY]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[signatures::RSA_PKCS1_2048_8192_SHA256]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[signatures::RSA_PKCS1_2048_8192_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA512, &[signatures::RSA_PKCS1_2048_8192_SHA512]),
    ],
};

#[derive(Debug)]
struct Ring;

impl SecureRandom for Ring {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        use ring::rand::SecureRandom as _;
        SystemRandom::new().fill(bytes).map_err(|_| GetRandomFailed)
    }
}

impl KeyProvider for Ring {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("client certificates are not supported".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use rustls::CipherSuite;

    use super::*;

    #[test]
    fn offers_what_rustls_does_but_for_chacha20_and_ed25519() {
        let (ours, all) = (provider(), rustls::crypto::ring::default_provider());
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let suites = |provider: &CryptoProvider| -> Vec<CipherSuite> {
            provider.cipher_suites.iter().map(rustls::SupportedCipherSuite::suite).collect()
        };
        let names = |suites: Vec<CipherSuite>| {
            let names = suites.into_iter().map(|suite| format!("{suite:?}"));
            sorted(names.filter(|name| !name.contains("CHACHA20")).collect())
        };
        assert_eq!(names(suites(&ours)), names(suites(&all)));
        assert_eq!(ours.cipher_suites.len(), 6);

        let groups = |provider: &CryptoProvider| -> Vec<_> {
            provider.kx_groups.iter().map(|group| group.name()).collect()
        };
        assert_eq!(groups(&ours), groups(&all));

        let schemes = |provider: &CryptoProvider| {
            let schemes = provider.signature_verification_algorithms.supported_schemes();
            sorted(schemes.iter().map(|scheme| format!("{scheme:?}")).collect())
        };
        let mut expected = schemes(&all);
        expected.retain(|scheme| scheme != "ED25519");
        assert_eq!(schemes(&ours), expected);
        let certificates =
            |provider: &CryptoProvider| provider.signature_verification_algorithms.all.len();
        assert_eq!(certificates(&ours), certificates(&all) - 1);
    }

    #[test]
    fn prefers_the_hash_that_processors_accelerate() {
        let first = provider().cipher_suites[0].suite();
        assert_eq!(first, CipherSuite::TLS13_AES_128_GCM_SHA256);
    }
}
