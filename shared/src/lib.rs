//! The library of Anteroom's functions: one module per provider, and the kit they are built from.
//!
//! Imports run one way: functions → providers → kit. Providers never import each other.
//!
//! | module | purpose |
//! |---|---|
//! | [`clerk`] | Clerk: session tokens, users, the auth state of a request |
//! | [`workos`] | WorkOS: accounts, organizations, sessions, signing in |
//! | [`liveblocks`] | Liveblocks: tokens for its rooms |
//! | [`livekit`] | LiveKit: tokens for its rooms, and recordings |
//! | [`lambda`] | runs an endpoint as a Lambda function |
//! | [`api`] | requests, answers, errors and cookies |
//! | [`settings`] | environment variables, with every problem reported at once |
//! | [`secrets`] | secrets from variables or from AWS Secrets Manager |
//! | [`provider`] | a provider's HTTP API, and every way in which a call can fail |
//! | [`http`] | the one HTTP client |
//! | [`jwt`], [`jwks`] | tokens and their signatures; the signing keys of providers |
//! | [`cookie_seal`] | sealed cookies |
//! | [`caller`] | the caller of a request, independent of the identity provider |
//! | [`client`] | the address and the user agent of a request's client |
//! | [`text`] | single lines of text that people write |
//! | [`clock`] | the time |
//! | [`request_scope`] | the arrival, the deadline and the client of the current request |
//! | `address` | checks of hosts, origins and domains in settings |
//! | `json` | lenient JSON, read as JavaScript reads it |
//! | `afterwork` | work that outlasts its request |

mod address;
mod afterwork;
pub mod api;
pub mod caller;
pub mod clerk;
pub mod client;
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
