//! The authorization URL, where a browser goes to sign in.
//! <https://workos.com/docs/reference/authkit/authentication/get-authorization-url>

use serde::Deserialize;
use url::Url;

use crate::settings::{Incomplete, Settings};
use crate::workos::{Application, ConnectionId, Email, InvitationToken, OrganizationId};

/// Builds WorkOS's authorization URLs. Browsers return to `WORKOS_REDIRECT_URI` with a code.
#[derive(Clone, Debug)]
pub struct Authorization {
    application: Application,
    redirect_uri: String,
}

/// The page where a user signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInWith {
    /// AuthKit's hosted page, which offers every method that is enabled.
    AuthKit,
    /// Google.
    Google,
    /// Microsoft.
    Microsoft,
    /// The identity provider behind an SSO connection.
    Connection(ConnectionId),
    /// The identity provider of an organization.
    Organization(OrganizationId),
}

/// What the sign-in page should know about the user. All of it is optional.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignInHints<'h> {
    /// The e-mail address that the page fills in.
    pub email: Option<&'h Email>,
    /// The form that AuthKit's hosted page shows first.
    pub screen: Option<ScreenHint>,
    /// The invitation that the user accepts by signing in.
    pub invitation: Option<&'h InvitationToken>,
}

/// The form that AuthKit's hosted page shows first: `sign-in` or `sign-up`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum ScreenHint {
    /// For users who have an account.
    SignIn,
    /// For users who have none yet.
    SignUp,
}

/// Serde's own implementation would also accept an object with the name as its key.
impl TryFrom<String> for ScreenHint {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let all = [Self::SignIn, Self::SignUp];
        all.into_iter().find(|screen| screen.as_str() == name).ok_or("an unknown screen")
    }
}

impl Authorization {
    /// Reads the settings of [`Application::configure`], and `WORKOS_REDIRECT_URI`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let application = Application::configure(settings);
        let redirect_uri = settings.page("WORKOS_REDIRECT_URI")?;
        Ok(Self { application: application?, redirect_uri })
    }

    /// The URL where a user signs in. WorkOS returns `state` unchanged with the code.
    /// `code_challenge` is the S256 challenge of the PKCE verifier that redeems the code (RFC
    /// 7636).
    pub fn url(
        &self,
        with: &SignInWith,
        state: &str,
        code_challenge: &str,
        hints: &SignInHints<'_>,
    ) -> Url {
        let mut query = vec![
            ("client_id", self.application.client_id()),
            ("code_challenge", code_challenge),
            ("code_challenge_method", "S256"),
            with.parameter(),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("state", state),
        ];
        query.extend(hints.email.map(|email| ("login_hint", email.as_str())));
        query.extend(hints.screen.map(|screen| ("screen_hint", screen.as_str())));
        query.extend(hints.invitation.map(|token| ("invitation_token", token.expose())));
        self.application.provider().address(&["user_management", "authorize"], &query)
    }
}

impl ScreenHint {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
        }
    }
}

impl SignInWith {
    fn parameter(&self) -> (&'static str, &str) {
        match self {
            Self::AuthKit => ("provider", "authkit"),
            Self::Google => ("provider", "GoogleOAuth"),
            Self::Microsoft => ("provider", "MicrosoftOAuth"),
            Self::Connection(id) => ("connection_id", id.as_str()),
            Self::Organization(id) => ("organization_id", id.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::clock::Clock;

    fn authorization() -> Authorization {
        let pairs = [
            ("WORKOS_CLIENT_ID", "client_01"),
            ("WORKOS_REDIRECT_URI", "https://app.example/callback?from=workos"),
        ];
        let mut settings = Settings::from_pairs(pairs, Clock::fixed(0)).expect("settings");
        Authorization::configure(&mut settings).expect("an authorization")
    }

    fn query(url: &Url) -> BTreeMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn sends_the_browser_to_workos_with_everything_that_binds_the_code() {
        let email = Email::parse("jane+1@example.com");
        let hints = SignInHints { email: email.as_ref(), ..SignInHints::default() };
        let url = authorization().url(&SignInWith::Google, "st&te", "challenge", &hints);
        assert_eq!(url.origin().ascii_serialization(), "https://api.workos.com");
        assert_eq!(url.path(), "/user_management/authorize");
        let expected = [
            ("client_id", "client_01"),
            ("code_challenge", "challenge"),
            ("code_challenge_method", "S256"),
            ("login_hint", "jane+1@example.com"),
            ("provider", "GoogleOAuth"),
            ("redirect_uri", "https://app.example/callback?from=workos"),
            ("response_type", "code"),
            ("state", "st&te"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query(&url), expected.into_iter().collect());
        assert_eq!(url.query_pairs().count(), 8, "each once");
    }

    #[test]
    fn names_one_way_to_sign_in() {
        let connection = ConnectionId::parse("conn_1").expect("an id");
        let organization = OrganizationId::parse("org_1").expect("an id");
        for (with, name, value) in [
            (SignInWith::AuthKit, "provider", "authkit"),
            (SignInWith::Google, "provider", "GoogleOAuth"),
            (SignInWith::Microsoft, "provider", "MicrosoftOAuth"),
            (SignInWith::Connection(connection), "connection_id", "conn_1"),
            (SignInWith::Organization(organization), "organization_id", "org_1"),
        ] {
            let hints = SignInHints::default();
            let query = query(&authorization().url(&with, "state", "challenge", &hints));
            let ways = ["provider", "connection_id", "organization_id"];
            let named: Vec<_> = ways.iter().filter(|way| query.contains_key(**way)).collect();
            assert_eq!(named, [&name], "{with:?}");
            assert_eq!(query[name], value);
            for hint in ["login_hint", "screen_hint", "invitation_token"] {
                assert!(!query.contains_key(hint), "{hint}");
            }
        }
    }

    #[test]
    fn tells_the_page_which_form_and_which_invitation_it_is_about() {
        let invitation = InvitationToken::parse("inv&token");
        for (screen, name) in [(ScreenHint::SignIn, "sign-in"), (ScreenHint::SignUp, "sign-up")] {
            let (email, invitation) = (None, invitation.as_ref());
            let hints = SignInHints { email, screen: Some(screen), invitation };
            let query = query(&authorization().url(&SignInWith::AuthKit, "s", "c", &hints));
            assert_eq!(query["screen_hint"], name);
            assert_eq!(query["invitation_token"], "inv&token");
        }
    }
}
