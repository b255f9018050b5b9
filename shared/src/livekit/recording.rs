//! Recordings: starting, stopping and listing them, their owners and their storage.

mod cursor;
mod list;
mod new_recording;
mod object_key;
mod objects;
mod origin;
mod recorder;
mod recordings;
mod storage;
mod upload;
mod zone;

pub use cursor::Cursor;
pub use list::{ListedRecording, RecordingList, RecordingsPage, RecordingsQuery};
pub use new_recording::{NewRecording, Participants, Topic};
pub(in crate::livekit) use origin::Origin;
pub use recorder::Recorder;
pub use recordings::{Recording, Recordings};
pub use zone::Zone;
