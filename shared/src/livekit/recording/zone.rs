//! Zones: the caller's own labels, which group recordings.

use crate::livekit::room::MAX_NAME_BYTES;
use crate::text::Line;

/// A zone: 1 to 64 printable characters.
pub type Zone = Line<64, MAX_NAME_BYTES>;
