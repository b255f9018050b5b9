//! Why a developer's sign-in fails.

use crate::api::ApiError;
use crate::workos::{AuthenticateError, SendCodeError};

/// Why a developer's sign-in failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DevSignInError {
    /// No code was issued.
    #[error(transparent)]
    SendCode(#[from] SendCodeError),
    /// The code was rejected.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
}

impl From<DevSignInError> for ApiError {
    fn from(error: DevSignInError) -> Self {
        match error {
            DevSignInError::SendCode(error) => error.into(),
            DevSignInError::Authenticate(error) => error.into(),
        }
    }
}
