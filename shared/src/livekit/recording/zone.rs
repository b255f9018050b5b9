//! Zones: the part of a caller's application that a recording belongs to.

use crate::livekit::room::MAX_NAME_BYTES;
use crate::text::Line;

/// A zone, the caller's own way to group recordings: 1 to 64 printable characters.
pub type Zone = Line<64, MAX_NAME_BYTES>;
