//! What happens when a provider fails: every endpoint, every call that it makes to a provider, and
//! every way in which that can fail. Each row has a process of its own, which must also serve the first
//! request after the provider has recovered. `cargo test --test faults -- --nocapture` prints the tables.

mod clocks;
mod expected;
mod rotations;
mod row;
mod trouble;

use anteroom_security::scenario::{Call, SCENARIOS, SECRETS, Scenario};
use anteroom_security::{Table, play};

use crate::row::Row;
use crate::trouble::Trouble;

/// How many rows run at once. Most of them wait for a timeout.
const AT_ONCE: usize = 256;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_any_provider_is_reported_as_one_and_ends_with_it() {
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        let own = scenario.calls.iter().copied();
        for call in own.chain([SECRETS]).filter(|call| is_tried(&scenario, call)) {
            let troubles = Trouble::ALL.into_iter().filter(|trouble| trouble.applies_to(&call));
            let troubles = troubles
                .filter(|trouble| !trouble.is_about_connections() || is_first(&scenario, &call));
            rows.extend(troubles.map(|trouble| Row { scenario, call, trouble }));
        }
    }
    let columns = [
        "endpoint",
        "provider",
        "call",
        "failure",
        "status",
        "Retry-After",
        "cookie",
        "calls",
        "log",
    ];
    let mut table = Table::new("Failures of providers", &columns);
    for (row, seen, outcome) in play(rows, AT_ONCE, |row| row.trouble.takes_long(), Row::play).await
    {
        let Row { scenario, call, trouble } = row;
        let cells = [
            scenario.to_string(),
            call.provider.name().to_owned(),
            call.path.to_owned(),
            trouble.name().to_owned(),
            seen.status.to_string(),
            seen.wait,
            seen.cookie.to_owned(),
            seen.calls.to_string(),
            seen.level,
        ];
        table.row(cells, outcome);
    }
    table.finish();
}

/// The secrets of a function are the same in every way of calling it.
fn is_tried(scenario: &Scenario, call: &Call) -> bool {
    let is_same = |other: &&Scenario| {
        other.function == scenario.function && other.identity == scenario.identity
    };
    let first = SCENARIOS.iter().find(is_same);
    *call != SECRETS || first == Some(scenario)
}

/// Whether it is the scenario's first call of that provider, after its keys.
fn is_first(scenario: &Scenario, call: &Call) -> bool {
    let same = scenario.calls.iter().find(|other| {
        other.provider == call.provider
            && (other.kind == call.kind || Some(**other) != scenario.keys())
    });
    same.is_none_or(|first| first == call) || scenario.keys() == Some(*call)
}
