//! Why WorkOS rejects a grant: a code, a refresh token or a pending token.

use std::time::Duration;

use http::StatusCode;

use crate::api::ApiError;
use crate::provider::{Answer, ProviderError};
use crate::workos::api::refusal::body::{RefusalBody, limited, unrecognized};
use crate::workos::api::refusal::codes::Meaning;
use crate::workos::api::refusal::messages::{is_forbidden, not_allowed, too_many_attempts};
use crate::workos::{Grant, OrganizationChoice, Requirement};

/// OAuth's error code for an invalid grant (RFC 6749, section 5.2).
const INVALID_GRANT: &str = "invalid_grant";

/// WorkOS's error code for a request with a malformed value.
const MALFORMED: &str = "invalid_request_parameters";

/// Why a grant was rejected.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The user belongs to several organizations and has to choose one.
    #[error("workos asks the user to choose an organization")]
    OrganizationSelectionRequired(Box<OrganizationChoice>),
    /// The user has to meet a requirement first.
    #[error("workos does not admit the user: {code}")]
    Required {
        /// The requirement.
        requirement: Requirement,
        /// WorkOS's own code.
        code: &'static str,
    },
    /// The code or token is wrong, expired, used, or belongs to somebody else.
    #[error("workos rejects the {grant}: {code}")]
    NotGood {
        /// The kind of grant.
        grant: Grant,
        /// WorkOS's own code.
        code: &'static str,
    },
    /// WorkOS sent an unknown error code, so the status decides.
    #[error("{error}")]
    Unrecognized {
        /// The kind of grant.
        grant: Grant,
        /// The error, by the response's status.
        error: ProviderError,
    },
    /// There were too many wrong guesses at the one-time code. WorkOS now rejects even the right
    /// one.
    #[error("too many wrong guesses at the one-time code")]
    TooManyGuesses {
        /// When to try again, if WorkOS says so.
        retry_after: Option<Duration>,
    },
    /// Another request has already exchanged the refresh token, and the browser has the result.
    #[error("workos has already exchanged the refresh token")]
    AlreadyExchanged,
    /// The user has tried too often.
    #[error("workos is rate-limiting the user's attempts")]
    TooManyAttempts {
        /// When to try again, if WorkOS says so.
        retry_after: Option<Duration>,
    },
    /// The call failed, or our request was invalid.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl AuthenticateError {
    /// Whether this ends the session. Only one error does; after any other, the next refresh may
    /// succeed.
    pub fn ends_session(&self) -> bool {
        matches!(self, Self::NotGood { grant: Grant::RefreshToken, code: INVALID_GRANT })
    }

    /// Whether the grant is rejected (401), rather than forbidden, limited or not judged.
    pub(in crate::workos) fn rejects_grant(&self) -> bool {
        match self {
            Self::NotGood { .. } | Self::AlreadyExchanged => true,
            Self::Unrecognized { error, .. } => !is_forbidden(error),
            _ => false,
        }
    }

    /// Whether WorkOS rejected the grant, so that an immediate retry would fail the same way.
    pub(in crate::workos) fn is_refusal(&self) -> bool {
        !matches!(self, Self::TooManyAttempts { .. } | Self::Provider(_))
    }
}

impl From<AuthenticateError> for ApiError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::OrganizationSelectionRequired(_) => {
                Self::no_organization().with_detail(error)
            }
            AuthenticateError::Required { requirement, .. } => requirement.refuse(error),
            AuthenticateError::NotGood { grant, .. } => {
                Self::unauthorized(grant.refusal()).with_detail(error)
            }
            AuthenticateError::Unrecognized { grant, error } => {
                if is_forbidden(&error) {
                    not_allowed().with_detail(error)
                } else {
                    Self::unauthorized(grant.refusal()).with_detail(error)
                }
            }
            AuthenticateError::AlreadyExchanged => {
                Self::unauthorized("Another request has already refreshed the session. Try again")
                    .with_detail(error)
            }
            AuthenticateError::TooManyGuesses { retry_after }
            | AuthenticateError::TooManyAttempts { retry_after } => too_many_attempts(retry_after),
            AuthenticateError::Provider(error) => error.into(),
        }
    }
}

impl AuthenticateError {
    /// Reads an unsuccessful response to a grant.
    pub(in crate::workos::api) fn of(grant: Grant, answer: &Answer) -> Self {
        let refusal = RefusalBody::read(answer);
        match refusal.meaning(answer.status) {
            Some((_, Meaning::ChooseOrganization)) => match answer.json() {
                Ok(choice) => Self::OrganizationSelectionRequired(Box::new(choice)),
                Err(error) => error.into(),
            },
            Some((code, Meaning::Required(requirement))) => Self::Required { requirement, code },
            Some((INVALID_GRANT, _))
                if grant == Grant::RefreshToken && refusal.describes("already exchanged") =>
            {
                Self::AlreadyExchanged
            }
            Some((code, Meaning::NotGood | Meaning::Undeliverable)) => {
                Self::NotGood { grant, code }
            }
            Some((_, Meaning::TooManyGuesses)) => {
                Self::TooManyGuesses { retry_after: answer.retry_after() }
            }
            Some((_, Meaning::Limited)) => limited(answer).into(),
            Some((_, Meaning::OurFault)) => answer.unexpected().into(),
            None => Self::without_meaning(grant, answer, &refusal),
        }
    }

    /// The same for a refresh in an organization. Its id comes from the caller, so the caller answers
    /// for it if it is malformed.
    pub(in crate::workos::api) fn of_switch(answer: &Answer) -> Self {
        if is_malformed(answer, &RefusalBody::read(answer)) {
            let requirement = Requirement::JoinOrganization;
            return Self::Required { requirement, code: MALFORMED };
        }
        Self::of(Grant::RefreshToken, answer)
    }

    fn without_meaning(grant: Grant, answer: &Answer, refusal: &RefusalBody) -> Self {
        let is_named = !matches!(refusal.code(), "" | MALFORMED);
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            Self::TooManyAttempts { retry_after: answer.retry_after() }
        } else if is_named && answer.status.is_client_error() {
            Self::Unrecognized { grant, error: unrecognized(answer, refusal) }
        } else if is_malformed(answer, refusal) && grant != Grant::RefreshToken {
            // The code or token came from the caller. A refresh token came from WorkOS.
            Self::NotGood { grant, code: MALFORMED }
        } else {
            answer.unexpected().into()
        }
    }
}

/// Whether WorkOS says that a value of the request is malformed, and nothing more specific.
fn is_malformed(answer: &Answer, refusal: &RefusalBody) -> bool {
    answer.status == StatusCode::UNPROCESSABLE_ENTITY && matches!(refusal.code(), "" | MALFORMED)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::workos::api::refusal::answers::{answer, of_code, of_error};
    use crate::workos::api::refusal::codes::MEANINGS;
    use crate::workos::{CreateUserError, SendCodeError};

    const GRANTS: [Grant; 4] =
        [Grant::AuthorizationCode, Grant::MagicCode, Grant::RefreshToken, Grant::PendingToken];

    fn choice() -> Value {
        json!({
            "code": "organization_selection_required", "message": "Choose an organization.",
            "pending_authentication_token": "pending-token-of-jane",
            "user": {"object": "user", "id": "user_1", "email": "jane@example.com"},
            "organizations": [{"id": "org_1", "name": "MASADAS"}, {"id": "org_2", "name": "TAUNTA SCRE"}],
        })
    }

    /// The status that our caller sees.
    fn status(grant: Grant, answer: &Answer) -> u16 {
        ApiError::from(AuthenticateError::of(grant, answer)).status().as_u16()
    }

    #[test]
    fn every_documented_refusal_has_its_status() {
        let table = [
            (of_code(400, "invalid_organization_id"), 403),
            (of_code(400, "code_challenge_not_found"), 401),
            (of_code(400, "invalid_credentials"), 401),
            (of_code(400, "invalid_one_time_code"), 401),
            (of_code(400, "one_time_code_previously_used"), 401),
            (of_code(400, "one_time_code_expired"), 401),
            (of_code(400, "one_time_code_too_many_attempts"), 429),
            (of_code(400, "invalid_pending_authentication_token"), 401),
            (of_code(400, "user_mismatch"), 401),
            (of_error("invalid_client"), 502),
            (of_error("invalid_secret"), 502),
            (of_error("unauthorized_client"), 502),
            (of_error("invalid_profile"), 403),
            (of_error("invitation_invalid"), 403),
            (of_error("invitation_cannot_be_used_for_email"), 403),
            (of_error("authentication_method_not_allowed"), 403),
            (of_error("invalid_connection"), 403),
            (of_error("sign_up_not_allowed"), 403),
            (of_error("organization_authentication_methods_required"), 403),
            (of_error("invalid_link_authorization_code"), 502),
            (of_error("extra_attributes_required"), 403),
            (of_error("pkce_not_supported"), 502),
            (of_error("expired_token"), 401),
            (of_error("authorization_pending"), 502),
            (of_error("access_denied"), 403),
            (of_error("slow_down"), 503),
            (of_error("invalid_grant"), 401),
            (of_error("invalid_request"), 502),
            (of_error("organization_not_found"), 403),
            (of_error("organization_membership_not_found"), 403),
            (of_error("organization_not_authorized"), 403),
            (of_error("mfa_enrollment"), 403),
            (of_error("token_too_big"), 502),
            (of_error("sso_required"), 403),
            (of_code(403, "mfa_enrollment"), 403),
            (of_code(403, "mfa_challenge"), 403),
            (of_code(403, "mfa_verification"), 403),
            (of_code(403, "authentication_method_not_allowed"), 403),
            (of_code(403, "email_verification_required"), 403),
            (of_code(403, "email_password_auth_disabled"), 403),
            (of_code(403, "passkey_progressive_enrollment"), 403),
            (of_code(403, "radar_challenge"), 403),
            (of_code(403, "radar_sign_up_challenge"), 403),
            (of_code(403, "radar_email_challenge"), 403),
            (of_code(403, "radar_sms_challenge"), 403),
            (of_code(403, "radar_sms_sign_in_challenge"), 403),
            (of_code(400, "email_domain_not_deliverable"), 401),
            (of_code(403, "application_consent_required"), 403),
            (of_code(403, "sso_required"), 403),
            (of_code(429, "daily_quota_exceeded"), 503),
            (of_code(400, "invalid_code"), 401),
            (of_code(400, "expired_code"), 401),
            (of_code(400, "invalid_code_verifier"), 401),
            (answer(403, &choice()), 403),
        ];
        let mut seen = BTreeSet::new();
        for (answer, expected) in table {
            let refusal = RefusalBody::read(&answer);
            for grant in GRANTS {
                assert_eq!(status(grant, &answer), expected, "{} of {grant}", refusal.code());
            }
            seen.insert(refusal.code().to_owned());
        }
        let known = MEANINGS.iter().map(|(code, _)| (*code).to_owned());
        assert_eq!(seen, known.collect(), "the table has every code that there is");
    }

    #[test]
    fn refusals_without_a_code_have_their_status_too() {
        for (answer, expected) in [
            (answer(400, &json!({"message": "Must use SSO for selected organization"})), 403),
            (answer(404, &json!({"message": "Organization not found: 'org_1'."})), 403),
            (answer(404, &json!({"message": "User not found: 'user_1'."})), 401),
            (of_code(404, "entity_not_found"), 401),
            (answer(404, &json!({"message": "Cannot POST /user_management/authenticat"})), 502),
            (answer(400, &json!({"message": "Bad request"})), 502),
            (answer(400, &json!({"message": ["Bad request"], "error": "Bad Request"})), 502),
            (answer(403, &json!({"message": "Forbidden", "error": "Forbidden"})), 502),
            (answer(400, &json!({"code": 12})), 502),
            (answer(400, &json!("invalid_grant")), 502),
            (answer(418, &json!({})), 502),
        ] {
            for grant in GRANTS {
                assert_eq!(status(grant, &answer), expected, "{} {expected}", answer.status);
            }
        }
    }

    #[test]
    fn a_refusal_with_an_unknown_code_keeps_the_meaning_of_its_status() {
        for (answer, expected) in [
            (of_code(400, "something_new"), 401),
            (of_error("something_new"), 401),
            (of_code(403, "something_new"), 403),
            (answer(403, &json!({"error": "something_new"})), 403),
            (answer(403, &json!({"code": "something_new", "message": ["No."]})), 403),
            (answer(403, &json!({"code": "Something new, jane@example.com"})), 403),
            (of_code(404, "something_new"), 401),
            (of_code(409, "something_new"), 401),
            (of_code(410, "something_new"), 401),
            (of_code(422, "something_new"), 401),
            (of_code(429, "something_new"), 429),
        ] {
            for grant in GRANTS {
                assert_eq!(status(grant, &answer), expected, "{} {expected}", answer.status);
                let error = AuthenticateError::of(grant, &answer);
                assert!(!error.ends_session(), "{error}");
            }
        }
        let general =
            ApiError::from(AuthenticateError::of(Grant::MagicCode, &of_code(403, "something_new")));
        assert_eq!(general.message(), not_allowed().message());
    }

    #[test]
    fn a_refusal_is_told_by_its_code_whatever_stands_beside_it() {
        for body in [
            json!({"code": "sso_required", "message": ["No.", "Not like this."]}),
            json!({"code": "sso_required", "error": "Forbidden", "message": "No."}),
            json!({"code": "sso_required", "error": {"text": "No."}, "errors": ["No."]}),
            json!({"code": 403, "error": "sso_required", "message": {}}),
        ] {
            for grant in GRANTS {
                let error = AuthenticateError::of(grant, &answer(403, &body));
                let requirement = match error {
                    AuthenticateError::Required { requirement, .. } => requirement,
                    other => panic!("{other} of {body}"),
                };
                assert_eq!(requirement, Requirement::UseSso, "{body}");
            }
        }
    }

    #[test]
    fn a_malformed_code_is_the_callers_and_a_malformed_refresh_token_ours() {
        let malformed = of_code(422, "invalid_request_parameters");
        for (grant, expected) in [
            (Grant::AuthorizationCode, 401),
            (Grant::MagicCode, 401),
            (Grant::PendingToken, 401),
            (Grant::RefreshToken, 502),
        ] {
            assert_eq!(status(grant, &malformed), expected, "{grant}");
        }
        for (answer, expected) in [
            (malformed, 403),
            (of_code(400, "invalid_request_parameters"), 502),
            (of_error("invalid_grant"), 401),
        ] {
            let error = AuthenticateError::of_switch(&answer);
            assert_eq!(
                ApiError::from(error).status(),
                expected,
                "the organization is the caller's"
            );
        }
    }

    #[test]
    fn a_limit_on_attempts_says_when_to_try_again() {
        for limited in [
            of_code(429, "rate_limit_exceeded"),
            answer(429, &json!({})),
            of_code(400, "one_time_code_too_many_attempts"),
        ] {
            let error = AuthenticateError::of(Grant::MagicCode, &limited);
            let expected = too_many_attempts(Some(Duration::from_secs(7)));
            assert_eq!(ApiError::from(error), expected);
        }
    }

    #[test]
    fn one_refusal_ends_a_session_and_no_other() {
        let read = |answer: &Answer| AuthenticateError::of(Grant::RefreshToken, answer);
        let error = read(&of_error("invalid_grant"));
        assert!(error.ends_session() && error.is_refusal());
        for (code, _) in MEANINGS.iter().filter(|(code, _)| *code != "invalid_grant") {
            for answer in [of_error(code), of_code(403, code)] {
                assert!(!read(&answer).ends_session(), "{code}");
            }
        }
        assert!(!read(&answer(403, &choice())).ends_session());
        assert!(!read(&of_error("something_new")).ends_session());
        assert!(!read(&of_code(404, "entity_not_found")).ends_session());
        assert!(!read(&of_code(422, "invalid_request_parameters")).ends_session());
        let limited = read(&of_code(429, "rate_limit_exceeded"));
        assert!(!limited.ends_session() && !limited.is_refusal());
        for grant in [Grant::AuthorizationCode, Grant::MagicCode, Grant::PendingToken] {
            let error = AuthenticateError::of(grant, &of_error("invalid_grant"));
            assert!(!error.ends_session(), "{grant}");
        }
    }

    #[test]
    fn only_what_the_hosted_page_can_handle_leads_there() {
        let hosted = [
            "email_verification_required",
            "mfa_enrollment",
            "mfa_challenge",
            "mfa_verification",
            "passkey_progressive_enrollment",
            "radar_challenge",
            "radar_sign_up_challenge",
            "radar_email_challenge",
            "radar_sms_challenge",
            "radar_sms_sign_in_challenge",
        ];
        let next = |error: ApiError| {
            let body: Value = serde_json::from_str(error.into_response().body()).expect("JSON");
            body["next"].as_str().map(str::to_owned)
        };
        let codes = MEANINGS.iter().map(|(code, _)| *code);
        for code in codes.chain(["something_new", "rate_limit_exceeded"]) {
            let expected = hosted.contains(&code).then(|| "continue-with-authkit".to_owned());
            for status in [400, 403, 404, 422, 429] {
                let answer = of_code(status, code);
                for grant in [Grant::AuthorizationCode, Grant::RefreshToken] {
                    let error = AuthenticateError::of(grant, &answer);
                    assert_eq!(next(error.into()), expected, "{status} {code}");
                }
                let of_code = next(SendCodeError::of(&answer).into());
                assert!(of_code.is_none() || of_code == expected, "{status} {code}");
                let of_user = next(CreateUserError::of(&answer).into());
                assert!(of_user.is_none() || of_user == expected, "{status} {code}");
            }
        }
    }

    #[test]
    fn a_refresh_token_that_another_request_has_exchanged_says_nothing_of_the_session() {
        let described = |description: Value| {
            answer(400, &json!({"error": "invalid_grant", "error_description": description}))
        };
        for description in [
            "Refresh token already exchanged.",
            "The refresh token was ALREADY EXCHANGED for another one",
        ] {
            let error = AuthenticateError::of(Grant::RefreshToken, &described(json!(description)));
            assert!(matches!(error, AuthenticateError::AlreadyExchanged), "{error}");
            assert!(error.is_refusal() && !error.ends_session());
            assert_eq!(ApiError::from(error).status(), 401);
        }
        for description in [json!("Session has already ended."), json!(null), json!(["exchanged"])]
        {
            let error = AuthenticateError::of(Grant::RefreshToken, &described(description));
            assert!(error.ends_session(), "{error}");
        }
    }

    #[test]
    fn a_choice_that_lacks_something_is_unreadable() {
        for part in ["pending_authentication_token", "user", "organizations"] {
            let mut body = choice();
            body[part] = Value::Null;
            assert_eq!(status(Grant::MagicCode, &answer(403, &body)), 502, "{part}");
        }
    }

    #[test]
    fn messages_have_nothing_of_the_answer() {
        let mut body = choice();
        body["code"] = json!("jane@example.com");
        body["message"] = json!("jane@example.com");
        for status in [400, 403, 422] {
            let answer = answer(status, &body);
            let printed = format!(
                "{:?} {:?} {:?}",
                AuthenticateError::of(Grant::MagicCode, &answer),
                SendCodeError::of(&answer),
                CreateUserError::of(&answer),
            );
            assert!(!printed.contains("jane"), "{printed}");
        }
    }
}
