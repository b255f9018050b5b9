//! WorkOS sessions in every state, and their sealed cookies.

use anteroom::api::Request;
use anteroom::clock::Clock;
use anteroom::settings::Settings;
use anteroom::workos::{Authentication, Cookies, SealedSession};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::workos::{COOKIE_PASSWORD, WorkOs};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::mistakes::OUTAGES;

/// The name of the session cookie.
pub const COOKIE: &str = "wos-session";

/// A session as a cookie value, sealed with the password in these settings.
///
/// # Panics
/// If the settings lack the password, or this is not a session.
pub async fn sealed(settings: &[(String, String)], session: &Value) -> String {
    let session: Authentication = serde_json::from_value(session.clone()).expect("a session");
    let cookies = cookies_with(settings).await;
    let cookie = cookies.session.write(&SealedSession::from(session)).await.expect("a cookie");
    cookie.value().to_owned()
}

/// A session without a refresh token, sealed with the stand-in's own password.
///
/// # Panics
/// If this is not a session.
pub async fn sealed_without_refresh_token(session: &Value) -> String {
    let session: Authentication = serde_json::from_value(session.clone()).expect("a session");
    let session = SealedSession { refresh_token: None, ..SealedSession::from(session) };
    let cookies = cookies_of(COOKIE_PASSWORD).await;
    cookies.session.write(&session).await.expect("a cookie").value().to_owned()
}

/// A genuine seal that holds no session but a pending sign-in.
///
/// # Panics
/// If the password is too short.
pub async fn sealed_sign_in(password: &str) -> String {
    let sign_in = cookies_of(password).await.sign_in.begin(Request::default().headers()).await;
    sign_in.expect("a sign-in").cookies[0].value().to_owned()
}

async fn cookies_of(password: &str) -> Cookies {
    cookies_with(&[("WORKOS_COOKIE_PASSWORD".to_owned(), password.to_owned())]).await
}

/// The session in a response's cookie, whose attributes must be those of a session cookie.
///
/// # Panics
/// If it is not a session cookie.
pub async fn opened(settings: &[(String, String)], answer: &Answer) -> SealedSession {
    let cookie = answer.cookie();
    assert_eq!(cookie.name, COOKIE);
    assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Lax"]);
    let mut request = Request::default();
    let value = format!("{COOKIE}={}", cookie.value).parse().expect("a header");
    request.headers_mut().insert("cookie", value);
    let session = cookies_with(settings).await.session.read(request.headers()).await;
    session.expect("a genuine one").expect("a session")
}

/// The access token in a sealed session.
///
/// # Panics
/// If there is none.
pub fn token_of(session: &SealedSession) -> String {
    let json = serde_json::to_value(session).expect("JSON");
    json["accessToken"].as_str().expect("a token").to_owned()
}

async fn cookies_with(settings: &[(String, String)]) -> Cookies {
    let mut settings = Settings::from_pairs(settings.to_vec(), Clock::system()).expect("settings");
    let cookies = Cookies::configure(&mut settings);
    settings.complete(cookies).await.expect("complete settings")
}

/// A session whose access token has expired, as WorkOS returns it.
pub fn expired_session(workos: &WorkOs, user: &str, organization: Option<&str>) -> Value {
    workos.set_access_token_seconds(-60);
    let session = workos.sign_in(user, organization);
    workos.set_access_token_seconds(300);
    session
}

/// A session whose access token has half a minute left of its five minutes, as WorkOS returns it.
pub fn session_near_its_end(workos: &WorkOs, user: &str, organization: Option<&str>) -> Value {
    workos.backdate_access_tokens(270);
    let session = workos.sign_in(user, organization);
    workos.backdate_access_tokens(0);
    session
}

/// The status for a request whose session is due for a refresh while WorkOS fails. An unreadable
/// response says nothing about the session.
pub fn refresh_outages() -> impl Iterator<Item = (Fault, u64)> {
    let unreadable = |fault| matches!(fault, Fault::Garbage | Fault::WrongShape);
    let of_a_session = move |(fault, status)| (fault, if unreadable(fault) { 503 } else { status });
    OUTAGES.into_iter().map(of_a_session)
}

/// The access token of a session, as WorkOS returns it.
///
/// # Panics
/// If there is none.
pub fn access_token(session: &Value) -> &str {
    session["access_token"].as_str().expect("an access token")
}

/// The same session with another access token.
#[must_use]
pub fn with_access_token(session: &Value, token: &str) -> Value {
    let mut session = session.clone();
    session["access_token"] = json!(token);
    session
}

/// The id of a session, which a refresh does not change.
///
/// # Panics
/// If the access token has no `sid`.
pub fn sid(session: &Value) -> String {
    let claims = jwt::claims(access_token(session)).expect("claims");
    claims["sid"].as_str().expect("a session's id").to_owned()
}

/// Asserts that the response clears the session cookie and sets no other cookie.
///
/// # Panics
/// If it does not.
pub fn assert_cleared(answer: &Answer, why: &str) {
    let cookie = answer.cookie();
    assert_eq!(cookie.name, COOKIE, "{why}");
    assert!(cookie.is_cleared(), "{why}: {cookie:?}");
}
