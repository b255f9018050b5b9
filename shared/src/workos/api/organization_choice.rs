//! The choice of an organization, for a user who belongs to several.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json;
use crate::workos::{OrganizationId, UserId};

/// WorkOS's request to choose an organization. It serializes as our endpoints return it, including
/// the token; `Debug` omits everything.
#[derive(Clone, Deserialize)]
pub struct OrganizationChoice {
    /// The user.
    pub user: ChoosingUser,
    /// The token that authorizes the choice.
    pub pending_authentication_token: SecretString,
    /// The organizations on offer: one or more.
    #[serde(deserialize_with = "offered")]
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
    /// Its name, or an empty string if WorkOS sends none.
    #[serde(default, deserialize_with = "json::or_default")]
    pub name: String,
}

/// Reads the organizations. Skips those without an id, which cannot be chosen.
fn offered<'de, D>(deserializer: D) -> Result<Vec<OfferedOrganization>, D::Error>
where
    D: Deserializer<'de>,
{
    let offered: Vec<OfferedOrganization> = json::readable_items(deserializer)?;
    if offered.is_empty() {
        return Err(D::Error::custom("no organization"));
    }
    Ok(offered)
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
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OrganizationChoice").finish_non_exhaustive()
    }
}

impl fmt::Debug for ChoosingUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
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

    #[test]
    fn an_odd_organization_is_left_out_but_one_must_remain() {
        let read = |organizations: serde_json::Value| {
            serde_json::from_str::<OrganizationChoice>(
                &json!({
                    "pending_authentication_token": "pending-token-of-jane",
                    "user": {"id": "user_1", "email": "jane@example.com", "first_name": 7},
                    "organizations": organizations,
                })
                .to_string(),
            )
        };
        let odd = json!([null, "org_0", {"name": "None"}, {"id": ""}, {"id": "org_1", "name": 7}]);
        let choice = read(odd).expect("a choice");
        let organization = OfferedOrganization {
            id: OrganizationId::parse("org_1").expect("an id"),
            name: String::new(),
        };
        assert_eq!(choice.organizations, [organization]);
        for none in [json!(null), json!([]), json!([{"name": "None"}]), json!("org_1")] {
            assert!(read(none.clone()).is_err(), "{none}");
        }
    }
}
