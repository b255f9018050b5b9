//! WorkOS's error bodies, and the meaning of every code in them.
//!
//! The codes are those of WorkOS's OpenAPI description (npm `@workos/openapi-spec`), of its
//! documentation (<https://workos.com/docs/reference/authkit/authentication-errors>) and of its SDK.
//! Each has its row in [`MEANINGS`]. WorkOS adds codes every month: a refusal with another code keeps
//! the meaning of its status.

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::provider::Answer;
use crate::workos::Requirement;

/// What WorkOS says of a refusal. Its texts are read for two refusals that have no code. A part of
/// another type counts as absent: `message` may be a list, for example.
#[derive(Default, Deserialize)]
pub(super) struct Refusal {
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

impl Refusal {
    pub(super) fn read(answer: &Answer) -> Self {
        answer.json().unwrap_or_default()
    }

    /// The code: the one in `code`, or the one in `error`, which may also be a text for people, as in
    /// `Bad Request`. One that is known counts before one that is not.
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

    /// The code, where it cannot be anything but a code: what is logged must not be personal.
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

    /// Whether its description has these words, in whichever case.
    pub(super) fn describes(&self, words: &str) -> bool {
        let description = self.error_description.as_deref().unwrap_or_default();
        description.to_ascii_lowercase().contains(words)
    }

    pub(super) fn meaning(&self, status: StatusCode) -> Option<(&'static str, Meaning)> {
        let missing = status == StatusCode::NOT_FOUND;
        if missing && self.says("Organization not found") {
            return meaning("organization_not_found");
        }
        if missing && (self.says("User not found") || self.code() == "entity_not_found") {
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

/// Whether an answer is the refusal of our key, in the header or in the body.
pub(super) fn refuses_key(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::BAD_REQUEST => {
            let refusal = Refusal::read(answer);
            matches!(refusal.code(), "invalid_client" | "invalid_secret" | "unauthorized_client")
        }
        _ => false,
    }
}

/// What a code means.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    ChooseOrganization,
    Required(Requirement),
    NotGood,
    /// WorkOS sends no mail to the address.
    Undeliverable,
    TooManyGuesses,
    /// A limit of the whole application, which no single user has reached.
    Limited,
    /// Our own request or settings are at fault, or it is about what we never ask for.
    Ours,
}

/// The meaning of each code that WorkOS documents, in `code` or `error`; the code as it stands here
/// comes along, so that nothing of an answer itself gets into messages.
fn meaning(code: &str) -> Option<(&'static str, Meaning)> {
    MEANINGS.iter().find(|(known, _)| *known == code).copied()
}

pub(super) const MEANINGS: &[(&str, Meaning)] = &[
    ("organization_selection_required", Meaning::ChooseOrganization),
    // What the user has to do.
    ("email_verification_required", Meaning::Required(Requirement::VerifyEmail)),
    ("mfa_enrollment", Meaning::Required(Requirement::EnrollSecondFactor)),
    ("mfa_challenge", Meaning::Required(Requirement::UseSecondFactor)),
    ("mfa_verification", Meaning::Required(Requirement::UseSecondFactor)),
    ("passkey_progressive_enrollment", Meaning::Required(Requirement::EnrollPasskey)),
    ("sso_required", Meaning::Required(Requirement::UseSso)),
    (
        "organization_authentication_methods_required",
        Meaning::Required(Requirement::UseAnotherMethod),
    ),
    ("authentication_method_not_allowed", Meaning::Required(Requirement::UseAnotherMethod)),
    ("email_password_auth_disabled", Meaning::Required(Requirement::UseAnotherMethod)),
    ("radar_challenge", Meaning::Required(Requirement::PassSecurityCheck)),
    ("radar_sign_up_challenge", Meaning::Required(Requirement::PassSecurityCheck)),
    ("radar_email_challenge", Meaning::Required(Requirement::PassSecurityCheck)),
    ("radar_sms_challenge", Meaning::Required(Requirement::PassSecurityCheck)),
    ("radar_sms_sign_in_challenge", Meaning::Required(Requirement::PassSecurityCheck)),
    ("application_consent_required", Meaning::Required(Requirement::GiveConsent)),
    ("extra_attributes_required", Meaning::Required(Requirement::CompleteProfile)),
    ("invitation_invalid", Meaning::Required(Requirement::BeInvited)),
    ("invitation_cannot_be_used_for_email", Meaning::Required(Requirement::BeInvited)),
    ("sign_up_not_allowed", Meaning::Required(Requirement::HaveAnAccount)),
    ("invalid_profile", Meaning::Required(Requirement::RepairSso)),
    ("invalid_connection", Meaning::Required(Requirement::RepairSso)),
    ("invalid_organization_id", Meaning::Required(Requirement::JoinOrganization)),
    ("organization_not_found", Meaning::Required(Requirement::JoinOrganization)),
    ("organization_membership_not_found", Meaning::Required(Requirement::JoinOrganization)),
    ("organization_not_authorized", Meaning::Required(Requirement::JoinOrganization)),
    ("access_denied", Meaning::Required(Requirement::BeLetIn)),
    // What the user brought is not good.
    ("invalid_grant", Meaning::NotGood),
    ("invalid_credentials", Meaning::NotGood),
    ("invalid_one_time_code", Meaning::NotGood),
    ("one_time_code_previously_used", Meaning::NotGood),
    ("one_time_code_expired", Meaning::NotGood),
    ("invalid_pending_authentication_token", Meaning::NotGood),
    ("user_mismatch", Meaning::NotGood),
    ("expired_token", Meaning::NotGood),
    // A verifier came for a code that was issued without: it is from a sign-in that we did not begin.
    ("code_challenge_not_found", Meaning::NotGood),
    // The words of WorkOS's own emulator for the same.
    ("invalid_code", Meaning::NotGood),
    ("expired_code", Meaning::NotGood),
    ("invalid_code_verifier", Meaning::NotGood),
    ("email_domain_not_deliverable", Meaning::Undeliverable),
    // How often.
    ("one_time_code_too_many_attempts", Meaning::TooManyGuesses),
    ("daily_quota_exceeded", Meaning::Limited),
    ("slow_down", Meaning::Limited),
    // Ours: settings at WorkOS, malformed requests, and grants and codes that are not asked for.
    ("invalid_client", Meaning::Ours),
    ("invalid_secret", Meaning::Ours),
    ("unauthorized_client", Meaning::Ours),
    ("invalid_request", Meaning::Ours),
    ("pkce_not_supported", Meaning::Ours),
    ("token_too_big", Meaning::Ours),
    ("invalid_link_authorization_code", Meaning::Ours),
    ("authorization_pending", Meaning::Ours),
];

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
            assert_eq!(Refusal::read(&answer).code(), code, "{body}");
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
            assert_eq!(Refusal::read(&answer).names("email_not_available"), found, "{errors}");
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
            assert_eq!(Refusal::read(&answer).loggable_code().is_some(), loggable, "{code}");
        }
    }

    #[test]
    fn no_code_has_two_meanings() {
        for (index, (code, _)) in MEANINGS.iter().enumerate() {
            assert!(MEANINGS[..index].iter().all(|(other, _)| other != code), "{code}");
        }
    }
}
