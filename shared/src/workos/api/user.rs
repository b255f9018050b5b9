//! A user at WorkOS.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::caller::{Person, present};
use crate::ids::id;
use crate::json;

id!(UserId, "a user");

/// A user. `Debug` prints only the id.
///
/// WorkOS's API uses `snake_case` field names; we read both spellings. We write the format that the
/// SDK keeps in a session, `camelCase` with `null` for absent fields, so that a page built on the
/// SDK finds every field it expects. Only the id and the address are required; any other field with
/// an unexpected type counts as absent.
/// <https://workos.com/docs/reference/authkit/user>
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Always `user`.
    #[serde(default = "object_kind", deserialize_with = "always_user")]
    object: String,
    /// The user's id.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
    /// Whether the address is verified.
    #[serde(alias = "email_verified", default, deserialize_with = "json::or_default")]
    pub email_verified: bool,
    /// The first name.
    #[serde(alias = "first_name", default, deserialize_with = "json::or_default")]
    pub first_name: Option<String>,
    /// The URL of a picture.
    #[serde(alias = "profile_picture_url", default, deserialize_with = "json::or_default")]
    pub profile_picture_url: Option<String>,
    /// The last name.
    #[serde(alias = "last_name", default, deserialize_with = "json::or_default")]
    pub last_name: Option<String>,
    /// The full name.
    #[serde(default, deserialize_with = "json::or_default")]
    pub name: Option<String>,
    /// When the user last signed in, in RFC 3339.
    #[serde(alias = "last_sign_in_at", default, deserialize_with = "json::or_default")]
    pub last_sign_in_at: Option<String>,
    /// The language, such as `en-GB`.
    #[serde(default, deserialize_with = "json::or_default")]
    pub locale: Option<String>,
    /// When the account was created, in RFC 3339.
    #[serde(alias = "created_at", default, deserialize_with = "json::or_default")]
    pub created_at: Option<String>,
    /// When it was last changed, in RFC 3339.
    #[serde(alias = "updated_at", default, deserialize_with = "json::or_default")]
    pub updated_at: Option<String>,
    /// The application's own id for the user.
    #[serde(alias = "external_id", default, deserialize_with = "json::or_default")]
    pub external_id: Option<String>,
    /// The application's own data about the user. We pass it on unchanged without reading it.
    #[serde(default, deserialize_with = "json::or_default")]
    pub metadata: Metadata,
}

/// A JSON object that is passed on unchanged.
#[derive(Clone, Deserialize)]
#[serde(from = "Box<RawValue>")]
pub struct Metadata(Option<Box<RawValue>>);

impl Metadata {
    /// An empty object.
    pub const EMPTY: Self = Self(None);

    fn text(&self) -> &str {
        self.0.as_ref().map_or("{}", |object| object.get())
    }
}

impl From<Box<RawValue>> for Metadata {
    fn from(value: Box<RawValue>) -> Self {
        Self(Some(value).filter(|value| value.get().starts_with('{')))
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(object) => object.serialize(serializer),
            None => serializer.collect_map::<&str, (), _>([]),
        }
    }
}

/// The part of a user that our endpoints return. Absent fields are left out.
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
    /// The user's profile, for other providers. An unverified address is left out.
    pub fn person(&self) -> Person {
        let email = self.email_verified.then_some(self.email.as_str());
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        let mut person = Person::new(email, names, self.profile_picture_url.as_deref());
        person.name = person.name.or_else(|| present(self.name.as_deref()).map(str::to_owned));
        person
    }

    /// The part of the user that our endpoints return.
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

fn object_kind() -> String {
    "user".to_owned()
}

fn always_user<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| object_kind())
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Profile<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Profile").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
            "emailVerified": true, "firstName": "Jane", "lastName": null, "name": null,
            "profilePictureUrl": "", "externalId": null, "lastSignInAt": null, "locale": null,
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
    fn writes_every_field_of_the_sdks_user_with_null_for_what_is_absent() {
        let least = json!({"id": "user_01", "email": "jane.doe@example.com"});
        let user: User = serde_json::from_value(least).expect("a user");
        let expected = json!({
            "object": "user", "id": "user_01", "email": "jane.doe@example.com",
            "emailVerified": false, "firstName": null, "lastName": null, "name": null,
            "profilePictureUrl": null, "externalId": null, "lastSignInAt": null, "locale": null,
            "createdAt": null, "updatedAt": null, "metadata": {},
        });
        assert_eq!(serde_json::to_value(&user).expect("JSON"), expected);
    }

    #[test]
    fn a_field_of_another_type_is_absent_and_the_user_is_good() {
        let odd_values = [json!(null), json!(17), json!([]), json!({"a": 1}), json!(true)];
        let names = [
            "object",
            "email_verified",
            "first_name",
            "last_name",
            "name",
            "profile_picture_url",
            "external_id",
            "last_sign_in_at",
            "locale",
            "created_at",
            "updated_at",
            "metadata",
        ];
        for name in names {
            for odd in odd_values.iter().chain([&json!("text")]) {
                let mut user = jane();
                user[name] = odd.clone();
                let user = serde_json::from_value::<User>(user);
                let user = user.unwrap_or_else(|error| panic!("{name}: {odd}: {error}"));
                let kept = serde_json::to_value(&user).expect("JSON");
                assert_eq!(kept["object"], "user", "{name}: {odd}");
                assert!(kept["metadata"].is_object(), "{name}: {odd}");
                let same = serde_json::from_value::<User>(kept).expect("a user");
                assert!(same == user, "{name}: {odd}");
            }
        }
    }

    #[test]
    fn metadata_is_passed_on_as_it_came_whatever_javascript_put_there() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        let metadata = format!(r#"{{"cut":"\ud83d","huge":1e400,"deep":{deep}}}"#);
        let text = format!(r#"{{"id":"user_01","email":"a@b.example","metadata": {metadata} }}"#);
        let user: User = json::from_slice(text.as_bytes()).expect("a user");
        let kept = serde_json::to_string(&user).expect("JSON");
        let metadata = metadata.replace(r"\ud83d", r"\ufffd");
        assert!(kept.ends_with(&format!(r#","metadata":{metadata}}}"#)));
    }

    #[test]
    fn a_name_cut_inside_an_emoji_has_the_replacement_character() {
        let text = br#"{"id":"user_01","email":"a@b.example","first_name":"J\ud83d"}"#;
        let user: User = json::from_slice(text).expect("a user");
        assert_eq!(user.first_name.as_deref(), Some("J\u{fffd}"));
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
