//! Refreshes sessions, once for all requests in a process that need the same refresh.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Clock, Timestamp};
use crate::workos::api::Urgency;
use crate::workos::{AuthenticateError, OrganizationId, SealedSession, WorkOs};

/// How long the outcome of a refresh is remembered. A success serves requests that the browser sent
/// with the old token before it had the new one; a rejection keeps a dead cookie from sending every
/// request to WorkOS.
const MEMORY_DURATION: Duration = Duration::from_mins(1);

/// The maximum number of remembered refreshes; the oldest are dropped.
const MAX_REFRESHES: usize = 32;

/// The maximum number of remembered rejections, which are small; the oldest are dropped.
const MAX_REFUSALS: usize = 256;

/// The refreshes of a process. Those of one session run one at a time.
#[derive(Debug)]
pub(super) struct Refreshes {
    recent: Mutex<Recent>,
    underway: Mutex<Vec<Underway>>,
    clock: Clock,
}

/// A refresh token that requests are using, by its digest, and the lock that one of them holds during
/// a call to WorkOS.
#[derive(Debug)]
struct Underway {
    digest: Vec<u8>,
    turn: Weak<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Recent {
    refreshed: VecDeque<Remembered<SealedSession>>,
    refused: VecDeque<Remembered<AuthenticateError>>,
}

/// The outcome of a refresh.
#[derive(Debug)]
struct Remembered<T> {
    key: RefreshKey,
    at: Timestamp,
    outcome: T,
}

/// The key of a refresh: its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RefreshKey {
    /// The digest of the refresh token, which itself is not kept.
    digest: Vec<u8>,
    organization: Option<OrganizationId>,
}

impl Refreshes {
    pub(super) fn new(clock: Clock) -> Self {
        Self { recent: Mutex::default(), underway: Mutex::default(), clock }
    }

    /// Refreshes a session with its refresh token, in `organization` if given. If another request has
    /// just refreshed the session, switches with the token that took this one's place.
    pub(super) async fn refresh(
        &self,
        workos: &WorkOs,
        token: &SecretString,
        organization: Option<&OrganizationId>,
        urgency: Urgency,
    ) -> Result<SealedSession, AuthenticateError> {
        let key = RefreshKey { digest: digest_of(token), organization: organization.cloned() };
        if let Some(outcome) = self.remembered(&key) {
            return outcome;
        }
        let turn = self.turn(&key.digest);
        let turn = turn.lock().await;
        if let Some(outcome) = self.remembered(&key) {
            return outcome;
        }
        if let Some(successor) = self.successor(&key) {
            drop(turn);
            return Box::pin(self.refresh(workos, &successor, organization, urgency)).await;
        }
        let refreshed = workos.refresh(token, organization, urgency).await;
        let refreshed = refreshed.map(SealedSession::from);
        self.remember(key, &refreshed);
        refreshed
    }

    /// Whether a request is refreshing a session with this refresh token.
    pub(super) fn is_underway(&self, token: &SecretString) -> bool {
        let digest = digest_of(token);
        let underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
        underway.iter().any(|other| other.digest == digest && other.turn.strong_count() > 0)
    }

    /// Drops the tokens of sessions that were refreshed more than a minute ago. Every request does
    /// this, so that other users' tokens do not stay in memory while the process is idle.
    pub(super) fn forget_old(&self) {
        drop(self.fresh());
    }

    /// The lock of a refresh token, by its digest.
    fn turn(&self, digest: &[u8]) -> Arc<tokio::sync::Mutex<()>> {
        let mut underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
        underway.retain(|other| other.turn.strong_count() > 0);
        let same = underway.iter().find(|other| other.digest == digest);
        if let Some(turn) = same.and_then(|same| same.turn.upgrade()) {
            return turn;
        }
        let turn = Arc::default();
        underway.push(Underway { digest: digest.to_vec(), turn: Arc::downgrade(&turn) });
        turn
    }

    fn remembered(&self, key: &RefreshKey) -> Option<Result<SealedSession, AuthenticateError>> {
        let recent = self.fresh();
        if let Some(kept) = recent.refreshed.iter().find(|kept| kept.key == *key) {
            return Some(Ok(kept.outcome.clone()));
        }
        // A session that has ended has ended in every organization.
        let is_refusal = |kept: &&Remembered<AuthenticateError>| {
            kept.key == *key || (kept.key.digest == key.digest && kept.outcome.ends_session())
        };
        recent.refused.iter().find(is_refusal).map(|kept| Err(kept.outcome.clone()))
    }

    /// The refresh token that a refresh without a switch has put in the place of that of `key`, if
    /// WorkOS has replaced it.
    fn successor(&self, key: &RefreshKey) -> Option<SecretString> {
        let refresh = RefreshKey { organization: None, ..key.clone() };
        let recent = self.fresh();
        let kept = recent.refreshed.iter().find(|kept| kept.key == refresh)?;
        kept.outcome.refresh_token.clone().filter(|token| digest_of(token) != key.digest)
    }

    fn remember(&self, key: RefreshKey, outcome: &Result<SealedSession, AuthenticateError>) {
        let mut recent = self.fresh();
        let at = self.clock.now();
        match outcome {
            Ok(session) => {
                let outcome = session.clone();
                push(&mut recent.refreshed, Remembered { key, at, outcome }, MAX_REFRESHES);
            }
            // A user who is not admitted to an organization may be admitted a moment later and try
            // again.
            Err(error)
                if error.ends_session() || (error.is_refusal() && key.organization.is_none()) =>
            {
                let outcome = error.clone();
                push(&mut recent.refused, Remembered { key, at, outcome }, MAX_REFUSALS);
            }
            Err(_) => {}
        }
    }

    /// The recent outcomes; older ones are dropped.
    fn fresh(&self) -> MutexGuard<'_, Recent> {
        let now = self.clock.now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.refreshed.retain(|kept| now.is_within(MEMORY_DURATION, kept.at));
        recent.refused.retain(|kept| now.is_within(MEMORY_DURATION, kept.at));
        recent
    }
}

fn digest_of(token: &SecretString) -> Vec<u8> {
    digest(&SHA256, token.expose_secret().as_bytes()).as_ref().to_vec()
}

fn push<T>(all: &mut VecDeque<Remembered<T>>, kept: Remembered<T>, most: usize) {
    if all.len() == most {
        all.pop_front();
    }
    all.push_back(kept);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workos::{Authentication, Grant, Requirement};

    fn key(token: &str, organization: Option<&str>) -> RefreshKey {
        let digest = digest(&SHA256, token.as_bytes()).as_ref().to_vec();
        RefreshKey { digest, organization: organization.and_then(OrganizationId::parse) }
    }

    fn session() -> SealedSession {
        let authentication: Authentication = serde_json::from_value(json!({
            "user": {"id": "user_1", "email": "jane@example.com"},
            "access_token": "an-access-token", "refresh_token": "a-refresh-token",
        }))
        .expect("an authentication");
        SealedSession::from(authentication)
    }

    fn ended() -> AuthenticateError {
        AuthenticateError::NotGood { grant: Grant::RefreshToken, code: "invalid_grant" }
    }

    fn kept(refreshes: &Refreshes) -> (usize, usize) {
        let recent = refreshes.recent.lock().expect("a lock");
        (recent.refreshed.len(), recent.refused.len())
    }

    #[test]
    fn others_tokens_leave_memory_with_the_next_request_after_a_minute() {
        let clock = Clock::fixed(1_900_000_000);
        let refreshes = Refreshes::new(clock.clone());
        refreshes.remember(key("a", None), &Ok(session()));
        refreshes.remember(key("b", None), &Err(ended()));
        clock.advance(Duration::from_secs(59));
        refreshes.forget_old();
        assert_eq!(kept(&refreshes), (1, 1));
        clock.advance(Duration::from_secs(1));
        refreshes.forget_old();
        assert_eq!(kept(&refreshes), (0, 0));

        refreshes.remember(key("a", None), &Ok(session()));
        clock.set_back(Duration::from_mins(10));
        refreshes.forget_old();
        assert_eq!(kept(&refreshes), (0, 0), "not until the clock has caught up");
    }

    #[test]
    fn only_another_token_takes_a_tokens_place() {
        let refreshes = Refreshes::new(Clock::fixed(1_900_000_000));
        let same = session().refresh_token.expect("a refresh token");
        for (token, successor) in
            [("before", Some(same.expose_secret())), (same.expose_secret(), None)]
        {
            refreshes.remember(key(token, None), &Ok(session()));
            let found = refreshes.successor(&key(token, Some("org_1")));
            assert_eq!(found.as_ref().map(ExposeSecret::expose_secret), successor, "{token}");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_latest_are_kept() {
        let refreshes = Refreshes::new(Clock::fixed(1_900_000_000));
        for number in 0..1000 {
            refreshes.remember(key(&format!("good {number}"), None), &Ok(session()));
            refreshes.remember(key(&format!("dead {number}"), None), &Err(ended()));
        }
        assert_eq!(kept(&refreshes), (MAX_REFRESHES, MAX_REFUSALS));
        assert!(refreshes.remembered(&key("good 999", None)).is_some());
        assert!(refreshes.remembered(&key("dead 999", None)).is_some());
        assert!(refreshes.remembered(&key("dead 0", None)).is_none());
    }

    #[test]
    fn a_session_that_has_ended_has_done_so_in_every_organization_and_no_other_refusal_has() {
        let refreshes = Refreshes::new(Clock::fixed(1_900_000_000));
        refreshes.remember(key("dead", None), &Err(ended()));
        assert!(refreshes.remembered(&key("dead", Some("org_1"))).is_some());
        refreshes.remember(key("switched", Some("org_1")), &Err(ended()));
        assert!(refreshes.remembered(&key("switched", None)).is_some());
        for refused in [AuthenticateError::AlreadyExchanged, required()] {
            refreshes.remember(key("refused", Some("org_1")), &Err(refused.clone()));
            assert!(refreshes.remembered(&key("refused", Some("org_1"))).is_none());
            refreshes.remember(key("refused too", None), &Err(refused));
            assert!(refreshes.remembered(&key("refused too", None)).is_some());
            assert!(refreshes.remembered(&key("refused too", Some("org_1"))).is_none());
        }
    }

    #[test]
    fn requests_with_one_token_share_a_turn_and_nothing_stays_of_one_that_is_over() {
        let refreshes = Refreshes::new(Clock::fixed(1_900_000_000));
        drop(refreshes.turn(b"a"));
        let (first, second) = (refreshes.turn(b"a"), refreshes.turn(b"a"));
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &refreshes.turn(b"b")));
        drop((first, second));
        let _turn = refreshes.turn(b"c");
        assert_eq!(refreshes.underway.lock().expect("a lock").len(), 1);
    }

    fn required() -> AuthenticateError {
        AuthenticateError::Required { requirement: Requirement::UseSso, code: "sso_required" }
    }

    #[test]
    fn an_outage_is_not_remembered() {
        let refreshes = Refreshes::new(Clock::fixed(1_900_000_000));
        let limited = AuthenticateError::TooManyAttempts { retry_after: None };
        refreshes.remember(key("a", None), &Err(limited));
        assert_eq!(kept(&refreshes), (0, 0));
    }
}
