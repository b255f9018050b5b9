//! `POST /auth/continue-with-authkit`: the URL of WorkOS's hosted sign-in page.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | none, or `email` (prefilled), `screenHint` (`sign-in` or `sign-up`), `invitationToken` |
//! | output | 200 `{"authData":{"redirectURL","state"}}`; the state for the callback is set in a cookie |
//! | errors | 400, 503 |
//!
//! The page also resolves every 403 that has `"next":"continue-with-authkit"`: it asks for a second
//! factor, a verified address or a passkey.

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{
    AuthData, Email, InvitationToken, Redirect, Redirects, ScreenHint, SignInHints, SignInWith,
};
use serde::Deserialize;

struct ContinueWithAuthKit {
    redirects: Redirects,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    email: Option<Email>,
    screen_hint: Option<ScreenHint>,
    invitation_token: Option<InvitationToken>,
}

impl Endpoint for ContinueWithAuthKit {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/continue-with-authkit");
    type Input = Input;
    type Output = AuthData<Redirect>;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { redirects: Redirects::configure(settings)? })
    }

    async fn handle(
        &self,
        request: &Request,
        input: Input,
    ) -> Result<Reply<Self::Output>, ApiError> {
        let (email, invitation) = (input.email.as_ref(), input.invitation_token.as_ref());
        let hints = SignInHints { email, screen: input.screen_hint, invitation };
        let begin = self.redirects.begin(request.headers(), &SignInWith::AuthKit, &hints);
        Ok(Reply::ok(AuthData { auth_data: begin.await? }))
    }
}

fn main() -> ExitCode {
    lambda::run::<ContinueWithAuthKit>()
}
