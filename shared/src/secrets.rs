//! Secrets from variables or from AWS Secrets Manager.
//!
//! A secret in Secrets Manager is a JSON object that holds several values by name. It is fetched
//! once for all of them, cached for [`MAX_AGE`], and fetched again when it is older or when a
//! provider rejects a value, so that a rotation needs no deployment and no request fails. While
//! Secrets Manager is unreachable, the cached values are used. A seal or signature that matches no
//! value counts as foreign only after the secret has been fetched again, because another process
//! may already have the new value.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use crate::aws::{self, AwsAccess};
use crate::clock::{Clock, Timestamp};
use crate::json;
use crate::metrics;
use crate::request_scope::Moment;
use crate::text::is_visible_ascii;

/// How long fetched secrets are used before they are fetched again.
pub const MAX_AGE: Duration = Duration::from_mins(5);

/// The pause after a fetch that failed or returned nothing new, while there are cached values:
/// neither an outage nor a wrong key may slow down every request. Without cached values every
/// request fetches, because it cannot succeed otherwise.
const COOL_DOWN: Duration = Duration::from_secs(5);

/// The minimum interval between fetches for seals or signatures that match no value. Anybody can
/// send such requests, so they wait.
const REREAD_PAUSE: Duration = Duration::from_secs(1);

/// Timeout for Secrets Manager, including retries.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Checks the form of a secret. The error names the expected form.
pub type Check = fn(&str) -> Result<(), &'static str>;

/// Whether a secret key has the form that Clerk, Liveblocks and WorkOS give theirs.
pub(crate) fn secret_key_form(key: &str) -> Result<(), &'static str> {
    if key.starts_with("sk_") && is_visible_ascii(key) {
        Ok(())
    } else {
        Err("a secret key (sk_…)")
    }
}

/// Why a secret cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager is unreachable, failing or rate-limiting us. It may recover soon.
    #[error("Secrets Manager is unreachable: {0}")]
    Unreachable(String),
    /// The secret does not exist, may not be read, or lacks a value.
    #[error("{0}")]
    Misconfigured(String),
}

/// How a value is read, whether from a variable or from Secrets Manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// For keys: without surrounding whitespace, such as an editor's trailing newline.
    Trimmed,
    /// For passwords: byte for byte, because other software reads the same value.
    Exact,
}

impl Reading {
    /// The value in `text`. A blank one counts as absent.
    pub(crate) fn of(self, text: &str) -> Option<&str> {
        let trimmed = text.trim();
        let value = if self == Self::Exact { text } else { trimmed };
        (!trimmed.is_empty()).then_some(value)
    }
}

/// One secret value. Read it for every use, because it may change.
#[derive(Clone, Debug)]
pub struct Secret(Source);

#[derive(Clone, Debug)]
enum Source {
    Fixed(SecretString),
    Unused { name: &'static str },
    Stored { name: &'static str, secret: Arc<StoredSecret> },
}

impl Secret {
    /// A value that does not change during the life of the process.
    pub fn fixed(value: SecretString) -> Self {
        Self(Source::Fixed(value))
    }

    /// A value that the function does not need, and therefore does not ask for.
    pub(crate) fn unused(name: &'static str) -> Self {
        Self(Source::Unused { name })
    }

    /// The value to use now.
    pub async fn read(&self) -> Result<SecretString, SecretError> {
        match &self.0 {
            Source::Fixed(value) => Ok(value.clone()),
            Source::Unused { name } => {
                Err(SecretError::Misconfigured(format!("this function does not read {name}")))
            }
            Source::Stored { name, secret } => secret.value(name).await,
        }
    }

    /// The value to use after a provider has rejected `refused`, if there is another.
    pub async fn after_refusal_of(&self, refused: &SecretString) -> Option<SecretString> {
        match &self.0 {
            Source::Fixed(_) | Source::Unused { .. } => None,
            Source::Stored { name, secret } => secret.newer_value(name, refused).await,
        }
    }

    /// Makes sure that the value was fetched after `arrived`, which may take a fetch and up to a
    /// second of waiting. Call this before you reject something because it does not match the
    /// value; `arrived` is [`request_scope::arrival`](crate::request_scope::arrival).
    ///
    /// # Errors
    /// If it cannot be fetched, so that we cannot tell.
    pub async fn reread_after(&self, arrived: Moment) -> Result<(), SecretError> {
        self.0.reread_after(arrived).await
    }
}

impl Source {
    async fn reread_after(&self, arrived: Moment) -> Result<(), SecretError> {
        match self {
            Self::Fixed(_) | Self::Unused { .. } => Ok(()),
            Self::Stored { secret, .. } => secret.reread_after(arrived).await,
        }
    }
}

/// An optional secret value, which may come and go with a rotation: for example a previous
/// password, while seals made with it are in use.
#[derive(Clone, Debug)]
pub struct OptionalSecret(Option<Source>);

impl OptionalSecret {
    /// An absent value.
    pub fn absent() -> Self {
        Self(None)
    }

    /// A value that is present and does not change during the life of the process.
    pub fn fixed(value: SecretString) -> Self {
        Self(Some(Source::Fixed(value)))
    }

    /// The value to use now, if there is one.
    pub async fn read(&self) -> Result<Option<SecretString>, SecretError> {
        match &self.0 {
            None | Some(Source::Unused { .. }) => Ok(None),
            Some(Source::Fixed(value)) => Ok(Some(value.clone())),
            Some(Source::Stored { name, secret }) => secret.optional_value(name).await,
        }
    }

    /// See [`Secret::after_refusal_of`].
    pub async fn after_refusal_of(&self, refused: &SecretString) -> Option<SecretString> {
        match &self.0 {
            None | Some(Source::Fixed(_) | Source::Unused { .. }) => None,
            Some(Source::Stored { name, secret }) => secret.newer_value(name, refused).await,
        }
    }

    /// See [`Secret::reread_after`].
    pub async fn reread_after(&self, arrived: Moment) -> Result<(), SecretError> {
        match &self.0 {
            None => Ok(()),
            Some(source) => source.reread_after(arrived).await,
        }
    }
}

/// A secret in Secrets Manager: several values, fetched together.
#[derive(Debug)]
pub struct StoredSecret {
    id: String,
    id_variable: &'static str,
    manager: SecretsManager,
    clock: Clock,
    wanted: Mutex<Vec<Wanted>>,
    /// Values of which it must have both or neither.
    pairs: Mutex<Vec<[&'static str; 2]>>,
    cache: Mutex<Cache>,
    /// Held while it is fetched, so that concurrent requests share a fetch. Values at hand can be
    /// read meanwhile.
    fetching: tokio::sync::Mutex<()>,
}

/// Shows that this request is the one that fetches.
type Turn<'a> = tokio::sync::MutexGuard<'a, ()>;

/// A value that a secret should have.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    name: &'static str,
    check: Check,
    reading: Reading,
    optional: bool,
}

/// The wanted values that are present.
type Values = HashMap<&'static str, SecretString>;

impl Wanted {
    /// Its value in a secret, if present, or the problem with it.
    fn find(
        &self,
        fields: &HashMap<String, Box<RawValue>>,
    ) -> Result<Option<SecretString>, String> {
        let Self { name, check, reading, optional } = *self;
        let text =
            fields.get(name).and_then(|field| serde_json::from_str::<String>(field.get()).ok());
        match text.as_deref().and_then(|text| reading.of(text)) {
            None if optional => Ok(None),
            None => Err(format!("the secret lacks {name}")),
            Some(value) => match check(value) {
                Ok(()) => Ok(Some(SecretString::from(value))),
                Err(form) => Err(format!("{name} in the secret is not {form}")),
            },
        }
    }
}

#[derive(Debug, Default)]
struct Cache {
    values: Option<Arc<Values>>,
    fetched: Option<Timestamp>,
    /// When the fetch that returned the values began.
    current_as_of: Option<Moment>,
    /// When the last fetch that failed began, and why it failed.
    failed: Option<(Moment, SecretError)>,
    /// When the last fetch began, successful or not.
    asked: Option<Timestamp>,
    /// The last fetch that failed or returned nothing new.
    fruitless: Option<Timestamp>,
}

impl StoredSecret {
    pub(crate) fn new(
        id: String,
        id_variable: &'static str,
        manager: SecretsManager,
        clock: Clock,
    ) -> Self {
        Self {
            id,
            id_variable,
            manager,
            clock,
            wanted: Mutex::default(),
            pairs: Mutex::default(),
            cache: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The client that fetches it, for another secret.
    pub(crate) fn manager(&self) -> SecretsManager {
        self.manager.clone()
    }

    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.id == id
    }

    /// The value `name` of this secret, which must pass `check`.
    pub(crate) fn secret(
        self: &Arc<Self>,
        name: &'static str,
        reading: Reading,
        check: Check,
    ) -> Secret {
        Secret(self.source(Wanted { name, check, reading, optional: false }))
    }

    /// The value `name` of this secret, which must pass `check` if it is present.
    pub(crate) fn optional_secret(
        self: &Arc<Self>,
        name: &'static str,
        reading: Reading,
        check: Check,
    ) -> OptionalSecret {
        OptionalSecret(Some(self.source(Wanted { name, check, reading, optional: true })))
    }

    /// Rejects this secret if it has only one of the two values.
    pub(crate) fn expect_pair(&self, names: [&'static str; 2]) {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner).push(names);
    }

    fn source(self: &Arc<Self>, wanted: Wanted) -> Source {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).push(wanted);
        Source::Stored { name: wanted.name, secret: Arc::clone(self) }
    }

    /// Fetches the secret at startup, which began at `began`, and returns the problems with it. An
    /// unreachable Secrets Manager is only logged.
    pub(crate) async fn prefetch(&self, began: Moment) -> Vec<String> {
        let turn = self.fetching.lock().await;
        if self.cache().values.is_some() {
            // A concurrent preparation has already fetched it.
            return Vec::new();
        }
        let failure = self.cache().failure_since(began);
        let fetched = match failure {
            Some(error) => Err(error),
            None => self.fetch(&turn).await.map(drop),
        };
        match fetched {
            Ok(()) => Vec::new(),
            Err(SecretError::Misconfigured(problem)) => vec![problem],
            Err(error @ SecretError::Unreachable(_)) => {
                tracing::warn!(secret = self.id_variable, %error, "starting without secrets");
                Vec::new()
            }
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn value(&self, name: &str) -> Result<SecretString, SecretError> {
        let value = self.optional_value(name).await?;
        value.ok_or_else(|| SecretError::Misconfigured(self.missing(name)))
    }

    async fn optional_value(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        let values = self.values().await?;
        Ok(values.get(name).cloned())
    }

    async fn values(&self) -> Result<Arc<Values>, SecretError> {
        let asked = Moment::now();
        let usable = || self.cache().usable(self.clock.now());
        if let Some(values) = usable() {
            return Ok(values);
        }
        let turn = self.fetching.lock().await;
        // Another request may have fetched it in the meantime, or have failed to.
        if let Some(values) = usable() {
            return Ok(values);
        }
        if let Some(error) = self.cache().failure_since(asked) {
            return Err(error);
        }
        let at_hand = self.cache().values.clone();
        match (self.fetch(&turn).await, at_hand) {
            (Err(error), Some(values)) => {
                tracing::warn!(secret = self.id_variable, %error, "using cached secrets");
                Ok(values)
            }
            (fetched, _) => fetched,
        }
    }

    async fn newer_value(&self, name: &str, refused: &SecretString) -> Option<SecretString> {
        let differs = |values: &Values| {
            let value = values.get(name)?;
            (value.expose_secret() != refused.expose_secret()).then(|| value.clone())
        };
        let turn = self.fetching.lock().await;
        // Another request may have fetched the new value in the meantime.
        let at_hand = self.cache().values.clone();
        if let Some(value) = at_hand.as_deref().and_then(differs) {
            return Some(value);
        }
        if self.cache().is_resting(self.clock.now()) {
            return None;
        }
        let newer = match self.fetch(&turn).await {
            Ok(newer) => newer,
            Err(error) => {
                tracing::warn!(secret = self.id_variable, %error, "failed to fetch a newer secret");
                return None;
            }
        };
        let value = differs(&newer);
        if value.is_none() {
            self.cache().fruitless = Some(self.clock.now());
        }
        value
    }

    /// Fetches the secret, unless it has been fetched since `arrived`. Concurrent requests share a
    /// fetch, and its failure. While one waits for its turn, the values at hand can still be read.
    async fn reread_after(&self, arrived: Moment) -> Result<(), SecretError> {
        let mut waited_for = None;
        loop {
            let turn = self.fetching.lock().await;
            let (asked, pause) = {
                let cache = self.cache();
                if cache.current_as_of.is_some_and(|moment| arrived < moment) {
                    return Ok(());
                }
                if let Some(error) = cache.failure_since(arrived) {
                    return Err(error);
                }
                (cache.asked, cache.pause(self.clock.now()))
            };
            if pause.is_zero() || asked == waited_for {
                return self.fetch(&turn).await.map(drop);
            }
            drop(turn);
            tokio::time::sleep(pause).await;
            waited_for = asked;
        }
    }

    async fn fetch(&self, _: &Turn<'_>) -> Result<Arc<Values>, SecretError> {
        let (began, moment) = (self.clock.now(), Moment::now());
        self.cache().asked = Some(began);
        let fetched = self.manager.fetch(&self.id).await;
        let now = self.clock.now();
        let outcome = match &fetched {
            Ok(_) => "ok",
            Err(SecretError::Misconfigured(_)) => "refused",
            Err(SecretError::Unreachable(_)) => "unreachable",
        };
        metrics::called("secrets-manager", outcome, now.since(began), now);
        let values = fetched.and_then(|text| self.parse(&text)).map(Arc::new);
        let values = values.map_err(|error| match error {
            SecretError::Misconfigured(what) => {
                SecretError::Misconfigured(format!("{}: {what}", self.id_variable))
            }
            unreachable @ SecretError::Unreachable(_) => unreachable,
        });
        let mut cache = self.cache();
        match &values {
            Ok(values) => {
                cache.values = Some(Arc::clone(values));
                cache.fetched = Some(self.clock.now());
                cache.current_as_of = Some(moment);
                cache.fruitless = None;
            }
            Err(error) => {
                cache.failed = Some((moment, error.clone()));
                cache.fruitless = Some(self.clock.now());
            }
        }
        values
    }

    /// The wanted values by name, all present and well formed.
    fn parse(&self, text: &SecretString) -> Result<Values, SecretError> {
        let fields: HashMap<String, Box<RawValue>> =
            json::from_slice(text.expose_secret().as_bytes()).map_err(|_| {
                SecretError::Misconfigured("the secret is not a JSON object".to_owned())
            })?;
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = Values::new();
        let mut problems = Vec::new();
        for wanted in wanted.iter() {
            match wanted.find(&fields) {
                Ok(Some(value)) => drop(values.insert(wanted.name, value)),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        for [first, second] in self.pairs.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            match (values.contains_key(first), values.contains_key(second)) {
                (true, false) => problems.push(format!("the secret has {first} without {second}")),
                (false, true) => problems.push(format!("the secret has {second} without {first}")),
                _ => {}
            }
        }
        if problems.is_empty() {
            Ok(values)
        } else {
            Err(SecretError::Misconfigured(problems.join(", ")))
        }
    }

    fn missing(&self, name: &str) -> String {
        format!("{}: the secret lacks {name}", self.id_variable)
    }
}

impl Cache {
    /// The values, unless it is time to fetch newer ones.
    fn usable(&self, now: Timestamp) -> Option<Arc<Values>> {
        let is_fresh = self.fetched.is_some_and(|at| now.is_within(MAX_AGE, at));
        self.values.clone().filter(|_| is_fresh || self.is_resting(now))
    }

    /// Why a fetch failed that began after `moment`.
    fn failure_since(&self, moment: Moment) -> Option<SecretError> {
        let (began, error) = self.failed.as_ref()?;
        (moment < *began).then(|| error.clone())
    }

    /// How long to wait before it is read again for the sake of a request.
    fn pause(&self, now: Timestamp) -> Duration {
        let asked = self.asked.filter(|asked| now.is_within(REREAD_PAUSE, *asked));
        asked.map_or(Duration::ZERO, |asked| REREAD_PAUSE.saturating_sub(now.since(asked)))
    }

    fn is_resting(&self, now: Timestamp) -> bool {
        self.fruitless.is_some_and(|at| now.is_within(COOL_DOWN, at))
    }
}

/// AWS Secrets Manager, called with the region and credentials from Lambda's environment
/// (`AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`),
/// or at the address in `AWS_ENDPOINT_URL_SECRETS_MANAGER` or `AWS_ENDPOINT_URL`. A function whose secrets are all
/// variables has none.
#[derive(Clone, Debug)]
pub struct SecretsManager(aws_sdk_secretsmanager::Client);

impl SecretsManager {
    pub(crate) fn new(access: AwsAccess) -> Self {
        Self(aws::sdk_client!(aws_sdk_secretsmanager, access))
    }

    async fn fetch(&self, id: &str) -> Result<SecretString, SecretError> {
        let request = self.0.get_secret_value().secret_id(id).version_stage("AWSCURRENT");
        // Boxed, because the SDK's future is large and few requests need it.
        let call = Box::pin(request.send());
        match tokio::time::timeout(FETCH_TIMEOUT, call).await {
            Err(_) => Err(SecretError::Unreachable("timed out".to_owned())),
            Ok(Err(error)) => Err(fetch_error(&error)),
            Ok(Ok(answer)) => answer.secret_string.map(SecretString::from).ok_or_else(|| {
                SecretError::Misconfigured("the secret is binary, not a JSON object".to_owned())
            }),
        }
    }
}

/// Classifies an AWS error: permanent if retrying cannot help. Everything else (throttling, server
/// errors, expired credentials, no connection) may be temporary.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors>
fn fetch_error(error: &SdkError<GetSecretValueError>) -> SecretError {
    let SdkError::ServiceError(refusal) = error else {
        return SecretError::Unreachable(aws::unanswered(error).to_owned());
    };
    match refusal.err().code() {
        Some("ResourceNotFoundException") => {
            SecretError::Misconfigured("there is no such secret, or it has no value yet".to_owned())
        }
        Some("AccessDeniedException") => {
            SecretError::Misconfigured("the function is not allowed to read the secret".to_owned())
        }
        Some(
            code @ ("DecryptionFailure"
            | "DecryptionFailureException"
            | "InvalidParameterException"
            | "InvalidRequestException"
            | "ValidationException"),
        ) => SecretError::Misconfigured(format!("Secrets Manager returned {code}")),
        Some(code) => SecretError::Unreachable(format!("it returned {code}")),
        None => SecretError::Unreachable(format!("it returned {}", refusal.raw().status())),
    }
}
