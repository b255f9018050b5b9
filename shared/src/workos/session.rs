//! Sessions: finding a request's session, verifying its access token, refreshing it.

mod access_token;
mod refreshes;
mod sessions;

pub use access_token::{AccessToken, AccessTokenError, SessionDetails};
pub use sessions::{Session, Sessions};
