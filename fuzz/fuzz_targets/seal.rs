//! Sealed cookies: only what iron would write is opened, and what is opened seals again to the same.

#![no_main]

use anteroom::api;
use anteroom::clock::Clock;
use anteroom::cookie_seal::{CookieSeal, SealError};
use anteroom::secrets::{OptionalSecret, Secret};
use anteroom::workos::{CookieError, Cookies, SealedSession};
use anteroom_fuzz::genuine;
use anteroom_fuzz::world::{NOW, PASSWORD, World};
use anteroom_fuzz::{json, script};
use http::HeaderMap;
use http::header::COOKIE;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

struct Sealing {
    world: World,
    seal: CookieSeal,
    cookies: Cookies,
}

thread_local! {
    static SEALING: Sealing = {
        let world = World::start();
        let cookies = Cookies::configure(&mut world.settings(&[])).expect("settings");
        let seal = CookieSeal::new(Secret::fixed(PASSWORD.into()), OptionalSecret::absent());
        Sealing { world, seal, cookies }
    };
}

fuzz_target!(|data: &[u8]| {
    let (operation, rest) = script::operation(&["text", "fields", "content", "session"], data);
    SEALING.with(|Sealing { world, seal, cookies }| {
        world.run(async {
            match operation {
                // A text as a browser may send it.
                "text" => check_opening(seal, &String::from_utf8_lossy(rest)).await,
                // Fields with a genuine MAC.
                "fields" => {
                    let signed = String::from_utf8_lossy(rest);
                    check_opening(seal, &genuine::authenticated(&signed)).await;
                }
                // A content with its expiry in the first line.
                "content" => {
                    let (expiry, content) = script::split_at_line(rest);
                    let expiry = String::from_utf8_lossy(expiry);
                    check_opening(seal, &genuine::seal(content, &expiry)).await;
                }
                _ => check_session(cookies, rest).await,
            }
        });
    });
});

async fn check_opening(seal: &CookieSeal, text: &str) {
    let now = Clock::fixed(NOW).now();
    let opened = seal.open::<Value>(text, now).await;
    let known = genuine::unsealed(text);
    let Some((content, expiry)) = known else {
        let refused = [SealError::Malformed, SealError::NotOurs];
        let error = opened.expect_err("opened what iron would not");
        return assert!(refused.contains(&error), "{error}");
    };
    let strict = json::strict(&content);
    match opened {
        Ok(value) => {
            let expiry = expiry.parse::<u64>();
            assert!(expiry.is_ok_and(|at| at > (NOW - 60) * 1000) || text.contains("**"));
            // Invalid UTF-8 and lone surrogates are mended, and of duplicate keys the last counts.
            assert!(strict.is_none_or(|strict| strict == value));
            let again = seal.seal(&value, None, now).await.expect("a seal");
            let opened = seal.open::<Value>(&again, now).await.expect("ours");
            assert!(json::are_same(&opened, &value), "{opened} instead of {value}");
            let (_, expiry) = genuine::unsealed(&again).expect("iron opens it");
            assert!(expiry.is_empty());
        }
        Err(SealError::OtherContent) => assert!(strict.is_none(), "JSON is content"),
        Err(SealError::Expired) => assert!(expiry.parse::<u64>().is_ok()),
        // It is iron's, except for its salts or its expiry.
        Err(SealError::Malformed) => {}
        Err(error) => panic!("{error}"),
    }
}

async fn check_session(cookies: &Cookies, content: &[u8]) {
    let sealed = genuine::seal(content, "");
    let Ok(Some(session)) = read(cookies, &sealed).await else {
        return;
    };
    let written = match cookies.session.write(&session).await {
        Ok(written) => written,
        Err(CookieError::TooLong { bytes, .. }) => return assert!(bytes > 4096),
        Err(error) => panic!("{error}"),
    };
    assert!(written.to_string().len() <= 4096);
    let again = read(cookies, written.value()).await.expect("ours").expect("a session");
    let whole = |session: &SealedSession| serde_json::to_value(session).expect("JSON");
    let (mut one, mut other) = (whole(&session), whole(&again));
    for dropped in ["metadata", "profilePictureUrl"] {
        // What does not fit is left out.
        if one["user"][dropped] != other["user"][dropped] {
            assert!(sealed.len() > 3000, "{dropped} is gone");
            one["user"][dropped] = Value::Null;
            other["user"][dropped] = Value::Null;
        }
    }
    assert!(json::are_same(&one, &other), "{other} instead of {one}");
}

async fn read(
    cookies: &Cookies,
    value: &str,
) -> Result<Option<SealedSession>, anteroom::workos::SessionCookieError> {
    let header = format!("wos-session={value}").parse().expect("a header");
    let headers = HeaderMap::from_iter([(COOKIE, header)]);
    assert_eq!(api::cookies(&headers, "wos-session").count(), 1);
    cookies.session.read(&headers).await
}
