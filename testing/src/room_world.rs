//! [`RoomWorld`]: the stand-ins for WorkOS or Clerk and for LiveKit, and the binary of one endpoint
//! under `/api/v1/livekit/`.

use std::path::Path;
use std::time::Duration;

use anteroom_local::instance::{Instance, Launch};
use anteroom_stand_ins::{
    clerk::{Clerk, User},
    exchange::Request,
    jwt,
    livekit::{self, LiveKit},
    s3::S3,
    workos::WorkOs,
};
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    auth_world::AuthWorld,
    event::Event,
    identity::{Identity, clerk_claims, clerk_organization_id},
    sessions::{COOKIE, access_token, sealed},
};

/// The settings that WorkOS's stand-in gives.
const OF_WORKOS: [&str; 5] = [
    "WORKOS_API_KEY",
    "WORKOS_API_URL",
    "WORKOS_CLIENT_ID",
    "WORKOS_COOKIE_PASSWORD",
    "WORKOS_REDIRECT_URI",
];

/// The settings without which nobody may invite or moderate.
pub(crate) fn permissions(identity: Identity) -> [(&'static str, &'static str); 2] {
    [
        ("ROOM_INVITE_PERMISSION", identity.invite_permission()),
        ("ROOM_MODERATE_PERMISSION", identity.moderate_permission()),
    ]
}

/// The endpoint that reads the bucket, and that nobody may call while no permission is configured.
const READS_THE_BUCKET: &str = "recordings";

/// The stand-ins for LiveKit, for the bucket of its recordings and for the provider of sessions, and
/// a function that has their settings.
pub struct RoomWorld {
    /// LiveKit, which uploads its recordings to the bucket if its settings say so.
    pub livekit: LiveKit,
    /// The bucket.
    pub s3: S3,
    clerk: Option<Clerk>,
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

    /// The same with settings of its own, which win. An empty one is as good as none. With
    /// `LIVEKIT_IDENTITY=clerk`, the function has Clerk's settings and none of WorkOS's. Inviting and
    /// moderating need permissions that only `jane` has.
    ///
    /// # Panics
    /// Same as above.
    pub async fn start_with(executable: &str, own: &[(&str, &str)]) -> Self {
        let livekit = LiveKit::start().await.expect("a free port");
        let s3 = S3::start().await.expect("a free port");
        livekit.record_to(&s3);
        let mut settings = livekit.settings();
        if Path::new(executable).file_stem().is_some_and(|name| name == READS_THE_BUCKET) {
            settings.retain(|(name, _)| !name.starts_with("RECORDINGS_"));
            settings.extend(s3.settings());
            let of_clerk = own.contains(&("LIVEKIT_IDENTITY", Identity::Clerk.name()));
            let identity = if of_clerk { Identity::Clerk } else { Identity::WorkOs };
            let permission = identity.recording_permission().to_owned();
            settings.push(("RECORDING_PERMISSION".to_owned(), permission));
        }
        let is_own = |name: &str| own.iter().any(|(other, _)| *other == name);
        let others = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = others.filter(|(name, _)| !is_own(name)).chain(own.iter().copied());
        let mut settings: Vec<_> = settings.collect();
        let is_for_clerk = own.contains(&("LIVEKIT_IDENTITY", Identity::Clerk.name()));
        let identity = if is_for_clerk { Identity::Clerk } else { Identity::WorkOs };
        settings.extend(permissions(identity).into_iter().filter(|(name, _)| !is_own(name)));
        let clerk = match identity {
            Identity::Clerk => Some(Clerk::start().await.expect("a free port")),
            Identity::WorkOs => None,
        };
        let of_clerk = clerk.as_ref().map(Clerk::settings).unwrap_or_default();
        if clerk.is_some() {
            settings.extend(OF_WORKOS.map(|name| (name, "")));
        }
        let of_clerk = of_clerk.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        settings.extend(of_clerk.filter(|(name, _)| !is_own(name)));
        let mut auth = AuthWorld::start_with(executable, &settings).await;
        auth.path = auth.path.replacen("/auth/", "/api/v1/livekit/", 1);
        Self { livekit, s3, clerk, auth, executable: executable.to_owned() }
    }

    /// WorkOS. It is there, and not asked, if the sessions are Clerk's.
    pub fn workos(&self) -> &WorkOs {
        &self.auth.workos
    }

    /// Clerk.
    ///
    /// # Panics
    /// When the sessions are WorkOS's.
    pub fn clerk(&self) -> &Clerk {
        self.clerk.as_ref().expect("sessions of Clerk")
    }

    /// The id of a user, by the short name at WorkOS's stand-in.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn user_id(&self, user: &str) -> String {
        match &self.clerk {
            Some(_) => User::new(user).id,
            None => self.workos().user(user).id,
        }
    }

    /// The id of an organization, by its name at WorkOS's stand-in.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn organization_id(&self, name: &str) -> String {
        match &self.clerk {
            Some(_) => clerk_organization_id(name),
            None => self.workos().organization(name).id,
        }
    }

    /// The function's variables.
    pub fn settings(&self) -> &[(String, String)] {
        &self.auth.settings
    }

    /// A request from the page, without a body, cookies or a token.
    pub fn event(&self) -> Event {
        self.auth.event()
    }

    /// A request with this input, from a user who has just signed in to their first organization, if
    /// any.
    pub fn event_of(&self, user: &str, body: &Value) -> Event {
        self.event().bearer(&self.token_of(user)).input(body)
    }

    /// The same, from a user in one of several organizations.
    ///
    /// # Panics
    /// If the user cannot sign in there.
    pub fn event_in(&self, user: &str, organization: &str, body: &Value) -> Event {
        let token = match &self.clerk {
            Some(clerk) => {
                clerk.sign(&clerk.header(), &clerk_claims(clerk, user, Some(organization)))
            }
            None => access_token(&self.workos().sign_in(user, Some(organization))).to_owned(),
        };
        self.event().bearer(&token).input(body)
    }

    /// The same with the session in a cookie.
    ///
    /// # Panics
    /// When the user cannot sign in.
    pub async fn cookie_event_of(&self, user: &str, body: &Value) -> Event {
        let event = self.event().input(body);
        if self.clerk.is_some() {
            return event.cookie("__session", &self.token_of(user));
        }
        let session = self.workos().sign_in(user, None);
        event.cookie(COOKIE, &sealed(self.settings(), &session).await)
    }

    /// A request from Jane whose session has these permissions and no others.
    ///
    /// # Panics
    /// If the stand-in's claims are not an object.
    pub fn event_with_permissions(&self, permissions: &[&str], body: &Value) -> Event {
        self.event_in_with_permissions("jane", Some("Example"), permissions, body)
    }

    /// A request from a user in this organization, or in none, whose session has these permissions
    /// and no others.
    ///
    /// # Panics
    /// Same as above, and if the user cannot sign in there.
    pub fn event_in_with_permissions(
        &self,
        user: &str,
        organization: Option<&str>,
        permissions: &[&str],
        body: &Value,
    ) -> Event {
        let token = if let Some(clerk) = &self.clerk {
            let mut claims = clerk_claims(clerk, user, organization);
            // Version 1 of the claims spells permissions out.
            let own = claims.as_object_mut().expect("an object");
            for claim in ["v", "o", "fea"] {
                own.remove(claim);
            }
            if let Some(organization) = organization {
                claims["org_id"] = json!(self.organization_id(organization));
            }
            claims["org_permissions"] = json!(permissions);
            clerk.sign(&clerk.header(), &claims)
        } else {
            let session = self.workos().sign_in(user, organization);
            let mut claims = jwt::claims(access_token(&session)).expect("claims");
            claims["permissions"] = json!(permissions);
            self.workos().sign(&self.workos().header(), &claims)
        };
        self.event().bearer(&token).input(body)
    }

    /// The token of a user who has just signed in: to the first organization, if there is one.
    ///
    /// # Panics
    /// When the user cannot sign in.
    pub fn token_of(&self, user: &str) -> String {
        match &self.clerk {
            Some(clerk) => {
                let organization = (user == "jane").then_some("Example");
                clerk.sign(&clerk.header(), &clerk_claims(clerk, user, organization))
            }
            None => self.workos().access_token(user),
        }
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
