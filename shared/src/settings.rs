//! Settings from environment variables, read once at startup.
//!
//! A provider reads what it needs and gets [`Incomplete`] if something is missing or malformed.
//! [`Settings`] collects the problems, so that one message at startup lists all of them, by
//! variable name and never with a value.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_secretsmanager::config::Credentials;
use http::Uri;
use secrecy::SecretString;
use url::Url;

use crate::address;
use crate::aws::AwsAccess;
use crate::clock::Clock;
use crate::http::Http;
use crate::request_scope::Moment;
use crate::secrets::{Check, OptionalSecret, Reading, Secret, SecretsManager, StoredSecret};

/// A setting is missing or malformed. [`Settings`] has recorded which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomplete;

/// Everything that is wrong with the settings, one line per problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid settings: {}", .0.join("; "))]
pub struct Problems(pub Vec<String>);

/// The settings of one function and the problems found in them.
pub struct Settings {
    variables: HashMap<String, String>,
    problems: Vec<String>,
    stored: Vec<Arc<StoredSecret>>,
    /// Hosts to which connections are opened while the function starts, and how many.
    called_soon: Vec<(Uri, usize)>,
    http: Http,
    clock: Clock,
}

impl Settings {
    /// The settings of this process.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of the process's environment"
    )]
    pub fn from_environment() -> Result<Self, Problems> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::new(variables, Clock::system())
    }

    /// Settings and a clock given by the caller, for tests.
    ///
    /// # Errors
    /// The same as for [`from_environment`](Self::from_environment).
    pub fn from_pairs<N, V>(
        pairs: impl IntoIterator<Item = (N, V)>,
        clock: Clock,
    ) -> Result<Self, Problems>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self::new(variables.collect(), clock)
    }

    fn new(mut variables: HashMap<String, String>, clock: Clock) -> Result<Self, Problems> {
        // CloudFormation cannot omit a variable, only leave it empty.
        variables.retain(|_, value| !value.trim().is_empty());
        let mut problems = Vec::new();
        let extra_roots = variables.get("SSL_CERT_FILE").map(String::as_str);
        let http = Http::new(extra_roots, clock.clone()).or_else(|error| {
            // Reported together with the other problems.
            problems.push(format!("SSL_CERT_FILE is not a PEM file of certificates ({error})"));
            Http::new(None, clock.clone()).map_err(|error| Problems(vec![error.to_string()]))
        })?;
        Ok(Self { variables, problems, stored: Vec::new(), called_soon: Vec::new(), http, clock })
    }

    /// Opens connections to the host of `address` while the function starts: the largest `count` that
    /// any caller requests.
    pub(crate) fn open_ahead(&mut self, address: &Url, count: usize) {
        let Ok(address) = address.as_str().parse::<Uri>() else { return };
        match self.called_soon.iter_mut().find(|(known, _)| *known == address) {
            Some((_, known)) => *known = count.max(*known),
            None => self.called_soon.push((address, count)),
        }
    }

    /// The one HTTP client.
    pub fn http(&self) -> Http {
        self.http.clone()
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// An optional variable. An empty one counts as absent.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim())
    }

    /// A required variable.
    pub fn text(&mut self, name: &str) -> Result<String, Incomplete> {
        match self.optional(name) {
            Some(value) => Ok(value.to_owned()),
            None => Err(self.problem(format!("{name} is missing"))),
        }
    }

    /// A required variable, parsed as a `T`.
    pub fn parsed<T>(&mut self, name: &str) -> Result<T, Incomplete>
    where
        T: FromStr<Err = &'static str>,
    {
        self.text(name)?.parse().map_err(|form| self.problem(format!("{name} is not {form}")))
    }

    /// A variable that is `true` or `false`. Absent means `false`.
    pub fn flag(&mut self, name: &str) -> Result<bool, Incomplete> {
        match self.optional(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.problem(format!("{name} must be true or false"))),
        }
    }

    /// A variable with a number of seconds, 1 or more. Absent means `default`.
    pub fn seconds(&mut self, name: &str, default: Duration) -> Result<Duration, Incomplete> {
        match self.optional(name).map(str::parse) {
            None => Ok(default),
            Some(Ok(seconds @ 1_u32..)) => Ok(Duration::from_secs(seconds.into())),
            Some(_) => {
                Err(self.problem(format!("{name} is not a whole number of seconds (1 or more)")))
            }
        }
    }

    /// A comma-separated list. Absent means empty.
    pub fn list(&self, name: &str) -> Vec<String> {
        let items = self.optional(name).unwrap_or_default().split(',');
        let items = items.map(str::trim).filter(|item| !item.is_empty());
        items.map(str::to_owned).collect()
    }

    /// Whether this is production: `STAGE` is `prod`.
    pub fn is_production(&self) -> bool {
        self.optional("STAGE") == Some("prod")
    }

    /// A comma-separated list of origins, as browsers write them (RFC 6454, section 6.1):
    /// `https://app.example.com`, with the port unless it is the default, and without a path; or
    /// app origins, such as `tauri://localhost`. Absent means empty.
    ///
    /// Plain `http` is allowed only for pages on this machine, and not in production.
    pub fn origins(&mut self, name: &str) -> Result<Vec<String>, Incomplete> {
        let origins = self.list(name);
        let is_origin =
            |origin: &String| address::is_web_origin(origin) || address::is_app_origin(origin);
        if !origins.iter().all(is_origin) {
            return Err(self.problem(format!(
                "{name} is not a list of origins like https://app.example.com (comma separated, \
                 lower case, without a path or a wildcard)"
            )));
        }
        let plain = origins.iter().filter_map(|origin| origin.parse::<Url>().ok());
        let mut plain = plain.filter(|url| url.scheme() == "http");
        if self.is_production() && plain.next().is_some() {
            return Err(self.problem(format!("{name} must not list http origins if STAGE is prod")));
        }
        if plain.any(|url| !address::is_this_machine(&url)) {
            return Err(self.problem(format!(
                "{name} has an http origin on another machine (http is for this machine only)"
            )));
        }
        Ok(origins)
    }

    /// The base address of a provider's API: `http` or `https`, without a query, a fragment or the
    /// version that calls add themselves. Absent means `default`. Plain `http` is for stand-ins and
    /// is rejected for other machines.
    pub fn base_url(&mut self, name: &str, default: &str) -> Result<Url, Incomplete> {
        let base = self.address(name, default)?;
        if address::ends_in_a_version(&base) {
            return Err(self.problem(format!(
                "{name} ends in a version, which is added to it for each call (leave that out)"
            )));
        }
        Ok(base)
    }

    /// A base address like [`base_url`](Self::base_url), but any path is allowed.
    pub fn address(&mut self, name: &str, default: &str) -> Result<Url, Incomplete> {
        let value = self.optional(name).unwrap_or(default).to_owned();
        self.check_address(name, &value)
    }

    /// The address of a server that speaks WebSocket and HTTP, as its HTTP address: `wss` counts as
    /// `https` and `ws` as `http`. Otherwise like [`base_url`](Self::base_url).
    pub fn socket_url(&mut self, name: &str) -> Result<Url, Incomplete> {
        let value = self.text(name)?;
        let http = match value.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => format!("https://{rest}"),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => format!("http://{rest}"),
            _ => value,
        };
        match http.parse().ok().filter(address::is_base) {
            Some(url) => Ok(url),
            None => Err(self.problem(format!(
                "{name} is not a wss or https address (ws and http are for this machine only)"
            ))),
        }
    }

    fn check_address(&mut self, name: &str, value: &str) -> Result<Url, Incomplete> {
        match value.parse().ok().filter(address::is_base) {
            Some(url) => Ok(url),
            None => Err(self.problem(format!(
                "{name} is not an https address (http is for this machine only)"
            ))),
        }
    }

    /// The required address of a page of the front end, exactly as given: providers compare it with
    /// the list in their dashboards byte by byte.
    pub fn page(&mut self, name: &str) -> Result<String, Incomplete> {
        let page = self.text(name)?;
        let Some(url) = page.parse().ok().filter(address::is_page) else {
            return Err(self.problem(format!(
                "{name} is not an https address without fragment (http is for this machine only)"
            )));
        };
        if self.is_production() && url.scheme() == "http" {
            return Err(self.problem(format!("{name} must be https if STAGE is prod")));
        }
        Ok(page)
    }

    /// The optional address of a page.
    pub fn optional_page(&mut self, name: &str) -> Result<Option<String>, Incomplete> {
        match self.optional(name) {
            Some(_) => self.page(name).map(Some),
            None => Ok(None),
        }
    }

    /// The domain whose hosts share a cookie, if set, in lower case.
    pub fn cookie_domain(&mut self, name: &str) -> Result<Option<String>, Incomplete> {
        let Some(domain) = self.optional(name) else {
            return Ok(None);
        };
        // Browsers ignore a leading dot (RFC 6265, section 5.2.3).
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
        if address::is_cookie_domain(&domain) {
            return Ok(Some(domain));
        }
        Err(self.problem(format!("{name} must be a domain that browsers accept cookies for")))
    }

    /// A secret key: from the variable `name`, or from the AWS Secrets Manager secret that the
    /// variable `id_variable` names, whose JSON object has `name` as a key. The variable takes
    /// precedence. Surrounding whitespace is dropped. `check` checks the value's format.
    pub fn secret(
        &mut self,
        name: &'static str,
        id_variable: &'static str,
        check: Check,
    ) -> Result<Secret, Incomplete> {
        self.read_secret(name, id_variable, Reading::Trimmed, check)
    }

    /// A password: like [`secret`](Self::secret), but read byte for byte, because other software
    /// uses the same password unchanged.
    pub fn password(
        &mut self,
        name: &'static str,
        id_variable: &'static str,
        check: Check,
    ) -> Result<Secret, Incomplete> {
        self.read_secret(name, id_variable, Reading::Exact, check)
    }

    fn read_secret(
        &mut self,
        name: &'static str,
        id_variable: &'static str,
        reading: Reading,
        check: Check,
    ) -> Result<Secret, Incomplete> {
        if let Some(value) = self.variables.get(name).and_then(|value| reading.of(value)) {
            return match check(value) {
                Ok(()) => Ok(Secret::fixed(SecretString::from(value))),
                Err(form) => Err(self.problem(format!("{name} is not {form}"))),
            };
        }
        let Some(id) = self.optional(id_variable).map(str::to_owned) else {
            return Err(self.problem(format!(
                "{name} is missing (set it, or set {id_variable} to a secret that holds it)"
            )));
        };
        Ok(self.stored(id, id_variable)?.secret(name, reading, check))
    }

    /// An optional password, which may come and go with a rotation: from the variable `name`, or
    /// from the secret that the variable `id_variable` names, if it contains one. It is read byte
    /// for byte.
    pub fn optional_password(
        &mut self,
        name: &'static str,
        id_variable: &'static str,
        check: Check,
    ) -> Result<OptionalSecret, Incomplete> {
        self.read_optional_secret(name, id_variable, Reading::Exact, check)
    }

    /// An optional secret key, without surrounding whitespace; otherwise like
    /// [`optional_password`](Self::optional_password).
    pub fn optional_secret(
        &mut self,
        name: &'static str,
        id_variable: &'static str,
        check: Check,
    ) -> Result<OptionalSecret, Incomplete> {
        self.read_optional_secret(name, id_variable, Reading::Trimmed, check)
    }

    /// Two optional secrets that count only together, such as a key's id and the key. Half of a pair
    /// is a problem, in variables as well as in the secret.
    pub(crate) fn optional_pair(
        &mut self,
        names: [&'static str; 2],
        id_variable: &'static str,
        checks: [Check; 2],
    ) -> Result<[OptionalSecret; 2], Incomplete> {
        let [first, second] = names;
        let [check_first, check_second] = checks;
        let pair = [
            self.optional_secret(first, id_variable, check_first),
            self.optional_secret(second, id_variable, check_second),
        ];
        let in_variables = names.map(|name| self.optional(name).is_some());
        if in_variables[0] != in_variables[1] {
            return Err(self.problem(format!(
                "{first} and {second} must both be variables or both be in the secret"
            )));
        }
        if !in_variables[0]
            && let Some(id) = self.optional(id_variable).map(str::to_owned)
        {
            self.stored(id, id_variable)?.expect_pair(names);
        }
        let [first, second] = pair;
        Ok([first?, second?])
    }

    fn read_optional_secret(
        &mut self,
        name: &'static str,
        id_variable: &'static str,
        reading: Reading,
        check: Check,
    ) -> Result<OptionalSecret, Incomplete> {
        if let Some(value) = self.variables.get(name).and_then(|value| reading.of(value)) {
            return match check(value) {
                Ok(()) => Ok(OptionalSecret::fixed(SecretString::from(value))),
                Err(form) => Err(self.problem(format!("{name} is not {form}"))),
            };
        }
        match self.optional(id_variable).map(str::to_owned) {
            Some(id) => Ok(self.stored(id, id_variable)?.optional_secret(name, reading, check)),
            None => Ok(OptionalSecret::absent()),
        }
    }

    /// The secret in Secrets Manager with this id. Several values may come from it.
    fn stored(
        &mut self,
        id: String,
        id_variable: &'static str,
    ) -> Result<Arc<StoredSecret>, Incomplete> {
        if let Some(known) = self.stored.iter().find(|stored| stored.has_id(&id)) {
            return Ok(Arc::clone(known));
        }
        let manager = match self.stored.first() {
            Some(other) => other.manager(),
            None => SecretsManager::new(self.aws_access("AWS_ENDPOINT_URL_SECRETS_MANAGER")?),
        };
        let stored = Arc::new(StoredSecret::new(id, id_variable, manager, self.clock.clone()));
        self.stored.push(Arc::clone(&stored));
        Ok(stored)
    }

    /// Reads how an AWS service is reached from Lambda's own variables (`AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`). The variable
    /// `own_endpoint` or else `AWS_ENDPOINT_URL` may replace the service's address.
    pub(crate) fn aws_access(
        &mut self,
        own_endpoint: &'static str,
    ) -> Result<AwsAccess, Incomplete> {
        let region = self.text("AWS_REGION");
        let key_id = self.text("AWS_ACCESS_KEY_ID");
        let key = self.text("AWS_SECRET_ACCESS_KEY");
        let session = self.optional("AWS_SESSION_TOKEN").map(str::to_owned);
        let mut endpoints = [own_endpoint, "AWS_ENDPOINT_URL"].into_iter();
        let name = endpoints.find(|name| self.optional(name).is_some());
        let endpoint = match name.map(|name| (name, self.optional(name).map(str::to_owned))) {
            Some((name, Some(endpoint))) => self.check_address(name, &endpoint).map(Some),
            _ => Ok(None),
        };
        Ok(AwsAccess {
            region: region?,
            credentials: Credentials::new(key_id?, key?, session, None, "environment"),
            endpoint: endpoint?.map(String::from),
            http: self.http(),
        })
    }

    /// Records a problem. The text names the variable and the expected format, never the value.
    pub fn problem(&mut self, text: impl Into<String>) -> Incomplete {
        self.problems.push(text.into());
        Incomplete
    }

    /// Fetches the secrets and returns the configured value, or all problems. An unreachable
    /// Secrets Manager does not count: the next request fetches the secrets again.
    pub async fn complete<T>(self, configured: Result<T, Incomplete>) -> Result<T, Problems> {
        self.complete_during(configured, async |_| ()).await
    }

    /// Like [`complete`](Self::complete), and calls `prepare` with the configured value while the
    /// secrets are being fetched, unless a problem is known already.
    pub async fn complete_during<T>(
        mut self,
        configured: Result<T, Incomplete>,
        prepare: impl AsyncFnOnce(&T),
    ) -> Result<T, Problems> {
        let began = Moment::now();
        let mut fetches = tokio::task::JoinSet::new();
        for stored in self.stored.drain(..) {
            fetches.spawn(async move { stored.prefetch(began).await });
        }
        let ready = configured.as_ref().ok().filter(|_| self.problems.is_empty());
        if ready.is_some() {
            for (address, count) in self.called_soon.drain(..) {
                self.http.open_ahead(&address, count);
            }
        }
        let preparation = async {
            if let Some(configured) = ready {
                prepare(configured).await;
            }
        };
        let (found, ()) = tokio::join!(fetches.join_all(), preparation);
        self.problems.extend(found.into_iter().flatten());
        match configured {
            Ok(configured) if self.problems.is_empty() => Ok(configured),
            _ => {
                self.problems.sort();
                self.problems.dedup();
                Err(Problems(self.problems))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings<const N: usize>(pairs: [(&str, &str); N]) -> Settings {
        Settings::from_pairs(pairs, Clock::fixed(0)).expect("settings without SSL_CERT_FILE")
    }

    fn starts_with_sk(value: &str) -> Result<(), &'static str> {
        if value.starts_with("sk_") { Ok(()) } else { Err("a secret key (sk_…)") }
    }

    #[tokio::test]
    async fn reports_every_problem_at_once_by_name_and_without_values() {
        let mut settings =
            settings([("SECOND", "hunter2"), ("THIRD_URL", "http://example.com"), ("EMPTY", "  ")]);
        let first = settings.text("FIRST");
        let second = settings.secret("SECOND", "SECOND_ID", starts_with_sk);
        let third = settings.base_url("THIRD_URL", "https://example.com");
        let fourth = settings.secret("FOURTH", "FOURTH_ID", starts_with_sk);
        assert!(first.is_err() && second.is_err() && third.is_err() && fourth.is_err());
        assert_eq!(settings.text("EMPTY"), Err(Incomplete));

        let problems = settings.complete(first).await.expect_err("five problems");

        let text = problems.to_string();
        for name in ["FIRST", "SECOND", "THIRD_URL", "FOURTH", "EMPTY"] {
            assert!(text.contains(name), "{name} is not in {text}");
        }
        assert!(!text.contains("hunter2") && !text.contains("example.com"));
    }

    #[test]
    fn takes_plain_http_for_this_machine_only() {
        for (url, good) in [
            ("https://api.example.com", true),
            ("https://api.example.com/base", true),
            ("http://127.0.0.1:4011", true),
            ("http://localhost:4011/", true),
            ("http://workos.localhost:4011/", true),
            ("http://[::1]:4011", true),
            ("http://127.1.2.3:4011", true),
            ("http://api.example.com", false),
            ("http://192.168.1.5:4011", false),
            ("https://api.example.com/v1", false),
            ("https://api.example.com/v2/", false),
            ("https://api.example.com/proxy/v10", false),
            ("https://api.example.com/vault", true),
            ("https://api.example.com/v1/proxy", true),
            ("https://a.example,https://b.example", false),
            ("https://a.example/,https://b.example", false),
            ("https://a.example https://b.example", false),
            ("https://a.example/ https://b.example", false),
            ("https://a.example;https://b.example", false),
            ("https://*.example.com", false),
            ("https://api..example.com", false),
            ("https://api.example.com.", false),
            ("http://127.0.0.1.example.com", false),
            ("ftp://127.0.0.1", false),
            ("https://user:password@example.com", false),
            ("https://example.com/?a=b", false),
            ("api.example.com", false),
        ] {
            let read = settings([("URL", url)]).base_url("URL", "https://unused.example");
            assert_eq!(read.is_ok(), good, "{url}");
        }
    }

    #[test]
    fn a_web_socket_address_is_taken_as_the_http_address_beside_it() {
        for (url, http) in [
            ("wss://example.livekit.cloud", Some("https://example.livekit.cloud/")),
            ("https://example.livekit.cloud/", Some("https://example.livekit.cloud/")),
            ("ws://127.0.0.1:7880", Some("http://127.0.0.1:7880/")),
            ("http://localhost:7880", Some("http://localhost:7880/")),
            ("ws://livekit.localhost:7880", Some("http://livekit.localhost:7880/")),
            ("ws://[::1]:7880", Some("http://[::1]:7880/")),
            ("wss://a.example,wss://b.example", None),
            ("wss://a.example/,wss://b.example", None),
            ("wss://*.livekit.cloud", None),
            ("ws://example.livekit.cloud", None),
            ("http://example.livekit.cloud", None),
            ("WSS://example.livekit.cloud", Some("https://example.livekit.cloud/")),
            ("Ws://localhost:7880", Some("http://localhost:7880/")),
            ("wsx://example.com", None),
            ("wss", None),
            ("wss://example.com?room=1", None),
        ] {
            let read = settings([("URL", url)]).socket_url("URL");
            assert_eq!(read.ok().map(String::from).as_deref(), http, "{url}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        for (value, expected) in [
            ("true", Ok(true)),
            ("false", Ok(false)),
            ("", Ok(false)),
            ("1", Err(Incomplete)),
            ("TRUE", Err(Incomplete)),
        ] {
            assert_eq!(settings([("FLAG", value)]).flag("FLAG"), expected, "{value}");
        }
    }

    #[test]
    fn seconds_are_a_whole_number_and_not_none() {
        let minute = Duration::from_mins(1);
        for (value, expected) in [
            ("", Some(minute)),
            ("1", Some(Duration::from_secs(1))),
            ("86400", Some(Duration::from_hours(24))),
            ("0", None),
            ("-1", None),
            ("1.5", None),
            ("4294967296", None),
            ("a day", None),
        ] {
            let read = settings([("AGE", value)]).seconds("AGE", minute);
            assert_eq!(read.ok(), expected, "{value:?}");
        }
    }

    #[test]
    fn reads_lists_without_blanks() {
        let settings = settings([("LIST", " https://a.example , ,https://b.example,")]);
        assert_eq!(settings.list("LIST"), ["https://a.example", "https://b.example"]);
        assert!(settings.list("ABSENT").is_empty());
    }

    #[test]
    fn takes_origins_as_browsers_write_them_and_nothing_else() {
        for (origins, good) in [
            ("https://app.example.com", true),
            ("https://app.example.com,http://localhost:3000", true),
            ("https://app.example.com:8443", true),
            ("https://xn--bcher-kva.example", true),
            ("http://app.localhost:3000,http://127.0.0.1:3000,http://[::1]:3000", true),
            ("tauri://localhost,capacitor://localhost", true),
            ("https://app.example.com,chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb", true),
            ("https://app.example.com/", false),
            ("https://app.example.com:443", false),
            ("https://App.example.com", false),
            ("https://app.example.com,*", false),
            ("https://*.example.com", false),
            ("https://app..example.com", false),
            ("https://.example.com", false),
            ("https://app.example.com.", false),
            ("https://a.example;https://b.example", false),
            ("https://a.example https://b.example", false),
            ("http://app.example.com", false),
            ("tauri://*", false),
            ("wss://app.example.com", false),
            ("app.example.com", false),
            ("null", false),
        ] {
            let read = settings([("ORIGINS", origins)]).origins("ORIGINS");
            assert_eq!(read.is_ok(), good, "{origins}");
        }
    }

    #[test]
    fn production_has_tls_everywhere() {
        for (value, in_production) in [
            ("https://app.example.com", true),
            ("http://localhost:3000", false),
            ("http://tauri.localhost", false),
        ] {
            for (stage, good) in
                [("dev", true), ("staging", true), ("", true), ("prod", in_production)]
            {
                let mut settings = settings([("STAGE", stage), ("SETTING", value)]);
                assert_eq!(settings.origins("SETTING").is_ok(), good, "{value} {stage}");
                assert_eq!(settings.page("SETTING").is_ok(), good, "{value} {stage}");
            }
        }
        let apps = [("STAGE", "prod"), ("SETTING", "tauri://localhost")];
        assert!(settings(apps).origins("SETTING").is_ok(), "an app has no TLS to itself");
    }

    #[test]
    fn a_page_has_an_https_address_or_is_on_this_machine() {
        for (address, good) in [
            ("https://app.example/callback", true),
            ("https://app.example/callback?x=1", true),
            ("https://app.example/callback?next=https://app.example/,x", true),
            ("http://localhost:3000/callback", true),
            ("http://app.localhost:3000/callback", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000", true),
            ("http://app.example/callback", false),
            ("http://localhost.app.example/callback", false),
            ("https://app.example/callback#code", false),
            ("https://user:password@app.example/", false),
            ("https://a.example/callback,https://b.example/callback", false),
            ("https://*.example.com/callback", false),
            ("https://app..example.com/callback", false),
            ("javascript:alert(1)", false),
            ("/callback", false),
        ] {
            assert_eq!(settings([("PAGE", address)]).page("PAGE").is_ok(), good, "{address}");
        }
        assert_eq!(settings([]).optional_page("PAGE"), Ok(None));
    }

    #[test]
    fn a_cookies_domain_is_read_without_its_leading_dot() {
        for (domain, expected) in [
            ("", Ok(None)),
            (".Example.com", Ok(Some("example.com".to_owned()))),
            ("..example.com", Err(Incomplete)),
            ("com", Err(Incomplete)),
        ] {
            assert_eq!(
                settings([("DOMAIN", domain)]).cookie_domain("DOMAIN"),
                expected,
                "{domain}"
            );
        }
    }

    #[tokio::test]
    async fn says_that_the_certificate_file_is_unreadable_besides_what_else_is_wrong() {
        let pairs = [("SSL_CERT_FILE", "/nonexistent/roots.pem")];
        let mut settings = settings(pairs);
        let missing = settings.text("OTHER");
        let problems = settings.complete(missing).await.expect_err("two problems").to_string();
        assert!(problems.contains("SSL_CERT_FILE") && problems.contains("OTHER"), "{problems}");
    }
}
