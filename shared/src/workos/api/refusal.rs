//! WorkOS's errors and their meaning for the caller: one file per kind of call.
//!
//! | file | errors of |
//! |---|---|
//! | `authenticate` | a code, a refresh token, a pending sign-in |
//! | `send_code` | sending a one-time code |
//! | `create_user` | creating an account |
//! | `dev_sign_in` | the developer's sign-in: those of `send_code` and `authenticate` |
//!
//! They read WorkOS's error `body` and look its code up in the table of `codes`. `requirement`
//! lists what a user may have to do first, and `messages` holds shared messages.

mod authenticate;
mod body;
mod codes;
mod create_user;
mod dev_sign_in;
mod messages;
mod requirement;
mod send_code;

pub use authenticate::AuthenticateError;
pub(super) use body::{is_missing_user, refuses_key};
pub use create_user::CreateUserError;
pub use dev_sign_in::DevSignInError;
pub use requirement::Requirement;
pub use send_code::SendCodeError;

/// Responses for the tests in this folder.
#[cfg(test)]
pub(super) mod answers {
    use http::header::RETRY_AFTER;
    use serde_json::{Value, json};

    use crate::provider::Answer;

    pub(crate) fn answer(status: u16, body: &Value) -> Answer {
        Answer::made_up(
            status,
            [(RETRY_AFTER, "7".parse().expect("a value"))].into_iter().collect(),
            body,
        )
    }

    pub(crate) fn of_code(status: u16, code: &str) -> Answer {
        answer(status, &json!({"code": code, "message": "Request could not be processed."}))
    }

    pub(crate) fn of_error(error: &str) -> Answer {
        answer(400, &json!({"error": error, "error_description": "The request failed."}))
    }
}
