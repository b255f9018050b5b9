//! What the gateway and the functions know about each request, for a while.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::clock;

/// How many requests are kept.
const KEPT: usize = 200;

/// How many log lines are kept of each.
const KEPT_LINES: usize = 60;

/// The latest requests, and a number that grows with every change to them.
#[derive(Debug)]
pub struct Record {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    number: u64,
    exchanges: VecDeque<Exchange>,
}

/// A request to a function and its response, without anything secret.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Exchange {
    /// The request's id at the gateway, which the response has as `apigw-requestid`.
    request_id: String,
    /// The request's id at the function, which its log lines have.
    #[serde(skip)]
    invocation: Uuid,
    /// The number of the last change to this entry.
    change: u64,
    /// In milliseconds since the Unix epoch.
    at: u64,
    method: String,
    path: String,
    function: String,
    /// Absent until there is a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// From the request to the response, with the start of a process if one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<f64>,
    /// Why the gateway responded in the function's place. Absent if the function did.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    cookies: Vec<CookieSet>,
    lines: Vec<Value>,
}

/// A cookie that a response sets or clears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CookieSet {
    name: String,
    /// The length of its value, in bytes; 0 for a cookie that is cleared.
    length: usize,
    /// Such as `HttpOnly` and `Max-Age=600`.
    attributes: Vec<String>,
}

/// A request whose response is not known yet.
#[derive(Debug)]
pub(crate) struct Begun {
    invocation: Uuid,
    at: Instant,
}

impl Default for Record {
    fn default() -> Self {
        Self { state: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Record {
    pub(crate) fn begin(
        &self,
        (method, path): (&str, &str),
        function: &str,
        request_id: &str,
        invocation: Uuid,
    ) -> Begun {
        let mut state = self.lock();
        if state.exchanges.len() == KEPT {
            state.exchanges.pop_front();
        }
        state.exchanges.push_back(Exchange {
            request_id: request_id.to_owned(),
            invocation,
            change: 0,
            at: u64::try_from(clock::unix_milliseconds()).unwrap_or_default(),
            method: method.to_owned(),
            path: path.to_owned(),
            function: function.to_owned(),
            status: None,
            milliseconds: None,
            problem: None,
            cookies: Vec::new(),
            lines: Vec::new(),
        });
        drop(state);
        self.change(invocation, |_| {});
        Begun { invocation, at: Instant::now() }
    }

    pub(crate) fn end(
        &self,
        begun: &Begun,
        status: u16,
        cookies: Vec<CookieSet>,
        problem: Option<String>,
    ) {
        let milliseconds = (begun.at.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        self.change(begun.invocation, |exchange| {
            exchange.status = Some(status);
            exchange.milliseconds = Some(milliseconds);
            exchange.problem = problem;
            exchange.cookies = cookies;
        });
    }

    /// Keeps a function's log line, if it is about a request. Leaves out metrics.
    pub fn log(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return };
        let id = [line.get("requestId"), line.pointer("/span/requestId")];
        let id = id.into_iter().flatten().find_map(Value::as_str);
        let Some(invocation) = id.and_then(|id| id.parse().ok()) else { return };
        if line.get("_aws").is_some() {
            return;
        }
        self.change(invocation, |exchange| {
            if exchange.lines.len() < KEPT_LINES {
                exchange.lines.push(line);
            }
        });
    }

    /// The entries that have changed since the change with this number, oldest first. If there are
    /// none, waits for the next change.
    pub(super) async fn after(&self, number: u64, longest: Duration) -> Value {
        let mut latest = self.changes.subscribe();
        // A number from before a restart is larger than any of ours.
        let number = if number > *latest.borrow() { 0 } else { number };
        // An error is the timeout: then nothing has changed.
        let _ = timeout(longest, latest.wait_for(|latest| *latest > number)).await;
        let state = self.lock();
        let changed: Vec<_> =
            state.exchanges.iter().filter(|exchange| exchange.change > number).collect();
        json!({"number": state.number, "exchanges": changed})
    }

    fn change(&self, invocation: Uuid, change: impl FnOnce(&mut Exchange)) {
        let mut state = self.lock();
        state.number += 1;
        let number = state.number;
        let mut latest = state.exchanges.iter_mut().rev();
        if let Some(exchange) = latest.find(|exchange| exchange.invocation == invocation) {
            change(exchange);
            exchange.change = number;
        }
        // While the state is locked, so that the number never goes back.
        self.changes.send_replace(number);
        drop(state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cookies that a response sets, without their values.
pub(crate) fn cookies_set(headers: &HeaderMap) -> Vec<CookieSet> {
    let cookies = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| {
        let mut parts = value.to_str().ok()?.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let attributes = parts.map(str::to_owned).collect();
        Some(CookieSet { name: name.to_owned(), length: value.len(), attributes })
    });
    cookies.collect()
}

/// The cookies of a request, for the browser that sent them.
pub(super) fn cookies_sent(headers: &HeaderMap) -> Vec<Value> {
    let headers = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = headers.flat_map(|header| header.split(';'));
    cookies
        .filter_map(|cookie| cookie.trim().split_once('='))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    fn begin(record: &Record, path: &str) -> (Begun, Uuid) {
        let invocation = Uuid::new_v4();
        (record.begin(("POST", path), "sign-in", "a-request", invocation), invocation)
    }

    #[tokio::test]
    async fn joins_a_request_with_its_log_lines_and_cookies() {
        let record = Record::default();
        let (begun, invocation) = begin(&record, "/auth/sign-in");
        record.log(&format!(
            r#"{{"message":"provider call","provider":"WorkOS","span":{{"requestId":"{invocation}"}}}}"#
        ));
        record.log(&format!(r#"{{"message":"answered","requestId":"{invocation}"}}"#));
        record.log(&format!(r#"{{"_aws":{{}},"requestId":"{invocation}"}}"#));
        record.log(r#"{"message":"starting"}"#);
        record.log("not JSON");
        let mut headers = HeaderMap::new();
        let cookie = "wos-session=Fe26.2**secret; Path=/; HttpOnly; SameSite=Lax";
        headers.append(header::SET_COOKIE, cookie.parse().expect("a header"));
        headers.append(header::SET_COOKIE, "gone=; Max-Age=0".parse().expect("a header"));
        record.end(&begun, 200, cookies_set(&headers), None);

        let answer = record.after(0, SOON).await;
        let exchange = &answer["exchanges"][0];
        assert_eq!(exchange["path"], "/auth/sign-in");
        assert_eq!(exchange["status"], 200);
        assert_eq!(exchange.get("problem"), None);
        let messages: Vec<_> =
            exchange["lines"].as_array().expect("lines").iter().map(|it| &it["message"]).collect();
        assert_eq!(messages, ["provider call", "answered"]);
        let cookies = &exchange["cookies"];
        assert_eq!(cookies[0]["attributes"], json!(["Path=/", "HttpOnly", "SameSite=Lax"]));
        assert_eq!(cookies[0]["length"], "Fe26.2**secret".len());
        assert_eq!(cookies[1]["length"], 0);
        assert!(!answer.to_string().contains("Fe26"), "{answer}");
    }

    #[tokio::test]
    async fn says_why_the_gateway_responded_in_the_functions_place() {
        let record = Record::default();
        let (begun, _) = begin(&record, "/auth/sign-in");
        let problem = "sign-in cannot start: CLERK_SECRET_KEY is missing".to_owned();
        record.end(&begun, 500, vec![], Some(problem.clone()));
        assert_eq!(record.after(0, SOON).await["exchanges"][0]["problem"], problem);
    }

    #[tokio::test]
    async fn gives_what_has_changed_and_waits_for_it() {
        let record = Record::default();
        let (first, _) = begin(&record, "/first");
        let seen = record.after(0, SOON).await["number"].as_u64().expect("a number");
        let nothing = record.after(seen, SOON).await;
        assert_eq!(nothing["exchanges"], json!([]));

        let (changed, ()) = tokio::join!(record.after(seen, Duration::from_secs(5)), async {
            record.end(&first, 204, vec![], None);
        });
        assert_eq!(changed["exchanges"][0]["status"], 204);
        let restarted = record.after(1_000_000, SOON).await;
        assert_eq!(restarted["exchanges"][0]["path"], "/first");
    }

    #[tokio::test]
    async fn keeps_the_latest_requests_and_lines() {
        let record = Record::default();
        for number in 0..=KEPT {
            begin(&record, &format!("/{number}"));
        }
        let (_, invocation) = begin(&record, "/last");
        for _ in 0..=KEPT_LINES {
            record.log(&format!(r#"{{"message":"again","requestId":"{invocation}"}}"#));
        }
        let answer = record.after(0, SOON).await;
        let exchanges = answer["exchanges"].as_array().expect("a list");
        assert_eq!(exchanges.len(), KEPT);
        let last = exchanges.last().expect("the latest");
        assert_eq!(last["path"], "/last");
        assert_eq!(last["lines"].as_array().expect("lines").len(), KEPT_LINES);
    }

    #[test]
    fn shows_a_browser_its_own_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; b=x=y".parse().expect("a header"));
        let cookies = cookies_sent(&headers);
        assert_eq!(
            cookies,
            [json!({"name": "a", "value": "1"}), json!({"name": "b", "value": "x=y"})]
        );
    }
}
