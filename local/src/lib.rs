//! Runs Anteroom on one machine: the gateway, the Lambda Runtime API, and `cargo dev`, which joins
//! them with the stand-ins. Nothing but cargo has to be installed.
//!
//! Tests and measurements use the same modules. From the outside in:
//!
//! | module | is |
//! |---|---|
//! | [`project`] | everything together: the functions of the template with their settings |
//! | [`gateway`] | an HTTP server that behaves like an API Gateway HTTP API |
//! | [`function`] | a function: its processes started, kept warm and replaced as needed |
//! | [`instance`] | one process of a function, under a Lambda Runtime API |
//! | [`workspace`] | building the functions, again when their sources changed |
//! | [`template`] | the routes and limits in `template.yaml` |
//! | [`environment`] | the variables that the functions get |
//! | [`providers`] | which providers are stood in for |
//! | [`needs`] | which providers a function needs |
//!
//! It shares no code with the functions: what imitates the outside world must not repeat our own
//! mistakes.

mod clock;
pub mod environment;
pub mod function;
pub mod gateway;
pub mod instance;
mod loopback;
pub mod needs;
pub mod project;
pub mod providers;
mod runtime_api;
pub mod template;
pub mod workspace;

pub use runtime_api::FunctionError;
