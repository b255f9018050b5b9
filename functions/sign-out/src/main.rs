//! `POST /auth/sign-out`: ends the session.
//!
//! | | |
//! |---|---|
//! | session | WorkOS: its cookie, even if its token has expired, or `Authorization: Bearer` |
//! | input | none |
//! | output | 200 `{"authData":{"redirectURL"}}`, the URL that ends the session at WorkOS; the cookie is cleared, unless the request has an access token |
//! | errors | 401 no session, and the cookie is cleared, 502, 503 the session cannot be verified right now, and the cookie is kept |

use std::process::ExitCode;

use anteroom::api::{ApiError, Empty, Reply, Request};
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{AuthData, Sessions};
use serde::Serialize;

struct SignOut {
    sessions: Sessions,
}

#[derive(Serialize)]
struct SignOutRedirect {
    #[serde(rename = "redirectURL")]
    redirect_url: String,
}

impl Endpoint for SignOut {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/auth/sign-out");
    type Input = Empty;
    type Output = AuthData<SignOutRedirect>;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { sessions: Sessions::to_end(settings)? })
    }

    async fn prepare(&self) {
        self.sessions.prefetch_keys().await;
    }

    async fn handle(&self, request: &Request, _: Empty) -> Result<Reply<Self::Output>, ApiError> {
        let redirect_url = self.sessions.sign_out(request).await?.into();
        Ok(Reply::ok(AuthData { auth_data: SignOutRedirect { redirect_url } }))
    }
}

fn main() -> ExitCode {
    lambda::run::<SignOut>()
}
