//! Two minutes of traffic while everything that can be rotated is rotated, by the steps of
//! `docs/operating.md`: WorkOS's signing key, the cookie password, and the API key.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anteroom_local::instance::Instance;
use anteroom_stand_ins::jwt::RsaKey;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::workos::{API_KEY, COOKIE_PASSWORD, FOREIGN_KEY, WorkOs};
use anteroom_testing::sessions::{COOKIE, sealed};
use anteroom_testing::{Answer, Event, PAGE};
use serde_json::{Value, json};
use tokio::time::sleep;

const BINARY: &str = env!("CARGO_BIN_EXE_session");

const SECRET_ID: &str = "anteroom/workos";
const NEXT_PASSWORD: &str = "the next cookie password, which is no secret either";
const NEXT_API_KEY: &str = "sk_test_the_next_key_of_the_stand_in_and_no_secret";

/// How many browsers with a session there are.
const BROWSERS: usize = 4;

/// Sessions are refreshed every quarter of a minute or so.
const ACCESS_TOKEN_SECONDS: i64 = 20;

/// Two processes of the function, which read their secrets from Secrets Manager.
struct Deployment {
    workos: WorkOs,
    manager: SecretsManager,
    /// The settings with the secrets as they were at the start.
    settings: Vec<(String, String)>,
    processes: [Instance; 2],
}

impl Deployment {
    async fn start() -> Self {
        let workos = WorkOs::start().await.expect("a free port");
        workos.set_access_token_seconds(ACCESS_TOKEN_SECONDS);
        let manager = SecretsManager::start().await.expect("a free port");
        put(&manager, API_KEY, COOKIE_PASSWORD, None);
        let settings = workos.settings();
        let mut environment = settings.clone();
        environment.retain(|(name, _)| {
            !matches!(name.as_str(), "WORKOS_API_KEY" | "WORKOS_COOKIE_PASSWORD")
        });
        environment.extend(manager.settings());
        environment.push(("WORKOS_SECRET_ID".to_owned(), SECRET_ID.to_owned()));
        environment.push(("ALLOWED_ORIGINS".to_owned(), PAGE.to_owned()));
        let process = async || {
            Instance::start(BINARY, environment.clone()).await.unwrap_or_else(|e| panic!("{e}"))
        };
        let processes = [process().await, process().await];
        Self { workos, manager, settings, processes }
    }

    /// The answer of one process or the other.
    async fn ask(&self, turn: usize, event: &Event) -> Answer {
        Answer::of(&self.processes[turn % self.processes.len()], event).await
    }

    /// A browser that asks who is signed in, again and again, and keeps the cookies that it is sent.
    async fn browse(&self, first_turn: usize, traffic: &Traffic) {
        let session = self.workos.sign_in("jane", None);
        let mut cookie = sealed(&self.settings, &session).await;
        let mut turn = first_turn;
        while !traffic.is_over() {
            let answer = self.ask(turn, &question().cookie(COOKIE, &cookie)).await;
            traffic.valid.fetch_add(1, Ordering::Relaxed);
            if answer.status() != 200 {
                traffic.failed.fetch_add(1, Ordering::Relaxed);
                traffic.report(&answer);
            }
            if let [refreshed] = answer.cookies().as_slice() {
                cookie.clone_from(&refreshed.value);
            }
            turn += 1;
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// Somebody who invents access tokens and seals.
    async fn invent(&self, traffic: &Traffic) {
        let mut settings = self.settings.clone();
        let password = settings.iter_mut().find(|(name, _)| name == "WORKOS_COOKIE_PASSWORD");
        "a password that nobody here has ever had".clone_into(&mut password.expect("a password").1);
        let session = self.workos.sign_in("jane", None);
        let foreign_seal = sealed(&settings, &session).await;
        for turn in 0.. {
            if traffic.is_over() {
                break;
            }
            let claims = self.workos.claims_for("jane");
            let header = json!({"alg": "RS256", "kid": format!("invented_{turn}"), "typ": "JWT"});
            let token = RsaKey::sign(&FOREIGN_KEY, &header, &claims);
            for event in [question().bearer(&token), question().cookie(COOKIE, &foreign_seal)] {
                let answer = self.ask(turn, &event).await;
                traffic.invented.fetch_add(1, Ordering::Relaxed);
                assert!(matches!(answer.status(), 401 | 503), "{}", answer.text());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Rotates everything.
    async fn rotate(&self, traffic: &Traffic) {
        let seconds = async |wait| sleep(Duration::from_secs(wait)).await;
        seconds(8).await;
        self.workos.publish_next_signing_key();
        // The cookie password, step 1: every process can open what the next one will seal.
        seconds(12).await;
        put(&self.manager, API_KEY, COOKIE_PASSWORD, Some(NEXT_PASSWORD));
        // The API key: a second one is put into the secret, and some time later the first is revoked.
        seconds(10).await;
        self.workos.create_api_key(NEXT_API_KEY);
        put(&self.manager, NEXT_API_KEY, COOKIE_PASSWORD, Some(NEXT_PASSWORD));
        seconds(10).await;
        self.workos.rotate_api_key(NEXT_API_KEY);
        // Step 2: the next password seals.
        seconds(10).await;
        put(&self.manager, NEXT_API_KEY, NEXT_PASSWORD, Some(COOKIE_PASSWORD));
        // The next key signs, a minute after it was published.
        seconds(20).await;
        self.workos.rotate_signing_key();
        seconds(20).await;
        self.workos.retire_old_signing_key();
        // Step 3: every session has been refreshed by now, and so sealed anew.
        seconds(10).await;
        put(&self.manager, NEXT_API_KEY, NEXT_PASSWORD, None);
        seconds(20).await;
        traffic.over.store(true, Ordering::Relaxed);
    }
}

/// What has happened so far.
#[derive(Default)]
struct Traffic {
    valid: AtomicUsize,
    failed: AtomicUsize,
    invented: AtomicUsize,
    over: AtomicBool,
}

impl Traffic {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    #[allow(clippy::print_stderr, reason = "what has failed is all there is to go by")]
    fn report(&self, answer: &Answer) {
        let after = self.valid.load(Ordering::Relaxed);
        eprintln!("request {after}: {} {}", answer.status(), answer.text());
    }
}

fn question() -> Event {
    Event::post("/auth/session").method("GET")
}

fn put(manager: &SecretsManager, api_key: &str, password: &str, previous: Option<&str>) {
    let mut secret = json!({ "WORKOS_API_KEY": api_key, "WORKOS_COOKIE_PASSWORD": password });
    if let Some(previous) = previous {
        secret["WORKOS_COOKIE_PASSWORD_PREVIOUS"] = Value::from(previous);
    }
    manager.put(SECRET_ID, secret);
}

#[tokio::test]
#[ignore = "two minutes of traffic: cargo test -p session --test rotation -- --ignored"]
async fn no_valid_caller_notices_that_keys_and_passwords_are_rotated() {
    let deployment = Deployment::start().await;
    let traffic = Traffic::default();
    let browsers = async {
        let mut browsers = Vec::new();
        for browser in 0..BROWSERS {
            browsers.push(Box::pin(deployment.browse(browser, &traffic)));
        }
        let [a, b, c, d]: [_; BROWSERS] = browsers.try_into().unwrap_or_else(|_| panic!("four"));
        tokio::join!(a, b, c, d);
    };

    tokio::join!(browsers, deployment.invent(&traffic), deployment.rotate(&traffic));

    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    assert_eq!(count(&traffic.failed), 0, "of {} valid requests", count(&traffic.valid));
    assert!(count(&traffic.valid) > 1000, "{} valid requests", count(&traffic.valid));
    assert!(count(&traffic.invented) > 200, "{} invented ones", count(&traffic.invented));
}
