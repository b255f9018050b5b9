//! Whose sessions an endpoint accepts: the identity provider that the deployment has chosen.
//!
//! An application needs only one identity provider for both LiveKit and Liveblocks. Only the chosen
//! provider's settings, secrets and keys are read.
//!
//! ```
//! # use anteroom::api::{ApiError, Reply, Request};
//! # use anteroom::identity::IdentityProvider;
//! async fn handle(
//!     identity: &IdentityProvider,
//!     request: &Request,
//! ) -> Result<Reply<String>, ApiError> {
//!     let session = identity.session(request).await?; // 401 without a valid session
//!     Ok(Reply::ok(session.caller().user_id))
//! }
//! ```

use crate::api::{ApiError, Request};
use crate::caller::{Caller, Person};
use crate::clerk;
use crate::clerk::Clerk;
use crate::settings::{Incomplete, Settings};
use crate::workos;
use crate::workos::Sessions;

/// The provider of an endpoint's sessions.
#[derive(Debug)]
pub enum IdentityProvider {
    /// Clerk.
    Clerk(Clerk),
    /// WorkOS.
    WorkOs(Box<Sessions>),
}

/// A verified session, and the provider that vouches for it.
#[derive(Clone, Debug)]
pub enum Session<'p> {
    /// Clerk's.
    Clerk(&'p Clerk, Box<clerk::SignedIn>),
    /// WorkOS's.
    WorkOs(&'p Sessions, Box<workos::Session>),
}

impl IdentityProvider {
    /// Whose sessions the LiveKit endpoints accept. Reads `LIVEKIT_IDENTITY`, `workos` by default or
    /// `clerk`, and what [`Sessions::configure`] or [`Clerk::to_verify`] reads.
    ///
    /// An endpoint that calls [`Session::person`] needs [`for_livekit_with_profiles`].
    ///
    /// [`for_livekit_with_profiles`]: Self::for_livekit_with_profiles
    pub fn for_livekit(settings: &mut Settings) -> Result<Self, Incomplete> {
        Self::of_livekit(settings, Clerk::to_verify)
    }

    /// The same for an endpoint that also reads users' profiles, and so needs Clerk's secret key:
    /// reads what [`Clerk::configure`] reads.
    pub fn for_livekit_with_profiles(settings: &mut Settings) -> Result<Self, Incomplete> {
        Self::of_livekit(settings, Clerk::configure)
    }

    fn of_livekit(
        settings: &mut Settings,
        clerk: impl FnOnce(&mut Settings) -> Result<Clerk, Incomplete>,
    ) -> Result<Self, Incomplete> {
        match settings.optional("LIVEKIT_IDENTITY") {
            None | Some("workos") => Self::workos(settings),
            Some("clerk") => clerk(settings).map(Self::Clerk),
            Some(_) => Err(settings.problem("LIVEKIT_IDENTITY must be workos or clerk")),
        }
    }

    /// Whose sessions `liveblocks-auth` accepts. Reads `LIVEBLOCKS_IDENTITY`, `clerk` by default or
    /// `workos`, and what [`Clerk::configure`] or [`Sessions::configure`] reads.
    pub fn for_liveblocks(settings: &mut Settings) -> Result<Self, Incomplete> {
        match settings.optional("LIVEBLOCKS_IDENTITY") {
            None | Some("clerk") => Clerk::configure(settings).map(Self::Clerk),
            Some("workos") => Self::workos(settings),
            Some(_) => Err(settings.problem("LIVEBLOCKS_IDENTITY must be clerk or workos")),
        }
    }

    fn workos(settings: &mut Settings) -> Result<Self, Incomplete> {
        Sessions::configure(settings).map(Box::new).map(Self::WorkOs)
    }

    /// Fetches the provider's signing keys ahead of the first request.
    pub async fn prefetch_keys(&self) {
        match self {
            Self::Clerk(clerk) => clerk.prefetch_keys().await,
            Self::WorkOs(sessions) => sessions.prefetch_keys().await,
        }
    }

    /// The session of a request, or 401 without a valid one.
    pub async fn session(&self, request: &Request) -> Result<Session<'_>, ApiError> {
        match self {
            Self::Clerk(clerk) => {
                Ok(Session::Clerk(clerk, Box::new(clerk.auth(request).await?.require()?)))
            }
            Self::WorkOs(sessions) => {
                Ok(Session::WorkOs(sessions, Box::new(sessions.session(request).await?)))
            }
        }
    }

    /// The session of a request, or the given error if nobody is signed in: there are no
    /// credentials, or the session has ended. A forged or foreign credential is 401.
    pub async fn session_or(
        &self,
        request: &Request,
        nobody: impl FnOnce() -> ApiError,
    ) -> Result<Session<'_>, ApiError> {
        match self {
            Self::Clerk(clerk) => {
                let session = clerk.auth(request).await?.signed_in_or(nobody)?;
                Ok(Session::Clerk(clerk, Box::new(session)))
            }
            Self::WorkOs(sessions) => {
                let session = sessions.session_or(request, nobody).await?;
                Ok(Session::WorkOs(sessions, Box::new(session)))
            }
        }
    }
}

impl Session<'_> {
    /// The caller that the session vouches for.
    pub fn caller(&self) -> Caller {
        match self {
            Self::Clerk(_, session) => session.caller(),
            Self::WorkOs(_, session) => session.caller(),
        }
    }

    /// The organization that the session acts in, if any.
    pub fn organization_id(&self) -> Option<&str> {
        match self {
            Self::Clerk(_, session) => session.organization_id(),
            Self::WorkOs(_, session) => {
                session.token().organization_id.as_ref().map(workos::OrganizationId::as_str)
            }
        }
    }

    /// The profile of the user, if the user still exists. The provider has to be one that reads
    /// profiles.
    ///
    /// # Errors
    /// 403 if the user is banned or locked at Clerk.
    pub async fn person(&self) -> Result<Option<Person>, ApiError> {
        match self {
            Self::Clerk(clerk, session) => {
                let Some(user) = clerk.users().user(session.user_id()).await? else {
                    return Ok(None);
                };
                user.check_access()?;
                Ok(Some(user.person()))
            }
            Self::WorkOs(sessions, session) => {
                if let Some(user) = session.user() {
                    return Ok(Some(user.person()));
                }
                let user = sessions.user(&session.token().user_id).await?;
                Ok(user.map(|user| user.person()))
            }
        }
    }
}
