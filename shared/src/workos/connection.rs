//! SSO connections: how an organization's users sign in at their own identity provider.

use serde::Deserialize;

use crate::ids::id;
use crate::workos::OrganizationId;

id!(ConnectionId, "an SSO connection");

/// An SSO connection. <https://workos.com/docs/reference/sso/connection>
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The organization that it is for.
    pub organization_id: Option<OrganizationId>,
    state: String,
}

impl Connection {
    /// Whether it is set up and switched on.
    pub(super) fn is_active(&self) -> bool {
        self.state == "active"
    }
}
