//! What the security tables share: the functions' binaries, and the tables themselves.

pub mod binary;
mod table;

pub use table::{Outcome, Table};
