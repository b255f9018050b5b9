//! Signing in, from the first step to the session, shared by the endpoints under `/auth/`.

mod authorization;
mod completion;
mod concealment;
mod redirect;
mod start;

pub use authorization::{Authorization, ScreenHint, SignInHints, SignInWith};
pub use completion::{OneTimeToken, Outcome, SignIns};
pub use redirect::{AuthData, Redirect, Redirects};
