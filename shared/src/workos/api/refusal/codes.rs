//! The meaning of every code in WorkOS's error bodies.
//!
//! The codes come from WorkOS's OpenAPI description (npm `@workos/openapi-spec`), its documentation
//! (<https://workos.com/docs/reference/authkit/authentication-errors>) and its SDK. Each has a row
//! in [`MEANINGS`]. WorkOS adds codes every month: an error with an unknown code keeps the meaning
//! of its status.

use crate::workos::Requirement;

/// The meaning of a code.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    ChooseOrganization,
    Required(Requirement),
    NotGood,
    /// Mail to the address cannot be delivered.
    Undeliverable,
    TooManyGuesses,
    /// A rate limit of the whole application, not of one user.
    Limited,
    /// Our request or settings are wrong, or it concerns a feature that we never use.
    OurFault,
}

/// The meaning of a documented code. Returns our own copy of the code, so that nothing from a
/// response gets into messages.
pub(super) fn meaning(code: &str) -> Option<(&'static str, Meaning)> {
    MEANINGS.iter().find(|(known, _)| *known == code).copied()
}

pub(super) const MEANINGS: &[(&str, Meaning)] = &[
    ("organization_selection_required", Meaning::ChooseOrganization),
    // Requirements.
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
    // The user's code or token is rejected.
    ("invalid_grant", Meaning::NotGood),
    ("invalid_credentials", Meaning::NotGood),
    ("invalid_one_time_code", Meaning::NotGood),
    ("one_time_code_previously_used", Meaning::NotGood),
    ("one_time_code_expired", Meaning::NotGood),
    ("invalid_pending_authentication_token", Meaning::NotGood),
    ("user_mismatch", Meaning::NotGood),
    ("expired_token", Meaning::NotGood),
    // The code was issued without a PKCE challenge, so we did not start its sign-in.
    ("code_challenge_not_found", Meaning::NotGood),
    // WorkOS's own emulator uses these codes for the same errors.
    ("invalid_code", Meaning::NotGood),
    ("expired_code", Meaning::NotGood),
    ("invalid_code_verifier", Meaning::NotGood),
    ("email_domain_not_deliverable", Meaning::Undeliverable),
    // Limits.
    ("one_time_code_too_many_attempts", Meaning::TooManyGuesses),
    ("daily_quota_exceeded", Meaning::Limited),
    ("slow_down", Meaning::Limited),
    // Our fault: settings at WorkOS, malformed requests, and grants that we never use.
    ("invalid_client", Meaning::OurFault),
    ("invalid_secret", Meaning::OurFault),
    ("unauthorized_client", Meaning::OurFault),
    ("invalid_request", Meaning::OurFault),
    ("pkce_not_supported", Meaning::OurFault),
    ("token_too_big", Meaning::OurFault),
    ("invalid_link_authorization_code", Meaning::OurFault),
    ("authorization_pending", Meaning::OurFault),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_has_two_meanings() {
        for (index, (code, _)) in MEANINGS.iter().enumerate() {
            assert!(MEANINGS[..index].iter().all(|(other, _)| other != code), "{code}");
        }
    }
}
