//! `POST /auth/resend-magic-auth`: sends another one-time code to a user.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | `email` |
//! | output | 200 `{"code":200,"message":"OK"}` |
//! | errors | 400 also for an address without an account, 403 the address uses single sign-on, or WorkOS requires another step first, 429, 502, 503 |
//!
//! With `CONCEAL_ACCOUNTS`, the response is 200 and is sent two seconds after the request arrived,
//! whatever WorkOS says about the address.

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request, Status};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Email, WorkOs};
use serde::Deserialize;

struct ResendMagicAuth {
    workos: WorkOs,
}

#[derive(Deserialize)]
struct Input {
    email: Email,
}

impl Endpoint for ResendMagicAuth {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/resend-magic-auth");
    type Input = Input;
    type Output = Status;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { workos: WorkOs::configure(settings)? })
    }

    async fn handle(&self, _: &Request, input: Input) -> Result<Reply<Status>, ApiError> {
        self.workos.resend_code(&input.email).await?;
        Ok(Reply::done())
    }
}

fn main() -> ExitCode {
    lambda::run::<ResendMagicAuth>()
}
