//! The credentials that WorkOS takes for a session.

use std::fmt;

/// What a user signs in with, or goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The code that a browser brings back from WorkOS.
    AuthorizationCode,
    /// The code that came by e-mail.
    MagicCode,
    /// The token that a session is refreshed with.
    RefreshToken,
    /// The token of a sign-in that waits for an organization.
    PendingToken,
}

impl Grant {
    /// What the user is told of one that is not good.
    pub(in crate::workos) fn refusal(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "The code is not valid any more. Sign in again",
            Self::MagicCode => "The code is wrong, expired or used. Ask for a new one",
            Self::RefreshToken => "The session has ended. Sign in again",
            Self::PendingToken => "The choice came too late or was made before. Sign in again",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::AuthorizationCode => "authorization code",
            Self::MagicCode => "one-time code",
            Self::RefreshToken => "refresh token",
            Self::PendingToken => "pending authentication token",
        })
    }
}
