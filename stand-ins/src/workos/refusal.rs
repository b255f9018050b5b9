//! WorkOS's error bodies.
//! <https://workos.com/docs/reference/authkit/authentication-errors>
//!
//! There are two formats. OAuth's errors have `error` and `error_description`, all others `code`
//! and `message`, as specified in WorkOS's OpenAPI document. The texts come from responses recorded
//! in WorkOS's SDKs or, if there are none, from that document.

use http::header;
use serde_json::{Value, json};

use super::{organization::Organization, user::User};
use crate::exchange::Answer;

/// An error response of WorkOS.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    body: Value,
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: u16, body: Value) -> Self {
        Self { status, body, retry_after: None }
    }

    fn coded(status: u16, code: &str, message: &str) -> Self {
        Self::new(status, json!({"code": code, "message": message}))
    }

    fn oauth(error: &str, description: &str) -> Self {
        Self::new(400, json!({"error": error, "error_description": description}))
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }

    pub(super) fn into_answer(self) -> Answer {
        let answer = Answer::json(self.status, &self.body);
        match self.retry_after {
            Some(seconds) => answer.with_header(header::RETRY_AFTER, &seconds.to_string()),
            None => answer,
        }
    }

    /// For any endpoint: the key is missing or wrong.
    pub(super) fn unauthorized() -> Self {
        Self::new(401, json!({"message": "Unauthorized"}))
    }

    pub(super) fn rate_limited(retry_after: Option<u64>) -> Self {
        let refusal = Self::coded(429, "rate_limit_exceeded", "Rate limit exceeded.");
        Self { retry_after, ..refusal }
    }

    pub(super) fn internal(status: u16) -> Self {
        Self::new(status, json!({"statusCode": status, "message": "Internal server error"}))
    }

    pub(super) fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!("Cannot {method} {path}");
        Self::new(404, json!({"message": message, "error": "Not Found", "statusCode": 404}))
    }

    pub(super) fn not_found(what: &str, id: &str) -> Self {
        let message = format!("{what} not found: '{id}'.");
        Self::coded(404, "entity_not_found", &message).with("entity_id", json!(id))
    }

    /// The body is not a JSON object.
    pub(super) fn unreadable() -> Self {
        Self::oauth("invalid_request", "The request body must be a JSON object.")
    }

    /// A parameter is missing or malformed.
    pub(super) fn invalid_parameter(code: &str, message: &str) -> Self {
        Self::coded(422, "invalid_request_parameters", "Validation failed")
            .with("errors", json!([{"code": code, "message": message}]))
    }

    /// A member that the request does not have at WorkOS.
    pub(super) fn unexpected_property(name: &str) -> Self {
        let message = format!("property {name} should not exist");
        Self::invalid_parameter(&format!("{name}_unexpected"), &message)
    }

    pub(super) fn invitation_invalid() -> Self {
        Self::failed_due_to("invitation_invalid")
    }

    pub(super) fn invitation_cannot_be_used_for_email() -> Self {
        Self::failed_due_to("invitation_cannot_be_used_for_email")
    }

    pub(super) fn email_taken() -> Self {
        let error =
            json!({"code": "email_not_available", "message": "This email is not available."});
        Self::coded(400, "user_creation_error", "Could not create user.")
            .with("errors", json!([error]))
    }

    pub(super) fn sign_up_not_allowed() -> Self {
        Self::failed_due_to("sign_up_not_allowed")
    }

    pub(super) fn unfiltered_memberships() -> Self {
        let message = "Either user_id or organization_id is required.";
        Self::coded(400, "missing_user_id_or_organization_id", message)
    }

    pub(super) fn unsupported_grant_type() -> Self {
        Self::oauth("invalid_request", "Unsupported grant_type.")
    }

    pub(super) fn unknown_client() -> Self {
        Self::oauth("invalid_client", "Invalid client ID.")
    }

    pub(super) fn wrong_client_secret() -> Self {
        Self::oauth("invalid_client", "Invalid client secret.")
    }

    pub(super) fn invalid_authorization_code(code: &str) -> Self {
        let description = format!("The code '{code}' has expired or is invalid.");
        Self::oauth("invalid_grant", &description)
    }

    pub(super) fn wrong_code_verifier() -> Self {
        Self::oauth("invalid_grant", "Invalid code verifier.")
    }

    /// A verifier was sent for a code that was issued without a challenge.
    pub(super) fn no_code_challenge() -> Self {
        Self::unprocessed(400, "code_challenge_not_found")
    }

    pub(super) fn unknown_refresh_token() -> Self {
        Self::oauth("invalid_grant", "Invalid refresh token.")
    }

    pub(super) fn used_refresh_token() -> Self {
        Self::oauth("invalid_grant", "Refresh token already exchanged.")
    }

    pub(super) fn ended_session() -> Self {
        Self::oauth("invalid_grant", "Session has already ended.")
    }

    pub(super) fn invalid_one_time_code() -> Self {
        Self::unprocessed(400, "invalid_one_time_code")
    }

    pub(super) fn used_one_time_code() -> Self {
        Self::unprocessed(400, "one_time_code_previously_used")
    }

    pub(super) fn expired_one_time_code() -> Self {
        Self::unprocessed(400, "one_time_code_expired")
    }

    pub(super) fn too_many_attempts() -> Self {
        Self::unprocessed(400, "one_time_code_too_many_attempts")
    }

    pub(super) fn invalid_pending_token(token: &str) -> Self {
        let message =
            format!("The pending_authentication_token '{token}' has expired or is invalid.");
        Self::coded(400, "invalid_pending_authentication_token", &message)
    }

    pub(super) fn invalid_organization_id() -> Self {
        Self::unprocessed(400, "invalid_organization_id")
    }

    pub(super) fn organization_not_found() -> Self {
        Self::failed_due_to("organization_not_found")
    }

    pub(super) fn organization_membership_not_found() -> Self {
        Self::failed_due_to("organization_membership_not_found")
    }

    pub(super) fn organization_selection_required(
        token: &str,
        user: &User,
        organizations: &[&Organization],
    ) -> Self {
        let list: Value = organizations
            .iter()
            .map(|organization| json!({"id": organization.id, "name": organization.name}))
            .collect();
        let message = "The user must choose an organization to finish their authentication.";
        Self::step("organization_selection_required", message, token)
            .with("user", user.to_json())
            .with("organizations", list)
    }

    pub(super) fn email_verification_required(token: &str, user: &User, id: &str) -> Self {
        let message = "Email ownership must be verified before authentication.";
        Self::step("email_verification_required", message, token)
            .with("email", json!(user.email))
            .with("email_verification_id", json!(id))
    }

    pub(super) fn mfa_enrollment(token: &str, user: &User) -> Self {
        let message = "The user must enroll in MFA to finish authenticating.";
        Self::step("mfa_enrollment", message, token).with("user", user.to_json())
    }

    pub(super) fn mfa_challenge(token: &str, user: &User, factor: &str) -> Self {
        let message = "The user must complete an MFA challenge to finish authenticating.";
        Self::step("mfa_challenge", message, token)
            .with("user", user.to_json())
            .with("authentication_factors", json!([{"id": factor, "type": "totp"}]))
    }

    /// A refresh into an organization that requires MFA.
    pub(super) fn mfa_enrollment_before_switch() -> Self {
        Self::failed_due_to("mfa_enrollment")
    }

    pub(super) fn sso_required(email: &str, connections: &[&str]) -> Self {
        Self::oauth("sso_required", "User must authenticate using one of the matching connections.")
            .with("email", json!(email))
            .with("connection_ids", json!(connections))
    }

    /// The choice of an organization that requires SSO.
    pub(super) fn sso_required_for_selection() -> Self {
        Self::new(400, json!({"message": "Must use SSO for selected organization"}))
    }

    /// A step that the user has to take before getting a session.
    fn step(code: &str, message: &str, token: &str) -> Self {
        Self::coded(403, code, message).with("pending_authentication_token", json!(token))
    }

    fn unprocessed(status: u16, code: &str) -> Self {
        Self::coded(status, code, "Request could not be processed.")
    }

    fn failed_due_to(error: &str) -> Self {
        Self::oauth(error, &format!("The request failed due to: {error}."))
    }
}
