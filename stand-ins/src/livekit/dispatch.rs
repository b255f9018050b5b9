//! Dispatches each request to its service, and schedules the response.

use std::{
    io, mem,
    sync::{Arc, Mutex},
};

use http::header;
use tokio::{sync::Barrier, time::sleep};

use super::{
    access::{self, Grants},
    join,
    recorder::Start,
    state::{Fate, STOP_PATIENCE, State},
    twirp::{Call, Code, Refusal, plain},
};
use crate::{
    clock,
    exchange::{Answer, Request},
    lock,
    server::{Provider, StandIn},
};

/// The bucket in the functions' settings. It does not exist, because nothing is uploaded.
pub const RECORDINGS_BUCKET: &str = "anteroom-recordings";

/// The imitated services.
const SERVICES: [&str; 2] = ["Egress", "RoomService"];

/// A running LiveKit.
pub type LiveKit = StandIn<Server>;

/// The server and its state.
#[derive(Debug)]
pub struct Server {
    pub(super) state: Mutex<State>,
    /// Where starts wait for each other.
    pub(super) starts: Mutex<Arc<Barrier>>,
}

impl Default for Server {
    fn default() -> Self {
        Self { state: Mutex::default(), starts: Mutex::new(Arc::new(Barrier::new(1))) }
    }
}

impl Server {
    pub(super) async fn wait_for_other_starts(&self) {
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
            ("POST", "/dev/participants") => Some(lock(&self.state).dev_join(request)),
            ("GET", "/dev/participants") => Some(lock(&self.state).dev_participants()),
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
            // The form that front ends use to connect: `ws://…`.
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
    /// The response to a request, and when it is sent.
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
        let grants = self.keys.grants_of(request, clock::unix_seconds())?;
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
            ("RoomService", "GetParticipant") => {
                call.answer(|request| self.find_participant(&request, grants))
            }
            ("RoomService", "RemoveParticipant") => {
                call.answer(|request| self.remove_participant(&request, grants))
            }
            ("RoomService", "MutePublishedTrack") => {
                call.answer(|request| self.mute_published_track(&request, grants))
            }
            (service, method) if is_missing_here(service, method) => {
                let problem = format!("the stand-in does not imitate {method}");
                Err(Refusal::new(Code::Unimplemented, problem))
            }
            _ => Err(call.no_such_method()),
        }
    }
}

/// Whether only the real server has the method.
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
            "UpdateParticipant"
                | "UpdateSubscriptions"
                | "SendData"
                | "UpdateRoomMetadata"
                | "ForwardParticipant"
                | "MoveParticipant"
                | "PerformRpc"
        ),
    }
}

/// The response to someone who may join. Any page may call this.
fn welcome((): ()) -> Answer {
    plain(200, "success").with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}
