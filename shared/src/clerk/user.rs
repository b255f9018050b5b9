//! A user at Clerk.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::api::ApiError;
use crate::caller::Person;
use crate::json;

/// The part of a Clerk user that Anteroom uses. `Debug` omits personal fields.
///
/// A field of an unexpected type counts as absent, except those that decide about access.
/// <https://clerk.com/docs/reference/backend/types/backend-user>
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: String,
    /// The first name.
    #[serde(default, deserialize_with = "json::or_default")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default, deserialize_with = "json::or_default")]
    pub last_name: Option<String>,
    /// The URL of a picture; Clerk generates one for users who have none.
    #[serde(default, deserialize_with = "json::or_default")]
    pub image_url: Option<String>,
    /// The e-mail addresses, including the primary one.
    #[serde(default, deserialize_with = "json::readable_items")]
    pub email_addresses: Vec<EmailAddress>,
    /// The id of the primary address.
    #[serde(default, deserialize_with = "json::or_default")]
    pub primary_email_address_id: Option<String>,
    banned: Option<bool>,
    locked: Option<bool>,
}

/// One e-mail address of a user.
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct EmailAddress {
    /// The address's id.
    pub id: String,
    /// The address.
    pub email_address: String,
    /// Whether the address is verified. Anything but an explicit yes from Clerk counts as no.
    #[serde(rename = "verification", default, deserialize_with = "is_verified")]
    pub is_verified: bool,
}

/// The user is banned or locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the user is banned or locked")]
pub struct Blocked;

impl From<Blocked> for ApiError {
    fn from(blocked: Blocked) -> Self {
        Self::forbidden("This user is banned or locked").with_detail(blocked)
    }
}

fn is_verified<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    struct Verification {
        status: String,
    }

    let verification: Option<Verification> = json::or_default(deserializer)?;
    Ok(verification.is_some_and(|verification| verification.status == "verified"))
}

impl User {
    /// The primary e-mail address, if it is verified. `None` if no address is primary, even if
    /// there are others.
    pub fn primary_email(&self) -> Option<&str> {
        let primary = self.primary_email_address_id.as_deref()?;
        let mut addresses = self.email_addresses.iter();
        let address = addresses.find(|address| address.id == primary)?;
        let counts = address.is_verified && !address.email_address.is_empty();
        counts.then_some(address.email_address.as_str())
    }

    /// Rejects a user whom an administrator has banned, or whose account is locked after too many
    /// failed attempts. Session tokens issued earlier stay valid until they expire.
    pub fn check_access(&self) -> Result<(), Blocked> {
        let is_blocked = self.banned == Some(true) || self.locked == Some(true);
        if is_blocked { Err(Blocked) } else { Ok(()) }
    }

    /// The user's profile.
    pub fn person(&self) -> Person {
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        Person::new(self.primary_email(), names, self.image_url.as_deref())
    }
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EmailAddress").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn user(more: &Value) -> User {
        read(more).expect("a user")
    }

    fn read(more: &Value) -> serde_json::Result<User> {
        let mut user = json!({ "id": "user_1" });
        let more = more.as_object().expect("an object").clone();
        user.as_object_mut().expect("an object").extend(more);
        serde_json::from_value(user)
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
            assert_eq!(user.person().name.as_deref(), full);
        }
    }

    #[test]
    fn only_the_primary_address_counts() {
        let verified = json!({"status": "verified"});
        let addresses = json!([
            {"id": "idn_1", "email_address": "old@example.com", "verification": verified},
            {"id": "idn_2", "email_address": "jane@example.com", "verification": verified},
        ]);
        for (primary, expected) in [
            (json!("idn_2"), Some("jane@example.com")),
            (json!("idn_3"), None),
            (json!(null), None),
            (json!(2), None),
        ] {
            let user =
                user(&json!({"email_addresses": addresses, "primary_email_address_id": primary}));
            assert_eq!(user.primary_email(), expected);
        }
    }

    #[test]
    fn an_address_counts_only_when_clerk_says_that_it_is_verified() {
        for (verification, expected) in [
            (json!({"status": "verified", "strategy": "admin"}), Some("jane@example.com")),
            (json!({"status": "unverified"}), None),
            (json!({"status": "transferable"}), None),
            (json!({"status": "failed"}), None),
            (json!({"status": "expired"}), None),
            (json!({"status": "VERIFIED"}), None),
            (json!({"status": true}), None),
            (json!({"status": null}), None),
            (json!({}), None),
            (json!(null), None),
            (json!("verified"), None),
        ] {
            let address = json!({
                "id": "idn_1", "email_address": "jane@example.com", "verification": verification,
            });
            let user =
                user(&json!({"email_addresses": [address], "primary_email_address_id": "idn_1"}));
            assert_eq!(user.primary_email(), expected, "{verification}");
        }
    }

    #[test]
    fn a_banned_or_locked_user_is_blocked() {
        for (flags, expected) in [
            (json!({"banned": true, "locked": false}), true),
            (json!({"banned": false, "locked": true}), true),
            (json!({"banned": false, "locked": false}), false),
            (json!({"banned": null, "locked": null}), false),
            (json!({}), false),
        ] {
            assert_eq!(user(&flags).check_access().is_err(), expected, "{flags}");
        }
        // An unreadable flag could mean either.
        for flags in [json!({"banned": "true"}), json!({"locked": 1}), json!({"banned": {}})] {
            assert!(read(&flags).is_err(), "{flags}");
        }
    }

    #[test]
    fn odd_fields_are_absent_and_odd_addresses_are_skipped() {
        let address = json!({
            "id": "idn_1", "email_address": "jane@example.com",
            "verification": {"status": "verified", "attempts": "many"},
        });
        let user = user(&json!({
            "first_name": 17, "last_name": ["Doe"], "image_url": {"large": "https://img.example"},
            "email_addresses": [null, 7, {}, {"id": 1, "email_address": null}, address],
            "primary_email_address_id": "idn_1",
            "external_id": 17, "public_metadata": [], "last_sign_in_at": "yesterday",
        }));
        assert_eq!(user.person().name, None);
        assert_eq!(user.image_url, None);
        assert_eq!(user.primary_email(), Some("jane@example.com"));
        for addresses in [json!(null), json!("jane@example.com"), json!({})] {
            let user = self::user(
                &json!({"email_addresses": addresses, "primary_email_address_id": "idn_1"}),
            );
            assert_eq!(user.primary_email(), None, "{addresses}");
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
