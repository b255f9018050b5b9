//! Decides which providers are real and which are stand-ins. Everything provider-specific is in
//! [`Provider`].

use std::{
    any::Any,
    collections::VecDeque,
    fmt, io,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use anteroom_stand_ins::{
    clerk::Clerk,
    faults::Fault,
    liveblocks::Liveblocks,
    livekit::LiveKit,
    s3::S3,
    server,
    workos::{self, INVITE_PERMISSION, MODERATE_PERMISSION, RECORDING_PERMISSION, WorkOs},
};
use serde::Serialize;

use crate::{clock, environment::Environment, instance::LogSink};

const DEV_SIGN_IN_EMAIL: &str = "DEV_SIGN_IN_EMAIL";

/// The settings that describe a bucket of the application's own. Without them, a stand-in serves the
/// bucket of the stand-in for LiveKit.
const OWN_BUCKET: [&str; 2] = ["RECORDINGS_BUCKET", "RECORDINGS_ENDPOINT"];

/// Rooms that are open from the start, with someone in them, so that they can be recorded.
const OPEN_ROOMS: [&str; 2] = ["test-room", "room123"];

/// A provider that has a stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Users and sessions.
    Clerk,
    /// Collaborative rooms.
    Liveblocks,
    /// Audio and video rooms, and recordings.
    LiveKit,
    /// Users, organizations and sessions.
    WorkOs,
}

/// A running stand-in. It stops when this is dropped.
pub struct StandIn {
    /// The provider that it imitates.
    pub provider: Provider,
    /// Where it listens.
    pub url: String,
    settings: Vec<(String, String)>,
    server: Box<dyn Controls>,
    /// The bucket that LiveKit's recorder uploads to.
    bucket: Option<S3>,
    mailbox: Mailbox,
}

/// The part of a stand-in that is the same for all providers.
trait Controls: Any + Send + Sync {
    fn inject(&self, fault: Fault);
    fn clear_faults(&self);
}

impl<P: server::Provider> Controls for server::StandIn<P> {
    fn inject(&self, fault: Fault) {
        server::StandIn::inject(self, fault);
    }

    fn clear_faults(&self) {
        server::StandIn::clear_faults(self);
    }
}

/// An e-mail that a stand-in would have sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// The one-time code in it.
    pub code: String,
    /// When it was sent, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// The latest e-mails, oldest first.
type Mailbox = Arc<Mutex<VecDeque<Mail>>>;

/// How many e-mails are kept.
const KEPT_MAIL: usize = 50;

/// A word that names no provider.
#[derive(Debug, thiserror::Error)]
#[error("the providers are: clerk, liveblocks, livekit, workos")]
pub struct NoSuchProvider;

impl Provider {
    /// All providers.
    pub const ALL: [Self; 4] = [Self::Clerk, Self::Liveblocks, Self::LiveKit, Self::WorkOs];

    /// The provider's display name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clerk => "Clerk",
            Self::Liveblocks => "Liveblocks",
            Self::LiveKit => "LiveKit",
            Self::WorkOs => "WorkOS",
        }
    }

    /// The provider's name as `cargo dev --without` and the identity settings spell it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Liveblocks => "liveblocks",
            Self::LiveKit => "livekit",
            Self::WorkOs => "workos",
        }
    }

    /// Whether it has users with sessions.
    pub const fn signs_users_in(self) -> bool {
        matches!(self, Self::Clerk | Self::WorkOs)
    }

    /// The setting that selects whose users get into its rooms, and the provider that it selects by
    /// default.
    pub const fn identity(self) -> Option<(&'static str, Self)> {
        match self {
            Self::Liveblocks => Some(("LIVEBLOCKS_IDENTITY", Self::Clerk)),
            Self::LiveKit => Some(("LIVEKIT_IDENTITY", Self::WorkOs)),
            Self::Clerk | Self::WorkOs => None,
        }
    }

    /// The variable that every function with the provider's secrets has in the template.
    pub const fn secret_id(self) -> &'static str {
        self.credentials()[1]
    }

    /// The prefix of its settings.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Clerk => "CLERK_",
            Self::Liveblocks => "LIVEBLOCKS_",
            Self::LiveKit => "LIVEKIT_",
            Self::WorkOs => "WORKOS_",
        }
    }

    /// The credentials. If any of these variables is set, the real provider is used.
    const fn credentials(self) -> &'static [&'static str] {
        match self {
            Self::Clerk => &["CLERK_SECRET_KEY", "CLERK_SECRET_ID"],
            Self::Liveblocks => &["LIVEBLOCKS_SECRET_KEY", "LIVEBLOCKS_SECRET_ID"],
            Self::LiveKit => &["LIVEKIT_API_KEY", "LIVEKIT_SECRET_ID"],
            Self::WorkOs => &["WORKOS_API_KEY", "WORKOS_SECRET_ID"],
        }
    }

    /// The variables that describe a real account, which a stand-in replaces.
    const fn account(self) -> &'static [&'static str] {
        match self {
            Self::Clerk => {
                &["CLERK_PUBLISHABLE_KEY", "CLERK_JWT_KEY", "CLERK_ISSUER", "CLERK_API_URL"]
            }
            Self::Liveblocks => &["LIVEBLOCKS_API_URL"],
            Self::LiveKit => &[
                "LIVEKIT_URL",
                "LIVEKIT_PUBLIC_URL",
                "LIVEKIT_API_SECRET",
                "LIVEKIT_API_KEY_PREVIOUS",
                "LIVEKIT_API_SECRET_PREVIOUS",
            ],
            Self::WorkOs => &[
                "WORKOS_CLIENT_ID",
                "WORKOS_API_URL",
                "WORKOS_COOKIE_PASSWORD",
                "WORKOS_COOKIE_PASSWORD_PREVIOUS",
            ],
        }
    }

    /// The permissions to record, invite and moderate that the stand-in's users have, as settings,
    /// unless the rooms are for the other provider's users. Settings that are already set are left
    /// out, because a real account has other permissions.
    fn room_permissions(self, environment: &Environment) -> Vec<(String, String)> {
        if environment.value("LIVEKIT_IDENTITY").unwrap_or(Self::WorkOs.word()) != self.word() {
            return Vec::new();
        }
        let prefix = if self == Self::Clerk { "org:" } else { "" };
        let permissions = [
            ("RECORDING_PERMISSION", RECORDING_PERMISSION),
            ("ROOM_INVITE_PERMISSION", INVITE_PERMISSION),
            ("ROOM_MODERATE_PERMISSION", MODERATE_PERMISSION),
        ];
        let missing = permissions.into_iter().filter(|(name, _)| environment.value(name).is_none());
        missing.map(|(name, slug)| (name.to_owned(), format!("{prefix}{slug}"))).collect()
    }

    /// Starts the stand-in on a free port. Its e-mails go to `mail`, and it sends people back to the
    /// pages at these origins as well as to the application.
    async fn stand_in(
        self,
        environment: &Environment,
        pages: &[String],
        mail: LogSink,
    ) -> io::Result<StandIn> {
        Ok(match self {
            Self::Clerk => {
                let clerk = Clerk::start().await?;
                // Issue tokens to the page that the functions expect.
                if let Some(origin) = environment.authorized_parties().first() {
                    clerk.issue_to(origin);
                }
                let mut settings = clerk.settings();
                settings.extend(self.room_permissions(environment));
                StandIn::new(self, clerk.url(), settings, clerk)
            }
            Self::Liveblocks => {
                let liveblocks = Liveblocks::start().await?;
                StandIn::new(self, liveblocks.url(), liveblocks.settings(), liveblocks)
            }
            Self::LiveKit => {
                let livekit = LiveKit::start().await?;
                livekit.delay_refused_stops();
                for room in OPEN_ROOMS {
                    livekit.open_room(room, 1);
                }
                let mut settings = livekit.settings();
                // The bucket is not LiveKit's. The stand-in uploads nothing to one of the
                // application's own.
                settings.retain(|(name, _)| !name.starts_with("RECORDINGS_"));
                if OWN_BUCKET.iter().any(|name| environment.value(name).is_some()) {
                    return Ok(StandIn::new(self, livekit.url(), settings, livekit));
                }
                let s3 = S3::start().await?;
                livekit.record_to(&s3);
                settings.extend(s3.settings());
                let stand_in = StandIn::new(self, livekit.url(), settings, livekit);
                StandIn { bucket: Some(s3), ..stand_in }
            }
            Self::WorkOs => {
                let workos = WorkOs::start().await?;
                for page in pages {
                    workos.register_redirect_uri(&format!("{page}/"));
                    workos.register_logout_uri(&format!("{page}/"));
                }
                // The application's own addresses do not depend on the account. They come last,
                // because the settings have the latest.
                let uri = environment.value("WORKOS_REDIRECT_URI");
                workos.register_redirect_uri(uri.unwrap_or(workos::REDIRECT_URI));
                let uri = environment.value("WORKOS_LOGOUT_RETURN_TO");
                workos.register_logout_uri(uri.unwrap_or(workos::LOGOUT_RETURN_TO));
                let mailbox = Mailbox::default();
                let sent = Arc::clone(&mailbox);
                workos.on_magic_code(move |email, digits| {
                    keep(&sent, email, digits);
                    mail(&format!("the code for {email} is {digits}"));
                });
                let mut settings = workos.settings();
                // The stand-in has this user; for a real account, the developer must name one.
                if environment.value(DEV_SIGN_IN_EMAIL).is_none() {
                    let email = "jane.doe@example.com".to_owned();
                    settings.push((DEV_SIGN_IN_EMAIL.to_owned(), email));
                }
                settings.extend(self.room_permissions(environment));
                let stand_in = StandIn::new(self, workos.url(), settings, workos);
                StandIn { mailbox, ..stand_in }
            }
        })
    }
}

impl FromStr for Provider {
    type Err = NoSuchProvider;

    fn from_str(word: &str) -> Result<Self, NoSuchProvider> {
        let named = |provider: &Self| provider.word() == word;
        Self::ALL.into_iter().find(named).ok_or(NoSuchProvider)
    }
}

impl StandIn {
    fn new(
        provider: Provider,
        url: impl Into<String>,
        settings: Vec<(String, String)>,
        server: impl Controls,
    ) -> Self {
        let (url, server) = (url.into(), Box::new(server));
        Self { provider, url, settings, server, bucket: None, mailbox: Mailbox::default() }
    }

    /// From now on, makes every request fail like this, or none.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.server.clear_faults();
        if let Some(fault) = fault {
            self.server.inject(fault);
        }
    }

    /// The latest fifty e-mails, oldest first.
    pub fn mail(&self) -> Vec<Mail> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The server, if it is Clerk's.
    pub fn clerk(&self) -> Option<&Clerk> {
        self.as_server()
    }

    /// The server, if it is LiveKit's.
    pub fn livekit(&self) -> Option<&LiveKit> {
        self.as_server()
    }

    /// The server, if it is WorkOS's.
    pub fn workos(&self) -> Option<&WorkOs> {
        self.as_server()
    }

    /// The bucket that LiveKit's recorder uploads to, if this is LiveKit and the bucket is no other.
    pub fn bucket(&self) -> Option<&S3> {
        self.bucket.as_ref()
    }

    fn as_server<P: Any>(&self) -> Option<&P> {
        let server: &dyn Any = &*self.server;
        server.downcast_ref()
    }

    /// Makes LiveKit's stand-in send its events to this address. Other providers send none.
    pub fn send_webhooks_to(&self, address: &str) {
        if let Some(livekit) = self.livekit() {
            livekit.send_webhooks_to(address);
        }
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.provider.name(), self.url)
    }
}

fn keep(mailbox: &Mailbox, to: &str, code: &str) {
    let at = u64::try_from(clock::unix_milliseconds()).unwrap_or_default();
    let mut mailbox = mailbox.lock().unwrap_or_else(PoisonError::into_inner);
    if mailbox.len() == KEPT_MAIL {
        mailbox.pop_front();
    }
    mailbox.push_back(Mail { to: to.to_owned(), code: code.to_owned(), at });
}

/// The missing setting that recordings need, if any. The LiveKit stand-in sets a bucket; with a
/// real LiveKit, the application must configure one.
pub fn missing_for_recordings(environment: &Environment) -> Option<&'static str> {
    const BUCKET: &str = "RECORDINGS_BUCKET";
    environment.value(BUCKET).is_none().then_some(BUCKET)
}

/// Starts a stand-in for every provider whose credentials the environment does not have, and
/// points the environment at it. Removes the settings of the providers that are left out. `mail_of`
/// returns the sink for a provider's e-mails; `pages` are the origins of pages on this machine to which
/// people may return from a sign-in.
pub async fn stand_in_for_missing(
    environment: &mut Environment,
    left_out: &[Provider],
    pages: &[String],
    mail_of: impl Fn(&str) -> LogSink,
) -> io::Result<Vec<StandIn>> {
    let mut stand_ins = Vec::new();
    for provider in Provider::ALL {
        if left_out.contains(&provider) {
            environment.remove_all(provider.prefix());
            continue;
        }
        let is_configured =
            provider.credentials().iter().any(|name| environment.value(name).is_some());
        if is_configured {
            continue;
        }
        let stand_in = provider.stand_in(environment, pages, mail_of(provider.name())).await?;
        for name in provider.account() {
            environment.remove(name);
        }
        for (name, value) in &stand_in.settings {
            environment.set(name, value);
        }
        stand_ins.push(stand_in);
    }
    Ok(stand_ins)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn stand_ins(environment: &mut Environment) -> Vec<StandIn> {
        let nowhere = |_: &str| -> LogSink { Arc::new(|_: &str| {}) };
        stand_in_for_missing(environment, &[], &[], nowhere).await.expect("they start")
    }

    #[tokio::test]
    async fn the_users_of_a_stand_in_may_record_invite_and_moderate_unless_it_is_configured() {
        let names = ["RECORDING_PERMISSION", "ROOM_INVITE_PERMISSION", "ROOM_MODERATE_PERMISSION"];
        for (own, expected) in [
            (&[][..], ["recordings:manage", "guests:invite", "rooms:moderate"].map(Some)),
            (
                &[("LIVEKIT_IDENTITY", "clerk")],
                ["org:recordings:manage", "org:guests:invite", "org:rooms:moderate"].map(Some),
            ),
            (
                &[("ROOM_INVITE_PERMISSION", "a:b"), ("RECORDING_PERMISSION", "c:d")],
                ["c:d", "a:b", "rooms:moderate"].map(Some),
            ),
            (&[("WORKOS_API_KEY", "a real key")], [None; 3]),
        ] {
            let mut environment = Environment::default();
            for (name, value) in own {
                environment.set(*name, *value);
            }
            let _stand_ins = stand_ins(&mut environment).await;
            assert_eq!(names.map(|name| environment.value(name)), expected, "{own:?}");
        }
    }

    #[tokio::test]
    async fn a_provider_that_is_left_out_has_neither_a_stand_in_nor_settings() {
        let mut environment = Environment::default();
        environment.set("WORKOS_API_KEY", "a real key");
        environment.set("WORKOS_COOKIE_NAME", "session");
        let nowhere = |_: &str| -> LogSink { Arc::new(|_: &str| {}) };
        let left_out = [Provider::WorkOs, Provider::LiveKit];
        let stand_ins = stand_in_for_missing(&mut environment, &left_out, &[], nowhere).await;

        let providers: Vec<_> =
            stand_ins.expect("they start").iter().map(|stand_in| stand_in.provider).collect();
        assert_eq!(providers, [Provider::Clerk, Provider::Liveblocks]);
        let names: Vec<_> = environment.pairs().into_iter().map(|(name, _)| name).collect();
        let of_theirs =
            |name: &&String| name.starts_with("WORKOS_") || name.starts_with("LIVEKIT_");
        assert_eq!(names.iter().find(of_theirs), None);
    }

    #[test]
    fn a_provider_is_named_by_one_word() {
        for provider in Provider::ALL {
            assert_eq!(provider.word().parse::<Provider>().expect("its word"), provider);
        }
        for word in ["WorkOS", "recordings", ""] {
            let error = word.parse::<Provider>().expect_err(word).to_string();
            for provider in Provider::ALL {
                assert!(error.contains(provider.word()), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn stands_in_for_a_provider_without_credentials() {
        let mut environment = Environment::default();
        environment.set("CLERK_JWT_KEY", "the key of a real account");
        environment.set("LIVEBLOCKS_SECRET_ID", "a secret's name");
        environment.set("LIVEKIT_API_KEY", "a real key");
        environment.set("WORKOS_API_KEY", "a real key");
        let stand_ins = stand_ins(&mut environment).await;

        let providers: Vec<_> = stand_ins.iter().map(|stand_in| stand_in.provider).collect();
        assert_eq!(providers, [Provider::Clerk]);
        assert_eq!(environment.value("CLERK_API_URL"), Some(stand_ins[0].url.as_str()));
        assert!(environment.value("CLERK_SECRET_KEY").is_some());
        assert_eq!(environment.value("CLERK_JWT_KEY"), None, "it would be another account's");
        assert_eq!(environment.value("LIVEBLOCKS_API_URL"), None, "Liveblocks is configured");
        assert_eq!(environment.value("LIVEKIT_URL"), None, "LiveKit is configured");
        assert_eq!(environment.value("WORKOS_API_URL"), None, "WorkOS is configured");
    }

    #[tokio::test]
    async fn the_stand_in_for_livekit_leaves_the_bucket_to_the_application() {
        let mut environment = Environment::default();
        environment.set("LIVEKIT_URL", "wss://a-real-project.livekit.cloud");
        environment.set("LIVEKIT_PUBLIC_URL", "wss://rtc.example.com");
        environment.set("RECORDINGS_BUCKET", "our-own");
        let stand_ins = stand_ins(&mut environment).await;

        let livekit = stand_ins.iter().find(|stand_in| stand_in.provider == Provider::LiveKit);
        let url = livekit.expect("one for LiveKit").url.replace("http://", "ws://");
        assert_eq!(environment.value("LIVEKIT_URL"), Some(url.as_str()));
        assert!(environment.value("LIVEKIT_API_SECRET").is_some());
        assert_eq!(environment.value("RECORDINGS_BUCKET"), Some("our-own"));
        for name in ["RECORDINGS_REGION", "RECORDINGS_ACCESS_KEY_ID", "LIVEKIT_PUBLIC_URL"] {
            assert_eq!(environment.value(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn the_stand_in_for_livekit_has_a_bucket_of_its_own_unless_there_is_another() {
        let names = ["RECORDINGS_ENDPOINT", "RECORDINGS_ACCESS_KEY_ID", "RECORDINGS_REGION"];
        let mut environment = Environment::default();
        environment.set("RECORDINGS_REGION", "eu-central-1");
        environment.set("RECORDINGS_ACCESS_KEY_ID", "a key for another bucket");
        let _stand_ins = stand_ins(&mut environment).await;
        assert!(environment.value(names[0]).expect("one").starts_with("http://127.0.0.1:"));
        assert_eq!(environment.value(names[1]), Some(anteroom_stand_ins::s3::ACCESS_KEY_ID));
        assert_eq!(environment.value(names[2]), Some(anteroom_stand_ins::s3::REGION));

        let mut environment = Environment::default();
        environment.set("RECORDINGS_BUCKET", "our-own");
        let _stand_ins = stand_ins(&mut environment).await;
        assert_eq!(names.map(|name| environment.value(name))[..2], [None, None]);
    }

    #[tokio::test]
    async fn a_real_livekit_without_a_bucket_records_nothing() {
        let mut environment = Environment::default();
        environment.set("LIVEKIT_API_KEY", "a real key");
        stand_ins(&mut environment).await;
        assert_eq!(missing_for_recordings(&environment), Some("RECORDINGS_BUCKET"));
        environment.set("RECORDINGS_BUCKET", "our-own");
        assert_eq!(missing_for_recordings(&environment), None);

        let mut environment = Environment::default();
        stand_ins(&mut environment).await;
        assert_eq!(missing_for_recordings(&environment), None, "the stand-in has a bucket");
    }

    #[tokio::test]
    async fn the_stand_in_for_workos_sends_people_back_to_where_the_application_is() {
        let mut environment = Environment::default();
        environment.set("WORKOS_REDIRECT_URI", "http://localhost:5173/signed-in");
        environment.set("WORKOS_CLIENT_ID", "client_of_a_real_account");
        let stand_ins = stand_ins(&mut environment).await;

        let workos = stand_ins.last().expect("one for WorkOS");
        assert_eq!(workos.provider, Provider::WorkOs);
        assert_eq!(environment.value("WORKOS_API_URL"), Some(workos.url.as_str()));
        let redirect_uri = environment.value("WORKOS_REDIRECT_URI");
        assert_eq!(redirect_uri, Some("http://localhost:5173/signed-in"));
        let return_to = environment.value("WORKOS_LOGOUT_RETURN_TO");
        assert_eq!(return_to, Some("http://localhost:3000"));
        assert_ne!(environment.value("WORKOS_CLIENT_ID"), Some("client_of_a_real_account"));
    }

    #[tokio::test]
    async fn people_may_return_to_a_page_of_this_machine_and_the_application_keeps_its_address() {
        let mut environment = Environment::default();
        let nowhere = |_: &str| -> LogSink { Arc::new(|_: &str| {}) };
        let pages = ["http://localhost:8787".to_owned()];
        let stand_ins =
            stand_in_for_missing(&mut environment, &[], &pages, nowhere).await.expect("they start");
        assert_eq!(environment.value("WORKOS_REDIRECT_URI"), Some(workos::REDIRECT_URI));
        assert_eq!(environment.value("WORKOS_LOGOUT_RETURN_TO"), Some(workos::LOGOUT_RETURN_TO));
        let server = stand_ins.iter().find_map(StandIn::workos).expect("WorkOS");
        assert!(server.has_user("jane"));
        assert!(stand_ins.iter().find_map(StandIn::clerk).is_some());
    }

    #[test]
    fn a_mailbox_keeps_the_latest_mail() {
        let mailbox = Mailbox::default();
        for number in 0..=KEPT_MAIL {
            keep(&mailbox, "jane.doe@example.com", &format!("{number:06}"));
        }
        let mailbox = mailbox.lock().expect("not poisoned");
        assert_eq!(mailbox.len(), KEPT_MAIL);
        assert_eq!(mailbox.back().expect("the latest").code, format!("{KEPT_MAIL:06}"));
        assert_eq!(mailbox.front().expect("the oldest").code, "000001");
    }
}
