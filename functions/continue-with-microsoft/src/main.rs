//! `POST /auth/continue-with-microsoft`: the URL where a browser signs in with Microsoft.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | none, or `invitationToken` |
//! | output | 200 `{"authData":{"redirectURL","state"}}`; the state for the callback is set in a cookie |
//! | errors | 400, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{AuthData, InvitationToken, Redirect, Redirects, SignInHints, SignInWith};
use serde::Deserialize;

struct ContinueWithMicrosoft {
    redirects: Redirects,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    invitation_token: Option<InvitationToken>,
}

impl Endpoint for ContinueWithMicrosoft {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/continue-with-microsoft");
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
        let invitation = input.invitation_token.as_ref();
        let hints = SignInHints { invitation, ..SignInHints::default() };
        let begin = self.redirects.begin(request.headers(), &SignInWith::Microsoft, &hints);
        let auth_data = begin.await?;
        Ok(Reply::ok(AuthData { auth_data }))
    }
}

fn main() -> ExitCode {
    lambda::run::<ContinueWithMicrosoft>()
}
