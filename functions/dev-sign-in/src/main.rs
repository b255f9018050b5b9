//! `POST /auth/dev-sign-in`: signs the developer in without sending an e-mail. For development only:
//! anybody who can call it can act as that user.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | none |
//! | output | 200 `{"user":{"id","email"}}` and a real session cookie for the user in `DEV_SIGN_IN_EMAIL` |
//! | errors | 404 unless that is set and `STAGE` is `dev` or `staging`, 403, 429, 502, 503 |

mod developer;

use std::process::ExitCode;

use anteroom::api::{ApiError, Empty, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};

use crate::developer::{Developer, DeveloperReply};

struct DevSignIn {
    developer: Option<Developer>,
}

impl Endpoint for DevSignIn {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/dev-sign-in");
    type Input = Empty;
    type Output = DeveloperReply;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { developer: Developer::configure(settings)? })
    }

    async fn handle(&self, request: &Request, _: Empty) -> Result<Reply<Self::Output>, ApiError> {
        let Some(developer) = &self.developer else {
            return Err(ApiError::not_found("Not found"));
        };
        Ok(Reply::ok(developer.sign_in(request.headers()).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<DevSignIn>()
}
