//! [`AuthWorld`]: the WorkOS stand-in and the binary of one endpoint under `/auth/`.

use std::path::Path;

use anteroom_local::instance::Instance;
use anteroom_stand_ins::{exchange::Request, workos::WorkOs};
use serde_json::Value;

use crate::{
    answer::Answer,
    event::{Event, PAGE},
};

/// The stand-in for WorkOS, and a function configured for it.
pub struct AuthWorld {
    /// WorkOS.
    pub workos: WorkOs,
    /// The function's variables.
    pub settings: Vec<(String, String)>,
    /// The path of the endpoint.
    pub path: String,
    function: Instance,
}

impl AuthWorld {
    /// Starts both. The executable has the name of the path's last segment.
    ///
    /// # Panics
    /// If one of them does not start.
    pub async fn start(executable: &str) -> Self {
        Self::start_with(executable, &[]).await
    }

    /// The same with additional settings, which take precedence.
    ///
    /// # Panics
    /// Same as above.
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

    /// A request from the page, without a body or cookies.
    pub fn event(&self) -> Event {
        Event::to(&self.path)
    }

    /// The response to an event.
    ///
    /// # Panics
    /// If there is none, or it is invalid.
    pub async fn ask(&self, event: &Event) -> Answer {
        Answer::of(&self.function, event).await
    }

    /// The response to an event given as text.
    ///
    /// # Panics
    /// Same as above.
    pub async fn ask_text(&self, event: &str) -> Answer {
        Answer::of_text(&self.function, event, &self.path).await
    }

    /// The response to a request with this JSON body.
    ///
    /// # Panics
    /// Same as above.
    pub async fn post(&self, body: &Value) -> Answer {
        self.ask(&self.event().json(body)).await
    }

    /// The requests to WorkOS, in order: `POST /user_management/authenticate`. Leaves out requests
    /// for its keys, which are fetched when needed.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.workos.requests();
        let others = requests.iter().filter(|request| !request.path().starts_with("/sso/jwks/"));
        others.map(|request| format!("{} {}", request.method, request.path())).collect()
    }

    /// The body of the latest request to WorkOS.
    ///
    /// # Panics
    /// If there was none, or its body is not JSON.
    pub fn last_sent(&self) -> Value {
        let requests = self.workos.requests();
        requests.last().and_then(Request::json).expect("a request with JSON")
    }

    /// Stops the function and returns its log.
    ///
    /// # Panics
    /// If it does not stop.
    pub async fn stop(self) -> String {
        self.function.stop().await.join("\n")
    }

    /// Stops the function, and checks that it logged one line per request and no private data:
    /// keys, tokens, cookies, addresses, and `others`.
    ///
    /// # Panics
    /// If a line contains private data.
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
