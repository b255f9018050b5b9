//! WorkOS's API. <https://workos.com/docs/reference>

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::json as lenient;
use crate::provider::{Answer, Call, Failure, KeyPlace, KeyedProvider, ProviderError, Retry};
use crate::request_scope;
use crate::secrets::{Secret, secret_key_form};
use crate::settings::{Incomplete, Settings};
use crate::workos::api::refusal::{is_missing_user, refuses_key};
use crate::workos::{
    Application, AuthenticateError, Authentication, Connection, CreateUserError, DevSignInError,
    Email, Grant, InvitationToken, MagicCode, Organization, OrganizationId, SendCodeError, User,
    UserId,
};

/// The entries per page: WorkOS's maximum.
const PAGE_SIZE: (&str, &str) = ("limit", "100");

/// The maximum number of pages to read, so that a stranger's request costs a bounded number of
/// calls.
const MAX_PAGES: usize = 5;

/// How urgent a refresh is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::workos) enum Urgency {
    /// The request cannot be served without it.
    Due,
    /// The current token is still valid, so a failed attempt is not retried after a pause.
    Early,
}

/// The setting with the application's key.
const API_KEY: &str = "WORKOS_API_KEY";

/// The client of WorkOS's API, with the application's key.
#[derive(Clone, Debug)]
pub struct WorkOs {
    application: Application,
    api: KeyedProvider,
    conceals_accounts: bool,
}

impl WorkOs {
    /// Reads the settings of [`Application::configure`], `WORKOS_API_KEY` (or `WORKOS_SECRET_ID`)
    /// and, if set, `CONCEAL_ACCOUNTS`.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let key = settings.secret(API_KEY, "WORKOS_SECRET_ID", secret_key_form);
        Self::with_key(settings, key)
    }

    /// The same without a key, for an endpoint that calls nothing which needs one.
    pub(in crate::workos) fn without_key(settings: &mut Settings) -> Result<Self, Incomplete> {
        Self::with_key(settings, Ok(Secret::unused(API_KEY)))
    }

    fn with_key(
        settings: &mut Settings,
        key: Result<Secret, Incomplete>,
    ) -> Result<Self, Incomplete> {
        let application = Application::configure(settings);
        let conceals_accounts = settings.flag("CONCEAL_ACCOUNTS");
        let application = application?;
        application.provider().open_ahead(settings);
        Ok(Self {
            api: application.provider().clone().with_key(key?),
            application,
            conceals_accounts: conceals_accounts?,
        })
    }

    /// The application that the key is for.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// Whether endpoints conceal which addresses have an account.
    pub fn conceals_accounts(&self) -> bool {
        self.conceals_accounts
    }

    /// The user `id`, if it still exists.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, ProviderError> {
        let answer = self.get("user", &["user_management", "users", id.as_str()], &[]).await?;
        match answer.status {
            StatusCode::OK => {
                let user: User = answer.json()?;
                if user.id == *id {
                    Ok(Some(user))
                } else {
                    Err(answer.error(Failure::Unreadable("it is about another user")))
                }
            }
            StatusCode::NOT_FOUND if is_missing_user(&answer) => Ok(None),
            _ => Err(answer.unexpected()),
        }
    }

    /// The user with this e-mail address, if there is one.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, ProviderError> {
        let path = ["user_management", "users"];
        let query = [("email", email.as_str())];
        // A 422 means that the address is malformed, so nobody has it.
        let nobody = [StatusCode::UNPROCESSABLE_ENTITY];
        let users: Vec<User> = self.list("user by email", &path, &query, &nobody).await?;
        Ok(users.into_iter().find(|user| email.is(&user.email)))
    }

    /// Creates an account for this e-mail address. Sends no mail.
    pub async fn create_user(&self, email: &Email) -> Result<User, CreateUserError> {
        let path = ["user_management", "users"];
        let body = json!({ "email": email });
        let call = Call { refuses_key, ..Call::post("create user", &path, Some(body)) };
        let answer = self.api.send(&call).await?;
        if answer.status.is_success() {
            return Ok(answer.json()?);
        }
        Err(CreateUserError::of(&answer))
    }

    /// Sends a one-time code to this e-mail address, in WorkOS's spelling. WorkOS creates an
    /// account for an unknown address, so look it up first. The code accepts the invitation, if
    /// there is one.
    pub async fn create_magic_auth(
        &self,
        email: impl AsRef<str>,
        invitation: Option<&InvitationToken>,
    ) -> Result<(), SendCodeError> {
        self.magic_auth(email.as_ref(), invitation).await.map(drop)
    }

    /// Signs a user in with a code from WorkOS's API instead of from a mailbox. For development
    /// only: anybody who can call this can act as that user.
    pub async fn authenticate_without_mailbox(
        &self,
        email: &Email,
    ) -> Result<Authentication, DevSignInError> {
        let answer = self.magic_auth(email.as_str(), None).await?;
        let MagicAuth { code, email: spelling, .. } = answer.json().map_err(SendCodeError::from)?;
        let Some(code) = code else {
            let error = answer.error(Failure::Unreadable("it has no code"));
            return Err(SendCodeError::from(error).into());
        };
        let spelling = spelling.as_deref().unwrap_or(email.as_str());
        Ok(self.authenticate_with_magic_auth(spelling, &code, None).await?)
    }

    /// Redeems a browser's authorization code with the PKCE verifier of its sign-in.
    pub async fn authenticate_with_code(
        &self,
        code: &SecretString,
        verifier: &SecretString,
    ) -> Result<Authentication, AuthenticateError> {
        let fields = json!({
            "grant_type": "authorization_code",
            "code": code.expose_secret(),
            "code_verifier": verifier.expose_secret(),
        });
        self.authenticate(Grant::AuthorizationCode, fields, Retry::Never).await
    }

    /// Redeems the one-time code that was sent to this e-mail address, in WorkOS's spelling, and
    /// accepts the invitation, if there is one.
    pub async fn authenticate_with_magic_auth(
        &self,
        email: impl AsRef<str>,
        code: &MagicCode,
        invitation: Option<&InvitationToken>,
    ) -> Result<Authentication, AuthenticateError> {
        let mut fields = json!({
            "grant_type": "urn:workos:oauth:grant-type:magic-auth:code",
            "email": email.as_ref(),
            "code": code.expose(),
        });
        if let Some(invitation) = invitation {
            fields["invitation_token"] = json!(invitation.expose());
        }
        self.authenticate(Grant::MagicCode, fields, Retry::Never).await
    }

    /// Refreshes a session, in an organization if one is named. This uses up the refresh token
    /// unless WorkOS rejects it.
    pub async fn authenticate_with_refresh_token(
        &self,
        token: &SecretString,
        organization: Option<&OrganizationId>,
    ) -> Result<Authentication, AuthenticateError> {
        self.refresh(token, organization, Urgency::Due).await
    }

    /// Refreshes a session that may not be due yet.
    pub(in crate::workos) async fn refresh(
        &self,
        token: &SecretString,
        organization: Option<&OrganizationId>,
        urgency: Urgency,
    ) -> Result<Authentication, AuthenticateError> {
        let mut fields = json!({
            "grant_type": "refresh_token",
            "refresh_token": token.expose_secret(),
        });
        if let Some(organization) = organization {
            fields["organization_id"] = json!(organization);
        }
        // For a short time WorkOS returns the same tokens for the same refresh token, so a lost
        // response can be fetched again.
        let retry = Retry::WhileTimeLasts { pause: urgency == Urgency::Due };
        self.authenticate(Grant::RefreshToken, fields, retry).await
    }

    /// Completes a sign-in that is waiting for the choice of an organization.
    pub async fn authenticate_with_organization_selection(
        &self,
        pending_authentication_token: &SecretString,
        organization: &OrganizationId,
    ) -> Result<Authentication, AuthenticateError> {
        let fields = json!({
            "grant_type": "urn:workos:oauth:grant-type:organization-selection",
            "pending_authentication_token": pending_authentication_token.expose_secret(),
            "organization_id": organization,
        });
        self.authenticate(Grant::PendingToken, fields, Retry::Never).await
    }

    /// The organizations that have verified `domain`.
    pub async fn organizations_by_domain(
        &self,
        domain: &str,
    ) -> Result<Vec<Organization>, ProviderError> {
        // Spelled as in WorkOS's description and SDK, without `[]`. If WorkOS ignored it, the
        // filter below would drop the organizations of other domains.
        let query = [("domains", domain)];
        // No organization has a domain that WorkOS rejects as malformed.
        let nobodys = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];
        let mut organizations: Vec<Organization> =
            self.list("organizations", &["organizations"], &query, &nobodys).await?;
        organizations.retain(|organization| organization.has_verified_domain(domain));
        Ok(organizations)
    }

    /// An active SSO connection of the organization, if it has one.
    pub async fn active_connection(
        &self,
        organization: &OrganizationId,
    ) -> Result<Option<Connection>, ProviderError> {
        let connections = self.active_connections(("organization_id", organization.as_str()));
        Ok(connections.await?.into_iter().find(|connection| connection.is_of(organization)))
    }

    /// The active SSO connections of all organizations that claim `domain`, verified or not.
    pub async fn active_connections_by_domain(
        &self,
        domain: &str,
    ) -> Result<Vec<Connection>, ProviderError> {
        self.active_connections(("domain", domain)).await
    }

    async fn active_connections(
        &self,
        filter: (&str, &str),
    ) -> Result<Vec<Connection>, ProviderError> {
        let mut connections: Vec<Connection> =
            self.list("connections", &["connections"], &[filter], &[]).await?;
        connections.retain(Connection::is_active);
        Ok(connections)
    }

    /// Sends a code. [`MagicAuth`] can read the answer.
    async fn magic_auth(
        &self,
        email: &str,
        invitation: Option<&InvitationToken>,
    ) -> Result<Answer, SendCodeError> {
        let path = ["user_management", "magic_auth"];
        let mut body = json!({ "email": email });
        if let Some(invitation) = invitation {
            body["invitation_token"] = json!(invitation.expose());
        }
        let call = Call {
            refuses_key,
            hands_back_limits: true,
            ..Call::post("magic auth", &path, Some(body))
        };
        let answer = self.api.send(&call).await?;
        if !answer.status.is_success() {
            return Err(SendCodeError::of(&answer));
        }
        let MagicAuth { id, code, .. } = answer.json()?;
        if id.is_none() && code.is_none() {
            return Err(answer.error(Failure::Unreadable("it is not a magic auth object")).into());
        }
        Ok(answer)
    }

    /// Sends a grant, with the address and the user agent of the request's client: WorkOS accepts
    /// them in this call only, to detect suspicious sign-ins. A code is sent only once: if it was
    /// redeemed but the response was lost, a retry would look like a rejected code.
    async fn authenticate(
        &self,
        grant: Grant,
        mut fields: Value,
        retry: Retry,
    ) -> Result<Authentication, AuthenticateError> {
        let organization = fields["organization_id"].as_str().map(str::to_owned);
        fields["client_id"] = json!(self.application.client_id());
        let client = request_scope::client();
        if let Some(address) = client.address {
            fields["ip_address"] = json!(address);
        }
        if let Some(user_agent) = client.user_agent {
            fields["user_agent"] = json!(user_agent.as_str());
        }
        let path = ["user_management", "authenticate"];
        let call = Call {
            key: KeyPlace::Body("client_secret"),
            retry,
            refuses_key,
            // A rate-limited refresh is not the caller's doing.
            hands_back_limits: grant != Grant::RefreshToken,
            ..Call::post(call_name(grant), &path, Some(fields))
        };
        let answer = self.api.send(&call).await?;
        if !answer.status.is_success() {
            return Err(match (grant, &organization) {
                (Grant::RefreshToken, Some(_)) => AuthenticateError::of_switch(&answer),
                _ => AuthenticateError::of(grant, &answer),
            });
        }
        let authentication: Authentication = answer.json()?;
        let other = authentication.organization_id.as_ref().is_some_and(|given| {
            organization.as_deref().is_some_and(|asked| asked != given.as_str())
        });
        if other {
            return Err(answer.unexpected().into());
        }
        Ok(authentication)
    }

    /// The entries of a list, without those that cannot be read. A response with a status in
    /// `nothing` counts as an empty list.
    async fn list<T: DeserializeOwned>(
        &self,
        name: &'static str,
        path: &[&str],
        filter: &[(&str, &str)],
        nothing: &[StatusCode],
    ) -> Result<Vec<T>, ProviderError> {
        let mut items = Vec::new();
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let mut query = [filter, &[PAGE_SIZE]].concat();
            query.extend(after.as_deref().map(|after| ("after", after)));
            let answer = self.get(name, path, &query).await?;
            if nothing.contains(&answer.status) {
                return Ok(items);
            }
            if answer.status != StatusCode::OK {
                return Err(answer.unexpected());
            }
            let Page { data, list_metadata: PageLinks { after: next } } = answer.json()?;
            items.extend(data.iter().filter_map(|item| serde_json::from_str(item.get()).ok()));
            if next.is_none() || data.is_empty() {
                return Ok(items);
            }
            after = next;
        }
        tracing::warn!(provider = "workos", call = name, "truncated a long list");
        Ok(items)
    }

    async fn get(
        &self,
        name: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Answer, ProviderError> {
        self.api.send(&Call { query, refuses_key, ..Call::get(name, path) }).await
    }
}

fn call_name(grant: Grant) -> &'static str {
    match grant {
        Grant::AuthorizationCode => "authenticate with code",
        Grant::MagicCode => "authenticate with magic auth",
        Grant::RefreshToken => "authenticate with refresh token",
        Grant::PendingToken => "authenticate with organization selection",
    }
}

/// WorkOS's response after it has sent a code. It contains the code, so it has no `Debug`.
#[derive(Deserialize)]
struct MagicAuth {
    #[serde(default, deserialize_with = "lenient::or_default")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    code: Option<MagicCode>,
    /// The user's address in WorkOS's spelling.
    #[serde(default, deserialize_with = "lenient::or_default")]
    email: Option<String>,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    list_metadata: PageLinks,
}

/// The position of the next page.
#[derive(Default, Deserialize)]
struct PageLinks {
    #[serde(default, deserialize_with = "lenient::or_default")]
    after: Option<String>,
}
