//! `POST /api/liveblocks-auth`: a Liveblocks token for the signed-in user.
//!
//! | | |
//! |---|---|
//! | session | Clerk: `Authorization: Bearer`, or the cookie `__session` |
//! | input | none |
//! | output | 200, Liveblocks' own response: `{"token"}` |
//! | errors | 401 an invalid token, 403 the user is banned or locked, or Liveblocks rejects them, 404 not signed in, the user no longer exists, or no verified primary e-mail address, 502, 503 |
//!
//! Address, name and picture come from Clerk. The request cannot change what others see.

mod palette;

use std::process::ExitCode;

use anteroom::api::{ApiError, Empty, Reply, Request};
use anteroom::clerk::Clerk;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::liveblocks::{Identity, Liveblocks, UserInfo};
use anteroom::settings::{Incomplete, Settings};

struct LiveblocksAuth {
    clerk: Clerk,
    liveblocks: Liveblocks,
}

impl Endpoint for LiveblocksAuth {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/liveblocks-auth");
    type Input = Empty;
    type Output = Identity;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (clerk, liveblocks) = (Clerk::configure(settings), Liveblocks::configure(settings));
        Ok(Self { clerk: clerk?, liveblocks: liveblocks? })
    }

    async fn prepare(&self) {
        self.clerk.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, _: Empty) -> Result<Reply<Identity>, ApiError> {
        let user_not_found = || ApiError::not_found("User not found");
        let session = self.clerk.auth(request).await?.signed_in_or(user_not_found)?;
        let user = self.clerk.users().user(session.user_id()).await?.ok_or_else(user_not_found)?;
        user.check_access()?;
        let email = user.primary_email().ok_or_else(|| ApiError::not_found("Email not set"))?;
        let info = UserInfo {
            name: user.full_name().unwrap_or_else(|| "Unnamed User".to_owned()),
            image_url: user.image_url.clone().filter(|url| !url.is_empty()),
            color: palette::random_color(),
        };
        Ok(Reply::ok(self.liveblocks.identify_user(email, &info).await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<LiveblocksAuth>()
}
