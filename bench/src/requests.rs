//! The requests that a subject gets, each made so that the same work is done for it, and the checks
//! of its answers.

use std::cell::Cell;

use anteroom_stand_ins::jwt;
use anteroom_testing::Event;
use anteroom_testing::sessions;
use serde_json::{Value, json};

use crate::Failure;
use crate::providers::Providers;
use crate::subject::{Endpoint, Identity};

/// Whose account the requests are for.
const USER: &str = "jane";
const EMAIL: &str = "jane.doe@example.com";

/// The requests of one process. Tokens are valid for minutes, so each process gets new ones.
pub(crate) struct Requests<'p> {
    providers: &'p Providers,
    endpoint: Endpoint,
    event: Event,
    made: Cell<u32>,
}

impl<'p> Requests<'p> {
    pub(crate) async fn to(endpoint: Endpoint, providers: &'p Providers) -> Self {
        let workos = &providers.workos;
        let event = match endpoint {
            Endpoint::Hello => Event::documented("liveblocks-auth.json"),
            Endpoint::Session => {
                let settings = workos.settings();
                let cookie = sessions::sealed(&settings, &workos.sign_in(USER, None)).await;
                Event::documented("session.json").cookie(sessions::COOKIE, &cookie)
            }
            _ => Event::documented(&format!("{}.json", endpoint.name())),
        };
        let event = match endpoint {
            Endpoint::RoomAuth(Identity::Clerk) | Endpoint::LiveblocksAuth(Identity::Clerk) => {
                event.bearer(&providers.clerk.session_token(USER))
            }
            Endpoint::RoomAuth(_) | Endpoint::LiveblocksAuth(_) | Endpoint::StartRecording => {
                event.bearer(&workos.access_token(USER))
            }
            _ => event,
        };
        Self { providers, endpoint, event, made: Cell::new(0) }
    }

    /// The next request. Where a request uses something up, it is provided again.
    pub(crate) fn next(&self) -> Event {
        self.made.set(self.made.get() + 1);
        match self.endpoint {
            Endpoint::FinalizeMagicAuth => {
                let code = self.providers.workos.magic_code(USER);
                self.event.clone().json(&json!({ "email": EMAIL, "code": code }))
            }
            Endpoint::StartRecording => {
                self.providers.livekit.open_room(&self.room(), 1);
                self.event.clone().json(&json!({
                    "roomName": self.room(),
                    "conferenceTopic": "Weekly Sync Meeting",
                    "zoneId": "1",
                    "participants": "alice,bob,charlie",
                }))
            }
            _ => self.event.clone(),
        }
    }

    /// Checks the answer to the latest request.
    pub(crate) fn check(&self, answer: &Value) -> Result<(), Failure> {
        let body = answer["body"].as_str().unwrap_or_default();
        let is_right = answer["statusCode"] == 200 && self.is_right(body, answer);
        if self.endpoint == Endpoint::StartRecording {
            self.providers.livekit.close_room(&self.room());
        }
        if is_right { Ok(()) } else { Err(format!("the answer is {answer}").into()) }
    }

    fn is_right(&self, body: &str, answer: &Value) -> bool {
        if self.endpoint == Endpoint::Hello {
            return body == "hello";
        }
        let Ok(body) = serde_json::from_str::<Value>(body) else { return false };
        match self.endpoint {
            Endpoint::Hello => true,
            Endpoint::RoomAuth(_) => self.opens_the_room(&body["token"]),
            Endpoint::LiveblocksAuth(_) => {
                let claims = body["token"].as_str().and_then(jwt::claims);
                claims.is_some_and(|claims| {
                    claims["uid"] == EMAIL && claims["ui"]["name"] == "Jane Doe"
                })
            }
            Endpoint::SignIn => body == json!({ "authData": { "authMethod": "magic_auth" } }),
            Endpoint::FinalizeMagicAuth => {
                let cookie = answer["cookies"][0].as_str().unwrap_or_default();
                body["user"]["email"] == EMAIL && cookie.starts_with("wos-session=Fe26.2")
            }
            Endpoint::Session => body["user"]["email"] == EMAIL && body["role"] == "admin",
            Endpoint::StartRecording => {
                let Some(id) = body["egressId"].as_str() else { return false };
                let egress = self.providers.livekit.egress(id);
                egress.is_running() && egress.room_name == self.room()
            }
        }
    }

    /// Whether LiveKit lets the holder of a token in, under the right name.
    fn opens_the_room(&self, token: &Value) -> bool {
        let seat = self.providers.livekit.seat(token.as_str().unwrap_or_default());
        seat.is_ok_and(|seat| seat.room == "room123" && seat.name == "Jane Doe")
    }

    /// The room of the latest request, which nobody has recorded.
    fn room(&self) -> String {
        format!("room{}", self.made.get())
    }
}
