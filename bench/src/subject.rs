//! What is measured: an endpoint, who implements it, and where its secrets are.

/// An endpoint, with the provider of its sessions where there is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Hello,
    RoomAuth(Identity),
    LiveblocksAuth(Identity),
    SignIn,
    FinalizeMagicAuth,
    Session,
    StartRecording,
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
            Self::RoomAuth(_) => "room-auth",
            Self::LiveblocksAuth(_) => "liveblocks-auth",
            Self::SignIn => "sign-in",
            Self::FinalizeMagicAuth => "finalize-magic-auth",
            Self::Session => "session",
            Self::StartRecording => "start-recording",
        }
    }

    /// The implementations that there are.
    pub(crate) const fn implementations(self) -> &'static [Implementation] {
        use Implementation::{Anteroom, Bare, CargoLambda, DefaultRust, Node};
        match self {
            Self::Hello => &[Bare, CargoLambda, Node],
            Self::RoomAuth(_) | Self::LiveblocksAuth(_) => &[Anteroom, DefaultRust, Node],
            _ => &[Anteroom, Node],
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
        match self.endpoint {
            Endpoint::Hello => format!("hello, {}", self.implementation.name()),
            Endpoint::RoomAuth(Identity::Clerk) => format!("{name}, sessions from Clerk"),
            Endpoint::LiveblocksAuth(Identity::WorkOs) => format!("{name}, sessions from WorkOS"),
            _ => format!("{name}, secrets from {}", self.secrets.name()),
        }
    }
}
