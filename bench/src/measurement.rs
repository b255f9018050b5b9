//! One measurement: a process from its start to its last answer.

use anteroom_local::instance::{Instance, Launch};
use serde_json::Value;

use crate::Failure;
use crate::process::{cpu_ms, peak_memory_mib};
use crate::programs::Programs;
use crate::providers::Providers;
use crate::requests::Requests;
use crate::subject::Subject;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How many times each subject is started.
    pub(crate) rounds: u32,
    /// The requests after the first that are not measured, in which a compiler at run time learns.
    pub(crate) warm_up: u32,
    /// The warm requests that are measured.
    pub(crate) warm: u32,
}

/// The figures of one process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    pub(crate) start_ms: f64,
    pub(crate) first_answer_ms: f64,
    pub(crate) warm_ms: f64,
    pub(crate) memory_mib: f64,
}

impl Measurement {
    pub(crate) async fn of(
        subject: Subject,
        programs: &Programs,
        providers: &Providers,
        plan: Plan,
    ) -> Result<Self, Failure> {
        let requests = Requests::to(subject.endpoint, providers).await?;
        let launch = programs.launch(subject, providers.environment(subject));
        let result = Self::take(&launch, &requests, plan).await;
        result.map_err(|error| format!("{}: {error}", subject.name()).into())
    }

    async fn take(launch: &Launch, requests: &Requests<'_>, plan: Plan) -> Result<Self, Failure> {
        let instance = Instance::launch(launch).await?;
        let pid = instance.pid();
        let start_ms = cpu_ms(pid).await?;
        ask(&instance, requests).await?;
        let first_answer_ms = cpu_ms(pid).await?;
        let warm_ms = warm_ms(pid, plan, async || ask(&instance, requests).await).await?;
        let memory_mib = peak_memory_mib(pid)?;
        instance.stop().await;
        Ok(Self { start_ms, first_answer_ms, warm_ms, memory_mib })
    }
}

/// The CPU time of a process per request in milliseconds, over many in a row.
pub(crate) async fn warm_ms<T>(
    pid: u32,
    plan: Plan,
    ask: impl AsyncFn() -> Result<T, Failure>,
) -> Result<f64, Failure> {
    for _ in 0..plan.warm_up {
        ask().await?;
    }
    let before = cpu_ms(pid).await?;
    for _ in 0..plan.warm {
        ask().await?;
    }
    Ok((cpu_ms(pid).await? - before) / f64::from(plan.warm))
}

/// Sends the next request, and checks the answer.
pub(crate) async fn ask(instance: &Instance, requests: &Requests<'_>) -> Result<Value, Failure> {
    let answer = instance.invoke(requests.next().await?.as_json()).await?;
    requests.check(&answer)?;
    Ok(answer)
}
