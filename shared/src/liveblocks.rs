//! Liveblocks: access tokens for its rooms.
//! <https://liveblocks.io/docs/api-reference/rest-api-endpoints#Authenticate>

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::api::ApiError;
use crate::provider::{Answer, Call, Failure, KeyedProvider, Provider, ProviderError, Retry};
use crate::secrets::secret_key_form;
use crate::settings::{Incomplete, Settings};

/// The longest user id that Liveblocks accepts.
/// <https://liveblocks.io/docs/platform/technical-limits>
const MAX_USER_ID_CHARACTERS: usize = 128;

/// The longest `userInfo` that Liveblocks accepts, as JSON.
const MAX_USER_INFO_CHARACTERS: usize = 1024;

/// Liveblocks' API.
#[derive(Clone, Debug)]
pub struct Liveblocks {
    api: KeyedProvider,
    knows_organizations: bool,
}

/// The user's profile as others in a room see it. Personal, so it has no `Debug`.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The name.
    pub name: String,
    /// The URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// The color of the user's cursor.
    pub color: &'static str,
}

/// Liveblocks' response, passed on unchanged: an object with a `token`. The token is the user's
/// secret, so `Debug` omits it.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Identity(BTreeMap<String, Box<RawValue>>);

/// Why Liveblocks issued no token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IdentifyError {
    /// The user's id is longer than Liveblocks accepts.
    #[error("the user's id is too long for liveblocks")]
    IdTooLong,
    /// Liveblocks rejected the user.
    #[error("liveblocks rejected the user with {status} {code}")]
    UserRefused {
        /// Its status.
        status: StatusCode,
        /// Liveblocks' error code.
        code: String,
    },
    /// The call to Liveblocks failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl From<IdentifyError> for ApiError {
    fn from(error: IdentifyError) -> Self {
        match error {
            // The user id at Liveblocks is the e-mail address.
            IdentifyError::IdTooLong => {
                Self::forbidden("This e-mail address is too long").with_detail(error)
            }
            IdentifyError::UserRefused { .. } => {
                Self::forbidden("Liveblocks rejected this user").with_detail(error)
            }
            IdentifyError::Provider(error) => error.into(),
        }
    }
}

impl Liveblocks {
    /// Reads `LIVEBLOCKS_SECRET_KEY` (or `LIVEBLOCKS_SECRET_ID`), and, if set,
    /// `LIVEBLOCKS_API_URL` and `LIVEBLOCKS_ORGANIZATIONS`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let key = settings.secret("LIVEBLOCKS_SECRET_KEY", "LIVEBLOCKS_SECRET_ID", secret_key_form);
        let base = settings.base_url("LIVEBLOCKS_API_URL", "https://api.liveblocks.io");
        let knows_organizations = settings.flag("LIVEBLOCKS_ORGANIZATIONS");
        let provider = Provider::new("liveblocks", base?, settings);
        provider.open_ahead(settings);
        Ok(Self { api: provider.with_key(key?), knows_organizations: knows_organizations? })
    }

    /// A token for the user `id`, whom others see as `info` says. Which rooms it opens is decided
    /// by the rooms' own permissions, and by `organization` where the deployment sends it: rooms of
    /// other organizations stay closed.
    /// <https://liveblocks.io/docs/authentication/organizations>
    ///
    /// If `info` is longer than Liveblocks accepts, the picture is left out, and then the name is
    /// shortened.
    ///
    /// # Errors
    /// [`IdentifyError::IdTooLong`] before anything is sent, [`IdentifyError::UserRefused`] when
    /// Liveblocks does not accept this user.
    pub async fn identify_user(
        &self,
        id: &str,
        info: &UserInfo,
        organization: Option<&str>,
    ) -> Result<Identity, IdentifyError> {
        if javascript_length(id) > MAX_USER_ID_CHARACTERS {
            return Err(IdentifyError::IdTooLong);
        }
        let mut body = json!({ "userId": id, "userInfo": info.within_limit() });
        if let Some(organization) = organization.filter(|_| self.knows_organizations) {
            body["organizationId"] = json!(organization);
        }
        let path = ["v2", "identify-user"];
        let call = Call {
            retry: Retry::Once,
            refuses_key,
            ..Call::post("identify-user", &path, Some(body))
        };
        let answer = self.api.send(&call).await?;
        match answer.status {
            StatusCode::OK => Ok(read_identity(&answer)?),
            status => match user_refusal(&answer) {
                Some(code) => Err(IdentifyError::UserRefused { status, code }),
                None => Err(answer.unexpected().into()),
            },
        }
    }
}

impl UserInfo {
    /// The same, shortened to Liveblocks' limit. The picture goes first, because names distinguish
    /// people better.
    fn within_limit(&self) -> Self {
        if self.length() <= MAX_USER_INFO_CHARACTERS {
            return self.clone();
        }
        let mut info = Self { image_url: None, ..self.clone() };
        if info.length() > MAX_USER_INFO_CHARACTERS {
            let name = std::mem::take(&mut info.name);
            let room = MAX_USER_INFO_CHARACTERS.saturating_sub(info.length());
            shortened(&name, room).clone_into(&mut info.name);
        }
        info
    }

    /// The length as JSON.
    fn length(&self) -> usize {
        javascript_length(&json!(self).to_string())
    }
}

/// The longest prefix of `text` that takes no more than `room` inside a JSON string.
fn shortened(text: &str, room: usize) -> &str {
    let mut length = 0;
    let end = text.char_indices().find(|(_, c)| {
        length += javascript_length(&json!(c).to_string()) - 2; // the quotation marks
        length > room
    });
    // Drop a trailing joiner, which has nothing to join.
    let is_loose = |c: char| c.is_whitespace() || c == '\u{200d}';
    text[..end.map_or(text.len(), |(at, _)| at)].trim_end_matches(is_loose)
}

/// The length in UTF-16 code units, as JavaScript counts it. Liveblocks is written in JavaScript.
fn javascript_length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn read_identity(answer: &Answer) -> Result<Identity, ProviderError> {
    let identity: BTreeMap<String, Box<RawValue>> = answer.json()?;
    let token = identity.get("token").map(|token| serde_json::from_str::<String>(token.get()));
    match token {
        Some(Ok(token)) if !token.is_empty() => Ok(Identity(identity)),
        _ => Err(answer.error(Failure::Unreadable("it has no token"))),
    }
}

/// Liveblocks' error body.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default, deserialize_with = "crate::json::or_default")]
    message: String,
}

/// Liveblocks returns 403 both for an unknown key and for a user it rejects; only the body tells
/// them apart. For a key, `error` is `INVALID_SECRET_KEY` at Liveblocks, and "Forbidden" with a
/// message about the key at its local server.
fn refuses_key(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => answer.json::<Refusal>().is_ok_and(|refusal| {
            refusal.error == "INVALID_SECRET_KEY"
                || refusal.message.starts_with("Invalid secret key")
        }),
        _ => false,
    }
}

/// Liveblocks' error code, if the response rejects the user.
///
/// A 422 is about the user's data, because nothing else in the request varies. A 403 must come from
/// Liveblocks itself and not from a proxy, because Liveblocks' client stops for good on a 403.
/// Unknown codes count too: Liveblocks adds new ones from time to time.
fn user_refusal(answer: &Answer) -> Option<String> {
    let refusal = answer.json::<Refusal>().ok().map(|refusal| name_of(&refusal.error));
    match answer.status {
        StatusCode::FORBIDDEN => refusal,
        StatusCode::UNPROCESSABLE_ENTITY => Some(refusal.unwrap_or_default()),
        _ => None,
    }
}

/// A code that is safe to log: anything but a short name is replaced.
fn name_of(code: &str) -> String {
    let is_name = code.len() <= 64
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_name { code.to_owned() } else { "(unrecognized code)".to_owned() }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    const COLOR: &str = "#0072B2";

    fn info(name: &str, picture: Option<&str>) -> UserInfo {
        let image_url = picture.map(str::to_owned);
        UserInfo { name: name.to_owned(), image_url, color: COLOR }
    }

    #[test]
    fn what_is_too_long_loses_the_picture_first_and_then_the_end_of_the_name() {
        let picture = |length: usize| format!("https://img.example/{}", "x".repeat(length - 20));
        let (short, long, huge) = (picture(480), picture(1000), picture(100_000));
        let names = format!("{} {}", "a".repeat(256), "b".repeat(256));
        let quotes = "\"".repeat(256);
        let two_quotes = format!("{quotes} {quotes}");
        let emoji = "👩".repeat(512);
        let family = "👩\u{200d}".repeat(400);
        let kanji = "漢".repeat(600);
        let bells = "\u{7}".repeat(256);
        let endless = "a".repeat(100_000);
        for (name, picture, keeps_picture, keeps_name) in [
            ("Jane Doe", None, false, true),
            ("Jane Doe", Some(&short), true, true),
            ("Jane Doe", Some(&long), false, true),
            ("Jane Doe", Some(&huge), false, true),
            (&names, Some(&short), false, true),
            (&quotes, Some(&short), false, true),
            (&two_quotes, Some(&short), false, false),
            (&two_quotes, None, false, false),
            (&emoji, None, false, false),
            (&family, None, false, false),
            (&kanji, Some(&short), false, true),
            (&bells, None, false, false),
            (&endless, Some(&huge), false, false),
        ] {
            let sent = info(name, picture.map(String::as_str)).within_limit();
            let start: String = name.chars().take(10).collect();
            assert!(sent.length() <= MAX_USER_INFO_CHARACTERS, "{start}");
            assert_eq!(sent.image_url.is_some(), keeps_picture, "{start}");
            assert_eq!(sent.name == name, keeps_name, "{start}");
            assert!(name.starts_with(&sent.name), "{start}");
            assert!(
                keeps_name || sent.length() > MAX_USER_INFO_CHARACTERS - 8,
                "{start}: not too short"
            );
            assert!(!sent.name.ends_with('\u{200d}'), "{start}");
            assert_eq!(sent.color, COLOR);
        }
    }

    #[test]
    fn fills_the_limit_to_the_last_character() {
        let room = MAX_USER_INFO_CHARACTERS - info("", None).length();
        let sent = info(&"a".repeat(room), None).within_limit();
        assert_eq!((sent.name.len(), sent.length()), (room, MAX_USER_INFO_CHARACTERS));
        let sent = info(&"a".repeat(room + 1), None).within_limit();
        assert_eq!((sent.name.len(), sent.length()), (room, MAX_USER_INFO_CHARACTERS));
    }

    #[test]
    fn tells_a_refused_user_from_a_refused_key_and_both_from_somebody_elses_answer() {
        for (status, body, user, key) in [
            (
                403,
                json!({"error": "UNAUTHORIZED_ROOM_ACCESS"}),
                Some("UNAUTHORIZED_ROOM_ACCESS"),
                false,
            ),
            (
                403,
                json!({"error": "A_CODE_OF_NEXT_YEAR", "message": null}),
                Some("A_CODE_OF_NEXT_YEAR"),
                false,
            ),
            (403, json!({"error": "jane@example.com may not"}), Some("(unrecognized code)"), false),
            (
                403,
                json!({"error": "INVALID_SECRET_KEY", "message": 7}),
                Some("INVALID_SECRET_KEY"),
                true,
            ),
            (
                403,
                json!({"error": "Forbidden", "message": "Invalid secret key."}),
                Some("Forbidden"),
                true,
            ),
            (403, json!({"message": "Forbidden"}), None, false),
            (403, json!("Forbidden"), None, false),
            (422, json!({"error": "UNPROCESSABLE_ENTITY"}), Some("UNPROCESSABLE_ENTITY"), false),
            (422, json!([]), Some(""), false),
            (401, json!({"error": "MISSING_SECRET_KEY"}), None, true),
            (400, json!({"error": "BAD_REQUEST"}), None, false),
            (404, json!({"error": "NOT_FOUND"}), None, false),
        ] {
            let answer = Answer::made_up(status, HeaderMap::new(), &body);
            assert_eq!(user_refusal(&answer).as_deref(), user, "{status} {body}");
            assert_eq!(refuses_key(&answer), key, "{status} {body}");
        }
    }

    #[test]
    fn passes_on_whatever_comes_beside_the_token() {
        let body = json!({"token": "t", "expires": 1.5, "more": {"a": [null]}});
        let identity = read_identity(&Answer::made_up(200, HeaderMap::new(), &body));
        let identity = identity.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(serde_json::to_value(identity).expect("JSON"), body);
        for body in [json!({"token": ""}), json!({"token": 7}), json!({}), json!(["t"])] {
            assert!(
                read_identity(&Answer::made_up(200, HeaderMap::new(), &body)).is_err(),
                "{body}"
            );
        }
    }
}
