//! Strict stand-ins for the providers, on real loopback sockets, for tests, benchmarks and `cargo
//! dev`.
//!
//! A stand-in rejects what the provider rejects, with the provider's own error bodies, records
//! requests, and can be told to fail:
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use anteroom_stand_ins::{clerk::Clerk, faults::Fault};
//!
//! let clerk = Clerk::start().await?;
//! let token = clerk.session_token("jane");
//! // ... point the code under test at `clerk.settings()` and send it the token ...
//! assert_eq!(clerk.hits("GET", "/v1/jwks"), 1);
//!
//! clerk.inject(Fault::Limiting { retry_after: Some(7) }.on("/v1/users").once());
//! clerk.stop().await;
//! clerk.restart().await?;
//! # Ok(()) }
//! ```
//!
//! | module | purpose |
//! |---|---|
//! | [`clerk`], [`event_bridge`], [`liveblocks`], [`livekit`], [`s3`], [`secrets_manager`], [`workos`] | one provider each |
//! | [`server`] | shared by all: starting, stopping, TLS, recorded requests |
//! | [`faults`] | failures on demand |
//! | [`exchange`] | requests and responses |
//! | [`jwt`] | signed and forged tokens |
//!
//! They share no code with the functions, so that neither can hide the other's mistakes. To add a
//! provider, implement [`server::Provider`].

mod aws;
pub mod clerk;
mod clock;
pub mod event_bridge;
pub mod exchange;
pub mod faults;
pub mod jwt;
pub mod liveblocks;
pub mod livekit;
mod resettable;
pub mod s3;
pub mod secrets_manager;
pub mod server;
pub mod workos;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks the mutex, even if a test panicked while it held the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `length` random hexadecimal digits, at most 32.
fn random_hex(length: usize) -> String {
    let mut digits = uuid::Uuid::new_v4().simple().to_string();
    digits.truncate(length);
    digits
}
