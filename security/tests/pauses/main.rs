//! What happens when a process is stopped between two requests, as Lambda does it, and the world moves
//! on meanwhile: the next request of every endpoint succeeds, and nothing is done twice.
//! `cargo test --test pauses -- --nocapture` prints the table for pauses of a second;
//! `cargo test --test pauses -- --ignored --nocapture` those for a minute and for 400 seconds.

#![cfg(unix)]

use std::process::Command;
use std::time::Duration;

use anteroom_local::instance::Instance;
use anteroom_security::scenario::{Call, Kind, Provider, SCENARIOS, Scenario};
use anteroom_security::world::{Setup, World, succeeded};
use anteroom_security::{Outcome, Played, Table, desk, play};
use anteroom_testing::Answer;

/// How many rows run at once when they are short.
const AT_ONCE: usize = 48;

/// What happens while a process is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    /// The providers close every connection.
    Gone,
    /// The providers vanish without closing their connections: nothing on them is answered anymore.
    HalfOpen,
    /// Every key that the function calls a provider with, and the cookies' password.
    Secrets,
    /// The keys that tokens are signed with.
    SigningKeys,
    /// Both.
    AllKeys,
}

impl Meanwhile {
    const ALL: [Self; 5] =
        [Self::Gone, Self::HalfOpen, Self::Secrets, Self::SigningKeys, Self::AllKeys];

    fn name(self) -> &'static str {
        match self {
            Self::Gone => "the peers close their connections",
            Self::HalfOpen => "the peers vanish (half-open)",
            Self::Secrets => "secrets are rotated",
            Self::SigningKeys => "signing keys are rotated",
            Self::AllKeys => "secrets and signing keys are rotated",
        }
    }

    fn rotates_secrets(self) -> bool {
        matches!(self, Self::Secrets | Self::AllKeys)
    }

    async fn happen(self, world: &mut World, scenario: &Scenario) {
        let called = called(scenario);
        if self == Self::Gone {
            for provider in &called {
                world.stop(*provider).await;
                world.restart(*provider).await;
            }
        }
        if self.rotates_secrets() {
            for provider in called.iter().filter(|provider| provider.secret_id().is_some()) {
                world.rotate_secret(*provider);
            }
            world.rotate_password();
        }
        if matches!(self, Self::SigningKeys | Self::AllKeys) {
            world.rotate_signing_key();
        }
        if self == Self::HalfOpen {
            for provider in called {
                world.silence_connections(provider);
            }
        }
    }
}

/// The providers that a function may have connections to.
fn called(scenario: &Scenario) -> Vec<Provider> {
    let mut called = vec![Provider::SecretsManager];
    for call in scenario.calls {
        if !called.contains(&call.provider) {
            called.push(call.provider);
        }
    }
    // These only verify what is signed with LiveKit's keys.
    if matches!(scenario.function, "livekit-webhook" | "guest-auth") {
        called.push(Provider::LiveKit);
    }
    called
}

#[derive(Clone, Copy, Debug)]
struct Row {
    scenario: Scenario,
    pause: Duration,
    meanwhile: Meanwhile,
}

#[derive(Debug, Default)]
struct Seen {
    status: u64,
    single_calls: Option<usize>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_request_after_a_pause_of_a_second_succeeds() {
    table("Pauses of a second", &[1], AT_ONCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes seven minutes"]
async fn the_first_request_after_a_pause_of_minutes_succeeds() {
    table("Pauses of a minute and of 400 seconds", &[400, 60], usize::MAX >> 4).await;
}

async fn table(title: &str, seconds: &[u64], at_once: usize) {
    let mut rows = Vec::new();
    for pause in seconds.iter().copied().map(Duration::from_secs) {
        for scenario in SCENARIOS {
            rows.extend(Meanwhile::ALL.map(|meanwhile| Row { scenario, pause, meanwhile }));
        }
    }
    let columns = ["endpoint", "pause", "meanwhile", "status", "calls that may not be repeated"];
    let mut table = Table::new(title, &columns);
    for (row, seen, outcome) in play(rows, at_once, |row| row.pause.as_secs() > 60, Row::play).await
    {
        let cells = [
            row.scenario.to_string(),
            format!("{} s", row.pause.as_secs()),
            row.meanwhile.name().to_owned(),
            seen.status.to_string(),
            seen.single_calls.map_or_else(String::new, |count| count.to_string()),
        ];
        table.row(cells, outcome);
    }
    table.finish();
}

impl Row {
    async fn play(self) -> Played<Seen> {
        let mut seen = Seen::default();
        let outcome = self.check(&mut seen).await;
        (seen, outcome)
    }

    async fn check(&self, seen: &mut Seen) -> Outcome {
        let Self { scenario, pause, meanwhile } = self;
        let at_desk = desk().await;
        let setup = Setup { identity: scenario.identity, tls: false, stored: true };
        let mut world = World::start(setup).await;
        let function = world.launch(scenario.function).await.map_err(|error| error.to_string())?;
        let answer = Answer::of(&function, &world.request(scenario).await).await;
        succeeded(scenario, &answer).map_err(|was| format!("before the pause: {was}"))?;

        signal(&function, "-STOP");
        meanwhile.happen(&mut world, scenario).await;
        drop(at_desk);
        tokio::time::sleep(*pause).await;
        let at_desk = desk().await;
        // The latest of the session, whose own token may have expired.
        let request = world.request(scenario).await;
        let running = running(&world);
        let single = scenario.calls.iter().find(|call| call.kind.is_single());
        if let Some(call) = single {
            world.forget_requests(call.provider);
        }
        // The other end may have to time out.
        drop(at_desk);
        signal(&function, "-CONT");
        let answer = Answer::of(&function, &request).await;
        seen.status = answer.status();
        succeeded(scenario, &answer)?;
        if let Some(call) = single {
            self.check_single(&world, call, seen)?;
        }
        if scenario.calls.iter().any(|call| call.kind == Kind::Start)
            && self::running(&world) != running + 1
        {
            return Err(format!("{} recordings were started", self::running(&world) - running));
        }
        let answer = Answer::of(&function, &world.request(scenario).await).await;
        succeeded(scenario, &answer).map_err(|was| format!("the request after it: {was}"))
    }

    /// A call that may not be repeated has reached the provider once, or a second time with another key
    /// after the provider had rejected the first.
    fn check_single(&self, world: &World, call: &Call, seen: &mut Seen) -> Outcome {
        let count = world.count(call.provider, call.path);
        seen.single_calls = Some(count);
        let most = if self.meanwhile.rotates_secrets() { 2 } else { 1 };
        if (1..=most).contains(&count) {
            Ok(())
        } else {
            Err(format!("{} was called {count} times", call.path))
        }
    }
}

fn running(world: &World) -> usize {
    world.livekit.egresses().iter().filter(|egress| egress.is_running()).count()
}

/// Sends a signal to a process. The shell has a `kill` of its own, where a small system has no program
/// of that name.
fn signal(function: &Instance, name: &str) {
    let command = format!("kill {name} {}", function.pid());
    let status = Command::new("sh").args(["-c", &command]).status();
    assert!(status.expect("there is a shell").success(), "{command}");
}
