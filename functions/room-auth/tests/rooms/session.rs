//! Sessions as they stand in cookies.

use anteroom::clock::Clock;
use anteroom::settings::Settings;
use anteroom::workos::{Authentication, Cookies, SealedSession};
use anteroom_local::stand_ins::workos::WorkOs;
use serde_json::Value;

pub(crate) const COOKIE: &str = "wos-session";

/// A session as it stands in a cookie, sealed with the password in these settings.
pub(crate) async fn sealed(settings: &[(String, String)], session: &Value) -> String {
    let mut settings = Settings::from_pairs(settings.to_vec(), Clock::system()).expect("settings");
    let cookies = Cookies::configure(&mut settings);
    let cookies = settings.complete(cookies).await.expect("complete settings");
    let session: Authentication = serde_json::from_value(session.clone()).expect("a session");
    let cookie = cookies.session.write(&SealedSession::from(session)).await.expect("a cookie");
    cookie.value().to_owned()
}

/// What WorkOS gives to somebody whose access token has expired since.
pub(crate) fn expired_session(workos: &WorkOs, user: &str, organization: Option<&str>) -> Value {
    workos.set_access_token_seconds(-60);
    let session = workos.sign_in(user, organization);
    workos.set_access_token_seconds(300);
    session
}

pub(crate) fn access_token(session: &Value) -> &str {
    session["access_token"].as_str().expect("an access token")
}
