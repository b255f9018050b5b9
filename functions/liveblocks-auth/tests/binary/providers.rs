//! What Clerk, Liveblocks and AWS send, and how their connections end, as the real binary meets it.

use anteroom_local::instance::Instance;
use anteroom_stand_ins::clerk::{Clerk, INSTANCE_KEY, NEXT_INSTANCE_KEY};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::Answer;
use anteroom_testing::signing_keys::{padded, with};
use serde_json::{Value, json};

use crate::world::{BINARY, World, bearer, environment};

/// Makes Clerk publish this text as its key set.
fn publish(clerk: &Clerk, document: &str) {
    let body = document.to_owned().leak();
    let fault = Fault::Between { status: 200, content_type: "application/json", body };
    clerk.inject(fault.on("/v1/jwks"));
}

#[tokio::test]
async fn odd_entries_in_a_key_set_do_not_affect_the_valid_ones() {
    let good = INSTANCE_KEY.jwk();
    let namesake = with(&NEXT_INSTANCE_KEY.jwk(), "kid", good["kid"].clone());
    let mut without_kty = good.clone();
    without_kty.as_object_mut().unwrap().remove("kty");
    let deep = "[".repeat(200) + &"]".repeat(200);
    let written = good.to_string();
    let also = |odd: &str| written.replacen('{', &format!("{{\"x\":{odd},"), 1);
    let sets = [
        json!([without_kty, good]).to_string(),
        json!([with(&good, "kty", Value::Null), good]).to_string(),
        json!([with(&good, "e", json!(65537)), good]).to_string(),
        json!([with(&good, "n", json!("")), good]).to_string(),
        json!([with(&good, "n", json!("AAAA")), good]).to_string(),
        json!([with(&good, "e", json!("AQ")), good]).to_string(),
        json!([good, null, 7, "key", []]).to_string(),
        json!([with(&good, "n", padded(&good["n"]))]).to_string(),
        json!([with(&good, "e", padded(&good["e"]))]).to_string(),
        json!([namesake, good]).to_string(),
        json!([good, namesake]).to_string(),
        format!("[{}]", also("1e400")),
        format!("[{}]", also(r#""\ud83d""#)),
        format!("[{}]", also(&deep)),
    ];
    for set in sets {
        let prepare = |clerk: &Clerk| publish(clerk, &format!(r#"{{"keys":{set}}}"#));
        let world = World::start_as(prepare, &[]).await;
        assert_eq!(world.ask_as("jane").await.status(), 200, "{set}");
    }
}

#[tokio::test]
async fn an_invented_key_id_does_not_invalidate_other_tokens() {
    let world = World::start().await;
    let invented = with(&world.clerk.header(), "kid", json!("ins_invented"));
    let invented = world.clerk.sign(&invented, &world.clerk.claims_for("jane"));
    assert_eq!(world.ask(&bearer(&invented)).await.refusal().0, 401, "Clerk knows no such key");
    world.clerk.rotate_signing_key();
    for token in [world.clerk.session_token("jane"), invented] {
        let answer = world.ask(&bearer(&token)).await;
        assert_eq!(answer.refusal().0, 503, "Clerk is not asked again yet");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn a_connection_that_died_while_idle_fails_no_request() {
    let world = World::start().await;
    world.clerk.break_connections();
    assert_eq!(world.ask_as("jane").await.status(), 200, "the one that the start left");
    world.clerk.break_connections();
    world.liveblocks.break_connections();
    assert_eq!(world.ask_as("jane").await.status(), 200, "both, and in a row");
    world.clerk.silence_connections();
    assert_eq!(world.ask_as("jane").await.status(), 200, "Clerk's says nothing any more");
    world.liveblocks.silence_connections();
    assert_eq!(world.ask_as("jane").await.status(), 200, "Liveblocks' says nothing any more");
}

#[tokio::test]
async fn retry_after_is_passed_on_in_seconds_even_if_it_was_a_date() {
    let world = World::start().await;
    for status in [429, 503] {
        let fault = Fault::Dated { status, seconds: 100 };
        for at_clerk in [true, false] {
            if at_clerk {
                world.clerk.inject(fault.on("/v1/users/"));
            } else {
                world.liveblocks.inject(fault);
            }
            let answer = world.ask_as("jane").await;
            assert_eq!(answer.refusal().0, 503, "{fault:?} {at_clerk}");
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            // Some seconds for a machine that is busy.
            assert!((60..=100).contains(&wait), "{wait}");
            world.clerk.clear_faults();
            world.liveblocks.clear_faults();
        }
    }
}

#[tokio::test]
async fn an_error_from_a_providers_gateway_is_an_outage_of_the_provider() {
    let world = World::start().await;
    let between =
        |status, content_type| Fault::Between { status, content_type, body: "error code: 1015" };
    for fault in [
        between(403, "Text/HTML"),
        between(404, "TEXT/HTML; charset=UTF-8"),
        between(429, "text/plain"),
        Fault::Failing(408),
    ] {
        world.clerk.inject(fault.on("/v1/users/"));
        assert_eq!(world.ask_as("jane").await.refusal().0, 503, "{fault:?} from Clerk");
        world.clerk.clear_faults();
        world.liveblocks.inject(fault);
        assert_eq!(world.ask_as("jane").await.refusal().0, 503, "{fault:?} from Liveblocks");
        world.liveblocks.clear_faults();
    }
}

#[tokio::test]
async fn secrets_are_read_from_the_general_aws_endpoint_and_an_endless_response_is_503() {
    let (clerk, liveblocks) = (Clerk::start().await.unwrap(), Liveblocks::start().await.unwrap());
    let manager = SecretsManager::start().await.unwrap();
    manager.put("clerk", json!({ "CLERK_SECRET_KEY": format!("{}\n", clerk.secret_key()) }));
    let mut environment = environment(&clerk, &liveblocks);
    environment.retain(|(name, _)| name != "CLERK_SECRET_KEY");
    environment.extend(manager.settings());
    environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL_SECRETS_MANAGER");
    environment.push(("AWS_ENDPOINT_URL".to_owned(), manager.url()));
    environment.push(("CLERK_SECRET_ID".to_owned(), "clerk".to_owned()));

    manager.inject(Fault::Endless);
    let function = Instance::start(BINARY, environment).await.unwrap();
    let event = bearer(&clerk.session_token("jane"));
    assert_eq!(Answer::of(&function, &event).await.refusal().0, 503);
    manager.clear_faults();
    assert_eq!(Answer::of(&function, &event).await.status(), 200);
}
