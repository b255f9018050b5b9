//! Requests, answers and errors, as every endpoint has them.
//!
//! | to | use |
//! |---|---|
//! | answer a request | [`Reply`] |
//! | refuse a request | [`ApiError`] |
//! | declare that an endpoint takes no input | [`Empty`] |
//! | read a request's credentials | [`Authorization`], [`cookies`] |
//! | set a cookie, whatever the answer will be | [`send_cookie`] |
//!
//! A handler never builds a response. It returns a [`Reply`] or an [`ApiError`], and
//! [`lambda`](crate::lambda) adds status, headers and cookies.
//!
//! # Answers and errors
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
//! The errors of providers convert to [`ApiError`] by themselves, so `?` is enough in a handler: a
//! provider that is down is 503, and one that rejects our key is 502.
//!
//! # Limits
//! - A body has up to 16 KiB and is a JSON object without duplicate keys.
//! - A message never contains input, a secret or a provider's text.
//!
//! # Where the rules come from
//! | rules | source |
//! |---|---|
//! | statuses and the form of errors | `docs/api.md` |
//! | cookies | RFC 6265 |
//! | `Authorization` | RFC 9110, section 11; at Clerk's endpoints, Clerk's SDK |
//! | events and responses | <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html> |

mod body;
mod client_header;
mod error;
mod gateway;
mod headers;
mod outgoing;
mod reply;
mod response;

pub use body::Empty;
pub(crate) use body::read_body;
pub(crate) use client_header::ClientHeader;
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
