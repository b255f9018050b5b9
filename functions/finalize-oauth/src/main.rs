//! `POST /auth/finalize-oauth`: completes a sign-in with the code of a callback from WorkOS.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | `code`, optional `state` |
//! | output | 200 `{"user"}` and a session cookie, or 200 with the organizations to choose from and no session yet |
//! | errors | 400 also if this browser has not started the sign-in in the last ten minutes, 401 the code is used, expired or somebody else's, 403 WorkOS requires another step first, 429, 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{OneTimeToken, Outcome, SignIns};
use serde::Deserialize;

struct FinalizeOauth {
    sign_ins: SignIns,
}

#[derive(Deserialize)]
struct Input {
    code: OneTimeToken,
    state: Option<String>,
}

impl Endpoint for FinalizeOauth {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/finalize-oauth");
    type Input = Input;
    type Output = Outcome;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { sign_ins: SignIns::configure(settings)? })
    }

    async fn handle(&self, request: &Request, input: Input) -> Result<Reply<Outcome>, ApiError> {
        let headers = request.headers();
        let outcome = self.sign_ins.finish_redirect(headers, &input.code, input.state.as_deref());
        Ok(Reply::ok(outcome.await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<FinalizeOauth>()
}
