//! [`Browser`]: sends requests, keeps cookies, and checks every answer.

use std::collections::BTreeMap;
use std::time::Duration;

use anteroom_testing::PAGE;
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::Load;

/// The pause before a request, so that the load is bounded.
const PAUSE: Duration = Duration::from_millis(120);

/// The statuses that an outage excuses.
const OUTAGE: [u16; 3] = [429, 502, 503];

/// A request, and what it depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Its name in the table: the endpoint, and what is wrong with it if anything.
    pub(crate) name: &'static str,
    /// The method.
    pub(crate) method: &'static str,
    /// The path.
    pub(crate) path: &'static str,
    /// The providers without which it fails.
    pub(crate) needs: &'static [&'static str],
    /// The right status.
    pub(crate) status: u16,
}

/// A browser at the application's page.
pub(crate) struct Browser<'l> {
    load: &'l Load,
    cookies: BTreeMap<String, String>,
    /// A token for the header, if there is one.
    pub(crate) bearer: Option<String>,
    /// The page that sends the requests.
    pub(crate) origin: &'static str,
}

impl<'l> Browser<'l> {
    pub(crate) fn new(load: &'l Load) -> Self {
        Self { load, cookies: BTreeMap::new(), bearer: None, origin: PAGE }
    }

    /// The body of the right answer; `None` if an outage excuses another, or if the answer was wrong,
    /// which is counted.
    pub(crate) async fn send(&mut self, request: &Request, input: &Value) -> Option<Value> {
        let body = if request.method == "GET" { String::new() } else { input.to_string() };
        let query = if request.method == "GET" { query(input) } else { String::new() };
        self.send_text(request, &query, body).await
    }

    /// The same with a body as text.
    pub(crate) async fn send_text(
        &mut self,
        request: &Request,
        query: &str,
        body: String,
    ) -> Option<Value> {
        sleep(PAUSE).await;
        let url = format!("{}{}{query}", self.load.dev.url, request.path);
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
        let mut sent = self.load.client.request(method, url).header(header::ORIGIN, self.origin);
        if !body.is_empty() {
            sent = sent.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        if let Some(token) = &self.bearer {
            sent = sent.bearer_auth(token);
        }
        if !self.cookies.is_empty() {
            let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            sent = sent.header(header::COOKIE, pairs.collect::<Vec<_>>().join("; "));
        }
        let from = Instant::now();
        let answer = match sent.send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.load.wrong(format!("{}: {}", request.name, error.without_url()));
                return None;
            }
        };
        self.keep_cookies(&answer);
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        let until = Instant::now();
        if status == request.status {
            self.load.figures.add(request.name, until - from, false);
            return Some(body);
        }
        let outages = &self.load.outages;
        if OUTAGE.contains(&status) && outages.overlap(request.needs, from, until) {
            self.load.figures.add(request.name, until - from, true);
        } else {
            self.load.wrong(format!("{}: {status} {body}", request.name));
        }
        None
    }

    fn keep_cookies(&mut self, answer: &Response) {
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        for cookie in cookies.filter_map(|cookie| cookie.to_str().ok()) {
            let Some((name, rest)) = cookie.split_once('=') else { continue };
            let value = rest.split(';').next().unwrap_or_default();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The text that a stand-in has at a path that only stand-ins have.
    pub(crate) async fn dev(&self, provider: &str, path: &str) -> String {
        let url = format!("{}{path}", self.load.dev.stand_in(provider));
        match self.load.client.get(url).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Opens a room at LiveKit with somebody in it.
    pub(crate) async fn open_room(&self, name: &str) {
        let url = format!("{}/dev/rooms", self.load.dev.stand_in("LiveKit"));
        let body = json!({"name": name, "participants": 1}).to_string();
        let _ = self.load.client.post(url).body(body).send().await;
    }

    /// Signs in at a page of WorkOS's, and gives the code and the state that come back. `None` while
    /// WorkOS fails.
    pub(crate) async fn visit(&self, page: &str, user: &str) -> Option<(String, String)> {
        let answer = self.load.client.get(format!("{page}&user={user}")).send().await.ok()?;
        let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
        let callback = url::Url::parse(location).ok()?;
        let value = |name: &str| {
            callback.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        Some((value("code")?, value("state")?))
    }
}

fn query(input: &Value) -> String {
    let fields = input.as_object().into_iter().flatten();
    let fields = fields.filter_map(|(name, value)| Some((name, value.as_str()?)));
    let mut query = url::form_urlencoded::Serializer::new("?".to_owned());
    query.extend_pairs(fields);
    query.finish()
}
