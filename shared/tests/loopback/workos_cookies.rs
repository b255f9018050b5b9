//! What a browser keeps for us between requests: its session, the sign-ins it has begun, and its
//! pending choices.

use std::collections::HashSet;
use std::time::Duration;

use anteroom::api::{ApiError, with_cookies};
use anteroom::clock::Clock;
use anteroom::cookie_seal::{CookieSeal, SealError};
use anteroom::secrets::OptionalSecret;
use anteroom::settings::{Problems, Settings};
use anteroom::workos::{
    Authentication, CookieError, Cookies, Metadata, OrganizationId, PendingError, SealedSession,
    SessionCookieError, SignInError, User,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::COOKIE;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

const PASSWORD: &str = "the password of the tests, of 32 characters and more";
const OTHER_PASSWORD: &str = "another password of the tests, of 32 characters and more";

/// Cookies with these settings, on this clock.
async fn cookies_at(clock: &Clock, pairs: &[(&str, &str)]) -> Result<Cookies, Problems> {
    let mut all = vec![("WORKOS_COOKIE_PASSWORD", PASSWORD)];
    all.retain(|(name, _)| !pairs.iter().any(|(other, _)| name == other));
    all.extend(pairs);
    let mut settings = Settings::from_pairs(all, clock.clone())?;
    let cookies = Cookies::configure(&mut settings);
    settings.complete(cookies).await
}

async fn cookies(pairs: &[(&str, &str)]) -> Cookies {
    cookies_at(&Clock::fixed(1_900_000_000), pairs).await.unwrap()
}

/// A browser, as far as cookies go: name and value, for one host.
#[derive(Clone, Default)]
struct Browser(Vec<(String, String)>);

impl Browser {
    fn take(&mut self, cookies: impl IntoIterator<Item = Cookie<'static>>) {
        for cookie in cookies {
            self.0.retain(|(name, _)| name != cookie.name());
            if cookie.max_age() != Some(cookie::time::Duration::ZERO) {
                self.0.push((cookie.name().to_owned(), cookie.value().to_owned()));
            }
        }
    }

    fn headers(&self) -> HeaderMap {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = HeaderMap::new();
        if !pairs.is_empty() {
            headers.insert(COOKIE, pairs.join("; ").parse().unwrap());
        }
        headers
    }
}

fn status(error: impl Into<ApiError>) -> u16 {
    error.into().status().as_u16()
}

// The session.

#[derive(Deserialize)]
struct Known {
    password: String,
    seals: Vec<KnownSeal>,
}

#[derive(Deserialize)]
struct KnownSeal {
    name: String,
    #[serde(default)]
    session: bool,
    sealed: String,
    holds: Option<Value>,
}

fn known() -> Known {
    serde_json::from_str(include_str!("../data/seals.json")).unwrap()
}

/// What WorkOS answers when somebody has signed in.
fn authentication() -> Authentication {
    serde_json::from_value(json!({
        "user": {
            "object": "user", "id": "user_1", "email": "jane@example.com", "email_verified": true,
            "first_name": "Jane", "last_name": null, "profile_picture_url": null,
            "last_sign_in_at": null, "created_at": "2025-01-01T00:00:00.000Z",
            "updated_at": "2025-01-01T00:00:00.000Z", "external_id": null, "metadata": {},
        },
        "organization_id": "org_1", "access_token": "the-access-token",
        "refresh_token": "the-refresh-token", "authentication_method": "MagicAuth",
    }))
    .unwrap()
}

fn session_headers(values: &[&str]) -> HeaderMap {
    let named = values.iter().map(|value| ("wos-session".to_owned(), (*value).to_owned()));
    Browser(named.collect()).headers()
}

#[tokio::test]
async fn reads_the_sessions_of_the_official_sdks_and_writes_the_same() {
    let known = known();
    let cookies = cookies(&[("WORKOS_COOKIE_PASSWORD", &known.password)]).await;
    let sessions: Vec<_> = known.seals.iter().filter(|seal| seal.session).collect();
    assert_eq!(sessions.len(), 4);
    for KnownSeal { name, sealed, holds, .. } in sessions {
        let session = cookies.session.read(&session_headers(&[sealed])).await.unwrap();
        let session = session.unwrap_or_else(|| panic!("{name}: no session"));
        let mut expected = holds.clone().unwrap();
        // What the SDK leaves out or does not know yet is there, and is nothing.
        for field in ["name", "locale"] {
            expected["user"].as_object_mut().unwrap().entry(field).or_insert(Value::Null);
        }
        assert_eq!(serde_json::to_value(&session).unwrap(), expected, "{name}");
    }
}

/// The cookie of the session that a page's SDK would seal with these changes to it.
async fn sealed_with(cookies: &Cookies, changes: &[(&str, &str)]) -> String {
    let session = serde_json::to_value(SealedSession::from(authentication())).unwrap();
    let mut fields = session.as_object().unwrap().clone();
    fields.retain(|name, _| changes.iter().all(|(other, _)| name != other));
    let own = Value::Object(fields).to_string();
    let own = own.strip_suffix('}').unwrap();
    let fields: Vec<_> =
        changes.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    let json = format!("{own},{}}}", fields.join(","));
    let content: Box<serde_json::value::RawValue> = serde_json::from_str(&json).unwrap();
    let mut settings =
        Settings::from_pairs([("WORKOS_COOKIE_PASSWORD", PASSWORD)], Clock::fixed(1_900_000_000))
            .unwrap();
    let seal = settings.secret("WORKOS_COOKIE_PASSWORD", "WORKOS_SECRET_ID", |_| Ok(()));
    let seal = seal.map(|password| CookieSeal::new(password, OptionalSecret::absent()));
    let seal = settings.complete(seal).await.unwrap();
    let sealed = seal.seal(&content, None, Clock::fixed(1_900_000_000).now()).await.unwrap();
    let read = cookies.session.read(&session_headers(&[&sealed])).await;
    assert!(read.is_ok_and(|session| session.is_some()), "{changes:?}");
    sealed
}

#[tokio::test]
async fn unread_parts_of_a_seal_may_hold_anything() {
    let cookies = cookies(&[]).await;
    let deep = "[".repeat(300) + &"]".repeat(300);
    for odd in ["null", "17", "\"\"", "[]", "{}", "\"\\ud83d\"", "1e400", &deep] {
        for name in ["organizationId", "authenticationMethod", "impersonator", "other"] {
            sealed_with(&cookies, &[(name, odd)]).await;
        }
        let user = format!(
            r#"{{"id":"user_1","email":"jane@example.com","firstName":{odd},"metadata":{odd},
                "externalId":{odd},"lastSignInAt":{odd},"emailVerified":{odd},"other":{odd}}}"#
        );
        sealed_with(&cookies, &[("user", &user)]).await;
    }
    let sealed = sealed_with(&cookies, &[("organizationId", "\"\"")]).await;
    let session = cookies.session.read(&session_headers(&[&sealed])).await.unwrap().unwrap();
    assert!(session.organization_id.is_none());
}

#[tokio::test]
async fn a_seal_may_lack_its_refresh_token() {
    let cookies = cookies(&[]).await;
    for none in ["null", "\"\"", "17"] {
        let sealed = sealed_with(&cookies, &[("refreshToken", none)]).await;
        let session = cookies.session.read(&session_headers(&[&sealed])).await.unwrap().unwrap();
        assert!(session.refresh_token.is_none(), "{none}");
        let kept = serde_json::to_value(&session).unwrap();
        assert!(kept.get("refreshToken").is_none(), "{none}");
    }
}

#[tokio::test]
async fn a_session_survives_sealing_unchanged() {
    let cookies = cookies(&[]).await;
    let session = SealedSession::from(authentication());
    let mut browser = Browser::default();
    browser.take([cookies.session.write(&session).await.unwrap()]);
    let read = cookies.session.read(&browser.headers()).await.unwrap().unwrap();
    assert_eq!(read.access_token.expose_secret(), "the-access-token");
    assert_eq!(read.refresh_token.as_ref().unwrap().expose_secret(), "the-refresh-token");
    assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&session).unwrap());
    let printed = format!("{session:?}");
    for text in ["the-access-token", "the-refresh-token", "jane", "Jane"] {
        assert!(!printed.contains(text), "{printed}");
    }
    browser.take(cookies.session.clear());
    assert!(cookies.session.read(&browser.headers()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_session_cookie_has_the_contracts_attributes() {
    let session = SealedSession::from(authentication());
    let cookie = cookies(&[]).await.session.write(&session).await.unwrap();
    assert_eq!((cookie.name(), cookie.path()), ("wos-session", Some("/")));
    assert_eq!((cookie.http_only(), cookie.secure()), (Some(true), Some(true)));
    assert_eq!((cookie.same_site(), cookie.domain()), (Some(SameSite::Lax), None));
    assert_eq!(cookie.max_age().unwrap().whole_seconds(), 400 * 24 * 60 * 60);
    // What a page's SDK reads must not be percent-encoded on the way.
    assert!(cookie.encoded().to_string().starts_with("wos-session=Fe26.2*1*"));
    assert!(cookie.encoded().to_string().contains("~2; "));

    let configured = cookies(&[
        ("WORKOS_COOKIE_NAME", "my-session"),
        ("WORKOS_COOKIE_DOMAIN", ".Example.com"),
        ("WORKOS_COOKIE_MAX_AGE", "3600"),
    ])
    .await;
    let cookie = configured.session.write(&session).await.unwrap();
    assert_eq!((cookie.name(), cookie.domain()), ("my-session", Some("example.com")));
    assert_eq!(cookie.max_age().unwrap().whole_seconds(), 3600);
    let cleared = configured.session.clear();
    let domains: Vec<_> = cleared.iter().map(Cookie::domain).collect();
    assert_eq!(domains, [Some("example.com"), None]);
    for cookie in cleared {
        assert_eq!((cookie.name(), cookie.value()), ("my-session", ""));
        assert_eq!(cookie.max_age(), Some(cookie::time::Duration::ZERO));
        assert_eq!((cookie.path(), cookie.secure()), (Some("/"), Some(true)));
    }
}

#[tokio::test]
async fn cookies_are_secure_except_on_plain_local_pages() {
    for (redirect_uri, secure) in [
        ("http://localhost:3000/callback", false),
        ("http://127.0.0.1/callback", false),
        ("http://app.localhost:3000/callback", false),
        ("http://[::1]:3000/callback", false),
        ("https://localhost:3000/callback", true),
        ("http://localhost.example.com/callback", true),
        ("http://example.com/callback", true),
        ("https://example.com/callback", true),
        ("nonsense", true),
        ("", true),
    ] {
        let cookies = cookies(&[("WORKOS_REDIRECT_URI", redirect_uri)]).await;
        let session = SealedSession::from(authentication());
        let cookie = cookies.session.write(&session).await.unwrap();
        assert_eq!(cookie.secure(), Some(secure), "{redirect_uri}");
        let [sign_in] = &cookies.sign_in.begin(&HeaderMap::new()).await.unwrap().cookies[..] else {
            panic!("one cookie");
        };
        assert_eq!(sign_in.secure(), Some(secure), "{redirect_uri}");
        assert_eq!(sign_in.name().starts_with("__Host-"), secure, "{redirect_uri}");
    }
}

#[tokio::test]
async fn no_cookie_is_no_session_and_of_two_none_counts() {
    let known = known();
    let cookies = cookies(&[("WORKOS_COOKIE_PASSWORD", &known.password)]).await;
    let good = known.seals[0].sealed.as_str();
    for none in [&[][..], &[""]] {
        assert!(cookies.session.read(&session_headers(none)).await.unwrap().is_none());
    }
    for two in [[good, good], [good, ""], ["", good], ["", ""], [good, "other"]] {
        let refused = cookies.session.read(&session_headers(&two)).await.unwrap_err();
        assert_eq!(refused, SessionCookieError::TwoCookies);
        assert_eq!(status(refused), 401);
    }
}

#[tokio::test]
async fn a_cookie_without_a_session_of_ours_is_rejected() {
    let known = known();
    let sealed = |name: &str| {
        let seal = known.seals.iter().find(|seal| seal.name == name);
        seal.unwrap_or_else(|| panic!("no seal called {name}")).sealed.clone()
    };
    let cookies = cookies(&[("WORKOS_COOKIE_PASSWORD", &known.password)]).await;
    let sign_in = cookies.sign_in.begin(&HeaderMap::new()).await.unwrap();
    for (value, expected) in [
        (sealed("another password"), SealError::NotOurs),
        (sealed("no version"), SealError::Malformed),
        (sealed("ten minutes"), SealError::Expired),
        (sealed("a text of 7 letters"), SealError::OtherContent),
        (sign_in.cookies[0].value().to_owned(), SealError::OtherContent),
        ("nonsense".to_owned(), SealError::Malformed),
    ] {
        let refused = cookies.session.read(&session_headers(&[&value])).await.unwrap_err();
        assert_eq!(refused, SessionCookieError::Refused(expected));
        assert_eq!(status(refused), 401);
    }
}

/// A user with parts of these lengths, as WorkOS answers it.
fn user_with(metadata: usize, picture: usize, name: usize) -> User {
    serde_json::from_value(json!({
        "id": "user_1", "email": "jane@example.com", "first_name": "J".repeat(name),
        "profile_picture_url": "x".repeat(picture), "metadata": {"note": "x".repeat(metadata)},
    }))
    .unwrap()
}

#[tokio::test]
async fn unread_parts_are_left_out_of_a_session_that_would_be_too_long() {
    let cookies = cookies(&[]).await;
    for (metadata, picture, name, kept) in [
        (100, 100, 10, Some((true, true))),
        (1700, 100, 10, Some((true, true))),
        (2700, 100, 10, Some((false, true))),
        (30_000, 1700, 10, Some((false, true))),
        (100, 2700, 10, Some((false, false))),
        (1700, 1700, 10, Some((false, true))),
        (0, 0, 2700, None),
    ] {
        let mut session = SealedSession::from(authentication());
        session.user = user_with(metadata, picture, name);
        let written = cookies.session.write(&session).await;
        let sizes = (metadata, picture, name);
        let Some((has_metadata, has_picture)) = kept else {
            let error = written.unwrap_err();
            let CookieError::TooLong { name, bytes, parts } = &error else { panic!("{error}") };
            assert_eq!(name, "wos-session");
            assert!(*bytes > 4096 && parts.contains("access token 16,"), "{error}");
            let error = ApiError::from(error);
            assert_eq!(error.status(), 403);
            assert_eq!(error.message(), "This account's session is too large for a cookie");
            continue;
        };
        let cookie = written.unwrap();
        assert!(cookie.to_string().len() <= 4096, "{sizes:?}");
        let read = cookies.session.read(&session_headers(&[cookie.value()])).await;
        let user = serde_json::to_value(read.unwrap().unwrap().user).unwrap();
        assert_eq!(user["metadata"].get("note").is_some(), has_metadata, "{sizes:?}");
        assert_eq!(user["profilePictureUrl"].is_string(), has_picture, "{sizes:?}");
    }
}

#[tokio::test]
async fn a_session_drops_parts_exactly_at_the_size_limit() {
    let cookies = cookies(&[("WORKOS_COOKIE_DOMAIN", "example.com")]).await;
    let mut longest = 0;
    for note in 1500..2600 {
        let mut session = SealedSession::from(authentication());
        session.user = user_with(note, 0, 1);
        let cookie = cookies.session.write(&session).await.unwrap();
        let length = cookie.to_string().len();
        assert!(length <= 4096, "{length}");
        longest = longest.max(length);
    }
    // The cipher's blocks make a cookie grow by 21 or 22 bytes at once.
    assert!(longest > 4096 - 22, "{longest}");
}

#[tokio::test]
async fn a_session_cookie_may_have_exactly_4_096_bytes() {
    let mut lengths = Vec::new();
    for length in 1..=44 {
        let name = "n".repeat(length);
        let cookies = cookies(&[("WORKOS_COOKIE_NAME", &name)]).await;
        let mut session = SealedSession::from(authentication());
        session.user = user_with(0, 0, 2447);
        lengths.push(cookies.session.write(&session).await.unwrap().to_string().len());
    }
    assert_eq!(lengths.iter().max(), Some(&4096), "{lengths:?}");
}

#[tokio::test]
async fn an_account_that_can_never_fit_is_known_before_its_session() {
    let cookies = cookies(&[]).await;
    for (metadata, picture, name, fits) in
        [(0, 0, 10, true), (30_000, 5000, 10, true), (0, 0, 1000, true), (0, 0, 2700, false)]
    {
        let result = cookies.session.ensure_fits(&user_with(metadata, picture, name));
        assert_eq!(result.is_ok(), fits, "{name}");
        let refused = result.err().map(|error| error.status().as_u16());
        assert!(fits || refused == Some(403), "{name}");
    }
}

#[tokio::test]
async fn a_domain_cookie_replaces_the_host_only_one() {
    let session = SealedSession::from(authentication());
    for (settings, expected) in [
        (&[][..], vec![(None, true)]),
        (
            &[("WORKOS_COOKIE_DOMAIN", "example.com")],
            vec![(None, false), (Some("example.com"), true)],
        ),
    ] {
        let cookies = cookies(settings).await;
        let (sent, left) = with_cookies(cookies.session.send(&session)).await;
        sent.unwrap();
        let left: Vec<_> =
            left.iter().map(|cookie| (cookie.domain(), !cookie.value().is_empty())).collect();
        assert_eq!(
            left, expected,
            "in this order: the last one counts if both are the same cookie"
        );
    }
}

#[tokio::test]
async fn malformed_settings_are_named() {
    let local = ("WORKOS_REDIRECT_URI", "http://localhost:3000/callback");
    let domain = ("WORKOS_COOKIE_DOMAIN", "example.com");
    for (name, value, others, good) in [
        ("WORKOS_COOKIE_NAME", "session", &[][..], true),
        ("WORKOS_COOKIE_NAME", "my session", &[], false),
        ("WORKOS_COOKIE_NAME", "a=b", &[], false),
        ("WORKOS_COOKIE_NAME", "a;b", &[], false),
        ("WORKOS_COOKIE_NAME", "a%20b", &[], false),
        ("WORKOS_COOKIE_NAME", "a|b", &[], false),
        ("WORKOS_COOKIE_NAME", "séance", &[], false),
        ("WORKOS_COOKIE_NAME", "__Host-session", &[], true),
        ("WORKOS_COOKIE_NAME", "__Host-session", &[local], false),
        ("WORKOS_COOKIE_NAME", "__Host-session", &[domain], false),
        ("WORKOS_COOKIE_NAME", "__Secure-session", &[domain], true),
        ("WORKOS_COOKIE_NAME", "__Secure-session", &[local], false),
        ("WORKOS_COOKIE_DOMAIN", "app.example.com", &[], true),
        ("WORKOS_COOKIE_DOMAIN", "example.com; Path=/x", &[], false),
        ("WORKOS_COOKIE_DOMAIN", "https://example.com", &[], false),
        ("WORKOS_COOKIE_DOMAIN", "example..com", &[], false),
        ("WORKOS_COOKIE_DOMAIN", ".", &[], false),
        ("WORKOS_COOKIE_MAX_AGE", "1", &[], true),
        ("WORKOS_COOKIE_MAX_AGE", "0", &[], false),
        ("WORKOS_COOKIE_MAX_AGE", "-1", &[], false),
        ("WORKOS_COOKIE_MAX_AGE", "1h", &[], false),
        ("WORKOS_COOKIE_PASSWORD", "too short", &[], false),
        ("WORKOS_COOKIE_PASSWORD_PREVIOUS", "too short", &[], false),
        ("WORKOS_COOKIE_PASSWORD_PREVIOUS", OTHER_PASSWORD, &[], true),
    ] {
        let pairs = [&[(name, value)], others].concat();
        match cookies_at(&Clock::fixed(0), &pairs).await {
            Ok(_) => assert!(good, "{name}={value}"),
            Err(Problems(problems)) => {
                assert!(!good, "{name}={value}: {problems:?}");
                assert!(problems.concat().contains(name), "{problems:?}");
                assert!(!problems.concat().contains(value), "{problems:?}");
            }
        }
    }
}

// Sign-ins.

#[tokio::test]
async fn a_sign_in_is_resumed_with_its_state_or_with_the_code_alone() {
    let cookies = cookies(&[]).await;
    let mut browser = Browser::default();
    let new = cookies.sign_in.begin(&browser.headers()).await.unwrap();
    assert_eq!((new.state.len(), new.code_challenge.len()), (43, 43));
    browser.take(new.cookies);
    for state in [Some(new.state.as_str()), None] {
        let resumed = cookies.sign_in.resume(&browser.headers(), state).await.unwrap();
        let [sign_in] = &resumed[..] else { panic!("{} sign-ins", resumed.len()) };
        let verifier = sign_in.verifier().expose_secret();
        assert_eq!(verifier.len(), 43);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        assert_eq!(challenge, new.code_challenge);
        assert!(!format!("{sign_in:?}").contains(verifier));
    }
    let resumed = cookies.sign_in.resume(&browser.headers(), None).await.unwrap();
    browser.take([cookies.sign_in.clear(&resumed[0])]);
    assert!(cookies.sign_in.resume(&browser.headers(), Some(&new.state)).await.is_err());
}

#[tokio::test]
async fn the_sign_in_cookie_is_for_this_host_and_ten_minutes() {
    let cookies = cookies(&[("WORKOS_COOKIE_DOMAIN", "example.com")]).await;
    let new = cookies.sign_in.begin(&HeaderMap::new()).await.unwrap();
    let [cookie] = &new.cookies[..] else { panic!("one cookie") };
    assert!(cookie.name().starts_with("__Host-wos-sign-in-"), "{}", cookie.name());
    assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
    assert_eq!((cookie.http_only(), cookie.secure()), (Some(true), Some(true)));
    assert_eq!(cookie.same_site(), Some(SameSite::Lax));
    assert_eq!(cookie.max_age().unwrap().whole_seconds(), 600);
    assert!(cookie.to_string().len() < 700, "four of these travel with every request");
    assert!(!cookie.to_string().contains(&new.state));
}

#[tokio::test]
async fn several_tabs_sign_in_at_once() {
    let clock = Clock::fixed(1_900_000_000);
    let cookies = cookies_at(&clock, &[]).await.unwrap();
    let mut browser = Browser::default();
    let mut states = Vec::new();
    for _ in 0..6 {
        clock.advance(Duration::from_secs(1));
        let new = cookies.sign_in.begin(&browser.headers()).await.unwrap();
        browser.take(new.cookies);
        states.push((new.state, new.code_challenge));
    }
    let challenge = |verifier: &SecretString| {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose_secret().as_bytes()))
    };
    for (at, (state, expected)) in states.iter().enumerate() {
        match cookies.sign_in.resume(&browser.headers(), Some(state)).await {
            Ok(resumed) => {
                assert!(at >= 2, "the two oldest have given way");
                assert_eq!(challenge(resumed[0].verifier()), *expected);
            }
            Err(error) => assert_eq!((at < 2, error), (true, SignInError::NotBegun)),
        }
    }
    let all = cookies.sign_in.resume(&browser.headers(), None).await.unwrap();
    let all: Vec<_> = all.iter().map(|sign_in| challenge(sign_in.verifier())).collect();
    let newest_first: Vec<_> = states[2..].iter().rev().map(|(_, it)| it.clone()).collect();
    assert_eq!(all, newest_first);
    let unique: HashSet<_> = states.iter().flat_map(|(state, it)| [state, it]).collect();
    assert_eq!(unique.len(), 12);
}

#[tokio::test]
async fn a_callback_that_this_browser_did_not_request_is_rejected() {
    let clock = Clock::fixed(1_900_000_000);
    let cookies = cookies_at(&clock, &[]).await.unwrap();
    let mut browser = Browser::default();
    let new = cookies.sign_in.begin(&browser.headers()).await.unwrap();
    browser.take(new.cookies);
    let foreign = cookies.sign_in.begin(&HeaderMap::new()).await.unwrap();
    let refused = async |browser: &Browser, state: Option<&str>| {
        let refused = cookies.sign_in.resume(&browser.headers(), state).await.unwrap_err();
        assert_eq!((&refused, status(refused.clone())), (&SignInError::NotBegun, 400));
    };
    let (state, name) = (Some(new.state.as_str()), browser.0[0].0.clone());

    // No cookie, another state, an empty one.
    refused(&Browser::default(), None).await;
    refused(&Browser::default(), state).await;
    for other in [foreign.state.as_str(), "", &new.state[1..], &format!("{} ", new.state)] {
        refused(&browser, Some(other)).await;
    }
    // A cookie of another state under this one's name, as if the names had collided.
    let planted = foreign.cookies[0].value().to_owned();
    refused(&Browser(vec![(name.clone(), planted)]), state).await;
    // Tampered, of another kind, of another password.
    let mut tampered = browser.clone();
    tampered.0[0].1.insert(80, 'A');
    refused(&tampered, state).await;
    refused(&tampered, None).await;
    let token = SecretString::from(new.state.clone());
    let choice = cookies.pending.remember(&HeaderMap::new(), &token, []).await.unwrap();
    refused(&Browser(vec![(name.clone(), choice[0].value().to_owned())]), state).await;
    refused(&Browser(vec![(name.clone(), choice[0].value().to_owned())]), None).await;
    let others = cookies_at(&clock, &[("WORKOS_COOKIE_PASSWORD", OTHER_PASSWORD)]).await.unwrap();
    let theirs = others.sign_in.begin(&HeaderMap::new()).await.unwrap();
    let mut stranger = Browser::default();
    stranger.take(theirs.cookies);
    refused(&stranger, Some(&theirs.state)).await;
    refused(&stranger, None).await;
    // One that is ten minutes old, to the second.
    clock.advance(Duration::from_secs(599));
    assert!(cookies.sign_in.resume(&browser.headers(), state).await.is_ok());
    clock.advance(Duration::from_secs(1));
    refused(&browser, state).await;
    refused(&browser, None).await;
    clock.advance(Duration::from_mins(10));
    refused(&browser, state).await;
}

#[tokio::test]
async fn starting_a_sign_in_clears_useless_cookies() {
    let clock = Clock::fixed(1_900_000_000);
    let cookies = cookies_at(&clock, &[]).await.unwrap();
    let mut browser = Browser::default();
    browser.take(cookies.sign_in.begin(&browser.headers()).await.unwrap().cookies);
    clock.advance(Duration::from_mins(10));
    browser.0.push(("__Host-wos-sign-in-00000000".to_owned(), "nonsense".to_owned()));
    browser.0.push(("unrelated".to_owned(), "kept".to_owned()));
    let new = cookies.sign_in.begin(&browser.headers()).await.unwrap();
    assert_eq!(new.cookies.len(), 3, "the new one and two removals");
    browser.take(new.cookies);
    assert_eq!(browser.0.len(), 2);
    assert_eq!(browser.0[0].0, "unrelated");
}

#[tokio::test]
async fn planted_cookies_do_not_make_a_response_too_long() {
    let cookies = cookies_at(&Clock::fixed(1_900_000_000), &[]).await.unwrap();
    let mut browser = Browser::default();
    for number in 0..200 {
        browser.0.push((format!("__Host-wos-sign-in-{number:08x}"), "x".to_owned()));
        browser.0.push((format!("__Host-wos-sign-in-Z{number:07}"), "never ours".to_owned()));
    }
    for left in [350, 300, 250, 200, 200] {
        let new = cookies.sign_in.begin(&browser.headers()).await.unwrap();
        let bytes: usize = new.cookies.iter().map(|cookie| cookie.to_string().len()).sum();
        assert!(bytes < 8 * 1024, "{bytes}");
        browser.take(new.cookies);
        let planted = |value: &str| ["x", "never ours"].contains(&value);
        assert_eq!(browser.0.iter().filter(|(_, value)| planted(value)).count(), left);
    }
}

// Pending choices.

fn organization(number: usize) -> OrganizationId {
    OrganizationId::parse(&format!("org_01KPENDINGCHOICE{number:010}")).unwrap()
}

fn token(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn a_choice_among_a_hundred_organizations_is_kept_and_no_other_is_allowed() {
    let cookies = cookies(&[]).await;
    let offered: Vec<_> = (0..100).map(organization).collect();
    let mut browser = Browser::default();
    let pending = token("the-pending-token");
    let kept = cookies.pending.remember(&browser.headers(), &pending, &offered).await.unwrap();
    let [cookie] = &kept[..] else { panic!("one cookie") };
    assert!(cookie.name().starts_with("__Host-wos-pending-"), "{}", cookie.name());
    assert!(cookie.to_string().len() < 2048, "{}", cookie.to_string().len());
    assert_eq!((cookie.http_only(), cookie.domain()), (Some(true), None));
    browser.take(kept);
    for organization in &offered {
        let allowed = cookies.pending.check(&browser.headers(), &pending, organization).await;
        assert_eq!(allowed, Ok(()));
    }
    for number in 100..300 {
        let other = organization(number);
        let refused = cookies.pending.check(&browser.headers(), &pending, &other).await;
        assert_eq!(refused, Err(PendingError::NotOffered));
    }
    assert_eq!(status(PendingError::NotOffered), 403);
}

#[tokio::test]
async fn a_choice_belongs_to_the_browser_and_the_token_it_was_offered_with() {
    let clock = Clock::fixed(1_900_000_000);
    let cookies = cookies_at(&clock, &[]).await.unwrap();
    let offered = [organization(1), organization(2)];
    let pending = token("the-pending-token");
    let mut browser = Browser::default();
    browser.take(cookies.pending.remember(&browser.headers(), &pending, &offered).await.unwrap());
    let check = async |browser: &Browser, token: &SecretString| {
        cookies.pending.check(&browser.headers(), token, &offered[0]).await
    };
    let other_browser = Err(PendingError::OtherBrowser);

    assert_eq!(check(&Browser::default(), &pending).await, other_browser);
    assert_eq!(check(&browser, &token("another-token")).await, other_browser);
    assert_eq!(status(PendingError::OtherBrowser), 403);
    // Another token's choice under this one's name; one of another kind; one tampered with.
    let name = browser.0[0].0.clone();
    let others = token("another-token");
    let theirs = cookies.pending.remember(&HeaderMap::new(), &others, &offered).await.unwrap();
    let sign_in = cookies.sign_in.begin(&HeaderMap::new()).await.unwrap();
    let mut tampered = browser.0[0].1.clone();
    tampered.replace_range(100..101, "!");
    for value in [theirs[0].value(), sign_in.cookies[0].value(), &tampered, ""] {
        let planted = Browser(vec![(name.clone(), value.to_owned())]);
        assert_eq!(check(&planted, &pending).await, other_browser, "{value}");
    }
    // A second tab's choice leaves the first one's as it is.
    browser.take(cookies.pending.remember(&browser.headers(), &others, &offered).await.unwrap());
    assert_eq!(check(&browser, &pending).await, Ok(()));
    assert_eq!(check(&browser, &others).await, Ok(()));
    // Nor does a sign-in that is begun meanwhile, or the other way around.
    let sign_in = cookies.sign_in.begin(&browser.headers()).await.unwrap();
    browser.take(sign_in.cookies);
    assert_eq!(check(&browser, &others).await, Ok(()));
    browser.take(cookies.pending.remember(&browser.headers(), &others, &offered).await.unwrap());
    assert!(cookies.sign_in.resume(&browser.headers(), Some(&sign_in.state)).await.is_ok());

    clock.advance(Duration::from_hours(1));
    assert_eq!(check(&browser, &pending).await, Err(PendingError::Expired));
    assert_eq!(status(PendingError::Expired), 401);
}

#[tokio::test]
async fn hundreds_of_organizations_fit_and_more_than_a_cookie_holds_are_403() {
    let cookies = cookies(&[]).await;
    let offered: Vec<_> = (0..700).map(organization).collect();
    let pending = token("the-pending-token");
    for count in [0, 1, 300, 340, 500, 600] {
        let offered = &offered[..count];
        let kept = cookies.pending.remember(&HeaderMap::new(), &pending, offered).await.unwrap();
        assert!(kept[0].to_string().len() <= 4000, "{count}: {}", kept[0].to_string().len());
        let mut browser = Browser::default();
        browser.take(kept);
        for own in offered {
            assert_eq!(cookies.pending.check(&browser.headers(), &pending, own).await, Ok(()));
        }
        let other = cookies.pending.check(&browser.headers(), &pending, &organization(5000)).await;
        assert_eq!(other, Err(PendingError::NotOffered), "{count}");
    }
    let remembered = cookies.pending.remember(&HeaderMap::new(), &pending, &offered).await;
    let Err(error) = remembered else { panic!("it fits") };
    assert!(matches!(error, CookieError::TooLong { .. }));
    assert_eq!(status(error), 403);
}

#[tokio::test]
async fn a_completed_choice_leaves_a_stub_that_identifies_its_token() {
    let clock = Clock::fixed(1_900_000_000);
    let cookies = cookies_at(&clock, &[]).await.unwrap();
    let offered: Vec<_> = (0..100).map(organization).collect();
    let (pending, other) = (token("the-pending-token"), token("another-token"));
    let mut browser = Browser::default();
    browser.take(cookies.pending.remember(&browser.headers(), &pending, &offered).await.unwrap());
    clock.advance(Duration::from_mins(20));
    let stub = cookies.pending.make(&browser.headers(), &pending).await.unwrap();
    assert!(stub.to_string().len() < 200, "{stub}");
    assert_eq!(stub.max_age().unwrap().whole_minutes(), 40, "until its hour is over");
    browser.take([stub]);
    assert_eq!(browser.0.len(), 1, "it has taken the place of the choice");

    let check = async |browser: &Browser, token: &SecretString| {
        cookies.pending.check(&browser.headers(), token, &offered[0]).await
    };
    assert_eq!(check(&browser, &pending).await, Err(PendingError::Made));
    assert_eq!(status(PendingError::Made), 401);
    assert_eq!(check(&browser, &other).await, Err(PendingError::OtherBrowser));
    // Another choice leaves the stub, and grants nothing to what has its form.
    browser.take(cookies.pending.remember(&browser.headers(), &other, &offered).await.unwrap());
    assert_eq!(check(&browser, &pending).await, Err(PendingError::Made));
    assert_eq!(check(&browser, &other).await, Ok(()));
    let name = browser.0[1].0.clone();
    let planted = Browser(vec![(name, browser.0[0].1.clone())]);
    assert_eq!(check(&planted, &other).await, Err(PendingError::OtherBrowser));
}

#[tokio::test]
async fn all_cookies_of_a_browser_stay_under_8_kib_and_the_oldest_are_dropped() {
    let clock = Clock::fixed(1_900_000_000);
    let cookies = cookies_at(&clock, &[]).await.unwrap();
    let offered: Vec<_> = (0..600).map(organization).collect();
    let mut browser = Browser::default();
    let mut session = SealedSession::from(authentication());
    session.user = user_with(2030, 0, 1);
    browser.take([cookies.session.write(&session).await.unwrap()]);
    let under_8_kib = |browser: &Browser, why: &str| {
        let bytes = browser.headers()[COOKIE].len();
        assert!(bytes < 8192, "{why}: {bytes}");
    };
    for number in 0..12_usize {
        clock.advance(Duration::from_secs(1));
        let new = cookies.sign_in.begin(&browser.headers()).await.unwrap();
        browser.take(new.cookies);
        under_8_kib(&browser, "a sign-in");
        let resumed = cookies.sign_in.resume(&browser.headers(), Some(&new.state)).await;
        assert!(resumed.is_ok(), "the newest is there");

        clock.advance(Duration::from_secs(1));
        let pending = token(&format!("pending-token-{number}"));
        let some = &offered[..[2, 100, 300, 600][number % 4]];
        browser.take(cookies.pending.remember(&browser.headers(), &pending, some).await.unwrap());
        under_8_kib(&browser, "a choice");
        let check = cookies.pending.check(&browser.headers(), &pending, &some[0]).await;
        assert_eq!(check, Ok(()), "the newest is there");
        if number.is_multiple_of(3) {
            browser.take(cookies.pending.make(&browser.headers(), &pending).await);
        }
    }
    assert!(cookies.session.read(&browser.headers()).await.unwrap().is_some());
}

// Whatever is in them.

/// A part of a user's profile: any text, and some that barely fit or do not.
fn any_text() -> impl Strategy<Value = String> {
    "\\PC{0,40}|\\PC{900,1200}|[a-z]{2000,3000}"
}

proptest! {
    // Sealing a large cookie takes a while without optimization.
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_session_survives_a_cookie_of_4_096_bytes_or_does_not_fit(
        first in any_text(), picture in any_text(), metadata in any_text(), token in "[A-Za-z0-9_.-]{0,1500}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let cookies = cookies(&[]).await;
            let answer = json!({
                "user": {
                    "id": "user_1", "email": "jane@example.com", "first_name": first,
                    "profile_picture_url": picture, "metadata": { "note": metadata },
                },
                "access_token": token, "refresh_token": "refresh",
            });
            let answer: Authentication = serde_json::from_value(answer).unwrap();
            let session = SealedSession::from(answer);
            let cookie = match cookies.session.write(&session).await {
                Ok(cookie) => cookie,
                Err(CookieError::TooLong { bytes, .. }) => {
                    prop_assert!(bytes > 4096, "{bytes}");
                    return Ok(());
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
            prop_assert!(cookie.to_string().len() <= 4096);
            let mut browser = Browser::default();
            browser.take([cookie]);
            let read = cookies.session.read(&browser.headers()).await.unwrap().unwrap();
            prop_assert_eq!(read.access_token.expose_secret(), &token);
            prop_assert_eq!(&read.user.first_name, &session.user.first_name);
            let kept = &read.user.profile_picture_url;
            prop_assert!(kept.is_none() || *kept == session.user.profile_picture_url);
            prop_assert!(kept.is_some() || read.user.metadata == Metadata::EMPTY);
            Ok(())
        })?;
    }

    #[test]
    fn all_cookies_of_a_browser_stay_under_8_kib_whatever_it_starts(
        flows in vec((any::<bool>(), 1_usize..400, any::<u8>()), 1..12), junk in "[!-+--:<-~]{0,300}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let clock = Clock::fixed(1_900_000_000);
            let cookies = cookies_at(&clock, &[]).await.unwrap();
            let mut browser = Browser::default();
            let mut session = SealedSession::from(authentication());
            session.user = user_with(2030, 0, 1);
            browser.take([cookies.session.write(&session).await.unwrap()]);
            // A sibling subdomain cannot plant one, but an earlier version may have left it.
            browser.0.push(("__Host-wos-sign-in-00000000".to_owned(), junk));
            for (is_choice, organizations, seconds) in flows {
                clock.advance(Duration::from_secs(seconds.into()));
                if is_choice {
                    let token = SecretString::from(format!("token-{organizations}-{seconds}"));
                    let offered: Vec<_> = (0..organizations).map(organization).collect();
                    let sent = cookies.pending.remember(&browser.headers(), &token, &offered).await;
                    browser.take(sent.unwrap());
                    let held = browser.headers();
                    let chosen = cookies.pending.check(&held, &token, &offered[0]).await;
                    prop_assert!(chosen.is_ok(), "{chosen:?}");
                } else {
                    let begun = cookies.sign_in.begin(&browser.headers()).await.unwrap();
                    browser.take(begun.cookies);
                    let held = browser.headers();
                    let resumed = cookies.sign_in.resume(&held, Some(&begun.state)).await;
                    prop_assert_eq!(resumed.unwrap().len(), 1);
                }
                let bytes = browser.headers()[COOKIE].len();
                prop_assert!(bytes <= 8 * 1024, "{bytes}");
            }
            Ok(())
        })?;
    }
}
