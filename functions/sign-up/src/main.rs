//! `POST /auth/sign-up`: makes an account for an e-mail address. Nothing is sent to it; the page goes
//! on with sign-in.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | `email` |
//! | output | 201 `{"code":201,"message":"Created"}` |
//! | errors | 400, 409 the address has an account (with `CONCEAL_ACCOUNTS`: 201), 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request, Status};
use anteroom::lambda::{self, Endpoint};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{CreateUserError, Email, WorkOs};
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
    type Input = Input;
    type Output = Status;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { workos: WorkOs::configure(settings)? })
    }

    async fn handle(&self, _: &Request, input: Input) -> Result<Reply<Status>, ApiError> {
        match self.workos.create_user(&input.email).await {
            Err(CreateUserError::Exists) if self.workos.conceals_accounts() => {}
            result => drop(result?),
        }
        Ok(Reply::made())
    }
}

fn main() -> ExitCode {
    lambda::run::<SignUp>()
}
