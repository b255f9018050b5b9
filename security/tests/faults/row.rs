//! One row of the matrix: a process of a function whose provider fails and recovers.

use anteroom_local::instance::Instance;
use anteroom_security::scenario::{Call, Kind, Scenario};
use anteroom_security::world::{Setup, World, succeeded};
use anteroom_security::{Outcome, Played, desk};
use anteroom_stand_ins::faults::REDIRECTED;
use anteroom_testing::Answer;
use anteroom_testing::sessions::COOKIE;
use serde_json::Value;

use crate::expected::Expected;
use crate::trouble::{Trouble, WAIT};

/// A way of calling an endpoint, one of its calls, and how that fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) call: Call,
    pub(crate) trouble: Trouble,
}

/// What happened, for the table.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The status during the failure.
    pub(crate) status: u64,
    /// `Retry-After`.
    pub(crate) wait: String,
    /// What happened to the session cookie.
    pub(crate) cookie: &'static str,
    /// How many requests reached the provider.
    pub(crate) calls: usize,
    /// The level of the request's log line.
    pub(crate) level: String,
}

impl Row {
    /// Plays it, and compares it with the contract.
    pub(crate) async fn play(self) -> Played<Seen> {
        let mut seen = Seen::default();
        let outcome = self.check(&mut seen).await;
        (seen, outcome)
    }

    async fn check(&self, seen: &mut Seen) -> Outcome {
        let Self { scenario, call, trouble } = self;
        let stored = call.kind == Kind::Secrets;
        let mut at_desk = Some(desk().await);
        let setup = Setup { identity: scenario.identity, tls: trouble.is_about_tls(), stored };
        let world = World::start(setup).await;
        let expected = Expected::of(scenario, call, *trouble);
        let mut statuses = Vec::new();

        let at_start = matches!(call.kind, Kind::Keys | Kind::Secrets);
        let waits = trouble.takes_long() || call.kind == Kind::Start;
        let function = if at_start {
            trouble.begin(&world, call).await;
            // The start waits as well.
            at_desk = at_desk.filter(|_| !waits);
            launched(&world, scenario).await?
        } else {
            let function = launched(&world, scenario).await?;
            let answer = Answer::of(&function, &world.request(scenario).await).await;
            succeeded(scenario, &answer).map_err(|was| format!("before the failure: {was}"))?;
            statuses.push(answer.status());
            function
        };
        let request = world.request(scenario).await;
        at_desk = at_desk.filter(|_| !waits);
        if !at_start {
            trouble.begin(&world, call).await;
        }
        world.forget_requests(call.provider);
        let answer = Answer::of(&function, &request).await;
        statuses.push(answer.status());
        seen.note(&world, call, scenario, &answer);
        trouble.end(&world, call).await;
        self.check_answer(&world, &expected, seen, &answer)?;

        // WorkOS gives a session's new tokens out again for half a minute, which the longest request uses
        // up.
        let is_session = matches!(call.kind, Kind::Refresh | Kind::EarlyRefresh | Kind::Keys)
            && (*trouble != Trouble::Drip || scenario.function != "start-recording");
        let is_success = answer.status() == scenario.success();
        let again = if is_success || trouble.is_carried_out() && !is_session {
            world.request(scenario).await
        } else {
            // Nothing is lost: the same code, cookie or token still works.
            world.workos.lift_limits();
            request
        };
        let answer = Answer::of(&function, &again).await;
        statuses.push(answer.status());
        succeeded(scenario, &answer).map_err(|was| format!("after the recovery: {was}"))?;
        let lines = function.stop().await;
        drop(at_desk);
        self.check_log(&world, &statuses, seen, &lines)
    }

    fn check_answer(
        &self,
        world: &World,
        expected: &Expected,
        seen: &Seen,
        answer: &Answer,
    ) -> Outcome {
        let Self { scenario, call, trouble } = self;
        if !expected.statuses.contains(&seen.status) {
            return Err(format!("not {:?}: {}", expected.statuses, answer.text()));
        }
        let wait = if expected.waits { WAIT } else { "" };
        if seen.wait != wait {
            return Err(format!("Retry-After is {:?}", seen.wait));
        }
        if !expected.calls.contains(&seen.calls) {
            return Err(format!("{} calls, not {:?}", seen.calls, expected.calls));
        }
        if *trouble == Trouble::Redirect && world.count(call.provider, REDIRECTED) > 0 {
            return Err("the redirect was followed".to_owned());
        }
        let is_success = seen.status == scenario.success();
        let message = match seen.status {
            _ if is_success => "",
            502 => "A service we depend on returned an unusable response",
            503 => "A service we depend on is not responding. Try again shortly",
            _ => "Too many attempts. ",
        };
        if !is_success && !answer.refusal().1.starts_with(message) {
            return Err(answer.text().to_owned());
        }
        let is_refreshed = match call.kind {
            Kind::Refresh => is_success,
            // An early refresh may succeed before its response is lost.
            Kind::EarlyRefresh => seen.cookie == "set" && trouble.is_carried_out(),
            _ => expected.sends_cookie || is_success && seen.cookie != "kept",
        };
        if seen.cookie == "sent another" || (seen.cookie != "kept") != is_refreshed {
            return Err(format!("the session's cookie is {}", seen.cookie));
        }
        if call.kind == Kind::Start {
            let running = world.livekit.egresses().iter().filter(|it| it.is_running()).count();
            // The one before the failure, and at most one more.
            let most = if is_success { 2 } else { 1 };
            if running > most {
                return Err(format!("{running} recordings are running"));
            }
        }
        Ok(())
    }

    /// Each request has one line with its status, at the right level; the failed one names the
    /// provider; and nothing is private.
    fn check_log(
        &self,
        world: &World,
        statuses: &[u64],
        seen: &mut Seen,
        lines: &[String],
    ) -> Outcome {
        let lines: Vec<Value> =
            lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let ends: Vec<_> = lines
            .iter()
            .filter(|line| line["message"] == "answered" || line["message"] == "refused")
            .collect();
        let logged: Vec<_> = ends.iter().filter_map(|line| line["status"].as_u64()).collect();
        if logged != statuses {
            return Err(format!("the log has the statuses {logged:?}"));
        }
        let end = ends[ends.len() - 2];
        end["level"].as_str().unwrap_or_default().clone_into(&mut seen.level);
        let level = if seen.status >= 501 { "WARN" } else { "INFO" };
        if seen.level != level {
            return Err(format!("the line's level is {}", seen.level));
        }
        let text: String = lines.iter().map(Value::to_string).collect();
        let provider = match self.call.kind {
            Kind::Secrets => "Secrets Manager".to_owned(),
            _ => self.call.provider.name().to_lowercase(),
        };
        let detail = end["detail"].as_str().unwrap_or_default();
        if seen.status >= 501 && !detail.contains(&provider) && detail != "the request timed out" {
            return Err(format!("the line says {detail:?}"));
        }
        match world.private().iter().find(|private| text.contains(*private)) {
            Some(private) => Err(format!("{private} is in the log")),
            None => Ok(()),
        }
    }
}

impl Seen {
    fn note(&mut self, world: &World, call: &Call, scenario: &Scenario, answer: &Answer) {
        self.status = answer.status();
        answer.header("retry-after").unwrap_or_default().clone_into(&mut self.wait);
        self.calls = world.count(call.provider, call.path);
        self.cookie = cookie_in(answer, scenario);
    }
}

/// What an answer does to the session's cookie. A failure sends no other cookie.
pub(crate) fn cookie_in(answer: &Answer, scenario: &Scenario) -> &'static str {
    let cookies = answer.cookies();
    match cookies.iter().find(|cookie| cookie.name == COOKIE) {
        None if cookies.is_empty() || answer.status() == scenario.success() => "kept",
        None => "sent another",
        Some(cookie) if cookie.is_cleared() => "cleared",
        Some(_) => "set",
    }
}

async fn launched(world: &World, scenario: &Scenario) -> Result<Instance, String> {
    world.launch(scenario.function).await.map_err(|error| error.to_string())
}
