//! `POST /auth/sign-up`: creates an account for an e-mail address. Sends no mail; the page
//! continues with sign-in.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | `email` |
//! | output | 201 `{"code":201,"message":"Created"}` |
//! | errors | 400, 403 WorkOS requires another step first, 409 the address already has an account, 502, 503 |
//!
//! With `CONCEAL_ACCOUNTS`, the response is 201 and is sent two seconds after the request arrived,
//! whatever WorkOS says about the address.

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request, Status};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Email, WorkOs};
use serde::Deserialize;

struct SignUp {
    workos: WorkOs,
}

#[derive(Deserialize)]
struct Input {
    email: Email,
}

impl Endpoint for SignUp {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/sign-up");
    type Input = Input;
    type Output = Status;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { workos: WorkOs::configure(settings)? })
    }

    async fn handle(&self, _: &Request, input: Input) -> Result<Reply<Status>, ApiError> {
        self.workos.sign_up(&input.email).await?;
        Ok(Reply::made())
    }
}

fn main() -> ExitCode {
    lambda::run::<SignUp>()
}
