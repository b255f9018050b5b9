//! Who a request comes from, whichever provider has said so.

/// Somebody whose session has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: String,
    /// The session, which is one browser's or one device's.
    pub session_id: String,
    /// The organization that the session acts in, if any.
    pub organization_id: Option<String>,
    /// What the user may do there, as slugs.
    pub permissions: Vec<String>,
}
