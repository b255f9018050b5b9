//! The whole project on this machine: the template's functions, with the settings and stand-ins
//! they need, ready to be put behind a gateway or called one by one.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    environment::{Environment, EnvironmentError},
    function::{Function, Source},
    gateway::{Cors, Routes},
    instance::{Launch, LogSink},
    providers::{StandIn, missing_for_recordings, stand_in_for_missing},
    template::{FunctionTemplate, Template, TemplateError},
    workspace::{BuildError, Workspace},
};

/// The file by which a project is found.
pub const TEMPLATE: &str = "template.yaml";

/// The functions and what they run with.
#[derive(Debug)]
pub struct Project {
    functions: Vec<(FunctionTemplate, Arc<Function>)>,
    cors: Cors,
    stand_ins: Vec<StandIn>,
    missing_for_recordings: Option<&'static str>,
}

/// Where the executables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executables {
    /// They are built, and built again when a source has changed.
    Built,
    /// They are in this folder, each under its function's name.
    In(PathBuf),
}

/// Why the project cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no template in the folder or above it.
    #[error("there is no template.yaml in {0} or above it: run this inside the project")]
    NotInAProject(PathBuf),
    /// The template cannot be served.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// `.env` cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A stand-in could not listen.
    #[error("cannot start a stand-in: {0}")]
    StandIn(io::Error),
}

impl Project {
    /// The project's folder: the nearest one with a template, from `folder` upwards.
    pub fn root(folder: &Path) -> Result<&Path, ProjectError> {
        folder
            .ancestors()
            .find(|folder| folder.join(TEMPLATE).is_file())
            .ok_or_else(|| ProjectError::NotInAProject(folder.to_owned()))
    }

    /// Reads the template and the settings at `root`, and starts the stand-ins. `log_of` says
    /// where the log lines of a function go, or what a provider of that name would send by e-mail.
    pub async fn open(
        root: &Path,
        executables: &Executables,
        log_of: impl Fn(&str) -> LogSink,
    ) -> Result<Self, ProjectError> {
        let template = Template::read(&root.join(TEMPLATE))?;
        let mut environment = Environment::read(root)?;
        let stand_ins =
            stand_in_for_missing(&mut environment, &log_of).await.map_err(ProjectError::StandIn)?;

        let missing_for_recordings = missing_for_recordings(&environment);
        let names = template.functions.iter().map(|function| function.name.clone());
        let workspace = Arc::new(Workspace::new(root, names));
        let functions = template
            .functions
            .into_iter()
            .map(|function| {
                let (executable, source) = match executables {
                    Executables::Built => {
                        (PathBuf::from(&function.name), Source::Built(Arc::clone(&workspace)))
                    }
                    Executables::In(folder) => {
                        (executable_in(folder, &function.name), Source::AsItIs)
                    }
                };
                let launch = Launch {
                    name: function.name.clone(),
                    timeout: function.timeout,
                    memory_mb: function.memory_mb,
                    log: log_of(&function.name),
                    ..Launch::new(executable, environment.pairs())
                };
                (function, Arc::new(Function::new(launch, source)))
            })
            .collect();
        Ok(Self {
            functions,
            cors: Cors::new(template.cors, environment.web_origins()),
            stand_ins,
            missing_for_recordings,
        })
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions.iter().map(|(_, function)| function).find(|function| function.name() == name)
    }

    /// The names of all functions, in the template's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(|(function, _)| function.name.as_str())
    }

    /// Every route and its function, for a gateway.
    pub fn routes(&self) -> Routes {
        self.functions
            .iter()
            .flat_map(|(template, function)| {
                template.routes.iter().map(|route| (route.clone(), Arc::clone(function)))
            })
            .collect()
    }

    /// The API's CORS configuration, for a gateway.
    pub fn cors(&self) -> Cors {
        self.cors.clone()
    }

    /// The stand-ins that run.
    pub fn stand_ins(&self) -> &[StandIn] {
        &self.stand_ins
    }

    /// The setting without which no room can be recorded, if it is missing.
    pub fn missing_for_recordings(&self) -> Option<&'static str> {
        self.missing_for_recordings
    }

    /// Builds what is not built yet, so that the first request need not wait for it.
    pub async fn build(&self) -> Result<(), BuildError> {
        for (_, function) in &self.functions {
            function.executable().await?;
        }
        Ok(())
    }

    /// Ends every process that waits for an event.
    pub async fn stop(&self) {
        for (_, function) in &self.functions {
            function.stop().await;
        }
    }
}

fn executable_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
