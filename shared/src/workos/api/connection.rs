//! SSO connections: how an organization's users sign in at their own identity provider.

use serde::Deserialize;

use crate::ids::id;
use crate::json;
use crate::workos::OrganizationId;

id!(ConnectionId, "an SSO connection");

/// An SSO connection. <https://workos.com/docs/reference/sso/connection>
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The organization that it is for.
    #[serde(default, deserialize_with = "json::or_default")]
    pub organization_id: Option<OrganizationId>,
    #[serde(default, deserialize_with = "json::or_default")]
    state: Option<String>,
}

impl Connection {
    /// Whether it is set up and enabled.
    pub(super) fn is_active(&self) -> bool {
        self.state.as_deref() == Some("active")
    }

    /// Whether it belongs to the organization.
    pub(in crate::workos) fn is_of(&self, organization: &OrganizationId) -> bool {
        self.organization_id.as_ref() == Some(organization)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_says_so_is_active_and_an_organizations() {
        let organization = OrganizationId::parse("org_1").expect("an id");
        for (connection, active, own) in [
            (json!({"id": "conn_1", "organization_id": "org_1", "state": "active"}), true, true),
            (json!({"id": "conn_1", "organization_id": "org_2", "state": "active"}), true, false),
            (json!({"id": "conn_1", "organization_id": null, "state": "active"}), true, false),
            (json!({"id": "conn_1", "organization_id": 1, "state": "active"}), true, false),
            (
                json!({"id": "conn_1", "organization_id": "org_1", "state": "validating"}),
                false,
                true,
            ),
            (json!({"id": "conn_1", "organization_id": "org_1", "state": null}), false, true),
            (json!({"id": "conn_1", "organization_id": "org_1", "state": 1}), false, true),
            (json!({"id": "conn_1", "organization_id": "org_1", "status": "linked"}), false, true),
        ] {
            let read: Connection = serde_json::from_value(connection.clone()).expect("one");
            assert_eq!(
                (read.is_active(), read.is_of(&organization)),
                (active, own),
                "{connection}"
            );
        }
    }
}
