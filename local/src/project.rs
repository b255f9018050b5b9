//! The whole project on this machine: the template's functions with their settings and stand-ins,
//! to serve behind a gateway or to invoke directly.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    environment::{Environment, EnvironmentError},
    event_bus::EventBus,
    function::{Function, Source},
    gateway::{Cors, Routes},
    instance::{Launch, LogSink},
    needs::{Missing, Needs},
    providers::{Provider, StandIn, missing_for_recordings, stand_in_for_missing},
    template::{FunctionTemplate, Route, Template, TemplateError},
    workspace::{BuildError, Workspace},
};

/// The file that marks a project's folder.
pub const TEMPLATE: &str = "template.yaml";

/// The function that takes LiveKit's events, and its path.
const WEBHOOK: &str = "livekit-webhook";
const WEBHOOK_PATH: &str = "/api/v1/livekit/webhook";

/// The functions, their settings and the stand-ins.
#[derive(Debug)]
pub struct Project {
    functions: Vec<(FunctionTemplate, Arc<Function>)>,
    not_served: Vec<(String, Missing)>,
    identities: Vec<(String, Provider)>,
    cors: Cors,
    stand_ins: Arc<[StandIn]>,
    event_bus: Option<EventBus>,
    left_out: Vec<Provider>,
    missing_for_recordings: Option<&'static str>,
    environment: Environment,
}

/// Where the executables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executables {
    /// They are built, and rebuilt when a source changes.
    Built,
    /// They are in this folder, each named after its function.
    In(PathBuf),
}

/// Why the project cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Neither the folder nor its parents have a template.
    #[error("there is no template.yaml in {0} or above it: run this inside the project")]
    NotInAProject(PathBuf),
    /// The template cannot be served.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// `.env` cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Every function needs a provider that is left out.
    #[error("nothing is left to serve:\n{}", listed(.0))]
    NothingToServe(Vec<(String, Missing)>),
    /// A stand-in could not listen.
    #[error("cannot start a stand-in: {0}")]
    StandIn(io::Error),
}

impl Project {
    /// The project's folder: `folder` or its nearest parent with a template.
    pub fn root(folder: &Path) -> Result<&Path, ProjectError> {
        folder
            .ancestors()
            .find(|folder| folder.join(TEMPLATE).is_file())
            .ok_or_else(|| ProjectError::NotInAProject(folder.to_owned()))
    }

    /// Reads the template and the settings at `root`, and starts the stand-ins, without the functions
    /// that need a provider that is left out. Pages at the origins `pages` may call the functions and
    /// sign in, in addition to the configured ones. `log_of` returns the sink for a function's log
    /// lines, or for the e-mails of a provider with that name.
    pub async fn open(
        root: &Path,
        executables: &Executables,
        left_out: Vec<Provider>,
        pages: &[String],
        log_of: impl Fn(&str) -> LogSink,
    ) -> Result<Self, ProjectError> {
        let mut template = Template::read(&root.join(TEMPLATE))?;
        let mut environment = Environment::read(root)?;
        environment.allow_origins(pages);
        let (mut not_served, mut identities) = (Vec::new(), Vec::new());
        template.functions.retain(|function| {
            let needs = Needs::of(function, &environment);
            let missing = needs.missing(&left_out);
            not_served.extend(missing.map(|missing| (function.name.clone(), missing)));
            identities.extend(needs.identity().map(|provider| (function.name.clone(), provider)));
            missing.is_none()
        });
        if template.functions.is_empty() && !not_served.is_empty() {
            return Err(ProjectError::NothingToServe(not_served));
        }
        let stand_ins = stand_in_for_missing(&mut environment, &left_out, pages, &log_of)
            .await
            .map_err(ProjectError::StandIn)?;
        let event_bus = if left_out.contains(&Provider::LiveKit) {
            None
        } else {
            let bus = EventBus::stand_in(&mut environment, log_of("EventBridge"));
            bus.await.map_err(ProjectError::StandIn)?
        };

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
                let mut variables = environment.pairs();
                let bus_key = event_bus.as_ref().map(|bus| bus.key_for(&function.environment));
                variables.extend_from_slice(bus_key.unwrap_or_default());
                let launch = Launch {
                    name: function.name.clone(),
                    timeout: function.timeout,
                    memory_mb: function.memory_mb,
                    log: log_of(&function.name),
                    ..Launch::new(executable, variables)
                };
                (function, Arc::new(Function::new(launch, source)))
            })
            .collect();
        Ok(Self {
            functions,
            not_served,
            identities,
            cors: Cors::new(template.cors, environment.web_origins()),
            stand_ins: stand_ins.into(),
            event_bus,
            left_out,
            missing_for_recordings,
            environment,
        })
    }

    /// The function with this name.
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

    /// Every endpoint as callers know it, such as `POST /auth/sign-in`, and its function's name.
    pub fn endpoints(&self) -> impl Iterator<Item = (String, &str)> {
        self.functions.iter().flat_map(|(template, function)| {
            template.routes.iter().map(|route| {
                let method = route.method.clone().or_else(|| template.takes.clone());
                let route = Route { method, ..route.clone() };
                (route.key(), function.name())
            })
        })
    }

    /// The functions that are not served, by name, and why.
    pub fn not_served(&self) -> &[(String, Missing)] {
        &self.not_served
    }

    /// The providers that are left out.
    pub fn left_out(&self) -> &[Provider] {
        &self.left_out
    }

    /// The provider whose users the function of this name serves.
    pub fn identity(&self, name: &str) -> Option<Provider> {
        self.identities.iter().find(|(function, _)| function == name).map(|(_, provider)| *provider)
    }

    /// The API's CORS configuration, for a gateway.
    pub fn cors(&self) -> Cors {
        self.cors.clone()
    }

    /// The running stand-ins.
    pub fn stand_ins(&self) -> &Arc<[StandIn]> {
        &self.stand_ins
    }

    /// The settings of the functions, which include secrets.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// EventBridge's stand-in, if it runs.
    pub fn event_bus(&self) -> Option<&EventBus> {
        self.event_bus.as_ref()
    }

    /// Makes LiveKit's stand-in send its events through the gateway at `url`, if there is an endpoint
    /// for them.
    pub fn send_webhooks_through(&self, url: &str) {
        if self.function(WEBHOOK).is_some() {
            self.stand_ins
                .iter()
                .for_each(|stand_in| stand_in.send_webhooks_to(&format!("{url}{WEBHOOK_PATH}")));
        }
    }

    /// The missing setting that recordings need, if any.
    pub fn missing_for_recordings(&self) -> Option<&'static str> {
        self.missing_for_recordings
    }

    /// Builds the functions, so that the first request does not have to wait.
    pub async fn build(&self) -> Result<(), BuildError> {
        for (_, function) in &self.functions {
            function.executable().await?;
        }
        Ok(())
    }

    /// Stops all idle processes.
    pub async fn stop(&self) {
        for (_, function) in &self.functions {
            function.stop().await;
        }
    }
}

/// The functions that are not served, and under those of one reason the reason.
pub fn listed(not_served: &[(String, Missing)]) -> String {
    let mut reasons: Vec<(&Missing, Vec<&str>)> = Vec::new();
    for (name, missing) in not_served {
        match reasons.iter_mut().find(|(reason, _)| *reason == missing) {
            Some((_, names)) => names.push(name),
            None => reasons.push((missing, vec![name])),
        }
    }
    let lines =
        reasons.into_iter().map(|(reason, names)| format!("  {}\n    {reason}", names.join(", ")));
    lines.collect::<Vec<_>>().join("\n")
}

fn executable_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
