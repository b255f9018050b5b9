//! Liveblocks: tokens that open its rooms.
//! <https://liveblocks.io/docs/api-reference/rest-api-endpoints#Authenticate>

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::provider::{Answer, Call, Failure, KeyedProvider, Provider, ProviderError, Retry};
use crate::secrets::secret_key_form;
use crate::settings::{Incomplete, Settings};

/// Liveblocks' API.
#[derive(Clone, Debug)]
pub struct Liveblocks(KeyedProvider);

/// What others in a room see of a user. It is personal: it is not printed.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The name.
    pub name: String,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// The colour of the user's cursor.
    pub color: &'static str,
}

/// Liveblocks' answer, to be passed on as it is: an object with a `token`. The token is a secret
/// of the user it was made for: it is not printed.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Identity(serde_json::Map<String, serde_json::Value>);

/// Why a user got no token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IdentifyError {
    /// Liveblocks refuses this user.
    #[error("liveblocks refuses the user")]
    UserRefused,
    /// Liveblocks could not be asked.
    #[error("{0}")]
    Provider(#[from] ProviderError),
}

impl From<IdentifyError> for ApiError {
    fn from(error: IdentifyError) -> Self {
        match error {
            IdentifyError::UserRefused => {
                Self::forbidden("Liveblocks does not let this user in").because(error)
            }
            IdentifyError::Provider(error) => error.into(),
        }
    }
}

impl Liveblocks {
    /// Reads `LIVEBLOCKS_SECRET_KEY` (or `LIVEBLOCKS_SECRET_ID`), and `LIVEBLOCKS_API_URL` where
    /// it is set.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let key = settings.secret("LIVEBLOCKS_SECRET_KEY", "LIVEBLOCKS_SECRET_ID", secret_key_form);
        let base = settings.base_url("LIVEBLOCKS_API_URL", "https://api.liveblocks.io");
        let provider = Provider {
            name: "liveblocks",
            base: base?,
            http: settings.http(),
            clock: settings.clock(),
        };
        Ok(Self(provider.with_key(key?)))
    }

    /// A token for the user `id`, whom others see as `info` says. Which rooms it opens is decided
    /// by the rooms' own permissions.
    pub async fn identify_user(
        &self,
        id: &str,
        info: &UserInfo,
    ) -> Result<Identity, IdentifyError> {
        let body = serde_json::json!({ "userId": id, "userInfo": info });
        let path = ["v2", "identify-user"];
        let call = Call {
            retry: Retry::Once,
            refuses_key,
            ..Call::post("identify-user", &path, Some(body))
        };
        let answer = self.0.send(&call).await?;
        match answer.status {
            StatusCode::OK => Ok(read_identity(&answer)?),
            StatusCode::FORBIDDEN if refuses_user(&answer) => Err(IdentifyError::UserRefused),
            _ => Err(answer.unexpected().into()),
        }
    }
}

fn read_identity(answer: &Answer) -> Result<Identity, ProviderError> {
    let identity: serde_json::Map<String, serde_json::Value> = answer.json()?;
    let token = identity.get("token").and_then(serde_json::Value::as_str);
    match token {
        Some(token) if !token.is_empty() => Ok(Identity(identity)),
        _ => Err(answer.error(Failure::Unreadable("it has no token"))),
    }
}

/// Liveblocks' body of an error.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    message: String,
}

/// Liveblocks answers 403 both to a key that it does not know and to a user whom it refuses; only
/// the body tells one from the other. `error` is `INVALID_SECRET_KEY` at Liveblocks, and "Forbidden"
/// with a message about the key at its local server.
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

/// Whether a 403 is about the user. Its client stops for good then, so anybody else's 403 on the
/// way to Liveblocks must not pass for one.
fn refuses_user(answer: &Answer) -> bool {
    answer.json::<Refusal>().is_ok_and(|refusal| {
        matches!(refusal.error.as_str(), "UNAUTHORIZED_ROOM_ACCESS" | "FORBIDDEN" | "Forbidden")
    })
}
