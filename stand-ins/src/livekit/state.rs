//! The server's state: rooms, egresses, and injected faults.

use std::{collections::HashMap, fmt, time::Duration};

use serde_json::Value;

use super::{
    access::Keys,
    egress::{Egress, Holds},
    recorder::Recorder,
    room::OpenRoom,
    twirp::{Code, Refusal},
    upload_target::UploadTarget,
};
use crate::exchange::{Answer, Request};

/// How long a server typically takes to report that no recorder responds (18 to 27 seconds).
pub const USUAL_PATIENCE: Duration = Duration::from_secs(22);

/// How long a server waits for a recorder's response to a stop.
pub const STOP_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct State {
    pub(super) keys: Keys,
    pub(super) rooms: Vec<OpenRoom>,
    pub(super) egresses: Vec<Egress>,
    pub(super) recorder: Recorder,
    pub(super) upload_target: Option<UploadTarget>,
    pub(super) holds: Holds,
    pub(super) absence: Option<Absence>,
    /// How long it takes to refuse a stop that no recorder responds to.
    pub(super) stop_patience: Duration,
    pub(super) next_start: Fate,
    pub(super) start_times_are_late: bool,
    /// How long the page of a new egress takes to load.
    pub(super) page_load: Duration,
    pub(super) stops_to_refuse: u32,
    pub(super) limit_status: Option<u16>,
    pub(super) page_size: Option<usize>,
    pub(super) edits: Edits,
}

/// Edits the JSON of a response.
pub(super) type Edit = Box<dyn Fn(&mut Value) + Send + Sync>;

/// The edits of responses, by call.
#[derive(Default)]
pub(super) struct Edits(pub(super) HashMap<&'static str, Edit>);

impl Edits {
    pub(super) fn apply(&self, request: &Request, answer: Answer) -> Answer {
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

/// Why no recorder accepts a request, and how long the server takes to find out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Absence {
    /// There is none, and existing egresses do not advance.
    Gone(Duration),
    /// They have no capacity.
    Busy(Duration),
    /// The server has no Redis to find them with.
    Unconnected(Duration),
}

impl Absence {
    /// The error for a start. A recorder without capacity does not respond at all.
    pub(super) fn refusal(self) -> Refusal {
        let (Self::Gone(after) | Self::Busy(after) | Self::Unconnected(after)) = self;
        Refusal::from_inside(Code::Unavailable, "no response from servers").after(after)
    }
}

/// When a response is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Fate {
    #[default]
    AtOnce,
    After(Duration),
    Never,
}

impl Default for State {
    fn default() -> Self {
        Self {
            keys: Keys::default(),
            rooms: Vec::new(),
            egresses: Vec::new(),
            recorder: Recorder::default(),
            upload_target: None,
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
        }
    }
}
