//! The first step of signing in or up: an e-mail address, and what its domain decides.

use std::future::Future;

use crate::api::{ApiError, Request};
use crate::lambda;
use crate::provider::ProviderError;
use crate::workos::sign_in::concealment::conceal;
use crate::workos::{Connection, CreateUserError, Email, WorkOs};

/// How many organizations are asked for their connections one by one. A domain that more of them have
/// verified costs one call for all.
const FEW_ORGANIZATIONS: usize = 3;

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
