//! The users of the imitated WorkOS environment.

use serde_json::{Value, json};

use super::identifier;

/// 1 January 2025, in seconds: when everything was created that was there from the start.
pub(super) const CREATED_AT: u64 = 1_735_689_600;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name by which tests, the sign-in page and `/dev/` know the user.
    pub short_name: String,
    /// `user_…`, made of the short name, so that it is the same in every run.
    pub id: String,
    /// The address: in small letters, unless it was imported in another spelling.
    pub email: String,
    /// Whether the address is known to be the user's. A magic code proves that it is.
    pub is_email_verified: bool,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The URL of a picture.
    pub picture: Option<String>,
    /// What the user has to do first, however the sign-in was begun.
    pub next_step: Option<Step>,
    pub(super) created_at: u64,
    pub(super) last_sign_in_at: Option<u64>,
}

/// What WorkOS asks of a user before there is a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Prove that the address is the user's: `email_verification_required`.
    EmailVerification,
    /// Set up a second factor: `mfa_enrollment`.
    MfaEnrollment,
    /// Give a code of the second factor: `mfa_challenge`.
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
    /// A user with a verified address and nothing else.
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

    /// A user who has just been added through the API or by a sign-up.
    pub(super) fn created(email: &str, now: u64) -> Self {
        let id = identifier::new("user");
        let user = Self::new(&id, email);
        Self { id, is_email_verified: false, created_at: now, ..user }
    }

    /// The same with a name.
    #[must_use]
    pub fn with_name(mut self, first: &str, last: &str) -> Self {
        self.first_name = Some(first.to_owned());
        self.last_name = Some(last.to_owned());
        self
    }

    /// The same with a picture.
    #[must_use]
    pub fn with_picture(mut self, url: &str) -> Self {
        self.picture = Some(url.to_owned());
        self
    }

    /// The same with an address that was imported in this spelling.
    #[must_use]
    pub fn with_email_spelled(mut self, email: &str) -> Self {
        email.clone_into(&mut self.email);
        self
    }

    /// The same with something to do first.
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

    /// Whether this is the user's address, whatever its capitals.
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
