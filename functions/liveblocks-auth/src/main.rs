//! `POST /api/liveblocks-auth`: a Liveblocks token for the signed-in user.
//!
//! | | |
//! |---|---|
//! | session | Clerk, or WorkOS with `LIVEBLOCKS_IDENTITY=workos`: a cookie, or `Authorization: Bearer` |
//! | input | none |
//! | output | 200, Liveblocks' own response: `{"token"}` |
//! | errors | 401 an invalid token or cookie, 403 the user is banned or locked, or Liveblocks rejects them, 404 not signed in, the user no longer exists, or no verified primary e-mail address, 502, 503 |
//!
//! Address, name and picture come from the identity provider. The request cannot change what others see.

mod palette;

use std::process::ExitCode;

use anteroom::api::{ApiError, Empty, Reply, Request};
use anteroom::identity::IdentityProvider;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::liveblocks::{Identity, Liveblocks, UserInfo};
use anteroom::settings::{Incomplete, Settings};

struct LiveblocksAuth {
    identity: IdentityProvider,
    liveblocks: Liveblocks,
}

impl Endpoint for LiveblocksAuth {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/liveblocks-auth");
    type Input = Empty;
    type Output = Identity;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let identity = IdentityProvider::for_liveblocks(settings);
        let liveblocks = Liveblocks::configure(settings);
        Ok(Self { identity: identity?, liveblocks: liveblocks? })
    }

    async fn prepare(&self) {
        self.identity.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, _: Empty) -> Result<Reply<Identity>, ApiError> {
        let user_not_found = || ApiError::not_found("User not found");
        let session = self.identity.session_or(request, user_not_found).await?;
        let person = session.person().await?.ok_or_else(user_not_found)?;
        let email = person.email.ok_or_else(|| ApiError::not_found("Email not set"))?;
        let name = person.name.unwrap_or_else(|| "Unnamed User".to_owned());
        let info = UserInfo { name, image_url: person.picture, color: palette::random_color() };
        let organization = session.organization_id();
        let identity = self.liveblocks.identify_user(&email, &info, organization);
        Ok(Reply::ok(identity.await?))
    }
}

fn main() -> ExitCode {
    lambda::run::<LiveblocksAuth>()
}
