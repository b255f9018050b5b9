//! A JWKS: a genuine token is accepted if, and only if, its key is in there. Odd entries do not hide it.

#![no_main]

use anteroom::workos::Sessions;
use anteroom_fuzz::world::{World, request};
use anteroom_fuzz::{genuine, json};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

thread_local! {
    static WORLD: World = World::start();
}

// `@n@` stands for the modulus of the key.
fuzz_target!(|data: &[u8]| {
    WORLD.with(|world| {
        let document = genuine::filled_in(data);
        world.providers.publish(document.clone());
        // Keys are cached, so every run has a cache of its own.
        let sessions = Sessions::configure(&mut world.settings(&[])).expect("settings");
        let bearer = format!("Bearer {}", genuine::access_token());
        let request = request("GET", "/", &[("authorization", &bearer)], "");
        let session = world.run(sessions.session(&request));
        let status = session.as_ref().err().map(|error| error.status().as_u16());
        // Keys that cannot be read say nothing about the token.
        assert!(matches!(status, None | Some(401 | 503)), "{status:?}");
        let Some(document) = json::strict(&document) else {
            return;
        };
        let keys = document["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        let could_be_ours = keys.iter().any(|key| is_ours(key, false));
        let is_surely_ours = keys.iter().any(|key| is_ours(key, true));
        assert!(could_be_ours || session.is_err(), "accepted without its key");
        assert!(!is_surely_ours || session.is_ok(), "an odd entry hides the key: {status:?}");
    });
});

/// Whether an entry is the key. With `surely`, it also has no field of an odd type.
fn is_ours(key: &Value, surely: bool) -> bool {
    let number = |value: &Value| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value.as_str()?).ok()?;
        Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>())
    };
    let [n, e] = genuine::components().map(Value::String);
    let may_be = |name: &str, wanted: &str| match key.get(name) {
        None | Some(Value::Null) => true,
        Some(value) => value == wanted,
    };
    key["kid"] == genuine::KEY_ID
        && key["kty"] == "RSA"
        && number(&key["n"]) == number(&n)
        && number(&key["e"]) == number(&e)
        && (!surely || (may_be("alg", "RS256") && may_be("use", "sig")))
}
