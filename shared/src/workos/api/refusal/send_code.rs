//! Why WorkOS does not send a one-time code.

use std::time::Duration;

use http::StatusCode;

use crate::api::ApiError;
use crate::provider::{Answer, ProviderError};
use crate::workos::Requirement;
use crate::workos::api::refusal::body::{RefusalBody, limited, unrecognized};
use crate::workos::api::refusal::codes::Meaning;
use crate::workos::api::refusal::messages::{
    invalid_email, refused_email, too_many_attempts, undeliverable_email,
};

/// Why WorkOS sent no one-time code.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendCodeError {
    /// WorkOS rejects the e-mail address.
    #[error("workos rejects the e-mail address")]
    InvalidEmail,
    /// Mail to the address cannot be delivered.
    #[error("workos cannot deliver mail to the e-mail address")]
    Undeliverable,
    /// The user has to meet a requirement first.
    #[error("workos does not send a code: {code}")]
    Required {
        /// The requirement.
        requirement: Requirement,
        /// WorkOS's own code.
        code: &'static str,
    },
    /// WorkOS sent an unknown error code, so the status decides.
    #[error(transparent)]
    Unrecognized(ProviderError),
    /// The user asked for codes too often.
    #[error("workos is rate-limiting codes for this user")]
    TooManyAttempts {
        /// When to try again, if WorkOS says so.
        retry_after: Option<Duration>,
    },
    /// The call failed, or our request was invalid.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl From<SendCodeError> for ApiError {
    fn from(error: SendCodeError) -> Self {
        match error {
            SendCodeError::InvalidEmail => invalid_email().with_detail(error),
            SendCodeError::Undeliverable => undeliverable_email().with_detail(error),
            SendCodeError::Unrecognized(error) => refused_email(error),
            SendCodeError::Required { requirement, .. } => requirement.refuse(error),
            SendCodeError::TooManyAttempts { retry_after } => too_many_attempts(retry_after),
            SendCodeError::Provider(error) => error.into(),
        }
    }
}

impl SendCodeError {
    /// Reads an unsuccessful response to a request for a one-time code.
    pub(in crate::workos::api) fn of(answer: &Answer) -> Self {
        let refusal = RefusalBody::read(answer);
        match (refusal.meaning(answer.status), answer.status) {
            (Some((code, Meaning::Required(requirement))), _) => {
                Self::Required { requirement, code }
            }
            (Some((_, Meaning::Undeliverable)), _) => Self::Undeliverable,
            (Some((_, Meaning::Limited)), _) => limited(answer).into(),
            (_, StatusCode::TOO_MANY_REQUESTS) => {
                Self::TooManyAttempts { retry_after: answer.retry_after() }
            }
            _ if refusal.names("email_domain_not_deliverable") => Self::Undeliverable,
            (_, StatusCode::UNPROCESSABLE_ENTITY) => Self::InvalidEmail,
            (None, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN)
                if !refusal.code().is_empty() =>
            {
                Self::Unrecognized(unrecognized(answer, &refusal))
            }
            _ => answer.unexpected().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workos::api::refusal::answers::{answer, of_code, of_error};

    #[test]
    fn a_code_that_is_not_sent_has_its_reason() {
        for (answer, expected) in [
            (of_error("authentication_method_not_allowed"), 403),
            (of_error("sign_up_not_allowed"), 403),
            (of_error("invitation_invalid"), 403),
            (of_code(422, "invalid_request_parameters"), 400),
            (answer(422, &json!({"message": "Validation failed"})), 400),
            (of_code(429, "daily_quota_exceeded"), 503),
            (of_code(429, "rate_limit_exceeded"), 429),
            (answer(429, &json!({})), 429),
            (of_error("radar_challenge"), 403),
            (of_code(403, "radar_email_challenge"), 403),
            (of_code(400, "email_domain_not_deliverable"), 400),
            (of_code(422, "email_domain_not_deliverable"), 400),
            (answer(400, &json!({"errors": [{"code": "email_domain_not_deliverable"}]})), 400),
            (of_code(400, "something_new"), 400),
            (of_code(403, "something_new"), 403),
            (answer(400, &json!({"message": ["No."]})), 502),
            (answer(403, &json!({"message": "Forbidden"})), 502),
            (of_error("invalid_request"), 502),
            (of_code(404, "something_new"), 502),
            (answer(404, &json!({})), 502),
        ] {
            let error = ApiError::from(SendCodeError::of(&answer));
            assert_eq!(error.status(), expected, "{}", answer.status);
        }
    }
}
