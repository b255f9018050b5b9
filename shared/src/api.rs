//! Requests, responses and errors, shared by every endpoint.
//!
//! | to | use |
//! |---|---|
//! | respond to a request | [`Reply`] |
//! | reject a request | [`ApiError`] |
//! | declare that an endpoint takes no input | [`Empty`] |
//! | read a request's credentials | [`Authorization`], [`cookies`] |
//! | set a cookie, on success or on error | [`send_cookie`] |
//!
//! A handler never builds a response. It returns a [`Reply`] or an [`ApiError`], and
//! [`lambda`](crate::lambda) adds status, headers and cookies.
//!
//! # Responses and errors
//! ```
//! use anteroom::api::{ApiError, Reply, Status};
//!
//! fn answer(is_member: bool) -> Result<Reply<Status>, ApiError> {
//!     if !is_member {
//!         // The caller reads the message. Only the log gets the detail.
//!         let error = ApiError::forbidden("This organization was not offered to you");
//!         return Err(error.with_detail("not a member"));
//!     }
//!     Ok(Reply::done())
//! }
//! ```
//! Provider errors convert to [`ApiError`], so `?` is enough in a handler: a provider that is down
//! becomes 503, and one that rejects our key becomes 502.
//!
//! # Limits
//! - A body is a JSON object of at most 16 KiB, without duplicate keys, unless the endpoint reads it
//!   itself.
//! - A message never contains input, a secret or a provider's text.
//!
//! # Where the rules come from
//! | rules | source |
//! |---|---|
//! | status codes and the error format | `docs/api.md` |
//! | cookies | RFC 6265 |
//! | `Authorization` | RFC 9110, section 11; at Clerk's endpoints, Clerk's SDK |
//! | events and responses | <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html> |

mod body;
mod client_header;
mod error;
mod gateway;
mod headers;
mod outgoing;
mod query;
mod reply;
mod response;

pub(crate) use body::read_body;
pub use body::{Empty, leave_body};
pub(crate) use client_header::ClientHeader;
pub use error::ApiError;
pub(crate) use gateway::{Event, Flaw, GatewayResponse};
pub use headers::{Authorization, cookies};
pub(crate) use headers::{all_cookies, check_origin};
pub(crate) use outgoing::add_cookies;
pub use outgoing::{send_cookie, with_cookies};
pub(crate) use query::read_query;
pub use reply::{Reply, Status};
pub(crate) use response::empty_response;

/// A request from API Gateway.
pub type Request = http::Request<Vec<u8>>;

/// A response to API Gateway. An empty text means that there is no body.
pub type Response = http::Response<String>;
