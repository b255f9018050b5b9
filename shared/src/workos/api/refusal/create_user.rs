//! Why WorkOS does not create an account.

use http::StatusCode;

use crate::api::ApiError;
use crate::provider::{Answer, ProviderError};
use crate::workos::Requirement;
use crate::workos::api::refusal::body::{RefusalBody, unrecognized};
use crate::workos::api::refusal::codes::Meaning;
use crate::workos::api::refusal::messages::{invalid_email, refused_email, undeliverable_email};

/// Why no account was created.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CreateUserError {
    /// The e-mail address already has an account.
    #[error("the e-mail address already has an account")]
    Exists,
    /// WorkOS rejects the e-mail address.
    #[error("workos rejects the e-mail address")]
    InvalidEmail,
    /// Mail to the address cannot be delivered.
    #[error("workos cannot deliver mail to the e-mail address")]
    Undeliverable,
    /// The user has to meet a requirement first.
    #[error("workos does not create an account: {code}")]
    Required {
        /// The requirement.
        requirement: Requirement,
        /// WorkOS's own code.
        code: &'static str,
    },
    /// WorkOS sent an unknown error code, so the status decides.
    #[error(transparent)]
    Unrecognized(ProviderError),
    /// The call failed, or our request was invalid.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl From<CreateUserError> for ApiError {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::Exists => Self::conflict("This e-mail address already has an account"),
            CreateUserError::InvalidEmail => invalid_email().with_detail(error),
            CreateUserError::Undeliverable => undeliverable_email().with_detail(error),
            CreateUserError::Required { requirement, .. } => requirement.refuse(error),
            CreateUserError::Unrecognized(error) => refused_email(error),
            CreateUserError::Provider(error) => error.into(),
        }
    }
}

impl CreateUserError {
    /// Reads an unsuccessful response to the creation of an account.
    pub(in crate::workos::api) fn of(answer: &Answer) -> Self {
        let refusal = RefusalBody::read(answer);
        match (answer.status, refusal.code()) {
            (StatusCode::CONFLICT, _) => Self::Exists,
            (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, _)
                if refusal.names("email_not_available") =>
            {
                Self::Exists
            }
            (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, _)
                if refusal.names("email_domain_not_deliverable") =>
            {
                Self::Undeliverable
            }
            (StatusCode::BAD_REQUEST, "user_creation_error")
            | (StatusCode::UNPROCESSABLE_ENTITY, _) => Self::InvalidEmail,
            (_, code) if code.is_empty() || IN_NEW_ACCOUNTS.contains(&code) => {
                answer.unexpected().into()
            }
            (status, _) => match (refusal.meaning(status), status) {
                (Some((code, Meaning::Required(requirement))), _) => {
                    Self::Required { requirement, code }
                }
                (None, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN) => {
                    Self::Unrecognized(unrecognized(answer, &refusal))
                }
                _ => answer.unexpected().into(),
            },
        }
    }
}

/// Documented errors for fields that we never send with a new account.
const IN_NEW_ACCOUNTS: [&str; 5] = [
    "password_strength_error",
    "invalid_password_hash",
    "password_and_password_hash_provided",
    "password_and_password_hash_type_provided",
    "invalid_metadata",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workos::api::refusal::answers::{answer, of_code, of_error};

    #[test]
    fn an_account_that_is_not_made_has_its_reason() {
        let listing = |status, code: &str| {
            let errors = json!([{"code": code, "message": "This email is not good."}]);
            let body = json!({"code": "user_creation_error", "message": "No.", "errors": errors});
            answer(status, &body)
        };
        for (answer, expected) in [
            (listing(400, "email_not_available"), 409),
            (listing(422, "email_not_available"), 409),
            (of_code(409, "user_already_exists"), 409),
            (listing(400, "email_invalid"), 400),
            (of_code(422, "invalid_request_parameters"), 400),
            (answer(400, &json!({"code": "email_not_available", "message": ["No."]})), 409),
            (answer(400, &json!({"message": "No.", "errors": ["email_not_available"]})), 409),
            (listing(400, "email_domain_not_deliverable"), 400),
            (of_code(400, "email_domain_not_deliverable"), 400),
            (of_code(400, "invalid_metadata"), 502),
            (of_code(400, "password_strength_error"), 502),
            (of_code(400, "something_new"), 400),
            (of_code(403, "something_new"), 403),
            (of_code(403, "radar_sign_up_challenge"), 403),
            (of_error("sign_up_not_allowed"), 403),
            (answer(403, &json!({"message": "Forbidden"})), 502),
            (answer(404, &json!({"message": "Not found"})), 502),
        ] {
            let error = ApiError::from(CreateUserError::of(&answer));
            assert_eq!(error.status(), expected, "{}", answer.status);
        }
    }
}
