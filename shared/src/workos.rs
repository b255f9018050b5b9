//! WorkOS: accounts, the organizations they belong to, and every way to sign in.
//!
//! | part | what it is |
//! |---|---|
//! | [`Application`] | the application at WorkOS as everybody may know it: keys, issuers, logout address |
//! | [`Authorization`] | the address at WorkOS where a browser goes to sign in |
//! | [`WorkOs`] | WorkOS's API, behind our key: users, codes, the four grants, organizations |
//! | [`Authentication`] | what a grant brings: the user and the session's tokens |
//! | [`AuthenticateError`] | every refusal of a grant, and what it means for whoever asked |
//! | [`Sessions`] | who a request comes from, and the session's renewal, switch and end |
//! | [`Redirects`], [`SignIns`] | signing in, from the first step to the session |
//! | [`Cookies`] | what a browser keeps: its session, the sign-ins it has begun, its pending choices |
//! | [`User`], [`Organization`], [`Connection`] | what WorkOS knows of them, as far as it is used here |
//! | [`Email`], [`MagicCode`] | what people type in, checked |
//!
//! Each part reads only the settings that it cannot do without: what makes an address for the
//! browser has no use for the API key, and a function built of such parts alone does not ask for it.

mod api;
mod cookies;
mod session;
mod sign_in;

pub use api::{
    Application, AuthenticateError, Authentication, ChoosingUser, Connection, ConnectionId,
    CreateUserError, Email, Grant, Impersonator, MagicCode, MailboxlessError, Metadata,
    OfferedOrganization, Organization, OrganizationChoice, OrganizationId, Profile, Requirement,
    SendCodeError, SessionId, User, UserId, WorkOs,
};
pub use cookies::{
    CookieError, Cookies, NewSignIn, PendingCookies, PendingError, SealedSession, SessionCookie,
    SessionCookieError, SignIn, SignInCookies, SignInError,
};
pub use session::{AccessToken, AccessTokenError, Session, Sessions};
pub use sign_in::{
    AuthData, Authorization, OneTimeToken, Outcome, Redirect, Redirects, SignInWith, SignIns,
};
