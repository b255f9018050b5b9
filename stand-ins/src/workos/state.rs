//! The environment's state, and injected faults.

use std::{collections::HashMap, fmt, sync::Arc};

use super::{
    application::{API_KEY, LOGOUT_RETURN_TO, REDIRECT_URI},
    authorization_code::AuthorizationCodes,
    caller::Caller,
    invitation::Invitation,
    keys::SIGNING_KEY,
    magic_code::{Limits, MagicCodes},
    organization::{Membership, Organization},
    pending::Pending,
    seeds::{self, seeded_organizations, seeded_users},
    session::{ACCESS_TOKEN_SECONDS, Sessions, SignIn},
    user::User,
};
use crate::jwt::RsaKey;

#[derive(Debug)]
pub(super) struct State {
    pub(super) url: String,
    pub(super) issuer: Option<String>,
    pub(super) api_key: String,
    /// A key that was created besides the current one.
    pub(super) second_api_key: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) logout_uris: Vec<String>,
    pub(super) signing_key: &'static RsaKey,
    pub(super) published_keys: Vec<&'static RsaKey>,
    pub(super) access_token_seconds: i64,
    pub(super) access_token_age: u64,
    pub(super) is_sign_up_closed: bool,
    pub(super) misplaced_refreshes: Option<String>,
    pub(super) users: Vec<User>,
    pub(super) organizations: Vec<Organization>,
    pub(super) memberships: Vec<Membership>,
    pub(super) codes: AuthorizationCodes,
    pub(super) magic_codes: MagicCodes,
    pub(super) limits: Limits,
    pub(super) pending: HashMap<String, Pending>,
    pub(super) sessions: Sessions,
    pub(super) invitations: Vec<Invitation>,
    pub(super) unsolicited: HashMap<String, SignIn>,
    pub(super) callers: Vec<Caller>,
    pub(super) prescriptions: Vec<(String, u16, String)>,
    pub(super) sink: Sink,
}

/// Receives magic codes.
pub(super) struct Sink(pub(super) Arc<Told>);

/// A callback with an address and the digits of its code.
pub(super) type Told = dyn Fn(&str, &str) + Send + Sync;

impl fmt::Debug for Sink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sink")
    }
}

impl Default for State {
    fn default() -> Self {
        let (users, organizations) = (seeded_users(), seeded_organizations());
        Self {
            url: String::new(),
            issuer: None,
            api_key: API_KEY.to_owned(),
            second_api_key: None,
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            logout_uris: vec![LOGOUT_RETURN_TO.to_owned()],
            signing_key: &SIGNING_KEY,
            published_keys: vec![&SIGNING_KEY],
            access_token_seconds: ACCESS_TOKEN_SECONDS,
            access_token_age: 0,
            is_sign_up_closed: false,
            misplaced_refreshes: None,
            memberships: seeds::memberships(&users, &organizations),
            users,
            organizations,
            codes: AuthorizationCodes::default(),
            magic_codes: MagicCodes::default(),
            limits: Limits::default(),
            pending: HashMap::new(),
            sessions: Sessions::default(),
            invitations: Vec::new(),
            unsolicited: HashMap::new(),
            callers: Vec::new(),
            prescriptions: Vec::new(),
            sink: Sink(Arc::new(|_, _| {})),
        }
    }
}
