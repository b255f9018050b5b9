//! Why a session token is rejected.

use crate::jwt::TokenError;

/// Why a token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClerkRefusal {
    /// The format, the algorithm or the signature is wrong.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is a token, but not a session token.
    #[error("the token is not a session token")]
    NotASession,
    /// Clerk has no such signing key.
    #[error("the token's signing key is unknown")]
    UnknownKey,
    /// The issuer is not this instance.
    #[error("the token's issuer is not this instance")]
    Issuer,
    /// It was issued for another application.
    #[error("the token's authorized party is not this application")]
    AuthorizedParty,
    /// The authorized party is missing, and nothing else in the request identifies the application.
    #[error("the token has no authorized party")]
    NoAuthorizedParty,
    /// It is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// There are two different session cookies.
    #[error("two different session cookies")]
    TwoCookies,
}
