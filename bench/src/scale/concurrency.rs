//! A process that gets several requests at once, as on Lambda Managed Instances, while its providers
//! are a round trip away.

use std::sync::Arc;
use std::time::Duration;

use anteroom_local::instance::{Instance, InvocationError, Launch};
use anteroom_testing::Event;
use serde_json::Value;
use tokio::task::JoinSet;

use super::Bench;
use crate::Failure;
use crate::curve::{Curves, Panel, Series};
use crate::process::cpu_ms;
use crate::providers::Providers;
use crate::relay::Network;
use crate::requests::Requests;
use crate::sessions;
use crate::statistics::Spread;
use crate::stopwatch::Stopwatch;
use crate::subject::{Endpoint, Identity, Subject};

/// `AWS_LAMBDA_MAX_CONCURRENCY`.
const LEVELS: [u32; 3] = [1, 4, 16];

const ENDPOINTS: [(&str, Endpoint); 3] = [
    ("room-auth, no call", Endpoint::RoomAuth(Identity::WorkOs)),
    ("session, one call", Endpoint::Session),
    ("liveblocks-auth, two calls", Endpoint::LiveblocksAuth(Identity::Clerk)),
];

struct Figures {
    per_second: f64,
    wall_ms: f64,
    cpu_ms: f64,
}

pub(super) async fn curves(bench: &Bench) -> Result<Curves, Failure> {
    let (mut per_second, mut wall, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for (name, endpoint) in ENDPOINTS {
        let new = || Series::new(name);
        let (mut per_second_of_one, mut wall_of_one, mut cpu_of_one) = (new(), new(), new());
        for level in LEVELS {
            let figures = measure(bench, endpoint, level).await?;
            per_second_of_one.push(level.into(), figures.per_second);
            wall_of_one.push(level.into(), figures.wall_ms);
            cpu_of_one.push(level.into(), figures.cpu_ms);
        }
        per_second.push(per_second_of_one);
        wall.push(wall_of_one);
        cpu.push(cpu_of_one);
    }
    Ok(Curves {
        title: "Requests at once to one process, providers 40 ms away".to_owned(),
        panels: vec![
            Panel::new("requests per second", "at once", per_second),
            Panel::new("from event to answer, ms", "at once", wall),
            Panel::new("CPU per request, ms", "at once", cpu),
        ],
    })
}

async fn measure(bench: &Bench, endpoint: Endpoint, level: u32) -> Result<Figures, Failure> {
    let (providers, network) = (Providers::start().await?, Network::new());
    let environment = network.between(providers.environment(Subject::anteroom(endpoint))).await?;
    providers.workos.set_issuer(&network.relayed(&providers.workos.issuer()).await?);
    let launch = bench.functions.launch(endpoint.name(), environment);
    let launch = Launch { concurrency: usize::try_from(level)?, ..launch };
    let instance = Arc::new(Instance::launch(&launch).await?);
    let rounds = bench.either(5, 25);
    let requests = Requests::to(endpoint, &providers).await;
    let check = |answer: &Value| match endpoint {
        Endpoint::Session => sessions::check_refreshed(answer),
        _ => requests.check(answer),
    };
    let mut events = Vec::new();
    for _ in 0..level * (rounds + 2) {
        events.push(match endpoint {
            Endpoint::Session => sessions::refresh_due(&providers).await,
            _ => requests.next(),
        });
    }
    // Opens the connections.
    let warm_up = events.split_off(usize::try_from(level * rounds)?);
    for (_, answer) in ask_side_by_side(&instance, warm_up, level).await? {
        check(&answer)?;
    }
    let (cpu_before, begun) = (cpu_ms(instance.pid()).await?, Stopwatch::start());
    let answers = ask_side_by_side(&instance, events, level).await?;
    let took = begun.elapsed();
    let cpu = cpu_ms(instance.pid()).await? - cpu_before;
    answers.iter().try_for_each(|(_, answer)| check(answer))?;
    let walls = answers.iter().map(|(wall, _)| wall.as_secs_f64() * 1000.0);
    let count = f64::from(level * rounds);
    Ok(Figures {
        per_second: count / took.as_secs_f64(),
        wall_ms: Spread::of(walls.collect()).median,
        cpu_ms: cpu / count,
    })
}

/// Sends the events, always as many at once as the process takes, and returns the answers with the
/// time that each took.
async fn ask_side_by_side(
    instance: &Arc<Instance>,
    mut events: Vec<Event>,
    level: u32,
) -> Result<Vec<(Duration, Value)>, Failure> {
    let each = events.len() / usize::try_from(level)?;
    let mut workers = JoinSet::new();
    while !events.is_empty() {
        let own = events.split_off(events.len().saturating_sub(each));
        let instance = Arc::clone(instance);
        workers.spawn(async move {
            let mut answers = Vec::new();
            for event in own {
                let begun = Stopwatch::start();
                let answer = instance.invoke(event.as_json()).await?;
                answers.push((begun.elapsed(), answer));
            }
            Ok::<_, InvocationError>(answers)
        });
    }
    let mut answers = Vec::new();
    while let Some(worker) = workers.join_next().await {
        answers.extend(worker??);
    }
    Ok(answers)
}
