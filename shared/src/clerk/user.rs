//! What Clerk knows of a user.

use std::fmt;

use serde::Deserialize;

/// A user, as far as Anteroom uses it. It is personal: it is not printed.
/// <https://clerk.com/docs/reference/backend/types/backend-user>
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: String,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The address of a picture; Clerk draws one for users without.
    pub image_url: Option<String>,
    /// The addresses, the primary one among them.
    #[serde(default)]
    pub email_addresses: Vec<EmailAddress>,
    /// Which of the addresses is the primary one.
    pub primary_email_address_id: Option<String>,
}

/// One e-mail address of a user.
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct EmailAddress {
    /// The address's id.
    pub id: String,
    /// The address.
    pub email_address: String,
}

impl User {
    /// The primary e-mail address; absent where none is set, even if there are others.
    pub fn primary_email(&self) -> Option<&str> {
        let primary = self.primary_email_address_id.as_deref()?;
        let addresses = self.email_addresses.iter();
        let mut addresses = addresses.filter(|address| address.id == primary);
        addresses
            .next()
            .map(|address| address.email_address.as_str())
            .filter(|address| !address.is_empty())
    }

    /// Given and family name, or the one there is.
    pub fn full_name(&self) -> Option<String> {
        let names = [&self.first_name, &self.last_name];
        let names = names.into_iter().flatten().map(|name| name.trim());
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("EmailAddress").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn user(more: &Value) -> User {
        let mut user = json!({ "id": "user_1" });
        let more = more.as_object().expect("an object").clone();
        user.as_object_mut().expect("an object").extend(more);
        serde_json::from_value(user).expect("a user")
    }

    #[test]
    fn the_full_name_is_made_of_what_there_is() {
        for (first, last, full) in [
            (Some("Jane"), Some("Doe"), Some("Jane Doe")),
            (Some("Jane"), None, Some("Jane")),
            (None, Some("Doe"), Some("Doe")),
            (Some(" "), Some(""), None),
            (None, None, None),
        ] {
            let user = user(&json!({ "first_name": first, "last_name": last }));
            assert_eq!(user.full_name().as_deref(), full);
        }
    }

    #[test]
    fn only_the_primary_address_counts() {
        let addresses = json!([
            {"id": "idn_1", "email_address": "old@example.com"},
            {"id": "idn_2", "email_address": "jane@example.com"},
        ]);
        for (primary, expected) in [
            (json!("idn_2"), Some("jane@example.com")),
            (json!("idn_3"), None),
            (json!(null), None),
        ] {
            let user =
                user(&json!({"email_addresses": addresses, "primary_email_address_id": primary}));
            assert_eq!(user.primary_email(), expected);
        }
    }

    #[test]
    fn is_not_printed() {
        let user = user(&json!({"first_name": "Jane", "email_addresses":
            [{"id": "idn_1", "email_address": "jane@example.com"}]}));
        let printed = format!("{user:?} {:?}", user.email_addresses);
        assert!(!printed.contains("Jane") && !printed.contains("jane@"));
    }
}
