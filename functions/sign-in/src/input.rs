//! Who signs in.

use anteroom::workos::{Email, InvitationToken};
use serde::Deserialize;

/// The body of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    pub(crate) email: Email,
    /// The invitation that the sign-in accepts, if any.
    pub(crate) invitation_token: Option<InvitationToken>,
}
