//! Invitations: signed tokens that let people without an account join a room as guests.
//!
//! An invitation is a JWT of its own type (`typ`). Its key is derived from LiveKit's API secret, so
//! that LiveKit does not accept it as a token, and a join token is not an invitation.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::api::ApiError;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::jwt::{self, Hs256Key, Lifetime, Token};
use crate::livekit::access_token::{JOIN_LIFETIME, Joining, Rights};
use crate::livekit::identity::Identity;
use crate::livekit::join::{JoinToken, Username, expose};
use crate::livekit::keys::{AcceptedKeys, KeyPair, Keys, NotAccepted};
use crate::livekit::room::{INVITE_PERMISSION, Namespace, PublishPermission};
use crate::livekit::{RoomId, RoomName};
use crate::settings::{Incomplete, Settings};

/// The type of the token (RFC 8725, section 3.11).
const TYPE: &str = "anteroom-invitation+jwt";

/// The longest invitation that is read, in bytes. The longest that we make has 1,200: a room's name
/// has up to 256 bytes, a user's id about 30.
const MAX_BYTES: usize = 2048;

/// How long an invitation is valid unless the inviter says otherwise.
const DEFAULT_HOURS: Hours = Hours(24);

/// A week.
const MAX_HOURS: u16 = 168;

/// A request for an invitation.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewInvitation {
    /// The room.
    pub room_id: RoomId,
    hours: Option<Hours>,
    can_publish: Option<bool>,
}

/// The validity of an invitation: a whole number of hours from 1 to 168.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hours(u16);

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // JSON does not distinguish 24 from 24.0.
        let number = f64::deserialize(deserializer)?;
        let hours = (1..=MAX_HOURS).find(|hours| f64::from(*hours).total_cmp(&number).is_eq());
        hours.map(Self).ok_or_else(|| D::Error::custom("not a whole number from 1 to 168"))
    }
}

impl Hours {
    fn duration(self) -> Duration {
        Duration::from_hours(self.0.into())
    }
}

/// An invitation as `invite-guest` returns it. `Debug` omits it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    #[serde(serialize_with = "expose")]
    invitation: SecretString,
    /// In Unix seconds.
    expires_at: u64,
}

/// An invitation as a guest presents it, unverified. `Debug` omits it.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub struct InvitationToken(SecretString);

impl From<String> for InvitationToken {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    /// The API key, which selects the secret.
    iss: String,
    /// In Unix seconds.
    exp: u64,
    /// The room as LiveKit names it.
    room: String,
    can_publish: bool,
    /// The inviter's user id.
    inviter: String,
}

/// The deployment that the key of invitations is derived for. Another stage, LiveKit server or
/// namespace has another key, even with the same API secret.
#[derive(Clone, Debug)]
struct Purpose(String);

impl Purpose {
    /// Reads `STAGE`, `LIVEKIT_URL` and `ROOM_NAMESPACE`.
    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (url, namespace) = (settings.socket_url("LIVEKIT_URL"), Namespace::configure(settings));
        let stage = settings.optional("STAGE").unwrap_or_default();
        let (server, namespace) = (server(&url?), namespace?.name());
        // None of the parts contains a line break.
        Ok(Self(format!("anteroom invitation\n{stage}\n{server}\n{namespace}")))
    }

    fn key(&self, pair: &KeyPair) -> Option<Hs256Key> {
        Hs256Key::derived(&pair.api_secret, self.0.as_bytes())
    }
}

/// The server's host and port, which are the same for every spelling of its address.
fn server(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// Issues invitations.
#[derive(Clone, Debug)]
pub struct Invitations {
    keys: Keys,
    purpose: Purpose,
    publish_permission: PublishPermission,
}

impl Invitations {
    /// Reads `LIVEKIT_API_KEY`, `LIVEKIT_API_SECRET`, `LIVEKIT_URL`, `STAGE`, `ROOM_NAMESPACE`, and
    /// if it is set `ROOM_PUBLISH_PERMISSION`, the slug of the permission without which a caller
    /// cannot let a guest publish.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (keys, purpose) = (Keys::configure(settings), Purpose::configure(settings));
        let publish_permission = PublishPermission::configure(settings);
        Ok(Self { keys: keys?, purpose: purpose?, publish_permission })
    }

    /// An invitation to `room` from the caller, for any number of guests. They may publish if the
    /// caller may, unless the request says otherwise.
    ///
    /// # Errors
    /// 503 if the key is unavailable.
    pub async fn invite(
        &self,
        caller: &Caller,
        room: &RoomName,
        request: &NewInvitation,
    ) -> Result<Invitation, ApiError> {
        let pair = self.keys.read().await?;
        let asked = request.can_publish.unwrap_or(true);
        let hours = request.hours.unwrap_or(DEFAULT_HOURS);
        let claims = Claims {
            iss: pair.api_key.expose_secret().to_owned(),
            exp: self.keys.clock.now().after(hours.duration()).whole_seconds(),
            room: room.as_str().to_owned(),
            can_publish: asked && self.publish_permission.is_held_by(caller),
            inviter: caller.user_id.clone(),
        };
        let key = self.purpose.key(&pair);
        let key = key.ok_or_else(|| ApiError::internal("the invitation key cannot be derived"))?;
        let invitation = jwt::sign_typed_hs256(TYPE, &claims, &key).map_err(ApiError::internal)?;
        Ok(Invitation { invitation, expires_at: claims.exp })
    }
}

/// Admits guests.
#[derive(Clone)]
pub struct Guests {
    keys: AcceptedKeys,
    purpose: Purpose,
    own_metadata: bool,
    is_open: bool,
}

/// Why a guest is not admitted.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// It is not an invitation of this deployment.
    #[error("it is not an invitation")]
    Foreign,
    /// Its signature or issuer is wrong, or cannot be checked.
    #[error(transparent)]
    Key(#[from] NotAccepted),
    /// It has expired.
    #[error("the invitation has expired")]
    Expired,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Key(NotAccepted::Keys(error)) => error.into(),
            Refused::Expired => Self::unauthorized("This invitation has expired"),
            Refused::Foreign | Refused::Key(_) => {
                Self::unauthorized("This invitation is not valid").with_detail(refused)
            }
        }
    }
}

impl Guests {
    /// Reads the settings of [`Invitations::configure`] except `ROOM_PUBLISH_PERMISSION`;
    /// `LIVEKIT_API_KEY_PREVIOUS` and `LIVEKIT_API_SECRET_PREVIOUS`, whose invitations are still
    /// accepted; `ROOM_OWN_METADATA`; and `ROOM_INVITE_PERMISSION`, without which no guest is
    /// admitted.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (keys, purpose) = (AcceptedKeys::configure(settings), Purpose::configure(settings));
        let own_metadata = settings.flag("ROOM_OWN_METADATA");
        let is_open = settings.optional(INVITE_PERMISSION).is_some();
        Ok(Self { keys: keys?, purpose: purpose?, own_metadata: own_metadata?, is_open })
    }

    /// A token that lets a guest join the room of the invitation, with the display name `username`
    /// and a new identity. It is valid for ten minutes, but not longer than the invitation.
    ///
    /// # Errors
    /// 401 if the invitation has expired or is not one of this deployment, 403 if guests are turned
    /// off, 503 if the key is unavailable.
    pub async fn token(
        &self,
        invitation: &InvitationToken,
        username: &Username,
    ) -> Result<JoinToken, ApiError> {
        if !self.is_open {
            return Err(ApiError::forbidden("Guests are not admitted"));
        }
        let now = self.keys.current().clock.now();
        let Admission { room, can_publish, end } = self.admission(invitation, now).await?;
        let pair = self.keys.current().read().await?;
        let joining = Joining { identity: &Identity::new_guest(), name: username.as_str() };
        let rights = Rights { publish: can_publish, own_metadata: self.own_metadata };
        let end = end.min(now.after(JOIN_LIFETIME));
        Ok(JoinToken::new(pair.join_token(&room, rights, joining, now, end)?))
    }

    async fn admission(
        &self,
        InvitationToken(text): &InvitationToken,
        now: Timestamp,
    ) -> Result<Admission, Refused> {
        let text = text.expose_secret();
        if text.len() > MAX_BYTES {
            return Err(Refused::Foreign);
        }
        let token = Token::parse(text).map_err(NotAccepted::Token)?;
        if token.header().typ.as_deref() != Some(TYPE) {
            return Err(Refused::Foreign);
        }
        let claims = self.keys.verify(&token, |pair| self.purpose.key(pair)).await?;
        let claims: Claims = claims.read().map_err(NotAccepted::Token)?;
        let end = Timestamp::EPOCH.after(Duration::from_secs(claims.exp));
        let lifetime = Lifetime { exp: end, nbf: None, iat: None };
        // The clocks are our own, so there is no leeway.
        lifetime.check(now, Duration::ZERO).map_err(|_| Refused::Expired)?;
        let room = RoomName::of_invitation(claims.room).ok_or(Refused::Foreign)?;
        Ok(Admission { room, can_publish: claims.can_publish, end })
    }
}

/// The room that an invitation opens, with the guest's rights and the expiry.
struct Admission {
    room: RoomName,
    can_publish: bool,
    end: Timestamp,
}

impl fmt::Debug for Guests {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guests").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use proptest::sample::Index;
    use serde_json::json;

    use super::*;
    use crate::clock::Clock;
    use crate::livekit::Rooms;

    #[test]
    fn hours_are_a_whole_number_up_to_a_week() {
        let read = |body: &str| serde_json::from_str::<NewInvitation>(body);
        for (hours, expected) in [
            ("1", Some(Hours(1))),
            ("24.0", Some(Hours(24))),
            ("1.68e2", Some(Hours(168))),
            ("null", None),
        ] {
            let request = read(&format!(r#"{{"roomId":"daily","hours":{hours}}}"#));
            assert_eq!(request.expect("a request").hours, expected, "{hours}");
        }
        for hours in ["0", "-0.0", "-1", "169", "1.5", "\"24\"", "true", "[24]", "1e300"] {
            let request = read(&format!(r#"{{"roomId":"daily","hours":{hours}}}"#));
            assert!(request.is_err(), "{hours}");
        }
    }

    #[test]
    fn an_invitation_is_not_printed() {
        let secret = "eyJhbGciOiJIUzI1NiJ9";
        let token: InvitationToken = serde_json::from_value(json!(secret)).expect("a text");
        let invitation = Invitation { invitation: secret.into(), expires_at: 0 };
        assert!(!format!("{token:?} {invitation:?}").contains(secret));
    }

    #[test]
    fn a_deployment_has_a_purpose_of_its_own() {
        let purpose = |stage: &str, url: &str, namespace: &str| {
            let pairs = [("STAGE", stage), ("LIVEKIT_URL", url), ("ROOM_NAMESPACE", namespace)];
            let clock = Clock::system();
            let mut settings = Settings::from_pairs(pairs, clock).expect("settings");
            Purpose::configure(&mut settings).expect("a purpose").0
        };
        let own = purpose("prod", "wss://a.livekit.cloud", "none");
        for spelled in ["https://A.livekit.cloud/", "wss://a.livekit.cloud:443/path"] {
            assert_eq!(purpose("prod", spelled, ""), own, "{spelled}");
        }
        for other in [
            purpose("dev", "wss://a.livekit.cloud", "none"),
            purpose("", "wss://a.livekit.cloud", "none"),
            purpose("prod", "wss://b.livekit.cloud", "none"),
            purpose("prod", "wss://a.livekit.cloud:7880", "none"),
            purpose("prod", "wss://a.livekit.cloud", "organization"),
        ] {
            assert_ne!(other, own);
        }
    }

    /// The settings of a deployment in which this permission is needed to invite guests.
    fn settings(permission: &str, clock: Clock) -> Settings {
        let pairs = [
            ("LIVEKIT_URL", "wss://a.livekit.cloud"),
            ("LIVEKIT_API_KEY", "APIInvitations"),
            ("LIVEKIT_API_SECRET", "the secret of invitations, of 32 bytes and more"),
            ("ROOM_INVITE_PERMISSION", permission),
        ];
        Settings::from_pairs(pairs, clock).expect("settings")
    }

    fn guests(permission: &str) -> Guests {
        let mut settings = settings(permission, Clock::fixed(NOW));
        Guests::configure(&mut settings).expect("guests")
    }

    #[test]
    fn without_the_permission_no_guest_is_admitted_and_with_it_none_without_an_invitation() {
        let username = Username::parse("Guest").expect("a name");
        for (permission, status) in [("", 403), ("rooms:invite", 401)] {
            let invitation = InvitationToken::from("a.b.c".to_owned());
            let refused = run(guests(permission).token(&invitation, &username)).err();
            let refused = refused.map(|error| error.status().as_u16());
            assert_eq!(refused, Some(status), "{permission}");
        }
    }

    #[test]
    fn only_a_text_that_could_be_an_invitation_is_decoded() {
        let admitted = |length: usize| {
            let invitation = InvitationToken::from("x".repeat(length));
            run(guests("rooms:invite").admission(&invitation, Clock::fixed(NOW).now())).err()
        };
        assert!(matches!(admitted(MAX_BYTES + 1), Some(Refused::Foreign)));
        assert!(!matches!(admitted(MAX_BYTES), Some(Refused::Foreign) | None));
    }

    const NOW: u64 = 1_900_000_000;

    /// Runs `work`, which never waits.
    fn run<F: Future>(work: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(work)
    }

    proptest! {
        #[test]
        fn an_invitation_opens_its_room_until_it_expires_and_nothing_else_does(
            room in "\\PC{1,128}",
            hours in 1_u16..=168,
            can_publish in any::<Option<bool>>(),
            at in any::<Index>(),
            to in "[A-Za-z0-9_.-]",
        ) {
            let Some(id) = RoomId::parse(&room) else {
                return Ok(());
            };
            let clock = Clock::fixed(NOW);
            let mut settings = settings("rooms:invite", clock.clone());
            let invitations = Invitations::configure(&mut settings).expect("invitations");
            let guests = Guests::configure(&mut settings).expect("guests");
            let caller = Caller {
                user_id: "user_01INVITER".to_owned(),
                session_id: "session_1".to_owned(),
                organization_id: None,
                permissions: vec!["rooms:invite".to_owned()],
                impersonator: None,
            };
            let rooms = Rooms::to_invite(&mut settings).expect("rooms");
            let room = rooms.room(&caller, &id).expect("a room");
            let request = json!({ "roomId": room, "hours": hours, "canPublish": can_publish });
            let request: NewInvitation = serde_json::from_value(request).expect("a request");
            let made = run(invitations.invite(&caller, &room, &request)).expect("an invitation");
            let text = made.invitation.expose_secret();
            prop_assert!(text.len() <= MAX_BYTES, "{}", text.len());
            let end = NOW + 3600 * u64::from(hours);
            prop_assert_eq!(made.expires_at, end);

            let admitted = |text: &str, now| {
                run(guests.admission(&InvitationToken::from(text.to_owned()), now))
            };
            let admission = admitted(text, clock.now()).expect("an admission");
            prop_assert_eq!(admission.room.as_str(), id.as_str());
            prop_assert_eq!(admission.can_publish, can_publish.unwrap_or(true));
            prop_assert_eq!(admission.end.whole_seconds(), end);

            let mut changed = text.to_owned();
            let at = at.index(text.len());
            changed.replace_range(at..=at, &to);
            prop_assert!(changed == text || admitted(&changed, clock.now()).is_err());
            clock.advance(Duration::from_hours(hours.into()));
            prop_assert!(matches!(admitted(text, clock.now()), Err(Refused::Expired)));
        }
    }
}
