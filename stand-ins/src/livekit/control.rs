//! Controls for tests: they change the server's state and inspect it.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{
    access::Keys,
    dispatch::LiveKit,
    egress::{Egress, EgressView, Holds},
    join::{self, Seat},
    messages::{EgressStatus, ParticipantPermission, TrackSource},
    recorder::Start,
    room::OpenRoom,
    state::{Absence, Fate, STOP_PATIENCE, State},
    twirp::Refusal,
    upload_target::UploadTarget,
};
use crate::{clock, lock, s3::S3};

impl LiveKit {
    /// The current API key.
    pub fn api_key(&self) -> String {
        self.state().keys.api_key.clone()
    }

    /// The current API secret.
    pub fn api_secret(&self) -> String {
        self.state().keys.api_secret.clone()
    }

    /// Replaces the key pair. The old one is rejected from now on.
    pub fn rotate_keys(&self, api_key: &str, api_secret: &str) {
        let keys = Keys { api_key: api_key.to_owned(), api_secret: api_secret.to_owned() };
        self.state().keys = keys;
    }

    /// Opens a room with this many participants, or adds or removes participants until there are
    /// this many.
    pub fn open_room(&self, name: &str, participants: u32) {
        self.state().open_room(name).fill(participants, clock::unix_milliseconds());
    }

    /// Closes a room, which ends its recordings.
    pub fn close_room(&self, name: &str) {
        self.state().close_room(name);
    }

    /// The room and identity with which this token would join.
    ///
    /// # Errors
    /// The error's status and text, if it could not join.
    pub fn seat(&self, token: &str) -> Result<Seat, (u16, String)> {
        let grants = self.state().keys.grants_in(token, clock::unix_seconds());
        let seat = grants.and_then(|grants| join::seat(&grants));
        seat.map_err(Refusal::into_status_and_text)
    }

    /// Lets the holder of a token into its room, like [`seat`](Self::seat).
    ///
    /// # Errors
    /// Same as above.
    pub fn join(&self, token: &str) -> Result<Seat, (u16, String)> {
        self.state().join_with(token).map_err(Refusal::into_status_and_text)
    }

    /// Lets somebody into a room without a token, who may publish.
    pub fn admit(&self, room: &str, identity: &str) {
        let permission = ParticipantPermission {
            can_subscribe: true,
            can_publish: true,
            can_publish_data: true,
            ..ParticipantPermission::default()
        };
        let seat =
            Seat { room: room.to_owned(), identity: identity.to_owned(), name: String::new() };
        self.state().open_room(room).join(&seat, permission, clock::unix_milliseconds());
    }

    /// Takes somebody out of a room.
    pub fn leave(&self, room: &str, identity: &str) {
        self.state().open_room(room).leave(identity);
    }

    /// The identities of the people in a room.
    pub fn identities(&self, room: &str) -> Vec<String> {
        let state = self.state();
        let people = state.room(room).into_iter().flat_map(OpenRoom::people);
        people.map(|person| person.identity.clone()).collect()
    }

    /// The people in a room, as `ListParticipants` returns them.
    pub fn people(&self, room: &str) -> Value {
        let state = self.state();
        json!(state.room(room).map_or(&[][..], OpenRoom::people))
    }

    /// Publishes a track, and returns its id, or nothing for a participant who may not publish.
    ///
    /// # Panics
    /// If there is no such participant.
    pub fn publish(&self, room: &str, identity: &str, source: TrackSource) -> Option<String> {
        let mut state = self.state();
        let participant = state.open_room(room).participant_mut(identity);
        participant.unwrap_or_else(|| panic!("no {identity} in {room}")).publish(source)
    }

    /// Unmutes a track, as only its participant can.
    pub fn unmute(&self, room: &str, identity: &str, sid: &str) {
        if let Some(participant) = self.state().open_room(room).participant_mut(identity) {
            participant.mute(sid, false);
        }
    }

    /// The ids of the muted tracks in a room.
    pub fn muted_tracks(&self, room: &str) -> Vec<String> {
        let state = self.state();
        let people = state.room(room).into_iter().flat_map(OpenRoom::people);
        let tracks = people.flat_map(|person| &person.tracks);
        tracks.filter(|track| track.muted).map(|track| track.sid.clone()).collect()
    }

    /// All egresses so far, oldest first.
    pub fn egresses(&self) -> Vec<EgressView> {
        self.state().egresses.iter().map(Egress::view).collect()
    }

    /// The egress with this id.
    ///
    /// # Panics
    /// If there is none.
    pub fn egress(&self, id: &str) -> EgressView {
        self.state().known_egress(id).view()
    }

    /// Sets the status of an egress, with matching times and texts, and keeps it until the egress
    /// is stopped or the status is set again.
    ///
    /// # Panics
    /// If there is no such egress.
    pub fn set_egress_status(&self, id: &str, status: EgressStatus) {
        let mut state = self.state();
        let upload_target = state.upload_target.clone();
        state.known_egress(id).put(status, upload_target.as_ref(), clock::unix_nanoseconds());
    }

    /// Moves an egress's times into the past.
    ///
    /// # Panics
    /// If there is no such egress.
    pub fn age_egress(&self, id: &str, by: Duration) {
        self.state().known_egress(id).age(by);
    }

    /// From now on, keeps egresses in `EGRESS_STARTING`.
    pub fn hold_starting(&self) {
        self.state().holds.starting = true;
    }

    /// From now on, keeps egresses in `EGRESS_ENDING`.
    pub fn hold_ending(&self) {
        self.state().holds.ending = true;
    }

    /// Lets egresses advance again.
    pub fn release(&self) {
        self.state().holds = Holds::default();
    }

    /// Reports a start time of 0 for new egresses until they are recording, like older recorders.
    pub fn report_start_times_late(&self) {
        self.state().start_times_are_late = true;
    }

    /// From now on, uploads recordings that are complete, if this S3 is where they are to go.
    pub fn record_to(&self, s3: &S3) {
        let server = Arc::clone(&s3.provider);
        self.state().upload_target = Some(UploadTarget { url: s3.url(), server });
    }

    /// Gives the recorders a key pair to assume roles with. Without it they reject a role without a
    /// key pair.
    pub fn let_recorders_assume_roles(&self) {
        self.state().recorder.assumes_roles = true;
    }

    /// Makes the recorders' pages take this long to load. Until then an egress is starting, and a
    /// stop waits.
    pub fn load_pages_for(&self, duration: Duration) {
        self.state().page_load = duration;
    }

    /// Removes the recorders: starts and stops fail after this time
    /// ([`USUAL_PATIENCE`](super::USUAL_PATIENCE)), and existing egresses do not change.
    pub fn without_recorder(&self, after: Duration) {
        self.state().absence = Some(Absence::Gone(after));
    }

    /// Makes the recorders busy: a start fails after this time
    /// ([`USUAL_PATIENCE`](super::USUAL_PATIENCE)).
    pub fn without_capacity(&self, after: Duration) {
        self.state().absence = Some(Absence::Busy(after));
    }

    /// Removes Redis, and with it the recorders: a start fails after this time
    /// ([`USUAL_PATIENCE`](super::USUAL_PATIENCE)), and no egresses are known.
    pub fn without_redis(&self, after: Duration) {
        self.state().absence = Some(Absence::Unconnected(after));
    }

    /// Delays refused stops as a real server does. Off by default, so that other tests do not wait.
    pub fn delay_refused_stops(&self) {
        self.state().stop_patience = STOP_PATIENCE;
    }

    /// Restores the recorders, with free capacity.
    pub fn with_recorder(&self) {
        self.state().absence = None;
    }

    /// Refuses the next `count` stops with `failed_precondition` without changing the egress, in
    /// any state. LiveKit Cloud has been observed to do that.
    pub fn refuse_stops(&self, count: u32) {
        self.state().stops_to_refuse = count;
    }

    /// From now on, reports rate limits with this status: Twirp before version 8 maps
    /// `resource_exhausted` to 403, other implementations to 400.
    pub fn limit_with_status(&self, status: u16) {
        self.state().limit_status = Some(status);
    }

    /// Limits the number of egresses per page.
    pub fn list_pages_of(&self, count: usize) {
        self.state().page_size = Some(count);
    }

    /// From now on, edits the JSON of successful responses to a call like `ListEgress`, to imitate
    /// other versions of the server. The latest edit for a call applies.
    pub fn edit_answers(
        &self,
        call: &'static str,
        edit: impl Fn(&mut Value) + Send + Sync + 'static,
    ) {
        self.state().edits.0.insert(call, Box::new(edit));
    }

    /// The next egress starts, but its response is lost, because the connection closes.
    pub fn lose_next_start_answer(&self) {
        self.state().next_start = Fate::Never;
    }

    /// The next egress starts immediately, but its response is delayed.
    pub fn delay_next_start_answer(&self, delay: Duration) {
        self.state().next_start = Fate::After(delay);
    }

    /// From now on, starts wait until there are `count` of them and then all proceed at once. 1
    /// turns this off.
    pub fn hold_starts_until(&self, count: usize) {
        *lock(&self.provider.starts) = Arc::new(Barrier::new(count));
    }

    /// Starts an egress like another program with the same keys, and returns its id. The method is
    /// `StartRoomCompositeEgress` or `StartEgress`, and `request` its JSON.
    ///
    /// # Panics
    /// If there is no such method, or the server rejects the request.
    pub fn start_egress(&self, method: &str, request: Value) -> String {
        let start = match method {
            "StartRoomCompositeEgress" => serde_json::from_value(request).map(Start::RoomComposite),
            "StartEgress" => serde_json::from_value(request).map(Start::Egress),
            _ => panic!("{method} starts no egress"),
        };
        let started = self.state().begin_egress(start.expect("a request of that method"));
        started.unwrap_or_else(|refusal| panic!("no egress: {refusal:?}")).egress_id
    }

    /// The same, together with the starts that wait for [`hold_starts_until`](Self::hold_starts_until).
    ///
    /// # Panics
    /// Same as above.
    pub async fn start_egress_with_others(&self, method: &str, request: Value) -> String {
        self.provider.wait_for_other_starts().await;
        self.start_egress(method, request)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}
