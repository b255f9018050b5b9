//! Providers whose clock is ten minutes ahead or behind.

use anteroom_security::scenario::{Kind, Provider, SCENARIOS, SECRETS, Scenario, Way};
use anteroom_security::world::{Setup, World, succeeded};
use anteroom_security::{Outcome, Played, Table, desk, play};
use anteroom_stand_ins::faults::Fault;
use anteroom_testing::{Answer, Identity};

use crate::AT_ONCE;
use crate::row::cookie_in;

/// Ten minutes.
const OFF_BY: i64 = 10 * 60;

/// Whose clock is wrong, and what it dates.
#[derive(Clone, Copy, Debug)]
enum Skew {
    /// A provider's, in everything that it does.
    Of(Provider),
    /// The identity provider's, when it issued the session's token.
    Token,
    /// The same, with a token that says from when it is valid.
    TokenWithStart,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    scenario: Scenario,
    skew: Skew,
    ahead: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_by_ten_minutes_ends_no_session() {
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        for skew in skews(&scenario) {
            rows.extend([OFF_BY, -OFF_BY].map(|ahead| Row { scenario, skew, ahead }));
        }
    }
    let columns = ["endpoint", "whose clock", "minutes", "status", "cookie"];
    let mut table = Table::new("Wrong clocks", &columns);
    for (row, seen, outcome) in play(rows, AT_ONCE, |_| false, Row::play).await {
        let whose = match row.skew {
            Skew::Of(provider) => provider.name(),
            Skew::Token => "the token's",
            Skew::TokenWithStart => "the token's, with nbf",
        };
        let minutes = format!("{:+}", row.ahead / 60);
        let (status, cookie) = seen;
        table.row([row.scenario.to_string(), whose.to_owned(), minutes, status, cookie], outcome);
    }
    table.finish();
}

fn skews(scenario: &Scenario) -> Vec<Skew> {
    let mut skews = Vec::new();
    for call in scenario.calls.iter().filter(|call| call.kind != Kind::Keys) {
        if !skews.iter().any(|it| matches!(it, Skew::Of(known) if *known == call.provider)) {
            skews.push(Skew::Of(call.provider));
        }
    }
    if SCENARIOS.iter().find(|other| other.function == scenario.function) == Some(scenario) {
        skews.push(Skew::Of(SECRETS.provider));
    }
    match (scenario.identity, scenario.way) {
        (Identity::WorkOs, Way::Cookie | Way::Bearer) => {
            skews.extend([Skew::Token, Skew::TokenWithStart]);
        }
        (Identity::Clerk, _) => skews.push(Skew::Token),
        _ => {}
    }
    skews
}

impl Row {
    async fn play(self) -> Played<(String, String)> {
        let _desk = desk().await;
        let mut seen = (String::new(), String::new());
        let outcome = self.check(&mut seen).await;
        (seen, outcome)
    }

    async fn check(&self, seen: &mut (String, String)) -> Outcome {
        let Self { scenario, skew, ahead } = self;
        let provider = match skew {
            Skew::Of(provider) => Some(*provider),
            _ => None,
        };
        let stored = provider == Some(Provider::SecretsManager);
        let world = World::start(Setup { identity: scenario.identity, tls: false, stored }).await;
        if let Some(provider) = provider.filter(|_| stored) {
            world.inject(provider, Fault::Clock(*ahead));
        }
        let function = world.launch(scenario.function).await.map_err(|error| error.to_string())?;
        let request = match skew {
            Skew::Of(provider) => {
                let request = world.request(scenario).await;
                world.inject(*provider, Fault::Clock(*ahead));
                request
            }
            Skew::Token => world.request_dated(scenario, *ahead, false).await,
            Skew::TokenWithStart => world.request_dated(scenario, *ahead, true).await,
        };
        let answer = Answer::of(&function, &request).await;
        if let Some(provider) = provider {
            world.clear_faults(provider);
        }
        *seen = (answer.status().to_string(), cookie_in(&answer, scenario).to_owned());
        let (status, cookie) = self.expected();
        if answer.status() != status {
            return Err(format!("not {status}: {}", answer.text()));
        }
        if cookie.is_some_and(|cookie| seen.1 != cookie) {
            return Err(format!("the cookie is {}", seen.1));
        }
        let answer = Answer::of(&function, &world.request(scenario).await).await;
        succeeded(scenario, &answer).map_err(|was| format!("afterward: {was}"))
    }

    /// The status, and what happens to the session's cookie if that matters.
    fn expected(&self) -> (u64, Option<&'static str>) {
        let Self { scenario, skew, ahead } = self;
        let (success, is_ahead) = (scenario.success(), *ahead > 0);
        match (skew, scenario.way) {
            // WorkOS's new token has expired on arrival: nonsense, which does not end the session.
            (Skew::Of(Provider::WorkOs), Way::Due) if !is_ahead => (502, Some("kept")),
            (Skew::Of(Provider::WorkOs), Way::Early) if !is_ahead => (success, Some("kept")),
            (Skew::Of(Provider::WorkOs), Way::Due | Way::Early) => (success, Some("set")),
            (Skew::Of(Provider::WorkOs), Way::Cookie)
                if scenario.function == "switch-organization" =>
            {
                if is_ahead {
                    (success, Some("set"))
                } else {
                    (502, Some("kept"))
                }
            }
            // The code has expired at WorkOS.
            (Skew::Of(Provider::WorkOs), _) if is_ahead && redeems(scenario) => (401, Some("kept")),
            // They reject what we sign, as they reject a wrong key.
            (Skew::Of(Provider::LiveKit | Provider::EventBridge), _) => (502, None),
            // S3 allows for fifteen minutes. The others compare no dates.
            (Skew::Of(provider), _) if *provider != Provider::SecretsManager => (success, None),
            // When a token was issued rejects none. Until it is valid, nobody can tell.
            (Skew::Of(_), _) => (503, Some("kept")),
            (Skew::TokenWithStart, _) if is_ahead => (503, Some("kept")),
            (_, _) if scenario.identity == Identity::Clerk => match scenario.function {
                "liveblocks-auth" if !is_ahead => (404, Some("kept")),
                _ => (401, Some("kept")),
            },
            // It has expired.
            (_, Way::Bearer) if !is_ahead && scenario.function == "liveblocks-auth" => {
                (404, Some("kept"))
            }
            (_, Way::Bearer) if !is_ahead => (401, Some("kept")),
            (_, Way::Cookie) if !is_ahead && scenario.function != "sign-out" => {
                (success, Some("set"))
            }
            _ => (success, None),
        }
    }
}

/// Whether the endpoint redeems something that was issued before.
fn redeems(scenario: &Scenario) -> bool {
    matches!(scenario.function, "finalize-oauth" | "finalize-magic-auth" | "select-organization")
}
