//! The password of sealed cookies in AWS Secrets Manager: rotated, missed, and malformed.

use std::time::Duration;

use anteroom::clock::Clock;
use anteroom::cookie_seal::{CookieSeal, SealError, password_form};
use anteroom::secrets::{MAX_AGE, SecretError};
use anteroom::settings::{Problems, Settings};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};

const SECRET_ID: &str = "anteroom/workos";
const FIRST: &str = "the first password, of 32 characters and more";
const SECOND: &str = "the second password, of 32 characters and more";
const THIRD: &str = "the third password, of 32 characters and more";

/// A password in Secrets Manager, and processes that seal with it.
struct World {
    manager: SecretsManager,
    clock: Clock,
}

impl World {
    async fn start() -> Self {
        let manager = SecretsManager::start().await.unwrap();
        let world = Self { manager, clock: Clock::fixed(1_900_000_000) };
        world.put(json!({ "PASSWORD": FIRST }));
        world
    }

    fn put(&self, secret: Value) {
        self.manager.put(SECRET_ID, secret);
    }

    /// A process that has just started.
    async fn process(&self) -> Result<CookieSeal, Problems> {
        self.process_with(&[]).await
    }

    async fn process_with(&self, variables: &[(&str, &str)]) -> Result<CookieSeal, Problems> {
        let mut pairs = self.manager.settings();
        pairs.push(("SECRET_ID".to_owned(), SECRET_ID.to_owned()));
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.extend(variables.iter().map(owned));
        let mut settings = Settings::from_pairs(pairs, self.clock.clone())?;
        let current = settings.password("PASSWORD", "SECRET_ID", password_form);
        let previous = settings.optional_password("PASSWORD_PREVIOUS", "SECRET_ID", password_form);
        let seal = match (current, previous) {
            (Ok(current), Ok(previous)) => Ok(CookieSeal::new(current, previous)),
            (Err(incomplete), _) | (_, Err(incomplete)) => Err(incomplete),
        };
        settings.complete(seal).await
    }

    async fn seal(&self, process: &CookieSeal) -> Result<String, SealError> {
        process.seal(&"content", None, self.clock.now()).await
    }

    async fn open(&self, process: &CookieSeal, sealed: &str) -> Result<String, SealError> {
        process.open(sealed, self.clock.now()).await
    }
}

#[tokio::test]
async fn a_rotation_signs_nobody_out_and_needs_no_deploy() {
    let world = World::start().await;
    let process = world.process().await.unwrap();
    let by_first = world.seal(&process).await.unwrap();

    world.put(json!({ "PASSWORD": SECOND, "PASSWORD_PREVIOUS": FIRST }));
    world.clock.advance(MAX_AGE);
    assert_eq!(world.open(&process, &by_first).await.as_deref(), Ok("content"));
    let by_second = world.seal(&process).await.unwrap();

    world.put(json!({ "PASSWORD": SECOND, "PASSWORD_PREVIOUS": "" }));
    world.clock.advance(MAX_AGE);
    assert_eq!(world.open(&process, &by_second).await.as_deref(), Ok("content"));
    assert_eq!(world.open(&process, &by_first).await, Err(SealError::NotOurs));

    world.put(json!({ "PASSWORD": THIRD, "PASSWORD_PREVIOUS": SECOND }));
    world.clock.advance(MAX_AGE);
    assert_eq!(world.open(&process, &by_second).await.as_deref(), Ok("content"));
}

#[tokio::test]
async fn opens_what_a_process_with_a_newer_password_has_sealed() {
    let world = World::start().await;
    let old = world.process().await.unwrap();
    world.put(json!({ "PASSWORD": SECOND, "PASSWORD_PREVIOUS": FIRST }));
    let new = world.process().await.unwrap();
    let sealed = world.seal(&new).await.unwrap();
    assert_eq!(world.open(&old, &sealed).await.as_deref(), Ok("content"));
    let sealed = world.seal(&old).await.unwrap();
    assert_eq!(world.open(&new, &sealed).await.as_deref(), Ok("content"));
}

#[tokio::test]
async fn a_seal_is_called_foreign_after_a_read_that_requests_share() {
    let world = World::start().await;
    let process = world.process().await.unwrap();
    let foreign = world.process_with(&[("PASSWORD", SECOND)]).await.unwrap();
    let forged = world.seal(&foreign).await.unwrap();
    let good = world.seal(&process).await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    world.manager.forget_requests();
    for _ in 0..10 {
        assert_eq!(world.open(&process, "not a seal").await, Err(SealError::Malformed));
        assert!(world.open(&process, &good).await.is_ok());
    }
    assert!(world.manager.requests().is_empty(), "what needs no other password asks for none");

    let (a, b, c, d) = tokio::join!(
        world.open(&process, &forged),
        world.open(&process, &forged),
        world.open(&process, &forged),
        world.open(&process, &forged),
    );
    assert_eq!([a, b, c, d], [const { Err(SealError::NotOurs) }; 4]);
    let reads = world.manager.requests().len();
    assert_eq!(reads, 2, "the first read began before the others arrived, who share the second");

    world.manager.inject(Fault::Down);
    let unknown = world.open(&process, &forged).await;
    assert!(matches!(unknown, Err(SealError::NoPassword(_))), "nobody can tell: {unknown:?}");
    assert!(world.open(&process, &good).await.is_ok());
    world.manager.clear_faults();
    world.manager.deny(SECRET_ID);
    let unknown = world.open(&process, &forged).await;
    assert!(matches!(unknown, Err(SealError::NoPassword(_))), "nor here: {unknown:?}");
    world.manager.allow(SECRET_ID);
    assert_eq!(world.open(&process, &forged).await, Err(SealError::NotOurs));
}

#[tokio::test]
async fn a_just_changed_password_opens_seals_however_often_the_secret_was_read() {
    let world = World::start().await;
    let process = world.process().await.unwrap();
    let foreign = world.process_with(&[("PASSWORD", THIRD)]).await.unwrap();
    let forged = world.seal(&foreign).await.unwrap();
    for (password, previous) in [(SECOND, FIRST), (FIRST, SECOND), (SECOND, FIRST)] {
        // Somebody has just made it read the secret.
        assert_eq!(world.open(&process, &forged).await, Err(SealError::NotOurs));
        world.put(json!({ "PASSWORD": password, "PASSWORD_PREVIOUS": previous }));
        let new = world.process().await.unwrap();
        let sealed = world.seal(&new).await.unwrap();
        assert_eq!(world.open(&process, &sealed).await.as_deref(), Ok("content"));
    }
    // The password that comes next is known as the previous one only.
    world.put(json!({ "PASSWORD": FIRST, "PASSWORD_PREVIOUS": THIRD }));
    assert_eq!(world.open(&process, &forged).await.as_deref(), Ok("content"));
}

#[tokio::test]
async fn a_password_is_taken_byte_for_byte_from_every_source() {
    let world = World::start().await;
    for password in
        [format!("{FIRST}\n"), format!("{FIRST}\r\n"), format!(" {FIRST}"), format!("{FIRST}\t")]
    {
        world.put(json!({ "PASSWORD": password }));
        let stored = world.process().await.unwrap();
        let variables = [("PASSWORD", password.as_str())];
        let variable = world.process_with(&variables).await.unwrap();
        let variables = [("PASSWORD", SECOND), ("PASSWORD_PREVIOUS", password.as_str())];
        let previous = world.process_with(&variables).await.unwrap();
        let trimmed = world.process_with(&[("PASSWORD", FIRST)]).await.unwrap();

        let sealed = world.seal(&stored).await.unwrap();
        assert_eq!(world.open(&variable, &sealed).await.as_deref(), Ok("content"));
        assert_eq!(world.open(&previous, &sealed).await.as_deref(), Ok("content"));
        assert_eq!(world.open(&trimmed, &sealed).await, Err(SealError::NotOurs), "{password:?}");
        let sealed = world.seal(&variable).await.unwrap();
        assert_eq!(world.open(&stored, &sealed).await.as_deref(), Ok("content"));
    }
    for blank in ["", " ", "\n"].map(|blank| blank.repeat(40)) {
        world.put(json!({ "PASSWORD": FIRST, "PASSWORD_PREVIOUS": blank }));
        world.process().await.expect("as good as absent");
    }
}

#[tokio::test]
async fn without_secrets_manager_the_cookie_is_not_judged() {
    let world = World::start().await;
    let process = world.process().await.unwrap();
    let sealed = world.seal(&process).await.unwrap();

    world.manager.inject(Fault::Down);
    let cold = world.process().await.unwrap();
    let is_outage = |error| matches!(error, SealError::NoPassword(SecretError::Unreachable(_)));
    assert!(is_outage(world.open(&cold, &sealed).await.unwrap_err()));
    assert!(is_outage(world.seal(&cold).await.unwrap_err()));
    world.clock.advance(MAX_AGE);
    assert!(world.open(&process, &sealed).await.is_ok(), "with the password at hand");

    world.manager.clear_faults();
    world.clock.advance(Duration::from_secs(10));
    assert!(world.open(&cold, &sealed).await.is_ok());
}

#[tokio::test]
async fn malformed_passwords_stop_the_start_and_are_named_without_their_values() {
    let world = World::start().await;
    for (secret, named) in [
        (json!({ "PASSWORD": "hunter2" }), "PASSWORD"),
        (json!({ "PASSWORD": FIRST, "PASSWORD_PREVIOUS": "hunter2" }), "PASSWORD_PREVIOUS"),
        (json!({ "PASSWORD_PREVIOUS": FIRST }), "PASSWORD"),
        (json!({ "PASSWORD": "" }), "PASSWORD"),
    ] {
        world.put(secret.clone());
        let problems = world.process().await.unwrap_err().to_string();
        assert!(problems.contains(named), "{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }
    let variables = [("PASSWORD", "hunter2"), ("PASSWORD_PREVIOUS", "hunter3")];
    let Problems(problems) = world.process_with(&variables).await.unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(!problems.concat().contains("hunter"), "{problems:?}");
}

#[tokio::test]
async fn each_password_comes_from_its_variable_or_else_from_the_secret() {
    let world = World::start().await;
    world.put(json!({ "PASSWORD": FIRST }));
    let sealed = world.seal(&world.process().await.unwrap()).await.unwrap();
    world.manager.forget_requests();
    let variables = [("PASSWORD", SECOND), ("PASSWORD_PREVIOUS", FIRST)];
    let process = world.process_with(&variables).await.unwrap();
    assert_eq!(world.open(&process, &sealed).await.as_deref(), Ok("content"));
    assert!(world.manager.requests().is_empty(), "there is nothing left to ask for");
    world.put(json!({ "PASSWORD": THIRD }));
    let process = world.process_with(&variables[..1]).await.unwrap();
    assert_eq!(world.open(&process, &sealed).await, Err(SealError::NotOurs));
    world.put(json!({ "PASSWORD": THIRD, "PASSWORD_PREVIOUS": FIRST }));
    let process = world.process_with(&variables[..1]).await.unwrap();
    assert_eq!(world.open(&process, &sealed).await.as_deref(), Ok("content"));
}
