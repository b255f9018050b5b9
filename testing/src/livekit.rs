//! Helpers for tests of rooms and recordings: LiveKit's calls, keys and recordings.

use std::time::Duration;

use anteroom::caller::Caller;
use anteroom::clock::Clock;
use anteroom::livekit::{Invitations, NewInvitation, Rooms};
use anteroom::settings::Settings;
use anteroom_stand_ins::livekit::{LiveKit, TrackSource};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::room_world::RoomWorld;

/// The room of the tests.
pub const TEST_ROOM: &str = "test-room";

/// The identity of the participant whom tests moderate.
pub const PARTICIPANT: &str = "guest:01234567890123456789";

/// The path of a call like `livekit.Egress/ListEgress`.
pub fn path_of(call: &str) -> String {
    format!("/twirp/{call}")
}

/// Opens the test room with two people in it, both in the shared namespace and in Jane's
/// organization.
pub fn open_test_room(world: &RoomWorld) {
    let organization = world.organization_id("Example");
    world.livekit.open_room(TEST_ROOM, 2);
    world.livekit.open_room(&format!("{organization}:{TEST_ROOM}"), 2);
}

/// Lets somebody into a room, who publishes a microphone.
pub fn admit(world: &RoomWorld, room: &str, identity: &str) {
    world.livekit.admit(room, identity);
    world.livekit.publish(room, identity, TrackSource::Microphone);
}

/// Lets [`PARTICIPANT`] into the test room, both in the shared namespace and in Jane's organization.
pub fn admit_participant(world: &RoomWorld) {
    let organization = world.organization_id("Example");
    for room in [TEST_ROOM.to_owned(), format!("{organization}:{TEST_ROOM}")] {
        admit(world, &room, PARTICIPANT);
    }
}

/// An invitation of Jane's, made some time ago by a function with these settings.
///
/// # Panics
/// If the settings are incomplete, or this is not a request for an invitation.
pub async fn invitation(settings: &[(String, String)], request: &Value, ago: Duration) -> String {
    let clock = Clock::fixed(now() - ago.as_secs());
    let mut settings = Settings::from_pairs(settings.to_vec(), clock).expect("settings");
    let configured = Invitations::configure(&mut settings);
    let configured = Rooms::to_join(&mut settings).and_then(|rooms| Ok((rooms, configured?)));
    let (rooms, invitations) = settings.complete(configured).await.expect("complete settings");
    let request: NewInvitation = serde_json::from_value(request.clone()).expect("a request");
    let jane = Caller {
        user_id: "user_01ANTER00MJANE".to_owned(),
        session_id: "session_1".to_owned(),
        organization_id: Some("org_01EXAMPLE".to_owned()),
        permissions: Vec::new(),
        impersonator: None,
    };
    let room = rooms.room(&jane, &request.room_id).expect("a room");
    let invitation = invitations.invite(&jane, &room, &request).await.expect("an invitation");
    let answer = serde_json::to_value(invitation).expect("JSON");
    answer["invitation"].as_str().expect("a text").to_owned()
}

/// These settings with others in their place.
pub fn with_settings(
    settings: &[(String, String)],
    others: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut settings = settings.to_vec();
    settings.retain(|(name, _)| others.iter().all(|(other, _)| other != name));
    settings.extend(others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    settings
}

/// The recording in a response: its id and the time in Unix seconds, and nothing else.
///
/// # Panics
/// If the response is not a recording.
pub fn recording(answer: &Answer) -> (String, u64) {
    let body = answer.success();
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
    let id = body["egressId"].as_str().expect("an id").to_owned();
    (id, body["timestamp"].as_u64().expect("whole seconds"))
}

/// The folder of the recordings of a room and a zone, started by this organization or by none. They
/// may be stopped and listed by a later version than the one that started them, so the form is
/// written down here again.
pub fn folder_of(organization: Option<&str>, room: &str, zone: &str) -> String {
    let owned = format!("{}:{room}", organization.unwrap_or_default());
    format!("recordings/{}/{}", part(zone), part(&owned))
}

/// A text as a part of an object's key.
///
/// # Panics
/// Never: a digest has more than eight bytes.
pub fn part(text: &str) -> String {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if text.bytes().all(is_harmless) {
        return text.to_owned();
    }
    let harmless = |byte| if is_harmless(byte) { char::from(byte) } else { '_' };
    let kept: String = text.bytes().take(48).map(harmless).collect();
    let digest = digest(&SHA256, text.as_bytes());
    let digest = digest.as_ref().first_chunk().map(|start| u64::from_be_bytes(*start));
    format!("{kept}-{:016x}", digest.expect("eight bytes"))
}

/// Now, in Unix seconds.
pub fn now() -> u64 {
    Clock::system().now().whole_seconds()
}

/// The ids of the egresses that are recording a room or starting to.
pub fn running(livekit: &LiveKit, room: &str) -> Vec<String> {
    let egresses = livekit.egresses().into_iter();
    let running = egresses.filter(|egress| egress.is_running() && egress.room_name == room);
    running.map(|egress| egress.id).collect()
}

/// What a request could have changed in a room: the egresses that are recording it, the people in it,
/// and their muted tracks.
pub fn state_of_room(livekit: &LiveKit, room: &str) -> [Vec<String>; 3] {
    [running(livekit, room), livekit.identities(room), livekit.muted_tracks(room)]
}

/// The `StartRoomCompositeEgress` JSON of another program that records a room to this path in its
/// own bucket.
pub fn foreign_recording(room: &str, path: &str) -> Value {
    let output = json!({ "filepath": path, "s3": { "bucket": "of-somebody-else" } });
    json!({ "room_name": room, "file_outputs": [output] })
}

/// Changes these fields of an egress wherever LiveKit lists it.
///
/// # Panics
/// If the fields are not an object.
pub fn change_listed(livekit: &LiveKit, id: &str, fields: &Value) {
    let (id, fields) = (id.to_owned(), fields.as_object().expect("an object").clone());
    livekit.edit_answers("ListEgress", move |answer| {
        let items = answer["items"].as_array_mut().expect("a list").iter_mut();
        for item in items.filter(|item| item["egress_id"] == json!(id)) {
            item.as_object_mut().expect("an object").extend(fields.clone());
        }
    });
}

/// Settings that point at the keys in the secret `livekit`.
pub fn stored_keys(manager: &[(String, String)]) -> Vec<(&str, &str)> {
    let manager = manager.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let own =
        [("LIVEKIT_API_KEY", ""), ("LIVEKIT_API_SECRET", ""), ("LIVEKIT_SECRET_ID", "livekit")];
    manager.chain(own).collect()
}
