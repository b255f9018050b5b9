//! A function's process, the gateway before it, and `cargo dev`, on the loopback address.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod browser;
#[cfg(unix)]
mod dev;
mod gateway;
mod instance;
#[cfg(unix)]
mod playground;
#[cfg(unix)]
mod processes;
#[cfg(unix)]
mod provider_combinations;
