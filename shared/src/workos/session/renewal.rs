//! Refreshes sessions, once for all requests in a process that need the same refresh.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::{Clock, Timestamp};
use crate::workos::api::Urgency;
use crate::workos::{AuthenticateError, OrganizationId, SealedSession, WorkOs};

/// How long the outcome of a refresh is remembered. A success serves requests that the browser sent
/// with the old token before it had the new one; a rejection keeps a dead cookie from sending every
/// request to WorkOS.
const MEMORY_DURATION: Duration = Duration::from_mins(1);

/// The maximum number of remembered refreshes; the oldest are dropped.
const MAX_RENEWALS: usize = 32;

/// The maximum number of remembered rejections, which are small; the oldest are dropped.
const MAX_REFUSALS: usize = 256;

/// The refreshes of a process. Those of one session run one at a time.
#[derive(Debug)]
pub(super) struct Renewals {
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
    renewed: VecDeque<Remembered<SealedSession>>,
    refused: VecDeque<Remembered<AuthenticateError>>,
}

/// The outcome of a refresh.
#[derive(Debug)]
struct Remembered<T> {
    key: RenewalKey,
    at: Timestamp,
    outcome: T,
}

/// The key of a refresh: its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RenewalKey {
    /// The digest of the refresh token, which itself is not kept.
    digest: Vec<u8>,
    organization: Option<OrganizationId>,
}

impl Renewals {
    pub(super) fn new(clock: Clock) -> Self {
        Self { recent: Mutex::default(), underway: Mutex::default(), clock }
    }

    /// Refreshes a session with its refresh token, in `organization` if given.
    pub(super) async fn renew(
        &self,
        workos: &WorkOs,
        token: &SecretString,
        organization: Option<&OrganizationId>,
        urgency: Urgency,
    ) -> Result<SealedSession, AuthenticateError> {
        let digest = digest(&SHA256, token.expose_secret().as_bytes()).as_ref().to_vec();
        let key = RenewalKey { digest, organization: organization.cloned() };
        if let Some(outcome) = self.remembered(&key) {
            return outcome;
        }
        let turn = self.turn(&key.digest);
        let _turn = turn.lock().await;
        if let Some(outcome) = self.remembered(&key) {
            return outcome;
        }
        let renewed = workos.refresh(token, organization, urgency).await;
        let renewed = renewed.map(SealedSession::from);
        self.remember(key, &renewed);
        renewed
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

    fn remembered(&self, key: &RenewalKey) -> Option<Result<SealedSession, AuthenticateError>> {
        let recent = self.fresh();
        if let Some(kept) = recent.renewed.iter().find(|kept| kept.key == *key) {
            return Some(Ok(kept.outcome.clone()));
        }
        // A session that has ended has ended in every organization.
        let is_refusal = |kept: &&Remembered<AuthenticateError>| {
            kept.key == *key || (kept.key.digest == key.digest && kept.outcome.ends_session())
        };
        recent.refused.iter().find(is_refusal).map(|kept| Err(kept.outcome.clone()))
    }

    fn remember(&self, key: RenewalKey, outcome: &Result<SealedSession, AuthenticateError>) {
        let mut recent = self.fresh();
        let at = self.clock.now();
        match outcome {
            Ok(session) => {
                let outcome = session.clone();
                push(&mut recent.renewed, Remembered { key, at, outcome }, MAX_RENEWALS);
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
        recent.renewed.retain(|kept| now.is_within(MEMORY_DURATION, kept.at));
        recent.refused.retain(|kept| now.is_within(MEMORY_DURATION, kept.at));
        recent
    }
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

    fn key(token: &str, organization: Option<&str>) -> RenewalKey {
        let digest = digest(&SHA256, token.as_bytes()).as_ref().to_vec();
        RenewalKey { digest, organization: organization.and_then(OrganizationId::parse) }
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

    fn kept(renewals: &Renewals) -> (usize, usize) {
        let recent = renewals.recent.lock().expect("a lock");
        (recent.renewed.len(), recent.refused.len())
    }

    #[test]
    fn others_tokens_leave_memory_with_the_next_request_after_a_minute() {
        let clock = Clock::fixed(1_900_000_000);
        let renewals = Renewals::new(clock.clone());
        renewals.remember(key("a", None), &Ok(session()));
        renewals.remember(key("b", None), &Err(ended()));
        clock.advance(Duration::from_secs(59));
        renewals.forget_old();
        assert_eq!(kept(&renewals), (1, 1));
        clock.advance(Duration::from_secs(1));
        renewals.forget_old();
        assert_eq!(kept(&renewals), (0, 0));

        renewals.remember(key("a", None), &Ok(session()));
        clock.set_back(Duration::from_mins(10));
        renewals.forget_old();
        assert_eq!(kept(&renewals), (0, 0), "not until the clock has caught up");
    }

    #[test]
    fn memory_is_bounded_and_the_latest_are_kept() {
        let renewals = Renewals::new(Clock::fixed(1_900_000_000));
        for number in 0..1000 {
            renewals.remember(key(&format!("good {number}"), None), &Ok(session()));
            renewals.remember(key(&format!("dead {number}"), None), &Err(ended()));
        }
        assert_eq!(kept(&renewals), (MAX_RENEWALS, MAX_REFUSALS));
        assert!(renewals.remembered(&key("good 999", None)).is_some());
        assert!(renewals.remembered(&key("dead 999", None)).is_some());
        assert!(renewals.remembered(&key("dead 0", None)).is_none());
    }

    #[test]
    fn a_session_that_has_ended_has_done_so_in_every_organization_and_no_other_refusal_has() {
        let renewals = Renewals::new(Clock::fixed(1_900_000_000));
        renewals.remember(key("dead", None), &Err(ended()));
        assert!(renewals.remembered(&key("dead", Some("org_1"))).is_some());
        renewals.remember(key("switched", Some("org_1")), &Err(ended()));
        assert!(renewals.remembered(&key("switched", None)).is_some());
        for refused in [AuthenticateError::AlreadyExchanged, required()] {
            renewals.remember(key("refused", Some("org_1")), &Err(refused.clone()));
            assert!(renewals.remembered(&key("refused", Some("org_1"))).is_none());
            renewals.remember(key("refused too", None), &Err(refused));
            assert!(renewals.remembered(&key("refused too", None)).is_some());
            assert!(renewals.remembered(&key("refused too", Some("org_1"))).is_none());
        }
    }

    #[test]
    fn requests_with_one_token_share_a_turn_and_nothing_stays_of_one_that_is_over() {
        let renewals = Renewals::new(Clock::fixed(1_900_000_000));
        drop(renewals.turn(b"a"));
        let (first, second) = (renewals.turn(b"a"), renewals.turn(b"a"));
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &renewals.turn(b"b")));
        drop((first, second));
        let _turn = renewals.turn(b"c");
        assert_eq!(renewals.underway.lock().expect("a lock").len(), 1);
    }

    fn required() -> AuthenticateError {
        AuthenticateError::Required { requirement: Requirement::UseSso, code: "sso_required" }
    }

    #[test]
    fn an_outage_is_not_remembered() {
        let renewals = Renewals::new(Clock::fixed(1_900_000_000));
        let limited = AuthenticateError::TooManyAttempts { retry_after: None };
        renewals.remember(key("a", None), &Err(limited));
        assert_eq!(kept(&renewals), (0, 0));
    }
}
