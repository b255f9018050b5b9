//! [`World`]: the stand-ins of all providers, and the functions between them.

use std::collections::HashMap;
use std::sync::Arc;

use anteroom_local::instance::Instance;
use anteroom_local::template::{FunctionTemplate, Template};
use anteroom_security::binary;
use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::event_bridge::EventBridge;
use anteroom_stand_ins::exchange::Request;
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_stand_ins::livekit::LiveKit;
use anteroom_stand_ins::s3::S3;
use anteroom_stand_ins::workos::{
    INVITE_PERMISSION, MODERATE_PERMISSION, RECORDING_PERMISSION, WorkOs,
};
use anteroom_testing::{Answer, Event, PAGE};
use serde_json::Value;
use tokio::sync::Mutex;

/// Jane's id at WorkOS.
pub(crate) const JANE_ID: &str = "user_01ANTER00MJANE000000000000";

/// The lifetime of sessions in seconds, so that no table outlives one on a slow machine.
pub(crate) const LONG: i64 = 24 * 60 * 60;

/// Variables of a function.
pub(crate) type Settings = Vec<(String, String)>;

/// Settings of a row's own, which win.
pub(crate) type Own = &'static [(&'static str, &'static str)];

/// All providers, and the functions between them. A function starts with its first request and
/// serves all further ones with the same settings.
pub(crate) struct World {
    pub(crate) workos: WorkOs,
    pub(crate) clerk: Clerk,
    pub(crate) liveblocks: Liveblocks,
    pub(crate) livekit: LiveKit,
    pub(crate) s3: S3,
    pub(crate) bus: EventBridge,
    pub(crate) settings: Settings,
    templates: Vec<FunctionTemplate>,
    running: Mutex<HashMap<(String, Own), Arc<Instance>>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let workos = WorkOs::start().await.unwrap();
        let clerk = Clerk::start().await.unwrap();
        let liveblocks = Liveblocks::start().await.unwrap();
        let livekit = LiveKit::start().await.unwrap();
        let s3 = S3::start().await.unwrap();
        let bus = EventBridge::start().await.unwrap();
        livekit.record_to(&s3);
        workos.lift_limits();
        workos.set_access_token_seconds(LONG);
        let mut settings = livekit.settings();
        settings.retain(|(name, _)| !name.starts_with("RECORDINGS_"));
        settings.extend(s3.settings());
        settings.extend(workos.settings());
        settings.extend(clerk.settings());
        settings.extend(liveblocks.settings());
        settings.extend(bus.settings());
        for (name, value) in [
            ("ALLOWED_ORIGINS", PAGE),
            ("DEV_SIGN_IN_EMAIL", "jane.doe@example.com"),
            ("RECORDING_PERMISSION", RECORDING_PERMISSION),
            ("ROOM_INVITE_PERMISSION", INVITE_PERMISSION),
            ("ROOM_MODERATE_PERMISSION", MODERATE_PERMISSION),
            ("STAGE", "dev"),
        ] {
            settings.push((name.to_owned(), value.to_owned()));
        }
        let (templates, running) = (templates(), Mutex::default());
        Self { workos, clerk, liveblocks, livekit, s3, bus, settings, templates, running }
    }

    /// The names of all endpoints.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.templates.iter().map(|template| template.name.clone()).collect()
    }

    /// A request from the page to an endpoint, without a body or credentials.
    pub(crate) fn to(&self, endpoint: &str) -> Event {
        let template = self.templates.iter().find(|template| template.name == endpoint);
        let template = template.unwrap_or_else(|| panic!("no endpoint is called {endpoint}"));
        let method = template.takes.as_ref().map_or("POST", |method| method.as_str());
        Event::post(&template.routes[0].path).method(method)
    }

    /// The endpoint at a path.
    pub(crate) fn endpoint_at(&self, path: &str) -> String {
        let is_there =
            |template: &&FunctionTemplate| template.routes.iter().any(|route| route.path == path);
        let template = self.templates.iter().find(is_there);
        template.unwrap_or_else(|| panic!("no endpoint is at {path}")).name.clone()
    }

    /// The settings with a row's own.
    pub(crate) fn settings_with(&self, own: &[(&str, &str)]) -> Settings {
        let mut settings = self.settings.clone();
        settings.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
        settings.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        settings
    }

    /// The running function of an endpoint.
    pub(crate) async fn function(&self, endpoint: &str, own: Own) -> Arc<Instance> {
        let mut running = self.running.lock().await;
        let place = (endpoint.to_owned(), own);
        if let Some(function) = running.get(&place) {
            return Arc::clone(function);
        }
        let executable = binary::of(endpoint).await;
        let function = Instance::start(executable, self.settings_with(own)).await;
        let function = Arc::new(function.unwrap_or_else(|error| panic!("{error}")));
        running.insert(place, Arc::clone(&function));
        function
    }

    /// The answer to a request that is no attack but prepares one.
    pub(crate) async fn ask(&self, event: &Event) -> Answer {
        Answer::of(&*self.function(&self.endpoint_at(event.path()), &[]).await, event).await
    }

    /// Forgets the calls of all providers.
    pub(crate) fn forget_calls(&self) {
        self.workos.forget_requests();
        self.clerk.forget_requests();
        self.liveblocks.forget_requests();
        self.livekit.forget_requests();
        self.s3.forget_requests();
        self.bus.forget_requests();
    }

    /// The calls of all providers, such as `workos authenticate`, by provider and in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = |provider: &'static str, requests: Vec<Request>| {
            requests.into_iter().map(move |request| format!("{provider} {}", call(&request)))
        };
        calls("clerk", self.clerk.requests())
            .chain(calls("workos", self.workos.requests()))
            .chain(calls("liveblocks", self.liveblocks.requests()))
            .chain(calls("livekit", self.livekit.requests()))
            .chain(calls("s3", self.s3.requests()))
            .chain(calls("eventbridge", self.bus.requests()))
            .collect()
    }

    /// What may never be in a log: the settings' secrets.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        const SECRETS: [&str; 8] = [
            "CLERK_SECRET_KEY",
            "LIVEBLOCKS_SECRET_KEY",
            "LIVEKIT_API_KEY",
            "LIVEKIT_API_SECRET",
            "RECORDINGS_ACCESS_KEY_ID",
            "RECORDINGS_SECRET_ACCESS_KEY",
            "WORKOS_API_KEY",
            "WORKOS_COOKIE_PASSWORD",
        ];
        let settings = self.settings.iter();
        settings.filter(|(name, _)| SECRETS.contains(&&**name)).map(|(_, value)| value.as_str())
    }
}

/// The name of a call: the end of its path, or what is there if that is an id.
fn call(request: &Request) -> String {
    match request.segments()[..] {
        ["sso", "jwks", _] => "jwks".to_owned(),
        [_, "users", _] => "user".to_owned(),
        [.., last] if !last.is_empty() && !request.path_and_query.contains("list-type") => {
            last.to_owned()
        }
        _ => request.header("x-amz-target").unwrap_or("list").to_owned(),
    }
}

fn templates() -> Vec<FunctionTemplate> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    let template = Template::read(path.as_ref());
    template.unwrap_or_else(|error| panic!("{error}")).functions
}

/// The object with other fields; `null` takes one out.
pub(crate) fn with(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().expect("an object");
    for (name, change) in changes.as_object().expect("an object") {
        if change.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), change.clone());
        }
    }
    object
}
