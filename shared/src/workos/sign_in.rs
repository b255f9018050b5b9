//! Signing in, from the first step to the session: what the endpoints under `/auth/` share.

use std::future::Future;

use http::HeaderMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::api;
use crate::api::{ApiError, Request};
use crate::lambda;
use crate::provider::ProviderError;
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;
use crate::workos::concealment::conceal;
use crate::workos::{
    AuthenticateError, Authentication, Authorization, Connection, Cookies, CreateUserError, Email,
    Grant, MagicCode, MailboxlessError, OrganizationChoice, OrganizationId, Profile, SealedSession,
    SignInWith, User, WorkOs,
};

/// How many organizations are asked for their connections one by one. A domain that more of them have
/// verified costs one call for all.
const FEW_ORGANIZATIONS: usize = 3;

/// Sends browsers to WorkOS to sign in there.
#[derive(Debug)]
pub struct Redirects {
    authorization: Authorization,
    cookies: Cookies,
}

/// Where a browser goes to sign in.
#[derive(Clone, Debug, Serialize)]
pub struct Redirect {
    /// The address at WorkOS.
    #[serde(rename = "redirectURL")]
    pub redirect_url: Url,
    /// What comes back with the code.
    pub state: String,
}

impl Redirects {
    /// Reads what [`Authorization::configure`] and [`Cookies::configure`] read.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let authorization = Authorization::configure(settings);
        let cookies = Cookies::configure(settings);
        Ok(Self { authorization: authorization?, cookies: cookies? })
    }

    /// Begins a sign-in at WorkOS. What the callback has to prove is kept in the browser.
    pub async fn begin(
        &self,
        headers: &HeaderMap,
        with: &SignInWith,
        login_hint: Option<&Email>,
    ) -> Result<Redirect, ApiError> {
        let sign_in = self.cookies.sign_in.begin(headers).await?;
        sign_in.cookies.into_iter().for_each(api::send_cookie);
        let (state, challenge) = (sign_in.state, sign_in.code_challenge);
        let redirect_url = self.authorization.url(with, &state, &challenge, login_hint);
        Ok(Redirect { redirect_url, state })
    }
}

/// What endpoints answer that only begin something.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AuthData<T> {
    /// What comes next.
    #[serde(rename = "authData")]
    pub auth_data: T,
}

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

impl WorkOs {
    /// Begins to sign in whoever has this address. The domain decides: it gives the SSO connection to
    /// go on with, or nothing where a one-time code has been sent.
    ///
    /// # Errors
    /// 400 for an address without an account. Where accounts are concealed, what WorkOS says about
    /// the address or about its code is no error.
    pub async fn begin_sign_in(
        &self,
        request: &Request,
        email: &Email,
    ) -> Result<Option<Connection>, ApiError> {
        let (workos, email) = (self.clone(), email.clone());
        self.concealing(request, async move {
            let connection = workos.sso_connection(email.domain()).await?;
            if connection.is_none() {
                workos.send_code(&email).await?;
            }
            Ok(connection)
        })
        .await
    }

    /// Sends another one-time code to a user.
    ///
    /// # Errors
    /// 403 for an address that [`begin_sign_in`](Self::begin_sign_in) sends to single sign-on, else
    /// 400 for one without an account. Where accounts are concealed there is neither, but no code.
    pub async fn resend_code(&self, request: &Request, email: &Email) -> Result<(), ApiError> {
        let (workos, email) = (self.clone(), email.clone());
        let sent = self.concealing(request, async move {
            // As in signing in, the domain comes first, and says nothing of the account.
            match workos.sso_connection(email.domain()).await? {
                None => workos.send_code(&email).await?,
                Some(_) if workos.conceals_accounts() => {}
                Some(_) => return Err(ApiError::forbidden("Sign in with single sign-on")),
            }
            Ok(None::<()>)
        });
        sent.await.map(drop)
    }

    /// Makes an account for this address. Nothing is sent to it.
    ///
    /// # Errors
    /// 409 for an address that has one. Where accounts are concealed, what WorkOS says about the
    /// address is no error.
    pub async fn sign_up(&self, request: &Request, email: &Email) -> Result<(), ApiError> {
        let (workos, email) = (self.clone(), email.clone());
        let made = self.concealing(request, async move {
            match workos.create_user(&email).await {
                Ok(_) => Ok(None::<()>),
                Err(CreateUserError::Provider(error)) => Err(error.into()),
                Err(refusal) => workos.unless_concealed(refusal.into()).map(|()| None),
            }
        });
        made.await.map(drop)
    }

    /// Sends a one-time code to a user. WorkOS would make an account for an address that has none,
    /// so it is looked up first.
    async fn send_code(&self, email: &Email) -> Result<(), ApiError> {
        let Some(user) = self.user_by_email(email).await? else {
            return self
                .unless_concealed(ApiError::bad_request("No account has this e-mail address"));
        };
        // Only for those who have an account it comes this far: not even an outage may be told.
        match self.create_magic_auth(&user.email).await {
            Ok(()) => Ok(()),
            Err(error) => self.unless_concealed(error.into()),
        }
    }

    /// An error that would tell who has an account, unless that is concealed. Then it is logged.
    fn unless_concealed(&self, error: ApiError) -> Result<(), ApiError> {
        if !self.conceals_accounts() {
            return Err(error);
        }
        let (status, detail) = (error.status().as_u16(), error.detail());
        tracing::info!(status, error = error.message(), detail, "concealed");
        Ok(())
    }

    /// Does what an endpoint is asked for: at once, or in the time that conceals how long it takes.
    async fn concealing<T: Send + 'static>(
        &self,
        request: &Request,
        work: impl Future<Output = Result<Option<T>, ApiError>> + Send + 'static,
    ) -> Result<Option<T>, ApiError> {
        if !self.conceals_accounts() {
            return work.await;
        }
        let now = self.application().provider().clock.now();
        conceal(lambda::deadline(request).since(now), work).await
    }

    /// The SSO connection that whoever has an address of `domain` signs in with: that of an
    /// organization that has shown that the domain is its own.
    pub async fn sso_connection(&self, domain: &str) -> Result<Option<Connection>, ProviderError> {
        let organizations = self.organizations_by_domain(domain).await?;
        if organizations.len() <= FEW_ORGANIZATIONS {
            for organization in organizations {
                if let Some(connection) = self.active_connection(&organization.id).await? {
                    return Ok(Some(connection));
                }
            }
            return Ok(None);
        }
        let mut connections = self.active_connections_by_domain(domain).await?.into_iter();
        Ok(connections.find(|connection| {
            organizations.iter().any(|organization| connection.is_of(&organization.id))
        }))
    }
}
