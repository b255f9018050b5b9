//! The library of Anteroom's functions: one module per provider, and the kit they are built from.
//!
//! Imports run one way: functions → identity → providers → kit. Providers never import each other.
//!
//! | module | purpose |
//! |---|---|
//! | [`identity`] | whose sessions an endpoint accepts: Clerk's or WorkOS's |
//! | [`clerk`] | Clerk: session tokens, users, the auth state of a request |
//! | [`workos`] | WorkOS: accounts, organizations, sessions, signing in |
//! | [`liveblocks`] | Liveblocks: tokens for its rooms |
//! | [`livekit`] | LiveKit: tokens for its rooms, guests, moderation, recordings, events |
//! | [`lambda`] | runs an endpoint as a Lambda function |
//! | [`api`] | requests, responses, errors and cookies |
//! | [`settings`] | environment variables, with every problem reported at once |
//! | [`secrets`] | secrets from variables or from AWS Secrets Manager |
//! | [`provider`] | calls to a provider's HTTP API, and how they can fail |
//! | [`http`] | the shared HTTP client |
//! | [`jwt`], [`jwks`] | tokens and their signatures; the signing keys of providers |
//! | [`cookie_seal`] | sealed cookies |
//! | [`caller`] | the caller of a request, independent of the identity provider |
//! | [`client`] | the address and the user agent of a request's client |
//! | [`text`] | validated single-line text, such as names |
//! | [`clock`] | the current time |
//! | [`request_scope`] | the arrival, the deadline and the client of the current request |
//! | [`event_bus`] | events on an EventBridge bus |
//! | `aws` | what clients of the AWS SDK share |
//! | `address` | checks of hosts, origins and domains in settings |
//! | `json` | lenient JSON parsing, like JavaScript's |
//! | `object_store` | an S3 bucket: its list, and signed links to its objects |
//! | `afterwork` | background work that continues after the response |
//! | `ids` | ids from providers, a type for each kind |
//! | `log` | log lines |
//! | `metrics` | metrics of requests and provider calls, in log lines |

mod address;
mod afterwork;
pub mod api;
mod aws;
pub mod caller;
pub mod clerk;
pub mod client;
pub mod clock;
pub mod cookie_seal;
pub mod event_bus;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod identity;
mod ids;
mod json;
pub mod jwks;
pub mod jwt;
pub mod lambda;
pub mod liveblocks;
pub mod livekit;
mod log;
mod metrics;
mod object_store;
pub mod provider;
pub mod request_scope;
pub mod secrets;
pub mod settings;
pub mod text;
#[cfg(test)]
mod vector_tally;
#[cfg(test)]
mod vectors;
pub mod workos;
