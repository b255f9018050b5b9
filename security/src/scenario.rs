//! [`Scenario`]: a way of calling an endpoint, and the calls that it then makes to providers.

use std::fmt;

use anteroom_testing::Identity;

/// A provider, as the world has a stand-in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// WorkOS.
    WorkOs,
    /// Clerk.
    Clerk,
    /// Liveblocks.
    Liveblocks,
    /// LiveKit.
    LiveKit,
    /// The bucket of the recordings.
    S3,
    /// AWS Secrets Manager.
    SecretsManager,
    /// Amazon EventBridge.
    EventBridge,
}

impl Provider {
    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkOs => "WorkOS",
            Self::Clerk => "Clerk",
            Self::Liveblocks => "Liveblocks",
            Self::LiveKit => "LiveKit",
            Self::S3 => "S3",
            Self::SecretsManager => "Secrets Manager",
            Self::EventBridge => "EventBridge",
        }
    }

    /// The variable that names the secret with its keys, if it has any.
    pub fn secret_id(self) -> Option<&'static str> {
        match self {
            Self::WorkOs => Some("WORKOS_SECRET_ID"),
            Self::Clerk => Some("CLERK_SECRET_ID"),
            Self::Liveblocks => Some("LIVEBLOCKS_SECRET_ID"),
            Self::LiveKit | Self::S3 => Some("LIVEKIT_SECRET_ID"),
            Self::SecretsManager | Self::EventBridge => None,
        }
    }
}

/// The contract's rules for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It changes nothing, or may be repeated: one retry on a new connection.
    Repeatable,
    /// It may not be repeated.
    Once,
    /// The same, and a rate limit is about the caller.
    OncePerCaller,
    /// The refresh of a session that is due: repeated while there is time.
    Refresh,
    /// The refresh of a session that is not due yet: the request does not depend on it.
    EarlyRefresh,
    /// The provider's public keys, fetched while the function starts.
    Keys,
    /// The start of a recording: never repeated, and looked for if its answer is lost.
    Start,
    /// The end of a recording, which is looked at again if its answer is lost.
    Stop,
    /// An event for the bus, which the AWS SDK sends.
    Event,
    /// The function's secrets, which the AWS SDK fetches while the function starts.
    Secrets,
}

impl Kind {
    /// Whether it may not be repeated.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Once | Self::OncePerCaller | Self::Start)
    }
}

/// A call to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The provider.
    pub provider: Provider,
    /// The beginning of its path.
    pub path: &'static str,
    /// The rules for it.
    pub kind: Kind,
}

/// A caller's credential, or what else tells the ways of calling an endpoint apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// There is only one.
    Only,
    /// With an address whose domain uses single sign-on.
    SingleSignOn,
    /// With a session in a cookie, whose token is good for minutes.
    Cookie,
    /// With a session in a cookie, whose token has expired.
    Due,
    /// With a session in a cookie, whose token expires within a minute.
    Early,
    /// With a token in the header.
    Bearer,
}

/// A way of calling an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The function.
    pub function: &'static str,
    /// Whose sessions it accepts.
    pub identity: Identity,
    /// The way.
    pub way: Way,
    /// The calls in their order, without those for secrets.
    pub calls: &'static [Call],
}

impl Scenario {
    /// The status of a success.
    pub fn success(&self) -> u64 {
        if matches!(self.function, "sign-up" | "livekit-token") { 201 } else { 200 }
    }

    /// Whether a process fetches public keys while it starts.
    pub fn keys(&self) -> Option<Call> {
        self.calls.iter().copied().find(|call| call.kind == Kind::Keys)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match (self.identity, self.way) {
            (_, Way::Only) => return formatter.write_str(self.function),
            (_, Way::SingleSignOn) => "single sign-on",
            (Identity::WorkOs, Way::Cookie) => "cookie",
            (Identity::WorkOs, Way::Due) => "refresh due",
            (Identity::WorkOs, Way::Early) => "refresh early",
            (Identity::WorkOs, Way::Bearer) => "bearer token",
            (Identity::Clerk, _) => "Clerk",
        };
        write!(formatter, "{}, {way}", self.function)
    }
}

const fn call(provider: Provider, path: &'static str, kind: Kind) -> Call {
    Call { provider, path, kind }
}

const ORGANIZATIONS: Call = call(Provider::WorkOs, "/organizations", Kind::Repeatable);
const CONNECTIONS: Call = call(Provider::WorkOs, "/connections", Kind::Repeatable);
const FIND_USER: Call = call(Provider::WorkOs, "/user_management/users", Kind::Repeatable);
const CREATE_USER: Call = call(Provider::WorkOs, "/user_management/users", Kind::Once);
const SEND_CODE: Call = call(Provider::WorkOs, "/user_management/magic_auth", Kind::OncePerCaller);
const REDEEM: Call = call(Provider::WorkOs, "/user_management/authenticate", Kind::OncePerCaller);
const REFRESH: Call = call(Provider::WorkOs, "/user_management/authenticate", Kind::Refresh);
const REFRESH_EARLY: Call =
    call(Provider::WorkOs, "/user_management/authenticate", Kind::EarlyRefresh);
const WORKOS_KEYS: Call = call(Provider::WorkOs, "/sso/jwks/", Kind::Keys);
const CLERK_KEYS: Call = call(Provider::Clerk, "/v1/jwks", Kind::Keys);
const CLERK_USER: Call = call(Provider::Clerk, "/v1/users/", Kind::Repeatable);
const IDENTIFY: Call = call(Provider::Liveblocks, "/v2/identify-user", Kind::Repeatable);
const LIST_EGRESS: Call =
    call(Provider::LiveKit, "/twirp/livekit.Egress/ListEgress", Kind::Repeatable);
const LIST_ROOMS: Call =
    call(Provider::LiveKit, "/twirp/livekit.RoomService/ListRooms", Kind::Repeatable);
const START: Call =
    call(Provider::LiveKit, "/twirp/livekit.Egress/StartRoomCompositeEgress", Kind::Start);
const STOP: Call = call(Provider::LiveKit, "/twirp/livekit.Egress/StopEgress", Kind::Stop);
const REMOVE: Call =
    call(Provider::LiveKit, "/twirp/livekit.RoomService/RemoveParticipant", Kind::Repeatable);
const FIND_PARTICIPANT: Call =
    call(Provider::LiveKit, "/twirp/livekit.RoomService/GetParticipant", Kind::Repeatable);
const MUTE: Call =
    call(Provider::LiveKit, "/twirp/livekit.RoomService/MutePublishedTrack", Kind::Repeatable);
const LIST_OBJECTS: Call = call(Provider::S3, "/", Kind::Repeatable);
const PUT_EVENT: Call = call(Provider::EventBridge, "/", Kind::Event);

/// The calls for the secrets of every function.
pub const SECRETS: Call = call(Provider::SecretsManager, "/", Kind::Secrets);

const fn workos(function: &'static str, way: Way, calls: &'static [Call]) -> Scenario {
    Scenario { function, identity: Identity::WorkOs, way, calls }
}

const fn clerk(function: &'static str, calls: &'static [Call]) -> Scenario {
    Scenario { function, identity: Identity::Clerk, way: Way::Bearer, calls }
}

/// The ways of calling every endpoint.
pub const SCENARIOS: [Scenario; 43] = [
    workos("sign-in", Way::Only, &[ORGANIZATIONS, FIND_USER, SEND_CODE]),
    workos("sign-in", Way::SingleSignOn, &[ORGANIZATIONS, CONNECTIONS]),
    workos("dev-sign-in", Way::Only, &[SEND_CODE, REDEEM]),
    workos("sign-up", Way::Only, &[CREATE_USER]),
    workos("finalize-oauth", Way::Only, &[REDEEM]),
    workos("resend-magic-auth", Way::Only, &[ORGANIZATIONS, FIND_USER, SEND_CODE]),
    workos("finalize-magic-auth", Way::Only, &[FIND_USER, REDEEM]),
    workos("continue-with-google", Way::Only, &[]),
    workos("continue-with-microsoft", Way::Only, &[]),
    workos("continue-with-authkit", Way::Only, &[]),
    workos("select-organization", Way::Only, &[REDEEM]),
    workos("switch-organization", Way::Cookie, &[WORKOS_KEYS, REFRESH]),
    workos("sign-out", Way::Cookie, &[WORKOS_KEYS]),
    workos("session", Way::Cookie, &[WORKOS_KEYS]),
    workos("session", Way::Due, &[WORKOS_KEYS, REFRESH]),
    workos("session", Way::Early, &[WORKOS_KEYS, REFRESH_EARLY]),
    workos("session", Way::Bearer, &[WORKOS_KEYS]),
    workos("room-auth", Way::Cookie, &[WORKOS_KEYS]),
    workos("room-auth", Way::Due, &[WORKOS_KEYS, REFRESH]),
    clerk("room-auth", &[CLERK_KEYS]),
    workos("livekit-token", Way::Bearer, &[WORKOS_KEYS, FIND_USER]),
    workos("livekit-token", Way::Due, &[WORKOS_KEYS, REFRESH]),
    clerk("livekit-token", &[CLERK_KEYS, CLERK_USER]),
    workos("invite-guest", Way::Cookie, &[WORKOS_KEYS]),
    workos("invite-guest", Way::Due, &[WORKOS_KEYS, REFRESH]),
    clerk("invite-guest", &[CLERK_KEYS]),
    workos("guest-auth", Way::Only, &[]),
    workos("remove-participant", Way::Due, &[WORKOS_KEYS, REFRESH, REMOVE]),
    clerk("remove-participant", &[CLERK_KEYS, REMOVE]),
    workos("mute-participant", Way::Due, &[WORKOS_KEYS, REFRESH, FIND_PARTICIPANT, MUTE]),
    clerk("mute-participant", &[CLERK_KEYS, FIND_PARTICIPANT, MUTE]),
    workos("start-recording", Way::Cookie, &[WORKOS_KEYS, LIST_EGRESS, LIST_ROOMS, START]),
    workos("start-recording", Way::Due, &[WORKOS_KEYS, REFRESH]),
    clerk("start-recording", &[CLERK_KEYS, LIST_EGRESS, LIST_ROOMS, START]),
    workos("stop-recording", Way::Cookie, &[WORKOS_KEYS, LIST_EGRESS, STOP]),
    workos("stop-recording", Way::Due, &[WORKOS_KEYS, REFRESH]),
    clerk("stop-recording", &[CLERK_KEYS, LIST_EGRESS, STOP]),
    workos("recordings", Way::Due, &[WORKOS_KEYS, REFRESH, LIST_EGRESS, LIST_OBJECTS]),
    clerk("recordings", &[CLERK_KEYS, LIST_EGRESS, LIST_OBJECTS]),
    workos("livekit-webhook", Way::Only, &[PUT_EVENT]),
    workos("liveblocks-auth", Way::Due, &[WORKOS_KEYS, REFRESH, IDENTIFY]),
    workos("liveblocks-auth", Way::Bearer, &[WORKOS_KEYS, FIND_USER, IDENTIFY]),
    clerk("liveblocks-auth", &[CLERK_KEYS, CLERK_USER, IDENTIFY]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binary;

    #[test]
    fn every_function_has_a_scenario() {
        for name in binary::names() {
            assert!(SCENARIOS.iter().any(|scenario| scenario.function == name), "{name}");
        }
    }
}
