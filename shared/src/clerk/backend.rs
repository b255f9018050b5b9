//! Clerk's Backend API. <https://clerk.com/docs/reference/backend-api>

use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use crate::api::ApiError;
use crate::clerk::{SessionId, User, UserId};
use crate::ids;
use crate::json;
use crate::jwks::KeySet;
use crate::provider::{Answer, Call, Failure, KeyedProvider, ProviderError, Retry};

/// The version of Clerk's API that this module was written for, and that `@clerk/backend` 3
/// requests. Without this header, the instance's default version determines the format of
/// responses.
/// <https://clerk.com/docs/guides/development/upgrading/versioning>
const API_VERSION: &[(&str, &str)] = &[("clerk-api-version", "2026-05-12")];

#[derive(Debug)]
pub(super) struct Backend(KeyedProvider);

/// Clerk's users.
#[derive(Clone, Copy, Debug)]
pub struct Users<'c>(pub(super) &'c Backend);

/// Why Clerk issued no token from a template.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TemplateError {
    /// The instance has no such template, or the session has ended.
    #[error("no such template, or the session has ended")]
    NotFound,
    /// The call to Clerk failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl From<TemplateError> for ApiError {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::NotFound => Self::not_found("No such token template or session"),
            TemplateError::Provider(error) => error.into(),
        }
    }
}

impl Users<'_> {
    /// The user with this `id`, if it still exists.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, ProviderError> {
        let answer = self.0.get("user", &["v1", "users", id.as_str()]).await?;
        match answer.status {
            StatusCode::OK => {
                let user: User = answer.json()?;
                if user.id == id.as_str() {
                    Ok(Some(user))
                } else {
                    Err(answer.error(Failure::Unreadable("it is about another user")))
                }
            }
            StatusCode::NOT_FOUND if is_resource_missing(&answer) => Ok(None),
            _ => Err(answer.unexpected()),
        }
    }
}

impl Backend {
    pub(super) fn new(provider: KeyedProvider) -> Self {
        Self(provider)
    }

    /// The keys that session tokens are signed with.
    pub(super) async fn signing_keys(&self) -> Result<KeySet, ProviderError> {
        let answer = self.get("jwks", &["v1", "jwks"]).await?;
        KeySet::read(&answer)
    }

    /// A token for `session`, made from a template.
    pub(super) async fn session_token(
        &self,
        session: &SessionId,
        template: &str,
    ) -> Result<SecretString, TemplateError> {
        #[derive(Deserialize)]
        struct Token {
            jwt: SecretString,
        }

        // A name that could change the path is not a template's name.
        if !ids::has_form(template) {
            return Err(TemplateError::NotFound);
        }
        let path = ["v1", "sessions", session.as_str(), "tokens", template];
        let answer = self
            .0
            .send(&Call {
                retry: Retry::Once,
                headers: API_VERSION,
                ..Call::post("session token", &path, None)
            })
            .await?;
        match answer.status {
            StatusCode::OK => Ok(answer.json::<Token>()?.jwt),
            StatusCode::NOT_FOUND if is_resource_missing(&answer) => Err(TemplateError::NotFound),
            _ => Err(answer.unexpected().into()),
        }
    }

    async fn get(&self, name: &'static str, path: &[&str]) -> Result<Answer, ProviderError> {
        self.0.send(&Call { headers: API_VERSION, ..Call::get(name, path) }).await
    }
}

/// Whether the 404 comes from Clerk itself and not from a proxy in between, because a user who is
/// not found counts as deleted.
fn is_resource_missing(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Errors {
        #[serde(default, deserialize_with = "json::readable_items")]
        errors: Vec<Error>,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
    }

    answer.json::<Errors>().is_ok_and(|answer| {
        let mut codes = answer.errors.iter().map(|error| &error.code);
        codes.any(|code| code.eq_ignore_ascii_case("resource_not_found"))
    })
}
