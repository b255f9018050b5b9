//! Messages to callers that several errors share.

use std::time::Duration;

use http::StatusCode;

use crate::api::ApiError;
use crate::provider::{Failure, ProviderError};

pub(super) fn is_forbidden(error: &ProviderError) -> bool {
    matches!(error.failure, Failure::Unexpected(StatusCode::FORBIDDEN))
}

pub(super) fn not_allowed() -> ApiError {
    ApiError::forbidden("You are not allowed to do this. Sign in another way, or ask for access")
}

pub(super) fn too_many_attempts(retry_after: Option<Duration>) -> ApiError {
    ApiError::too_many_requests("Too many attempts. Wait a while, then ask for a new code")
        .retry_after(retry_after)
}

pub(super) fn invalid_email() -> ApiError {
    ApiError::bad_request("`email` is not valid")
}

pub(super) fn undeliverable_email() -> ApiError {
    ApiError::bad_request("`email` cannot receive mail")
}

/// WorkOS rejected the address for an unknown reason.
pub(super) fn refused_email(error: ProviderError) -> ApiError {
    if is_forbidden(&error) {
        return not_allowed().with_detail(error);
    }
    ApiError::bad_request("`email` was rejected").with_detail(error)
}
