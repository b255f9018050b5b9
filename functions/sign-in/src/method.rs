//! The next step of a sign-in.

use anteroom::api::Reply;
use anteroom::workos::{AuthData, Redirect};
use serde::Serialize;

/// The next step for the page.
#[derive(Serialize)]
#[serde(tag = "authMethod", rename_all = "snake_case")]
pub(crate) enum Method {
    /// Send the browser to the organization's own identity provider.
    Sso(Redirect),
    /// Ask for the code that was sent by e-mail.
    MagicAuth,
}

/// `{"authData":{"authMethod", …}}`
pub(crate) type MethodReply = Reply<AuthData<Method>>;

impl Method {
    pub(crate) fn reply(self) -> MethodReply {
        Reply::ok(AuthData { auth_data: self })
    }
}
