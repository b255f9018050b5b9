//! The playground: a page at `/` that shows every flow in a browser. Only this local gateway serves it;
//! none of it is deployed.
//!
//! The page calls the endpoints on its own origin, as any front end would, with real cookies. What a
//! browser cannot see of a call comes from here, under `/playground/`, which no endpoint uses:
//!
//! | request | response or effect |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /playground/<file>` | its files, in `local/playground` |
//! | `GET /playground/overview` | which providers are real, which endpoints are served |
//! | `GET /playground/exchanges?after=N` | the record since change `N`; waits for a change, twenty seconds at most |
//! | `GET /playground/mailbox` | the e-mails that the stand-ins would have sent |
//! | `GET /playground/participants?room=R` | who is in a room of the stand-in for LiveKit |
//! | `GET /playground/cookies` | the cookies of this request, of which a script cannot read the `HttpOnly` ones |
//! | `GET /playground/outages` | the stand-ins that fail, and how: `{"workos":"down"}` |
//! | `POST /playground/faults` | `{"provider":"workos","fault":"down"}` makes a stand-in fail; `null` ends that |
//! | `POST /playground/codes` | expires every open code of the stand-in for WorkOS |
//! | `POST /playground/access-tokens` | `{"seconds":3}`: how long its access tokens live from now on; absent: as at WorkOS |
//! | `POST /playground/clerk-token` | `{"user":"jane"}`: a session token of the stand-in for Clerk, as Clerk's own script would have it |
//! | `POST /playground/workos-token` | `{"user":"jane"}`: an access token of the stand-in for WorkOS |
//! | `POST /playground/participant` | `{"token":"…","publish":["MICROPHONE"]}` joins a room of the stand-in for LiveKit |
//! | `POST /playground/recordings` | `{"key":"…","count":120}` adds older recordings to the stand-in's bucket, next to this one |
//! | `POST /playground/document` | `{"id":"…"}` creates a room on Liveblocks' local server, open to everybody |
//!
//! **The record** ([`Record`]) holds the latest two hundred requests to the functions in memory: when
//! they came, their method and path, the status, the time, the name and attributes of each cookie set,
//! the function's log lines about them, which include its calls to providers, and the reason if the
//! gateway responded in the function's place. It holds no query, no header, no body and no cookie's value,
//! so a page that reads it learns no secret.
//!
//! **Who may ask.** Any program on this machine can reach a loopback port, and so can any page that the
//! browser shows. Everything requires a `Host` that `cargo dev` has printed, because a name that someone
//! else has pointed at 127.0.0.1 would have our origin (DNS rebinding). Everything except the files
//! also requires the header `x-playground`, which a page of another origin cannot send: the gateway's
//! CORS settings do not list it. If the browser says where a request comes from, that must be this page.

mod answer;
mod overview;
mod record;
mod recordings;
mod rooms;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anteroom_stand_ins::{
    faults::Fault,
    livekit::{LiveKit, TrackSource},
    workos::{ACCESS_TOKEN_SECONDS, WorkOs},
};
use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use record::Record;
pub(crate) use record::cookies_set;

use crate::{
    clock,
    project::Project,
    providers::{Provider, StandIn},
};
use answer::{ForeignPage, Page, file, json_answer, page, problem};
use overview::Overview;
use rooms::DocumentServer;

/// How long a request for the record waits for a change.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The largest body of a request to the playground, in bytes.
const LARGEST_BODY: usize = 16 * 1024;

/// The header that only the playground's own page can send.
const MARK: &str = "x-playground";

/// The page, its files and what it can ask.
pub struct Playground {
    folder: PathBuf,
    hosts: Vec<String>,
    record: Arc<Record>,
    stand_ins: Arc<[StandIn]>,
    overview: Overview,
    documents: Option<DocumentServer>,
    /// The fault of each stand-in that has one, by the provider's word.
    outages: Mutex<BTreeMap<&'static str, FaultName>>,
}

/// The origins at which a gateway on `port` serves the playground. For a browser they are different
/// sites.
pub fn origins(port: u16) -> Vec<String> {
    hosts(port).iter().map(|host| format!("http://{host}")).collect()
}

fn hosts(port: u16) -> Vec<String> {
    // Browsers leave out the default port.
    let port = if port == 80 { String::new() } else { format!(":{port}") };
    ["127.0.0.1", "localhost"].map(|name| format!("{name}{port}")).to_vec()
}

/// Everything that needs a provider's stand-in when there is none.
const NO_STAND_IN: &str = "there is no stand-in for this provider";

const NO_SUCH_USER: &str = "there is no such user";

impl Playground {
    /// The playground of a project at `root` behind a gateway on `port`, or `None` if the project has
    /// no page.
    pub fn of(project: &Project, root: &Path, port: u16, record: Arc<Record>) -> Option<Self> {
        let folder = root.join("local/playground");
        folder.join("index.html").is_file().then(|| Self {
            folder,
            hosts: hosts(port),
            record,
            stand_ins: Arc::clone(project.stand_ins()),
            overview: Overview::of(project),
            documents: DocumentServer::of(project.environment()),
            outages: Mutex::default(),
        })
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    fn outages(&self) -> MutexGuard<'_, BTreeMap<&'static str, FaultName>> {
        self.outages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request that [`is_for_it`] accepts.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let Some(host) = self.host(request.headers()) else {
            return problem(StatusCode::FORBIDDEN, "this page has another address");
        };
        let path = request.uri().path();
        let name = path.strip_prefix("/playground/").unwrap_or_default().to_owned();
        match name.as_str() {
            "" if path == "/" => {
                page(&self.folder, &Page { host, connect: self.overview.addresses() })
            }
            "foreign.html" => page(&self.folder, &ForeignPage { host }),
            name if name.contains('.') => file(&self.folder, name),
            name if is_question(name) || is_action(name) => {
                if !is_own_call(request.headers(), host) {
                    return problem(
                        StatusCode::FORBIDDEN,
                        "only the playground's page may ask this",
                    );
                }
                self.reply(name, request).await
            }
            _ => problem(StatusCode::NOT_FOUND, "Not Found"),
        }
    }

    async fn reply(&self, name: &str, request: Request) -> Response {
        let is_post = *request.method() == Method::POST;
        match name {
            "overview" => json_answer(&self.overview.with_files(&self.folder)),
            "exchanges" => {
                let after = parameter(&request, "after").and_then(|number| number.parse().ok());
                json_answer(&self.record.after(after.unwrap_or(0), LONGEST_WAIT).await)
            }
            "participants" => match self.livekit() {
                Ok(livekit) => {
                    let room = parameter(&request, "room").unwrap_or_default();
                    json_answer(&json!({"participants": livekit.people(&room)}))
                }
                Err(words) => problem(StatusCode::BAD_REQUEST, &words),
            },
            "mailbox" => {
                let mail: Vec<_> = self.stand_ins.iter().flat_map(StandIn::mail).collect();
                json_answer(&json!({"mail": mail}))
            }
            "outages" => json_answer(&*self.outages()),
            "cookies" => json_answer(&json!({"cookies": record::cookies_sent(request.headers())})),
            name if is_post => {
                let name = name.to_owned();
                let Ok(body) = axum::body::to_bytes(request.into_body(), LARGEST_BODY).await else {
                    return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
                };
                match self.act(&name, &body).await {
                    Ok(response) => response,
                    Err(words) => problem(StatusCode::BAD_REQUEST, &words),
                }
            }
            _ => problem(StatusCode::NOT_FOUND, "Not Found"),
        }
    }

    async fn act(&self, name: &str, body: &[u8]) -> Result<Response, String> {
        match name {
            "faults" => {
                let order: FaultOrder = read(body)?;
                let provider: Provider =
                    order.provider.parse().map_err(|error| format!("provider: {error}"))?;
                let stand_in = self.stand_in(provider)?;
                stand_in.set_fault(order.fault.map(FaultName::fault));
                match order.fault {
                    Some(fault) => self.outages().insert(provider.word(), fault),
                    None => self.outages().remove(provider.word()),
                };
            }
            "codes" => self.workos()?.expire_codes(),
            "access-tokens" => {
                let Lifetime { seconds } = read(body)?;
                let seconds = seconds.map_or(ACCESS_TOKEN_SECONDS, i64::from);
                self.workos()?.set_access_token_seconds(seconds);
            }
            "clerk-token" => {
                let User { user } = read(body)?;
                let clerk = self.stand_ins.iter().find_map(StandIn::clerk).ok_or(NO_STAND_IN)?;
                if !overview::CLERK_USERS.iter().any(|(name, _)| *name == user) {
                    return Err(NO_SUCH_USER.to_owned());
                }
                return Ok(json_answer(&json!({"token": clerk.session_token(&user)})));
            }
            "workos-token" => {
                let User { user } = read(body)?;
                let workos = self.workos()?;
                if !workos.has_user(&user) {
                    return Err(NO_SUCH_USER.to_owned());
                }
                return Ok(json_answer(&json!({"token": workos.access_token(&user)})));
            }
            "participant" => {
                let Joining { token, publish } = read(body)?;
                let livekit = self.livekit()?;
                let seat = livekit.join(&token).map_err(|(_, words)| words)?;
                for source in publish {
                    livekit.publish(&seat.room, &seat.identity, source);
                }
                return Ok(json_answer(&json!({"room": seat.room, "identity": seat.identity})));
            }
            "recordings" => {
                let Older { key, count } = read(body)?;
                let bucket = self.stand_ins.iter().find_map(StandIn::bucket).ok_or(NO_STAND_IN)?;
                recordings::add_older(bucket, &key, count, clock::now().into())?;
            }
            "document" => {
                let Document { id } = read(body)?;
                let server = self
                    .documents
                    .as_ref()
                    .ok_or("LIVEBLOCKS_API_URL is no server on this machine")?;
                server.open(&id).await?;
            }
            _ => return Ok(problem(StatusCode::NOT_FOUND, "Not Found")),
        }
        Ok(json_answer(&json!({"done": true})))
    }

    fn stand_in(&self, provider: Provider) -> Result<&StandIn, String> {
        let found = self.stand_ins.iter().find(|stand_in| stand_in.provider == provider);
        found.ok_or_else(|| NO_STAND_IN.to_owned())
    }

    fn workos(&self) -> Result<&WorkOs, String> {
        let found = self.stand_ins.iter().find_map(StandIn::workos);
        found.ok_or_else(|| NO_STAND_IN.to_owned())
    }

    fn livekit(&self) -> Result<&LiveKit, String> {
        let found = self.stand_ins.iter().find_map(StandIn::livekit);
        found.ok_or_else(|| NO_STAND_IN.to_owned())
    }

    /// Which of the printed addresses the request is for.
    fn host(&self, headers: &HeaderMap) -> Option<&str> {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        self.hosts.iter().map(String::as_str).find(|own| host.eq_ignore_ascii_case(own))
    }
}

impl std::fmt::Debug for Playground {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Playground").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// Whether a request is for the playground, unless a function has the path.
pub(crate) fn is_for_it(method: &Method, path: &str) -> bool {
    let reads = *method == Method::GET || *method == Method::HEAD;
    let name = path.strip_prefix("/playground/");
    (reads && path == "/")
        || name.is_some_and(|name| reads || (*method == Method::POST && is_action(name)))
}

fn is_question(name: &str) -> bool {
    ["overview", "exchanges", "mailbox", "participants", "outages", "cookies"].contains(&name)
}

fn is_action(name: &str) -> bool {
    [
        "faults",
        "codes",
        "access-tokens",
        "clerk-token",
        "workos-token",
        "participant",
        "recordings",
        "document",
    ]
    .contains(&name)
}

/// The first parameter of that name in a request's query.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    parameters.find_map(|(other, value)| (other == name).then(|| value.into_owned()))
}

/// Whether the playground's page sent this, as far as the browser says.
fn is_own_call(headers: &HeaderMap, host: &str) -> bool {
    let own = format!("http://{host}");
    headers.contains_key(MARK)
        && headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin")
        && headers.get(header::ORIGIN).is_none_or(|origin| origin.as_bytes() == own.as_bytes())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct FaultOrder {
    provider: String,
    fault: Option<FaultName>,
}

/// The faults that the page offers.
#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum FaultName {
    Down,
    Slow,
    RateLimited,
    Failing,
    Garbage,
}

impl FaultName {
    fn fault(self) -> Fault {
        match self {
            Self::Down => Fault::Down,
            Self::Slow => Fault::Slow(Duration::from_secs(2)),
            Self::RateLimited => Fault::Limiting { retry_after: Some(7) },
            Self::Failing => Fault::Failing(503),
            Self::Garbage => Fault::Garbage,
        }
    }
}

#[derive(Deserialize)]
struct Lifetime {
    seconds: Option<u16>,
}

#[derive(Deserialize)]
struct User {
    user: String,
}

/// Somebody who joins a room of the stand-in for LiveKit.
#[derive(Deserialize)]
struct Joining {
    token: String,
    #[serde(default)]
    publish: Vec<TrackSource>,
}

/// Recordings that are older than the one with this key.
#[derive(Deserialize)]
struct Older {
    key: String,
    count: u16,
}

#[derive(Deserialize)]
struct Document {
    id: String,
}

/// An empty body of a response to `HEAD`, which has the headers of the one to `GET`.
pub(crate) fn without_body(response: Response) -> Response {
    response.map(|_| Body::empty())
}
