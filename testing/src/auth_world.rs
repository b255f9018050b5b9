//! [`AuthWorld`]: WorkOS and one endpoint under `/auth/`, the binary itself.

use std::path::Path;

use anteroom_local::instance::Instance;
use anteroom_stand_ins::{exchange::Request, workos::WorkOs};
use serde_json::Value;

use crate::{
    answer::Answer,
    event::{Event, PAGE},
};

/// The stand-in for WorkOS, and a function that has its settings.
pub struct AuthWorld {
    /// WorkOS.
    pub workos: WorkOs,
    /// The variables that the function has.
    pub settings: Vec<(String, String)>,
    /// Where the function is reached.
    pub path: String,
    function: Instance,
}

impl AuthWorld {
    /// Starts both. The executable is called what the endpoint's path ends in.
    ///
    /// # Panics
    /// When one of them does not start.
    pub async fn start(executable: &str) -> Self {
        Self::start_with(executable, &[]).await
    }

    /// The same with settings of its own, which win.
    ///
    /// # Panics
    /// Likewise.
    pub async fn start_with(executable: &str, own: &[(&str, &str)]) -> Self {
        let workos = WorkOs::start().await.expect("a free port");
        let mut settings = workos.settings();
        settings.push(("ALLOWED_ORIGINS".to_owned(), PAGE.to_owned()));
        settings.retain(|(name, _)| !own.iter().any(|(other, _)| name == other));
        settings.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let function = Instance::start(executable, settings.clone()).await;
        let function = function.unwrap_or_else(|error| panic!("{error}"));
        let name = Path::new(executable).file_stem().and_then(|name| name.to_str());
        // The path of `livekit-token` ends in `/livekit/token`.
        let name = name.map(|name| name.strip_prefix("livekit-").unwrap_or(name));
        let path = format!("/auth/{}", name.expect("a name"));
        Self { workos, settings, path, function }
    }

    /// A request of the page's to the function, without body and cookies.
    pub fn event(&self) -> Event {
        Event::post(&self.path)
    }

    /// The answer to an event.
    ///
    /// # Panics
    /// When there is none, or it is not as every answer has to be.
    pub async fn ask(&self, event: &Event) -> Answer {
        Answer::of(&self.function, event).await
    }

    /// The answer to an event that is written by hand.
    ///
    /// # Panics
    /// Likewise.
    pub async fn ask_text(&self, event: &str) -> Answer {
        Answer::of_text(&self.function, event, &self.path).await
    }

    /// The answer to this JSON.
    ///
    /// # Panics
    /// Likewise.
    pub async fn post(&self, body: &Value) -> Answer {
        self.ask(&self.event().json(body)).await
    }

    /// What WorkOS was asked for, in order: `POST /user_management/authenticate`. Its keys are left
    /// out, which are fetched when they are needed.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.workos.requests();
        let others = requests.iter().filter(|request| !request.path().starts_with("/sso/jwks/"));
        others.map(|request| format!("{} {}", request.method, request.path())).collect()
    }

    /// The body of the latest request to WorkOS.
    ///
    /// # Panics
    /// When there was none, or it had no JSON.
    pub fn last_sent(&self) -> Value {
        let requests = self.workos.requests();
        requests.last().and_then(Request::json).expect("a request with JSON")
    }

    /// Stops the function and gives what it logged.
    ///
    /// # Panics
    /// When it does not stop.
    pub async fn stop(self) -> String {
        self.function.stop().await.join("\n")
    }

    /// Stops the function, and checks that it logged a line for each request, and nothing of what is
    /// nobody's business: keys, tokens, cookies, addresses, and whatever else is given.
    ///
    /// # Panics
    /// When something of it is in a line.
    pub async fn logs_nothing_of(self, requests: usize, others: &[&str]) {
        let key = self.workos.api_key();
        let logs = self.function.stop().await.join("\n");
        let about = |message: &str| logs.matches(&format!("\"message\":\"{message}\"")).count();
        assert_eq!(about("answered") + about("refused"), requests, "{logs}");
        // `@` is in every address, and `eyJ` begins every token.
        let always = ["@", "eyJ", "Fe26.2", key.as_str()];
        for private in always.iter().chain(others) {
            assert!(!private.is_empty(), "nothing is in every text");
            assert!(!logs.contains(private), "{private} is in {logs}");
        }
    }
}
