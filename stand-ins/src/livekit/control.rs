//! Controls for tests: they change the server's state and inspect it.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::Barrier;

use super::{
    access::Keys,
    dispatch::LiveKit,
    egress::{Egress, EgressView, Holds},
    join::{self, Seat},
    messages::EgressStatus,
    recorder::Start,
    state::{Absence, Fate, STOP_PATIENCE, State},
    twirp::Refusal,
};
use crate::{clock, lock};

impl LiveKit {
    /// The API key that counts now.
    pub fn api_key(&self) -> String {
        self.state().keys.api_key.clone()
    }

    /// The secret that belongs to it.
    pub fn api_secret(&self) -> String {
        self.state().keys.api_secret.clone()
    }

    /// From now on only this pair counts.
    pub fn rotate_keys(&self, api_key: &str, api_secret: &str) {
        let keys = Keys { api_key: api_key.to_owned(), api_secret: api_secret.to_owned() };
        self.state().keys = keys;
    }

    /// Opens a room with so many people in it, or lets people come and go until there are so many.
    pub fn open_room(&self, name: &str, participants: u32) {
        self.state().open_room(name).fill(participants, clock::unix_milliseconds());
    }

    /// Closes a room, which ends its recordings.
    pub fn close_room(&self, name: &str) {
        self.state().close_room(name);
    }

    /// Where the server would let the holder of this token in.
    ///
    /// # Errors
    /// The refusal's status and text, when it would not.
    pub fn seat(&self, token: &str) -> Result<Seat, (u16, String)> {
        let grants = self.state().keys.grants_in(token, clock::unix_seconds());
        let seat = grants.and_then(|grants| join::seat(&grants));
        seat.map_err(Refusal::into_status_and_text)
    }

    /// All egresses there have been, oldest first.
    pub fn egresses(&self) -> Vec<EgressView> {
        self.state().egresses.iter().map(Egress::view).collect()
    }

    /// The egress with that id.
    ///
    /// # Panics
    /// If there is none.
    pub fn egress(&self, id: &str) -> EgressView {
        self.state().known_egress(id).view()
    }

    /// Puts an egress there, with times and texts as they would be, and keeps it there until it is
    /// stopped or put somewhere else.
    ///
    /// # Panics
    /// If there is no such egress.
    pub fn set_egress_status(&self, id: &str, status: EgressStatus) {
        self.state().known_egress(id).put(status, clock::unix_nanoseconds());
    }

    /// Makes an egress as if it had been started that much earlier.
    ///
    /// # Panics
    /// If there is no such egress.
    pub fn age_egress(&self, id: &str, by: Duration) {
        self.state().known_egress(id).age(by);
    }

    /// Keeps egresses in `EGRESS_STARTING` from now on.
    pub fn hold_starting(&self) {
        self.state().holds.starting = true;
    }

    /// Keeps egresses in `EGRESS_ENDING` from now on.
    pub fn hold_ending(&self) {
        self.state().holds.ending = true;
    }

    /// Lets egresses go on again.
    pub fn release(&self) {
        self.state().holds = Holds::default();
    }

    /// Says of new egresses that they started at 0 until they record, as older recorders do.
    pub fn report_start_times_late(&self) {
        self.state().start_times_are_late = true;
    }

    /// Gives the recorders a key pair to assume roles with. Without it they refuse a role that comes
    /// without a key pair.
    pub fn let_recorders_assume_roles(&self) {
        self.state().recorder.assumes_roles = true;
    }

    /// Gives the recorders pages that take so long to load. Until then an egress is starting, and
    /// obeys no stop: one that is told to stop waits with its answer.
    pub fn load_pages_for(&self, duration: Duration) {
        self.state().page_load = duration;
    }

    /// Takes the recorders away: starts and stops are refused after so long
    /// ([`USUAL_PATIENCE`](super::USUAL_PATIENCE)), and what was begun stays as it is.
    pub fn without_recorder(&self, after: Duration) {
        self.state().absence = Some(Absence::Gone(after));
    }

    /// Keeps the recorders busy: a start is refused after so long
    /// ([`USUAL_PATIENCE`](super::USUAL_PATIENCE)).
    pub fn without_capacity(&self, after: Duration) {
        self.state().absence = Some(Absence::Busy(after));
    }

    /// Takes Redis away, and with it the recorders: a start is refused after so long
    /// ([`USUAL_PATIENCE`](super::USUAL_PATIENCE)), and no egress is known.
    pub fn without_redis(&self, after: Duration) {
        self.state().absence = Some(Absence::Unconnected(after));
    }

    /// Refuses stops as late as a server does. Tests that do not ask for it need not wait.
    pub fn take_its_time(&self) {
        self.state().stop_patience = STOP_PATIENCE;
    }

    /// There are recorders again, and they have time.
    pub fn with_recorder(&self) {
        self.state().absence = None;
    }

    /// Refuses the next so many stops with `failed_precondition` and leaves the egress as it is,
    /// whatever its state. LiveKit Cloud has been seen to do that.
    pub fn refuse_stops(&self, count: u32) {
        self.state().stops_to_refuse = count;
    }

    /// Answers limits with this status from now on: Twirp before version 8 maps `resource_exhausted`
    /// to 403, other implementations of it to 400.
    pub fn limit_with_status(&self, status: u16) {
        self.state().limit_status = Some(status);
    }

    /// Lists no more than so many egresses in one answer.
    pub fn list_pages_of(&self, count: usize) {
        self.state().page_size = Some(count);
    }

    /// Edits the JSON of successful answers to a call like `ListEgress` from now on. Servers of other
    /// versions answer in ways that cannot all be imitated. The latest edit of a call counts.
    pub fn edit_answers(
        &self,
        call: &'static str,
        edit: impl Fn(&mut Value) + Send + Sync + 'static,
    ) {
        self.state().edits.0.insert(call, Box::new(edit));
    }

    /// The next egress starts, but whoever asked for it never hears of it: the connection ends.
    pub fn lose_next_start_answer(&self) {
        self.state().next_start = Fate::Never;
    }

    /// The next egress starts at once, but its answer comes only this much later.
    pub fn delay_next_start_answer(&self, delay: Duration) {
        self.state().next_start = Fate::After(delay);
    }

    /// From now on starts wait until so many have come, and then all go on at once; then the next so
    /// many. 1 is none.
    pub fn hold_starts_until(&self, count: usize) {
        *lock(&self.provider.starts) = Arc::new(Barrier::new(count));
    }

    /// Starts an egress as another program with the same keys would, and gives its id. The method is
    /// `StartRoomCompositeEgress` or `StartEgress`, and the request its JSON.
    ///
    /// # Panics
    /// If there is no such method, or the server refuses the request.
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
