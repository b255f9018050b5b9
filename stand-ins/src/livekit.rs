//! LiveKit's server and its recorder, as far as this project uses them, and the official server SDKs'
//! `EgressClient` and `RoomServiceClient` with the same calls. There is no media: nobody is connected,
//! and no file is made. <https://docs.livekit.io/reference/server/server-apis/>
//!
//! | request | answers |
//! |---|---|
//! | `POST /twirp/livekit.Egress/StartRoomCompositeEgress` | begins to record a room |
//! | `POST /twirp/livekit.Egress/StartEgress` | the same, in the later form |
//! | `POST /twirp/livekit.Egress/ListEgress` | recordings, also ended ones |
//! | `POST /twirp/livekit.Egress/StopEgress` | ends a recording |
//! | `POST /twirp/livekit.RoomService/CreateRoom`, `ListRooms`, `DeleteRoom`, `ListParticipants` | rooms |
//! | `GET /rtc/validate`, `GET /rtc/v1/validate` | whether a token would be let in |
//! | `POST /dev/rooms` | opens a room, which only the stand-in does: `{"name": "daily", "participants": 2}` |
//! | `GET /dev/egresses` | all recordings |
//!
//! ```text
//! curl -X POST $URL/dev/rooms -d '{"name": "daily", "participants": 2}'
//! curl $URL/dev/egresses
//! ```
//!
//! **Where the rules are from.** Tokens and grants: `pkg/service/auth.go` of the server, the one
//! minute's leeway included, so that a refused token is answered in plain text and a missing one or a
//! missing grant by Twirp. Joining: `ValidateConnectRequest` in `pkg/service/utils.go`. Methods:
//! `pkg/service/egress.go`, `ioservice.go`, `redisstore.go`, `roomservice.go`. What the recorder refuses,
//! hides and calls its files: [`pkg/config`](https://github.com/livekit/egress/tree/main/pkg/config)
//! of the egress service. These are the points that surprise:
//!
//! - An error from inside the server reaches the client with `twirp error unknown: ` before its text,
//!   whatever its code.
//! - `ListEgress` with an egress's id looks at neither the room nor `active`, and refuses an unknown id;
//!   with a room's name it is a filter. `active` means starting, active or ending.
//! - LiveKit Cloud has been seen to refuse a stop with `failed_precondition` and to list the egress as
//!   active all the while: [`LiveKit::refuse_stops`].
//! - `StopEgress` asks for no room. An egress that has not begun to record is aborted by it with 200,
//!   once its page has loaded ([`LiveKit::load_pages_for`]); where that takes more than three seconds
//!   the caller gets 408 meanwhile, and the egress is aborted later. One that ends already is left to
//!   end, with 200; one that has ended is refused with 412.
//! - The server asks the recorders first, also about an egress that has ended or does not exist: it
//!   takes three seconds to refuse such a stop ([`LiveKit::take_its_time`]).
//! - `started_at` is set from the beginning. Older recorders set it when they begin to record:
//!   [`LiveKit::report_start_times_late`].
//! - Where no recorder is there, or none has room, the server tries nine times before it says so, with
//!   random pauses, for 18 to 27 seconds: [`LiveKit::without_recorder`], [`LiveKit::without_capacity`].
//!   A stop that no recorder answers is refused with 408 after three, and with 412 where the egress was
//!   ending.
//! - A server without Redis lists no egresses and stops none, with 500, and looks for a recorder to
//!   start one all the same: [`LiveKit::without_redis`].
//! - The templates in a file's path are filled in after the path has been cleaned.
//! - Object metadata that S3 does not take fails the recording at its end and not at its start.
//!
//! **How time goes by.** An egress takes its next step when the API is asked the next time: the start
//! answers `EGRESS_STARTING`, whoever lists it then finds `EGRESS_ACTIVE`, a stop answers
//! `EGRESS_ENDING` and the next look `EGRESS_COMPLETE`. [`LiveKit::hold_starting`] and
//! [`LiveKit::hold_ending`] keep them from it; [`LiveKit::egress`] is no look.
//!
//! **What is not imitated.** Other methods (`unimplemented`), other outputs than one file and other
//! storages than S3; whether codecs go together; manifests; the end of rooms that stay empty, and of
//! what is known of an egress after a day; the WebSocket of `/rtc`; CORS; the limit of 10 MiB on a body (it is 1 MiB here). The server has no rate
//! limit: [`Fault::Limiting`](super::faults::Fault::Limiting) is Twirp's own `resource_exhausted`.

mod access;
mod egress;
mod join;
mod messages;
mod proto_json;
mod recorder;
mod room;
mod twirp;

use std::{
    collections::HashMap,
    fmt, io, mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use http::header;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{sync::Barrier, time::sleep};

use self::{
    access::{Grants, Keys},
    egress::{Egress, Holds, no_such_egress, not_connected},
    messages::{
        CreateRoomRequest, DeleteRoomRequest, EgressInfo, ListEgressRequest, ListEgressResponse,
        ListParticipantsRequest, ListParticipantsResponse, ListRoomsRequest, ListRoomsResponse,
        Room, StopEgressRequest, TokenPagination, Unread,
    },
    recorder::{Recorder, Start},
    room::{OpenRoom, no_such_room},
    twirp::{Call, Code, Refusal, plain},
};
pub use self::{egress::EgressView, join::Seat, messages::EgressStatus};
use super::{
    exchange::{Answer, Request},
    lock,
    server::{Provider, StandIn},
};
use crate::clock;

/// The API key of a new project.
pub const API_KEY: &str = "APIAnteroomLocal";

/// Its secret, which is none.
pub const API_SECRET: &str = "secret-of-the-stand-in-and-no-secret-at-all";

/// The bucket that functions are told to record to. There is none: nothing is uploaded.
pub const RECORDINGS_BUCKET: &str = "anteroom-recordings";

/// How long a server usually takes to say that no recorder answers: 18 to 27 seconds.
pub const USUAL_PATIENCE: Duration = Duration::from_secs(22);

/// How long a server waits for a recorder's answer to a stop.
pub const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// The services of which there is something here.
const SERVICES: [&str; 2] = ["Egress", "RoomService"];

/// The letters of LiveKit's ids: those that cannot be taken for each other.
const ID_LETTERS: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// How many of them follow the prefix.
const ID_LENGTH: usize = 12;

/// A running LiveKit.
pub type LiveKit = StandIn<Server>;

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
        self.state().open_room(name).fill(participants, milliseconds());
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
        let grants = self.state().keys.grants_in(token, seconds());
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
    /// When there is none.
    pub fn egress(&self, id: &str) -> EgressView {
        self.state().known_egress(id).view()
    }

    /// Puts an egress there, with times and texts as they would be, and keeps it there until it is
    /// stopped or put somewhere else.
    ///
    /// # Panics
    /// When there is no such egress.
    pub fn set_egress_status(&self, id: &str, status: EgressStatus) {
        self.state().known_egress(id).put(status, nanoseconds());
    }

    /// Makes an egress as if it had been started that much earlier.
    ///
    /// # Panics
    /// When there is no such egress.
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

    /// Takes the recorders away: starts and stops are refused after so long ([`USUAL_PATIENCE`]), and
    /// what was begun stays as it is.
    pub fn without_recorder(&self, after: Duration) {
        self.state().absence = Some(Absence::Gone(after));
    }

    /// Keeps the recorders busy: a start is refused after so long ([`USUAL_PATIENCE`]).
    pub fn without_capacity(&self, after: Duration) {
        self.state().absence = Some(Absence::Busy(after));
    }

    /// Takes Redis away, and with it the recorders: a start is refused after so long
    /// ([`USUAL_PATIENCE`]), and no egress is known.
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
    /// When there is no such method, or the server refuses the request.
    pub fn start_egress(&self, method: &str, request: Value) -> String {
        let start = match method {
            "StartRoomCompositeEgress" => serde_json::from_value(request).map(Start::RoomComposite),
            "StartEgress" => serde_json::from_value(request).map(Start::Egress),
            _ => panic!("{method} starts no egress"),
        };
        let started = self.state().start_egress_as_told(start.expect("a request of that method"));
        started.unwrap_or_else(|refusal| panic!("no egress: {refusal:?}")).egress_id
    }

    /// The same, together with the starts that wait for [`hold_starts_until`](Self::hold_starts_until).
    ///
    /// # Panics
    /// Likewise.
    pub async fn start_egress_with_others(&self, method: &str, request: Value) -> String {
        self.provider.wait_for_other_starts().await;
        self.start_egress(method, request)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}

/// The server, and what it knows.
#[derive(Debug)]
pub struct Server {
    state: Mutex<State>,
    /// Where starts wait for each other.
    starts: Mutex<Arc<Barrier>>,
}

#[derive(Debug)]
struct State {
    keys: Keys,
    rooms: Vec<OpenRoom>,
    egresses: Vec<Egress>,
    recorder: Recorder,
    holds: Holds,
    absence: Option<Absence>,
    /// How long it takes to refuse a stop that no recorder is there to answer.
    stop_patience: Duration,
    next_start: Fate,
    start_times_are_late: bool,
    /// How long the page of a new egress takes to load.
    page_load: Duration,
    stops_to_refuse: u32,
    limit_status: Option<u16>,
    page_size: Option<usize>,
    edits: Edits,
}

/// Edits the JSON of an answer.
type Edit = Box<dyn Fn(&mut Value) + Send + Sync>;

/// How answers are edited, by call.
#[derive(Default)]
struct Edits(HashMap<&'static str, Edit>);

impl Edits {
    fn apply(&self, request: &Request, answer: Answer) -> Answer {
        let call = request.path().rsplit('/').next().unwrap_or_default();
        match self.0.get(call) {
            Some(edit) => answer.edited(edit),
            None => answer,
        }
    }
}

impl fmt::Debug for Edits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why no recorder takes a request, and how long the server takes to find out.
#[derive(Clone, Copy, Debug)]
enum Absence {
    /// There is none, and none that goes on with what was begun.
    Gone(Duration),
    /// They have enough to do.
    Busy(Duration),
    /// The server has no Redis to find them by.
    Unconnected(Duration),
}

impl Absence {
    /// What becomes of a start. A recorder that has no room does not answer at all.
    fn refusal(self) -> Refusal {
        let (Self::Gone(after) | Self::Busy(after) | Self::Unconnected(after)) = self;
        Refusal::from_inside(Code::Unavailable, "no response from servers").after(after)
    }
}

/// When an answer goes out.
#[derive(Clone, Copy, Debug, Default)]
enum Fate {
    #[default]
    AtOnce,
    After(Duration),
    Never,
}

impl Default for Server {
    fn default() -> Self {
        let keys = Keys { api_key: API_KEY.to_owned(), api_secret: API_SECRET.to_owned() };
        let state = State {
            keys,
            rooms: Vec::new(),
            egresses: Vec::new(),
            recorder: Recorder::default(),
            holds: Holds::default(),
            absence: None,
            stop_patience: Duration::ZERO,
            next_start: Fate::AtOnce,
            start_times_are_late: false,
            page_load: Duration::ZERO,
            stops_to_refuse: 0,
            limit_status: None,
            page_size: None,
            edits: Edits::default(),
        };
        Self { state: Mutex::new(state), starts: Mutex::new(Arc::new(Barrier::new(1))) }
    }
}

impl Server {
    async fn wait_for_other_starts(&self) {
        let starts = Arc::clone(&lock(&self.starts));
        starts.wait().await;
    }
}

impl Provider for Server {
    fn answer(&self, request: &Request) -> Answer {
        lock(&self.state).answer(request).0
    }

    async fn answer_in_time(&self, request: &Request) -> io::Result<Answer> {
        if is_start(request) {
            self.wait_for_other_starts().await;
        }
        let (answer, fate) = lock(&self.state).answer(request);
        match fate {
            Fate::AtOnce => {}
            Fate::After(delay) => sleep(delay).await,
            Fate::Never => return Err(io::ErrorKind::ConnectionAborted.into()),
        }
        Ok(answer)
    }

    fn dev_answer(&self, request: &Request) -> Option<Answer> {
        match (request.method.as_str(), request.path()) {
            ("POST", "/dev/rooms") => Some(lock(&self.state).dev_open_room(request)),
            ("GET", "/dev/egresses") => Some(lock(&self.state).dev_egresses()),
            _ => None,
        }
    }

    fn limiting(&self) -> Answer {
        let refusal = Refusal::new(Code::ResourceExhausted, "too many requests");
        match lock(&self.state).limit_status {
            Some(status) => refusal.with_status(status).into_answer(),
            None => refusal.into_answer(),
        }
    }

    fn failing(&self, status: u16) -> Answer {
        let code = if status == 503 { Code::Unavailable } else { Code::Internal };
        Refusal::from_inside(code, "internal error").with_status(status).into_answer()
    }

    fn refusing(&self) -> Answer {
        access::unknown_key().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        let keys = lock(&self.state).keys.clone();
        vec![
            // What front ends use, who connect to it: `ws://…`.
            ("LIVEKIT_URL", url.replacen("http", "ws", 1)),
            ("LIVEKIT_API_KEY", keys.api_key),
            ("LIVEKIT_API_SECRET", keys.api_secret),
            ("RECORDINGS_BUCKET", RECORDINGS_BUCKET.to_owned()),
            ("RECORDINGS_REGION", "us-east-1".to_owned()),
        ]
    }
}

fn is_start(request: &Request) -> bool {
    let method = request.path().strip_prefix("/twirp/livekit.Egress/");
    method.is_some_and(|method| method.starts_with("Start"))
}

impl State {
    /// The answer to a request, and when it goes out.
    fn answer(&mut self, request: &Request) -> (Answer, Fate) {
        let result = self.try_answer(request).map(|answer| self.edits.apply(request, answer));
        match result {
            Ok(answer) if is_start(request) => (answer, mem::take(&mut self.next_start)),
            Ok(answer) if request.path().ends_with("/StopEgress") => {
                (answer, Fate::After(self.until_stops_are_obeyed().min(STOP_PATIENCE)))
            }
            Ok(answer) => (answer, Fate::AtOnce),
            Err(refusal) => {
                let fate = Fate::After(refusal.after);
                (refusal.into_answer(), fate)
            }
        }
    }

    fn try_answer(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let grants = self.keys.grants_of(request, seconds())?;
        match (request.method.as_str(), request.path()) {
            ("GET", "/") => Ok(plain(200, "OK")),
            (_, "/rtc/validate") => join::check_parameters(request, &grants).map(welcome),
            (_, "/rtc/v1/validate") => join::check_message(request, &grants).map(welcome),
            _ => self.call(&Call::of(request, &SERVICES)?, &grants),
        }
    }

    fn call(&mut self, call: &Call<'_>, grants: &Grants) -> Result<Answer, Refusal> {
        match (call.service, call.method) {
            ("Egress", "StartRoomCompositeEgress") => {
                call.answer(|request| self.start_egress(Start::RoomComposite(request), grants))
            }
            ("Egress", "StartEgress") => {
                call.answer(|request| self.start_egress(Start::Egress(request), grants))
            }
            ("Egress", "ListEgress") => call.answer(|request| self.list_egress(&request, grants)),
            ("Egress", "StopEgress") => call.answer(|request| self.stop_egress(&request, grants)),
            ("RoomService", "CreateRoom") => {
                call.answer(|request| self.create_room(&request, grants))
            }
            ("RoomService", "ListRooms") => {
                call.answer(|request| self.list_rooms(&request, grants))
            }
            ("RoomService", "DeleteRoom") => {
                call.answer(|request| self.delete_room(&request, grants))
            }
            ("RoomService", "ListParticipants") => {
                call.answer(|request| self.list_participants(&request, grants))
            }
            (service, method) if is_missing_here(service, method) => {
                let problem = format!("the stand-in does not imitate {method}");
                Err(Refusal::new(Code::Unimplemented, problem))
            }
            _ => Err(call.no_such_method()),
        }
    }

    fn start_egress(&mut self, start: Start, grants: &Grants) -> Result<EgressInfo, Refusal> {
        grants.ensure_record()?;
        self.start_egress_as_told(start)
    }

    /// Starts an egress for a caller who may.
    fn start_egress_as_told(&mut self, start: Start) -> Result<EgressInfo, Refusal> {
        let name = start.room_name();
        let room = self.rooms.iter().find(|room| room.name() == name);
        if room.is_none() && !name.is_empty() {
            return Err(no_such_room());
        }
        if let Some(absence) = self.absence {
            return Err(absence.refusal());
        }
        let plan = self.recorder.plan(start, room, OffsetDateTime::from(clock::now()))?;
        let mut egress = Egress::start(plan, self.page_load, nanoseconds());
        if self.start_times_are_late {
            egress.forget_start_time();
        }
        let info = egress.info();
        self.egresses.push(egress);
        Ok(info)
    }

    fn list_egress(
        &mut self,
        request: &ListEgressRequest,
        grants: &Grants,
    ) -> Result<ListEgressResponse, Refusal> {
        grants.ensure_record()?;
        if let Some(Absence::Unconnected(_)) = self.absence {
            return Err(not_connected());
        }
        self.go_on();
        let is_wanted = |egress: &&Egress| {
            (request.room_name.is_empty() || egress.room_name() == request.room_name)
                && (!request.active || egress.is_active())
        };
        if !request.egress_id.is_empty() {
            let items = vec![self.egress(&request.egress_id).ok_or_else(no_such_egress)?.info()];
            return Ok(ListEgressResponse { items, next_page_token: None });
        }
        let wanted: Vec<_> = self.egresses.iter().filter(is_wanted).map(Egress::info).collect();
        let token = request.page_token.as_ref().map_or("", |page| &page.token);
        let start: usize = token.parse().unwrap_or_default();
        let end = self.page_size.map_or(wanted.len(), |size| wanted.len().min(start + size));
        let is_last = end == wanted.len();
        let next_page_token = (!is_last).then(|| TokenPagination { token: end.to_string() });
        let items = wanted.get(start..end).unwrap_or_default().to_vec();
        Ok(ListEgressResponse { items, next_page_token })
    }

    fn stop_egress(
        &mut self,
        request: &StopEgressRequest,
        grants: &Grants,
    ) -> Result<EgressInfo, Refusal> {
        grants.ensure_record()?;
        self.go_on();
        let (absence, patience) = (self.absence, self.stop_patience);
        if let Some(Absence::Unconnected(_)) = absence {
            return Err(not_connected().after(patience));
        }
        let is_refused = self.stops_to_refuse > 0;
        self.stops_to_refuse = self.stops_to_refuse.saturating_sub(1);
        let unknown = || no_such_egress().after(patience);
        let egress = self.egress(&request.egress_id).ok_or_else(unknown)?;
        if is_refused {
            return Err(egress.cannot_be_stopped());
        }
        if let Some(Absence::Gone(after)) = absence {
            return Err(egress.refuse_stop().after(after.min(STOP_PATIENCE)));
        }
        let now = nanoseconds();
        egress.stop(now).map_err(|refusal| refusal.after(patience))?;
        if egress.until_it_obeys(now) > STOP_PATIENCE {
            return Err(egress.refuse_stop().after(STOP_PATIENCE));
        }
        Ok(egress.info())
    }

    fn create_room(
        &mut self,
        request: &CreateRoomRequest,
        grants: &Grants,
    ) -> Result<Room, Refusal> {
        grants.ensure_create()?;
        room::check(request)?;
        let index = self.room_index(&request.name);
        self.rooms[index].configure(request);
        Ok(self.rooms[index].info(&self.egresses))
    }

    fn list_rooms(
        &mut self,
        request: &ListRoomsRequest,
        grants: &Grants,
    ) -> Result<ListRoomsResponse, Refusal> {
        grants.ensure_list()?;
        self.go_on();
        let is_wanted = |room: &&OpenRoom| {
            request.names.is_empty() || request.names.iter().any(|name| name == room.name())
        };
        let wanted = self.rooms.iter().filter(is_wanted);
        Ok(ListRoomsResponse { rooms: wanted.map(|room| room.info(&self.egresses)).collect() })
    }

    fn delete_room(
        &mut self,
        request: &DeleteRoomRequest,
        grants: &Grants,
    ) -> Result<Unread, Refusal> {
        grants.ensure_create()?;
        self.room(&request.room).ok_or_else(no_such_room)?;
        self.close_room(&request.room);
        Ok(Unread {})
    }

    /// Of a room that is not there, nobody.
    fn list_participants(
        &mut self,
        request: &ListParticipantsRequest,
        grants: &Grants,
    ) -> Result<ListParticipantsResponse, Refusal> {
        grants.ensure_admin_of(&request.room)?;
        self.go_on();
        let room = self.room(&request.room);
        let participants = room.map(|room| room.participants(&self.egresses));
        Ok(ListParticipantsResponse { participants: participants.unwrap_or_default() })
    }

    /// How long it takes until the last of the egresses that are loading and were told to stop does.
    fn until_stops_are_obeyed(&self) -> Duration {
        let waits = self.egresses.iter().map(|egress| egress.until_it_obeys(nanoseconds()));
        waits.max().unwrap_or_default()
    }

    /// Lets time go by for the egresses whose recorders are there.
    fn go_on(&mut self) {
        if matches!(self.absence, Some(Absence::Gone(_))) {
            return;
        }
        let (holds, now) = (self.holds, nanoseconds());
        self.egresses.iter_mut().for_each(|egress| egress.go_on(holds, now));
    }

    fn room(&self, name: &str) -> Option<&OpenRoom> {
        self.rooms.iter().find(|room| room.name() == name)
    }

    fn open_room(&mut self, name: &str) -> &mut OpenRoom {
        let index = self.room_index(name);
        &mut self.rooms[index]
    }

    /// Where the room of that name is; it is opened if need be.
    fn room_index(&mut self, name: &str) -> usize {
        self.rooms.iter().position(|room| room.name() == name).unwrap_or_else(|| {
            self.rooms.push(OpenRoom::new(name, milliseconds()));
            self.rooms.len() - 1
        })
    }

    fn close_room(&mut self, name: &str) {
        self.rooms.retain(|room| room.name() != name);
        let now = nanoseconds();
        let recordings = self.egresses.iter_mut().filter(|egress| egress.room_name() == name);
        recordings.for_each(|egress| egress.lose_its_room(now));
    }

    fn egress(&mut self, id: &str) -> Option<&mut Egress> {
        self.egresses.iter_mut().find(|egress| egress.id() == id)
    }

    fn known_egress(&mut self, id: &str) -> &mut Egress {
        self.egress(id).unwrap_or_else(|| panic!("there is no egress {id:?}"))
    }

    fn dev_open_room(&mut self, request: &Request) -> Answer {
        match serde_json::from_slice::<RoomOrder>(&request.body) {
            Ok(order) => {
                self.open_room(&order.name).fill(order.participants, milliseconds());
                plain(200, "done\n")
            }
            Err(problem) => plain(400, format!("{problem}\n")),
        }
    }

    fn dev_egresses(&self) -> Answer {
        Answer::json(200, &self.egresses.iter().map(|egress| json!(egress.info())).collect())
    }
}

/// What `POST /dev/rooms` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomOrder {
    name: String,
    #[serde(default = "one")]
    participants: u32,
}

const fn one() -> u32 {
    1
}

/// Whether the real server has the method and the stand-in has not.
fn is_missing_here(service: &str, method: &str) -> bool {
    match service {
        "Egress" => matches!(
            method,
            "StartWebEgress"
                | "StartParticipantEgress"
                | "StartTrackCompositeEgress"
                | "StartTrackEgress"
                | "UpdateLayout"
                | "UpdateStream"
        ),
        _ => matches!(
            method,
            "GetParticipant"
                | "RemoveParticipant"
                | "MutePublishedTrack"
                | "UpdateParticipant"
                | "UpdateSubscriptions"
                | "SendData"
                | "UpdateRoomMetadata"
                | "ForwardParticipant"
                | "MoveParticipant"
                | "PerformRpc"
        ),
    }
}

/// The answer to someone who may come in. Any page may ask.
fn welcome((): ()) -> Answer {
    plain(200, "success").with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}

/// An id as LiveKit makes them: the prefix and 12 letters.
fn random_id(prefix: &str) -> String {
    let mut random = uuid::Uuid::new_v4().as_u128();
    let letters = (0..ID_LENGTH).map(|_| {
        let index = usize::try_from(random % 57).unwrap_or_default();
        random /= 57;
        char::from(ID_LETTERS[index])
    });
    prefix.chars().chain(letters).collect()
}

fn nanoseconds() -> i64 {
    let now = OffsetDateTime::from(clock::now()).unix_timestamp_nanos();
    i64::try_from(now).unwrap_or(i64::MAX)
}

fn milliseconds() -> i64 {
    nanoseconds() / 1_000_000
}

fn seconds() -> u64 {
    super::unix_seconds()
}
