//! `GET /auth/session`: who is signed in. Pages call it when they load.
//!
//! | | |
//! |---|---|
//! | session | WorkOS: its cookie, or `Authorization: Bearer` |
//! | input | none |
//! | output | 200 `{"user","organizationId","role","roles","permissions","entitlements","featureFlags","impersonator","authenticatedAt","expiresAt"}`, times in Unix seconds; with an access token, `user` has only the `id`; fields that the session lacks are left out |
//! | errors | 401 no session, or it is invalid or has ended, 403 WorkOS requires another step first, 502, 503 the session cannot be verified right now; a cookie that can never become valid is cleared |

mod who;

use std::process::ExitCode;

use crate::who::Who;
use anteroom::api::{ApiError, Empty, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::Sessions;

struct WhoAmI {
    sessions: Sessions,
}

impl Endpoint for WhoAmI {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::get("/auth/session");
    type Input = Empty;
    type Output = Who;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { sessions: Sessions::configure(settings)? })
    }

    async fn prepare(&self) {
        self.sessions.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, _: Empty) -> Result<Reply<Who>, ApiError> {
        Ok(Reply::ok(Who(self.sessions.session(request).await?)))
    }
}

fn main() -> ExitCode {
    lambda::run::<WhoAmI>()
}
