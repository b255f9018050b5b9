//! The last step of signing in: a code or a choice, and the session that it brings.

use http::HeaderMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

use crate::api;
use crate::api::ApiError;
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;
use crate::workos::{
    AuthenticateError, Authentication, Cookies, Email, Grant, MagicCode, MailboxlessError,
    OrganizationChoice, OrganizationId, Profile, SealedSession, User, WorkOs,
};

/// What a browser was given for one use and hands back: 1 to 2,048 visible ASCII characters.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct OneTimeToken(SecretString);

impl TryFrom<String> for OneTimeToken {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_visible_ascii(&text) && text.len() <= 2048 {
            Ok(Self(text.into()))
        } else {
            Err("1 to 2,048 visible characters")
        }
    }
}

/// Completes sign-ins.
#[derive(Debug)]
pub struct SignIns {
    workos: WorkOs,
    cookies: Cookies,
}

/// What comes of a sign-in.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A session. Its cookie leaves with the answer.
    SignedIn(Box<User>),
    /// A question, and no session yet.
    ChooseOrganization(Box<OrganizationChoice>),
}

/// A user who has signed in, as endpoints answer it.
#[derive(Serialize)]
struct UserReply<T> {
    user: T,
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::SignedIn(user) => {
                UserReply::<Profile> { user: user.profile() }.serialize(serializer)
            }
            Self::ChooseOrganization(choice) => {
                UserReply::<&OrganizationChoice> { user: choice }.serialize(serializer)
            }
        }
    }
}

impl SignIns {
    /// Reads what [`WorkOs::configure`] and [`Cookies::configure`] read.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (workos, cookies) = (WorkOs::configure(settings), Cookies::configure(settings));
        Ok(Self { workos: workos?, cookies: cookies? })
    }

    /// Completes a sign-in with the code that the browser brought back from WorkOS. It must be one
    /// that this browser has begun, that of `state` if there is one.
    pub async fn finish_redirect(
        &self,
        headers: &HeaderMap,
        code: &OneTimeToken,
        state: Option<&str>,
    ) -> Result<Outcome, ApiError> {
        let begun = self.cookies.sign_in.resume(headers, state).await?;
        let mut refused = None;
        for sign_in in &begun {
            match self.workos.authenticate_with_code(&code.0, sign_in.verifier()).await {
                // Begun in this browser too, but perhaps in another tab.
                Err(error @ AuthenticateError::NotGood { .. }) => refused = Some(error),
                result => {
                    let outcome = self.finish(headers, result).await?;
                    api::send_cookie(self.cookies.sign_in.clear(sign_in));
                    return Ok(outcome);
                }
            }
        }
        Err(refused.map_or_else(|| ApiError::internal("no sign-in to resume"), ApiError::from))
    }

    /// Completes a sign-in with the code that came by e-mail.
    ///
    /// The user is looked up for WorkOS's own spelling of the address. Where nobody has it, the code
    /// is tried all the same: WorkOS refuses it and counts the attempt, as it does for everybody who
    /// guesses, and the answer says nothing of the account.
    pub async fn finish_magic_auth(
        &self,
        headers: &HeaderMap,
        email: &Email,
        code: &MagicCode,
    ) -> Result<Outcome, ApiError> {
        let user = self.workos.user_by_email(email).await?;
        if let Some(user) = &user {
            // Before the code is spent: it would bring a session that no browser keeps.
            self.cookies.session.ensure_fits(user)?;
        }
        let spelling = user.as_ref().map_or(email.as_str(), |user| &user.email);
        let result = self.workos.authenticate_with_magic_auth(spelling, code).await;
        let not_good = |code| Err(AuthenticateError::NotGood { grant: Grant::MagicCode, code });
        let result = match result {
            // WorkOS may take letters for the same that are not.
            Ok(authentication) if !email.is(&authentication.user.email) => {
                not_good("another user's")
            }
            // It counts the guesses at a code that it has sent, which is to those with an account.
            Err(AuthenticateError::TooManyGuesses) if self.workos.conceals_accounts() => {
                not_good("one_time_code_too_many_attempts")
            }
            result => result,
        };
        self.finish(headers, result).await
    }

    /// Completes a sign-in that waits for the user's choice of an organization.
    pub async fn finish_choice(
        &self,
        headers: &HeaderMap,
        token: &OneTimeToken,
        organization: &OrganizationId,
    ) -> Result<Outcome, ApiError> {
        let OneTimeToken(token) = token;
        self.cookies.pending.check(headers, token, organization).await?;
        let chosen = self.workos.authenticate_with_organization_selection(token, organization);
        let authentication = chosen.await?;
        if authentication.organization_id.as_ref() != Some(organization) {
            return Err(ApiError::bad_gateway("workos signed in to another organization"));
        }
        let outcome = self.finish(headers, Ok(authentication)).await?;
        self.cookies.pending.make(headers, token).await.into_iter().for_each(api::send_cookie);
        Ok(outcome)
    }

    /// Signs a user in without their mailbox, in the first of their organizations: for development
    /// only.
    pub async fn finish_without_mailbox(
        &self,
        headers: &HeaderMap,
        email: &Email,
    ) -> Result<Outcome, ApiError> {
        let result = match self.workos.authenticate_without_mailbox(email).await {
            Ok(authentication) => Ok(authentication),
            Err(MailboxlessError::SendCode(error)) => return Err(error.into()),
            Err(MailboxlessError::Authenticate(error)) => Err(error),
        };
        let result = match result {
            Err(AuthenticateError::OrganizationSelectionRequired(choice)) => {
                let token = &choice.pending_authentication_token;
                let Some(first) = choice.organizations.first() else {
                    return Err(ApiError::bad_gateway("workos offers no organization"));
                };
                self.workos.authenticate_with_organization_selection(token, &first.id).await
            }
            result => result,
        };
        self.finish(headers, result).await
    }

    /// Gives the browser its session, or what it needs to choose an organization.
    async fn finish(
        &self,
        headers: &HeaderMap,
        result: Result<Authentication, AuthenticateError>,
    ) -> Result<Outcome, ApiError> {
        match result {
            Ok(authentication) => {
                let session = SealedSession::from(authentication);
                self.cookies.session.send(&session).await?;
                Ok(Outcome::SignedIn(Box::new(session.user)))
            }
            Err(AuthenticateError::OrganizationSelectionRequired(choice)) => {
                let token = &choice.pending_authentication_token;
                let offered = choice.organizations.iter().map(|organization| &organization.id);
                let kept = self.cookies.pending.remember(headers, token, offered).await?;
                kept.into_iter().for_each(api::send_cookie);
                Ok(Outcome::ChooseOrganization(choice))
            }
            Err(error) => Err(error.into()),
        }
    }
}
