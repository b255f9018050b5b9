//! [`Attack`]: one attempt with its expected outcome, and [`Attacks`]: the table of a subject.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use anteroom_local::instance::Instance;
use anteroom_security::{Outcome, Table};
use anteroom_testing::{Answer, Event, SetCookie};
use serde_json::Value;

use crate::world::{Own, World};

/// How often the log is looked at for a request's line, and the pause between two looks.
const LOOKS: u32 = 10_000;
const PAUSE: Duration = Duration::from_millis(2);

/// What is in every log that says too much: `@` is in every address, `eyJ` begins every token.
const ALWAYS_PRIVATE: [&str; 3] = ["@", "eyJ", "Fe26.2"];

/// Fields of a body whose values are personal or secret.
const PRIVATE_FIELDS: [&str; 13] = [
    "code",
    "conferenceTopic",
    "email",
    "identity",
    "invitation",
    "invitationToken",
    "participant_name",
    "participants",
    "pendingAuthenticationToken",
    "roomId",
    "roomName",
    "state",
    "username",
];

/// A shorter text may be in a log by coincidence.
const MIN_PRIVATE: usize = 6;

/// An attempt and what has to come of it.
pub(crate) struct Attack {
    tried: String,
    event: String,
    path: String,
    own: Own,
    expected: Expected,
    calls: Vec<&'static str>,
    cookies: Vec<String>,
    private: Vec<String>,
}

/// The expected answer.
enum Expected {
    Refused(u64, String),
    Served(u64, &'static str, Check),
}

type Check = Box<dyn Fn(&Value) -> Outcome + Send>;

impl Attack {
    /// An attempt with this request. Without more, it is to be refused before any provider is called.
    pub(crate) fn new(tried: impl Into<String>, event: &Event) -> Self {
        let private = private_parts(event.as_json());
        let text = event.as_json().to_string();
        Self { private, ..Self::text(tried, text, event.path()) }
    }

    /// An attempt with an event given as text, for the endpoint at `path`.
    pub(crate) fn text(tried: impl Into<String>, event: String, path: &str) -> Self {
        Self {
            tried: tried.into(),
            event,
            path: path.to_owned(),
            own: &[],
            expected: Expected::Refused(0, String::new()),
            calls: Vec::new(),
            cookies: Vec::new(),
            private: Vec::new(),
        }
    }

    /// The function has these settings.
    pub(crate) fn with(self, own: Own) -> Self {
        Self { own, ..self }
    }

    /// It gets this status and this message.
    pub(crate) fn refused(self, status: u64, message: impl Into<String>) -> Self {
        Self { expected: Expected::Refused(status, message.into()), ..self }
    }

    /// It gets a success in which the attempt had no effect, which `check` confirms.
    pub(crate) fn served(
        self,
        status: u64,
        without: &'static str,
        check: impl Fn(&Value) -> Outcome + Send + 'static,
    ) -> Self {
        Self { expected: Expected::Served(status, without, Box::new(check)), ..self }
    }

    /// Exactly these calls are made, in any order: some functions make two at once.
    pub(crate) fn calling(self, calls: &[&'static str]) -> Self {
        Self { calls: calls.to_vec(), ..self }
    }

    /// The cookie of this name is cleared.
    pub(crate) fn clearing(mut self, cookie: &str) -> Self {
        self.cookies.push(format!("-{cookie}"));
        self
    }

    /// A cookie of this name, or of one that begins with it and a hyphen, is set.
    pub(crate) fn setting(mut self, cookie: &str) -> Self {
        self.cookies.push(cookie.to_owned());
        self
    }

    /// This may not be in the log either.
    pub(crate) fn hiding(mut self, text: impl Into<String>) -> Self {
        self.private.push(text.into());
        self
    }

    fn cells(&self, endpoint: &str) -> [String; 4] {
        let answer = match &self.expected {
            Expected::Refused(status, message) => format!("{status} {message}"),
            Expected::Served(status, without, _) => format!("{status}, {without}"),
        };
        let calls = match &self.calls[..] {
            [] => "no provider is called".to_owned(),
            calls => format!("only {} is called", calls.join(", ")),
        };
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|cookie| match cookie.strip_prefix('-') {
                Some(name) => format!("{name} is cleared"),
                None => format!("{cookie} is set"),
            })
            .collect();
        let cookies = if cookies.is_empty() { "no cookie".to_owned() } else { cookies.join(", ") };
        [self.tried.clone(), endpoint.to_owned(), answer, format!("{calls}; {cookies}")]
    }

    async fn outcome(&self, world: &World, endpoint: &str) -> Outcome {
        let function = world.function(endpoint, self.own).await;
        let (before, told) = (function.logs().len(), requests_in(&function.logs()));
        world.forget_calls();
        let answer = self.answer(&function).await?;
        let (mut calls, mut expected) = (world.calls(), self.calls.clone());
        self.check_answer(&answer)?;
        calls.sort();
        expected.sort_unstable();
        if calls != expected {
            return Err(format!("calls: {calls:?}"));
        }
        self.check_cookies(&answer.cookies())?;
        let lines = lines_since(&function, before, told).await?;
        self.check_log(world, &lines)
    }

    /// The answer, which must have all required headers and be described in `openapi.yaml`.
    async fn answer(&self, function: &Arc<Instance>) -> Result<Answer, String> {
        let (function, event, path) = (Arc::clone(function), self.event.clone(), self.path.clone());
        let answer =
            tokio::spawn(async move { Answer::of_text(&function, &event, &path).await }).await;
        answer.map_err(|error| match error.try_into_panic() {
            Ok(panic) => format!("no valid answer: {}", text_of(&*panic)),
            Err(error) => error.to_string(),
        })
    }

    fn check_answer(&self, answer: &Answer) -> Outcome {
        match &self.expected {
            Expected::Refused(status, message) => {
                let body = answer.body();
                if answer.status() == *status && body["message"] == **message {
                    return Ok(());
                }
            }
            Expected::Served(status, _, check) => {
                if answer.status() == *status {
                    return check(&answer.body());
                }
            }
        }
        Err(format!("{} {:.300}", answer.status(), answer.text()))
    }

    fn check_cookies(&self, cookies: &[SetCookie]) -> Outcome {
        let is_one = |(expected, cookie): (&String, &SetCookie)| {
            if let Some(name) = expected.strip_prefix('-') {
                return cookie.name == name && cookie.is_cleared();
            }
            let rest = cookie.name.strip_prefix(&**expected);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                && !cookie.value.is_empty()
        };
        let is_right =
            cookies.len() == self.cookies.len() && self.cookies.iter().zip(cookies).all(is_one);
        if is_right { Ok(()) } else { Err(format!("cookies: {cookies:?}")) }
    }

    fn check_log(&self, world: &World, lines: &[String]) -> Outcome {
        let private = self.private.iter().map(String::as_str).chain(ALWAYS_PRIVATE);
        let private: Vec<&str> = private.chain(world.secrets()).collect();
        for line in lines {
            if let Some(found) = private.iter().find(|private| line.contains(**private)) {
                return Err(format!("`{found:.40}` is in the log: {line}"));
            }
            if line.contains("\"message\":\"panic\"") {
                return Err(format!("a panic: {line}"));
            }
        }
        Ok(())
    }
}

/// The log lines of a request, which has one that tells of its answer.
async fn lines_since(
    function: &Instance,
    before: usize,
    told: usize,
) -> Result<Vec<String>, String> {
    for _ in 0..LOOKS {
        let lines = function.logs();
        match requests_in(&lines) - told {
            0 => tokio::time::sleep(PAUSE).await,
            1 => return Ok(lines[before..].to_vec()),
            several => return Err(format!("{several} lines tell of one request")),
        }
    }
    Err("no line tells of the request".to_owned())
}

/// How many of the lines tell of a request's answer.
fn requests_in(lines: &[String]) -> usize {
    let is_one = |line: &&String| {
        line.contains("\"message\":\"answered\"") || line.contains("\"message\":\"refused\"")
    };
    lines.iter().filter(is_one).count()
}

/// The values of a request that may not be in a log: its credentials, and the personal fields of its
/// body.
fn private_parts(event: &Value) -> Vec<String> {
    let authorization = event["headers"]["authorization"].as_str().into_iter();
    let tokens = authorization.filter_map(|value| value.split(' ').next_back()).map(str::to_owned);
    let cookies = event["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let cookies = cookies.filter_map(|cookie| cookie.split_once('=')).map(|(_, it)| it.to_owned());
    let body = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
    let body: Value = body.unwrap_or_default();
    let fields = PRIVATE_FIELDS.into_iter().filter_map(|name| body[name].as_str());
    let fields = fields.map(|value| value.trim().to_owned());
    tokens.chain(cookies).chain(fields).filter(|text| text.len() >= MIN_PRIVATE).collect()
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("{:.400}", text.unwrap_or("a panic"))
}

/// A subject's table.
pub(crate) struct Attacks<'w> {
    world: &'w World,
    table: Table,
}

impl<'w> Attacks<'w> {
    pub(crate) fn new(title: &str, world: &'w World) -> Self {
        Self { world, table: new_table(title) }
    }

    /// Makes the attempt, and adds its row.
    pub(crate) async fn add(&mut self, attack: Attack) {
        let endpoint = self.world.endpoint_at(&attack.path);
        let outcome = attack.outcome(self.world, &endpoint).await;
        self.table.row(attack.cells(&endpoint), outcome);
    }

    /// Makes an attempt that is checked beyond its answer: `after` looks at what it changed.
    pub(crate) async fn add_and(&mut self, attack: Attack, after: impl FnOnce() -> Outcome) {
        let endpoint = self.world.endpoint_at(&attack.path);
        let outcome = attack.outcome(self.world, &endpoint).await.and_then(|()| after());
        self.table.row(attack.cells(&endpoint), outcome);
    }

    /// The finished table.
    pub(crate) fn table(self) -> Table {
        self.table
    }
}

/// A table with the columns of all subjects.
pub(crate) fn new_table(title: &str) -> Table {
    let columns = ["attempt", "endpoint", "answer", "nothing else happens"];
    Table::new(format!("Attacks: {title}"), &columns)
}

/// Fails with the reason unless the condition holds.
pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise()) }
}
