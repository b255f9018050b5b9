//! One process of a function, run as on Lambda: the real executable under a Runtime API.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use anteroom_local::instance::Instance;
//!
//! let function = Instance::start("target/debug/room-auth", [("STAGE", "dev")]).await?;
//! let answer = function.invoke(&serde_json::json!({"version": "2.0"})).await?;
//! assert_eq!(answer["statusCode"], 400);
//! println!("{}", function.stop().await.join("\n"));
//! # Ok(()) }
//! ```

use std::{
    collections::VecDeque,
    fmt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::open_files;
use crate::runtime_api::{FunctionError, Posted, RuntimeApi, Start};

/// Lambda's timeout for startup.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib>
const START_LIMIT: Duration = Duration::from_secs(10);

/// The default timeout for an invocation: the longest that an HTTP API allows.
const UNLESS_TOLD: Duration = Duration::from_secs(30);

/// The maximum number of log lines kept per process; the latest are kept.
const KEPT_LINES: usize = 10_000;

/// Receives a function's log lines.
pub type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// How a function's processes are started. The process sees these variables, Lambda's own, and
/// nothing else of this process's environment.
#[derive(Clone)]
pub struct Launch {
    /// The executable.
    pub executable: PathBuf,
    /// Its arguments, of which a function needs none.
    pub arguments: Vec<String>,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: String,
    /// The variables, which take precedence over Lambda's own.
    pub environment: Vec<(String, String)>,
    /// The timeout for an invocation.
    pub timeout: Duration,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    pub memory_mb: u32,
    /// `AWS_LAMBDA_MAX_CONCURRENCY`: how many events it may have at once. More than one is for Lambda
    /// Managed Instances.
    pub concurrency: usize,
    /// Receives every log line immediately.
    pub log: LogSink,
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Instance {
    runtime_api: RuntimeApi,
    name: String,
    region: String,
    timeout: Duration,
    pid: u32,
    /// Sending true, or dropping this, kills the process.
    leash: watch::Sender<bool>,
    exit: watch::Receiver<Option<ExitStatus>>,
    logs: Arc<Mutex<VecDeque<String>>>,
    log_readers: Vec<JoinHandle<()>>,
    /// One permit for each event that the process may have at once.
    turns: Semaphore,
}

/// Why a function did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The executable does not exist or cannot be run.
    #[error("cannot run {executable}: {error}")]
    NotRunnable {
        /// The executable's path.
        executable: String,
        /// The system's error.
        error: std::io::Error,
    },
    /// It exited before it was ready.
    #[error("{name} exited during startup ({status})")]
    Ended {
        /// The function.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Everything it printed.
        logs: Vec<String>,
    },
    /// It reported to the Runtime API that it cannot start.
    #[error("{name} cannot start: {error}")]
    Refused {
        /// The function.
        name: String,
        /// The reported error.
        error: FunctionError,
        /// Everything it printed.
        logs: Vec<String>,
    },
    /// It did not ask for its first event within ten seconds.
    #[error("{name} did not ask for an event within {}s", START_LIMIT.as_secs())]
    TooSlow {
        /// The function.
        name: String,
        /// Everything it printed.
        logs: Vec<String>,
    },
}

/// Why an invocation has no result.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The function reported an error and keeps running.
    #[error("{0}")]
    Function(#[from] FunctionError),
    /// The process exited during the invocation.
    #[error("the function's process exited ({0})")]
    Ended(ExitStatus),
    /// The process asked for the next event without responding to this one.
    #[error("the function asked for another event without responding to this one")]
    Skipped,
    /// The invocation timed out, and the process was killed, as on Lambda.
    #[error("task timed out after {:.2} seconds", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The response is not JSON.
    #[error("the function's response is not JSON: {0}")]
    NotJson(serde_json::Error),
}

impl Instance {
    /// Starts the executable with exactly these variables and Lambda's own, and waits until it is
    /// ready for an event.
    pub async fn start<N, V>(
        executable: impl AsRef<Path>,
        environment: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, StartError>
    where
        N: Into<String>,
        V: Into<String>,
    {
        Self::launch(&Launch::new(executable, environment)).await
    }

    /// Starts a process, and waits until it is ready for an event.
    pub async fn launch(launch: &Launch) -> Result<Self, StartError> {
        let instance = Self::spawn(launch).await.map_err(|error| StartError::NotRunnable {
            executable: launch.executable.display().to_string(),
            error,
        })?;
        instance.ready().await
    }

    async fn spawn(launch: &Launch) -> std::io::Result<Self> {
        open_files::raise_limit();
        let runtime_api = RuntimeApi::start(launch.concurrency).await?;
        let mut command = Command::new(&launch.executable);
        command
            .args(&launch.arguments)
            .env_clear()
            .envs(system_variables())
            .envs(launch.lambda_variables())
            .envs(launch.environment.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl-C in a terminal is meant for us, and we stop the functions ourselves.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;

        let logs = Arc::default();
        let log_readers = [child.stdout.take().map(boxed), child.stderr.take().map(boxed)]
            .into_iter()
            .flatten()
            .map(|stream| {
                tokio::spawn(keep_lines(stream, Arc::clone(&logs), Arc::clone(&launch.log)))
            })
            .collect();
        let pid = child.id().unwrap_or_default();
        let (leash, released) = watch::channel(false);
        let (exited, exit) = watch::channel(None);
        tokio::spawn(hold(child, released, exited));
        Ok(Self {
            runtime_api,
            name: launch.name.clone(),
            region: launch.region(),
            timeout: launch.timeout,
            pid,
            leash,
            exit,
            logs,
            log_readers,
            turns: Semaphore::new(launch.concurrency),
        })
    }

    async fn ready(self) -> Result<Self, StartError> {
        let mut progress = self.runtime_api.progress();
        tokio::select! {
            () = async { let _ = progress.wait_for(|start| *start != Start::Pending).await; } => {}
            _ = self.ended() => {}
            () = tokio::time::sleep(START_LIMIT) => {}
        }
        let name = self.name.clone();
        // A process that reports a startup error usually exits right afterward. Prefer the report.
        let (started, status) = (progress.borrow().clone(), *self.exit.borrow());
        match (started, status) {
            (Start::Ready, _) => Ok(self),
            (Start::Failed(error), _) => {
                let logs = self.stop().await;
                Err(StartError::Refused { name, error, logs })
            }
            (Start::Pending, Some(status)) => {
                let logs = self.stop().await;
                Err(StartError::Ended { name, status, logs })
            }
            (Start::Pending, None) => {
                let logs = self.stop().await;
                Err(StartError::TooSlow { name, logs })
            }
        }
    }

    /// Sends one event and waits for the response. Of concurrent calls, as many run at once as the
    /// process takes events.
    pub async fn invoke(&self, event: &Value) -> Result<Value, InvocationError> {
        self.invoke_within(event, self.timeout).await
    }

    /// The same with a different timeout.
    pub async fn invoke_within(
        &self,
        event: &Value,
        limit: Duration,
    ) -> Result<Value, InvocationError> {
        self.send(Uuid::new_v4(), event.to_string(), limit).await
    }

    /// The same as [`invoke`](Self::invoke) with this request id, which the function's log lines
    /// then have.
    pub async fn invoke_as(&self, id: Uuid, event: &Value) -> Result<Value, InvocationError> {
        self.send(id, event.to_string(), self.timeout).await
    }

    /// Sends an event as text, for JSON that a [`Value`] cannot hold, such as a lone surrogate.
    pub async fn invoke_text(&self, event: &str) -> Result<Value, InvocationError> {
        self.send(Uuid::new_v4(), event.to_owned(), self.timeout).await
    }

    async fn send(
        &self,
        id: Uuid,
        event: String,
        limit: Duration,
    ) -> Result<Value, InvocationError> {
        let _turn = self.turns.acquire().await;
        if let Some(status) = *self.exit.borrow() {
            return Err(InvocationError::Ended(status));
        }
        let answer = self.runtime_api.hand_over(id, event.into(), self.arn(), limit);
        let posted = tokio::select! {
            // A response counts even if the process exits right after it.
            biased;
            posted = async { answer.await.await } => posted.map_err(|_| InvocationError::Skipped),
            status = self.ended() => Err(InvocationError::Ended(status)),
            () = tokio::time::sleep(limit) => {
                self.leash.send_replace(true);
                Err(InvocationError::TimedOut(limit))
            }
        };
        let posted: Posted = posted?;
        serde_json::from_slice(&posted?).map_err(InvocationError::NotJson)
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the process has neither exited nor been killed after a timeout.
    pub fn is_running(&self) -> bool {
        self.exit.borrow().is_none() && !*self.leash.borrow()
    }

    /// Every line that the process has printed so far, to standard output or error. The most recent
    /// lines may be missing; [`Instance::stop`] returns all of them.
    pub fn logs(&self) -> Vec<String> {
        lock(&self.logs).iter().cloned().collect()
    }

    /// Waits until the process exits by itself.
    pub async fn ended(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.map(|status| *status) {
            Ok(Some(status)) => status,
            // The task that owns the process always sets a status.
            _ => std::future::pending().await,
        }
    }

    /// Kills the process, waits for it to exit, and returns everything it printed.
    pub async fn stop(self) -> Vec<String> {
        let Self { leash, mut exit, logs, log_readers, .. } = self;
        drop(leash);
        let _ = exit.wait_for(Option::is_some).await;
        for reader in log_readers {
            // A grandchild could keep the pipe open forever, but our functions start none.
            let _ = reader.await;
        }
        lock(&logs).drain(..).collect()
    }

    fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:000000000000:function:{}", self.region, self.name)
    }
}

impl Launch {
    /// A launch with the default timeout, 128 MB, one event at a time, and no log sink.
    pub fn new<N, V>(
        executable: impl AsRef<Path>,
        environment: impl IntoIterator<Item = (N, V)>,
    ) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let executable = executable.as_ref().to_owned();
        let name = executable.file_stem().map(|name| name.to_string_lossy().into_owned());
        Self {
            name: name.unwrap_or_default(),
            executable,
            arguments: Vec::new(),
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            timeout: UNLESS_TOLD,
            memory_mb: 128,
            concurrency: 1,
            log: Arc::new(|_| ()),
        }
    }

    /// The variables that Lambda sets.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
    fn lambda_variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("AWS_LAMBDA_FUNCTION_NAME", self.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", self.memory_mb.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
            ("AWS_REGION", self.region()),
            ("AWS_DEFAULT_REGION", self.region()),
        ];
        if self.concurrency > 1 {
            variables.push(("AWS_LAMBDA_MAX_CONCURRENCY", self.concurrency.to_string()));
        }
        variables
    }

    fn region(&self) -> String {
        self.environment
            .iter()
            .find(|(name, _)| name == "AWS_REGION")
            .map_or_else(|| "us-east-1".to_owned(), |(_, region)| region.clone())
    }
}

impl fmt::Debug for Launch {
    /// Omits the variables' values, because some are secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        formatter
            .debug_struct("Launch")
            .field("executable", &self.executable)
            .field("arguments", &self.arguments)
            .field("environment", &names)
            .finish_non_exhaustive()
    }
}

/// Waits for the process, kills it when told to, and reports its exit status.
async fn hold(
    mut child: Child,
    mut released: watch::Receiver<bool>,
    exited: watch::Sender<Option<ExitStatus>>,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = async { let _ = released.wait_for(|released| *released).await; } => {
            // This fails only if the process has already exited.
            let _ = child.start_kill();
            child.wait().await
        }
    };
    exited.send_replace(status.ok());
}

/// What a process needs of its system to run at all: on Windows, the folder of the network's libraries.
#[expect(clippy::disallowed_methods, reason = "the system's own variable is no setting")]
fn system_variables() -> impl Iterator<Item = (&'static str, String)> {
    let names: &[&str] = if cfg!(windows) { &["SYSTEMROOT"] } else { &[] };
    names.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)))
}

fn boxed(stream: impl AsyncRead + Send + Unpin + 'static) -> Box<dyn AsyncRead + Send + Unpin> {
    Box::new(stream)
}

async fn keep_lines(
    stream: Box<dyn AsyncRead + Send + Unpin>,
    kept: Arc<Mutex<VecDeque<String>>>,
    sink: LogSink,
) {
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        sink(&line);
        let mut kept = lock(&kept);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
