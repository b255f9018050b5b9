//! What is measured: an endpoint, who implements it, and where its secrets are.

/// An endpoint, with the provider of its sessions where it is measured with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Hello,
    ContinueWithAuthKit,
    ContinueWithGoogle,
    ContinueWithMicrosoft,
    DevSignIn,
    FinalizeMagicAuth,
    FinalizeOauth,
    GuestAuth,
    InviteGuest,
    LiveblocksAuth(Identity),
    LiveKitToken,
    LiveKitWebhook,
    MuteParticipant,
    Recordings,
    RemoveParticipant,
    ResendMagicAuth,
    RoomAuth(Identity),
    SelectOrganization,
    Session,
    SignIn,
    SignOut,
    SignUp,
    StartRecording,
    StopRecording,
    SwitchOrganization,
}

/// The provider of an endpoint's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    WorkOs,
    Clerk,
}

/// Who implements an endpoint, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Implementation {
    /// This project.
    Anteroom,
    /// `lambda_runtime` without its default features.
    Bare,
    /// The function that `cargo lambda new` creates.
    CargoLambda,
    /// The usual crates as they come.
    DefaultRust,
    /// Node with the official SDKs.
    Node,
}

/// Where the secrets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    Variables,
    SecretsManager,
}

/// A subject to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) endpoint: Endpoint,
    pub(crate) implementation: Implementation,
    pub(crate) secrets: Secrets,
}

impl Endpoint {
    /// Anteroom's endpoints, each with the provider of sessions that is its default.
    pub(crate) const ALL: &[Self] = &[
        Self::SignIn,
        Self::SignUp,
        Self::ResendMagicAuth,
        Self::FinalizeMagicAuth,
        Self::ContinueWithGoogle,
        Self::ContinueWithMicrosoft,
        Self::ContinueWithAuthKit,
        Self::FinalizeOauth,
        Self::SelectOrganization,
        Self::DevSignIn,
        Self::Session,
        Self::SwitchOrganization,
        Self::SignOut,
        Self::RoomAuth(Identity::WorkOs),
        Self::LiveKitToken,
        Self::InviteGuest,
        Self::GuestAuth,
        Self::RemoveParticipant,
        Self::MuteParticipant,
        Self::StartRecording,
        Self::StopRecording,
        Self::Recordings,
        Self::LiveKitWebhook,
        Self::LiveblocksAuth(Identity::Clerk),
    ];

    /// The endpoints that there are for comparison, `hello` first.
    pub(crate) const COMPARED: [Self; 7] = [
        Self::Hello,
        Self::Session,
        Self::RoomAuth(Identity::WorkOs),
        Self::LiveblocksAuth(Identity::Clerk),
        Self::SignIn,
        Self::FinalizeMagicAuth,
        Self::StartRecording,
    ];

    /// The name of its function.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::ContinueWithAuthKit => "continue-with-authkit",
            Self::ContinueWithGoogle => "continue-with-google",
            Self::ContinueWithMicrosoft => "continue-with-microsoft",
            Self::DevSignIn => "dev-sign-in",
            Self::FinalizeMagicAuth => "finalize-magic-auth",
            Self::FinalizeOauth => "finalize-oauth",
            Self::GuestAuth => "guest-auth",
            Self::InviteGuest => "invite-guest",
            Self::LiveblocksAuth(_) => "liveblocks-auth",
            Self::LiveKitToken => "livekit-token",
            Self::LiveKitWebhook => "livekit-webhook",
            Self::MuteParticipant => "mute-participant",
            Self::Recordings => "recordings",
            Self::RemoveParticipant => "remove-participant",
            Self::ResendMagicAuth => "resend-magic-auth",
            Self::RoomAuth(_) => "room-auth",
            Self::SelectOrganization => "select-organization",
            Self::Session => "session",
            Self::SignIn => "sign-in",
            Self::SignOut => "sign-out",
            Self::SignUp => "sign-up",
            Self::StartRecording => "start-recording",
            Self::StopRecording => "stop-recording",
            Self::SwitchOrganization => "switch-organization",
        }
    }

    /// The implementations that there are.
    pub(crate) const fn implementations(self) -> &'static [Implementation] {
        use Implementation::{Anteroom, Bare, CargoLambda, DefaultRust, Node};
        match self {
            Self::Hello => &[Bare, CargoLambda, Node],
            Self::RoomAuth(_) | Self::LiveblocksAuth(_) => &[Anteroom, DefaultRust, Node],
            Self::FinalizeMagicAuth | Self::Session | Self::SignIn | Self::StartRecording => {
                &[Anteroom, Node]
            }
            _ => &[Anteroom],
        }
    }

    /// The places where its secrets can be. `hello` has none.
    pub(crate) const fn secrets(self) -> &'static [Secrets] {
        match self {
            Self::Hello => &[Secrets::Variables],
            _ => &[Secrets::Variables, Secrets::SecretsManager],
        }
    }
}

impl Implementation {
    /// The name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Anteroom => "Anteroom",
            Self::Bare => "bare lambda_runtime",
            Self::CargoLambda => "cargo lambda new",
            Self::DefaultRust => "default Rust",
            Self::Node => "Node 24",
        }
    }
}

impl Secrets {
    /// The name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Variables => "variables",
            Self::SecretsManager => "Secrets Manager",
        }
    }
}

impl Subject {
    /// The smallest function, which all others are compared with.
    pub(crate) const HELLO: Self = Self {
        endpoint: Endpoint::Hello,
        implementation: Implementation::Bare,
        secrets: Secrets::Variables,
    };

    /// Anteroom's function for an endpoint, with its secrets in variables.
    pub(crate) const fn anteroom(endpoint: Endpoint) -> Self {
        Self { endpoint, implementation: Implementation::Anteroom, secrets: Secrets::Variables }
    }

    /// The same subject with its secrets elsewhere.
    pub(crate) const fn with_secrets_in(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// The name in tables, which leaves out who implements an endpoint.
    pub(crate) fn name(self) -> String {
        let name = self.endpoint.name();
        match (self.endpoint, self.secrets) {
            (Endpoint::Hello, _) => format!("hello, {}", self.implementation.name()),
            (Endpoint::RoomAuth(Identity::Clerk), _) => format!("{name}, sessions from Clerk"),
            (Endpoint::LiveblocksAuth(Identity::WorkOs), _) => {
                format!("{name}, sessions from WorkOS")
            }
            (_, Secrets::SecretsManager) => format!("{name}, secrets from Secrets Manager"),
            (_, Secrets::Variables) => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_function_is_an_endpoint_to_measure() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
        let functions = fs::read_dir(folder).expect("the functions");
        let functions = functions.map(|entry| entry.expect("an entry"));
        let functions = functions.filter(|entry| entry.path().is_dir());
        let functions = functions.map(|entry| entry.file_name());
        let functions = functions.map(|name| name.into_string().expect("text"));
        let names = Endpoint::ALL.iter().map(|endpoint| endpoint.name().to_owned());
        assert_eq!(names.collect::<BTreeSet<_>>(), functions.collect());
    }
}
