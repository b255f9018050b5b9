//! `POST /auth/select-organization`: completes a sign-in with the user's choice of an organization.
//!
//! | | |
//! |---|---|
//! | session | none |
//! | input | `pendingAuthenticationToken`, `organizationId` |
//! | output | 200 `{"user"}` and a session cookie; a short stub replaces the cookie of the choice |
//! | errors | 400, 401 the token is used or expired, 403 another browser, an organization that was not offered, or a session too large for a cookie, 429, 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{OneTimeToken, OrganizationId, Outcome, SignIns};
use serde::Deserialize;

struct SelectOrganization {
    sign_ins: SignIns,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    pending_authentication_token: OneTimeToken,
    organization_id: OrganizationId,
}

impl Endpoint for SelectOrganization {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/select-organization");
    type Input = Input;
    type Output = Outcome;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { sign_ins: SignIns::configure(settings)? })
    }

    async fn handle(&self, request: &Request, input: Input) -> Result<Reply<Outcome>, ApiError> {
        let headers = request.headers();
        let outcome = self.sign_ins.finish_choice(
            headers,
            &input.pending_authentication_token,
            &input.organization_id,
        );
        Ok(Reply::ok(outcome.await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<SelectOrganization>()
}
