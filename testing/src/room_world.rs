//! [`RoomWorld`]: WorkOS, LiveKit and one endpoint under `/api/v1/livekit/`, the binary itself.

use std::time::Duration;

use anteroom_local::instance::{Instance, Launch};
use anteroom_stand_ins::{
    exchange::Request,
    livekit::{self, LiveKit},
    workos::WorkOs,
};
use serde_json::Value;

use crate::{answer::Answer, auth_world::AuthWorld, event::Event};

/// The stand-ins for WorkOS and LiveKit, and a function that has their settings.
pub struct RoomWorld {
    /// LiveKit.
    pub livekit: LiveKit,
    auth: AuthWorld,
    executable: String,
}

impl RoomWorld {
    /// Starts all three. The executable is called what the endpoint's path ends in.
    ///
    /// # Panics
    /// If one of them does not start.
    pub async fn start(executable: &str) -> Self {
        Self::start_with(executable, &[]).await
    }

    /// A copy with settings of its own, which win. An empty one is as good as none.
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

    /// The variables that the function has.
    pub fn settings(&self) -> &[(String, String)] {
        &self.auth.settings
    }

    /// A request of the page's to the function, without body, cookies and token.
    pub fn event(&self) -> Event {
        self.auth.event()
    }

    /// A request with this JSON, by a user who has just signed in: to the first organization, if there
    /// is one.
    pub fn event_of(&self, user: &str, body: &Value) -> Event {
        self.event().bearer(&self.workos().access_token(user)).json(body)
    }

    /// The same by a user in one of several organizations.
    ///
    /// # Panics
    /// If the user cannot sign in there.
    pub fn event_in(&self, user: &str, organization: &str, body: &Value) -> Event {
        let session = self.workos().sign_in(user, Some(organization));
        let token = session["access_token"].as_str().expect("an access token");
        self.event().bearer(token).json(body)
    }

    /// The answer to an event.
    ///
    /// # Panics
    /// If there is none, or it is not as every answer has to be.
    pub async fn ask(&self, event: &Event) -> Answer {
        self.auth.ask(event).await
    }

    /// Another process of the function, as Lambda starts one for each request that comes while the
    /// others are busy.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn another(&self) -> Instance {
        let launch = Launch::new(&self.executable, self.settings().iter().cloned());
        Instance::launch(&launch).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, with so much time for a request as Lambda may be configured to give.
    ///
    /// # Panics
    /// Same as above.
    pub async fn another_within(&self, timeout: Duration) -> Instance {
        let launch = Launch::new(&self.executable, self.settings().iter().cloned());
        let launch = Launch { timeout, ..launch };
        Instance::launch(&launch).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What LiveKit was asked for, in order: `ListRooms`.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.livekit.requests();
        let name = |request: &Request| request.path().rsplit('/').next().map(str::to_owned);
        requests.iter().filter_map(name).collect()
    }

    /// What LiveKit was told in calls of that name, in order.
    ///
    /// # Panics
    /// If one of them had no JSON.
    pub fn told(&self, call: &str) -> Vec<Value> {
        let requests = self.livekit.requests();
        let calls = requests.iter().filter(|request| request.segments().last() == Some(&call));
        calls.map(|request| request.json().expect("JSON")).collect()
    }

    /// Stops the function, and checks that it logged a line for each request, and nothing of what is
    /// nobody's business: keys, tokens, cookies, addresses, and whatever else is given.
    ///
    /// # Panics
    /// If something of it is in a line.
    pub async fn logs_nothing_of(self, requests: usize, others: &[&str]) {
        let keys = [livekit::API_KEY, livekit::API_SECRET];
        let others: Vec<_> = keys.into_iter().chain(others.iter().copied()).collect();
        self.auth.logs_nothing_of(requests, &others).await;
    }
}
