//! How a sign-in continues.

use anteroom::api::Reply;
use anteroom::workos::{AuthData, Redirect};
use serde::Serialize;

/// The next step for the page.
#[derive(Serialize)]
#[serde(tag = "authMethod", rename_all = "snake_case")]
pub(crate) enum Method {
    /// It sends the browser to the organization's own identity provider.
    Sso(Redirect),
    /// It asks for the code that was sent by e-mail.
    MagicAuth,
}

/// `{"authData":{"authMethod", …}}`
pub(crate) type MethodReply = Reply<AuthData<Method>>;

impl Method {
    pub(crate) fn reply(self) -> MethodReply {
        Reply::ok(AuthData { auth_data: self })
    }
}
