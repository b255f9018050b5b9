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
    /// The API key that counts now.
    pub fn api_key(&self) -> String {
        self.state().api_key.clone()
    }

    /// From now on only this API key counts.
    pub fn rotate_api_key(&self, api_key: &str) {
        api_key.clone_into(&mut self.state().api_key);
    }

    /// The client id.
    pub fn client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// Who issues the access tokens: where the stand-in listens, unless
    /// [`set_issuer`](Self::set_issuer) says otherwise.
    pub fn issuer(&self) -> String {
        self.state().issuer()
    }

    /// Issues access tokens under another name from now on. WorkOS's own is its address, in older
    /// environments, or the address with `/user_management/<client id>`.
    pub fn set_issuer(&self, issuer: &str) {
        self.state().issuer = Some(issuer.to_owned());
    }

    /// From now on access tokens live that long; those with less than nothing have expired already.
    pub fn set_access_token_seconds(&self, seconds: i64) {
        self.state().access_token_seconds = seconds;
    }

    /// From now on access tokens are issued as if that had been so many seconds ago: of a token that
    /// lives for five minutes, backdating by 270 seconds leaves half a minute.
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
    /// When there is none.
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
    /// When there is none.
    pub fn organization(&self, name: &str) -> Organization {
        self.state().organization_called(name).clone()
    }

    /// Gives a user a place in an organization, as a member without permissions; both by id or name.
    ///
    /// # Panics
    /// When there is no such user or organization.
    pub fn add_member(&self, organization: &str, user: &str) {
        let mut state = self.state();
        let user_id = state.user_called(user).id.clone();
        let organization_id = state.organization_called(organization).id.clone();
        state.memberships.push(Membership::as_member(&user_id, &organization_id));
    }

    /// Takes a user's place in an organization away; both by id or name.
    ///
    /// # Panics
    /// When there is no such user or organization.
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
    /// When there is no such user or organization, or the sign-in is refused.
    pub fn sign_in(&self, user: &str, organization: Option<&str>) -> Value {
        let mut state = self.state();
        let sign_in = SignIn {
            organization_id: organization.map(|name| state.organization_called(name).id.clone()),
            ..magic_auth(state.user_called(user).id.clone())
        };
        let outcome = state.complete(sign_in, unix_seconds());
        outcome.unwrap_or_else(|refusal| panic!("{user} is not let in: {refusal:?}"))
    }

    /// An authorization code for a user who has signed in with Google, and the PKCE challenge that it
    /// was asked for with.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn authorization_code(&self, user: &str, challenge: Option<&str>) -> String {
        let mut state = self.state();
        let method = "GoogleOAuth".to_owned();
        let sign_in = SignIn { method, ..magic_auth(state.user_called(user).id.clone()) };
        state.codes.issue(sign_in, challenge, unix_seconds())
    }

    /// The digits of the magic code that an address was sent last.
    pub fn magic_code_for(&self, email: &str) -> Option<String> {
        self.state().magic_code_for(email)
    }

    /// Tells of every magic code from now on, as the e-mail would: the address and the digits. The sink
    /// must not ask the stand-in anything, which waits for it.
    pub fn on_magic_code(&self, sink: impl Fn(&str, &str) + Send + Sync + 'static) {
        self.state().sink = Sink(Arc::new(sink));
    }

    /// Every code and every choice of an organization that is still open has expired.
    pub fn expire_codes(&self) {
        let mut state = self.state();
        state.codes.expire_all();
        state.magic_codes.expire_all();
        state.pending.values_mut().for_each(|pending| pending.expires_at = 0);
    }

    /// Half a minute has passed since every exchange of a refresh token: who comes with such a token
    /// again is refused.
    pub fn end_replays(&self) {
        self.state().sessions.end_replays();
    }

    /// No address can ask too often any more.
    pub fn lift_limits(&self) {
        self.state().limits.are_lifted = true;
    }

    /// Nobody can sign up from now on by asking for a magic code.
    pub fn close_sign_up(&self) {
        self.state().is_sign_up_closed = true;
    }

    /// Ends a session, by the `sid` of its tokens, and says whether there was one. Access tokens that
    /// are out stay valid until they expire, as at WorkOS.
    pub fn revoke_session(&self, sid: &str) -> bool {
        self.state().sessions.end(sid)
    }

    /// Whether a session, by the `sid` of its tokens, goes on.
    pub fn has_session(&self, sid: &str) -> bool {
        self.state().sessions.is_live(sid)
    }

    /// From now on every refresh ends up in this organization, by id or name, whatever was asked for.
    /// WorkOS does no such thing; whoever relies on it must notice.
    ///
    /// # Panics
    /// When there is no such organization.
    pub fn misplace_refreshes(&self, organization: &str) {
        let mut state = self.state();
        state.misplaced_refreshes = Some(state.organization_called(organization).id.clone());
    }

    /// Answers the next request to that path with this and nothing else, whoever asks: for what WorkOS
    /// documents and the stand-in has no occasion to say. Several are given in their order.
    ///
    /// The body may be a text with JSON that no [`Value`] holds, such as JavaScript writes.
    pub fn prescribe(&self, path: &str, status: u16, body: impl fmt::Display) {
        self.state().prescriptions.push((path.to_owned(), status, body.to_string()));
    }

    /// Registers one more redirect URI, which is the one that the settings have from now on.
    pub fn register_redirect_uri(&self, uri: &str) {
        self.state().redirect_uris.push(uri.to_owned());
    }

    /// Registers one more place to go after signing out, likewise.
    pub fn register_logout_uri(&self, uri: &str) {
        self.state().logout_uris.push(uri.to_owned());
    }

    /// Publishes the next key beside the one that signs, as WorkOS does some time before it signs with
    /// it: see [`rotate_signing_key`](Self::rotate_signing_key).
    pub fn publish_next_signing_key(&self) {
        self.state().published_keys = vec![&SIGNING_KEY, &NEXT_SIGNING_KEY];
    }

    /// Signs with another key from now on. The JWKS has both until
    /// [`retire_old_signing_key`](Self::retire_old_signing_key).
    pub fn rotate_signing_key(&self) {
        let mut state = self.state();
        let is_first = std::ptr::eq(state.signing_key, &raw const SIGNING_KEY);
        state.signing_key = if is_first { &NEXT_SIGNING_KEY } else { &SIGNING_KEY };
        state.published_keys = vec![&SIGNING_KEY, &NEXT_SIGNING_KEY];
    }

    /// Takes the key that no longer signs out of the JWKS.
    pub fn retire_old_signing_key(&self) {
        let mut state = self.state();
        state.published_keys = vec![state.signing_key];
    }

    /// The header of an access token, under the key that signs now.
    pub fn header(&self) -> Value {
        self.state().token_header()
    }

    /// The claims of an access token of a new session in the user's first organization.
    ///
    /// # Panics
    /// When there is no such user.
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
    /// When there is no such user.
    pub fn access_token(&self, user: &str) -> String {
        self.sign(&self.header(), &self.claims_for(user))
    }

    /// Signs any token with the key that signs now.
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
