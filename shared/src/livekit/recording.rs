//! Recordings: starting and stopping them, their owners and their storage.

mod new_recording;
mod object_key;
mod origin;
mod recorder;
mod recordings;
mod upload;
mod zone;

pub use new_recording::{NewRecording, Participants, Topic};
pub(in crate::livekit) use origin::Origin;
pub use recorder::Recorder;
pub use recordings::{Recording, Recordings};
pub use zone::Zone;
