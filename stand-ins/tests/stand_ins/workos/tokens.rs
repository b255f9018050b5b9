use anteroom_stand_ins::{
    jwt,
    workos::{ACCESS_TOKEN_SECONDS, CLIENT_ID, PERMISSIONS},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    digest::{SHA256, digest},
    rsa::PublicKeyComponents,
    signature::RSA_PKCS1_2048_8192_SHA256,
};
use serde_json::{Value, json};

use super::{Application, claims};

async fn keys(application: &Application) -> Vec<Value> {
    let (status, jwks) = application.gets(&format!("/sso/jwks/{CLIENT_ID}")).await;
    assert_eq!(status, 200);
    jwks["keys"].as_array().expect("keys").clone()
}

/// Whether one of the keys, by the token's own `kid`, signed it.
fn is_signed_by(token: &str, keys: &[Value]) -> bool {
    let header = jwt::header(token).expect("a header");
    let Some(key) = keys.iter().find(|key| key["kid"] == header["kid"]) else { return false };
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let part = |name: &str| decode(key[name].as_str().expect("text"));
    let key = PublicKeyComponents { n: part("n"), e: part("e") };
    let (message, signed) = token.rsplit_once('.').expect("three parts");
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &decode(signed)).is_ok()
}

#[tokio::test]
async fn an_access_token_says_who_in_which_session_and_organization() {
    let application = Application::new().await;
    let answer = application.workos.sign_in("jane", None);
    let claims = claims(&answer);
    assert_eq!(claims["iss"], application.workos.url());
    assert_eq!(claims["sub"], application.workos.user("jane").id);
    assert!(claims["sid"].as_str().is_some_and(|sid| sid.starts_with("session_")), "{claims}");
    assert_eq!(claims["org_id"], application.organization_id("Example"));
    assert_eq!((&claims["role"], &claims["roles"]), (&json!("admin"), &json!(["admin"])));
    assert_eq!(claims["permissions"], json!(PERMISSIONS));
    let seconds = |name: &str| claims[name].as_i64().expect("a number");
    assert_eq!(seconds("exp") - seconds("iat"), ACCESS_TOKEN_SECONDS);
}

#[tokio::test]
async fn outside_an_organization_a_token_names_none() {
    let application = Application::new().await;
    let answer = application.workos.sign_in("without_organization", None);
    assert_eq!(answer.get("organization_id"), None);
    let claims = claims(&answer);
    for name in ["org_id", "role", "roles", "permissions"] {
        assert_eq!(claims.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn the_published_keys_vouch_for_the_tokens() {
    let application = Application::new().await;
    let keys = keys(&application).await;
    let token = application.workos.access_token("jane");
    assert!(is_signed_by(&token, &keys));
    let (header, claims) = (application.workos.header(), application.workos.claims_for("jane"));
    assert!(!is_signed_by(&application.workos.sign_foreign(&header, &claims), &keys));

    let [key] = &keys[..] else { panic!("one key") };
    let certificate = key["x5c"][0].as_str().expect("a certificate");
    let certificate = BASE64_STANDARD.decode(certificate).expect("base64");
    let print = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate));
    assert_eq!(key["x5t#S256"], print);
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(key["n"].as_str().expect("n")).expect("base64url");
    let has_modulus = certificate.windows(modulus.len()).any(|bytes| bytes == modulus);
    assert!(has_modulus, "the certificate is the key's own");

    let (status, _) = application.gets("/sso/jwks/client_other").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_rotation_publishes_both_keys_until_the_old_one_is_retired() {
    let application = Application::new().await;
    let old = application.workos.access_token("jane");
    application.workos.rotate_signing_key();
    let new = application.workos.access_token("jane");
    let both = keys(&application).await;
    assert!(is_signed_by(&old, &both) && is_signed_by(&new, &both));
    application.workos.retire_old_signing_key();
    let one = keys(&application).await;
    assert!(!is_signed_by(&old, &one) && is_signed_by(&new, &one));
    assert_ne!(both[0]["x5c"], both[1]["x5c"]);
}

#[tokio::test]
async fn issuer_and_lifetime_can_be_set() {
    let application = Application::new().await;
    let issuer = format!("{}/user_management/{CLIENT_ID}", application.workos.url());
    application.workos.set_issuer(&issuer);
    application.workos.set_access_token_seconds(-60);
    let answer = application.workos.sign_in("jane", None);
    let claims = claims(&answer);
    assert_eq!(claims["iss"], issuer);
    let seconds = |name: &str| claims[name].as_i64().expect("a number");
    assert_eq!(seconds("exp") - seconds("iat"), -60);
}
