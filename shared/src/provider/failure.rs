//! The ways in which a call to a provider can fail.

use std::time::Duration;

use http::StatusCode;

use crate::http::SendError;
use crate::secrets::SecretError;

/// Why a call failed. Nothing in it is secret or personal.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{provider} {call}: {failure}")]
pub struct ProviderError {
    /// The provider's name.
    pub provider: &'static str,
    /// The call's name.
    pub call: &'static str,
    /// What went wrong.
    pub failure: Failure,
}

/// The ways in which a call can fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The provider rejected our own credentials.
    #[error("rejected our key with {0}")]
    KeyRefused(StatusCode),
    /// A status that is not documented for this call, or a rejection of our request.
    #[error("unexpected status {0}")]
    Unexpected(StatusCode),
    /// A success that cannot be read.
    #[error("unreadable response: {0}")]
    Unreadable(&'static str),
    /// No connection, a timeout, or an incomplete response.
    #[error(transparent)]
    Unanswered(#[from] SendError),
    /// The request was not sent, or its response is not known.
    #[error("{0}")]
    Unreachable(&'static str),
    /// The provider, or a gateway in front of it, reports a failure.
    #[error("failed with {status}")]
    Failing {
        /// Its status.
        status: StatusCode,
        /// When to try again, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// The provider is rate-limiting us.
    #[error("is rate-limiting us")]
    Limiting {
        /// When to try again, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// The provider was called a moment ago and is not called again yet.
    #[error("skipped while backing off after a recent attempt")]
    Paused {
        /// When it will be called again.
        retry_after: Duration,
    },
    /// No key is available to call it with.
    #[error("no key: {0}")]
    NoKey(#[from] SecretError),
}

impl Failure {
    /// The outcome's name in metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::KeyRefused(_) => "key_refused",
            Self::Unexpected(_) => "unexpected",
            Self::Unreadable(_) => "unreadable",
            Self::Unanswered(_) | Self::Unreachable(_) => "unreachable",
            Self::Failing { .. } => "failing",
            Self::Limiting { .. } => "limited",
            Self::Paused { .. } => "paused",
            Self::NoKey(_) => "no_key",
        }
    }

    /// Whether the same call may succeed on a retry.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unanswered(_) | Self::Failing { .. } | Self::Limiting { .. })
    }

    /// When the provider wants to be called again, if it says so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failing { retry_after, .. } | Self::Limiting { retry_after } => *retry_after,
            Self::Paused { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}
