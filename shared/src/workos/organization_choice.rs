//! What a user who belongs to several organizations has to choose from.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::workos::{OrganizationId, UserId};

/// What WorkOS says of a user who has to choose an organization. In JSON it is as our endpoints
/// answer it, the token included; it is not printed.
#[derive(Clone, Deserialize)]
pub struct OrganizationChoice {
    /// The user.
    pub user: ChoosingUser,
    /// What the choice is made with.
    pub pending_authentication_token: SecretString,
    /// What there is to choose from.
    pub organizations: Vec<OfferedOrganization>,
}

/// The user who has to choose.
#[derive(Clone, Deserialize)]
pub struct ChoosingUser {
    /// The id.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
}

/// An organization to choose.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct OfferedOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
}

impl Serialize for OrganizationChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut choice = serializer.serialize_struct("OrganizationChoice", 4)?;
        choice.serialize_field("id", &self.user.id)?;
        choice.serialize_field("email", &self.user.email)?;
        let token = self.pending_authentication_token.expose_secret();
        choice.serialize_field("pendingAuthenticationToken", token)?;
        choice.serialize_field("organizations", &self.organizations)?;
        choice.end()
    }
}

impl fmt::Debug for OrganizationChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("OrganizationChoice").finish_non_exhaustive()
    }
}

impl fmt::Debug for ChoosingUser {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("ChoosingUser").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn is_written_as_the_endpoints_answer_it_and_not_printed() {
        let organizations =
            json!([{"id": "org_1", "name": "MASADAS"}, {"id": "org_2", "name": "TAUNTA SCRE"}]);
        let choice: OrganizationChoice = serde_json::from_value(json!({
            "code": "organization_selection_required", "message": "Choose an organization.",
            "pending_authentication_token": "pending-token-of-jane",
            "user": {"object": "user", "id": "user_1", "email": "jane@example.com"},
            "organizations": organizations,
        }))
        .expect("a choice");

        let expected = json!({
            "id": "user_1", "email": "jane@example.com",
            "pendingAuthenticationToken": "pending-token-of-jane", "organizations": organizations,
        });
        assert_eq!(serde_json::to_value(&choice).expect("JSON"), expected);
        let printed = format!("{choice:?} {:?}", choice.user);
        assert!(!printed.contains("jane") && !printed.contains("pending-token"), "{printed}");
    }
}
