//! The caller of a request, independent of the identity provider.

use std::fmt;

/// A user whose session has been verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: String,
    /// The session, which belongs to one browser or device.
    pub session_id: String,
    /// The organization that the session acts in, if any.
    pub organization_id: Option<String>,
    /// The user's permissions there, as slugs.
    pub permissions: Vec<String>,
    /// The administrator who impersonates the user, if any, as the session names them: usually an
    /// e-mail address. `Debug` omits it.
    pub impersonator: Option<String>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("user_id", &self.user_id)
            .field("organization_id", &self.organization_id)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_print_who_impersonates() {
        let caller = Caller {
            user_id: "user_1".to_owned(),
            session_id: "session_1".to_owned(),
            organization_id: None,
            permissions: Vec::new(),
            impersonator: Some("admin@example.com".to_owned()),
        };
        let printed = format!("{caller:?}");
        assert!(printed.contains("user_1") && !printed.contains("admin"), "{printed}");
    }
}
