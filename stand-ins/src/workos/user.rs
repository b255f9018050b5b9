//! The users of the imitated WorkOS environment.

use serde_json::{Value, json};

use super::identifier;

/// 1 January 2025 in Unix seconds: the creation time of all seed data.
pub(super) const CREATED_AT: u64 = 1_735_689_600;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name in tests, on the sign-in page and under `/dev/`.
    pub short_name: String,
    /// `user_…`, derived from the short name, so that it is the same in every run.
    pub id: String,
    /// The e-mail address, in lower case unless it was imported in another spelling.
    pub email: String,
    /// Whether the address is verified. Using a magic code verifies it.
    pub is_email_verified: bool,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The URL of a picture.
    pub picture: Option<String>,
    /// The step that the user has to take first, for every sign-in method.
    pub next_step: Option<Step>,
    pub(super) created_at: u64,
    pub(super) last_sign_in_at: Option<u64>,
}

/// A step that WorkOS requires before a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Verify the e-mail address: `email_verification_required`.
    EmailVerification,
    /// Set up a second factor: `mfa_enrollment`.
    MfaEnrollment,
    /// Enter a code from the second factor: `mfa_challenge`.
    MfaChallenge,
}

impl Step {
    /// Its name, which the hosted page of the stand-in has in its links.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EmailVerification => "email_verification",
            Self::MfaEnrollment => "mfa_enrollment",
            Self::MfaChallenge => "mfa_challenge",
        }
    }
}

impl User {
    /// A user with only a verified address.
    pub fn new(short_name: &str, email: &str) -> Self {
        Self {
            short_name: short_name.to_owned(),
            id: identifier::fixed("user", short_name),
            email: email.to_ascii_lowercase(),
            is_email_verified: true,
            first_name: None,
            last_name: None,
            picture: None,
            next_step: None,
            created_at: CREATED_AT,
            last_sign_in_at: None,
        }
    }

    /// A new user, created through the API or by signing up.
    pub(super) fn created(email: &str, now: u64) -> Self {
        let id = identifier::new("user");
        let user = Self::new(&id, email);
        Self { id, is_email_verified: false, created_at: now, ..user }
    }

    /// A copy with a name.
    #[must_use]
    pub fn with_name(mut self, first: &str, last: &str) -> Self {
        self.first_name = Some(first.to_owned());
        self.last_name = Some(last.to_owned());
        self
    }

    /// A copy with a picture.
    #[must_use]
    pub fn with_picture(mut self, url: &str) -> Self {
        self.picture = Some(url.to_owned());
        self
    }

    /// A copy with an address that was imported in this spelling.
    #[must_use]
    pub fn with_email_spelled(mut self, email: &str) -> Self {
        email.clone_into(&mut self.email);
        self
    }

    /// A copy with a required next step.
    #[must_use]
    pub fn who_must(mut self, step: Step) -> Self {
        self.next_step = Some(step);
        self.is_email_verified = step != Step::EmailVerification;
        self
    }

    /// Whether this is the user's id, short name or address.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.id == name || self.short_name == name || self.has_email(name)
    }

    /// Whether this is the user's address, ignoring case.
    pub(super) fn has_email(&self, email: &str) -> bool {
        self.email.to_lowercase() == email.to_lowercase()
    }

    /// The `User` object. <https://workos.com/docs/reference/authkit/user>
    pub(super) fn to_json(&self) -> Value {
        let created_at = identifier::timestamp(self.created_at);
        json!({
            "object": "user",
            "id": self.id,
            "email": self.email,
            "email_verified": self.is_email_verified,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "profile_picture_url": self.picture,
            "last_sign_in_at": self.last_sign_in_at.map(identifier::timestamp),
            "external_id": null,
            "locale": null,
            "metadata": {},
            "created_at": created_at,
            "updated_at": created_at,
        })
    }
}
