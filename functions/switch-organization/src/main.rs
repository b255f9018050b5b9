//! `POST /auth/switch-organization`: switches the session to another of the user's organizations.
//!
//! | | |
//! |---|---|
//! | session | WorkOS: its cookie only; an access token alone cannot be refreshed and gets 401 |
//! | input | `email` of the signed-in user, `organizationId` |
//! | output | 200 `{"user"}` and the new session cookie |
//! | errors | 400, 401 no session, or it has ended, 403 another user's e-mail address, not a member, or SSO or MFA is required first (the session is kept), 502, 503 |

use std::process::ExitCode;

use anteroom::api::{ApiError, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Email, OrganizationId, Outcome, Sessions};
use serde::Deserialize;

struct SwitchOrganization {
    sessions: Sessions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    email: Email,
    organization_id: OrganizationId,
}

impl Endpoint for SwitchOrganization {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/switch-organization");
    type Input = Input;
    type Output = Outcome;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { sessions: Sessions::configure(settings)? })
    }

    async fn prepare(&self) {
        self.sessions.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, input: Input) -> Result<Reply<Outcome>, ApiError> {
        let session = self.sessions.session(request).await?;
        session.check_email(&input.email)?;
        let user = self.sessions.switch_organization(&session, &input.organization_id).await?;
        Ok(Reply::ok(Outcome::SignedIn(Box::new(user))))
    }
}

fn main() -> ExitCode {
    lambda::run::<SwitchOrganization>()
}
