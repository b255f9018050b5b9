//! What the security tables share: the functions' binaries, the world that they run in, the ways of
//! calling them, and the tables themselves.

mod at_once;
pub mod binary;
pub mod scenario;
mod table;
pub mod world;

pub use at_once::{Played, desk, play};
pub use table::{Outcome, Table};
