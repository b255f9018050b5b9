//! `POST /auth/sign-in`: starts a sign-in by SSO or one-time code, depending on the e-mail domain.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | `email`, optional `invitationToken` |
//! | output | 200 `{"authData":{"authMethod":"sso","redirectURL","state"}}` if an organization with an active SSO connection has verified the domain; otherwise a code is sent, and 200 `{"authData":{"authMethod":"magic_auth"}}` |
//! | errors | 400 `Bad request`, also for an address without an account, 403 WorkOS requires another step first, 429, 502, 503 |
//!
//! With `CONCEAL_ACCOUNTS`, the `magic_auth` response is sent two seconds after the request arrived,
//! whether or not the address has an account and whatever WorkOS says about it.

mod input;
mod method;

use std::process::ExitCode;

use crate::input::Input;
use crate::method::{Method, MethodReply};
use anteroom::api::{ApiError, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{AuthData, Redirects, SignInHints, SignInWith, WorkOs};

struct SignIn {
    workos: WorkOs,
    redirects: Redirects,
}

impl Endpoint for SignIn {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/sign-in");
    const BAD_REQUEST: Option<&'static str> = Some("Bad request");
    type Input = Input;
    type Output = AuthData<Method>;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (workos, redirects) = (WorkOs::configure(settings), Redirects::configure(settings));
        Ok(Self { workos: workos?, redirects: redirects? })
    }

    async fn handle(&self, request: &Request, input: Input) -> Result<MethodReply, ApiError> {
        let (email, invitation) = (&input.email, input.invitation_token.as_ref());
        let Some(connection) = self.workos.begin_sign_in(email, invitation).await? else {
            return Ok(Method::MagicAuth.reply());
        };
        let with = SignInWith::Connection(connection.id);
        let hints = SignInHints { email: Some(email), screen: None, invitation };
        let redirect = self.redirects.begin(request.headers(), &with, &hints).await?;
        Ok(Method::Sso(redirect).reply())
    }
}

fn main() -> ExitCode {
    lambda::run::<SignIn>()
}
