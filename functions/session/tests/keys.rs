//! Keys, passwords and connections to WorkOS that are not as they were, as the real binary meets them.

use anteroom_local::instance::Instance;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::workos::{COOKIE_PASSWORD, NEXT_SIGNING_KEY, SIGNING_KEY, WorkOs};
use anteroom_testing::sessions::{COOKIE, access_token, expired_session, sealed};
use anteroom_testing::signing_keys::{padded, with};
use anteroom_testing::{Answer, AuthWorld, Event};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_session");

async fn asked_by(world: &AuthWorld, session: &Value) -> Event {
    let cookie = sealed(&world.settings, session).await;
    world.event().method("GET").cookie(COOKIE, &cookie)
}

/// Makes WorkOS publish these keys.
fn publish(workos: &WorkOs, keys: &Value) {
    let body = json!({ "keys": keys }).to_string().leak();
    let fault = Fault::Between { status: 200, content_type: "application/json", body };
    workos.inject(fault.on("/sso/jwks/"));
}

#[tokio::test]
async fn an_oddly_written_key_signs_nobody_out() {
    let good = SIGNING_KEY.jwk();
    let namesake = with(&NEXT_SIGNING_KEY.jwk(), "kid", good["kid"].clone());
    for keys in [
        json!([with(&good, "n", padded(&good["n"]))]),
        json!([with(&good, "e", padded(&good["e"]))]),
        json!([with(&good, "kty", Value::Null), with(&good, "e", json!(65537)), good]),
        json!([with(&good, "n", json!("")), with(&good, "e", json!("AQ")), good]),
        json!([namesake, good]),
        json!([null, 7, good]),
    ] {
        let world = AuthWorld::start(BINARY).await;
        publish(&world.workos, &keys);
        let process = Instance::start(BINARY, world.settings.clone()).await.expect("a process");
        let event = asked_by(&world, &world.workos.sign_in("jane", None)).await;
        let answer = Answer::of(&process, &event).await;
        assert_eq!(answer.status(), 200, "{keys}: {}", answer.text());
        assert_eq!(answer.cookies(), [], "{keys}");
    }
}

#[tokio::test]
async fn an_unusable_key_refutes_no_signature() {
    let world = AuthWorld::start(BINARY).await;
    let unusable = with(&SIGNING_KEY.jwk(), "e", json!("AQ"));
    publish(&world.workos, &json!([unusable, NEXT_SIGNING_KEY.jwk()]));
    let process = Instance::start(BINARY, world.settings.clone()).await.expect("a process");
    let event = asked_by(&world, &world.workos.sign_in("jane", None)).await;
    for _ in 0..2 {
        let answer = Answer::of(&process, &event).await;
        assert!([401, 503].contains(&answer.refusal().0), "{}", answer.text());
        assert_eq!(answer.cookies(), [], "the cookie may be good again tomorrow");
    }
}

#[tokio::test]
async fn an_invented_key_id_ends_no_session() {
    let world = AuthWorld::start(BINARY).await;
    let invented = with(&world.workos.header(), "kid", json!("sso_oidc_key_pair_invented"));
    let invented = world.workos.sign(&invented, &world.workos.claims_for("jane"));
    let stranger = world.event().method("GET").bearer(&invented);
    assert_eq!(world.ask(&stranger).await.refusal().0, 401, "WorkOS knows no such key");

    world.workos.rotate_signing_key();
    let session = world.workos.sign_in("jane", None);
    let bearer = world.event().method("GET").bearer(access_token(&session));
    for event in [asked_by(&world, &session).await, bearer] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 503, "WorkOS is not asked again yet");
        assert_eq!(answer.cookies(), []);
        let wait: u64 = answer.header("retry-after").expect("a time").parse().expect("seconds");
        assert!((1..=30).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn a_refresh_survives_a_connection_that_died_since_startup() {
    for kill in [WorkOs::break_connections, WorkOs::silence_connections] {
        let world = AuthWorld::start(BINARY).await;
        kill(&world.workos);
        let session = expired_session(&world.workos, "jane", None);
        let answer = world.ask(&asked_by(&world, &session).await).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(answer.cookie().name, COOKIE, "refreshed");
    }
}

#[tokio::test]
async fn retry_after_is_passed_on_in_seconds_even_if_it_was_a_date() {
    let world = AuthWorld::start(BINARY).await;
    let event = asked_by(&world, &expired_session(&world.workos, "jane", None)).await;
    for status in [429, 503] {
        let fault = Fault::Dated { status, seconds: 100 };
        world.workos.inject(fault.on("/user_management/authenticate"));
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 503, "{status}");
        assert_eq!(answer.cookies(), [], "{status}");
        let wait: u64 = answer.header("retry-after").expect("a time").parse().expect("seconds");
        // Some seconds for a machine that is busy.
        assert!((60..=100).contains(&wait), "{wait}");
        world.workos.clear_faults();
    }
}

#[tokio::test]
async fn a_cookie_password_is_the_same_from_a_variable_and_from_secrets_manager() {
    let manager = SecretsManager::start().await.expect("a free port");
    for end in ["", "\n", "\r\n", " "] {
        let password = format!("{COOKIE_PASSWORD}{end}");
        let own = [("WORKOS_COOKIE_PASSWORD", password.as_str())];
        let world = AuthWorld::start_with(BINARY, &own).await;
        let event = asked_by(&world, &world.workos.sign_in("jane", None)).await;
        assert_eq!(world.ask(&event).await.status(), 200, "{end:?}");

        let secret = json!({ "WORKOS_COOKIE_PASSWORD": password, "WORKOS_API_KEY": "sk_test_1\n" });
        manager.put("workos", secret);
        let mut settings = world.settings.clone();
        settings.retain(|(name, _)| name != "WORKOS_COOKIE_PASSWORD" && name != "WORKOS_API_KEY");
        settings.extend(manager.settings());
        settings.push(("WORKOS_SECRET_ID".to_owned(), "workos".to_owned()));
        let stored = Instance::start(BINARY, settings).await.expect("a process");
        let answer = Answer::of(&stored, &event).await;
        assert_eq!(answer.status(), 200, "{end:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_seal_is_called_foreign_only_if_the_passwords_could_be_read() {
    let manager = SecretsManager::start().await.expect("a free port");
    let world = AuthWorld::start(BINARY).await;
    let (first, second) = (COOKIE_PASSWORD, "another password, of thirty-two characters and more");
    let key = world.workos.api_key();
    let put = |password: &str, previous: &str| {
        manager.put(
            "workos",
            json!({
                "WORKOS_COOKIE_PASSWORD": password, "WORKOS_COOKIE_PASSWORD_PREVIOUS": previous,
                "WORKOS_API_KEY": key,
            }),
        );
    };
    put(first, "");
    let mut settings = world.settings.clone();
    settings.retain(|(name, _)| name != "WORKOS_COOKIE_PASSWORD" && name != "WORKOS_API_KEY");
    settings.extend(manager.settings());
    settings.push(("WORKOS_SECRET_ID".to_owned(), "workos".to_owned()));
    let process = Instance::start(BINARY, settings).await.expect("a process");

    let session = world.workos.sign_in("jane", None);
    let by_second = [("WORKOS_COOKIE_PASSWORD".to_owned(), second.to_owned())];
    let cookie = sealed(&by_second, &session).await;
    let event = world.event().method("GET").cookie(COOKIE, &cookie);
    let answer = Answer::of(&process, &event).await;
    assert_eq!(answer.refusal().0, 401, "nobody's");
    assert_ne!(answer.cookies(), [], "and cleared");

    for fault in [Fault::Down, Fault::Refusing, Fault::Limiting { retry_after: None }] {
        manager.inject(fault);
        let answer = Answer::of(&process, &event).await;
        assert_eq!(answer.refusal().0, 503, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}");
        manager.clear_faults();
    }
    manager.deny("workos");
    let answer = Answer::of(&process, &event).await;
    assert_eq!((answer.refusal().0, answer.cookies()), (503, vec![]));
    manager.allow("workos");

    // Rotated a moment after somebody's forgery has had the secret read.
    put(second, first);
    let answer = Answer::of(&process, &event).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}
