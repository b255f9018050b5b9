//! Clerk's published signing keys: fetched once, kept, and fetched again when need be.

use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::clerk::{AuthError, Clerk, ClerkRefusal};
use anteroom::clock::Clock;
use anteroom::jwks::{COOL_DOWN, MAX_AGE, MAX_STALE_AGE};
use anteroom::provider::Failure;
use anteroom_stand_ins as stand_ins;
use anteroom_stand_ins::clerk::{INSTANCE_KEY, NEXT_INSTANCE_KEY};
use anteroom_stand_ins::faults::Fault;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::{ORIGIN, bearer, configured_at, pairs};

const NOW: u64 = 1_900_000_000;

struct World {
    stand_in: stand_ins::clerk::Clerk,
    clerk: Clerk,
    clock: Clock,
}

impl World {
    async fn start() -> Self {
        let stand_in = stand_ins::clerk::Clerk::start().await.unwrap();
        let clock = Clock::fixed(NOW);
        let pairs = pairs(stand_in.settings());
        let clerk = configured_at(clock.clone(), pairs, Clerk::configure).await;
        Self { stand_in, clerk, clock }
    }

    fn claims(&self) -> Value {
        json!({
            "azp": ORIGIN, "iss": self.stand_in.issuer(), "sub": "user_jane", "sid": "sess_jane",
            "exp": NOW + 10 * 24 * 3600,
        })
    }

    /// The status for a token that names the key `kid` and is signed by the instance's key.
    async fn ask(&self, kid: &str) -> u16 {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid });
        let token = self.stand_in.sign(&header, &self.claims());
        match self.clerk.auth(&bearer(&token)).await {
            Ok(_) => 200,
            Err(error) => ApiError::from(error).status().as_u16(),
        }
    }

    async fn known(&self) -> u16 {
        let header = self.stand_in.header();
        self.ask(header["kid"].as_str().unwrap()).await
    }

    fn fetches(&self) -> usize {
        self.stand_in.hits("GET", "/v1/jwks")
    }
}

#[tokio::test]
async fn fetches_the_keys_once_and_again_when_they_are_old() {
    let world = World::start().await;
    for _ in 0..20 {
        assert_eq!(world.known().await, 200);
    }
    assert_eq!(world.fetches(), 1);
    world.clock.advance(MAX_AGE);
    assert_eq!(world.known().await, 200);
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn prefetched_keys_need_no_further_fetch() {
    let world = World::start().await;
    world.clerk.prefetch_keys().await;
    assert_eq!(world.fetches(), 1, "before the first request");
    assert_eq!(world.known().await, 200);
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn requests_that_miss_the_keys_together_fetch_them_once() {
    let world = World::start().await;
    world.stand_in.inject(Fault::Slow(Duration::from_millis(50)));
    let (a, b, c, d) = tokio::join!(world.known(), world.known(), world.known(), world.known());
    assert_eq!([a, b, c, d], [200; 4]);
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn invented_key_ids_do_not_make_us_fetch_more_often() {
    let world = World::start().await;
    assert_eq!(world.known().await, 200);
    assert_eq!(world.ask("ins_invented").await, 401, "Clerk has just said that there is none");
    for number in 0..20 {
        let status = world.ask(&format!("ins_invented_{number}")).await;
        assert_eq!(status, 503, "nobody has asked Clerk");
    }
    assert_eq!(world.fetches(), 2, "one at the start, one for the first invention");
    assert_eq!(world.known().await, 200, "the real key goes on counting");
    world.clock.advance(COOL_DOWN);
    assert_eq!(world.ask("ins_invented").await, 401);
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn a_key_published_after_an_invention_is_never_called_unknown() {
    let world = World::start().await;
    assert_eq!(world.ask("ins_invented").await, 401);
    world.stand_in.rotate_signing_key();
    let mut waits = Vec::new();
    loop {
        let token = world.stand_in.sign(&world.stand_in.header(), &world.claims());
        match world.clerk.auth(&bearer(&token)).await {
            Ok(_) => break,
            Err(AuthError::Provider(error)) => match error.failure {
                Failure::Paused { retry_after } => waits.push(retry_after.as_secs()),
                other => panic!("{other}"),
            },
            Err(refused) => panic!("{refused}"),
        }
        world.clock.advance(Duration::from_secs(10));
    }
    assert_eq!(waits, [30, 20, 10]);
}

#[tokio::test]
async fn a_pause_ends_when_the_clock_is_set_back() {
    let world = World::start().await;
    assert_eq!(world.known().await, 200);
    assert_eq!(world.ask("ins_invented").await, 401);
    world.clock.set_back(Duration::from_mins(10));
    world.stand_in.rotate_signing_key();
    assert_eq!(world.known().await, 200);

    world.stand_in.inject(Fault::Failing(500));
    assert_eq!(world.ask("ins_invented").await, 503);
    world.clock.set_back(Duration::from_mins(10));
    world.stand_in.clear_faults();
    assert_eq!(world.ask("ins_invented").await, 401);
}

/// Makes Clerk publish these keys.
fn publish(world: &World, keys: &Value) {
    let body = json!({ "keys": keys }).to_string().leak();
    let fault = Fault::Between { status: 200, content_type: "application/json", body };
    world.stand_in.inject(fault.on("/v1/jwks"));
}

fn with(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

fn with_zeros(number: &Value, zeros: usize) -> Value {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(number.as_str().unwrap()).unwrap();
    json!(BASE64_URL_SAFE_NO_PAD.encode([vec![0; zeros], bytes].concat()))
}

#[tokio::test]
async fn leading_zeros_of_a_keys_numbers_do_not_matter() {
    for name in ["n", "e"] {
        for zeros in [1, 2, 17] {
            let world = World::start().await;
            let key = INSTANCE_KEY.jwk();
            let padded = with_zeros(&key[name], zeros);
            publish(&world, &json!([with(key, name, padded)]));
            assert_eq!(world.known().await, 200, "{zeros} zeros before {name}");
        }
    }
}

#[tokio::test]
async fn unusable_keys_do_not_affect_the_others() {
    let good = INSTANCE_KEY.jwk();
    for (name, value) in [
        ("kty", Value::Null),
        ("e", json!(65537)),
        ("e", json!("AQ")),
        ("n", json!("")),
        ("n", json!("AAAA")),
    ] {
        let world = World::start().await;
        let odd = with(good.clone(), name, value.clone());
        publish(&world, &json!([odd, good]));
        assert_eq!(world.known().await, 200, "beside {name}: {value}, of the same id");

        let world = World::start().await;
        publish(&world, &json!([odd, NEXT_INSTANCE_KEY.jwk()]));
        assert_eq!(world.known().await, 401, "no such key: {name}: {value}");
        assert_eq!(world.fetches(), 1);
        assert_eq!(world.known().await, 503, "until Clerk is asked again");
    }
}

#[tokio::test]
async fn of_several_keys_with_one_id_each_is_tried() {
    let world = World::start().await;
    let key = INSTANCE_KEY.jwk();
    let other = with(NEXT_INSTANCE_KEY.jwk(), "kid", key["kid"].clone());
    for keys in [json!([key, other]), json!([other, key]), json!([other, other, key])] {
        publish(&world, &keys);
        world.clock.advance(MAX_AGE);
        assert_eq!(world.known().await, 200);
        let forged = world.stand_in.sign_foreign(&world.stand_in.header(), &world.claims());
        let error = world.clerk.auth(&bearer(&forged)).await.unwrap_err();
        assert!(matches!(error, AuthError::Refused(_)), "{error}");
    }
}

#[tokio::test]
async fn a_token_without_a_key_id_is_rejected_without_a_fetch() {
    let world = World::start().await;
    let token = world.stand_in.sign(&json!({ "alg": "RS256" }), &world.claims());
    let error = world.clerk.auth(&bearer(&token)).await.unwrap_err();
    assert!(matches!(error, AuthError::Refused(ClerkRefusal::UnknownKey)), "{error}");
    assert_eq!(world.fetches(), 0);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once() {
    let world = World::start().await;
    assert_eq!(world.known().await, 200);
    world.stand_in.rotate_signing_key();
    assert_eq!(world.known().await, 200);
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn an_outage_is_not_a_rejection_and_cached_keys_stay_in_use() {
    let world = World::start().await;
    world.stand_in.inject(Fault::Failing(500));
    assert_eq!(world.known().await, 503, "without keys nothing can be said");
    world.stand_in.clear_faults();
    assert_eq!(world.known().await, 200);

    world.stand_in.inject(Fault::Failing(500));
    world.clock.advance(MAX_AGE);
    let before = world.fetches();
    for _ in 0..5 {
        assert_eq!(world.known().await, 200, "the keys at hand");
    }
    assert_eq!(world.fetches(), before + 1, "one attempt, then a pause");
    for number in 0..5 {
        let status = world.ask(&format!("ins_invented_{number}")).await;
        assert_eq!(status, 503, "it may exist by now");
    }
    assert_eq!(world.fetches(), before + 1, "and inventions do not make us ask more often");

    world.clock.advance(MAX_STALE_AGE);
    assert_eq!(world.known().await, 503, "too old to be trusted");
    world.stand_in.clear_faults();
    assert_eq!(world.known().await, 200);
}

#[tokio::test]
async fn a_document_without_keys_is_a_provider_error() {
    let world = World::start().await;
    for fault in [Fault::Garbage, Fault::WrongShape] {
        world.stand_in.inject(fault);
        assert_eq!(world.known().await, 502);
        world.stand_in.clear_faults();
    }
    assert_eq!(world.known().await, 200);
}
