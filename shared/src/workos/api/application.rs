//! The public identity of the application at WorkOS.

use std::str::FromStr;

use url::Url;

use crate::jwks::KeySet;
use crate::provider::{Call, Provider, ProviderError};
use crate::settings::{Incomplete, Settings};
use crate::workos::SessionId;

/// An application at WorkOS: its client id and WorkOS's addresses. It contains no secrets.
#[derive(Clone, Debug)]
pub struct Application {
    client_id: ClientId,
    provider: Provider,
    /// Without a trailing slash.
    own_issuer: Option<String>,
    logout_return_to: Option<String>,
}

impl Application {
    /// Reads `WORKOS_CLIENT_ID`, and, if set, `WORKOS_API_URL`, `WORKOS_ISSUER` and
    /// `WORKOS_LOGOUT_RETURN_TO`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let client_id = settings.parsed::<ClientId>("WORKOS_CLIENT_ID");
        let base = settings.base_url("WORKOS_API_URL", "https://api.workos.com");
        let own_issuer = match settings.optional("WORKOS_ISSUER") {
            Some(_) => settings.address("WORKOS_ISSUER", "").map(Some),
            None => Ok(None),
        };
        let logout_return_to = settings.optional_page("WORKOS_LOGOUT_RETURN_TO");
        Ok(Self {
            client_id: client_id?,
            provider: Provider::new("workos", base?, settings),
            own_issuer: own_issuer?.map(|url| url.as_str().trim_end_matches('/').to_owned()),
            logout_return_to: logout_return_to?,
        })
    }

    /// The application's client id.
    pub fn client_id(&self) -> &str {
        &self.client_id.0
    }

    /// Whether `issuer` issues access tokens of this application. WorkOS documents its base
    /// address, with and without a trailing slash, and `user_management/<client id>` below it.
    /// `WORKOS_ISSUER` adds a custom authentication domain.
    pub fn is_issuer(&self, issuer: &str) -> bool {
        let without_slash = issuer.strip_suffix('/').unwrap_or(issuer);
        if self.own_issuer.as_deref() == Some(without_slash) {
            return true;
        }
        let base = self.provider.base.as_str().trim_end_matches('/');
        match issuer.strip_prefix(base) {
            Some("" | "/") => true,
            Some(rest) => rest.strip_prefix("/user_management/") == Some(self.client_id.0.as_str()),
            None => false,
        }
    }

    /// The address that ends a session at WorkOS and sends the browser to
    /// `WORKOS_LOGOUT_RETURN_TO`, or to the page set in the dashboard.
    pub fn logout_url(&self, session: &SessionId) -> Url {
        let path = ["user_management", "sessions", "logout"];
        let mut query = vec![("session_id", session.as_str())];
        if let Some(address) = &self.logout_return_to {
            query.push(("return_to", address));
        }
        self.provider.address(&path, &query)
    }

    /// The keys that access tokens are signed with.
    pub async fn signing_keys(&self) -> Result<KeySet, ProviderError> {
        let path = ["sso", "jwks", self.client_id()];
        let answer = self.provider.send(&Call::get("jwks", &path)).await?;
        KeySet::read(&answer)
    }

    pub(in crate::workos) fn provider(&self) -> &Provider {
        &self.provider
    }
}

/// A client id in WorkOS's format: `client_…`, or `project_…` for older applications.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ClientId(String);

impl FromStr for ClientId {
    type Err = &'static str;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        // A secret key set here by mistake would be sent in the address of every sign-in.
        let is_id = |(kind, rest): (&str, &str)| {
            !kind.is_empty() && !rest.is_empty() && !matches!(kind, "sk" | "pk")
        };
        if id.bytes().all(is_plain) && id.split_once('_').is_some_and(is_id) {
            Ok(Self(id.to_owned()))
        } else {
            Err("a WorkOS client id (client_…)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn settings<const N: usize>(pairs: [(&str, &str); N]) -> Settings {
        Settings::from_pairs(pairs, Clock::fixed(0)).expect("settings without SSL_CERT_FILE")
    }

    fn application<const N: usize>(pairs: [(&str, &str); N]) -> Application {
        Application::configure(&mut settings(pairs)).expect("an application")
    }

    #[test]
    fn knows_its_issuers_and_no_other() {
        let application = application([("WORKOS_CLIENT_ID", "client_01")]);
        for (issuer, own) in [
            ("https://api.workos.com", true),
            ("https://api.workos.com/", true),
            ("https://api.workos.com/user_management/client_01", true),
            ("https://api.workos.com/user_management/client_01/", false),
            ("https://api.workos.com/user_management/client_02", false),
            ("https://api.workos.com/user_management/", false),
            ("https://api.workos.com//", false),
            ("https://api.workos.com.evil.example", false),
            ("http://api.workos.com", false),
            ("https://auth.example.com", false),
            ("", false),
        ] {
            assert_eq!(application.is_issuer(issuer), own, "{issuer}");
        }
    }

    #[test]
    fn an_address_of_ones_own_is_an_issuer_of_ones_own() {
        let url = ("WORKOS_API_URL", "http://127.0.0.1:4011/workos/");
        let application = application([("WORKOS_CLIENT_ID", "client_01"), url]);
        assert!(application.is_issuer("http://127.0.0.1:4011/workos"));
        assert!(application.is_issuer("http://127.0.0.1:4011/workos/user_management/client_01"));
        assert!(!application.is_issuer("https://api.workos.com"));
    }

    #[test]
    fn a_custom_authentication_domain_is_an_issuer_besides_workos_itself() {
        for named in ["https://auth.example.com", "https://auth.example.com/"] {
            let id = ("WORKOS_CLIENT_ID", "client_01");
            let application = application([id, ("WORKOS_ISSUER", named)]);
            for (issuer, own) in [
                ("https://auth.example.com", true),
                ("https://auth.example.com/", true),
                ("https://api.workos.com", true),
                ("https://api.workos.com/user_management/client_01", true),
                ("https://auth.example.com//", false),
                ("https://auth.example.com/user_management/client_02", false),
                ("https://auth.example.com.evil.example", false),
                ("http://auth.example.com", false),
                ("", false),
            ] {
                assert_eq!(application.is_issuer(issuer), own, "{issuer}");
            }
        }
    }

    #[test]
    fn an_issuer_that_is_no_address_is_refused_by_name() {
        for issuer in ["auth.example.com", "http://auth.example.com", "https://*.example.com"] {
            let pairs = [("WORKOS_CLIENT_ID", "client_01"), ("WORKOS_ISSUER", issuer)];
            assert!(Application::configure(&mut settings(pairs)).is_err(), "{issuer}");
        }
    }

    #[test]
    fn signs_out_where_the_session_is_and_back_to_the_page() {
        let session = SessionId::parse("session_1&return_to=evil").expect("an id");
        let client = ("WORKOS_CLIENT_ID", "client_01");
        let base = "https://api.workos.com/user_management/sessions/logout";
        let escaped = "session_id=session_1%26return_to%3Devil";

        let url = application([client]).logout_url(&session);
        assert_eq!(url.as_str(), format!("{base}?{escaped}"));
        let page = ("WORKOS_LOGOUT_RETURN_TO", "https://app.example/bye?from=us");
        let url = application([client, page]).logout_url(&session);
        let back = "return_to=https%3A%2F%2Fapp.example%2Fbye%3Ffrom%3Dus";
        assert_eq!(url.as_str(), format!("{base}?{escaped}&{back}"));
    }

    #[tokio::test]
    async fn asks_for_a_client_id_and_for_no_key() {
        for (id, good) in [
            ("client_01HXYZ", true),
            ("project_01HXYZ", true),
            ("", false),
            ("client", false),
            ("client_", false),
            ("_01HXYZ", false),
            ("sk_test_1", false),
            ("sk_live_1", false),
            ("client_01/../x", false),
            ("client_01 ", true), // trimmed
        ] {
            let mut settings = settings([("WORKOS_CLIENT_ID", id)]);
            let configured = Application::configure(&mut settings);
            let result = settings.complete(configured).await.map(drop);
            assert_eq!(result.is_ok(), good, "{id}");
            let problems = result.err().map(|problems| problems.to_string()).unwrap_or_default();
            assert_eq!(problems.contains("WORKOS_CLIENT_ID"), !good, "{problems}");
        }
    }
}
