//! Verifies WorkOS's access tokens.
//! <https://workos.com/docs/reference/authkit/session-tokens/access-token>

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::api::ApiError;
use crate::clock::{Clock, Timestamp};
use crate::json;
use crate::jwks::KeyCache;
use crate::jwt::{Claims, Lifetime, Token, TokenError, Untimely};
use crate::provider::{Failure, ProviderError};
use crate::workos::{Application, Impersonator, OrganizationId, SessionId, UserId};

/// The leeway for a WorkOS clock that is ahead of ours. Expiry has none: WorkOS may have ended the
/// session by then, and a browser's token is refreshed well before.
const LEEWAY: Duration = Duration::from_secs(5);

/// The prefix of session ids. WorkOS signs other tokens with the same keys, and their `sid` has
/// another prefix.
const SESSION_PREFIX: &str = "session_";

/// How long before its expiry a token is refreshed early, unless [`EARLY_REFRESH_SHARE`] of its
/// lifetime is shorter.
const EARLY_REFRESH_WINDOW: Duration = Duration::from_mins(1);

/// The last fifth of a token's lifetime.
const EARLY_REFRESH_SHARE: u32 = 5;

/// The claims of a verified access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The user.
    pub user_id: UserId,
    /// The session. It stays the same when the token is refreshed.
    pub session_id: SessionId,
    /// The organization that the session acts in, if any.
    pub organization_id: Option<OrganizationId>,
    /// The user's role there.
    pub role: Option<String>,
    /// The permissions of the role, as slugs.
    pub permissions: Vec<String>,
    /// The administrator who impersonates the user, if any.
    pub impersonator: Option<Impersonator>,
    /// When it expires.
    pub expires: Timestamp,
    /// The time from issue to expiry, if the token has `iat`.
    lifetime: Option<Duration>,
    /// All claims, unless the signature was not checked.
    claims: Option<Claims>,
}

/// The claims that describe a session and give access to nothing here. A claim that the token
/// lacks, or that has an unexpected type, is `None`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SessionDetails {
    /// All roles of the user in the organization, as slugs.
    #[serde(default, deserialize_with = "readable_texts")]
    pub roles: Option<Vec<String>>,
    /// The permissions of these roles, as slugs.
    #[serde(default, deserialize_with = "readable_texts")]
    pub permissions: Option<Vec<String>>,
    /// What the organization has paid for, as slugs.
    #[serde(default, deserialize_with = "readable_texts")]
    pub entitlements: Option<Vec<String>>,
    /// The feature flags that are on, as slugs.
    #[serde(default, deserialize_with = "readable_texts")]
    pub feature_flags: Option<Vec<String>>,
    /// When the user signed in.
    #[serde(default, rename = "auth_time", deserialize_with = "json::or_default")]
    pub authenticated: Option<Timestamp>,
}

/// Reads a list without the items that are no texts. `None` for anything else.
fn readable_texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let items: Option<Vec<Box<RawValue>>> = json::or_default(deserializer)?;
    Ok(items.map(|items| items.iter().filter_map(|item| text(item)).collect()))
}

impl AccessToken {
    /// The claims that describe the session. They are read only now, since most endpoints have no
    /// use for them, and there may be hundreds of flags.
    pub fn details(&self) -> SessionDetails {
        let details = self.claims.as_ref().and_then(|claims| claims.read().ok());
        details.unwrap_or_default()
    }

    /// How long before its end it is refreshed early.
    pub(super) fn early_refresh_window(&self) -> Duration {
        let share = self.lifetime.map_or(Duration::MAX, |lifetime| lifetime / EARLY_REFRESH_SHARE);
        EARLY_REFRESH_WINDOW.min(share)
    }
}

/// The result of verifying a genuine access token.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It is valid.
    Good(AccessToken),
    /// It has expired.
    Expired(AccessToken),
}

/// Why an access token is rejected.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccessTokenError {
    /// The format, the algorithm or the signature is wrong.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// WorkOS has no such signing key.
    #[error("the token's signing key is unknown")]
    UnknownKey,
    /// The issuer is not WorkOS for this application.
    #[error("the token's issuer is not WorkOS for this application")]
    Issuer,
    /// It was issued to another application.
    #[error("the token is for another application")]
    OtherApplication,
    /// It is not a session's token, or lacks a claim that every such token has.
    #[error("the token is not a session's access token")]
    NotASession,
    /// It is not valid yet, or our clock is slow.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// WorkOS's keys are not available.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl AccessTokenError {
    /// Whether WorkOS has no such key, or did not have it a moment ago.
    fn is_about_unknown_key(&self) -> bool {
        match self {
            Self::UnknownKey => true,
            Self::Provider(error) => matches!(error.failure, Failure::Paused { .. }),
            _ => false,
        }
    }
}

impl From<AccessTokenError> for ApiError {
    fn from(error: AccessTokenError) -> Self {
        match error {
            AccessTokenError::Provider(error) => cannot_tell(error),
            AccessTokenError::NotYetValid => Self::unavailable(error),
            refused => Self::unauthorized("The access token is not valid").with_detail(refused),
        }
    }
}

/// The error for a provider's failure while a session is verified. An unreadable response becomes
/// 503 here, because it says nothing about the session.
pub(super) fn cannot_tell(error: ProviderError) -> ApiError {
    match error.failure {
        Failure::Unreadable(_) => ApiError::unavailable(error),
        _ => error.into(),
    }
}

/// The claims that we check or use. A claim of an unexpected type counts as absent, unless it could
/// have led to a rejection.
#[derive(Deserialize)]
struct AccessClaims {
    #[serde(default, deserialize_with = "json::or_default")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    sub: Option<UserId>,
    #[serde(default, deserialize_with = "json::or_default")]
    sid: Option<SessionId>,
    client_id: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "one_or_several")]
    aud: Vec<String>,
    exp: Option<Box<RawValue>>,
    nbf: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "json::or_default")]
    iat: Option<Timestamp>,
    #[serde(default, deserialize_with = "json::or_default")]
    org_id: Option<OrganizationId>,
    #[serde(default, deserialize_with = "json::or_default")]
    role: Option<String>,
    #[serde(default, deserialize_with = "json::readable_items")]
    permissions: Vec<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    act: Option<Actor>,
}

/// The impersonating actor (RFC 8693, section 4.1).
#[derive(Deserialize)]
struct Actor {
    sub: String,
}

/// Reads a string or a list of strings (RFC 7519, section 4.1.3).
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = Box::<RawValue>::deserialize(deserializer)?;
    match serde_json::from_str(value.get()) {
        Ok(one) => Ok(vec![one]),
        Err(_) => Ok(json::readable_items(&*value).unwrap_or_default()),
    }
}

impl AccessClaims {
    /// The token with these claims, if it is for a session with this application, and its lifetime.
    fn check(self, application: &Application) -> Result<(AccessToken, Lifetime), AccessTokenError> {
        if !self.iss.is_some_and(|issuer| application.is_issuer(&issuer)) {
            return Err(AccessTokenError::Issuer);
        }
        let is_own = |id: &str| id == application.client_id();
        let for_other_client =
            self.client_id.is_some_and(|id| !text(&id).is_some_and(|id| is_own(&id)));
        let names_client = |audience: &&String| {
            audience.starts_with("client_") || audience.starts_with("project_")
        };
        let for_other_audience = self.aud.iter().any(|audience| names_client(&audience))
            && !self.aud.iter().any(|audience| is_own(audience));
        if for_other_client || for_other_audience {
            return Err(AccessTokenError::OtherApplication);
        }
        let session_id = self.sid.filter(|id| id.as_str().starts_with(SESSION_PREFIX));
        let (Some(user_id), Some(session_id), Some(exp)) =
            (self.sub, session_id, self.exp.as_deref().and_then(number))
        else {
            return Err(AccessTokenError::NotASession);
        };
        let nbf = match self.nbf {
            Some(nbf) => Some(number(&nbf).ok_or(AccessTokenError::NotASession)?),
            None => None,
        };
        let token = AccessToken {
            user_id,
            session_id,
            organization_id: self.org_id,
            role: self.role,
            permissions: self.permissions,
            impersonator: self.act.map(|actor| Impersonator { email: actor.sub, reason: None }),
            expires: exp,
            lifetime: self.iat.map(|iat| exp.since(iat)).filter(|lifetime| !lifetime.is_zero()),
            claims: None,
        };
        // `iat` never rejects a token, because clocks differ.
        Ok((token, Lifetime { exp, nbf, iat: None }))
    }
}

fn number(value: &RawValue) -> Option<Timestamp> {
    serde_json::from_str(value.get()).ok()
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// Verifies access tokens with cached keys.
#[derive(Debug)]
pub(super) struct AccessTokens {
    application: Application,
    keys: KeyCache,
    clock: Clock,
}

impl AccessTokens {
    pub(super) fn new(application: Application, clock: Clock) -> Self {
        Self { application, keys: KeyCache::new("workos", clock.clone()), clock }
    }

    pub(super) async fn prefetch_keys(&self) {
        self.keys.prefetch(self.application.signing_keys()).await;
    }

    /// Verifies a token: its signature, then its issuer and type, then its lifetime.
    pub(super) async fn judge(&self, text: &str) -> Result<Verdict, AccessTokenError> {
        let claims = self.verify(text).await?;
        self.verdict(claims.read()?, Some(claims))
    }

    /// Verifies the token in a genuine seal. The seal vouches for it, so an expired token counts as
    /// expired even if its key has been retired.
    pub(super) async fn judge_sealed(&self, text: &str) -> Result<Verdict, AccessTokenError> {
        let error = match self.verify(text).await {
            Ok(claims) => return self.verdict(claims.read()?, Some(claims)),
            Err(error) => error,
        };
        if error.is_about_unknown_key()
            && let verdict @ Ok(Verdict::Expired(_)) = self.unverified(text)
        {
            return verdict;
        }
        Err(error)
    }

    /// Checks a token's claims without its signature. Use it only if a genuine seal vouches for the
    /// token.
    pub(super) fn unverified(&self, text: &str) -> Result<Verdict, AccessTokenError> {
        self.verdict(Token::parse(text)?.unverified_claims()?, None)
    }

    async fn verify(&self, text: &str) -> Result<Claims, AccessTokenError> {
        let token = Token::parse(text)?;
        token.check_header()?;
        let header = token.header();
        if header.typ.as_deref().is_some_and(|typ| !is_access_token(typ)) {
            return Err(AccessTokenError::NotASession);
        }
        let kid = header.kid.as_deref().ok_or(AccessTokenError::UnknownKey)?;
        let key = self.keys.key(kid, self.application.signing_keys()).await?;
        Ok(token.verify(&key.ok_or(AccessTokenError::UnknownKey)?)?)
    }

    fn verdict(
        &self,
        claims: AccessClaims,
        all: Option<Claims>,
    ) -> Result<Verdict, AccessTokenError> {
        let (token, lifetime) = claims.check(&self.application)?;
        let token = AccessToken { claims: all, ..token };
        let now = self.clock.now();
        match lifetime.check(now, LEEWAY) {
            Ok(()) if token.expires <= now => Ok(Verdict::Expired(token)),
            Ok(()) => Ok(Verdict::Good(token)),
            Err(Untimely::Expired) => Ok(Verdict::Expired(token)),
            Err(Untimely::NotYet) => Err(AccessTokenError::NotYetValid),
        }
    }
}

/// `at+jwt` is RFC 9068's name for an access token.
fn is_access_token(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::settings::Settings;

    const OWN: &str = "client_01OWN";

    #[allow(clippy::needless_pass_by_value, reason = "tables of `json!` read better without `&`")]
    fn check(changes: Value) -> Result<AccessToken, AccessTokenError> {
        let mut claims = json!({
            "iss": "https://api.workos.com", "sub": "user_01", "sid": "session_01", "exp": 1000,
        });
        for (name, value) in changes.as_object().expect("changes") {
            claims[name] = value.clone();
        }
        check_text(&claims.to_string())
    }

    fn check_text(claims: &str) -> Result<AccessToken, AccessTokenError> {
        let pairs = [("WORKOS_CLIENT_ID", OWN)];
        let mut settings = Settings::from_pairs(pairs, Clock::fixed(0)).expect("settings");
        let application = Application::configure(&mut settings).expect("an application");
        let claims: AccessClaims = json::from_slice(claims.as_bytes()).expect("claims");
        claims.check(&application).map(|(token, _)| token)
    }

    #[test]
    fn a_token_of_another_application_is_refused() {
        for (changes, own) in [
            (json!({"client_id": OWN}), true),
            (json!({"client_id": null}), true),
            (json!({"client_id": "client_01OTHER"}), false),
            (json!({"client_id": ""}), false),
            (json!({"client_id": 17}), false),
            (json!({"client_id": [OWN]}), false),
            (json!({"aud": OWN}), true),
            (json!({"aud": [OWN, "client_01OTHER"]}), true),
            (json!({"aud": "https://api.example.com"}), true),
            (json!({"aud": ["https://api.example.com", 17]}), true),
            (json!({"aud": null}), true),
            (json!({"aud": 17}), true),
            (json!({"aud": []}), true),
            (json!({"aud": "client_01OTHER"}), false),
            (json!({"aud": ["https://api.example.com", "client_01OTHER"]}), false),
            (json!({"aud": "project_01OTHER"}), false),
            (json!({"aud": OWN, "client_id": "client_01OTHER"}), false),
            (json!({"client_id": OWN, "aud": "client_01OTHER"}), false),
        ] {
            let refused = matches!(check(changes.clone()), Err(AccessTokenError::OtherApplication));
            assert_eq!(refused, !own, "{changes}");
        }
    }

    #[test]
    fn only_a_sessions_token_counts() {
        for (changes, good) in [
            (json!({"sid": "session_01"}), true),
            (json!({"sid": "app_consent_01"}), false),
            (json!({"sid": "SESSION_01"}), false),
            (json!({"sid": ""}), false),
            (json!({"sid": null}), false),
            (json!({"sid": 1}), false),
            (json!({"sub": null}), false),
            (json!({"sub": ["user_01"]}), false),
            (json!({"exp": null}), false),
            (json!({"exp": "1000"}), false),
            (json!({"nbf": "1000"}), false),
            (json!({"nbf": null}), true),
            (json!({"nbf": 999.5}), true),
        ] {
            let refused = matches!(check(changes.clone()), Err(AccessTokenError::NotASession));
            assert_eq!(refused, !good, "{changes}");
        }
    }

    #[test]
    fn a_claim_of_an_unexpected_type_is_absent() {
        let odd = json!({
            "permissions": null, "role": 5, "org_id": "", "iat": "yesterday", "act": "somebody",
            "entitlements": {"a": []},
        });
        let token = check(odd).expect("good");
        assert_eq!((token.permissions, token.role, token.lifetime), (vec![], None, None));
        assert!(token.organization_id.is_none() && token.impersonator.is_none());

        let some = json!({"permissions": ["a", 1, null, "b"], "act": {"sub": "admin@example.com"}});
        let token = check(some).expect("good");
        assert_eq!(token.permissions, ["a", "b"]);
        assert_eq!(token.impersonator.expect("somebody").email, "admin@example.com");
    }

    #[test]
    fn a_detail_of_an_unexpected_type_is_absent() {
        let details = |claims: Value| -> SessionDetails {
            json::from_slice(claims.to_string().as_bytes()).expect("details")
        };
        let some = details(json!({
            "roles": ["admin", 1, null], "entitlements": [], "feature_flags": ["a", "b"],
            "auth_time": 1_700_000_000,
        }));
        assert_eq!(some.roles, Some(vec!["admin".to_owned()]));
        assert_eq!(some.entitlements, Some(vec![]));
        assert_eq!(some.feature_flags.map(|flags| flags.len()), Some(2));
        assert_eq!(some.authenticated.map(Timestamp::whole_seconds), Some(1_700_000_000));
        for odd in [json!(null), json!("admin"), json!({"a": []}), json!(true)] {
            let odd = details(json!({
                "roles": odd, "entitlements": odd, "feature_flags": odd, "auth_time": odd,
            }));
            assert!(odd.roles.is_none() && odd.entitlements.is_none());
            assert!(odd.feature_flags.is_none() && odd.authenticated.is_none());
        }
    }

    #[test]
    fn claims_that_nobody_reads_may_hold_anything() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        let own = r#""iss":"https://api.workos.com","sub":"user_01","sid":"session_01","exp":1000"#;
        for odd in ["\"\\ud83d\"", "1e400", deep.as_str()] {
            for name in ["other", "iat", "role", "permissions", "act", "org_id", "aud"] {
                let claims = format!(r#"{{{own},"{name}":{odd}}}"#);
                assert!(check_text(&claims).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn the_last_minute_or_the_last_fifth_is_early() {
        for (iat, early) in [
            (json!(700), 60),
            (json!(940), 12),
            (json!(900), 20),
            (json!(0), 60),
            (json!(null), 60),
            (json!("700"), 60),
            (json!(1000), 60),
            (json!(5000), 60),
        ] {
            let token = check(json!({ "iat": iat })).expect("good");
            assert_eq!(token.early_refresh_window(), Duration::from_secs(early), "{iat}");
        }
    }

    #[test]
    fn names_of_types_are_compared_in_any_case() {
        for (typ, good) in [
            ("JWT", true),
            ("jwt", true),
            ("at+jwt", true),
            ("AT+JWT", true),
            ("", false),
            ("dpop+jwt", false),
            ("at+jwt ", false),
        ] {
            assert_eq!(is_access_token(typ), good, "{typ}");
        }
    }
}
