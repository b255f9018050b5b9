//! Clerk: who is signed in, and what Clerk knows of them.
//!
//! What Clerk's own helper `getAuth()` offers, in Rust's manner:
//!
//! | there | here |
//! |---|---|
//! | `getAuth(req)` | [`Clerk::auth`], which gives an [`Auth`] |
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
//!     let session = clerk.auth(request).await?.require()?; // 401 for whoever is not signed in
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
mod cookies;
mod organization;
mod publishable_key;
mod refusal;
mod session;
mod user;

use std::sync::Arc;

use secrecy::SecretString;

pub use backend::{TemplateError, Users};
pub use organization::Organization;
pub use publishable_key::PublishableKey;
pub use refusal::Refusal;
pub use session::{Auth, AuthError, SessionId, SignedIn, SignedOut, UserId};
pub use user::{Blocked, EmailAddress, User};

use crate::api::Request;
use crate::jwks::KeyCache;
use crate::jwt::Rs256Key;
use crate::provider::Provider;
use crate::secrets::secret_key_form;
use crate::settings::{Incomplete, Settings};
use backend::Backend;
use session::{SigningKeys, Verifier};

/// Clerk, as one application sees it. Clones share keys and connections.
#[derive(Clone, Debug)]
pub struct Clerk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Backend,
    verifier: Verifier,
}

impl Clerk {
    /// Reads `CLERK_PUBLISHABLE_KEY`, `CLERK_SECRET_KEY` (or `CLERK_SECRET_ID`),
    /// `CLERK_AUTHORIZED_PARTIES` (or `ALLOWED_ORIGINS`), and where they are set `CLERK_JWT_KEY`,
    /// `CLERK_ISSUER` and `CLERK_API_URL`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let publishable_key = settings.parsed::<PublishableKey>("CLERK_PUBLISHABLE_KEY");
        // The two are of one instance: the other's users would all be "not found".
        let key_form = match publishable_key.as_ref().map(PublishableKey::is_production) {
            Ok(true) => live_key_form,
            Ok(false) => test_key_form,
            Err(_) => secret_key_form,
        };
        let key = settings.secret("CLERK_SECRET_KEY", "CLERK_SECRET_ID", key_form);
        let base = settings.base_url("CLERK_API_URL", "https://api.clerk.com");
        let signing_keys = signing_keys(settings);
        let authorized_parties = authorized_parties(settings);
        let publishable_key = publishable_key?;
        let default_issuer = format!("https://{}", publishable_key.host());
        let issuer = settings.address("CLERK_ISSUER", &default_issuer);
        Ok(Self(Arc::new(Inner {
            backend: Backend::new(
                Provider {
                    name: "clerk",
                    base: base?,
                    http: settings.http(),
                    clock: settings.clock(),
                }
                .with_key(key?),
            ),
            verifier: Verifier {
                // Clerk writes it without the slash that an address ends in.
                issuer: issuer?.as_str().trim_end_matches('/').to_owned(),
                publishable_key,
                authorized_parties: authorized_parties?,
                keys: signing_keys?,
                clock: settings.clock(),
            },
        })))
    }

    /// The auth state of a request: who is signed in, or that nobody is.
    ///
    /// The token is taken from `Authorization: Bearer`, else from the cookie `__session`. It is
    /// checked as Clerk's backend SDK checks it, and for its issuer too. A token without `azp` is
    /// refused, unless it is in a cookie and the request's `Origin` is an authorized party.
    ///
    /// # Errors
    /// [`AuthError::Refused`] for a token that is forged, foreign, malformed or not valid yet;
    /// [`AuthError::Provider`] when Clerk's keys cannot be had, which says nothing of the caller.
    pub async fn auth(&self, request: &Request) -> Result<Auth, AuthError> {
        session::auth(self, request.headers()).await
    }

    /// Clerk's users.
    pub fn users(&self) -> Users<'_> {
        Users(&self.0.backend)
    }

    /// Fetches the signing keys, where they are fetched at all, ahead of the first request.
    pub async fn prefetch_keys(&self) {
        if let SigningKeys::Published(keys) = &self.0.verifier.keys {
            keys.prefetch(self.0.backend.signing_keys()).await;
        }
    }

    async fn session_token(
        &self,
        session: &SessionId,
        template: &str,
    ) -> Result<SecretString, TemplateError> {
        self.0.backend.session_token(session, template).await
    }
}

fn live_key_form(key: &str) -> Result<(), &'static str> {
    if key.starts_with("sk_test_") {
        return Err("of the kind of CLERK_PUBLISHABLE_KEY, which is pk_live_…");
    }
    secret_key_form(key)
}

fn test_key_form(key: &str) -> Result<(), &'static str> {
    if key.starts_with("sk_live_") {
        return Err("of the kind of CLERK_PUBLISHABLE_KEY, which is pk_test_…");
    }
    secret_key_form(key)
}

fn signing_keys(settings: &mut Settings) -> Result<SigningKeys, Incomplete> {
    let Some(key) = settings.optional("CLERK_JWT_KEY").map(whole_pem) else {
        return Ok(SigningKeys::Published(KeyCache::new("clerk", settings.clock())));
    };
    match Rs256Key::from_pem(&key) {
        Some(key) => Ok(SigningKeys::Fixed(key)),
        None => Err(settings.problem("CLERK_JWT_KEY is not an RSA public key in PEM form")),
    }
}

/// A public key in PEM form, as Clerk's SDK takes it too: the lines around it may be missing, and
/// breaks between lines may be blanks or written as `\n`, where a variable cannot hold them.
fn whole_pem(key: &str) -> String {
    const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
    const END: &str = "-----END PUBLIC KEY-----";
    let lines = key.replace("\\r", "\n").replace("\\n", "\n");
    let body = lines.trim();
    let body = body.strip_prefix(BEGIN).unwrap_or(body);
    let body = body.strip_suffix(END).unwrap_or(body);
    // A key of another kind keeps the lines around it, which say so.
    if body.contains("-----") {
        return lines;
    }
    let body: String = body.split_whitespace().collect();
    format!("{BEGIN}\n{body}\n{END}\n")
}

fn authorized_parties(settings: &mut Settings) -> Result<Vec<String>, Incomplete> {
    let parties = settings.origins("CLERK_AUTHORIZED_PARTIES");
    // The origins are checked and reported with every function's.
    let parties =
        parties.map(|own| if own.is_empty() { settings.list("ALLOWED_ORIGINS") } else { own })?;
    if parties.is_empty() {
        return Err(settings.problem(
            "CLERK_AUTHORIZED_PARTIES is missing (set it, or ALLOWED_ORIGINS, to the front end's \
             origins)",
        ));
    }
    Ok(parties)
}
