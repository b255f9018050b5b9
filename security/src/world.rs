//! [`World`]: a stand-in for every provider, and requests that succeed in it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anteroom::api::{Request, with_cookies};
use anteroom::clock::Clock;
use anteroom::settings::Settings;
use anteroom::workos::{Cookies, Email, MagicCode, SignIns, WorkOs as WorkOsClient};
use anteroom_local::instance::{Instance, Launch, StartError};
use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::event_bridge::EventBridge;
use anteroom_stand_ins::faults::FaultRule;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::liveblocks::{self, Liveblocks};
use anteroom_stand_ins::livekit::{self, LiveKit, TrackSource, webhook_token};
use anteroom_stand_ins::s3::{self, S3};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::server::{Certificate, StandIn, TLS_AUTHORITIES_FILE};
use anteroom_stand_ins::workos::{self, WorkOs};
use anteroom_testing::livekit::{PARTICIPANT, folder_of, invitation};
use anteroom_testing::sessions::{self, COOKIE, expired_session, session_near_its_end};
use anteroom_testing::{Answer, Event, Identity, PAGE};
use serde_json::{Value, json};

use crate::binary;
use crate::scenario::{Provider, Scenario, Way};

/// The user who may record, invite and moderate.
const JANE: &str = "jane.doe@example.com";

/// A member of two organizations.
const MEMBER_OF_TWO: &str = "123@gmail.com";

/// Jane's organization.
const ORGANIZATION: &str = "Example";

/// Its id at Clerk.
const CLERK_ORGANIZATION: &str = "org_2AnteroomExample0000000000";

/// The settings that are secrets, and the provider whose secret has them.
const SECRETS: [(&str, Provider); 8] = [
    ("WORKOS_API_KEY", Provider::WorkOs),
    ("WORKOS_COOKIE_PASSWORD", Provider::WorkOs),
    ("CLERK_SECRET_KEY", Provider::Clerk),
    ("LIVEBLOCKS_SECRET_KEY", Provider::Liveblocks),
    ("LIVEKIT_API_KEY", Provider::LiveKit),
    ("LIVEKIT_API_SECRET", Provider::LiveKit),
    ("RECORDINGS_ACCESS_KEY_ID", Provider::LiveKit),
    ("RECORDINGS_SECRET_ACCESS_KEY", Provider::LiveKit),
];

/// How a world is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Whose sessions the functions accept.
    pub identity: Identity,
    /// Whether the providers speak TLS.
    pub tls: bool,
    /// Whether the secrets are in Secrets Manager.
    pub stored: bool,
}

/// The stand-ins, and the settings of the functions that call them.
pub struct World {
    /// WorkOS.
    pub workos: WorkOs,
    /// Clerk.
    pub clerk: Clerk,
    /// Liveblocks.
    pub liveblocks: Liveblocks,
    /// LiveKit, which uploads to the bucket.
    pub livekit: LiveKit,
    /// The bucket.
    pub s3: S3,
    /// Secrets Manager.
    pub secrets_manager: SecretsManager,
    /// EventBridge.
    pub event_bridge: EventBridge,
    setup: Setup,
    settings: Vec<(String, String)>,
    made: AtomicUsize,
}

/// Calls the same method of a provider's stand-in.
macro_rules! stand_in {
    ($world:expr, $provider:expr, $it:ident => $does:expr) => {
        match $provider {
            Provider::WorkOs => {
                let $it = &$world.workos;
                $does
            }
            Provider::Clerk => {
                let $it = &$world.clerk;
                $does
            }
            Provider::Liveblocks => {
                let $it = &$world.liveblocks;
                $does
            }
            Provider::LiveKit => {
                let $it = &$world.livekit;
                $does
            }
            Provider::S3 => {
                let $it = &$world.s3;
                $does
            }
            Provider::SecretsManager => {
                let $it = &$world.secrets_manager;
                $does
            }
            Provider::EventBridge => {
                let $it = &$world.event_bridge;
                $does
            }
        }
    };
}

/// The user who calls a function, and the organization of the session.
fn user_of(function: &str) -> (&'static str, &'static str) {
    match function {
        "switch-organization" => ("member_of_two", "MASADAS"),
        _ => ("jane", ORGANIZATION),
    }
}

async fn started<P: anteroom_stand_ins::server::Provider>(tls: bool) -> StandIn<P> {
    let stand_in = if tls { StandIn::start_tls().await } else { StandIn::start().await };
    stand_in.expect("a free port")
}

impl World {
    /// Starts the stand-ins.
    ///
    /// # Panics
    /// If one of them does not start.
    pub async fn start(setup: Setup) -> Self {
        let tls = setup.tls;
        let mut world = Self {
            workos: started(tls).await,
            clerk: started(tls).await,
            liveblocks: started(tls).await,
            livekit: started(tls).await,
            s3: started(tls).await,
            secrets_manager: started(tls).await,
            event_bridge: started(tls).await,
            setup,
            settings: Vec::new(),
            made: AtomicUsize::new(0),
        };
        world.livekit.record_to(&world.s3);
        world.settings = world.all_settings();
        if setup.stored {
            world.store();
        }
        world
    }

    fn all_settings(&self) -> Vec<(String, String)> {
        let identity = self.setup.identity;
        let mut livekit = self.livekit.settings();
        livekit.retain(|(name, _)| !name.starts_with("RECORDINGS_"));
        let mut settings = [
            self.workos.settings(),
            self.clerk.settings(),
            self.liveblocks.settings(),
            livekit,
            self.s3.settings(),
            self.secrets_manager.settings(),
            self.event_bridge.settings(),
        ]
        .concat();
        settings.retain(|(name, _)| name != "SSL_CERT_FILE");
        let own = [
            ("ALLOWED_ORIGINS", PAGE),
            ("STAGE", "dev"),
            ("DEV_SIGN_IN_EMAIL", JANE),
            ("LIVEKIT_IDENTITY", identity.name()),
            ("LIVEBLOCKS_IDENTITY", identity.name()),
            ("RECORDING_PERMISSION", identity.recording_permission()),
            ("ROOM_INVITE_PERMISSION", identity.invite_permission()),
            ("ROOM_MODERATE_PERMISSION", identity.moderate_permission()),
        ];
        settings.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        if self.setup.tls {
            settings.push(("SSL_CERT_FILE".to_owned(), TLS_AUTHORITIES_FILE.to_owned()));
        }
        settings
    }

    /// Writes the current secrets to Secrets Manager.
    ///
    /// # Panics
    /// Never: every secret has an id.
    pub fn store(&self) {
        for provider in [Provider::WorkOs, Provider::Clerk, Provider::Liveblocks, Provider::LiveKit]
        {
            let own = SECRETS.iter().filter(|(_, of)| *of == provider);
            let value = |name: &str| self.value(name).to_owned();
            let secret: serde_json::Map<_, _> =
                own.map(|(name, _)| ((*name).to_owned(), json!(value(name)))).collect();
            self.secrets_manager.put(provider.secret_id().expect("an id"), Value::from(secret));
        }
    }

    /// A setting of the functions.
    ///
    /// # Panics
    /// If there is none.
    pub fn value(&self, name: &str) -> &str {
        let found = self.settings.iter().find(|(own, _)| own == name);
        found.map_or_else(|| panic!("no setting {name}"), |(_, value)| value.as_str())
    }

    /// Changes a setting, for functions that start from now on, and for what this makes.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(own, _)| own != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The functions' variables.
    ///
    /// # Panics
    /// Never: every secret has an id.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut environment = self.settings.clone();
        if self.setup.stored {
            for (name, provider) in SECRETS {
                let id = provider.secret_id().expect("an id");
                environment.retain(|(own, _)| own != name && own != id);
                environment.push((id.to_owned(), id.to_owned()));
            }
        }
        environment
    }

    /// Replaces the keys of a provider that the functions call it with, at the provider and, if they
    /// are there, in Secrets Manager.
    ///
    /// # Panics
    /// If the provider has none.
    pub fn rotate_secret(&mut self, provider: Provider) {
        let newer = format!("{}", self.next());
        match provider {
            Provider::WorkOs => {
                let key = format!("sk_test_newer_{newer}");
                self.workos.rotate_api_key(&key);
                self.set("WORKOS_API_KEY", &key);
            }
            Provider::Clerk => {
                let key = format!("sk_test_newer_{newer}");
                self.clerk.rotate_secret_key(&key);
                self.set("CLERK_SECRET_KEY", &key);
            }
            Provider::Liveblocks => {
                let key = format!("sk_dev_newer_{newer}");
                self.liveblocks.rotate_secret_key(&key);
                self.set("LIVEBLOCKS_SECRET_KEY", &key);
            }
            Provider::LiveKit => {
                let (key, secret) = (
                    format!("APINewer{newer}"),
                    format!("{newer:0>4} of a newer secret with thirty-two bytes"),
                );
                self.livekit.rotate_keys(&key, &secret);
                self.set("LIVEKIT_API_KEY", &key);
                self.set("LIVEKIT_API_SECRET", &secret);
            }
            Provider::S3 => {
                let (id, secret) =
                    (format!("AKIANEWER{newer}"), format!("newer-secret-of-the-bucket-{newer}"));
                self.s3.rotate_keys(&id, &secret, None);
                self.set("RECORDINGS_ACCESS_KEY_ID", &id);
                self.set("RECORDINGS_SECRET_ACCESS_KEY", &secret);
            }
            Provider::SecretsManager | Provider::EventBridge => panic!("its keys are the role's"),
        }
        if self.setup.stored {
            self.store();
        }
    }

    /// Replaces the password of the cookies. Functions accept the old one while it is stored as the
    /// previous one, which it is not here.
    pub fn rotate_password(&mut self) {
        let password = format!("a newer cookie password, the {}th of this world", self.next());
        self.set("WORKOS_COOKIE_PASSWORD", &password);
        if self.setup.stored {
            self.store();
        }
    }

    /// Replaces the keys that tokens are signed with, and withdraws the old ones.
    pub fn rotate_signing_key(&self) {
        self.workos.rotate_signing_key();
        self.workos.retire_old_signing_key();
        self.clerk.rotate_signing_key();
        self.clerk.retire_old_signing_key();
    }

    /// Starts a process of a function, with the template's timeout.
    pub async fn launch(&self, function: &str) -> Result<Instance, StartError> {
        let executable = binary::of(function).await;
        let launch = Launch::new(executable, self.environment());
        let timeout = binary::timeout_of(function);
        Instance::launch(&Launch { timeout, ..launch }).await
    }

    /// Makes a provider's calls fail.
    pub fn inject(&self, provider: Provider, fault: impl Into<FaultRule>) {
        stand_in!(self, provider, it => it.inject(fault));
    }

    /// Ends all faults of a provider.
    pub fn clear_faults(&self, provider: Provider) {
        stand_in!(self, provider, it => it.clear_faults());
    }

    /// Closes a provider's port and every connection.
    pub async fn stop(&self, provider: Provider) {
        stand_in!(self, provider, it => it.stop().await);
    }

    /// Opens the port again.
    ///
    /// # Panics
    /// If it is taken.
    pub async fn restart(&self, provider: Provider) {
        stand_in!(self, provider, it => it.restart().await).expect("the same port");
    }

    /// Presents another certificate.
    ///
    /// # Panics
    /// If the world has no TLS.
    pub async fn present(&self, provider: Provider, certificate: Certificate) {
        stand_in!(self, provider, it => it.present(certificate).await).expect("the same port");
    }

    /// Makes every open connection of a provider half-open.
    pub fn silence_connections(&self, provider: Provider) {
        stand_in!(self, provider, it => it.silence_connections());
    }

    /// How many requests a provider has got whose path begins like this.
    pub fn count(&self, provider: Provider, path: &str) -> usize {
        let requests = stand_in!(self, provider, it => it.requests());
        requests.iter().filter(|request| request.path().starts_with(path)).count()
    }

    /// Forgets the requests to a provider.
    pub fn forget_requests(&self, provider: Provider) {
        stand_in!(self, provider, it => it.forget_requests());
    }

    /// The texts that may be in no log: keys, passwords, and the beginnings of tokens, cookies and
    /// addresses.
    pub fn private(&self) -> Vec<String> {
        let always = ["@", "eyJ", "Fe26.2", "203.0.113.7", "Mozilla"];
        let seeded = [
            workos::API_KEY,
            workos::COOKIE_PASSWORD,
            anteroom_stand_ins::clerk::SECRET_KEY,
            liveblocks::SECRET_KEY,
            livekit::API_SECRET,
            s3::SECRET_ACCESS_KEY,
        ];
        let now = SECRETS.iter().map(|(name, _)| self.value(name).to_owned());
        always.iter().chain(&seeded).map(|text| (*text).to_owned()).chain(now).collect()
    }

    /// A request that succeeds if the providers work, in this way of calling an endpoint. Each can be
    /// sent once.
    ///
    /// # Panics
    /// If the providers do not work now.
    pub async fn request(&self, scenario: &Scenario) -> Event {
        let event = self.input(scenario).await;
        match (self.setup.identity, scenario.way) {
            (_, Way::Only | Way::SingleSignOn) => event,
            (Identity::Clerk, _) => event.bearer(&self.clerk_token()),
            (Identity::WorkOs, way) => self.with_session(event, scenario.function, way).await,
        }
    }

    /// The same with a token that a provider has issued whose clock is ahead by this many seconds, or
    /// behind. With `not_before`, the token says from when it is valid.
    ///
    /// # Panics
    /// If the scenario has no sessions, or their tokens no dates.
    pub async fn request_dated(&self, scenario: &Scenario, ahead: i64, not_before: bool) -> Event {
        let event = self.input(scenario).await;
        let shift = |claims: &mut Value| {
            for name in ["iat", "exp", "nbf"] {
                if let Some(date) = claims[name].as_i64() {
                    claims[name] = json!(date + ahead);
                }
            }
            if not_before {
                claims["nbf"] = claims["iat"].clone();
            }
        };
        if self.setup.identity == Identity::Clerk {
            let mut claims = self.clerk_claims();
            shift(&mut claims);
            // As long as Clerk's own are.
            claims["exp"] = json!(claims["iat"].as_i64().expect("a time") + 60);
            return event.bearer(&self.clerk.sign(&self.clerk.header(), &claims));
        }
        let (user, organization) = user_of(scenario.function);
        let session = self.workos.sign_in(user, Some(organization));
        let mut claims = jwt::claims(sessions::access_token(&session)).expect("claims");
        shift(&mut claims);
        let token = self.workos.sign(&self.workos.header(), &claims);
        if scenario.way == Way::Bearer {
            return event.bearer(&token);
        }
        let session = sessions::with_access_token(&session, &token);
        event.cookie(COOKIE, &sessions::sealed(&self.settings, &session).await)
    }

    async fn with_session(&self, event: Event, function: &str, way: Way) -> Event {
        let (user, organization) = user_of(function);
        let session = match way {
            Way::Due => expired_session(&self.workos, user, Some(organization)),
            Way::Early => session_near_its_end(&self.workos, user, Some(organization)),
            _ => self.workos.sign_in(user, Some(organization)),
        };
        match way {
            Way::Bearer => event.bearer(sessions::access_token(&session)),
            _ => event.cookie(COOKIE, &sessions::sealed(&self.settings, &session).await),
        }
    }

    /// A token of Jane's at Clerk that is good for ten minutes.
    fn clerk_token(&self) -> String {
        self.clerk.sign(&self.clerk.header(), &self.clerk_claims())
    }

    /// The claims of such a token.
    ///
    /// # Panics
    /// If the stand-in's claims are not an object.
    pub fn clerk_claims(&self) -> Value {
        let mut claims = self.clerk.claims_for("jane");
        let own = claims.as_object_mut().expect("an object");
        // Version 1 of the claims spells permissions out.
        own.retain(|name, _| !["v", "o", "fea"].contains(&name.as_str()));
        let issued = own["iat"].as_u64().expect("a time");
        own.insert("exp".to_owned(), json!(issued + 600));
        own.insert("org_id".to_owned(), json!(CLERK_ORGANIZATION));
        let identity = Identity::Clerk;
        let permissions = [
            identity.recording_permission(),
            identity.invite_permission(),
            identity.moderate_permission(),
        ];
        own.insert("org_permissions".to_owned(), json!(permissions));
        claims
    }

    /// The request without the session.
    async fn input(&self, scenario: &Scenario) -> Event {
        let function = scenario.function;
        let number = self.next();
        let auth = || Event::post(&format!("/auth/{function}"));
        match function {
            "session" => auth().method("GET"),
            "sign-out" | "dev-sign-in" => {
                self.workos.lift_limits();
                auth()
            }
            "continue-with-google" | "continue-with-microsoft" | "continue-with-authkit" => auth(),
            "sign-in" | "resend-magic-auth" => {
                self.workos.lift_limits();
                let email = match scenario.way {
                    Way::SingleSignOn => "someone@sso.example.com",
                    _ => JANE,
                };
                auth().json(&json!({ "email": email }))
            }
            "sign-up" => auth().json(&json!({ "email": format!("new-{number}@example.com") })),
            "finalize-magic-auth" => {
                self.workos.lift_limits();
                let code = self.workos.magic_code("jane");
                auth().json(&json!({ "email": JANE, "code": code }))
            }
            "finalize-oauth" => self.callback(auth()).await,
            "select-organization" => self.choice(auth()).await,
            "switch-organization" => {
                let id = self.workos.organization("TAUNTA SCRE").id;
                auth().json(&json!({ "email": MEMBER_OF_TWO, "organizationId": id }))
            }
            "liveblocks-auth" => Event::post("/api/liveblocks-auth"),
            _ => self.input_of_room(function, number).await,
        }
    }

    /// The request without the session, for an endpoint of LiveKit's.
    async fn input_of_room(&self, function: &str, number: usize) -> Event {
        let room = format!("room-{number}");
        let of_room = |path: &str| Event::to(&format!("/api/v1/livekit/{path}"));
        match function {
            "room-auth" => {
                of_room(function).json(&json!({ "username": "Jane Doe", "roomId": room }))
            }
            "livekit-token" => of_room("token").json(&json!({ "room_name": room })),
            "invite-guest" => of_room(function).json(&json!({ "roomId": room })),
            "guest-auth" => {
                let request = json!({ "roomId": room });
                let invitation = invitation(&self.settings, &request, Duration::ZERO).await;
                let input = json!({ "invitation": invitation, "username": "Gus Guest" });
                of_room(function).json(&input)
            }
            "remove-participant" => {
                self.admit(&room);
                of_room(function).json(&json!({ "roomId": room, "identity": PARTICIPANT }))
            }
            "mute-participant" => {
                self.admit(&room);
                let input =
                    json!({ "roomId": room, "identity": PARTICIPANT, "source": "microphone" });
                of_room(function).json(&input)
            }
            "start-recording" => {
                self.livekit.open_room(&room, 2);
                of_room(function).json(&json!({ "roomName": room, "zoneId": "1" }))
            }
            "stop-recording" => {
                let id = self.record(&room);
                let input = json!({ "roomName": room, "zoneId": "1", "egressId": id });
                of_room(function).json(&input)
            }
            "recordings" => {
                self.livekit.open_room(&room, 2);
                self.s3.put(&self.key(&room, number), b"film".to_vec());
                of_room(function).input(&json!({ "roomName": room, "zoneId": "1" }))
            }
            "livekit-webhook" => self.webhook(of_room("webhook"), number),
            _ => panic!("no requests for {function}"),
        }
    }

    fn admit(&self, room: &str) {
        self.livekit.admit(room, PARTICIPANT);
        self.livekit.publish(room, PARTICIPANT, TrackSource::Microphone);
    }

    fn key(&self, room: &str, number: usize) -> String {
        let folder = folder_of(Some(&self.organization_id()), room, "1");
        format!("{folder}/2026-01-01/000000-{number:016x}.mp4")
    }

    fn organization_id(&self) -> String {
        match self.setup.identity {
            Identity::WorkOs => self.workos.organization(ORGANIZATION).id,
            Identity::Clerk => CLERK_ORGANIZATION.to_owned(),
        }
    }

    /// Records a room, as `start-recording` does it for Jane, and gives the egress's id.
    fn record(&self, room: &str) -> String {
        self.livekit.open_room(room, 2);
        let metadata = json!({ "started-by": "user_1", "organization": self.organization_id() });
        let s3 = json!({
            "bucket": s3::BUCKET,
            "endpoint": self.value("RECORDINGS_ENDPOINT"),
            "access_key": self.value("RECORDINGS_ACCESS_KEY_ID"),
            "secret": self.value("RECORDINGS_SECRET_ACCESS_KEY"),
            "metadata": metadata,
        });
        let output = json!({ "filepath": self.key(room, self.next()), "s3": s3 });
        let request = json!({ "room_name": room, "file_outputs": [output] });
        self.livekit.start_egress("StartRoomCompositeEgress", request)
    }

    fn webhook(&self, event: Event, number: usize) -> Event {
        let body = json!({
            "event": "room_started", "id": format!("EV_{number}"), "createdAt": "1767323045",
            "room": { "sid": "RM_1", "name": "daily" },
        })
        .to_string();
        let (key, secret) = (self.livekit.api_key(), self.livekit.api_secret());
        let token = webhook_token(&key, &secret, body.as_bytes());
        let event = event.without_header("origin").body("application/webhook+json", &body);
        event.header("authorization", &token)
    }

    /// A callback with a code, to a browser that has begun the sign-in.
    async fn callback(&self, event: Event) -> Event {
        let cookies = self.configured(Cookies::configure).await;
        let begun = cookies.sign_in.begin(Request::default().headers()).await.expect("a sign-in");
        let code = self.workos.authorization_code("jane", Some(&begun.code_challenge));
        let cookie = &begun.cookies[0];
        let event = event.cookie(cookie.name(), cookie.value());
        event.json(&json!({ "code": code, "state": begun.state }))
    }

    /// The choice of an organization, in a browser that was given it.
    async fn choice(&self, event: Event) -> Event {
        self.workos.lift_limits();
        let sign_ins = self.configured(SignIns::configure).await;
        let workos = self.configured(WorkOsClient::configure).await;
        let email = Email::parse(MEMBER_OF_TWO).expect("an address");
        workos.create_magic_auth(&email, None).await.expect("a code");
        let code = self.workos.magic_code_for(MEMBER_OF_TWO).expect("a code");
        let code = MagicCode::parse(&code).expect("six digits");
        let request = Request::default();
        let finish = sign_ins.finish_magic_auth(request.headers(), &email, &code, None);
        let (outcome, cookies) = with_cookies(finish).await;
        let outcome = serde_json::to_value(outcome.expect("a choice")).expect("JSON");
        let token = &outcome["user"]["pendingAuthenticationToken"];
        let id = self.workos.organization("MASADAS").id;
        let event = event.cookie(cookies[0].name(), cookies[0].value());
        event.json(&json!({ "pendingAuthenticationToken": token, "organizationId": id }))
    }

    async fn configured<T>(
        &self,
        configure: impl FnOnce(&mut Settings) -> Result<T, anteroom::settings::Incomplete>,
    ) -> T {
        let settings = Settings::from_pairs(self.settings.clone(), Clock::system());
        let mut settings = settings.expect("settings");
        let configured = configure(&mut settings);
        settings.complete(configured).await.expect("complete settings")
    }

    fn next(&self) -> usize {
        self.made.fetch_add(1, Ordering::Relaxed)
    }
}

/// The answer to a request, if it is a success.
///
/// # Errors
/// What it is instead.
pub fn succeeded(scenario: &Scenario, answer: &Answer) -> Result<(), String> {
    if answer.status() == scenario.success() {
        Ok(())
    } else {
        Err(format!("{} {}", answer.status(), answer.text()))
    }
}
