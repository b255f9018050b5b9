//! Lists recordings: those that LiveKit lists, and those in the bucket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::clock::Timestamp;
use crate::livekit::keys::AcceptedKeys;
use crate::livekit::recording::cursor::Cursor;
use crate::livekit::recording::object_key::ObjectKey;
use crate::livekit::recording::objects::{Objects, ObjectsPage, RecordedObject};
use crate::livekit::recording::recordings::Place;
use crate::livekit::recording::zone::Zone;
use crate::livekit::room::{RoomId, RoomName};
use crate::livekit::server_api::{EgressId, EgressInfo, ServerApi, Status};
use crate::object_store::Link;
use crate::settings::{Incomplete, Settings};

/// Lists the recordings of rooms.
#[derive(Clone, Debug)]
pub struct RecordingList {
    api: ServerApi,
    keys: AcceptedKeys,
    objects: Objects,
}

/// The request for a page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingsQuery {
    /// The room.
    pub room_name: RoomId,
    /// The zone.
    pub zone_id: Zone,
    /// The cursor of the previous page.
    pub cursor: Option<Cursor>,
}

/// A page of a list of recordings. Its links are not for the log, so it has no `Debug`.
#[derive(Serialize)]
pub struct RecordingsPage {
    recordings: Vec<ListedRecording>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// A recording in a list. Fields that are not known are left out. Times are in Unix seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedRecording {
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_id: Option<EgressId>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_expires_at: Option<u64>,
}

impl RecordingList {
    /// Reads `LIVEKIT_URL`, `LIVEKIT_API_KEY`, `LIVEKIT_API_SECRET`, the previous pair of both if it
    /// is set, the settings of the bucket (`RECORDINGS_…`) and, if there is no key pair for it, AWS's
    /// own.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let keys = AcceptedKeys::configure(settings);
        let (api, objects) = (ServerApi::configure(settings), Objects::configure(settings));
        Ok(Self { api: api?, keys: keys?, objects: objects? })
    }

    /// The recordings of a room and a zone that the caller's organization has started, a hundred
    /// objects per page. Recordings that only LiveKit lists come first, then the objects, newest
    /// first. Objects in the folder that earlier versions shared between organizations are left
    /// out: only their metadata would show whose they are, with a call for each.
    ///
    /// # Errors
    /// 400 if the cursor is not from a page of this room, zone and organization; 502 if LiveKit or
    /// the bucket rejects us or returns an invalid response; 503 if one of them is down or slow.
    pub async fn page(
        &self,
        room: &RoomName,
        query: &RecordingsQuery,
    ) -> Result<RecordingsPage, ApiError> {
        let place = Place { room, zone: &query.zone_id };
        let folder = place.folder();
        let before = match &query.cursor {
            Some(cursor) => Some(cursor.key(&folder, &self.keys).await?),
            None => None,
        };
        let egresses = async { Ok(self.api.all_egresses_of(room).await?) };
        let objects = self.objects.page(&folder, before.as_ref());
        let (egresses, page): (Vec<EgressInfo>, ObjectsPage) = tokio::try_join!(egresses, objects)?;

        let mut listed = ours(place, egresses);
        let oldest = page.objects.last().map(|object| object.key.clone());
        let end = oldest.filter(|_| page.has_more);
        let mut stored = Vec::new();
        for object in &page.objects {
            let egress = listed.remove(object.key.own_part()).map(|(_, egress)| egress);
            let link = self.objects.link(&page.access_key, &object.key)?;
            stored.push(ListedRecording::in_bucket(object, egress.as_ref(), link));
        }
        // One that ended before this page's range may be in the bucket, on a later page.
        let first = before.is_none();
        let is_here = |own_part: &str, egress: &EgressInfo| {
            let is_older = end.as_ref().is_some_and(|end| own_part < end.own_part());
            let is_newer = before.as_ref().is_some_and(|before| own_part >= before.own_part());
            if egress.has_ended() { !is_older && !is_newer } else { first }
        };
        let unstored = listed.iter().rev();
        let mut recordings: Vec<_> = unstored
            .filter(|(own_part, (_, egress))| is_here(own_part, egress))
            .map(|(_, (key, egress))| ListedRecording::at_livekit(key, egress))
            .collect();
        recordings.append(&mut stored);
        let cursor = match end {
            Some(end) => Some(Cursor::after(&end, &folder, self.keys.current()).await?),
            None => None,
        };
        Ok(RecordingsPage { recordings, cursor })
    }
}

/// The recordings of a place among LiveKit's egresses, by the part of the key after its folder.
fn ours(place: Place<'_>, egresses: Vec<EgressInfo>) -> BTreeMap<String, (ObjectKey, EgressInfo)> {
    let folders = [place.folder(), place.shared_folder()];
    let ours = egresses.into_iter().filter(|egress| place.is_of(egress));
    let keyed = ours.filter_map(|egress| {
        let key = egress.object_key()?;
        let key = folders.iter().find_map(|folder| folder.key(key))?;
        Some((key.own_part().to_owned(), (key, egress)))
    });
    keyed.collect()
}

impl ListedRecording {
    /// A recording in the bucket, with its egress if LiveKit still lists it. Its file is there, so
    /// it is complete even if LiveKit does not say so yet.
    fn in_bucket(object: &RecordedObject, egress: Option<&EgressInfo>, link: Option<Link>) -> Self {
        let failed = egress.is_some_and(|egress| egress.status() == Status::Failed);
        let (url, expires) = link.map(|link| (link.url, link.expires.whole_seconds())).unzip();
        Self {
            egress_id: egress.and_then(EgressInfo::id).cloned(),
            status: if failed { "failed" } else { "complete" },
            started_at: Some(object.key.started().whole_seconds()),
            ended_at: egress
                .and_then(EgressInfo::ended)
                .or(object.changed.map(Timestamp::whole_seconds)),
            size_bytes: object.size,
            key: object.key.as_str().to_owned(),
            url,
            url_expires_at: expires,
        }
    }

    /// A recording without an object. Older recorders report the start only once they are
    /// recording.
    fn at_livekit(key: &ObjectKey, egress: &EgressInfo) -> Self {
        Self {
            egress_id: egress.id().cloned(),
            status: match egress.status() {
                Status::Starting => "starting",
                // It may be recording, and can be stopped.
                Status::Active | Status::Unknown => "active",
                Status::Ending => "ending",
                Status::Complete => "complete",
                Status::Failed => "failed",
            },
            started_at: Some(egress.started().unwrap_or(key.started().whole_seconds())),
            ended_at: egress.ended(),
            size_bytes: egress.size(),
            key: key.as_str().to_owned(),
            url: None,
            url_expires_at: None,
        }
    }
}
