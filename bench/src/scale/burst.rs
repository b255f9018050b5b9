//! Many processes that start at the same time, as after a deployment, next to as many that start one
//! after the other.

use std::time::Duration;

use anteroom_local::instance::{Instance, Launch, StartError};
use tokio::task::JoinSet;

use super::Bench;
use crate::Failure;
use crate::curve::{Curves, Panel, Series};
use crate::process::cpu_ms;
use crate::providers::Providers;
use crate::stopwatch::Stopwatch;
use crate::subject::{Endpoint, Identity, Secrets, Subject};

pub(super) async fn curves(bench: &Bench) -> Result<Curves, Failure> {
    let starts = bench.either(10, 50);
    let providers = Providers::start().await?;
    let endpoint = Endpoint::RoomAuth(Identity::WorkOs);
    let subject = Subject::anteroom(endpoint).with_secrets_in(Secrets::SecretsManager);
    let launch = bench.functions.launch(endpoint.name(), providers.environment(subject));
    let at_once = at_once(&launch, starts).await?;
    let mut in_turn = Vec::new();
    for _ in 0..starts {
        in_turn.push(figures(start(launch.clone()).await?).await?);
    }
    let names = ["all at once", "one after the other"];
    let panel = |title: &str, figure: fn(&(f64, f64)) -> f64| {
        let series = names.iter().zip([&at_once, &in_turn]).map(|(name, starts)| Series {
            name: (*name).to_owned(),
            points: sorted(starts.iter().map(figure)),
        });
        Panel::new(title, "starts, fastest first", series.collect())
    };
    Ok(Curves {
        title: format!("{starts} starts of room-auth, secrets from Secrets Manager"),
        panels: vec![
            panel("until the first poll, ms", |(wall, _)| *wall),
            panel("CPU, ms", |(_, cpu)| *cpu),
        ],
    })
}

async fn at_once(launch: &Launch, starts: u32) -> Result<Vec<(f64, f64)>, Failure> {
    let mut starting: JoinSet<_> = (0..starts).map(|_| start(launch.clone())).collect();
    let mut started = Vec::new();
    // All keep running, so that the CPU time of each can be read when it rests.
    while let Some(one) = starting.join_next().await {
        started.push(one??);
    }
    let mut all = Vec::new();
    for one in started {
        all.push(figures(one).await?);
    }
    Ok(all)
}

/// Starts a process, and measures the time until it polls for its first event.
async fn start(launch: Launch) -> Result<(Duration, Instance), StartError> {
    let begun = Stopwatch::start();
    let instance = Instance::launch(&launch).await?;
    Ok((begun.elapsed(), instance))
}

/// The wall time and the CPU time of a start in milliseconds.
async fn figures((wall, instance): (Duration, Instance)) -> Result<(f64, f64), Failure> {
    let cpu = cpu_ms(instance.pid()).await?;
    instance.stop().await;
    Ok((wall.as_secs_f64() * 1000.0, cpu))
}

fn sorted(figures: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    (1_u32..).map(f64::from).zip(figures).collect()
}
