//! Why a session token is refused.

use crate::jwt::TokenError;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClerkRefusal {
    /// Its form, its algorithm or its signature.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is a token, but not a session's.
    #[error("the token is not a session token")]
    NotASession,
    /// Clerk has no such signing key.
    #[error("the token's signing key is unknown")]
    UnknownKey,
    /// It was issued by another issuer.
    #[error("the token's issuer is not this instance")]
    Issuer,
    /// It was issued for another application.
    #[error("the token's authorized party is not this application")]
    AuthorizedParty,
    /// It does not say which application it was issued for, and nothing else says so.
    #[error("the token has no authorized party")]
    NoAuthorizedParty,
    /// It is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// There are two different session cookies.
    #[error("two different session cookies")]
    TwoCookies,
}
