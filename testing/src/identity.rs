//! [`Identity`]: whose sessions the callers of a world have, and what differs between the two.

use std::sync::atomic::{AtomicUsize, Ordering};

use anteroom_stand_ins::clerk::{Clerk, Organization, SESSION_TOKEN_SECONDS, User};
use anteroom_stand_ins::workos;
use serde_json::{Value, json};

/// The provider of the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// WorkOS, the default of LiveKit's endpoints.
    WorkOs,
    /// Clerk, the default of `liveblocks-auth`.
    Clerk,
}

impl Identity {
    /// The value of `LIVEKIT_IDENTITY` and `LIVEBLOCKS_IDENTITY`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkOs => "workos",
            Self::Clerk => "clerk",
        }
    }

    /// The settings of the provider without which a function does not start.
    pub fn required_settings(self) -> &'static [&'static str] {
        match self {
            Self::WorkOs => &["WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD"],
            Self::Clerk => {
                &["CLERK_AUTHORIZED_PARTIES", "CLERK_PUBLISHABLE_KEY", "CLERK_SECRET_KEY"]
            }
        }
    }

    /// The permission to record that the user `jane` has, and nobody else.
    pub fn recording_permission(self) -> &'static str {
        match self {
            Self::WorkOs => workos::RECORDING_PERMISSION,
            Self::Clerk => "org:recordings:manage",
        }
    }

    /// The permission to invite guests that the user `jane` has, and nobody else.
    pub fn invite_permission(self) -> &'static str {
        match self {
            Self::WorkOs => workos::INVITE_PERMISSION,
            Self::Clerk => "org:guests:invite",
        }
    }

    /// The permission to moderate that the user `jane` has, and nobody else.
    pub fn moderate_permission(self) -> &'static str {
        match self {
            Self::WorkOs => workos::MODERATE_PERMISSION,
            Self::Clerk => "org:rooms:moderate",
        }
    }
}

/// The id at Clerk of an organization that WorkOS's stand-in has under this name.
pub(crate) fn clerk_organization_id(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("org_{:0<27.27}", format!("2Anteroom{letters}"))
}

/// The claims of a new session at Clerk of a user who is called so at WorkOS's stand-in, in the
/// organization of this name. They are good for ten minutes, so that no test has to hurry.
pub(crate) fn clerk_claims(clerk: &Clerk, user: &str, organization: Option<&str>) -> Value {
    static SESSIONS: AtomicUsize = AtomicUsize::new(0);
    let own = ["jane", "nameless"].contains(&user).then(|| User::seeded(user));
    let mut own = own.unwrap_or_else(|| User::new(user));
    own.organization = organization.map(|name| Organization {
        id: clerk_organization_id(name),
        slug: name.to_lowercase(),
        role: "admin".to_owned(),
        permissions: match user {
            "jane" => [("recordings", "manage"), ("guests", "invite"), ("rooms", "moderate")]
                .map(|(feature, permission)| (feature.to_owned(), permission.to_owned()))
                .to_vec(),
            _ => vec![],
        },
    });
    clerk.add_user(own);
    let mut claims = clerk.claims_for(user);
    let issued = claims["iat"].as_u64().expect("a time");
    claims["exp"] = json!(issued + 10 * SESSION_TOKEN_SECONDS);
    claims["sid"] = json!(format!("sess_{}", SESSIONS.fetch_add(1, Ordering::Relaxed)));
    claims
}
