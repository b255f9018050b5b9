//! A value of AWS Secrets Manager: what is read is in the secret, byte for byte or trimmed, and no error
//! quotes it.

#![no_main]

use anteroom::secrets::SecretError;
use anteroom_fuzz::answer::is_ours;
use anteroom_fuzz::json;
use anteroom_fuzz::script::Reply;
use anteroom_fuzz::world::World;
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

thread_local! {
    static WORLD: World = World::start();
}

const KEY: &str = "LIVEBLOCKS_SECRET_KEY";
const PASSWORD: &str = "WORKOS_COOKIE_PASSWORD";
const PREVIOUS: &str = "WORKOS_COOKIE_PASSWORD_PREVIOUS";

fuzz_target!(|data: &[u8]| {
    WORLD.with(|world| {
        // The SDK's own parser is not what is tested: it gets a text.
        let text = String::from_utf8_lossy(data);
        let answer = json!({"ARN": "arn:aws:fuzz", "Name": "fuzz", "SecretString": text});
        // A secret that lacks a value is fetched again for the next one.
        world.providers.play(vec![Reply::json(200, answer.to_string()); 3]);
        let own = [("FUZZ_SECRET_ID", "fuzz"), (KEY, ""), (PASSWORD, "")];
        // Secrets are cached, so every run has settings of its own.
        let mut settings = world.settings(&own);
        let (key, password, previous) = (
            settings.secret(KEY, "FUZZ_SECRET_ID", |key| check(key, 3)).expect("settings"),
            settings.password(PASSWORD, "FUZZ_SECRET_ID", |key| check(key, 8)).expect("settings"),
            settings
                .optional_password(PREVIOUS, "FUZZ_SECRET_ID", |key| check(key, 8))
                .expect("settings"),
        );
        let (key, password, previous) =
            world.run(async { (key.read().await, password.read().await, previous.read().await) });
        let secret = json::strict(text.as_bytes());
        let given = |name: &str| secret.as_ref().map(|secret| secret[name].as_str());
        if let Some(given) = key.as_ref().ok().zip(given(KEY)) {
            let (read, given) = (given.0.expose_secret(), given.1.expect("a text"));
            assert!(read == given.trim() && read.len() >= 3, "{given:?}");
        }
        if let Some(given) = password.as_ref().ok().zip(given(PASSWORD)) {
            let (read, given) = (given.0.expose_secret(), given.1.expect("a text"));
            assert!(read == given && read.len() >= 8, "{given:?}");
        }
        if let Ok(Some(read)) = &previous
            && let Some(given) = given(PREVIOUS)
        {
            assert_eq!(Some(read.expose_secret()), given);
        }
        // All values come from one answer.
        assert_eq!(key.is_ok(), password.is_ok());
        assert_eq!(key.is_ok(), previous.is_ok());
        let is_whole = secret.as_ref().is_some_and(|secret| {
            let is_text = |name: &str, bytes: usize| {
                secret[name].as_str().is_some_and(|text| text.trim().len() >= bytes)
            };
            is_text(KEY, 3)
                && is_text(PASSWORD, 8)
                && secret.get(PREVIOUS).is_none_or(Value::is_null)
        });
        assert!(!is_whole || key.is_ok(), "a good secret is rejected: {:?}", key.err());
        if let Err(SecretError::Misconfigured(message)) = key.map(drop) {
            let own = [KEY, PASSWORD, PREVIOUS, "FUZZ_SECRET_ID"];
            let words = own.iter().fold(message.clone(), |text, own| text.replace(own, ""));
            assert!(words.len() < 200 && words.is_ascii(), "{message}");
            let quoted = data
                .windows(16)
                .filter_map(|part| std::str::from_utf8(part).ok())
                .any(|part| words.contains(part) && !is_ours(part.as_bytes()));
            assert!(!quoted, "{message} quotes the secret");
        }
    });
});

fn check(text: &str, bytes: usize) -> Result<(), &'static str> {
    if text.len() >= bytes { Ok(()) } else { Err("long enough") }
}
