//! The public test vectors: which apply to our cryptography, how many of each, and why the others do not.
//!
//! ```text
//! cargo test -p anteroom --lib vectors -- --nocapture
//! ```

use crate::cookie_seal;
use crate::jwt;
use crate::vector_tally;

/// The files of Wycheproof that do not apply.
const OTHERS: [(&str, &str); 9] = [
    (
        "rsa_signature_*_sha384, _sha512, _sha3, _sha224",
        "RS256 is the only RSA algorithm that we accept",
    ),
    (
        "rsa_pss_*, rsa_oaep_*, rsa_pkcs1_* (decryption)",
        "no PS256, and we decrypt nothing with RSA",
    ),
    (
        "ecdsa_*, ed25519, ed448, dsa_*, mldsa_*",
        "neither WorkOS, Clerk nor LiveKit signs with them",
    ),
    ("ecdh_*, x25519, x448, mlkem_*", "key agreement is inside TLS, which rustls tests"),
    (
        "hmac_sha1, _sha384, _sha512, _sha3, cmac, kmac, siphash",
        "HS256 and the seal's MAC are SHA-256",
    ),
    ("hkdf_sha1, _sha384, _sha512", "we derive with SHA-256"),
    ("pbkdf2_hmacsha224 to sha512, pbes2_*", "Fe26.2 derives with SHA-1"),
    ("aes_gcm, aes_ccm, chacha20_poly1305, aria_*, camellia_* …", "Fe26.2 is AES-256-CBC"),
    (
        "json_web_signature",
        "the crate leaves it out: jwt/vectors.rs has an ignored test that reads a copy",
    ),
];

#[test]
#[allow(clippy::print_stdout, reason = "the table is for a reviewer, who runs this test by hand")]
fn every_vector_that_applies_is_decided_as_it_should_be() {
    let mut tallies = jwt::vectors::rs256();
    let others = [
        jwt::vectors::hs256(),
        jwt::vectors::hkdf(),
        cookie_seal::vectors::aes_cbc(),
        cookie_seal::vectors::pbkdf2(),
    ];
    tallies.extend(others);
    assert!(tallies.iter().all(|tally| tally.used() > 0));
    vector_tally::print(&tallies);
    println!("\n| other files | why they do not apply |\n|---|---|");
    for (files, why) in OTHERS {
        println!("| {files} | {why} |");
    }
}
