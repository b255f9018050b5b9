//! A function, which starts processes on demand, keeps them warm, and replaces them when they exit
//! or their executable changes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde_json::Value;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    instance::{Instance, InvocationError, Launch, StartError},
    workspace::{BuildError, Workspace},
};

/// The maximum number of concurrent processes of one function; further requests wait. Lambda would
/// start up to a thousand, but this many are enough for requests to race.
const MOST_INSTANCES: usize = 8;

/// One function: how to start it, and its idle processes.
#[derive(Debug)]
pub struct Function {
    launch: Launch,
    source: Source,
    idle: Mutex<Vec<Warm>>,
    places: Semaphore,
}

/// Where a function's executable comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is at [`Launch::executable`], already built.
    AsItIs,
    /// The workspace builds it, and rebuilds it when its sources change.
    Built(Arc<Workspace>),
}

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum FunctionFailure {
    /// Its executable could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// It was built, but the invocation failed.
    #[error(transparent)]
    Run(#[from] RunFailure),
}

/// Why the invocation of a built function failed.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It started but sent no response.
    #[error(transparent)]
    Invocation(#[from] InvocationError),
}

/// A process and the version of the executable that it runs.
#[derive(Debug)]
struct Warm {
    instance: Instance,
    executable: PathBuf,
    version: Version,
}

/// Identifies the version of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    modified: Option<SystemTime>,
    length: u64,
}

impl Function {
    /// A function without processes.
    pub fn new(launch: Launch, source: Source) -> Self {
        Self { launch, source, idle: Mutex::default(), places: Semaphore::new(MOST_INSTANCES) }
    }

    /// The function's name.
    pub fn name(&self) -> &str {
        &self.launch.name
    }

    /// Writes a line to the function's log.
    pub fn log(&self, line: &str) {
        (self.launch.log)(line);
    }

    /// Sends one event to a process with the current code, and waits for its response.
    pub async fn invoke(&self, event: &Value) -> Result<Value, FunctionFailure> {
        let executable = self.executable().await?;
        Ok(self.run(executable, Uuid::new_v4(), event).await?)
    }

    /// The up-to-date executable. Waits until it is built.
    pub async fn executable(&self) -> Result<PathBuf, BuildError> {
        match &self.source {
            Source::AsItIs if self.launch.executable.is_file() => {
                Ok(self.launch.executable.clone())
            }
            Source::AsItIs => Err(BuildError::NotBuilt(self.launch.executable.clone())),
            Source::Built(workspace) => workspace.executable(self.name()).await,
        }
    }

    /// Sends one event to a process of this executable, and waits for its response. The function's
    /// log lines about it have `id`.
    pub async fn run(
        &self,
        executable: PathBuf,
        id: Uuid,
        event: &Value,
    ) -> Result<Value, RunFailure> {
        // The semaphore is never closed, so this always succeeds.
        let _place = self.places.acquire().await;
        let warm = self.take(executable).await?;
        let answer = warm.instance.invoke_as(id, event).await;
        if warm.instance.is_running() {
            self.lock().push(warm);
        }
        Ok(answer?)
    }

    /// Stops every idle process and waits until they have exited.
    pub async fn stop(&self) {
        let idle = std::mem::take(&mut *self.lock());
        for warm in idle {
            warm.instance.stop().await;
        }
    }

    /// The most recently used process if it runs the current code, or else a new one.
    async fn take(&self, executable: PathBuf) -> Result<Warm, StartError> {
        let version = Version::of(&executable).ok();
        let idle = {
            let mut idle = self.lock();
            idle.retain(|warm| {
                warm.instance.is_running()
                    && warm.executable == executable
                    && Some(&warm.version) == version.as_ref()
            });
            idle.pop()
        };
        match idle {
            Some(warm) => Ok(warm),
            None => self.start(executable).await,
        }
    }

    async fn start(&self, executable: PathBuf) -> Result<Warm, StartError> {
        let version = Version::of(&executable).map_err(|error| StartError::NotRunnable {
            executable: executable.display().to_string(),
            error,
        })?;
        let launch = Launch { executable: executable.clone(), ..self.launch.clone() };
        Ok(Warm { instance: Instance::launch(&launch).await?, executable, version })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Warm>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Version {
    fn of(file: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(file)?;
        Ok(Self { modified: metadata.modified().ok(), length: metadata.len() })
    }
}
