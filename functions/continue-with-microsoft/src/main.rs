//! `POST /auth/continue-with-microsoft`: the URL where a browser signs in with Microsoft.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | none |
//! | output | 200 `{"authData":{"redirectURL","state"}}`; the state for the callback is set in a cookie |
//! | errors | 400, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Empty, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{AuthData, Redirect, Redirects, SignInWith};

struct ContinueWithMicrosoft {
    redirects: Redirects,
}

impl Endpoint for ContinueWithMicrosoft {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/continue-with-microsoft");
    type Input = Empty;
    type Output = AuthData<Redirect>;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { redirects: Redirects::configure(settings)? })
    }

    async fn handle(&self, request: &Request, _: Empty) -> Result<Reply<Self::Output>, ApiError> {
        let headers = request.headers();
        let auth_data = self.redirects.begin(headers, &SignInWith::Microsoft, None).await?;
        Ok(Reply::ok(AuthData { auth_data }))
    }
}

fn main() -> ExitCode {
    lambda::run::<ContinueWithMicrosoft>()
}
