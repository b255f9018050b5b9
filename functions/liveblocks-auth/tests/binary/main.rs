//! The real binary under a Lambda Runtime API, with real events. Denials first.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod callers;
mod provider_shapes;
mod providers;
mod workos;
mod world;

use std::collections::HashSet;
use std::time::Duration;

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::clerk::{self, Clerk, INSTANCE_KEY, User};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_testing::{Answer, Event, PAGE, malformed_requests};
use serde_json::{Value, json};
use world::{BINARY, PATH, World, bearer, environment, identity};

#[tokio::test]
async fn no_session_is_404_user_not_found() {
    let world = World::start().await;
    let expired = json!({ "exp": 1_700_000_000 });
    let pending = json!({ "sts": "pending" });
    let sign = |changes: &Value| {
        let mut claims = world.clerk.claims_for("jane");
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        world.clerk.sign(&world.clerk.header(), &claims)
    };
    for event in [
        Event::documented("liveblocks-auth.signed-out.json"),
        Event::post(PATH),
        Event::post(PATH).header("authorization", ""),
        Event::post(PATH).header("authorization", "Basic amFuZTpkb2U="),
        bearer(&sign(&expired)),
        bearer(&sign(&pending)),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal(), (404, "User not found".to_owned()));
    }
    assert_eq!(world.liveblocks.requests().len(), 0, "Liveblocks was not asked");
}

#[tokio::test]
async fn an_invalid_token_is_401() {
    let world = World::start().await;
    let claims = world.clerk.claims_for("jane");
    let header = world.clerk.header();
    let good = world.clerk.sign(&header, &claims);
    let mut eve = claims.clone();
    eve["sub"] = json!("user_eve");
    let mut elsewhere = claims.clone();
    elsewhere["azp"] = json!("https://evil.example");
    let mut unknown = header.clone();
    unknown["kid"] = json!("ins_unknown");
    let mut hmac = header.clone();
    hmac["alg"] = json!("HS256");
    for token in [
        world.clerk.sign_foreign(&header, &claims),
        jwt::with_claims(&good, &eve),
        jwt::unsigned(&json!({ "alg": "none" }), &claims),
        jwt::hmac_signed(&hmac, &claims, world.clerk.jwt_key().as_bytes()),
        world.clerk.sign(&unknown, &claims),
        world.clerk.sign(&header, &elsewhere),
        "not-a-token".to_owned(),
    ] {
        let answer = world.ask(&bearer(&token)).await;
        assert_eq!(answer.refusal(), (401, "The session token is not valid".to_owned()));
    }
    assert_eq!(world.clerk.hits("GET", &format!("/v1/users/{}", user_id("jane"))), 0);
}

fn user_id(name: &str) -> String {
    User::seeded(name).id
}

#[tokio::test]
async fn a_deleted_user_or_one_without_primary_email_is_404() {
    let world = World::start().await;
    let token = world.clerk.session_token("jane");
    world.clerk.remove_user("jane");
    let answer = world.ask(&bearer(&token)).await;
    assert_eq!(answer.refusal(), (404, "User not found".to_owned()));

    let answer = world.ask_as(NO_EMAIL).await;
    assert_eq!(answer.refusal(), (404, "Email not set".to_owned()));
    assert_eq!(world.liveblocks.requests().len(), 0);
}

const NO_EMAIL: &str = "mailless";
const NO_NAME: &str = "nameless";

#[tokio::test]
async fn other_methods_origins_and_bodies_are_rejected() {
    let world = World::start().await;
    for (event, status) in malformed_requests(&Event::documented("liveblocks-auth.cookie.json")) {
        assert_eq!(world.ask(&event).await.refusal().0, status, "{event:?}");
    }
}

#[tokio::test]
async fn another_applications_cookie_signs_nobody_out() {
    let world = World::start().await;
    let event = Event::documented("liveblocks-auth.cookie.json").cookie("theme", "caf\u{e9}");
    assert_eq!(world.ask(&event).await.status(), 200);
}

#[tokio::test]
async fn a_slow_start_and_the_first_request_share_ten_seconds() {
    let clerk = Clerk::start().await.unwrap();
    let liveblocks = Liveblocks::start().await.unwrap();
    clerk.inject(Fault::Slow(Duration::from_secs(20)));
    liveblocks.inject(Fault::Slow(Duration::from_secs(20)));
    let environment = environment(&clerk, &liveblocks);
    let both = async {
        let function = Instance::start(BINARY, environment).await.unwrap();
        let event = Event::documented("liveblocks-auth.json");
        Answer::of(&function, &event).await
    };
    // Ten seconds, and some for a machine that is busy; each on its own would take thirteen.
    let answer = tokio::time::timeout(Duration::from_secs(12), both).await.unwrap();
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn an_outage_never_signs_anybody_out() {
    let world = World::start().await;
    for (clerk, liveblocks, expected) in [
        (Some(Fault::Down), None, 503),
        (Some(Fault::Limiting { retry_after: Some(9) }), None, 503),
        (Some(Fault::GatewayPage), None, 503),
        (Some(Fault::Garbage), None, 502),
        (Some(Fault::Refusing), None, 502),
        (None, Some(Fault::Down), 503),
        (None, Some(Fault::Failing(500)), 503),
        (None, Some(Fault::Garbage), 502),
        (None, Some(Fault::Refusing), 502),
        (Some(Fault::Slow(Duration::from_secs(20))), None, 503),
        (None, Some(Fault::Slow(Duration::from_secs(20))), 503),
    ] {
        if let Some(fault) = clerk {
            world.clerk.inject(fault);
        }
        if let Some(fault) = liveblocks {
            world.liveblocks.inject(fault);
        }
        let answer = world.ask_as("jane").await;
        assert_eq!(answer.refusal().0, expected, "{clerk:?} {liveblocks:?}");
        world.clerk.clear_faults();
        world.liveblocks.clear_faults();
    }
    assert_eq!(world.ask_as("jane").await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_user_that_liveblocks_rejects_is_403() {
    let world = World::start().await;
    world.liveblocks.refuse_user("jane.doe@example.com");
    assert_eq!(world.ask_as("jane").await.refusal().0, 403);
}

#[tokio::test]
async fn every_documented_event_gets_the_expected_response() {
    let world = World::start().await;
    for (name, expected) in [
        ("liveblocks-auth.json", 200),
        ("liveblocks-auth.cookie.json", 200),
        ("liveblocks-auth.signed-out.json", 404),
    ] {
        let answer = world.ask(&Event::documented(name)).await;
        assert_eq!(answer.status(), expected, "{name}: {}", answer.text());
    }
}

/// The events are files, so that `sam local invoke` and others can use them; their token must be
/// one that the stand-in would sign, and good for long.
#[test]
fn the_events_carry_the_stand_ins_own_token() {
    let claims = json!({
        "azp": PAGE, "exp": 4_102_444_800_u64, "fva": [0, -1], "iat": 1_767_225_600,
        "iss": clerk::ISSUER, "nbf": 1_767_225_590, "sid": User::seeded("jane").session_id,
        "sts": "active", "sub": user_id("jane"), "v": 2,
    });
    let token = INSTANCE_KEY.sign(&clerk::session_header(), &claims);
    let in_header = Event::documented("liveblocks-auth.json");
    let in_header = &in_header.as_json()["headers"]["authorization"];
    assert_eq!(in_header, &json!(format!("Bearer {token}")));
    let in_cookie = Event::documented("liveblocks-auth.cookie.json");
    let in_cookie = &in_cookie.as_json()["cookies"][0];
    assert_eq!(in_cookie, &json!(format!("__session={token}")));
}

#[tokio::test]
async fn others_see_a_signed_in_user_with_the_profile_from_clerk() {
    let world = World::start().await;
    let jane = world.clerk.user("jane");
    let mut colors = HashSet::new();
    for _ in 0..20 {
        let identity = identity(&world.ask_as("jane").await);
        assert_eq!(identity["uid"], "jane.doe@example.com");
        assert_eq!(identity["ui"]["name"], "Jane Doe");
        assert_eq!(identity["ui"]["imageUrl"], json!(jane.picture));
        let color = identity["ui"]["color"].as_str().unwrap().to_owned();
        assert!(color.starts_with('#') && color.len() == 7, "{color}");
        colors.insert(color);
    }
    assert!(colors.len() > 1, "a colour is drawn on every request");

    let nameless = identity(&world.ask_as(NO_NAME).await);
    assert_eq!(nameless["ui"]["name"], "Unnamed User");
}

#[tokio::test]
async fn nothing_in_the_request_changes_who_the_user_is() {
    let world = World::start().await;
    let event = bearer(&world.clerk.session_token("jane"))
        .json(&json!({"userId": "eve@example.com", "userInfo": {"name": "Eve"}}))
        .header("x-user-id", "user_eve")
        .query("userId=eve@example.com");
    let identity = identity(&world.ask(&event).await);
    assert_eq!(identity["uid"], "jane.doe@example.com");
    assert_eq!(identity["ui"]["name"], "Jane Doe");
}

#[tokio::test]
async fn a_rotated_secret_is_used_without_a_restart() {
    let clerk = Clerk::start().await.unwrap();
    let liveblocks = Liveblocks::start().await.unwrap();
    let manager = SecretsManager::start().await.unwrap();
    let put = |clerk_key: &str, liveblocks_key: &str| {
        manager.put("clerk", json!({ "CLERK_SECRET_KEY": clerk_key }));
        manager.put("liveblocks", json!({ "LIVEBLOCKS_SECRET_KEY": liveblocks_key }));
    };
    put(&clerk.secret_key(), &liveblocks.secret_key());
    let mut environment = environment(&clerk, &liveblocks);
    environment.retain(|(name, _)| !name.ends_with("_SECRET_KEY"));
    environment.extend(manager.settings());
    environment.push(("CLERK_SECRET_ID".to_owned(), "clerk".to_owned()));
    environment.push(("LIVEBLOCKS_SECRET_ID".to_owned(), "liveblocks".to_owned()));
    let function = Instance::start(BINARY, environment).await.unwrap();
    assert_eq!(manager.requests().len(), 2, "both before the first request");
    let ask = async || {
        let token = clerk.session_token("jane");
        Answer::of(&function, &bearer(&token)).await.status()
    };

    assert_eq!(ask().await, 200);
    clerk.rotate_secret_key("sk_test_rotated");
    liveblocks.rotate_secret_key("sk_dev_rotated");
    put("sk_test_rotated", "sk_dev_rotated");
    assert_eq!(ask().await, 200, "the very request that meets the new keys");
}

#[tokio::test]
async fn stops_at_start_and_names_every_missing_setting_in_one_line() {
    let environment = [
        ("LIVEBLOCKS_SECRET_KEY", "pk_a_public_one_by_mistake"),
        ("CLERK_PUBLISHABLE_KEY", "hunter2"),
    ];
    let Err(StartError::Refused { logs, .. }) = Instance::start(BINARY, environment).await else {
        panic!("it started");
    };
    assert_eq!(logs.len(), 1, "{logs:?}");
    let line = &logs[0];
    for name in [
        "CLERK_SECRET_KEY",
        "CLERK_PUBLISHABLE_KEY",
        "CLERK_AUTHORIZED_PARTIES",
        "LIVEBLOCKS_SECRET_KEY",
    ] {
        assert!(line.contains(name), "{name} is not in {line}");
    }
    assert!(!line.contains("hunter2") && !line.contains("by_mistake"), "{line}");
}

#[cfg(target_os = "linux")] // where the system tells a process's memory
#[tokio::test]
async fn two_thousand_warm_requests_fetch_the_keys_once_and_use_no_more_memory() {
    let world = World::start().await;
    let event = bearer(&world.clerk.session_token("jane"));
    let ask = async |times: u32| {
        for _ in 0..times {
            assert_eq!(world.ask(&event).await.status(), 200);
        }
    };
    ask(500).await;
    let before = resident_kib(world.function.pid());
    ask(1500).await;
    let after = resident_kib(world.function.pid());
    assert_eq!(world.clerk.hits("GET", "/v1/jwks"), 1);
    assert!(after < before + 1024, "from {before} to {after} KiB");
}

/// The resident memory of a process.
#[cfg(target_os = "linux")]
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap()
}

#[tokio::test]
async fn logs_describe_the_request_the_outcome_and_the_calls_without_personal_data() {
    let world = World::start().await;
    let token = world.clerk.session_token("jane");
    assert_eq!(world.ask(&bearer(&token)).await.status(), 200);
    assert_eq!(world.ask(&bearer(&format!("{token}x"))).await.status(), 401);
    world.liveblocks.inject(Fault::Failing(500));
    assert_eq!(world.ask_as("jane").await.status(), 503);
    let World { clerk, liveblocks, function } = world;

    let lines = function.stop().await;

    let all = lines.join("\n");
    for private in
        [&token, &clerk.secret_key(), &liveblocks.secret_key(), "jane.doe@", "Jane", "eyJ"]
    {
        assert!(!all.contains(private), "{private} is in {all}");
    }
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |message: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["message"] == message).collect()
    };
    let answered = find("answered");
    assert_eq!(answered.len(), 1);
    assert_eq!(answered[0]["endpoint"], "liveblocks-auth");
    assert_eq!(answered[0]["status"], 200);
    assert_eq!(answered[0]["cold"], true);
    assert!(answered[0]["requestId"].is_string() && answered[0]["ms"].is_number());
    let refused = find("refused");
    assert_eq!(refused.len(), 2, "each error once");
    assert_eq!(refused[0]["detail"], "the token is malformed");
    let detail = refused[1]["detail"].as_str().unwrap();
    assert!(detail.starts_with("liveblocks identify-user: failed with 500"), "{detail}");
    let metric = |name: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["_aws"].is_object() && line[name].is_number()).collect()
    };
    let requests = metric("Requests");
    let outcomes: Vec<&Value> = requests.iter().map(|line| &line["Outcome"]).collect();
    assert_eq!(outcomes, ["ok", "refused", "failed"]);
    let cold: Vec<&Value> = requests.iter().map(|line| &line["ColdStarts"]).collect();
    assert_eq!(cold, [1, 0, 0]);
    for line in requests {
        assert_eq!((&line["Endpoint"], &line["Stage"]), (&"liveblocks-auth".into(), &"dev".into()));
        assert!(line["Duration"].is_number());
    }
    let ended = |provider: &str, outcome: &str| {
        let calls = metric("ProviderCalls");
        let is_that = |line: &&&Value| line["Provider"] == provider && line["Outcome"] == outcome;
        calls.iter().filter(is_that).count()
    };
    assert_eq!((ended("clerk", "ok"), ended("liveblocks", "ok")), (3, 1));
    assert_eq!(ended("liveblocks", "failing"), 1);
    let calls = find("provider call");
    let of = |provider: &str| calls.iter().filter(|call| call["provider"] == provider).count();
    assert_eq!((of("clerk"), of("liveblocks")), (3, 2), "keys and two users, two identities");
    for call in calls.iter().filter(|call| call["call"] != "jwks") {
        assert!(call["ms"].is_number() && call["span"]["requestId"].is_string(), "{call}");
        let trace = call["span"]["xrayTraceId"].as_str().unwrap();
        assert!(trace.starts_with("Root=1-"), "{call}");
    }
}
