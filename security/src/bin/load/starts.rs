//! Fifty processes that start at once.

use std::sync::Arc;
use std::time::Duration;

use anteroom_security::Table;
use anteroom_security::scenario::{SCENARIOS, Scenario};
use anteroom_security::world::{Setup, World, succeeded};
use anteroom_testing::Answer;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How many processes start at once.
const PROCESSES: usize = 50;

/// The functions that start: one that fetches keys, one with two providers, one without any.
const FUNCTIONS: [&str; 3] = ["room-auth", "liveblocks-auth", "guest-auth"];

/// The processes of each function, all of which have to answer.
pub(crate) async fn table() -> Table {
    let columns = ["function", "starts at once", "answered", "slowest start and answer, ms"];
    let mut table = Table::new("Starts at once", &columns);
    for function in FUNCTIONS {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.function == function);
        let Some(scenario) = scenario else { continue };
        let results = start(scenario).await;
        let slowest = results.iter().flatten().max().copied().unwrap_or_default();
        let answered = results.iter().filter(|result| result.is_ok()).count();
        let cells = [
            function.to_owned(),
            results.len().to_string(),
            answered.to_string(),
            slowest.as_millis().to_string(),
        ];
        let failure = results.into_iter().find_map(Result::err);
        table.row(cells, failure.map_or(Ok(()), Err));
    }
    table
}

async fn start(scenario: &'static Scenario) -> Vec<Result<Duration, String>> {
    let setup = Setup { identity: scenario.identity, tls: false, stored: true };
    let world = Arc::new(World::start(setup).await);
    let mut starting = JoinSet::new();
    for _ in 0..PROCESSES {
        let world = Arc::clone(&world);
        starting.spawn(async move {
            let request = world.request(scenario).await;
            let began = Instant::now();
            let function = world.launch(scenario.function).await;
            let function = function.map_err(|error| error.to_string())?;
            let answer = Answer::of(&function, &request).await;
            succeeded(scenario, &answer)?;
            Ok(began.elapsed())
        });
    }
    starting.join_all().await
}
