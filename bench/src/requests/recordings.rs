//! Requests to the endpoints that record rooms.

use std::cell::{Cell, RefCell};

use anteroom_stand_ins::livekit::{EgressStatus, RECORDINGS_BUCKET};
use anteroom_testing::Event;
use anteroom_testing::livekit::{TEST_ROOM, folder_of};
use serde_json::json;

use super::answer::Answer;
use crate::providers::Providers;
use crate::subject::Endpoint;

const ZONE: &str = "1";

/// The organization of the user.
const ORGANIZATION: &str = "Example";

/// How many recordings are listed.
const LISTED: usize = 20;

pub(super) struct Recordings<'p> {
    endpoint: Endpoint,
    event: Event,
    providers: &'p Providers,
    made: Cell<u32>,
    /// The recording that the latest request stops.
    egress_id: RefCell<String>,
}

impl<'p> Recordings<'p> {
    pub(super) fn to(endpoint: Endpoint, event: Event, providers: &'p Providers) -> Self {
        let (made, egress_id) = (Cell::default(), RefCell::default());
        let requests = Self { endpoint, event, providers, made, egress_id };
        if endpoint == Endpoint::Recordings {
            for minute in 0..LISTED {
                providers.s3.put(&requests.key(TEST_ROOM, minute), b"a film".to_vec());
            }
        }
        requests
    }

    pub(super) fn next(&self) -> Event {
        self.made.set(self.made.get() + 1);
        let event = self.event.clone();
        match self.endpoint {
            Endpoint::StartRecording => {
                self.providers.livekit.open_room(&self.room(), 1);
                event.json(&json!({
                    "roomName": self.room(),
                    "conferenceTopic": "Weekly Sync Meeting",
                    "zoneId": ZONE,
                    "participants": "alice,bob,charlie",
                }))
            }
            Endpoint::StopRecording => {
                self.egress_id.replace(self.start());
                event.json(&json!({
                    "roomName": self.room(),
                    "zoneId": ZONE,
                    "egressId": &*self.egress_id.borrow(),
                }))
            }
            _ => event,
        }
    }

    pub(super) fn is_right(&self, answer: &Answer) -> bool {
        let (livekit, body) = (&self.providers.livekit, &answer.body);
        if self.endpoint == Endpoint::Recordings {
            let own = body["recordings"].as_array().map(Vec::as_slice).unwrap_or_default();
            let bucket = self.providers.s3.url();
            let is_linked =
                |url: &str| url.starts_with(&bucket) && url.contains("X-Amz-Signature=");
            let are_linked = own.iter().all(|one| one["url"].as_str().is_some_and(is_linked));
            return answer.status == 200 && own.len() == LISTED && are_linked;
        }
        let Some(id) = body["egressId"].as_str() else { return false };
        let egress = livekit.egress(id);
        livekit.close_room(&self.room());
        let is_right = match self.endpoint {
            Endpoint::StartRecording => egress.is_running(),
            _ => id == *self.egress_id.borrow() && egress.status == EgressStatus::Ending,
        };
        answer.status == 200 && egress.room_name == self.room() && is_right
    }

    /// Starts a recording as `start-recording` does it for the user, and gives its id.
    fn start(&self) -> String {
        let livekit = &self.providers.livekit;
        livekit.open_room(&self.room(), 1);
        let organization = self.providers.workos.organization(ORGANIZATION).id;
        let metadata = json!({ "started-by": "user_1", "organization": organization });
        let s3 = json!({ "bucket": RECORDINGS_BUCKET, "metadata": metadata });
        let output = json!({ "filepath": self.key(&self.room(), 0), "s3": s3 });
        let request = json!({ "room_name": self.room(), "file_outputs": [output] });
        livekit.start_egress("StartRoomCompositeEgress", request)
    }

    /// The key of the user's recording of a room that began in this minute.
    fn key(&self, room: &str, minute: usize) -> String {
        let organization = self.providers.workos.organization(ORGANIZATION).id;
        let folder = folder_of(Some(&organization), room, ZONE);
        format!("{folder}/2026-01-01/00{minute:02}00-0000000000000000.mp4")
    }

    /// The room of the latest request, which nobody has recorded.
    fn room(&self) -> String {
        format!("room{:04}", self.made.get())
    }
}
