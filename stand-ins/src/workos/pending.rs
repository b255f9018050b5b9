//! Sign-ins that wait for the choice of an organization.

use super::session::SignIn;

/// How many seconds the choice of an organization may take. WorkOS does not say how long it waits.
pub const PENDING_SECONDS: u64 = 10 * 60;

/// A sign-in that waits for the user's next step.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) sign_in: SignIn,
    pub(super) expires_at: u64,
}
