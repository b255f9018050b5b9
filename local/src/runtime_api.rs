//! The Lambda Runtime API for one function process, on its own loopback port.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>: the process polls for the next
//! invocation and posts its response or its error. Each process has its own port, so when the
//! server stops, the process finds its connection closed and exits. That way no function outlives
//! `cargo dev`, even if it was killed.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};
use uuid::Uuid;

use crate::{
    clock,
    loopback::{not_for_pages, only_for_this_machine, send_at_once},
};

/// The largest response that Lambda accepts from a function, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

/// An error that a function reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
#[serde(default)]
pub struct FunctionError {
    /// Lambda's `errorType`; for our functions, the name of a Rust type.
    #[serde(rename = "errorType")]
    pub kind: String,
    /// Lambda's `errorMessage`.
    #[serde(rename = "errorMessage")]
    pub message: String,
}

/// The result that a function posted for an invocation: the bytes of its response, or its error.
pub(crate) type Posted = Result<Bytes, FunctionError>;

/// The progress of the process's startup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// It has not asked for an invocation yet.
    Pending,
    /// It has asked for an invocation, so it is ready.
    Ready,
    /// It reported that it cannot start.
    Failed(FunctionError),
}

/// The server. It stops when this is dropped, and a process that waits for an event gets an error.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    invocations: mpsc::Sender<Invocation>,
    start: watch::Receiver<Start>,
    server: AbortHandle,
}

/// An event that waits for the process.
struct Invocation {
    id: Uuid,
    event: Bytes,
    deadline_ms: u128,
    function_arn: String,
    answer: oneshot::Sender<Posted>,
}

/// The state that the server's handlers share.
struct ServerState {
    waiting: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    underway: Mutex<HashMap<Uuid, oneshot::Sender<Posted>>>,
    /// How many invocations the process may have at once.
    concurrency: usize,
    start: watch::Sender<Start>,
}

impl RuntimeApi {
    /// Listens on a free loopback port, for a process that handles up to `concurrency` invocations at
    /// once.
    pub(crate) async fn start(concurrency: usize) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (invocations, waiting) = mpsc::channel(1);
        let (start_sender, start) = watch::channel(Start::Pending);
        let state = Arc::new(ServerState {
            waiting: tokio::sync::Mutex::new(waiting),
            underway: Mutex::default(),
            concurrency,
            start: start_sender,
        });
        let server = tokio::spawn(async move {
            // Accept errors are retried internally; there are no others.
            let _ = axum::serve(listener.tap_io(send_at_once), routes(state)).await;
        });
        Ok(Self { address, invocations, start, server: server.abort_handle() })
    }

    /// Host and port for `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The current progress and its updates.
    pub(crate) fn progress(&self) -> watch::Receiver<Start> {
        self.start.clone()
    }

    /// Hands an event to the process when it asks for the next one, and returns a receiver for the
    /// result. The receiver fails if the process asks for the next event without having responded.
    pub(crate) async fn hand_over(
        &self,
        id: Uuid,
        event: Bytes,
        function_arn: String,
        time_left: Duration,
    ) -> oneshot::Receiver<Posted> {
        let (answer, posted) = oneshot::channel();
        let invocation = Invocation {
            id,
            event,
            deadline_ms: clock::unix_milliseconds() + time_left.as_millis(),
            function_arn,
            answer,
        };
        // If the server has stopped, the invocation is dropped here, and the receiver fails.
        let _ = self.invocations.send(invocation).await;
        posted
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl ServerState {
    fn begin(&self, id: Uuid, answer: oneshot::Sender<Posted>) {
        self.underway().insert(id, answer);
    }

    fn underway(&self) -> MutexGuard<'_, HashMap<Uuid, oneshot::Sender<Posted>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on the result posted for the invocation, or rejects it: Lambda accepts one result per
    /// invocation id.
    fn finish(&self, id: &str, posted: Posted) -> Response {
        let invocation = Uuid::parse_str(id).ok().and_then(|id| self.underway().remove(&id));
        match invocation {
            Some(answer) => {
                // The receiver is gone if the invocation has timed out.
                let _ = answer.send(posted);
                accepted()
            }
            None => refused("InvalidRequestID", "Invalid request ID"),
        }
    }
}

fn routes(state: Arc<ServerState>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(LARGEST_ANSWER))
        // Events contain users' tokens.
        .layer(axum::middleware::from_fn(only_for_this_machine))
        .layer(axum::middleware::from_fn(not_for_pages))
        .with_state(state)
}

async fn next(State(state): State<Arc<ServerState>>) -> Response {
    if state.concurrency == 1 {
        // Asking again without having responded abandons the invocation.
        state.underway().clear();
    }
    state.start.send_replace(Start::Ready);
    let Some(invocation) = state.waiting.lock().await.recv().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", invocation.id.to_string()),
        ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", invocation.function_arn),
        ("lambda-runtime-trace-id", trace_id()),
    ];
    state.begin(invocation.id, invocation.answer);
    (headers, invocation.event).into_response()
}

async fn response(
    State(state): State<Arc<ServerState>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    state.finish(&id, Ok(body))
}

async fn error(
    State(state): State<Arc<ServerState>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    state.finish(&id, Err(function_error(&headers, &body)))
}

async fn init_error(
    State(state): State<Arc<ServerState>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    state.start.send_replace(Start::Failed(function_error(&headers, &body)));
    accepted()
}

/// The error from the body; missing fields come from the header, as on Lambda.
fn function_error(headers: &HeaderMap, body: &[u8]) -> FunctionError {
    let error: FunctionError = serde_json::from_slice(body).unwrap_or_default();
    if !error.kind.is_empty() {
        return error;
    }
    let kind =
        headers.get("lambda-runtime-function-error-type").and_then(|kind| kind.to_str().ok());
    FunctionError { kind: kind.unwrap_or("Unhandled").to_owned(), ..error }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response()
}

fn refused(kind: &str, message: &str) -> Response {
    let body: Value = json!({"errorType": kind, "errorMessage": message});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// An X-Ray header in the usual format: `Root=1-<time in hex>-<96 random bits>`, not sampled.
pub(crate) fn trace_id() -> String {
    let seconds = clock::unix_milliseconds() / 1000;
    let random = Uuid::new_v4().simple().to_string();
    format!("Root=1-{seconds:08x}-{};Sampled=0", &random[..24])
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    /// The status line of the response to a request with this header.
    async fn status_of(api: &RuntimeApi, header: &str) -> String {
        let mut stream = TcpStream::connect(api.address()).await.expect("a connection");
        let request = format!(
            "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nhost: 127.0.0.1\r\n{header}\r\n\
             content-length: 2\r\nconnection: close\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn no_page_may_use_the_runtime_api() {
        let api = RuntimeApi::start(1).await.expect("a free port");
        for header in ["origin: https://evil.example", "sec-fetch-site: cross-site"] {
            assert_eq!(status_of(&api, header).await, "HTTP/1.1 403 Forbidden", "{header}");
        }
        assert_eq!(*api.progress().borrow(), Start::Pending);
        assert_eq!(status_of(&api, "user-agent: a function").await, "HTTP/1.1 202 Accepted");
    }
}
