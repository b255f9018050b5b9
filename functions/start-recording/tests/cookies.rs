//! What becomes of the session's cookie at this endpoint.

#[path = "../../session/tests/sessions/mod.rs"]
mod sessions;

use serde_json::{Value, json};

use self::sessions::cookies::{self, Endpoint, Kind};

fn body() -> Value {
    json!({
        "roomName": "lobby", "conferenceTopic": "", "zoneId": "zone", "participants": "",
    })
}

#[tokio::test]
async fn only_what_can_never_be_good_clears_the_cookie() {
    let binary = env!("CARGO_BIN_EXE_start-recording");
    cookies::check(Endpoint { binary, kind: Kind::Room(body) }).await;
}
