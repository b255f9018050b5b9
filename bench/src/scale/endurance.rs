//! Ten thousand warm requests to one process: neither its CPU time per request nor its memory may
//! grow. The bare `hello` shows what the Lambda runtime contributes.

use anteroom_local::instance::Instance;

use super::Bench;
use crate::Failure;
use crate::curve::{Curves, Panel, Series};
use crate::functions::BARE_HELLO;
use crate::measurement::ask;
use crate::process::{cpu_ms, resident_memory_mib};
use crate::providers::Providers;
use crate::requests::Requests;
use crate::sessions;
use crate::subject::{Endpoint, Identity, Subject};

/// How many requests go into one figure.
const BATCH: u32 = 250;

/// The endpoints: one without a provider call, one with two, and one whose process remembers
/// something of every request.
const ENDPOINTS: [(&str, Endpoint); 4] = [
    ("room-auth", Endpoint::RoomAuth(Identity::WorkOs)),
    ("liveblocks-auth, two calls", Endpoint::LiveblocksAuth(Identity::Clerk)),
    ("session, each refreshed", Endpoint::Session),
    ("bare hello", Endpoint::Hello),
];

pub(super) async fn curves(bench: &Bench) -> Result<Curves, Failure> {
    let batches = bench.either(4, 40);
    let (mut cpu, mut memory) = (Vec::new(), Vec::new());
    for (name, endpoint) in ENDPOINTS {
        let providers = Providers::start().await?;
        let environment = providers.environment(Subject::anteroom(endpoint));
        let function = if endpoint == Endpoint::Hello { BARE_HELLO } else { endpoint.name() };
        let launch = bench.functions.launch(function, environment);
        let instance = Instance::launch(&launch).await?;
        let (mut cpu_of_one, mut memory_of_one) = (Series::new(name), Series::new(name));
        for batch in 1..=batches {
            let before = cpu_ms(instance.pid()).await?;
            ask_batch(&instance, endpoint, &providers).await?;
            let used = cpu_ms(instance.pid()).await? - before;
            let requests = f64::from(batch * BATCH);
            cpu_of_one.push(requests, used / f64::from(BATCH));
            memory_of_one.push(requests, resident_memory_mib(instance.pid())?);
        }
        instance.stop().await;
        cpu.push(cpu_of_one);
        memory.push(memory_of_one);
    }
    Ok(Curves {
        title: format!("{} requests to one process", batches * BATCH),
        panels: vec![
            Panel::new("CPU per request, ms", "requests so far", cpu),
            Panel::new("resident memory, MiB", "requests so far", memory),
        ],
    })
}

async fn ask_batch(
    instance: &Instance,
    endpoint: Endpoint,
    providers: &Providers,
) -> Result<(), Failure> {
    let requests = Requests::to(endpoint, providers).await;
    for _ in 0..BATCH {
        if endpoint == Endpoint::Session {
            let event = sessions::refresh_due(providers).await;
            sessions::check_refreshed(&instance.invoke(event.as_json()).await?)?;
        } else {
            ask(instance, &requests).await?;
        }
    }
    Ok(())
}
