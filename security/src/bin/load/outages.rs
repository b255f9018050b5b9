//! Faults that are switched on and off, and which answers they excuse.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::Load;

/// How long a fault lasts, and how long all is well after it.
const LASTS: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_secs(4);

/// The providers whose stand-ins fail, in turn.
const PROVIDERS: [&str; 5] = ["WorkOS", "LiveKit", "Clerk", "Liveblocks", "EventBridge"];

/// The orders of the faults, in turn.
fn faults() -> Vec<Value> {
    vec![
        json!({"fault": "down"}),
        json!({"fault": "failing", "status": 500}),
        json!({"fault": "reset", "at": "before"}),
        json!({"fault": "limiting", "retry_after": 2}),
        json!({"fault": "slow", "milliseconds": 6000}),
        json!({"fault": "reset", "at": "middle"}),
        json!({"fault": "gateway_page"}),
        json!({"fault": "truncated"}),
        json!({"fault": "garbage"}),
        json!({"fault": "reset", "at": "after"}),
        json!({"fault": "drip"}),
        json!({"fault": "redirect"}),
        json!({"fault": "refusing"}),
    ]
}

/// When which provider failed.
#[derive(Default)]
pub(crate) struct Outages(Mutex<Vec<Outage>>);

struct Outage {
    provider: &'static str,
    from: Instant,
    until: Option<Instant>,
}

impl Outages {
    /// Whether one of the providers failed at any moment of this time.
    pub(crate) fn overlap(&self, providers: &[&str], from: Instant, until: Instant) -> bool {
        self.lock().iter().any(|outage| {
            providers.contains(&outage.provider)
                && outage.from <= until
                && outage.until.is_none_or(|end| from <= end)
        })
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn begin(&self, provider: &'static str) {
        self.lock().push(Outage { provider, from: Instant::now(), until: None });
    }

    fn end(&self) {
        if let Some(outage) = self.lock().last_mut() {
            outage.until = Some(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets one provider after another fail until `end`.
pub(crate) async fn cause(load: &Load, end: Instant) {
    let (providers, faults) = (PROVIDERS.iter().cycle(), faults());
    // Thirteen faults and five providers: every pair, in the end.
    for (provider, fault) in providers.zip(faults.iter().cycle()) {
        sleep(PAUSE).await;
        if Instant::now() + LASTS + PAUSE >= end {
            return;
        }
        load.outages.begin(provider);
        order(load, provider, fault).await;
        sleep(LASTS).await;
        order(load, provider, &json!({"fault": "none"})).await;
        load.outages.end();
    }
}

async fn order(load: &Load, provider: &str, fault: &Value) {
    let url = format!("{}/dev/faults", load.dev.stand_in(provider));
    let sent = load.client.post(url).body(fault.to_string()).send().await;
    if !sent.is_ok_and(|answer| answer.status().is_success()) {
        load.wrong(format!("{provider} did not take the order {fault}"));
    }
}
