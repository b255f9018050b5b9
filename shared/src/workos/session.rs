//! Sessions: their access tokens, and who a request comes from.

mod access_token;
mod renewal;
mod sessions;

pub use access_token::{AccessToken, AccessTokenError, SessionDetails};
pub use sessions::{Session, Sessions};
