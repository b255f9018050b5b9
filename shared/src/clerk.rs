//! Clerk: session tokens, users, and the auth state of a request.
//!
//! The Rust equivalents of Clerk's `getAuth()` and `clerkClient`:
//!
//! | Clerk's SDK | here |
//! |---|---|
//! | `getAuth(req)` | [`Clerk::auth`], which returns an [`Auth`] |
//! | protect a route | [`Auth::require`] |
//! | `getToken()` | [`SignedIn::token`] |
//! | `getToken({ template })` | [`SignedIn::token_from_template`] |
//! | `clerkClient.users.getUser(userId)` | [`Clerk::users`], then [`Users::user`] |
//!
//! # Who is signed in
//! ```
//! # use anteroom::api::{ApiError, Request};
//! # use anteroom::clerk::Clerk;
//! async fn whose_request(clerk: &Clerk, request: &Request) -> Result<Option<String>, ApiError> {
//!     let auth = clerk.auth(request).await?;
//!     Ok(auth.user_id().map(ToString::to_string))
//! }
//! ```
//!
//! # Protecting a route
//! ```
//! # use anteroom::api::{ApiError, Reply, Request};
//! # use anteroom::clerk::Clerk;
//! async fn handle(clerk: &Clerk, request: &Request) -> Result<Reply<String>, ApiError> {
//!     let session = clerk.auth(request).await?.require()?; // 401 without a valid session
//!     Ok(Reply::ok(session.user_id().to_string()))
//! }
//! ```
//!
//! # The session's token, and one made from a template
//! ```
//! # use anteroom::api::{ApiError, Request};
//! # use anteroom::clerk::Clerk;
//! # use secrecy::SecretString;
//! async fn tokens(clerk: &Clerk, request: &Request) -> Result<[SecretString; 2], ApiError> {
//!     let session = clerk.auth(request).await?.require()?;
//!     let own = session.token().clone();
//!     let database = session.token_from_template("supabase").await?;
//!     Ok([own, database])
//! }
//! ```
//!
//! # The user
//! ```
//! # use anteroom::api::{ApiError, Request};
//! # use anteroom::clerk::{Clerk, User};
//! async fn user(clerk: &Clerk, request: &Request) -> Result<Option<User>, ApiError> {
//!     let session = clerk.auth(request).await?.require()?;
//!     Ok(clerk.users().user(session.user_id()).await?)
//! }
//! ```

mod backend;
mod client;
mod cookies;
mod ids;
mod organization;
mod publishable_key;
mod refusal;
mod session;
mod user;

pub use backend::{TemplateError, Users};
pub use client::Clerk;
pub use ids::{SessionId, UserId};
pub use organization::Organization;
pub use publishable_key::PublishableKey;
pub use refusal::ClerkRefusal;
pub use session::{Auth, AuthError, SignedIn, SignedOut};
pub use user::{Blocked, EmailAddress, User};
