//! WorkOS's error bodies, and the meaning of every code in them.
//!
//! The codes are those of WorkOS's OpenAPI description (npm `@workos/openapi-spec`), of its
//! documentation (<https://workos.com/docs/reference/authkit/authentication-errors>) and of its SDK.
//! Each has its row in [`MEANINGS`]; one that has none is an answer that nobody documents.

use http::StatusCode;
use serde::Deserialize;

use crate::json;
use crate::provider::Answer;
use crate::workos::Requirement;

/// What WorkOS says of a refusal. Its texts are read for two refusals that have no code.
#[derive(Default, Deserialize)]
pub(super) struct Refusal {
    code: Option<String>,
    error: Option<String>,
    message: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    error_description: Option<String>,
    errors: Option<serde_json::Value>,
}

impl Refusal {
    pub(super) fn read(answer: &Answer) -> Self {
        answer.json().unwrap_or_default()
    }

    pub(super) fn code(&self) -> &str {
        let code = self.error.as_deref().or(self.code.as_deref());
        code.unwrap_or_default()
    }

    fn says(&self, beginning: &str) -> bool {
        self.message.as_deref().is_some_and(|message| message.starts_with(beginning))
    }

    /// Whether its description has these words, in whichever case.
    pub(super) fn describes(&self, words: &str) -> bool {
        let description = self.error_description.as_deref().unwrap_or_default();
        description.to_ascii_lowercase().contains(words)
    }

    /// Whether one of the listed errors has this code.
    pub(super) fn lists(&self, code: &str) -> bool {
        let errors = self.errors.as_ref().and_then(serde_json::Value::as_array);
        errors.is_some_and(|errors| errors.iter().any(|error| error["code"] == code))
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
    TooManyAttempts,
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
    // How often.
    ("one_time_code_too_many_attempts", Meaning::TooManyAttempts),
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
    fn no_code_has_two_meanings() {
        for (index, (code, _)) in MEANINGS.iter().enumerate() {
            assert!(MEANINGS[..index].iter().all(|(other, _)| other != code), "{code}");
        }
    }
}
