//! Why a sign-in without a mailbox fails.

use crate::api::ApiError;
use crate::workos::{AuthenticateError, SendCodeError};

/// Why a sign-in without a mailbox failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MailboxlessError {
    /// No code was issued.
    #[error(transparent)]
    SendCode(#[from] SendCodeError),
    /// The code was rejected.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
}

impl From<MailboxlessError> for ApiError {
    fn from(error: MailboxlessError) -> Self {
        match error {
            MailboxlessError::SendCode(error) => error.into(),
            MailboxlessError::Authenticate(error) => error.into(),
        }
    }
}
