//! The first step of signing in or up: an e-mail address, whose domain decides between SSO and a
//! one-time code.

use std::future::Future;

use crate::api::ApiError;
use crate::provider::ProviderError;
use crate::request_scope;
use crate::workos::sign_in::concealment::conceal;
use crate::workos::{Connection, CreateUserError, Email, InvitationToken, WorkOs};

/// The maximum number of organizations whose connections are fetched one by one. If more have
/// verified the domain, one call fetches the connections of all of them.
const FEW_ORGANIZATIONS: usize = 3;

impl WorkOs {
    /// Begins a sign-in. Returns the SSO connection to use if the address's domain has one;
    /// otherwise sends a one-time code, which accepts the invitation if there is one, and returns
    /// `None`.
    ///
    /// # Errors
    /// 400 for an address without an account. If accounts are concealed, nothing that WorkOS says
    /// about the address or the code is an error.
    pub async fn begin_sign_in(
        &self,
        email: &Email,
        invitation: Option<&InvitationToken>,
    ) -> Result<Option<Connection>, ApiError> {
        let (workos, email, invitation) = (self.clone(), email.clone(), invitation.cloned());
        self.concealing(async move {
            let connection = workos.sso_connection(email.domain()).await?;
            if connection.is_none() {
                workos.send_code(&email, invitation.as_ref()).await?;
            }
            Ok(connection)
        })
        .await
    }

    /// Sends another one-time code to a user.
    ///
    /// # Errors
    /// 403 for an address that [`begin_sign_in`](Self::begin_sign_in) sends to single sign-on, 400
    /// for one without an account. If accounts are concealed, neither: no code is sent.
    pub async fn resend_code(&self, email: &Email) -> Result<(), ApiError> {
        let (workos, email) = (self.clone(), email.clone());
        let sent = self.concealing(async move {
            // As in `sign-in`, the domain decides first, which reveals nothing about the account.
            match workos.sso_connection(email.domain()).await? {
                None => workos.send_code(&email, None).await?,
                Some(_) if workos.conceals_accounts() => {}
                Some(_) => return Err(ApiError::forbidden("Sign in with single sign-on")),
            }
            Ok(None::<()>)
        });
        sent.await.map(drop)
    }

    /// Creates an account for this address. Sends no mail.
    ///
    /// # Errors
    /// 409 for an address that has one. If accounts are concealed, nothing that WorkOS says about
    /// the address is an error.
    pub async fn sign_up(&self, email: &Email) -> Result<(), ApiError> {
        let (workos, email) = (self.clone(), email.clone());
        let made = self.concealing(async move {
            match workos.create_user(&email).await {
                Ok(_) => Ok(None::<()>),
                Err(CreateUserError::Provider(error)) => Err(error.into()),
                Err(refusal) => workos.unless_concealed(refusal.into()).map(|()| None),
            }
        });
        made.await.map(drop)
    }

    /// Sends a one-time code to a user. Looks up the address first, because WorkOS would create an
    /// account for an unknown one.
    async fn send_code(
        &self,
        email: &Email,
        invitation: Option<&InvitationToken>,
    ) -> Result<(), ApiError> {
        let Some(user) = self.user_by_email(email).await? else {
            return self
                .unless_concealed(ApiError::bad_request("No account has this e-mail address"));
        };
        // Only addresses with an account get here, so even an outage would reveal one.
        match self.create_magic_auth(&user.email, invitation).await {
            Ok(()) => Ok(()),
            Err(error) => self.unless_concealed(error.into()),
        }
    }

    /// Returns an error that reveals whether an account exists, or only logs it if accounts are
    /// concealed.
    fn unless_concealed(&self, error: ApiError) -> Result<(), ApiError> {
        if !self.conceals_accounts() {
            return Err(error);
        }
        let (status, detail) = (error.status().as_u16(), error.detail());
        tracing::info!(status, error = error.message(), detail, "concealed");
        Ok(())
    }

    /// Runs an endpoint's work, with a fixed response time if accounts are concealed.
    async fn concealing<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<Option<T>, ApiError>> + Send + 'static,
    ) -> Result<Option<T>, ApiError> {
        if !self.conceals_accounts() {
            return work.await;
        }
        let now = self.application().provider().clock.now();
        conceal(request_scope::deadline().since(now), work).await
    }

    /// The SSO connection for addresses in `domain`, from an organization that has verified the
    /// domain.
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
