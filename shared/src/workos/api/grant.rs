//! The credentials that WorkOS exchanges for a session.

use std::fmt;

/// A credential that WorkOS exchanges for a session's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The code in the callback from WorkOS.
    AuthorizationCode,
    /// The one-time code from an e-mail.
    MagicCode,
    /// The token that refreshes a session.
    RefreshToken,
    /// The token of a sign-in that is waiting for the choice of an organization.
    PendingToken,
}

impl Grant {
    /// The message to a caller whose grant was rejected.
    pub(in crate::workos) fn refusal(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "The code is no longer valid. Sign in again",
            Self::MagicCode => "The code is wrong, expired or used. Ask for a new one",
            Self::RefreshToken => "The session has ended. Sign in again",
            Self::PendingToken => "This choice has expired or was already used. Sign in again",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AuthorizationCode => "authorization code",
            Self::MagicCode => "one-time code",
            Self::RefreshToken => "refresh token",
            Self::PendingToken => "pending authentication token",
        })
    }
}
