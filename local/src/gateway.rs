//! The gateway: an HTTP server that behaves like an API Gateway HTTP API.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>. Routes match
//! exactly, the function gets an event of payload format 2.0, and the gateway itself handles
//! preflights and CORS headers. Errors are the same as the real gateway's:
//!
//! | status | body's `message` | when |
//! |---|---|---|
//! | 403 | `Forbidden: …` | the `Host` is not this machine (only this gateway checks that) |
//! | 404 | `Not Found` | no route has this method and path |
//! | 413 | `Request Entity Too Large` | the body is over 10 MB |
//! | 431 | `Request Header Fields Too Large` | the request line and the values of the headers have over 10,240 bytes |
//! | 500 | `Internal Server Error` | the event is over Lambda's 6 MB, which a body in base64 reaches at about 4.5 MB |
//! | 500 | `Internal Server Error` | the function failed, crashed or sent an invalid response |
//! | 503 | `Service Unavailable` | the function exceeded its timeout, or thirty seconds |
//!
//! API Gateway's documentation has the limit for 431 but no status; this one is RFC 6585's. The real
//! gateway also has no 500 that reports a failed build, and no [playground](crate::playground).

mod answer;
mod cors;
mod event;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request, State},
    response::Response,
    serve::ListenerExt,
};
use http::{HeaderValue, StatusCode, request::Parts};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    task::{JoinError, JoinHandle},
};
use uuid::Uuid;

pub use cors::Cors;

use crate::{
    function::{Function, RunFailure},
    instance::InvocationError,
    loopback::{only_for_this_machine, send_at_once},
    playground::{Playground, Record, cookies_set, is_for_it, without_body},
    template::Route,
    workspace::BuildError,
};

/// An HTTP API's timeout for a function.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The largest request body that an HTTP API accepts, in bytes (same page).
const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// The most bytes that the request line and the values of the headers may have together (same page).
const LARGEST_HEAD: usize = 10_240;

/// The size from which Lambda rejects an event, in bytes. Its error says "Request must be smaller than
/// 6291456 bytes for the `InvokeFunction` operation"; its documentation says 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const TOO_LARGE_EVENT: usize = 6 * 1024 * 1024;

/// A running gateway. It stops listening when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// The routes of an HTTP API and the function behind each.
pub type Routes = Vec<(Route, Arc<Function>)>;

/// The state shared by all requests.
struct Api {
    routes: Routes,
    cors: Cors,
    playground: Option<Playground>,
}

impl Gateway {
    /// Serves the routes at `address`; port 0 means any free port.
    pub async fn start(address: SocketAddr, routes: Routes, cors: Cors) -> io::Result<Self> {
        Self::serve(TcpListener::bind(address).await?, routes, cors, None)
    }

    /// Serves the routes, and the playground under the paths that no route has.
    pub fn serve(
        listener: TcpListener,
        routes: Routes,
        cors: Cors,
        playground: Option<Playground>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let service = Router::new()
            .fallback(serve)
            .with_state(Arc::new(Api { routes, cors, playground }))
            .layer(axum::middleware::from_fn(only_for_this_machine))
            .into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move {
            // Accept errors are retried internally; there are no others.
            let _ = axum::serve(listener.tap_io(send_at_once), service).await;
        });
        Ok(Self { address, server })
    }

    /// The address without a trailing slash, such as `http://127.0.0.1:3000`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if let Some(preflight) = api.cors.preflight(request.method(), request.headers()) {
        return preflight;
    }
    if let Some(playground) = api.playground_for(&request) {
        let is_head = request.method() == http::Method::HEAD;
        let response = playground.answer(request).await;
        return if is_head { without_body(response) } else { response };
    }
    let headers = request.headers().clone();
    let mut response = api.answer(peer, request).await;
    api.cors.apply(&headers, response.headers_mut());
    response
}

impl Api {
    async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let Some((route, function)) = self.find(&parts) else {
            return answer::message(StatusCode::NOT_FOUND, "Not Found");
        };
        if size_of_head(&parts) > LARGEST_HEAD {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return answer::message(status, "Request Header Fields Too Large");
        }
        let Some(body) = read(body).await else {
            return answer::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let request_id = Uuid::new_v4().to_string();
        let call = Call {
            function: Arc::clone(function),
            event: event::of_request(route, &parts, &body, peer, &request_id),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            request_id: request_id.clone(),
            record: self.playground.as_ref().map(Playground::record).cloned(),
        };
        // As at Lambda, it finishes even if the client has disconnected.
        let mut response = match tokio::spawn(call.answer()).await {
            Ok(response) => response,
            Err(panic) => Failure::from(panic).reported_by(function),
        };
        if let Ok(id) = request_id.parse() {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    /// The playground, if the request is for it and not for a route.
    fn playground_for(&self, request: &Request) -> Option<&Playground> {
        let has_route = self.routes.iter().any(|(route, _)| route.path == request.uri().path());
        let playground = self.playground.as_ref().filter(|_| !has_route)?;
        is_for_it(request.method(), request.uri().path()).then_some(playground)
    }

    /// The function for the path. A route with a method takes precedence over one for any method.
    fn find(&self, request: &Parts) -> Option<(&Route, &Arc<Function>)> {
        let of_method = |method: Option<&http::Method>| {
            self.routes.iter().find(|(route, _)| {
                route.path == request.uri.path() && route.method.as_ref() == method
            })
        };
        of_method(Some(&request.method))
            .or_else(|| of_method(None))
            .map(|(route, function)| (route, function))
    }
}

/// The bytes of the request line and of the headers' values. Their names do not count.
fn size_of_head(request: &Parts) -> usize {
    let target = request.uri.path_and_query().map_or(1, |target| target.as_str().len());
    let line = request.method.as_str().len() + target + "  HTTP/1.1".len();
    line + request.headers.values().map(HeaderValue::len).sum::<usize>()
}

/// The body, or `None` if it is too large, judging by its declared length if there is one.
async fn read(body: Body) -> Option<Bytes> {
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return None;
    }
    axum::body::to_bytes(body, LARGEST_BODY).await.ok()
}

/// A request on its way to a function.
struct Call {
    function: Arc<Function>,
    event: Value,
    method: String,
    path: String,
    request_id: String,
    record: Option<Arc<Record>>,
}

impl Call {
    /// Runs the function, and records the request and its response.
    async fn answer(self) -> Response {
        let Self { function, event, method, path, request_id, record } = self;
        let invocation = Uuid::new_v4();
        let begun = record
            .as_ref()
            .map(|record| record.begin((&method, &path), function.name(), &request_id, invocation));
        let (response, problem) = match invoke(&function, invocation, event).await {
            Ok(response) => (response, None),
            Err(failure) => {
                let problem = failure.to_string();
                (failure.reported_by(&function), Some(problem))
            }
        };
        if let (Some(record), Some(begun)) = (record, begun) {
            let cookies = cookies_set(response.headers());
            record.end(&begun, response.status().as_u16(), cookies, problem);
        }
        response
    }
}

/// Runs the function in a task of its own, which goes on when the gateway no longer waits for it.
async fn invoke(function: &Arc<Function>, id: Uuid, event: Value) -> Result<Response, Failure> {
    let size = event.to_string().len();
    if size >= TOO_LARGE_EVENT {
        return Err(Failure::TooLarge(size));
    }
    // The timeout does not include the build.
    let executable = function.executable().await?;
    let task = tokio::spawn({
        let function = Arc::clone(function);
        async move { function.run(executable, id, &event).await }
    });
    let outcome = tokio::time::timeout(LONGEST_WAIT, task).await;
    let answer = outcome.map_err(|_| Failure::TimedOut(LONGEST_WAIT))???;
    answer::response(&answer).map_err(Failure::Invalid)
}

/// Why the gateway responds in the function's place.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the event has {0} bytes, and Lambda accepts fewer than {TOO_LARGE_EVENT}")]
    TooLarge(usize),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Run(RunFailure),
    #[error("no response within {:.1} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The function's result is not a response.
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Panic(#[from] JoinError),
}

impl From<RunFailure> for Failure {
    fn from(failure: RunFailure) -> Self {
        match failure {
            RunFailure::Invocation(InvocationError::TimedOut(limit)) => Self::TimedOut(limit),
            failure => Self::Run(failure),
        }
    }
}

impl Failure {
    /// Logs the failure, and returns the gateway's response.
    fn reported_by(self, function: &Function) -> Response {
        // Cargo has written the errors of a build to the terminal.
        if !matches!(self, Self::Build(_)) {
            function.log(&format!("gateway: {self}"));
        }
        match self {
            Self::Build(error) => {
                answer::message(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
            }
            Self::TimedOut(_) => {
                answer::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            _ => answer::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
}
