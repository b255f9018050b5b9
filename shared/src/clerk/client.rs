//! [`Clerk`]: the settings of one application at Clerk, its keys and its connections.

use std::borrow::Cow;
use std::sync::Arc;

use crate::api::Request;
use crate::clerk::backend::Backend;
use crate::clerk::session::{SigningKeys, Verifier};
use crate::clerk::{Auth, AuthError, PublishableKey, Users};
use crate::jwks::KeyCache;
use crate::jwt::Rs256Key;
use crate::provider::Provider;
use crate::secrets::{Secret, secret_key_form};
use crate::settings::{Incomplete, Settings};

/// The setting with the key to Clerk's Backend API.
const SECRET_KEY: &str = "CLERK_SECRET_KEY";

/// What an endpoint does with Clerk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Sessions,
    Everything,
}

/// The client of one application at Clerk. Clones share keys and connections.
#[derive(Clone, Debug)]
pub struct Clerk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Arc<Backend>,
    verifier: Verifier,
}

impl Clerk {
    /// For an endpoint that reads users: opens a connection while the function starts. Reads
    /// `CLERK_PUBLISHABLE_KEY`, `CLERK_SECRET_KEY` (or `CLERK_SECRET_ID`),
    /// `CLERK_AUTHORIZED_PARTIES` (or `ALLOWED_ORIGINS`), and, if set, `CLERK_JWT_KEY`,
    /// `CLERK_ISSUER` and `CLERK_API_URL`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        Self::configure_for(settings, Purpose::Everything)
    }

    /// The same for an endpoint that only verifies sessions. With `CLERK_JWT_KEY`, it never calls
    /// Clerk, and needs no `CLERK_SECRET_KEY`.
    pub fn to_verify(settings: &mut Settings) -> Result<Self, Incomplete> {
        Self::configure_for(settings, Purpose::Sessions)
    }

    fn configure_for(settings: &mut Settings, purpose: Purpose) -> Result<Self, Incomplete> {
        let publishable_key = settings.parsed::<PublishableKey>("CLERK_PUBLISHABLE_KEY");
        // Both keys must belong to the same instance; otherwise every user would be "not found".
        let key_form = match publishable_key.as_ref().map(PublishableKey::is_production) {
            Ok(true) => live_key_form,
            Ok(false) => test_key_form,
            Err(_) => secret_key_form,
        };
        let calls_clerk =
            purpose == Purpose::Everything || settings.optional("CLERK_JWT_KEY").is_none();
        let key = if calls_clerk || settings.optional(SECRET_KEY).is_some() {
            settings.secret(SECRET_KEY, "CLERK_SECRET_ID", key_form)
        } else {
            Ok(Secret::unused(SECRET_KEY))
        };
        let base = settings.base_url("CLERK_API_URL", "https://api.clerk.com");
        let signing_keys = signing_keys(settings);
        let authorized_parties = authorized_parties(settings);
        let default_issuer = match &publishable_key {
            Ok(key) => format!("https://{}", key.host()),
            // The missing key is reported, and so is an issuer that is malformed, if it is set.
            Err(_) => "https://localhost".to_owned(),
        };
        let issuer = settings.address("CLERK_ISSUER", &default_issuer);
        let publishable_key = publishable_key?;
        let provider = Provider::new("clerk", base?, settings);
        if calls_clerk {
            provider.open_ahead(settings);
        }
        let backend = Arc::new(Backend::new(provider.with_key(key?)));
        Ok(Self(Arc::new(Inner {
            backend: Arc::clone(&backend),
            verifier: Verifier {
                backend,
                // Clerk writes its issuer without the trailing slash that `Url` adds.
                issuer: issuer?.as_str().trim_end_matches('/').to_owned(),
                publishable_key,
                authorized_parties: authorized_parties?,
                keys: signing_keys?,
                clock: settings.clock(),
            },
        })))
    }

    /// The auth state of a request: the signed-in user, or the reason why nobody is signed in.
    ///
    /// The token is taken from `Authorization: Bearer`, else from the cookie `__session`. It is
    /// verified the way Clerk's backend SDK does it, and the issuer is checked too. A token without
    /// `azp` is rejected, unless it is in a cookie and the request's `Origin` is an authorized
    /// party.
    ///
    /// # Errors
    /// [`AuthError::Refused`] for a token that is forged, foreign, malformed or not valid yet;
    /// [`AuthError::Provider`] if Clerk's keys are unavailable, which says nothing about the
    /// caller.
    pub async fn auth(&self, request: &Request) -> Result<Auth, AuthError> {
        self.0.verifier.auth(request.headers()).await
    }

    /// Clerk's users. They cannot be read if this is from [`Clerk::to_verify`].
    pub fn users(&self) -> Users<'_> {
        Users(&self.0.backend)
    }

    /// Fetches the signing keys before the first request, unless `CLERK_JWT_KEY` is set.
    pub async fn prefetch_keys(&self) {
        if let SigningKeys::Published(keys) = &self.0.verifier.keys {
            keys.prefetch(self.0.backend.signing_keys()).await;
        }
    }
}

fn live_key_form(key: &str) -> Result<(), &'static str> {
    if key.starts_with("sk_test_") {
        return Err("a live key like CLERK_PUBLISHABLE_KEY (pk_live_…)");
    }
    secret_key_form(key)
}

fn test_key_form(key: &str) -> Result<(), &'static str> {
    if key.starts_with("sk_live_") {
        return Err("a test key like CLERK_PUBLISHABLE_KEY (pk_test_…)");
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

/// A public key as a complete PEM. As in Clerk's SDK, the BEGIN and END lines may be missing, and
/// line breaks may be spaces or a literal `\n`, for variables that cannot hold line breaks.
fn whole_pem(key: &str) -> String {
    const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
    const END: &str = "-----END PUBLIC KEY-----";
    // Few keys have any: one look at every start is cheaper than two searches.
    let lines = if key.contains('\\') {
        Cow::Owned(key.replace("\\r", "\n").replace("\\n", "\n"))
    } else {
        Cow::Borrowed(key)
    };
    let body = lines.trim();
    let body = body.strip_prefix(BEGIN).unwrap_or(body);
    let body = body.strip_suffix(END).unwrap_or(body);
    // Base64 has no hyphen. A key of another type keeps its BEGIN and END lines, which name the type.
    if body.contains('-') {
        return lines.into_owned();
    }
    let body: String = body.split_whitespace().collect();
    format!("{BEGIN}\n{body}\n{END}\n")
}

fn authorized_parties(settings: &mut Settings) -> Result<Vec<String>, Incomplete> {
    let parties = settings.origins("CLERK_AUTHORIZED_PARTIES");
    // `ALLOWED_ORIGINS` is checked and reported elsewhere, for every function.
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
