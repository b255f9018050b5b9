//! What Anteroom's functions share.
//!
//! Arrows run one way: functions → providers → kit. Providers do not know each other.
//!
//! | part | what it is |
//! |---|---|
//! | [`clerk`] | who is signed in with Clerk: session tokens, users, the auth state of a request |
//! | [`workos`] | accounts, organizations and sessions of WorkOS, and signing in |
//! | [`liveblocks`] | tokens for Liveblocks' rooms |
//! | [`livekit`] | tokens for LiveKit's rooms, and recordings of what happens in them |
//! | [`lambda`] | the one entry point of a function: start, settings, logging, the request's way through |
//! | [`api`] | errors, bodies, replies, and the headers of both |
//! | [`settings`] | variables and secrets, everything that is missing reported at once |
//! | `address` | the hosts, origins and domains that a setting may name |
//! | [`secrets`] | AWS Secrets Manager: fetched, kept, read again |
//! | [`provider`] | a provider's HTTP API behind a key, and every way in which it can fail |
//! | [`http`] | the one HTTP client |
//! | [`jwt`], [`jwks`] | tokens and their signatures; the keys that providers publish |
//! | [`cookie_seal`] | what browsers keep for us, sealed |
//! | `json` | what providers and browsers send, read as JavaScript reads it |
//! | [`caller`] | who a request comes from |
//! | [`text`] | lines that people write and others read |
//! | [`clock`] | the time |
//! | [`request_scope`] | when the request being handled arrived, and how long it may take |
//! | `afterwork` | what goes on when the answer has left |

mod address;
mod afterwork;
pub mod api;
pub mod caller;
pub mod clerk;
pub mod clock;
pub mod cookie_seal;
pub mod http;
mod ids;
mod json;
pub mod jwks;
pub mod jwt;
pub mod lambda;
pub mod liveblocks;
pub mod livekit;
mod log;
mod metrics;
pub mod provider;
pub mod request_scope;
pub mod secrets;
pub mod settings;
pub mod text;
pub mod workos;
