//! Runs an endpoint as a Lambda function.
//!
//! An endpoint implements [`Endpoint`]: it declares its route, its input and its output, reads its
//! settings once, and handles requests. [`run`] does the rest.
//!
//! ```no_run
//! use anteroom::api::{ApiError, Empty, Reply, Request};
//! use anteroom::lambda::{Endpoint, Route};
//! use anteroom::settings::{Incomplete, Settings};
//!
//! struct Ping {
//!     greeting: String,
//! }
//!
//! impl Endpoint for Ping {
//!     const NAME: &'static str = "ping";
//!     const ROUTE: Route = Route::get("/ping");
//!     type Input = Empty;
//!     type Output = String;
//!
//!     fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
//!         Ok(Self { greeting: settings.text("GREETING")? })
//!     }
//!
//!     async fn handle(&self, _: &Request, _: Empty) -> Result<Reply<String>, ApiError> {
//!         Ok(Reply::ok(self.greeting.clone()))
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     anteroom::lambda::run::<Ping>()
//! }
//! ```
//!
//! # Lifecycle of a function and of a request
//! 1. [`run`] reads the settings. If any are invalid, it reports all of them and stops.
//! 2. It fetches secrets and meanwhile calls [`Endpoint::prepare`], and only then asks Lambda for the first
//!    request, which may come much later.
//! 3. [`Function::answer`] checks the origin and the method, reads the body, and calls
//!    [`Endpoint::handle`] within the time limit. A panic becomes 500.
//! 4. It adds headers and cookies to the response, and logs one line about the request.
//!
//! Lambda gives a process one request at a time, unless it runs on a managed instance: there, it may
//! get up to `AWS_LAMBDA_MAX_CONCURRENCY` at once and serves them side by side on its one thread.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>
//!
//! # Limits
//! - Startup may take four seconds, which count toward the first request.
//! - A request may take [`Endpoint::TIME_LIMIT`], but never longer than Lambda's own deadline.
//!
//! # Where the rules come from
//! | rules | source |
//! |---|---|
//! | startup and startup errors | <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> |
//! | statuses and time limits | `docs/api.md` |

mod init_error;
mod route;

use std::any::Any;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::{Method, StatusCode};
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::util::MapFutureLayer;

use crate::afterwork;
use crate::api::{
    self, ApiError, ClientHeader, Event, Flaw, GatewayResponse, Reply, Request, Response,
};
use crate::client::Client;
use crate::clock::{Clock, Timestamp};
use crate::lambda::init_error::InitErrors;
use crate::log;
use crate::metrics;
use crate::request_scope;
use crate::settings::{Incomplete, Problems, Settings};

pub use route::Route;

/// Timeout for startup. Time lost to a slow provider at startup is taken from the first request,
/// which must still have enough.
const START_LIMIT: Duration = Duration::from_secs(4);

/// How long before Lambda's own deadline the caller gets a response.
const RESERVE: Duration = Duration::from_millis(500);

/// An endpoint: its settings, its input and its handler.
pub trait Endpoint: Sized + Send + Sync + 'static {
    /// The package's name, which logs and metrics use.
    const NAME: &'static str;
    /// The method and the path.
    const ROUTE: Route;
    /// Timeout for a request. With the default, the caller gets a response within ten seconds.
    const TIME_LIMIT: Duration = Duration::from_millis(9_500);
    /// The message of every 400, if the contract prescribes one.
    const BAD_REQUEST: Option<&'static str> = None;
    /// Whether browsers call it. If so, a browser's request must come from an allowed origin. An
    /// endpoint that only servers call authenticates them itself.
    const CHECKS_ORIGIN: bool = true;
    /// The type of the request body, or of the query of a `GET`.
    type Input: DeserializeOwned + Send;
    /// The type of the response body.
    type Output: Serialize + Send;

    /// Reads the settings. Read all of them before the first `?`, so that one startup reports
    /// everything that is missing.
    fn configure(settings: &mut Settings) -> Result<Self, Incomplete>;

    /// Fetches in advance, so that the first request does not have to wait.
    fn prepare(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Reads the input: by default the body, as JSON of at most 16 KiB, or the query of a `GET`.
    fn read(request: &Request) -> Result<Self::Input, ApiError> {
        Self::ROUTE.read_input(request)
    }

    /// Handles a request.
    fn handle(
        &self,
        request: &Request,
        input: Self::Input,
    ) -> impl Future<Output = Result<Reply<Self::Output>, ApiError>> + Send;
}

/// Lambda's metadata about a request, stored as a request extension.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Lambda's request id, as it appears in log lines.
    pub id: String,
    /// When Lambda ends the function.
    pub deadline: Timestamp,
}

impl Invocation {
    fn of(request: &Request) -> Option<&Self> {
        request.extensions().get()
    }
}

/// Runs an endpoint as a Lambda function until Lambda stops it. Exits immediately if settings are
/// invalid, after logging them in one line and reporting them to Lambda.
pub fn run<E: Endpoint>() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let mut starting = None;
    let stopped = runtime.block_on(async {
        let settings = Settings::from_environment();
        let optional = |name| settings.as_ref().ok().and_then(|settings| settings.optional(name));
        let log_level = optional("AWS_LAMBDA_LOG_LEVEL");
        log::start(log_level);
        metrics::start(optional("STAGE"), log_level);
        quiet_panics();
        let settings = settings?;
        starting = InitErrors::of(&settings);
        let function = Function::<E>::start(settings).await?;
        starting = None;
        // It serves requests until the process ends, several at once on a managed instance.
        let function: &'static _ = Box::leak(Box::new(function));
        let service = service_fn(move |event: LambdaEvent<Event>| async move {
            let LambdaEvent { payload, context } = event;
            let mut request = payload.into_request();
            let deadline = Timestamp::EPOCH.after(Duration::from_millis(context.deadline));
            request.extensions_mut().insert(Invocation { id: context.request_id, deadline });
            Ok::<_, Infallible>(GatewayResponse::from(function.answer(request).await))
        });
        let runtime = Runtime::new(service).layer(TracingLayer::new());
        runtime.layer(MapFutureLayer::new(finish_afterwards)).run_concurrent().await
    });
    let Err(error) = stopped else {
        return ExitCode::SUCCESS;
    };
    tracing::error!(endpoint = E::NAME, %error, "stopped");
    if let Some(init_errors) = starting {
        runtime.block_on(init_errors.report(&error.to_string()));
        log::flush();
    }
    ExitCode::FAILURE
}

/// A configured endpoint, ready to handle requests.
pub struct Function<E> {
    endpoint: E,
    allowed_origins: Vec<String>,
    client_header: Option<ClientHeader>,
    clock: Clock,
    started_in: Duration,
    warm: AtomicBool,
}

impl<E: Endpoint> Function<E> {
    /// Configures the endpoint and fetches its secrets and keys.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub async fn start(mut settings: Settings) -> Result<Self, Problems> {
        let clock = settings.clock();
        let began = clock.now();
        let allowed_origins = settings.origins("ALLOWED_ORIGINS");
        let client_header = ClientHeader::configure(&mut settings);
        let stage = check_stage(&mut settings);
        let configured = E::configure(&mut settings);
        let configured = configured.and_then(|endpoint| {
            stage?;
            Ok((endpoint, allowed_origins?, client_header?))
        });
        let prepare = async |(endpoint, ..): &(E, _, _)| {
            if tokio::time::timeout(START_LIMIT, endpoint.prepare()).await.is_err() {
                tracing::warn!(endpoint = E::NAME, "starting before preparation has finished");
            }
        };
        let (endpoint, allowed_origins, client_header) =
            settings.complete_during(configured, prepare).await?;
        log::flush();
        let started_in = clock.now().since(began);
        let warm = AtomicBool::new(false);
        Ok(Self { endpoint, allowed_origins, client_header, clock, started_in, warm })
    }

    /// Handles a request and logs one line about it.
    pub async fn answer(&self, mut request: Request) -> Response {
        let began = self.clock.now();
        let cold = !self.warm.swap(true, Ordering::Relaxed);
        let limit = self.time_left(&request, cold);
        let deadline = began.after(limit);
        let client = self.client(&mut request);
        let guarded = request_scope::handle(deadline, client, self.guarded(&request, limit));
        let (result, cookies) = api::with_cookies(guarded).await;
        let now = self.clock.now();
        let took = now.since(began);
        let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        let id = Invocation::of(&request).map(|invocation| invocation.id.as_str());
        let status = result.as_ref().map_or_else(ApiError::status, Response::status);
        metrics::answered(E::NAME, status, took, cold, now);
        let mut response = match result {
            Ok(response) => {
                let status = status.as_u16();
                tracing::info!(requestId = id, endpoint = E::NAME, status, ms, cold, "answered");
                response
            }
            Err(error) => {
                log_error::<E>(&error, id, ms, cold);
                error.into_response()
            }
        };
        log::flush();
        api::add_cookies(&mut response, cookies);
        response
    }

    /// Who sent the request: the client in the request context, with the address in the configured
    /// header if that has one.
    fn client(&self, request: &mut Request) -> Client {
        let mut client: Client = request.extensions_mut().remove().unwrap_or_default();
        let header = self.client_header.as_ref();
        if let Some(address) = header.and_then(|header| header.address(request.headers())) {
            client.address = Some(address);
        }
        client
    }

    /// The endpoint's answer, or an error if it panics or runs out of time.
    async fn guarded(&self, request: &Request, limit: Duration) -> Result<Response, ApiError> {
        let handled = catch_panic(self.pass(request));
        match tokio::time::timeout(limit, handled).await {
            Ok(Ok(result)) => result.map_err(|error| match E::BAD_REQUEST {
                Some(message) if error.status() == StatusCode::BAD_REQUEST => {
                    error.with_message(message)
                }
                _ => error,
            }),
            Ok(Err(_)) => Err(ApiError::internal("the endpoint panicked")),
            Err(_) => Err(ApiError::unavailable("the request timed out")),
        }
    }

    async fn pass(&self, request: &Request) -> Result<Response, ApiError> {
        // The gateway handles preflights. If it passes one on, 204 keeps it from failing; the
        // gateway still adds the CORS headers.
        if request.method() == Method::OPTIONS {
            return Ok(api::empty_response(StatusCode::NO_CONTENT));
        }
        if E::CHECKS_ORIGIN {
            api::check_origin(request.headers(), &self.allowed_origins)?;
        }
        let flaw = Flaw::of(request);
        if flaw == Some(Flaw::Method) {
            return Err(ApiError::bad_request("The request method is malformed"));
        }
        if !E::ROUTE.takes(request.method()) {
            return Err(ApiError::method_not_allowed(E::ROUTE.method));
        }
        if flaw == Some(Flaw::Body) {
            return Err(ApiError::bad_request("The body is malformed"));
        }
        let input = E::read(request)?;
        // Boxed, because it is large and would be moved through every enclosing future.
        let reply = Box::pin(self.endpoint.handle(request, input)).await?;
        Ok(reply.into_response())
    }

    /// How much time the request has left. The caller of a cold start has already waited for
    /// startup.
    fn time_left(&self, request: &Request, cold: bool) -> Duration {
        let waited = if cold { self.started_in } else { Duration::ZERO };
        let limit = E::TIME_LIMIT.saturating_sub(waited);
        let Some(Invocation { deadline, .. }) = Invocation::of(request) else {
            return limit;
        };
        let now = self.clock.now();
        // `cargo lambda` sends a deadline in 1970, so ignore a deadline that has already passed.
        if *deadline < now {
            return limit;
        }
        deadline.since(now).saturating_sub(RESERVE).min(limit)
    }
}

/// Rejects unknown stages: a feature that is off in `prod` must not be on because of a typo like
/// `production`.
fn check_stage(settings: &mut Settings) -> Result<(), Incomplete> {
    match settings.optional("STAGE") {
        None | Some("dev" | "staging" | "prod") => Ok(()),
        Some(_) => Err(settings.problem("STAGE must be dev, staging or prod")),
    }
}

fn log_error<E: Endpoint>(error: &ApiError, id: Option<&str>, ms: f64, cold: bool) {
    let status = error.status().as_u16();
    let (message, detail) = (error.message(), error.detail());
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                requestId = id,
                endpoint = E::NAME,
                status,
                ms,
                cold,
                error = message,
                detail,
                "refused"
            )
        };
    }
    match status {
        500 => line!(error),
        501.. => line!(warn),
        _ => line!(info),
    }
}

/// After a response has been sent, waits for background work that its request started.
async fn finish_afterwards<T, E>(sent: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let sent = afterwork::finished(sent).await;
    log::flush();
    sent
}

/// Logs the location of a panic without its message, which may contain anything.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}

/// Runs a future until it completes or panics. The runtime catches panics too, but then the caller
/// gets the gateway's error and the log gets the panic's message, which may contain anything.
async fn catch_panic<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
