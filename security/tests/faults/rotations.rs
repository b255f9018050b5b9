//! Keys and secrets that change while a process runs: no request fails.

use anteroom_security::scenario::{Kind, Provider, SCENARIOS, Scenario, Way};
use anteroom_security::world::{Setup, World, succeeded};
use anteroom_security::{Outcome, Played, Table, desk, play};
use anteroom_testing::{Answer, Identity};

use crate::AT_ONCE;

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rotation {
    /// A provider's key, and its secret in Secrets Manager.
    Secret(Provider),
    /// The password of the cookies, in Secrets Manager.
    Password,
    /// The key that sessions' tokens are signed with. The old one is withdrawn.
    SigningKey,
    /// The same, and the session is from before.
    SigningKeyOfSession,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    scenario: Scenario,
    rotation: Rotation,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_fails_no_request() {
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        rows.extend(rotations(&scenario).into_iter().map(|rotation| Row { scenario, rotation }));
    }
    let mut table = Table::new("Rotations", &["endpoint", "what changes", "status", "calls"]);
    for (row, (status, calls), outcome) in play(rows, AT_ONCE, |_| false, Row::play).await {
        let what = match row.rotation {
            Rotation::Secret(provider) => format!("the key of {}", provider.name()),
            Rotation::Password => "the cookies' password".to_owned(),
            Rotation::SigningKey => "the signing key".to_owned(),
            Rotation::SigningKeyOfSession => "the signing key of an expired session".to_owned(),
        };
        table.row([row.scenario.to_string(), what, status, calls], outcome);
    }
    table.finish();
}

fn rotations(scenario: &Scenario) -> Vec<Rotation> {
    let mut rotations = Vec::new();
    let keyed = |provider: &Provider| provider.secret_id().is_some();
    let called = scenario
        .calls
        .iter()
        .filter(|call| call.kind != Kind::Keys || scenario.identity == Identity::Clerk);
    for provider in called.map(|call| call.provider).filter(keyed) {
        if !rotations.contains(&Rotation::Secret(provider)) {
            rotations.push(Rotation::Secret(provider));
        }
    }
    if matches!(scenario.function, "livekit-webhook" | "guest-auth") {
        rotations.push(Rotation::Secret(Provider::LiveKit));
    }
    if scenario.identity == Identity::WorkOs
        && matches!(scenario.way, Way::Cookie | Way::Due | Way::Early)
        || matches!(scenario.function, "finalize-oauth" | "select-organization")
    {
        rotations.push(Rotation::Password);
    }
    if scenario.keys().is_some() {
        rotations.push(Rotation::SigningKey);
    }
    if scenario.way == Way::Due {
        rotations.push(Rotation::SigningKeyOfSession);
    }
    rotations
}

impl Row {
    async fn play(self) -> Played<(String, String)> {
        let _desk = desk().await;
        let mut seen = (String::new(), String::new());
        let outcome = self.check(&mut seen).await;
        (seen, outcome)
    }

    async fn check(&self, seen: &mut (String, String)) -> Outcome {
        let Self { scenario, rotation } = self;
        let setup = Setup { identity: scenario.identity, tls: false, stored: true };
        let mut world = World::start(setup).await;
        let function = world.launch(scenario.function).await.map_err(|error| error.to_string())?;
        let answer = Answer::of(&function, &world.request(scenario).await).await;
        succeeded(scenario, &answer).map_err(|was| format!("before: {was}"))?;
        let earlier = world.request(scenario).await;
        match rotation {
            Rotation::Secret(provider) => world.rotate_secret(*provider),
            Rotation::Password => world.rotate_password(),
            Rotation::SigningKey | Rotation::SigningKeyOfSession => world.rotate_signing_key(),
        }
        let request = match rotation {
            Rotation::SigningKeyOfSession => earlier,
            _ => world.request(scenario).await,
        };
        let single = scenario.calls.iter().find(|call| call.kind.is_single());
        if let Some(call) = single {
            world.forget_requests(call.provider);
        }
        let answer = Answer::of(&function, &request).await;
        seen.0 = answer.status().to_string();
        succeeded(scenario, &answer)?;
        if let Some(call) = single {
            let calls = world.count(call.provider, call.path);
            seen.1 = calls.to_string();
            // The provider rejects the old key before it does anything.
            let most = if *rotation == Rotation::Secret(call.provider) { 2 } else { 1 };
            if !(1..=most).contains(&calls) {
                return Err(format!("{} was called {calls} times", call.path));
            }
        }
        let answer = Answer::of(&function, &world.request(scenario).await).await;
        succeeded(scenario, &answer).map_err(|was| format!("afterward: {was}"))
    }
}
