//! The two ends of the path between Lambda and a handler, for the targets in `fuzz/`.
//!
//! Everything else that the targets call is public anyway. These two ends are not: only
//! [`lambda`](crate::lambda) reads events and writes the gateway's responses, so no function can
//! bypass it. Therefore this module exists only with the feature `fuzzing`, which
//! no package of the workspace enables.

use serde_json::Value;

use crate::api::{Event, GatewayResponse, Request, Response};

/// The request in the text of an event. `None` only for bytes that the runtime itself rejects,
/// because they are not JSON.
pub fn request(event: &[u8]) -> Option<Request> {
    serde_json::from_slice::<Event>(event).ok().map(Event::into_request)
}

/// A response as Lambda gets it, or `None` if it cannot be written as JSON.
pub fn gateway_response(response: Response) -> Option<Value> {
    serde_json::to_value(GatewayResponse::from(response)).ok()
}
