//! LiveKit's `Egress` service: starting, listing and stopping recordings of whole rooms.
//! <https://docs.livekit.io/reference/other/egress/api/>

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::json;
use crate::livekit::access_token::Grant;
use crate::livekit::server_api::egress_info::{ConfirmedEgress, EgressInfo};
use crate::livekit::server_api::{self, CallError, Method, ServerApi};
use crate::livekit::{EgressId, RoomName};
use crate::provider::MAX_ANSWER_BYTES;

const SERVICE: &str = "livekit.Egress";

/// Timeout for a stop. A recorder whose page is still loading takes a few seconds.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The maximum number of pages that we read. LiveKit's server returns one; no room has enough
/// egresses to fill more than these.
const MAX_PAGES: usize = 10;

/// The longest page of a list that we read: several thousand egresses, since all organizations may
/// share a room's name.
const MAX_LIST_BYTES: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct ListEgress {
    #[serde(deserialize_with = "server_api::objects")]
    items: Vec<EgressInfo>,
    #[serde(default, alias = "nextPageToken", deserialize_with = "json::or_default")]
    next_page_token: PageToken,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PageToken {
    token: String,
}

impl ServerApi {
    /// Starts recording a room. A call that has failed may still have started it:
    /// [`leaves_open`](crate::provider::ProviderError::leaves_open) says whether to look.
    pub(in crate::livekit) async fn start_room_composite(
        &self,
        request: Value,
        time_limit: Duration,
    ) -> Result<ConfirmedEgress, CallError> {
        let start = Method {
            service: SERVICE,
            name: "StartRoomCompositeEgress",
            grant: Grant::Record,
            repeatable: false,
            time_limit,
            max_bytes: MAX_ANSWER_BYTES,
        };
        self.call(&start, request).await
    }

    /// The egresses of a room that have not ended.
    pub(in crate::livekit) async fn egresses_of(
        &self,
        room: &RoomName,
    ) -> Result<Vec<EgressInfo>, CallError> {
        self.list(room, json!({ "room_name": room, "active": true })).await
    }

    /// The egresses of a room, including those that have ended and that LiveKit still lists: its
    /// server keeps them for a day.
    pub(in crate::livekit) async fn all_egresses_of(
        &self,
        room: &RoomName,
    ) -> Result<Vec<EgressInfo>, CallError> {
        self.list(room, json!({ "room_name": room })).await
    }

    async fn list(&self, room: &RoomName, request: Value) -> Result<Vec<EgressInfo>, CallError> {
        let list = Method {
            max_bytes: MAX_LIST_BYTES,
            ..Method::repeatable(SERVICE, "ListEgress", Grant::Record)
        };
        let mut message = request;
        let mut egresses = Vec::new();
        for _ in 0..MAX_PAGES {
            let page: ListEgress = self.call(&list, message.clone()).await?;
            egresses.extend(page.items.into_iter().filter(|egress| egress.is_of(room)));
            if page.next_page_token.token.is_empty() {
                break;
            }
            message["page_token"] = json!({ "token": page.next_page_token.token });
        }
        Ok(egresses)
    }

    /// The egress with this id, in any room and state.
    pub(in crate::livekit) async fn egress(
        &self,
        id: &EgressId,
    ) -> Result<Option<EgressInfo>, CallError> {
        let list = Method::repeatable(SERVICE, "ListEgress", Grant::Record);
        let is_that = |egress: &EgressInfo| egress.id().is_none_or(|found| found == id);
        match self.call::<ListEgress>(&list, json!({ "egress_id": id })).await {
            Ok(list) => Ok(list.items.into_iter().find(is_that)),
            Err(CallError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends an egress. LiveKit refuses to stop one that has ended, as
    /// [`CallError::FailedPrecondition`], so telling it twice does no harm.
    pub(in crate::livekit) async fn stop_egress(
        &self,
        id: &EgressId,
    ) -> Result<ConfirmedEgress, CallError> {
        let stop = Method {
            time_limit: STOP_LIMIT,
            ..Method::repeatable(SERVICE, "StopEgress", Grant::Record)
        };
        self.call(&stop, json!({ "egress_id": id })).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_item_of_a_list_is_skipped_and_an_odd_list_is_not_taken_for_an_empty_one() {
        for (json, items) in [
            (json!({ "items": [] }), Some(0)),
            (json!({ "items": null }), Some(0)),
            (json!({ "items": [17, "EG_1", null, [], { "egress_id": "EG_1" }] }), Some(1)),
            (json!({ "items": [{}], "next_page_token": null }), Some(1)),
            (json!({ "items": [{}], "next_page_token": 7 }), Some(1)),
            (json!({}), None),
            (json!({ "egresses": [] }), None),
            (json!({ "items": {} }), None),
            (json!({ "items": "none" }), None),
        ] {
            let list = serde_json::from_value::<ListEgress>(json.clone()).ok();
            assert_eq!(list.map(|list| list.items.len()), items, "{json}");
        }
    }
}
