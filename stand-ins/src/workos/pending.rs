//! Sign-ins that are waiting for the choice of an organization.

use super::session::SignIn;

/// How long the choice of an organization may take, in seconds. WorkOS does not document its limit.
pub const PENDING_SECONDS: u64 = 10 * 60;

/// A sign-in that is waiting for the user's next step.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) sign_in: SignIn,
    pub(super) expires_at: u64,
}
