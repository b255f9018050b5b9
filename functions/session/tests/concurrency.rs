//! The binary on a managed instance, where Lambda gives a process several requests at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anteroom_local::instance::{Instance, Launch};
use anteroom_stand_ins::faults::Fault;
use anteroom_testing::sessions::{COOKIE, expired_session, sealed};
use anteroom_testing::{Answer, AuthWorld, Event};
use serde_json::Value;
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_session");
const AUTHENTICATE: &str = "/user_management/authenticate";

/// How many requests the process gets at once.
const CONCURRENCY: usize = 4;

async fn managed(world: &AuthWorld) -> Arc<Instance> {
    let launch = Launch::new(BINARY, world.settings.iter().cloned());
    let instance = Instance::launch(&Launch { concurrency: CONCURRENCY, ..launch }).await;
    Arc::new(instance.expect("a process"))
}

/// A request whose session has to be refreshed first.
async fn due_for_a_refresh(world: &AuthWorld) -> Event {
    let session = expired_session(&world.workos, "jane", None);
    world.event().method("GET").cookie(COOKIE, &sealed(&world.settings, &session).await)
}

fn ask_all(function: &Arc<Instance>, events: Vec<Event>) -> JoinSet<Answer> {
    let ask = |event| {
        let function = Arc::clone(function);
        async move { Answer::of(&function, &event).await }
    };
    events.into_iter().map(ask).collect()
}

async fn statuses(answers: JoinSet<Answer>) -> Vec<u64> {
    answers.join_all().await.iter().map(Answer::status).collect()
}

#[tokio::test]
async fn requests_wait_for_workos_in_parallel() {
    let world = AuthWorld::start(BINARY).await;
    let function = managed(&world).await;
    let mut events = Vec::new();
    for _ in 0..CONCURRENCY {
        events.push(due_for_a_refresh(&world).await);
    }
    world.workos.inject(Fault::Slow(Duration::from_secs(3)).on(AUTHENTICATE));
    let mut answers = ask_all(&function, events);
    let all_have_asked = async {
        while world.workos.hits("POST", AUTHENTICATE) < CONCURRENCY {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        biased;
        first = answers.join_next() => panic!("the others waited for {first:?}"),
        () = all_have_asked => {}
    }
    assert_eq!(statuses(answers).await, [200; CONCURRENCY]);
}

#[tokio::test]
async fn requests_of_one_session_share_a_refresh() {
    let world = AuthWorld::start(BINARY).await;
    let function = managed(&world).await;
    let event = due_for_a_refresh(&world).await;
    world.workos.inject(Fault::Slow(Duration::from_millis(300)).on(AUTHENTICATE));
    let answers = ask_all(&function, vec![event; CONCURRENCY]);
    assert_eq!(statuses(answers).await, [200; CONCURRENCY]);
    assert_eq!(world.workos.hits("POST", AUTHENTICATE), 1);
}

#[tokio::test]
async fn each_request_has_its_own_log_lines() {
    let world = AuthWorld::start(BINARY).await;
    let function = managed(&world).await;
    for _ in 0..5 {
        let mut events = Vec::new();
        for _ in 0..CONCURRENCY {
            events.push(due_for_a_refresh(&world).await);
        }
        assert_eq!(statuses(ask_all(&function, events)).await, [200; CONCURRENCY]);
    }
    let function = Arc::into_inner(function).expect("nobody else has it");
    let lines = function.stop().await;
    let lines = lines.iter().map(|line| serde_json::from_str(line).expect("one object a line"));
    let lines: Vec<Value> = lines.collect();
    let ids = |message: &str| -> BTreeSet<String> {
        let lines = lines.iter().filter(|line| line["message"] == message);
        lines.filter_map(|line| Some(line["span"]["requestId"].as_str()?.to_owned())).collect()
    };
    assert_eq!(ids("answered").len(), 20, "{lines:?}");
    assert_eq!(ids("provider call"), ids("answered"), "{lines:?}");
    let metrics = lines.iter().filter(|line| line["Requests"] == 1).count();
    assert_eq!(metrics, 20);
}
