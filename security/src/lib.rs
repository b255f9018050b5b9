//! What the security tables share: the functions' binaries, the world that they run in, the ways of
//! calling them, and the tables themselves.

pub mod binary;
mod play;
pub mod scenario;
mod table;
pub mod world;

pub use play::{Played, desk, play};
pub use table::{Outcome, Table};
