//! Requests with a session of WorkOS in a state of our choice, and the checks of their answers.

use anteroom_testing::{Event, sessions};
use serde_json::Value;

use crate::Failure;
use crate::providers::Providers;

/// The user of the sessions, who belongs to one organization.
pub(crate) const USER: &str = "jane";
pub(crate) const EMAIL: &str = "jane.doe@example.com";

/// A request about a session whose access token has expired, so that it has to be refreshed first.
/// Each request has a session of its own.
pub(crate) async fn refresh_due(providers: &Providers) -> Event {
    let session = sessions::expired_session(&providers.workos, USER, None);
    with_session(providers, &session).await
}

/// A request about a session, as WorkOS returns it.
pub(crate) async fn with_session(providers: &Providers, session: &Value) -> Event {
    let cookie = sessions::sealed(&providers.workos.settings(), session).await;
    Event::documented("session.json").cookie(sessions::COOKIE, &cookie)
}

/// Checks that the answer is about [`USER`]'s session and refreshes its cookie.
pub(crate) fn check_refreshed(answer: &Value) -> Result<(), Failure> {
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
    let cookie = answer["cookies"][0].as_str().unwrap_or_default();
    let is_right = answer["statusCode"] == 200
        && body["user"]["email"] == EMAIL
        && cookie.starts_with("wos-session=Fe26.2");
    if is_right { Ok(()) } else { Err(format!("the answer is {answer}").into()) }
}
