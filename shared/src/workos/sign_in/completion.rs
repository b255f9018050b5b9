//! The last step of signing in: exchanges a code or a choice for a session.

use http::HeaderMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

use crate::api;
use crate::api::ApiError;
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;
use crate::workos::{
    AuthenticateError, Authentication, Cookies, DevSignInError, Email, Grant, InvitationToken,
    MagicCode, OrganizationChoice, OrganizationId, Profile, SealedSession, User, WorkOs,
};

/// A single-use token from a browser: 1 to 2,048 visible ASCII characters.
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

/// The result of a sign-in.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The user is signed in. The session's cookie is sent with the response.
    SignedIn(Box<User>),
    /// The user has to choose an organization first. There is no session yet.
    ChooseOrganization(Box<OrganizationChoice>),
}

/// The body of a completed sign-in: `{"user": …}`.
#[derive(Serialize)]
struct UserReply<T> {
    user: T,
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::SignedIn(user) => {
                UserReply::<Profile<'_>> { user: user.profile() }.serialize(serializer)
            }
            Self::ChooseOrganization(choice) => {
                UserReply::<&OrganizationChoice> { user: choice }.serialize(serializer)
            }
        }
    }
}

impl SignIns {
    /// Reads the settings of [`WorkOs::configure`] and [`Cookies::configure`].
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (workos, cookies) = (WorkOs::configure(settings), Cookies::configure(settings));
        Ok(Self { workos: workos?, cookies: cookies? })
    }

    /// Completes a sign-in with the code of a callback from WorkOS. This browser must have started
    /// the sign-in; `state` selects one if there are several.
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
                // Another tab of this browser may have started the sign-in that the code belongs
                // to.
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

    /// Completes a sign-in with the code that came by e-mail. Accepts the invitation, if there is
    /// one.
    ///
    /// Looks up the user first, to get WorkOS's own spelling of the address. If nobody has the
    /// address, the code is tried anyway: WorkOS rejects it and counts the attempt, so the response
    /// does not reveal whether the account exists.
    pub async fn finish_magic_auth(
        &self,
        headers: &HeaderMap,
        email: &Email,
        code: &MagicCode,
        invitation: Option<&InvitationToken>,
    ) -> Result<Outcome, ApiError> {
        let user = self.workos.user_by_email(email).await?;
        if let Some(user) = user.as_ref().filter(|_| !self.workos.conceals_accounts()) {
            // Check before the code is spent: browsers would drop the session's cookie. Without a
            // good code, it would reveal the account.
            self.cookies.session.ensure_fits(user)?;
        }
        let spelling = user.as_ref().map_or(email.as_str(), |user| &user.email);
        let result = self.workos.authenticate_with_magic_auth(spelling, code, invitation).await;
        let not_good = |code| Err(AuthenticateError::NotGood { grant: Grant::MagicCode, code });
        let result = match result {
            // WorkOS may treat different letters as equal.
            Ok(authentication) if !email.is(&authentication.user.email) => {
                not_good("another user's")
            }
            Err(AuthenticateError::OrganizationSelectionRequired(choice))
                if !email.is(&choice.user.email) =>
            {
                not_good("another user's")
            }
            // WorkOS counts guesses only for codes it has sent, so this would reveal an account.
            Err(AuthenticateError::TooManyGuesses { .. }) if self.workos.conceals_accounts() => {
                not_good("one_time_code_too_many_attempts")
            }
            result => result,
        };
        self.finish(headers, result).await
    }

    /// Completes a sign-in with the organization that the user chose.
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
        if authentication.organization().as_ref() != Some(organization) {
            return Err(ApiError::bad_gateway("workos signed in to another organization"));
        }
        let outcome = self.finish(headers, Ok(authentication)).await?;
        self.cookies.pending.make(headers, token).await.into_iter().for_each(api::send_cookie);
        Ok(outcome)
    }

    /// Signs a user in without sending a code, in the first of their organizations. For development
    /// only.
    pub async fn finish_without_mailbox(
        &self,
        headers: &HeaderMap,
        email: &Email,
    ) -> Result<Outcome, ApiError> {
        let result = match self.workos.authenticate_without_mailbox(email).await {
            Ok(authentication) => Ok(authentication),
            Err(DevSignInError::SendCode(error)) => return Err(error.into()),
            Err(DevSignInError::Authenticate(error)) => Err(error),
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

    /// Sends the browser its session cookie, or the cookie of a pending choice of an organization.
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
