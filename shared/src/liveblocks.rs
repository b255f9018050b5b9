//! Liveblocks: tokens that open its rooms.
//! <https://liveblocks.io/docs/api-reference/rest-api-endpoints#Authenticate>

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::provider::{Answer, Call, Failure, Provider, ProviderError};
use crate::settings::{Incomplete, Settings};

/// Liveblocks' API.
#[derive(Clone, Debug)]
pub struct Liveblocks(Provider);

/// What others in a room see of a user.
#[derive(Clone, Debug, Serialize)]
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
        Ok(Self(Provider {
            name: "liveblocks",
            base: base?,
            key: key?,
            http: settings.http(),
            clock: settings.clock(),
        }))
    }

    /// A token for the user `id`, whom others see as `info` says. Which rooms it opens is decided
    /// by the rooms' own permissions.
    pub async fn identify_user(
        &self,
        id: &str,
        info: &UserInfo,
    ) -> Result<Identity, IdentifyError> {
        let answer = self
            .0
            .send(&Call {
                name: "identify-user",
                method: Method::POST,
                path: &["v2", "identify-user"],
                body: Some(serde_json::json!({ "userId": id, "userInfo": info })),
                repeatable: true,
                refuses_key,
            })
            .await?;
        match answer.status {
            StatusCode::OK => Ok(read_identity(&answer)?),
            StatusCode::FORBIDDEN => Err(IdentifyError::UserRefused),
            _ => Err(answer.unexpected().into()),
        }
    }
}

fn secret_key_form(key: &str) -> Result<(), &'static str> {
    if key.starts_with("sk_") && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err("a secret key of Liveblocks (sk_…)")
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

/// Liveblocks answers 403 both to a key that it does not know and to a user whom it refuses; only
/// the body tells one from the other. `error` is `INVALID_SECRET_KEY` at Liveblocks, and "Forbidden"
/// with a message about the key at its local server.
fn refuses_key(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        message: String,
    }

    match answer.status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => answer.json::<Refusal>().is_ok_and(|refusal| {
            refusal.error == "INVALID_SECRET_KEY"
                || refusal.message.starts_with("Invalid secret key")
        }),
        _ => false,
    }
}
