//! What WorkOS knows of a user.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::id;

id!(UserId, "a user");

/// A user. It is personal: it is not printed.
///
/// WorkOS's API writes the names of its fields `like_this`; both are read. In JSON it is written as
/// the SDK keeps it in a session, `likeThis`, with `null` for what there is not, so that a page
/// built on the SDK finds every field where it looks for it.
/// <https://workos.com/docs/reference/authkit/user>
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Always `user`.
    #[serde(default = "object_kind")]
    object: String,
    /// The user's id.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
    /// Whether the user has shown that the address is theirs.
    #[serde(alias = "email_verified", default)]
    pub email_verified: bool,
    /// The given name.
    #[serde(alias = "first_name", default)]
    pub first_name: Option<String>,
    /// The address of a picture.
    #[serde(alias = "profile_picture_url", default)]
    pub profile_picture_url: Option<String>,
    /// The family name.
    #[serde(alias = "last_name", default)]
    pub last_name: Option<String>,
    /// When the user last signed in, in RFC 3339.
    #[serde(alias = "last_sign_in_at", default)]
    pub last_sign_in_at: Option<String>,
    /// The language, as in `en-GB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When the account was made, in RFC 3339.
    #[serde(alias = "created_at", default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When it was last changed, in RFC 3339.
    #[serde(alias = "updated_at", default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// The application's own id for the user.
    #[serde(alias = "external_id", default)]
    pub external_id: Option<String>,
    /// What the application keeps with the user.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// What our endpoints tell of a user who has signed in. Parts that there are not are left out.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile<'u> {
    id: &'u UserId,
    email: &'u str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'u str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'u str>,
    #[serde(rename = "avatarURL", skip_serializing_if = "Option::is_none")]
    avatar_url: Option<&'u str>,
}

impl User {
    /// What our endpoints tell of the user.
    pub fn profile(&self) -> Profile<'_> {
        Profile {
            id: &self.id,
            email: &self.email,
            first_name: present(self.first_name.as_deref()),
            last_name: present(self.last_name.as_deref()),
            avatar_url: present(self.profile_picture_url.as_deref()),
        }
    }
}

/// Providers also write "nothing" as an empty text.
fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

fn object_kind() -> String {
    "user".to_owned()
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Profile<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.debug_struct("Profile").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jane() -> Value {
        json!({
            "object": "user", "id": "user_01", "email": "jane.doe@example.com",
            "email_verified": true, "first_name": "Jane", "last_name": null,
            "profile_picture_url": "", "external_id": null, "last_sign_in_at": null,
            "created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2024-01-02T00:00:00.000Z",
            "metadata": {"plan": "free"}, "something_new": 1,
        })
    }

    #[test]
    fn reads_what_the_api_writes_and_writes_what_the_sdk_keeps() {
        let user: User = serde_json::from_value(jane()).expect("a user");
        let kept = serde_json::to_value(&user).expect("JSON");
        let expected = json!({
            "object": "user", "id": "user_01", "email": "jane.doe@example.com",
            "emailVerified": true, "firstName": "Jane", "lastName": null,
            "profilePictureUrl": "", "externalId": null, "lastSignInAt": null,
            "createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2024-01-02T00:00:00.000Z",
            "metadata": {"plan": "free"},
        });
        assert_eq!(kept, expected);
        assert_eq!(serde_json::from_value::<User>(kept).expect("a user"), user);
    }

    #[test]
    fn reads_the_least_that_makes_a_user_and_no_less() {
        let least = json!({"id": "user_01", "email": "jane.doe@example.com"});
        assert!(serde_json::from_value::<User>(least).is_ok());
        for less in [json!({"id": "user_01"}), json!({"email": "a@b.example"}), json!([])] {
            assert!(serde_json::from_value::<User>(less.clone()).is_err(), "{less}");
        }
        let mut user = jane();
        user["id"] = json!("");
        assert!(serde_json::from_value::<User>(user).is_err(), "an id without characters");
    }

    #[test]
    fn the_profile_leaves_out_what_there_is_not() {
        let user: User = serde_json::from_value(jane()).expect("a user");
        let profile = serde_json::to_value(user.profile()).expect("JSON");
        let expected =
            json!({"id": "user_01", "email": "jane.doe@example.com", "firstName": "Jane"});
        assert_eq!(profile, expected);

        let mut all = jane();
        all["last_name"] = json!("Doe");
        all["profile_picture_url"] = json!("https://img.example/jane.png");
        let user: User = serde_json::from_value(all).expect("a user");
        let profile = serde_json::to_value(user.profile()).expect("JSON");
        assert_eq!(profile["lastName"], "Doe");
        assert_eq!(profile["avatarURL"], "https://img.example/jane.png");
    }

    #[test]
    fn is_not_printed() {
        let user: User = serde_json::from_value(jane()).expect("a user");
        let printed = format!("{user:?} {:?}", user.profile());
        assert!(printed.contains("user_01"));
        assert!(!printed.contains("Jane") && !printed.contains("jane"), "{printed}");
    }
}
