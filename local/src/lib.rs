//! Runs Anteroom on one machine: the gateway, the Lambda Runtime API, and `cargo dev`, which joins
//! them with the stand-ins. Only cargo has to be installed.
//!
//! Tests and measurements use the same modules. From the outside in:
//!
//! | module | purpose |
//! |---|---|
//! | [`project`] | everything together: the functions of the template with their settings |
//! | [`gateway`] | an HTTP server that behaves like an API Gateway HTTP API |
//! | [`playground`] | a page that shows every flow, and the record that it shows them with |
//! | [`function`] | a function, with processes that are started, kept warm and replaced as needed |
//! | [`instance`] | one process of a function, under a Lambda Runtime API |
//! | [`workspace`] | builds the functions, and rebuilds them when their sources change |
//! | [`template`] | the routes and limits in `template.yaml` |
//! | [`environment`] | the variables that the functions get |
//! | [`providers`] | the providers' stand-ins |
//! | [`event_bus`] | EventBridge's stand-in |
//! | [`needs`] | which providers a function needs |
//!
//! It shares no code with the functions, so that it cannot repeat their mistakes.

mod clock;
pub mod environment;
pub mod event_bus;
pub mod function;
pub mod gateway;
pub mod instance;
mod loopback;
pub mod needs;
mod open_files;
pub mod playground;
pub mod project;
pub mod providers;
mod runtime_api;
pub mod template;
pub mod workspace;

pub use runtime_api::FunctionError;
