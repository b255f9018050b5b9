//! Rooms and participants.

use super::{
    egress::Egress,
    identifier::random_id,
    join::Seat,
    messages::{
        Codec, CreateRoomRequest, ParticipantInfo, ParticipantKind, ParticipantPermission,
        ParticipantState, Room, TrackInfo, TrackSource, TrackType,
    },
    twirp::{Code, Refusal},
};

/// The longest room name, in bytes.
pub(super) const LONGEST_NAME: usize = 256;

/// The largest room metadata, in bytes.
const MOST_METADATA: usize = 512 * 1024;

/// A server's defaults, in seconds.
const EMPTY_TIMEOUT: u32 = 300;
const DEPARTURE_TIMEOUT: u32 = 20;

/// The codecs that a server enables.
const CODECS: [&str; 10] = [
    "audio/PCMU",
    "audio/PCMA",
    "audio/opus",
    "audio/red",
    "video/VP8",
    "video/H264",
    "video/VP9",
    "video/AV1",
    "video/H265",
    "video/rtx",
];

/// An open room.
#[derive(Debug)]
pub(super) struct OpenRoom {
    room: Room,
    participants: Vec<ParticipantInfo>,
}

impl OpenRoom {
    /// An empty room, opened at this Unix time in milliseconds.
    pub(super) fn new(name: &str, now_ms: i64) -> Self {
        let codecs = CODECS.map(|mime| Codec { mime: mime.to_owned(), ..Codec::default() });
        let room = Room {
            sid: random_id("RM_"),
            name: name.to_owned(),
            empty_timeout: EMPTY_TIMEOUT,
            departure_timeout: DEPARTURE_TIMEOUT,
            creation_time: now_ms / 1000,
            creation_time_ms: now_ms,
            enabled_codecs: codecs.to_vec(),
            ..Room::default()
        };
        Self { room, participants: Vec::new() }
    }

    pub(super) fn name(&self) -> &str {
        &self.room.name
    }

    pub(super) fn id(&self) -> &str {
        &self.room.sid
    }

    /// Adds or removes participants until there are this many.
    pub(super) fn fill(&mut self, participants: u32, now_ms: i64) {
        let present = u32::try_from(self.participants.len()).unwrap_or(u32::MAX);
        self.participants.truncate(usize::try_from(participants).unwrap_or(usize::MAX));
        self.participants.extend((present..participants).map(|index| participant(index, now_ms)));
    }

    /// Adds a participant. An earlier one with the same identity is evicted.
    pub(super) fn join(&mut self, seat: &Seat, permission: ParticipantPermission, now_ms: i64) {
        self.leave(&seat.identity);
        self.participants.push(ParticipantInfo {
            sid: random_id("PA_"),
            identity: seat.identity.clone(),
            name: seat.name.clone(),
            state: ParticipantState::Active.into(),
            joined_at: now_ms / 1000,
            joined_at_ms: now_ms,
            permission: Some(permission),
            ..ParticipantInfo::default()
        });
    }

    /// Removes a participant, and tells whether there was one.
    pub(super) fn leave(&mut self, identity: &str) -> bool {
        let before = self.participants.len();
        self.participants.retain(|participant| participant.identity != identity);
        self.participants.len() < before
    }

    /// A participant who is not a recorder.
    pub(super) fn participant_mut(&mut self, identity: &str) -> Option<&mut ParticipantInfo> {
        self.participants.iter_mut().find(|participant| participant.identity == identity)
    }

    /// The participants who are not recorders.
    pub(super) fn people(&self) -> &[ParticipantInfo] {
        &self.participants
    }

    /// Applies the request's options to the room.
    pub(super) fn configure(&mut self, request: &CreateRoomRequest) {
        let set = |value: &mut u32, wanted: u32| {
            if wanted > 0 {
                *value = wanted;
            }
        };
        set(&mut self.room.empty_timeout, request.empty_timeout);
        set(&mut self.room.departure_timeout, request.departure_timeout);
        set(&mut self.room.max_participants, request.max_participants);
        if !request.metadata.is_empty() {
            self.room.metadata.clone_from(&request.metadata);
        }
    }

    /// The room as the API returns it. Recorders are not counted.
    pub(super) fn info(&self, egresses: &[Egress]) -> Room {
        let count = u32::try_from(self.participants.len()).unwrap_or(u32::MAX);
        Room {
            num_participants: count,
            num_publishers: count,
            active_recording: self.recorders(egresses).next().is_some(),
            ..self.room.clone()
        }
    }

    /// The participants, including recorders: each is a hidden participant with the egress's id.
    pub(super) fn participants(&self, egresses: &[Egress]) -> Vec<ParticipantInfo> {
        let recorders = self.recorders(egresses).map(recorder);
        self.participants.iter().cloned().chain(recorders).collect()
    }

    fn recorders<'a>(&'a self, egresses: &'a [Egress]) -> impl Iterator<Item = &'a Egress> {
        egresses.iter().filter(|egress| egress.is_in_room(&self.room.name))
    }
}

/// Rejects what the server rejects in a request for a room.
pub(super) fn check(request: &CreateRoomRequest) -> Result<(), Refusal> {
    if request.name.len() > LONGEST_NAME {
        let problem = format!("room name length exceeds limits: max length {LONGEST_NAME}");
        return Err(Refusal::from_inside(Code::InvalidArgument, &problem));
    }
    if request.metadata.len() > MOST_METADATA {
        let argument = "metadata size exceeds limits";
        return Err(Refusal::of_argument(argument, &MOST_METADATA.to_string()));
    }
    if !request.room_preset.is_empty() {
        let problem = "unknown room configuration in create room request";
        return Err(Refusal::from_inside(Code::InvalidArgument, problem));
    }
    Ok(())
}

impl ParticipantInfo {
    /// Publishes a track, and returns its id, or nothing for a participant who may not publish.
    pub(super) fn publish(&mut self, source: TrackSource) -> Option<String> {
        if !self.permission.as_ref().is_some_and(|permission| permission.can_publish) {
            return None;
        }
        let (kind, mime_type) = match source {
            TrackSource::Microphone | TrackSource::ScreenShareAudio => {
                (TrackType::Audio, "audio/red")
            }
            _ => (TrackType::Video, "video/VP8"),
        };
        let track = TrackInfo {
            sid: random_id("TR_"),
            kind: kind.into(),
            source: source.into(),
            mime_type: mime_type.to_owned(),
            ..TrackInfo::default()
        };
        self.is_publisher = true;
        self.tracks.push(track.clone());
        Some(track.sid)
    }

    /// Mutes or unmutes a track, and returns it if there is one.
    pub(super) fn mute(&mut self, sid: &str, muted: bool) -> Option<TrackInfo> {
        let track = self.tracks.iter_mut().find(|track| track.sid == sid)?;
        track.muted = muted;
        Some(track.clone())
    }
}

/// The error for a participant who does not exist.
pub(super) fn no_such_participant() -> Refusal {
    Refusal::from_inside(Code::NotFound, "participant does not exist")
}

/// The error for a room that does not exist.
pub(super) fn no_such_room() -> Refusal {
    Refusal::from_inside(Code::NotFound, "requested room does not exist")
}

fn participant(index: u32, now_ms: i64) -> ParticipantInfo {
    let permission = ParticipantPermission {
        can_subscribe: true,
        can_publish: true,
        can_publish_data: true,
        ..ParticipantPermission::default()
    };
    ParticipantInfo {
        sid: random_id("PA_"),
        identity: format!("participant-{}", index + 1),
        name: format!("Participant {}", index + 1),
        state: ParticipantState::Active.into(),
        joined_at: now_ms / 1000,
        joined_at_ms: now_ms,
        permission: Some(permission),
        is_publisher: true,
        ..ParticipantInfo::default()
    }
}

fn recorder(egress: &Egress) -> ParticipantInfo {
    let permission = ParticipantPermission {
        can_subscribe: true,
        hidden: true,
        recorder: true,
        ..ParticipantPermission::default()
    };
    let joined_at_ms = egress.recording_since() / 1_000_000;
    ParticipantInfo {
        sid: egress.id().replacen("EG_", "PA_", 1),
        identity: egress.id().to_owned(),
        state: ParticipantState::Active.into(),
        joined_at: joined_at_ms / 1000,
        joined_at_ms,
        kind: ParticipantKind::Egress.into(),
        permission: Some(permission),
        ..ParticipantInfo::default()
    }
}
