//! WorkOS: accounts, organizations, sessions and sign-in.
//!
//! | to | start with |
//! |---|---|
//! | find out who sent a request | [`Sessions`], which returns a [`Session`] |
//! | send a browser to a sign-in page | [`Redirects`], which returns a [`Redirect`] |
//! | send a one-time code, or create an account | [`WorkOs`] |
//! | complete a sign-in | [`SignIns`], which returns an [`Outcome`] |
//! | read an e-mail address or a code from a caller | [`Email`], [`MagicCode`] |
//!
//! Each type reads only the settings that it needs. [`Redirects`], for example, does not need the
//! API key, so a function that only redirects starts without one.
//!
//! # Who is signed in
//! ```
//! # use anteroom::api::{ApiError, Reply, Request};
//! # use anteroom::workos::{Sessions, UserId};
//! async fn handle(sessions: &Sessions, request: &Request) -> Result<Reply<UserId>, ApiError> {
//!     let session = sessions.session(request).await?; // 401 without a valid session
//!     Ok(Reply::ok(session.token().user_id.clone()))
//! }
//! ```
//! If the access token has expired or soon will, [`Sessions::session`] refreshes the session. The
//! new cookie is sent with the response, even if that is an error.
//!
//! # Sending a browser to a sign-in page
//! ```
//! # use anteroom::api::{ApiError, Reply, Request};
//! # use anteroom::workos::{AuthData, Redirect, Redirects, SignInHints, SignInWith};
//! async fn handle(
//!     redirects: &Redirects,
//!     request: &Request,
//! ) -> Result<Reply<AuthData<Redirect>>, ApiError> {
//!     let hints = SignInHints::default();
//!     let auth_data = redirects.begin(request.headers(), &SignInWith::Google, &hints).await?;
//!     Ok(Reply::ok(AuthData { auth_data }))
//! }
//! ```
//!
//! # Completing a sign-in
//! ```
//! # use anteroom::api::{ApiError, Reply, Request};
//! # use anteroom::workos::{Email, MagicCode, Outcome, SignIns};
//! async fn handle(
//!     sign_ins: &SignIns,
//!     request: &Request,
//!     email: &Email,
//!     code: &MagicCode,
//! ) -> Result<Reply<Outcome>, ApiError> {
//!     // Sets the session's cookie, unless the user has to choose an organization first.
//!     Ok(Reply::ok(sign_ins.finish_magic_auth(request.headers(), email, code, None).await?))
//! }
//! ```
//!
//! # Limits
//! - A call times out after four seconds. A refresh is retried while the request has time; a code
//!   is sent only once.
//! - Lists are read up to five pages of 100 entries each.
//! - The session's cookie has up to 4,096 bytes; all cookies together stay under 8 KiB.
//! - A sign-in on WorkOS's pages may take ten minutes, the choice of an organization an hour.
//! - A rejected refresh is remembered for a minute.
//!
//! # Where the rules come from
//! | rules | source |
//! |---|---|
//! | calls and errors | <https://workos.com/docs/reference> |
//! | access tokens | <https://workos.com/docs/reference/authkit/session-tokens>, RFC 7519, RFC 9068 |
//! | the session's cookie | `@workos-inc/node`, [`cookie_seal`](crate::cookie_seal), RFC 6265 |
//! | sign-ins on WorkOS's pages | RFC 6749, RFC 7636 |

mod api;
mod cookies;
mod session;
mod sign_in;

pub use api::{
    Application, AuthenticateError, Authentication, ChoosingUser, Connection, ConnectionId,
    CreateUserError, DevSignInError, Email, Grant, Impersonator, InvitationToken, MagicCode,
    Metadata, OfferedOrganization, Organization, OrganizationChoice, OrganizationId, Profile,
    Requirement, SendCodeError, SessionId, User, UserId, WorkOs,
};
pub use cookies::{
    CookieError, Cookies, NewSignIn, PendingCookies, PendingError, SealedSession, SessionCookie,
    SessionCookieError, SignIn, SignInCookies, SignInError,
};
pub use session::{AccessToken, AccessTokenError, Session, SessionDetails, Sessions};
pub use sign_in::{
    AuthData, Authorization, OneTimeToken, Outcome, Redirect, Redirects, ScreenHint, SignInHints,
    SignInWith, SignIns,
};
