//! The providers' stand-ins, over TLS like the real ones, and the settings that point a function at
//! them.

use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::event_bridge::EventBridge;
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_stand_ins::livekit::LiveKit;
use anteroom_stand_ins::s3::S3;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::workos::{
    INVITE_PERMISSION, MODERATE_PERMISSION, RECORDING_PERMISSION, WorkOs,
};
use anteroom_testing::PAGE;
use serde_json::Value;

use crate::Failure;
use crate::subject::{Endpoint, Identity, Secrets, Subject};

/// The account that the requests are for, by its short name and address at every stand-in.
pub(crate) const USER: &str = "jane";
pub(crate) const EMAIL: &str = "jane.doe@example.com";

/// A function's variables.
pub(crate) type Environment = Vec<(String, String)>;

/// The variables that can be in a secret, and the setting that names it.
const SECRETS: [(&str, &str); 6] = [
    ("WORKOS_API_KEY", "WORKOS_SECRET_ID"),
    ("WORKOS_COOKIE_PASSWORD", "WORKOS_SECRET_ID"),
    ("CLERK_SECRET_KEY", "CLERK_SECRET_ID"),
    ("LIVEBLOCKS_SECRET_KEY", "LIVEBLOCKS_SECRET_ID"),
    ("LIVEKIT_API_KEY", "LIVEKIT_SECRET_ID"),
    ("LIVEKIT_API_SECRET", "LIVEKIT_SECRET_ID"),
];

pub(crate) struct Providers {
    pub(crate) clerk: Clerk,
    pub(crate) event_bridge: EventBridge,
    pub(crate) liveblocks: Liveblocks,
    pub(crate) livekit: LiveKit,
    pub(crate) s3: S3,
    pub(crate) workos: WorkOs,
    secrets_manager: SecretsManager,
}

impl Providers {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let workos = WorkOs::start_tls().await?;
        workos.lift_limits();
        Ok(Self {
            clerk: Clerk::start_tls().await?,
            event_bridge: EventBridge::start_tls().await?,
            liveblocks: Liveblocks::start_tls().await?,
            livekit: LiveKit::start_tls().await?,
            s3: S3::start_tls().await?,
            workos,
            secrets_manager: SecretsManager::start_tls().await?,
        })
    }

    /// The variables of a subject.
    pub(crate) fn environment(&self, subject: Subject) -> Environment {
        let Some(settings) = self.settings(subject.endpoint) else { return Environment::new() };
        let mut environment = settings;
        environment.push(("ALLOWED_ORIGINS".to_owned(), PAGE.to_owned()));
        environment.push(("STAGE".to_owned(), "staging".to_owned()));
        match subject.secrets {
            Secrets::Variables => environment,
            Secrets::SecretsManager => self.with_secrets_manager(environment),
        }
    }

    /// The settings of an endpoint, with its secrets in variables.
    fn settings(&self, endpoint: Endpoint) -> Option<Environment> {
        let workos = || self.workos.settings();
        let livekit = || self.livekit.settings();
        let set = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let settings = match endpoint {
            Endpoint::Hello => return None,
            Endpoint::SignIn
            | Endpoint::SignUp
            | Endpoint::ResendMagicAuth
            | Endpoint::FinalizeMagicAuth
            | Endpoint::ContinueWithGoogle
            | Endpoint::ContinueWithMicrosoft
            | Endpoint::ContinueWithAuthKit
            | Endpoint::FinalizeOauth
            | Endpoint::SelectOrganization
            | Endpoint::Session
            | Endpoint::SwitchOrganization
            | Endpoint::SignOut => workos(),
            Endpoint::DevSignIn => [workos(), set("DEV_SIGN_IN_EMAIL", EMAIL)].concat(),
            // It makes no call to LiveKit.
            Endpoint::RoomAuth(identity) => {
                let settings = [self.identity("LIVEKIT_IDENTITY", identity), livekit()].concat();
                without("LIVEKIT_URL", settings)
            }
            Endpoint::LiveKitToken | Endpoint::StartRecording | Endpoint::StopRecording => {
                [workos(), livekit()].concat()
            }
            Endpoint::InviteGuest => {
                let permission = set("ROOM_INVITE_PERMISSION", INVITE_PERMISSION);
                [workos(), livekit(), permission].concat()
            }
            Endpoint::GuestAuth => {
                [livekit(), set("ROOM_INVITE_PERMISSION", INVITE_PERMISSION)].concat()
            }
            Endpoint::RemoveParticipant | Endpoint::MuteParticipant => {
                let permission = set("ROOM_MODERATE_PERMISSION", MODERATE_PERMISSION);
                [workos(), livekit(), permission].concat()
            }
            Endpoint::Recordings => {
                let permission = set("RECORDING_PERMISSION", RECORDING_PERMISSION);
                let livekit = without("RECORDINGS_", livekit());
                [workos(), livekit, self.s3.settings(), permission].concat()
            }
            Endpoint::LiveKitWebhook => {
                [without("LIVEKIT_URL", livekit()), self.event_bridge.settings()].concat()
            }
            Endpoint::LiveblocksAuth(identity) => {
                [self.identity("LIVEBLOCKS_IDENTITY", identity), self.liveblocks.settings()]
                    .concat()
            }
        };
        Some(settings)
    }

    /// The settings of an identity provider. Clerk's public key is among them, so that it is not
    /// fetched; WorkOS's keys are fetched at start.
    fn identity(&self, setting: &str, identity: Identity) -> Environment {
        let (mut settings, name) = match identity {
            Identity::WorkOs => (self.workos.settings(), "workos"),
            Identity::Clerk => (self.clerk.settings(), "clerk"),
        };
        if identity == Identity::Clerk {
            settings.push(("CLERK_JWT_KEY".to_owned(), self.clerk.jwt_key().to_owned()));
            settings.push(("CLERK_ISSUER".to_owned(), self.clerk.issuer().to_owned()));
        }
        settings.push((setting.to_owned(), name.to_owned()));
        settings
    }

    /// Moves the secrets to Secrets Manager, as deployed.
    fn with_secrets_manager(&self, environment: Environment) -> Environment {
        let id_of =
            |name: &str| SECRETS.iter().find(|(secret, _)| *secret == name).map(|(_, id)| *id);
        let (secrets, mut environment): (Environment, Environment) =
            environment.into_iter().partition(|(name, _)| id_of(name).is_some());
        environment.extend(self.secrets_manager.settings());
        let mut ids: Vec<_> = secrets.iter().filter_map(|(name, _)| id_of(name)).collect();
        ids.dedup();
        for id in ids {
            let own = secrets.iter().filter(|(name, _)| id_of(name) == Some(id));
            let own = own.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
            self.secrets_manager.put(id, Value::Object(own.collect()));
            environment.push((id.to_owned(), id.to_owned()));
        }
        environment
    }
}

/// These variables but for those whose names begin so.
fn without(prefix: &str, mut environment: Environment) -> Environment {
    environment.retain(|(name, _)| !name.starts_with(prefix));
    environment
}
