//! [`RoomWorld`]: the WorkOS and LiveKit stand-ins and the binary of one endpoint under
//! `/api/v1/livekit/`.

use std::time::Duration;

use anteroom_local::instance::{Instance, Launch};
use anteroom_stand_ins::{
    exchange::Request,
    livekit::{self, LiveKit},
    workos::WorkOs,
};
use serde_json::Value;

use crate::{answer::Answer, auth_world::AuthWorld, event::Event};

/// The stand-ins for WorkOS and LiveKit, and a function configured for them.
pub struct RoomWorld {
    /// LiveKit.
    pub livekit: LiveKit,
    auth: AuthWorld,
    executable: String,
}

impl RoomWorld {
    /// Starts all three. The executable has the name of the path's last segment.
    ///
    /// # Panics
    /// If one of them does not start.
    pub async fn start(executable: &str) -> Self {
        Self::start_with(executable, &[]).await
    }

    /// The same with additional settings, which take precedence. An empty setting counts as not
    /// set.
    ///
    /// # Panics
    /// Same as above.
    pub async fn start_with(executable: &str, own: &[(&str, &str)]) -> Self {
        let livekit = LiveKit::start().await.expect("a free port");
        let settings = livekit.settings();
        let is_own = |name: &str| own.iter().any(|(other, _)| *other == name);
        let others = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = others.filter(|(name, _)| !is_own(name)).chain(own.iter().copied());
        let settings: Vec<_> = settings.collect();
        let mut auth = AuthWorld::start_with(executable, &settings).await;
        auth.path = auth.path.replacen("/auth/", "/api/v1/livekit/", 1);
        Self { livekit, auth, executable: executable.to_owned() }
    }

    /// WorkOS.
    pub fn workos(&self) -> &WorkOs {
        &self.auth.workos
    }

    /// The function's variables.
    pub fn settings(&self) -> &[(String, String)] {
        &self.auth.settings
    }

    /// A request from the page, without a body, cookies or a token.
    pub fn event(&self) -> Event {
        self.auth.event()
    }

    /// A request with this JSON, from a user who has just signed in to their first organization, if
    /// any.
    pub fn event_of(&self, user: &str, body: &Value) -> Event {
        self.event().bearer(&self.workos().access_token(user)).json(body)
    }

    /// The same, from a user in one of several organizations.
    ///
    /// # Panics
    /// If the user cannot sign in there.
    pub fn event_in(&self, user: &str, organization: &str, body: &Value) -> Event {
        let session = self.workos().sign_in(user, Some(organization));
        let token = session["access_token"].as_str().expect("an access token");
        self.event().bearer(token).json(body)
    }

    /// The response to an event.
    ///
    /// # Panics
    /// If there is none, or it is invalid.
    pub async fn ask(&self, event: &Event) -> Answer {
        self.auth.ask(event).await
    }

    /// Another process of the function, as Lambda starts one for each concurrent request.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn another(&self) -> Instance {
        let launch = Launch::new(&self.executable, self.settings().iter().cloned());
        Instance::launch(&launch).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same with a different function timeout.
    ///
    /// # Panics
    /// Same as above.
    pub async fn another_within(&self, timeout: Duration) -> Instance {
        let launch = Launch::new(&self.executable, self.settings().iter().cloned());
        let launch = Launch { timeout, ..launch };
        Instance::launch(&launch).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The calls to LiveKit, in order: `ListRooms`.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.livekit.requests();
        let name = |request: &Request| request.path().rsplit('/').next().map(str::to_owned);
        requests.iter().filter_map(name).collect()
    }

    /// The JSON bodies of the calls to LiveKit with that name, in order.
    ///
    /// # Panics
    /// If one of them is not JSON.
    pub fn told(&self, call: &str) -> Vec<Value> {
        let requests = self.livekit.requests();
        let calls = requests.iter().filter(|request| request.segments().last() == Some(&call));
        calls.map(|request| request.json().expect("JSON")).collect()
    }

    /// Stops the function, and checks that it logged one line per request and no private data:
    /// keys, tokens, cookies, addresses, and `others`.
    ///
    /// # Panics
    /// If a line contains private data.
    pub async fn logs_nothing_of(self, requests: usize, others: &[&str]) {
        let keys = [livekit::API_KEY, livekit::API_SECRET];
        let others: Vec<_> = keys.into_iter().chain(others.iter().copied()).collect();
        self.auth.logs_nothing_of(requests, &others).await;
    }
}
