//! The outside of every endpoint: what comes in, what goes out, and what goes wrong.

mod body;
mod error;
mod gateway;
mod headers;
mod outgoing;
mod reply;
mod response;

pub use body::Empty;
pub(crate) use body::read_body;
pub use error::ApiError;
pub(crate) use gateway::{Event, Flaw, answer};
pub use headers::{Authorization, cookies};
pub(crate) use headers::{all_cookies, check_origin};
pub(crate) use outgoing::add_cookies;
pub use outgoing::{send_cookie, with_cookies};
pub use reply::{Reply, Status};
pub(crate) use response::empty_response;

/// A request as API Gateway hands it over.
pub type Request = lambda_http::Request;

/// A response as API Gateway takes it.
pub type Response = http::Response<lambda_http::Body>;
