//! Clerk's published signing keys: fetched once, kept, and fetched again when need be.

use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::clerk::{AuthError, Clerk, Refusal};
use anteroom::clock::Clock;
use anteroom::jwks::{COOL_DOWN, MAX_AGE, MAX_STALE_AGE};
use anteroom_local::stand_ins;
use anteroom_local::stand_ins::faults::Fault;
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
    for number in 0..20 {
        assert_eq!(world.ask(&format!("ins_invented_{number}")).await, 401);
    }
    assert_eq!(world.fetches(), 2, "one at the start, one for the first invention");
    assert_eq!(world.known().await, 200, "the real key goes on counting");
    world.clock.advance(COOL_DOWN);
    assert_eq!(world.ask("ins_invented").await, 401);
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn a_token_without_a_key_id_is_refused_without_a_fetch() {
    let world = World::start().await;
    let token = world.stand_in.sign(&json!({ "alg": "RS256" }), &world.claims());
    let error = world.clerk.auth(&bearer(&token)).await.unwrap_err();
    assert!(matches!(error, AuthError::Refused(Refusal::UnknownKey)), "{error}");
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
async fn an_outage_is_no_refusal_and_keys_at_hand_go_on_being_used() {
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
async fn a_document_without_keys_is_nonsense() {
    let world = World::start().await;
    for fault in [Fault::Garbage, Fault::WrongShape] {
        world.stand_in.inject(fault);
        assert_eq!(world.known().await, 502);
        world.stand_in.clear_faults();
    }
    assert_eq!(world.known().await, 200);
}
