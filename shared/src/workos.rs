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

mod access_token;
mod application;
mod authentication;
mod authorization;
mod client;
mod concealment;
mod connection;
mod cookies;
mod email;
mod errors;
mod magic_code;
mod organization;
mod organization_choice;
mod pending_cookie;
mod refusal;
mod renewal;
mod requirement;
mod session;
mod session_cookie;
mod sign_in;
mod sign_in_cookie;
mod ticket;
mod user;

pub use access_token::{AccessToken, AccessTokenError};
pub use application::Application;
pub use authentication::{Authentication, Impersonator, SessionId};
pub use authorization::{Authorization, SignInWith};
pub use client::WorkOs;
pub use connection::{Connection, ConnectionId};
pub use cookies::{CookieError, Cookies};
pub use email::Email;
pub use errors::{AuthenticateError, CreateUserError, Grant, MailboxlessError, SendCodeError};
pub use magic_code::MagicCode;
pub use organization::{Organization, OrganizationId};
pub use organization_choice::{ChoosingUser, OfferedOrganization, OrganizationChoice};
pub use pending_cookie::{PendingCookies, PendingError};
pub use requirement::Requirement;
pub use session::{Session, Sessions};
pub use session_cookie::{SealedSession, SessionCookie, SessionCookieError};
pub use sign_in::{AuthData, OneTimeToken, Outcome, Redirect, Redirects, SignIns};
pub use sign_in_cookie::{NewSignIn, SignIn, SignInCookies, SignInError};
pub use user::{Metadata, Profile, User, UserId};
