//! Support for functions' tests: events to send, responses to check, a function's binary with
//! stand-ins for its providers, and test suites that several endpoints share.
//!
//! | module | purpose |
//! |---|---|
//! | [`Event`] | an event as API Gateway sends it |
//! | [`Answer`] | a function's response, checked against `openapi.yaml` |
//! | [`AuthWorld`], [`RoomWorld`] | a function's binary with stand-ins for its providers |
//! | [`Identity`] | whose sessions the callers of a world have |
//! | [`sessions`] | WorkOS sessions in every state, and their cookies |
//! | [`signing_keys`] | signing keys with odd parameters |
//! | [`link`] | opens signed links |
//! | [`livekit`] | LiveKit's calls and recordings |
//! | [`mistakes`] | malformed requests, names and addresses; outages of a provider |
//! | [`openapi`] | checks responses against `openapi.yaml` |
//! | [`suites`] | the test suites that several endpoints share |
//!
//! Everything here panics if a test should fail.

mod answer;
mod auth_world;
mod event;
mod identity;
pub mod link;
pub mod livekit;
pub mod mistakes;
pub mod openapi;
mod room_world;
pub mod sessions;
pub mod signing_keys;
pub mod suites;

pub use answer::{Answer, SetCookie};
pub use auth_world::AuthWorld;
pub use event::{Event, PAGE};
pub use identity::Identity;
pub use mistakes::{MALFORMED_EMAILS, OUTAGES, malformed_requests, oddities};
pub use room_world::RoomWorld;
