//! `POST /auth/finalize-magic-auth`: completes a sign-in with the code from an e-mail.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | `email`, `code` (6 digits; whitespace and hyphens are dropped), and `invitationToken` if the user was invited |
//! | output | 200 `{"user"}` and a session cookie, or 200 with the organizations to choose from and no session yet |
//! | errors | 400, 401 the code is wrong, expired or used, or the address has no account, 403 WorkOS requires another step first, 429, 502, 503 |
//!
//! With `CONCEAL_ACCOUNTS`, too many guesses at a code also get 401, because only accounts have
//! codes.

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Email, InvitationToken, MagicCode, Outcome, SignIns};
use serde::Deserialize;

struct FinalizeMagicAuth {
    sign_ins: SignIns,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    email: Email,
    code: MagicCode,
    invitation_token: Option<InvitationToken>,
}

impl Endpoint for FinalizeMagicAuth {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/finalize-magic-auth");
    type Input = Input;
    type Output = Outcome;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { sign_ins: SignIns::configure(settings)? })
    }

    async fn handle(&self, request: &Request, input: Input) -> Result<Reply<Outcome>, ApiError> {
        let (email, code, invitation) =
            (&input.email, &input.code, input.invitation_token.as_ref());
        let headers = request.headers();
        let outcome = self.sign_ins.finish_magic_auth(headers, email, code, invitation).await?;
        Ok(Reply::ok(outcome))
    }
}

fn main() -> ExitCode {
    lambda::run::<FinalizeMagicAuth>()
}
