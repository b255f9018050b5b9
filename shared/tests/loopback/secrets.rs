//! Secrets from AWS Secrets Manager: fetched, kept, read again, and missed.

use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::clock::Clock;
use anteroom::liveblocks::{Liveblocks, UserInfo};
use anteroom::request_scope::Moment;
use anteroom::secrets::{MAX_AGE, Secret};
use anteroom::settings::{Problems, Settings};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::{liveblocks, secrets_manager};
use serde_json::json;

const SECRET_ID: &str = "anteroom/liveblocks";

/// Liveblocks, whose key is in Secrets Manager.
struct World {
    manager: secrets_manager::SecretsManager,
    liveblocks: liveblocks::Liveblocks,
    clock: Clock,
}

impl World {
    async fn start() -> Self {
        let world = Self {
            manager: secrets_manager::SecretsManager::start().await.unwrap(),
            liveblocks: liveblocks::Liveblocks::start().await.unwrap(),
            clock: Clock::fixed(1_900_000_000),
        };
        world.put(&world.liveblocks.secret_key());
        world
    }

    fn put(&self, key: &str) {
        let secret = json!({ "LIVEBLOCKS_SECRET_KEY": key, "OTHER": 1 });
        self.manager.put(SECRET_ID, secret);
    }

    fn settings(&self) -> Result<Settings, Problems> {
        let mut pairs = self.manager.settings();
        pairs.extend(self.liveblocks.settings());
        pairs.retain(|(name, _)| name != "LIVEBLOCKS_SECRET_KEY");
        pairs.push(("LIVEBLOCKS_SECRET_ID".to_owned(), SECRET_ID.to_owned()));
        Settings::from_pairs(pairs, self.clock.clone())
    }

    async fn client(&self) -> Result<Liveblocks, Problems> {
        let mut settings = self.settings()?;
        let client = Liveblocks::configure(&mut settings);
        settings.complete(client).await
    }

    /// The key itself, which is fetched at start.
    async fn key(&self) -> Secret {
        let mut settings = self.settings().unwrap();
        let key = settings.secret("LIVEBLOCKS_SECRET_KEY", "LIVEBLOCKS_SECRET_ID", |_| Ok(()));
        settings.complete(key).await.unwrap()
    }

    fn fetches(&self) -> usize {
        self.manager.requests().len()
    }
}

async fn status(client: &Liveblocks) -> u16 {
    let info = UserInfo { name: "Jane".to_owned(), image_url: None, color: "#0072B2" };
    match client.identify_user("jane@example.com", &info, None).await {
        Ok(_) => 200,
        Err(error) => ApiError::from(error).status().as_u16(),
    }
}

#[tokio::test]
async fn fetches_at_start_and_again_after_five_minutes() {
    let world = World::start().await;
    let client = world.client().await.unwrap();
    assert_eq!(world.fetches(), 1, "before the first request");
    for _ in 0..10 {
        assert_eq!(status(&client).await, 200);
    }
    assert_eq!(world.fetches(), 1);
    world.clock.advance(MAX_AGE);
    assert_eq!(status(&client).await, 200);
    assert_eq!(status(&client).await, 200);
    assert_eq!(world.fetches(), 2);
    let asked = world.manager.requests()[0].json().unwrap();
    assert_eq!(asked, json!({ "SecretId": SECRET_ID, "VersionStage": "AWSCURRENT" }));
}

#[tokio::test]
async fn preparation_does_not_wait_for_the_secrets() {
    let world = World::start().await;
    // The stand-in reads its secrets after the delay, by which time preparation must have run.
    world.manager.inject(Fault::Slow(Duration::from_secs(1)));
    world.manager.put(SECRET_ID, json!({}));
    let mut settings = world.settings().unwrap();
    let client = Liveblocks::configure(&mut settings);
    let prepare = async |_: &Liveblocks| world.put(&world.liveblocks.secret_key());
    let client = settings.complete_during(client, prepare).await.unwrap();
    assert_eq!((status(&client).await, world.fetches()), (200, 1));
}

#[tokio::test]
async fn preparation_that_needs_a_secret_shares_its_fetch() {
    let world = World::start().await;
    let mut settings = world.settings().unwrap();
    let client = Liveblocks::configure(&mut settings);
    let prepare = async |client: &Liveblocks| assert_eq!(status(client).await, 200);
    settings.complete_during(client, prepare).await.unwrap();
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn preparation_that_needs_a_secret_shares_a_fetch_that_fails() {
    let world = World::start().await;
    world.manager.inject(Fault::Failing(400));
    let mut settings = world.settings().unwrap();
    let client = Liveblocks::configure(&mut settings);
    let prepare = async |client: &Liveblocks| assert_eq!(status(client).await, 503);
    settings.complete_during(client, prepare).await.unwrap();
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn nothing_is_prepared_with_invalid_settings() {
    let world = World::start().await;
    let mut settings = world.settings().unwrap();
    let client = Liveblocks::configure(&mut settings);
    let _ = settings.problem("another setting is missing");
    let prepare = async |_: &Liveblocks| panic!("prepared");
    assert!(settings.complete_during(client, prepare).await.is_err());
}

#[tokio::test]
async fn the_request_that_meets_a_rotated_key_succeeds() {
    let world = World::start().await;
    let client = world.client().await.unwrap();
    assert_eq!(status(&client).await, 200);
    for key in ["sk_dev_second", "sk_dev_third"] {
        world.liveblocks.rotate_secret_key(key);
        world.put(key);
        assert_eq!(status(&client).await, 200, "with {key}");
    }
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn a_wrong_key_does_not_make_every_request_ask_again() {
    let world = World::start().await;
    let client = world.client().await.unwrap();
    world.liveblocks.rotate_secret_key("sk_dev_nobody_told_us");
    for _ in 0..10 {
        assert_eq!(status(&client).await, 502);
    }
    assert_eq!(world.fetches(), 2, "one at the start, one for the first refusal");
    world.put("sk_dev_nobody_told_us");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(status(&client).await, 200);
}

#[tokio::test]
async fn without_secrets_manager_it_starts_answers_503_and_recovers() {
    let world = World::start().await;
    for fault in [Fault::Down, Fault::Failing(500), Fault::Limiting { retry_after: None }] {
        world.manager.inject(fault);
        let client = world.client().await.unwrap();
        assert_eq!(status(&client).await, 503, "{fault:?}");
        assert_eq!(status(&client).await, 503, "{fault:?}");
        world.manager.clear_faults();
        assert_eq!(status(&client).await, 200, "after {fault:?}");
    }
    world.manager.stop().await;
    let client = world.client().await.unwrap();
    assert_eq!(status(&client).await, 503);
    world.manager.restart().await.unwrap();
    assert_eq!(status(&client).await, 200);
}

#[tokio::test]
async fn a_later_outage_fails_no_request() {
    let world = World::start().await;
    let client = world.client().await.unwrap();
    world.manager.stop().await;
    world.clock.advance(10 * MAX_AGE);
    assert_eq!(status(&client).await, 200, "with the secrets at hand");
    world.manager.restart().await.unwrap();
    world.liveblocks.rotate_secret_key("sk_dev_second");
    world.put("sk_dev_second");
    world.clock.advance(MAX_AGE);
    assert_eq!(status(&client).await, 200, "and with the new ones");
}

#[tokio::test]
async fn a_key_is_taken_without_the_whitespace_around_it() {
    let world = World::start().await;
    let key = world.liveblocks.secret_key();
    for stored in [format!("{key}\n"), format!(" {key}\r\n")] {
        world.put(&stored);
        let client = world.client().await.unwrap();
        assert_eq!(status(&client).await, 200, "{stored:?}");
    }
    world.put("\n");
    let problems = world.client().await.unwrap_err().to_string();
    assert!(problems.contains("lacks LIVEBLOCKS_SECRET_KEY"), "{problems}");
}

#[tokio::test]
async fn unread_values_may_be_anything() {
    let world = World::start().await;
    let key = world.liveblocks.secret_key();
    let deep = "[".repeat(200) + &"]".repeat(200);
    for odd in ["1e400", r#""\ud83d""#, &deep, "null"] {
        let secret = format!(r#"{{"OTHER":{odd},"LIVEBLOCKS_SECRET_KEY":"{key}"}}"#);
        world.manager.put(SECRET_ID, secret);
        assert_eq!(status(&world.client().await.unwrap()).await, 200, "{odd}");
    }
}

#[tokio::test]
async fn a_reread_that_waits_for_its_turn_keeps_no_other_request_waiting() {
    let world = World::start().await;
    let key = world.key().await;
    tokio::select! {
        biased;
        // It waits for a second, because the secret was fetched at start.
        _ = key.reread_after(Moment::now()) => panic!("the other request has waited"),
        read = key.read() => assert!(read.is_ok()),
    }
}

#[tokio::test]
async fn concurrent_rereads_share_a_fetch_and_its_failure() {
    let world = World::start().await;
    let key = world.key().await;
    for fault in [None, Some(Fault::Failing(500))] {
        let mut fetches = Vec::new();
        for rereads in [1, 5] {
            world.manager.clear_faults();
            if let Some(fault) = fault {
                world.manager.inject(fault);
            }
            world.manager.forget_requests();
            let arrived = Moment::now();
            let mut waiting = tokio::task::JoinSet::new();
            for _ in 0..rereads {
                let key = key.clone();
                waiting.spawn(async move { key.reread_after(arrived).await.is_ok() });
            }
            assert_eq!(waiting.join_all().await, vec![fault.is_none(); rereads], "{fault:?}");
            fetches.push(world.fetches());
        }
        assert_eq!(fetches[0], fetches[1], "{fault:?}");
    }
}

#[tokio::test]
async fn an_endless_response_is_cut_off() {
    let world = World::start().await;
    world.manager.inject(Fault::Endless);
    let client = world.client().await.unwrap();
    assert_eq!(status(&client).await, 503);
    world.manager.clear_faults();
    assert_eq!(status(&client).await, 200);
    // The longest secret there is, every byte of it escaped.
    let key = world.liveblocks.secret_key();
    let secret = json!({ "LIVEBLOCKS_SECRET_KEY": key, "OTHER": "\u{1}".repeat(10_800) });
    assert!(secret.to_string().len() > 64_000);
    world.manager.put(SECRET_ID, secret);
    assert_eq!(status(&world.client().await.unwrap()).await, 200);
}

#[tokio::test]
async fn the_general_aws_endpoint_counts_unless_the_service_has_its_own() {
    let world = World::start().await;
    let elsewhere = secrets_manager::SecretsManager::start().await.unwrap();
    let client = async |own: Option<String>, all: String| {
        let mut pairs = world.manager.settings();
        pairs.extend(world.liveblocks.settings());
        pairs.retain(|(name, _)| {
            name != "LIVEBLOCKS_SECRET_KEY" && name != "AWS_ENDPOINT_URL_SECRETS_MANAGER"
        });
        pairs.push(("LIVEBLOCKS_SECRET_ID".to_owned(), SECRET_ID.to_owned()));
        pairs.push(("AWS_ENDPOINT_URL".to_owned(), all));
        pairs.extend(own.map(|own| ("AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(), own)));
        let mut settings = Settings::from_pairs(pairs, world.clock.clone()).unwrap();
        let client = Liveblocks::configure(&mut settings);
        settings.complete(client).await
    };
    let found = client(None, world.manager.url()).await.unwrap();
    assert_eq!(status(&found).await, 200);
    let found = client(Some(world.manager.url()), elsewhere.url()).await.unwrap();
    assert_eq!(status(&found).await, 200);
    assert!(elsewhere.requests().is_empty());
    let problems = client(None, "http://aws.example".to_owned()).await.unwrap_err().to_string();
    assert!(problems.contains("AWS_ENDPOINT_URL is not"), "{problems}");
}

#[tokio::test]
async fn secrets_and_backoffs_do_not_outlast_a_clock_that_is_set_back() {
    let world = World::start().await;
    let client = world.client().await.unwrap();
    world.clock.set_back(Duration::from_hours(1));
    assert_eq!(status(&client).await, 200);
    assert_eq!(world.fetches(), 2, "nobody knows how old it is");
    world.liveblocks.rotate_secret_key("sk_dev_second");
    assert_eq!(status(&client).await, 502);
    world.put("sk_dev_second");
    world.clock.set_back(Duration::from_mins(10));
    assert_eq!(status(&client).await, 200, "the pause after the refusal is over");
}

#[tokio::test]
async fn a_secret_that_may_no_longer_be_read_is_503() {
    let world = World::start().await;
    world.manager.inject(Fault::Down);
    let client = world.client().await.unwrap();
    world.manager.clear_faults();
    world.manager.deny(SECRET_ID);
    assert_eq!(status(&client).await, 503);
    world.manager.allow(SECRET_ID);
    assert_eq!(status(&client).await, 200);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_does_not_delay_the_next_read() {
    let world = World::start().await;
    let client = world.client().await.unwrap();
    world.manager.silence_connections();
    world.liveblocks.rotate_secret_key("sk_dev_second");
    world.put("sk_dev_second");
    world.clock.advance(MAX_AGE);
    assert_eq!(status(&client).await, 200);
    assert_eq!(world.manager.connections(), 2);
}

#[tokio::test]
async fn a_bad_secret_stops_the_start_and_is_named_without_its_value() {
    let world = World::start().await;
    let problems = async || world.client().await.unwrap_err().to_string();
    for (text, told) in [
        (json!({}).to_string(), "lacks LIVEBLOCKS_SECRET_KEY"),
        (json!({ "LIVEBLOCKS_SECRET_KEY": 5 }).to_string(), "lacks LIVEBLOCKS_SECRET_KEY"),
        (json!({ "LIVEBLOCKS_SECRET_KEY": "hunter2" }).to_string(), "LIVEBLOCKS_SECRET_KEY"),
        ("hunter2".to_owned(), "not a JSON object"),
        (json!(["hunter2"]).to_string(), "not a JSON object"),
    ] {
        world.manager.put(SECRET_ID, &text);
        let problems = problems().await;
        assert!(problems.contains("LIVEBLOCKS_SECRET_ID"), "{problems}");
        assert!(problems.contains(told), "{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }
    world.manager.deny(SECRET_ID);
    assert!(problems().await.contains("not allowed to read"));
    world.manager.allow(SECRET_ID);
    world.manager.remove(SECRET_ID);
    assert!(problems().await.contains("no such secret"));
}

#[tokio::test]
async fn a_secret_that_becomes_invalid_later_is_not_used() {
    let world = World::start().await;
    let client = world.client().await.unwrap();
    world.manager.put(SECRET_ID, json!({ "LIVEBLOCKS_SECRET_KEY": "" }));
    world.clock.advance(MAX_AGE);
    assert_eq!(status(&client).await, 200, "with the value at hand");
}

#[tokio::test]
async fn a_variable_takes_precedence_without_a_call() {
    let world = World::start().await;
    let mut pairs = world.manager.settings();
    pairs.extend(world.liveblocks.settings());
    pairs.push(("LIVEBLOCKS_SECRET_ID".to_owned(), SECRET_ID.to_owned()));
    let mut settings = Settings::from_pairs(pairs, world.clock.clone()).unwrap();
    let client = Liveblocks::configure(&mut settings);
    let client = settings.complete(client).await.unwrap();
    assert_eq!(status(&client).await, 200);
    assert_eq!(world.fetches(), 0);
}

/// As on Lambda, where the credentials are those of a role's session.
#[tokio::test]
async fn a_request_has_the_session_token_of_the_role_and_is_signed_with_it() {
    let world = World::start().await;
    assert_eq!(status(&world.client().await.unwrap()).await, 200);
    let asked = world.manager.requests().remove(0);
    assert_eq!(asked.header("x-amz-security-token"), Some(secrets_manager::SESSION_TOKEN));
    let authorization = asked.header("authorization").unwrap();
    assert!(authorization.contains("x-amz-security-token"), "{authorization}");

    let mut pairs = world.manager.settings();
    pairs.extend(world.liveblocks.settings());
    pairs.retain(|(name, _)| name != "LIVEBLOCKS_SECRET_KEY" && name != "AWS_SESSION_TOKEN");
    pairs.push(("LIVEBLOCKS_SECRET_ID".to_owned(), SECRET_ID.to_owned()));
    let mut settings = Settings::from_pairs(pairs, world.clock.clone()).unwrap();
    let client = Liveblocks::configure(&mut settings);
    let client = settings.complete(client).await.unwrap();
    assert_eq!(status(&client).await, 503, "without the token, the key is nobody's");
}

#[tokio::test]
async fn a_missing_region_and_missing_credentials_are_named() {
    let pairs = [("LIVEBLOCKS_SECRET_ID", SECRET_ID)];
    let mut settings = Settings::from_pairs(pairs, Clock::system()).unwrap();
    let client = Liveblocks::configure(&mut settings);
    let problems = settings.complete(client).await.unwrap_err().to_string();
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(problems.contains(name), "{problems}");
    }
}
