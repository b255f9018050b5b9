//! Rooms: maps a caller's room to LiveKit's, and checks permissions.

use std::fmt;

use serde::Serialize;

use crate::api::ApiError;
use crate::caller::Caller;
use crate::settings::{Incomplete, Settings};
use crate::text::Line;

/// The longest name of a room or participant, in bytes: the default limits of LiveKit's server.
/// <https://github.com/livekit/livekit/blob/master/config-sample.yaml>
pub(super) const MAX_NAME_BYTES: usize = 256;

/// The setting that names the permission to invite guests. Without it, guests cannot join either.
pub(super) const INVITE_PERMISSION: &str = "ROOM_INVITE_PERMISSION";

const RECORDING_PERMISSION: &str = "RECORDING_PERMISSION";
const RECORDING_REFUSED: &str = "You are not allowed to manage recordings";

/// A room as callers name it: 1 to 128 printable characters.
pub type RoomId = Line<128, MAX_NAME_BYTES>;

/// A room as LiveKit names it, and the organization that the caller acts in. The name is never
/// empty: in a token, an empty name means every room.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RoomName {
    name: String,
    #[serde(skip)]
    organization: Option<String>,
    #[serde(skip)]
    owned_name: String,
}

impl RoomName {
    /// The room that an invitation names, for a guest, who acts in no organization.
    pub(super) fn of_invitation(name: String) -> Option<Self> {
        let owned_name = format!(":{name}");
        (!name.is_empty()).then_some(Self { name, organization: None, owned_name })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The organization that the caller acts in, if any.
    pub(super) fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// The organization, a colon, and the caller's name for the room, in either namespace. No two
    /// organizations share such a name, because an id has no colon; without an organization it
    /// starts with the colon.
    pub(super) fn owned_name(&self) -> &str {
        &self.owned_name
    }
}

/// Omits the name: people choose it, so it may be personal.
impl fmt::Debug for RoomName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RoomName").finish_non_exhaustive()
    }
}

/// The rooms that callers may join or record, or whose participants they may invite or moderate.
#[derive(Clone, Debug)]
pub struct Rooms {
    namespace: Namespace,
    access: Access,
}

/// Who may do something in a room.
#[derive(Clone, Debug)]
enum Access {
    /// Every signed-in user.
    Everybody,
    /// A user with this permission, or nobody if it is `None`.
    Permitted { permission: Option<String>, refusal: &'static str },
}

impl Access {
    /// A permission that is required only if `setting` names one.
    fn optional(settings: &Settings, setting: &str, refusal: &'static str) -> Self {
        match settings.optional(setting) {
            None => Self::Everybody,
            Some(slug) => Self::Permitted { permission: Some(slug.to_owned()), refusal },
        }
    }

    /// A permission without which nobody has access, even if `setting` names none.
    fn required(settings: &Settings, setting: &str, refusal: &'static str) -> Self {
        Self::Permitted { permission: settings.optional(setting).map(str::to_owned), refusal }
    }

    fn check(&self, caller: &Caller) -> Result<(), ApiError> {
        match self {
            Self::Everybody => Ok(()),
            Self::Permitted { permission: Some(needed), .. }
                if caller.permissions.contains(needed) =>
            {
                Ok(())
            }
            Self::Permitted { refusal, .. } => Err(ApiError::forbidden(*refusal)),
        }
    }
}

/// The permission without which a participant only watches and listens, if one is configured.
#[derive(Clone, Debug)]
pub(super) struct PublishPermission(Option<String>);

impl PublishPermission {
    /// Reads `ROOM_PUBLISH_PERMISSION`.
    pub(super) fn configure(settings: &Settings) -> Self {
        Self(settings.optional("ROOM_PUBLISH_PERMISSION").map(str::to_owned))
    }

    /// Whether the caller may publish.
    pub(super) fn is_held_by(&self, caller: &Caller) -> bool {
        self.0.as_ref().is_none_or(|needed| caller.permissions.contains(needed))
    }
}

/// Whether callers share rooms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Namespace {
    /// All callers share the same rooms.
    Shared,
    /// Each organization has its own rooms.
    Organization,
}

impl Rooms {
    /// Rooms to join. Reads `ROOM_NAMESPACE`: `none` (the default) or `organization`.
    pub fn to_join(settings: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self { namespace: Namespace::configure(settings)?, access: Access::Everybody })
    }

    /// Rooms to record. Reads `ROOM_NAMESPACE` and `RECORDING_PERMISSION`, the slug of the required
    /// permission. Without it, every signed-in user may record.
    pub fn to_record(settings: &mut Settings) -> Result<Self, Incomplete> {
        let access = Access::optional(settings, RECORDING_PERMISSION, RECORDING_REFUSED);
        Ok(Self { namespace: Namespace::configure(settings)?, access })
    }

    /// Rooms whose recordings callers may list. Reads what [`to_record`](Self::to_record) reads,
    /// but without `RECORDING_PERMISSION`, nobody may list any.
    pub fn to_list_recordings(settings: &mut Settings) -> Result<Self, Incomplete> {
        let access = Access::required(settings, RECORDING_PERMISSION, RECORDING_REFUSED);
        Ok(Self { namespace: Namespace::configure(settings)?, access })
    }

    /// Rooms to invite guests to. Reads `ROOM_NAMESPACE` and `ROOM_INVITE_PERMISSION`, the slug of
    /// the required permission. Without it, nobody may invite.
    pub fn to_invite(settings: &mut Settings) -> Result<Self, Incomplete> {
        let refusal = "You are not allowed to invite guests";
        let access = Access::required(settings, INVITE_PERMISSION, refusal);
        Ok(Self { namespace: Namespace::configure(settings)?, access })
    }

    /// Rooms to mute and remove participants in. Reads `ROOM_NAMESPACE` and
    /// `ROOM_MODERATE_PERMISSION`, the slug of the required permission. Without it, nobody may
    /// moderate.
    pub fn to_moderate(settings: &mut Settings) -> Result<Self, Incomplete> {
        let refusal = "You are not allowed to moderate";
        let access = Access::required(settings, "ROOM_MODERATE_PERMISSION", refusal);
        Ok(Self { namespace: Namespace::configure(settings)?, access })
    }

    /// The room that a caller names `id`.
    ///
    /// # Errors
    /// 403 without the permission. With rooms per organization: 403 for a caller without an
    /// organization, and 400 if the name with its organization prefix is too long for LiveKit.
    pub fn room(&self, caller: &Caller, id: &RoomId) -> Result<RoomName, ApiError> {
        self.access.check(caller)?;
        let organization = caller.organization_id.clone().filter(|id| !id.is_empty());
        // The provider's ids have none. With one, two organizations could share a room's name.
        if organization.as_ref().is_some_and(|id| id.contains(':')) {
            return Err(ApiError::no_organization());
        }
        let owned_name = format!("{}:{}", organization.as_deref().unwrap_or_default(), id.as_str());
        let name = match self.namespace {
            Namespace::Shared => id.as_str().to_owned(),
            Namespace::Organization if organization.is_none() => {
                return Err(ApiError::no_organization());
            }
            Namespace::Organization => owned_name.clone(),
        };
        if name.len() > MAX_NAME_BYTES {
            return Err(ApiError::bad_request("The room name is too long"));
        }
        Ok(RoomName { name, organization, owned_name })
    }
}

impl Namespace {
    /// Reads `ROOM_NAMESPACE`.
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        match settings.optional("ROOM_NAMESPACE") {
            None | Some("none") => Ok(Self::Shared),
            Some("organization") => Ok(Self::Organization),
            Some(_) => Err(settings.problem("ROOM_NAMESPACE must be none or organization")),
        }
    }

    /// The setting's value.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Shared => "none",
            Self::Organization => "organization",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn rooms(namespace: &str, permission: &str) -> Result<Rooms, Incomplete> {
        let pairs = [("ROOM_NAMESPACE", namespace), ("RECORDING_PERMISSION", permission)];
        let mut settings = Settings::from_pairs(pairs, Clock::system()).expect("settings");
        Rooms::to_record(&mut settings)
    }

    fn id(text: &str) -> RoomId {
        RoomId::parse(text).expect("the id of a room")
    }

    fn caller(organization: Option<&str>, permissions: &[&str]) -> Caller {
        Caller {
            user_id: "user_1".to_owned(),
            session_id: "session_1".to_owned(),
            organization_id: organization.map(str::to_owned),
            permissions: permissions.iter().map(ToString::to_string).collect(),
            impersonator: None,
        }
    }

    #[test]
    fn everybody_shares_the_rooms_unless_they_are_kept_apart() {
        for namespace in ["", "none"] {
            let rooms = rooms(namespace, "").expect("a namespace");
            for organization in [None, Some("org_1")] {
                let room = rooms.room(&caller(organization, &[]), &id("room123")).expect("a room");
                assert_eq!(room.as_str(), "room123");
            }
        }
        assert!(rooms("organisation", "").is_err() && rooms("None", "").is_err());
    }

    #[test]
    fn an_organization_whose_id_could_be_the_start_of_anothers_room_has_none() {
        for namespace in ["none", "organization"] {
            let rooms = rooms(namespace, "").expect("a namespace");
            let refused = rooms.room(&caller(Some("org_1:x"), &[]), &id("room123")).err();
            assert_eq!(refused.expect("a refusal").status(), 403, "{namespace}");
        }
    }

    #[test]
    fn an_organization_has_rooms_of_its_own() {
        let rooms = rooms("organization", "").expect("a namespace");
        let room = rooms.room(&caller(Some("org_1"), &[]), &id("org_2:room123")).expect("a room");
        assert_eq!(room.as_str(), "org_1:org_2:room123");
        for none in [None, Some("")] {
            let error = rooms.room(&caller(none, &[]), &id("room123")).expect_err("none");
            assert_eq!(error.status(), 403);
        }
    }

    #[test]
    fn an_owned_name_is_one_organizations_in_either_namespace() {
        let shared = rooms("none", "").expect("a namespace");
        let apart = rooms("organization", "").expect("a namespace");
        for (rooms, organization, name, owned) in [
            (&shared, None, "daily", ":daily"),
            (&shared, Some(""), "daily", ":daily"),
            (&shared, None, "org_1:daily", ":org_1:daily"),
            (&shared, Some("org_1"), "daily", "org_1:daily"),
            (&shared, Some("org_2"), "org_1:daily", "org_2:org_1:daily"),
            (&apart, Some("org_1"), "daily", "org_1:daily"),
        ] {
            let room = rooms.room(&caller(organization, &[]), &id(name)).expect("a room");
            assert_eq!(room.owned_name(), owned);
        }
    }

    #[test]
    fn livekit_reads_the_name_alone() {
        let rooms = rooms("none", "").expect("a namespace");
        let room = rooms.room(&caller(Some("org_1"), &[]), &id("daily")).expect("a room");
        assert_eq!(serde_json::to_value(room).expect("JSON"), "daily");
    }

    #[test]
    fn a_name_too_long_for_livekit_is_400() {
        let rooms = rooms("organization", "").expect("a namespace");
        let long = id(&"é".repeat(125));
        let room = rooms.room(&caller(Some("org_1"), &[]), &long).expect("256 bytes");
        assert_eq!(room.as_str().len(), 256);
        let error = rooms.room(&caller(Some("org_12"), &[]), &long).expect_err("257 bytes");
        assert_eq!(error.status(), 400);
    }

    #[test]
    fn nobody_invites_or_moderates_unless_a_permission_is_configured_and_held() {
        type Configure = fn(&mut Settings) -> Result<Rooms, Incomplete>;
        for (name, configure, message) in [
            (
                "ROOM_INVITE_PERMISSION",
                Rooms::to_invite as Configure,
                "You are not allowed to invite guests",
            ),
            ("ROOM_MODERATE_PERMISSION", Rooms::to_moderate, "You are not allowed to moderate"),
        ] {
            for (configured, held, allowed) in [
                ("", &[][..], false),
                ("", &["", "rooms:run"], false),
                ("rooms:run", &["rooms", "rooms:run:all", "Rooms:run"], false),
                ("rooms:run", &["rooms:run"], true),
            ] {
                let pairs = [(name, configured)];
                let mut settings = Settings::from_pairs(pairs, Clock::system()).expect("settings");
                let rooms = configure(&mut settings).expect("rooms");
                let room = rooms.room(&caller(None, held), &id("room123"));
                let refused =
                    room.err().map(|error| (error.status().as_u16(), error.message().to_owned()));
                let expected = (!allowed).then(|| (403, message.to_owned()));
                assert_eq!(refused, expected, "{name}={configured}: {held:?}");
            }
        }
    }

    #[test]
    fn a_guest_joins_no_room_without_a_name() {
        let room = RoomName::of_invitation("org_1:daily".to_owned()).expect("a room");
        assert_eq!((room.as_str(), room.organization()), ("org_1:daily", None));
        assert!(RoomName::of_invitation(String::new()).is_none());
    }

    #[test]
    fn a_permission_that_is_configured_is_needed() {
        let rooms = rooms("none", "recordings:manage").expect("rooms");
        let permitted = caller(None, &["rooms:read", "recordings:manage"]);
        assert!(rooms.room(&permitted, &id("room123")).is_ok());
        for held in [&[][..], &["recordings"], &["recordings:manage:all"]] {
            let error = rooms.room(&caller(None, held), &id("room123")).expect_err("no permission");
            assert_eq!(error.status(), 403, "{held:?}");
        }
    }

    #[test]
    fn nobody_may_list_recordings_where_the_permission_has_no_name() {
        for (permission, allowed) in [("", false), ("recordings:manage", true)] {
            let pairs = [("RECORDING_PERMISSION", permission)];
            let mut settings = Settings::from_pairs(pairs, Clock::system()).expect("settings");
            let rooms = Rooms::to_list_recordings(&mut settings).expect("rooms");
            let permitted = caller(None, &["recordings:manage", ""]);
            assert_eq!(rooms.room(&permitted, &id("room123")).is_ok(), allowed, "{permission}");
            let error = rooms.room(&caller(None, &[]), &id("room123")).expect_err("no permission");
            assert_eq!(error.status(), 403, "{permission}");
        }
    }
}
