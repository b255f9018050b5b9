//! WorkOS's error bodies.

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::provider::{Answer, Failure, ProviderError};
use crate::workos::api::refusal::codes::{Meaning, meaning};

/// An error body. Messages are read only if there is no code. A field of an
/// unexpected type counts as absent; `message`, for example, may be a list.
#[derive(Default, Deserialize)]
pub(super) struct RefusalBody {
    #[serde(default, deserialize_with = "json::or_default")]
    code: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    error: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    message: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    error_description: Option<String>,
    #[serde(default, deserialize_with = "json::readable_items")]
    errors: Vec<Box<RawValue>>,
}

impl RefusalBody {
    pub(super) fn read(answer: &Answer) -> Self {
        answer.json().unwrap_or_default()
    }

    /// The code, from the field `code` or `error`. `error` may also be a human-readable message,
    /// such as `Bad Request`. A known code takes precedence over an unknown one.
    pub(super) fn code(&self) -> &str {
        let code = self.code.as_deref().filter(|code| !code.is_empty());
        let error = self.error.as_deref().filter(|error| looks_like_code(error));
        match (code, error) {
            (Some(code), Some(error)) if meaning(code).is_none() && meaning(error).is_some() => {
                error
            }
            (code, error) => code.or(error).unwrap_or_default(),
        }
    }

    /// The code, if it looks like one, because the log must not contain anything personal.
    pub(super) fn loggable_code(&self) -> Option<&str> {
        Some(self.code()).filter(|code| looks_like_code(code))
    }

    fn says(&self, beginning: &str) -> bool {
        self.message.as_deref().is_some_and(|message| message.starts_with(beginning))
    }

    /// Whether this is the code, or that of one of the listed errors.
    pub(super) fn names(&self, code: &str) -> bool {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Listed {
            Code(String),
            Error { code: String },
        }

        let listed = |error: &RawValue| match serde_json::from_str(error.get()) {
            Ok(Listed::Code(other) | Listed::Error { code: other }) => other == code,
            Err(_) => false,
        };
        self.code() == code || self.errors.iter().any(|error| listed(error))
    }

    /// Whether its description contains these words, ignoring case.
    pub(super) fn describes(&self, words: &str) -> bool {
        let description = self.error_description.as_deref().unwrap_or_default();
        description.to_ascii_lowercase().contains(words)
    }

    /// Whether WorkOS itself says that there is no such user, and not a proxy on the way.
    fn lacks_user(&self) -> bool {
        self.says("User not found") || self.code() == "entity_not_found"
    }

    pub(super) fn meaning(&self, status: StatusCode) -> Option<(&'static str, Meaning)> {
        let missing = status == StatusCode::NOT_FOUND;
        if missing && self.says("Organization not found") {
            return meaning("organization_not_found");
        }
        if missing && self.lacks_user() {
            return Some(("entity_not_found", Meaning::NotGood));
        }
        if self.code().is_empty() && self.says("Must use SSO") {
            return meaning("sso_required");
        }
        meaning(self.code())
    }
}

fn looks_like_code(text: &str) -> bool {
    let is_part = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-')
    };
    (1..=64).contains(&text.len()) && text.bytes().all(is_part)
}

/// Whether a 404 means that the user does not exist.
pub(in crate::workos::api) fn is_missing_user(answer: &Answer) -> bool {
    RefusalBody::read(answer).lacks_user()
}

/// Whether WorkOS rejects our key, in the header or in the body.
pub(in crate::workos::api) fn refuses_key(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::BAD_REQUEST => {
            let refusal = RefusalBody::read(answer);
            matches!(refusal.code(), "invalid_client" | "invalid_secret" | "unauthorized_client")
        }
        _ => false,
    }
}

pub(super) fn limited(answer: &Answer) -> ProviderError {
    answer.error(Failure::Limiting { retry_after: answer.retry_after() })
}

/// An error with an unknown code. The code is logged if it looks like one, and counted as
/// unexpected, so that somebody adds it to the table.
pub(super) fn unrecognized(answer: &Answer, refusal: &RefusalBody) -> ProviderError {
    let (status, code) = (answer.status.as_u16(), refusal.loggable_code());
    tracing::warn!(provider = "workos", status, code, "received an unknown error code");
    answer.unexpected()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    #[test]
    fn our_key_is_refused_by_status_or_by_error() {
        for (status, body, refused) in [
            (401, json!({"message": "Unauthorized"}), true),
            (400, json!({"error": "invalid_client", "error_description": "No."}), true),
            (400, json!({"error": "invalid_secret"}), true),
            (400, json!({"error": "unauthorized_client"}), true),
            (400, json!({"error": "invalid_grant"}), false),
            (403, json!({"code": "mfa_challenge"}), false),
            (403, json!({"code": "invalid_client"}), false),
            (400, json!({}), false),
        ] {
            let answer = Answer::made_up(status, HeaderMap::new(), &body);
            assert_eq!(refuses_key(&answer), refused, "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_is_read_whatever_the_types_of_its_parts() {
        for (body, code) in [
            (json!({"code": "invalid_grant", "message": "No."}), "invalid_grant"),
            (json!({"code": "invalid_grant", "message": ["No.", "No!"]}), "invalid_grant"),
            (json!({"code": "invalid_grant", "message": {"text": "No."}}), "invalid_grant"),
            (json!({"code": "invalid_grant", "error": "Bad Request"}), "invalid_grant"),
            (json!({"code": "invalid_grant", "error": "sso_required"}), "invalid_grant"),
            (json!({"code": "invalid_grant", "error": {"name": "x"}}), "invalid_grant"),
            (json!({"code": "invalid_grant", "errors": "none"}), "invalid_grant"),
            (json!({"code": 400, "error": "invalid_grant"}), "invalid_grant"),
            (json!({"code": null, "error": "invalid_grant"}), "invalid_grant"),
            (json!({"code": "", "error": "invalid_grant"}), "invalid_grant"),
            (json!({"code": "something_new", "error": "invalid_grant"}), "invalid_grant"),
            (json!({"code": "something_new", "error": "something_else"}), "something_new"),
            (json!({"error": "something_new", "message": ["No."]}), "something_new"),
            (json!({"error": "Bad Request", "statusCode": 400}), ""),
            (json!({"message": ["email must be an email"]}), ""),
            (json!({"code": 12}), ""),
            (json!("invalid_grant"), ""),
            (json!(null), ""),
        ] {
            let answer = Answer::made_up(400, HeaderMap::new(), &body);
            assert_eq!(RefusalBody::read(&answer).code(), code, "{body}");
        }
    }

    #[test]
    fn the_listed_errors_are_codes_or_have_one() {
        for (errors, found) in [
            (json!([{"code": "email_not_available", "message": "No."}]), true),
            (json!(["email_not_available"]), true),
            (json!([1, null, {"code": 7}, {"field": "email"}, "email_not_available"]), true),
            (json!([{"code": "email_invalid"}]), false),
            (json!("email_not_available"), false),
            (json!(null), false),
        ] {
            let answer = Answer::made_up(400, HeaderMap::new(), &json!({ "errors": errors }));
            assert_eq!(RefusalBody::read(&answer).names("email_not_available"), found, "{errors}");
        }
    }

    #[test]
    fn only_what_looks_like_a_code_is_logged() {
        let long = "a".repeat(65);
        for (code, loggable) in [
            ("something_new", true),
            ("radar.v2-challenge_3", true),
            ("jane@example.com", false),
            ("Jane Doe", false),
            ("code\n", false),
            (long.as_str(), false),
        ] {
            let answer = Answer::made_up(400, HeaderMap::new(), &json!({ "code": code }));
            assert_eq!(RefusalBody::read(&answer).loggable_code().is_some(), loggable, "{code}");
        }
    }
}
