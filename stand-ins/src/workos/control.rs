//! Controls for tests: they change the environment's state and inspect it.

use std::{
    fmt,
    sync::{Arc, MutexGuard},
};

use serde_json::Value;

use super::{
    application::CLIENT_ID,
    caller::Caller,
    dispatch::WorkOs,
    keys::{FOREIGN_KEY, NEXT_SIGNING_KEY, SIGNING_KEY},
    organization::{Membership, Organization},
    session::{SignIn, magic_auth},
    state::{Sink, State},
    user::User,
};
use crate::{clock::unix_seconds, lock};

impl WorkOs {
    /// The current API key.
    pub fn api_key(&self) -> String {
        self.state().api_key.clone()
    }

    /// Creates a second API key, which is accepted like the current one.
    pub fn create_api_key(&self, api_key: &str) {
        self.state().second_api_key = Some(api_key.to_owned());
    }

    /// Makes this the only API key. All others are rejected from now on.
    pub fn rotate_api_key(&self, api_key: &str) {
        let mut state = self.state();
        api_key.clone_into(&mut state.api_key);
        state.second_api_key = None;
    }

    /// The client id.
    pub fn client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// The issuer of the access tokens: the stand-in's URL, unless [`set_issuer`](Self::set_issuer)
    /// was called.
    pub fn issuer(&self) -> String {
        self.state().issuer()
    }

    /// From now on, issues access tokens with another issuer. WorkOS's own is its address, in older
    /// environments, or the address with `/user_management/<client id>`.
    pub fn set_issuer(&self, issuer: &str) {
        self.state().issuer = Some(issuer.to_owned());
    }

    /// Sets the lifetime of access tokens from now on. With a negative lifetime they have already
    /// expired.
    pub fn set_access_token_seconds(&self, seconds: i64) {
        self.state().access_token_seconds = seconds;
    }

    /// From now on, backdates access tokens by this many seconds: 270 seconds leave half a minute
    /// of a five-minute token.
    pub fn backdate_access_tokens(&self, seconds: u64) {
        self.state().access_token_age = seconds;
    }

    /// Adds a user, or replaces the one with the same id.
    pub fn add_user(&self, user: User) {
        let mut state = self.state();
        state.users.retain(|other| other.id != user.id);
        state.users.push(user);
    }

    /// Removes a user, by id, short name or address.
    pub fn remove_user(&self, name: &str) {
        self.state().users.retain(|user| !user.is_called(name));
    }

    /// A user, by id, short name or address.
    ///
    /// # Panics
    /// If there is none.
    pub fn user(&self, name: &str) -> User {
        self.state().user_called(name).clone()
    }

    /// Whether there is such a user, by id, short name or address.
    pub fn has_user(&self, name: &str) -> bool {
        self.state().users.iter().any(|user| user.is_called(name))
    }

    /// Adds an organization, or replaces the one with the same id.
    pub fn add_organization(&self, organization: Organization) {
        let mut state = self.state();
        state.organizations.retain(|other| other.id != organization.id);
        state.organizations.push(organization);
    }

    /// An organization, by id or name.
    ///
    /// # Panics
    /// If there is none.
    pub fn organization(&self, name: &str) -> Organization {
        self.state().organization_called(name).clone()
    }

    /// Adds a user to an organization, as a member without permissions; both by id or name.
    ///
    /// # Panics
    /// If there is no such user or organization.
    pub fn add_member(&self, organization: &str, user: &str) {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let organization_id = state.organization_called(organization).id.clone();
        state.memberships.push(Membership::as_member(&user_id, &organization_id));
    }

    /// Removes a user from an organization; both by id or name.
    ///
    /// # Panics
    /// If there is no such user or organization.
    pub fn remove_member(&self, organization: &str, user: &str) {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let organization_id = state.organization_called(organization).id.clone();
        state.memberships.retain(|membership| {
            membership.user_id != user_id || membership.organization_id != organization_id
        });
    }

    /// Turns feature flags on for a user, in every organization that the user belongs to.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn set_feature_flags(&self, user: &str, flags: &[String]) {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let memberships = state.memberships.iter_mut();
        for membership in memberships.filter(|membership| membership.user_id == user_id) {
            membership.feature_flags = flags.to_vec();
        }
    }

    /// Invites an address to an organization, by id or name. Gives the token in the invitation's
    /// link, which one sign-in of that address accepts.
    ///
    /// # Panics
    /// When there is no such organization.
    pub fn invite(&self, email: &str, organization: &str) -> String {
        let mut state = self.state();
        let organization_id = state.organization_called(organization).id.clone();
        state.invite(email, &organization_id)
    }

    /// The client of each grant so far, as the application named it, in order.
    pub fn callers(&self) -> Vec<Caller> {
        self.state().callers.clone()
    }

    /// Signs a user in by a magic code, and gives what `authenticate` would: `user`, `access_token`,
    /// `refresh_token`. The organization, by id or name, must be given for a user who has several.
    ///
    /// # Panics
    /// If there is no such user or organization, or the sign-in is rejected.
    pub fn sign_in(&self, user: &str, organization: Option<&str>) -> Value {
        let mut state = self.state();
        let sign_in = SignIn {
            organization_id: organization.map(|name| state.organization_called(name).id.clone()),
            ..magic_auth(state.user_called(user).id.clone())
        };
        let outcome = state.complete(sign_in, unix_seconds());
        outcome.unwrap_or_else(|refusal| panic!("{user} is not let in: {refusal:?}"))
    }

    /// Issues an authorization code for a user who has signed in with Google, with this PKCE
    /// challenge.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn authorization_code(&self, user: &str, challenge: Option<&str>) -> String {
        let mut state = self.state();
        let method = "GoogleOAuth".to_owned();
        let sign_in = SignIn { method, ..magic_auth(state.user_called(user).id.clone()) };
        state.codes.issue(sign_in, challenge, unix_seconds())
    }

    /// Issues a new magic code for a user, as if one had been sent, and returns its digits.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn magic_code(&self, user: &str) -> String {
        let mut state = self.state();
        let user = state.user_called(user).clone();
        state.magic_codes.issue(&user.id, &user.email, unix_seconds()).digits.clone()
    }

    /// The digits of the latest magic code sent to an address.
    pub fn magic_code_for(&self, email: &str) -> Option<String> {
        self.state().magic_code_for(email)
    }

    /// From now on, calls `sink` instead of sending an e-mail, with the address and the digits. The
    /// sink must not call the stand-in, or it deadlocks.
    pub fn on_magic_code(&self, sink: impl Fn(&str, &str) + Send + Sync + 'static) {
        self.state().sink = Sink(Arc::new(sink));
    }

    /// Expires every open code and every pending choice of an organization.
    pub fn expire_codes(&self) {
        let mut state = self.state();
        state.codes.expire_all();
        state.magic_codes.expire_all();
        state.pending.values_mut().for_each(|pending| pending.expires_at = 0);
    }

    /// Ends the half minute in which an exchanged refresh token can be used again: from now on it
    /// is rejected.
    pub fn end_replays(&self) {
        self.state().sessions.end_replays();
    }

    /// Turns off the rate limits.
    pub fn lift_limits(&self) {
        self.state().limits.are_lifted = true;
    }

    /// From now on, requesting a magic code no longer creates an account.
    pub fn close_sign_up(&self) {
        self.state().is_sign_up_closed = true;
    }

    /// Ends a session, by the `sid` of its tokens, and returns whether it existed. Access tokens
    /// issued earlier stay valid until they expire, as at WorkOS.
    pub fn revoke_session(&self, sid: &str) -> bool {
        self.state().sessions.end(sid)
    }

    /// Whether a session, by the `sid` of its tokens, is active.
    pub fn has_session(&self, sid: &str) -> bool {
        self.state().sessions.is_live(sid)
    }

    /// From now on, every refresh ends up in this organization, by id or name, no matter which was
    /// requested. WorkOS never does that; the functions must detect it.
    ///
    /// # Panics
    /// If there is no such organization.
    pub fn misplace_refreshes(&self, organization: &str) {
        let mut state = self.state();
        state.misplaced_refreshes = Some(state.organization_called(organization).id.clone());
    }

    /// Sets the response to the next request to that path, for documented responses that the
    /// stand-in never sends. Several responses are sent in order.
    ///
    /// The body may be text with JSON that a [`Value`] cannot hold but JavaScript writes.
    pub fn prescribe(&self, path: &str, status: u16, body: impl fmt::Display) {
        self.state().prescriptions.push((path.to_owned(), status, body.to_string()));
    }

    /// Registers another redirect URI, which the settings have from now on.
    pub fn register_redirect_uri(&self, uri: &str) {
        self.state().redirect_uris.push(uri.to_owned());
    }

    /// Registers another sign-out redirect, which the settings have from now on.
    pub fn register_logout_uri(&self, uri: &str) {
        self.state().logout_uris.push(uri.to_owned());
    }

    /// Publishes the next key in addition to the current one, as WorkOS does some time before it
    /// signs with it: see [`rotate_signing_key`](Self::rotate_signing_key).
    pub fn publish_next_signing_key(&self) {
        self.state().published_keys = vec![&SIGNING_KEY, &NEXT_SIGNING_KEY];
    }

    /// From now on, signs with another key. The JWKS has both until
    /// [`retire_old_signing_key`](Self::retire_old_signing_key).
    pub fn rotate_signing_key(&self) {
        let mut state = self.state();
        let is_first = std::ptr::eq(state.signing_key, &raw const SIGNING_KEY);
        state.signing_key = if is_first { &NEXT_SIGNING_KEY } else { &SIGNING_KEY };
        state.published_keys = vec![&SIGNING_KEY, &NEXT_SIGNING_KEY];
    }

    /// Removes the old signing key from the JWKS.
    pub fn retire_old_signing_key(&self) {
        let mut state = self.state();
        state.published_keys = vec![state.signing_key];
    }

    /// The header of an access token, for the current signing key.
    pub fn header(&self) -> Value {
        self.state().token_header()
    }

    /// The claims of an access token of a new session in the user's first organization.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn claims_for(&self, user: &str) -> Value {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let organization = state.organizations_of(&user_id).first().map(|first| first.id.clone());
        let session = state.sessions.begin(magic_auth(user_id), organization, unix_seconds());
        state.claims(&session, unix_seconds())
    }

    /// An access token of a new session in the user's first organization.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn access_token(&self, user: &str) -> String {
        self.sign(&self.header(), &self.claims_for(user))
    }

    /// Signs any token with the current signing key.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let key = self.state().signing_key;
        key.sign(header, claims)
    }

    /// Signs any token with another environment's key.
    pub fn sign_foreign(&self, header: &Value, claims: &Value) -> String {
        FOREIGN_KEY.sign(header, claims)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}
