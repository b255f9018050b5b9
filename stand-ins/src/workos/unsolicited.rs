//! Sign-ins that begin at WorkOS, which no application has asked for: an administrator impersonates a
//! user from the dashboard, or a user starts at the identity provider.
//!
//! Without a sign-in endpoint, the browser comes to the redirect URI with a code and no state. With
//! one, it comes there, and the sign-in is completed as soon as the application sends the browser to
//! the hosted page. <https://workos.com/docs/authkit/impersonation>

use http::header;
use serde_json::{Value, json};
use url::Url;

use super::{
    authorize::redirect_to,
    identifier,
    session::{SignIn, magic_auth},
    state::State,
};
use crate::exchange::{Answer, Request};

/// The cookie by which the hosted page knows the browser again.
const COOKIE: &str = "anteroom-stand-in-sign-in";

/// The administrator who acts in a user's name.
#[derive(Clone, Debug)]
pub(super) struct Impersonator {
    email: String,
    reason: Option<String>,
}

impl Impersonator {
    /// As `authenticate` answers it.
    pub(super) fn to_json(&self) -> Value {
        json!({"email": self.email, "reason": self.reason})
    }

    /// As an access token names it.
    pub(super) fn as_actor(&self) -> Value {
        json!({"sub": self.email})
    }
}

impl State {
    /// `GET /dev/impersonate?user=jane&by=admin@example.com&reason=…`: the dashboard's button.
    pub(super) fn impersonate(&mut self, request: &Request, now: u64) -> Answer {
        let name = request.query("user").unwrap_or_default();
        let Some(user) = self.users.iter().find(|user| user.is_called(&name)) else {
            return Answer::new(404, "text/plain", "no such user\n");
        };
        let Some(email) = request.query("by") else {
            return Answer::new(400, "text/plain", "`by` is missing: who impersonates?\n");
        };
        let reason = request.query("reason");
        let sign_in = SignIn {
            method: "Impersonation".to_owned(),
            impersonator: Some(Impersonator { email, reason }),
            ..magic_auth(user.id.clone())
        };
        self.arrive(request, sign_in, now)
    }

    /// `GET /dev/identity-provider?user=someone`: the application's tile at the identity provider.
    pub(super) fn come_from_identity_provider(&mut self, request: &Request, now: u64) -> Answer {
        let name = request.query("user").unwrap_or_default();
        let user_id = self.users.iter().find(|user| user.is_called(&name)).map(|user| &user.id);
        let connection = user_id.and_then(|id| {
            let organizations = self.organizations_of(id).into_iter();
            let mut connections = organizations.filter_map(|organization| {
                Some((
                    organization.id.clone(),
                    (*organization.active_connections().first()?).to_owned(),
                ))
            });
            Some((id.clone(), connections.next()?))
        });
        let Some((user_id, (organization_id, connection_id))) = connection else {
            return Answer::new(404, "text/plain", "no such user, or no active connection\n");
        };
        let sign_in = SignIn {
            method: "SSO".to_owned(),
            connection_id: Some(connection_id),
            organization_id: Some(organization_id),
            ..magic_auth(user_id)
        };
        self.arrive(request, sign_in, now)
    }

    /// Where the browser goes. `sign_in_endpoint` in the query is what the setting of that name has
    /// in WorkOS's dashboard.
    fn arrive(&mut self, request: &Request, sign_in: SignIn, now: u64) -> Answer {
        if let Some(endpoint) = request.query("sign_in_endpoint") {
            let token = identifier::new_token();
            let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax");
            self.unsolicited.insert(token, sign_in);
            return redirect_to(&endpoint).with_header(header::SET_COOKIE, &cookie);
        }
        let uri = self.redirect_uris.last().and_then(|uri| Url::parse(uri).ok());
        let Some(mut uri) = uri else {
            return Answer::new(404, "text/plain", "no redirect URI\n");
        };
        let code = self.codes.issue(sign_in, None, now);
        uri.query_pairs_mut().append_pair("code", &code);
        redirect_to(uri.as_str())
    }

    /// The sign-in that this browser has begun at WorkOS and not completed yet.
    pub(super) fn take_unsolicited(&mut self, request: &Request) -> Option<SignIn> {
        let cookies = request.header("cookie")?.split("; ");
        let token =
            cookies.filter_map(|cookie| cookie.split_once('=')).find(|(name, _)| *name == COOKIE);
        self.unsolicited.remove(token?.1)
    }
}
