//! What the tests of the functions share: an event to send, the answer to read, and the worlds in
//! which the endpoints live that need several providers. They panic where a test would: on what must
//! not be.

mod answer;
mod auth_world;
mod event;
mod mistakes;
mod room_world;

pub use answer::{Answer, SetCookie};
pub use auth_world::AuthWorld;
pub use event::{Event, PAGE};
pub use mistakes::{MALFORMED_EMAILS, OUTAGES, mistaken, oddities};
pub use room_world::RoomWorld;
