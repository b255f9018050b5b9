//! Renewing sessions: once for all requests of a process that need it at the same time.

use std::collections::VecDeque;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::workos::{AuthenticateError, OrganizationId, SealedSession, WorkOs};

/// How long the outcome of a renewal is kept for requests that come with the spent token: those that
/// the browser had sent already.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// Of renewals, the latest this many are kept.
const KEPT: usize = 32;

/// The renewals of a process. They run one after the other; Lambda gives a process one request at a
/// time anyway.
#[derive(Debug)]
pub(super) struct Renewals {
    recent: Mutex<VecDeque<Renewal>>,
    clock: Clock,
}

#[derive(Debug)]
struct Renewal {
    /// Of the refresh token, which is not kept itself.
    digest: Vec<u8>,
    organization: Option<OrganizationId>,
    at: Timestamp,
    session: SealedSession,
}

impl Renewals {
    pub(super) fn new(clock: Clock) -> Self {
        Self { recent: Mutex::default(), clock }
    }

    /// The session that follows `session`, in `organization` if one is named.
    pub(super) async fn renew(
        &self,
        workos: &WorkOs,
        session: &SealedSession,
        organization: Option<&OrganizationId>,
    ) -> Result<SealedSession, AuthenticateError> {
        let token = &session.refresh_token;
        let digest = digest(&SHA256, token.expose_secret().as_bytes()).as_ref().to_vec();
        let mut recent = self.recent.lock().await;
        let now = self.clock.now();
        recent.retain(|renewal| now.since(renewal.at) < KEPT_FOR);
        let mut same = recent.iter().filter(|renewal| {
            renewal.digest == digest && renewal.organization.as_ref() == organization
        });
        if let Some(renewal) = same.next() {
            return Ok(renewal.session.clone());
        }
        let renewed = workos.authenticate_with_refresh_token(token, organization).await?;
        let session = SealedSession::from(renewed);
        if recent.len() == KEPT {
            recent.pop_front();
        }
        recent.push_back(Renewal {
            digest,
            organization: organization.cloned(),
            at: now,
            session: session.clone(),
        });
        Ok(session)
    }
}
