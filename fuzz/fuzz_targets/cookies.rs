//! The `Cookie` header: what is read from it, and what a new sign-in leaves in the browser's jar.

#![no_main]

use std::collections::BTreeMap;

use anteroom::api;
use anteroom::workos::Cookies;
use anteroom_fuzz::world::World;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

/// All flow cookies together, names included (`docs/sessions.md`).
const FLOW_COOKIES_BYTES: usize = 4000;

struct Jar {
    world: World,
    cookies: Cookies,
    /// A genuine sign-in and a genuine choice, `name=value`.
    flows: [String; 2],
}

thread_local! {
    static JAR: Jar = {
        let world = World::start();
        let mut settings = world.settings(&[]);
        let cookies = Cookies::configure(&mut settings).expect("settings");
        let flows = world.run(async {
            let none = HeaderMap::new();
            let sign_in = cookies.sign_in.begin(&none).await.expect("a sign-in");
            let offered = [organization()];
            let token = "pending-fuzz".into();
            let choice = cookies.pending.remember(&none, &token, offered.iter());
            let choice = choice.await.expect("a choice");
            [&sign_in.cookies[0], &choice[0]].map(|cookie| cookie.stripped().to_string())
        });
        Jar { world, cookies, flows }
    };
}

fn organization() -> anteroom::workos::OrganizationId {
    serde_json::from_str(r#""org_01FUZZ""#).expect("an id")
}

// `@sign-in@` and `@pending@` stand for genuine flow cookies.
fuzz_target!(|data: &[u8]| {
    JAR.with(|Jar { world, cookies, flows }| {
        let text = data.iter().map(|byte| char::from(*byte)).collect::<String>();
        let text = text.replacen("@sign-in@", &flows[0], 8).replacen("@pending@", &flows[1], 8);
        let bytes: Vec<u8> = text.chars().filter_map(|c| u8::try_from(c).ok()).collect();
        let Ok(header) = HeaderValue::from_bytes(&bytes) else {
            return;
        };
        let headers = HeaderMap::from_iter([(COOKIE, header)]);
        let names = check_reading(&headers, &bytes);
        world.run(async {
            // Anything that is not a seal of ours is no session, and nothing panics.
            let session = cookies.session.read(&headers).await;
            assert!(!matches!(session, Ok(Some(_))), "a session that nobody sealed");
            check_budget(cookies, &headers, &names).await;
        });
    });
});

/// Compares what we read with a plain reading of RFC 6265. Returns the names.
fn check_reading(headers: &HeaderMap, header: &[u8]) -> Vec<String> {
    let pairs = header.split(|byte| *byte == b';').filter(|pair| pair.is_ascii());
    let pairs = pairs.filter_map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    });
    let pairs: Vec<_> = pairs.filter(|(name, _)| !name.is_empty()).collect();
    for (name, _) in &pairs {
        let expected: Vec<_> =
            pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect();
        let read: Vec<_> = api::cookies(headers, name).collect();
        assert_eq!(read.len(), expected.len(), "{name}");
        for (read, expected) in read.iter().zip(expected) {
            // Some clients put a value in double quotes (RFC 6265, section 4.1.1).
            assert!(expected.contains(read), "{read} is not {expected}");
            assert!(expected.len() - read.len() <= 2, "{read} is not {expected}");
            assert!(read.is_ascii() && !read.contains(';'), "{read}");
            assert!(!read.contains(|c: char| c.is_control() && c != '\t'), "{read:?}");
        }
    }
    pairs.into_iter().map(|(name, _)| name).collect()
}

/// Begins a sign-in in a browser with these cookies.
async fn check_budget(cookies: &Cookies, headers: &HeaderMap, names: &[String]) {
    let begun = cookies.sign_in.begin(headers).await.expect("a sign-in");
    let mut jar: BTreeMap<String, String> = BTreeMap::new();
    for name in names {
        for value in api::cookies(headers, name) {
            jar.insert(name.clone(), value.to_owned());
        }
    }
    for cookie in &begun.cookies {
        assert!(cookie.to_string().len() <= 4096);
        if cookie.max_age().is_some_and(|age| age.is_zero()) {
            jar.remove(cookie.name());
        } else {
            jar.insert(cookie.name().to_owned(), cookie.value().to_owned());
        }
    }
    let ours = ["__Host-wos-sign-in-", "__Host-wos-pending-"];
    let is_ours = |name: &str| ours.iter().any(|prefix| name.starts_with(prefix));
    let bytes = jar.iter().filter(|(name, _)| is_ours(name));
    let bytes: usize = bytes.map(|(name, value)| name.len() + value.len() + 3).sum();
    assert!(bytes <= FLOW_COOKIES_BYTES, "{bytes} bytes of flow cookies");

    let pairs = jar.iter().map(|(name, value)| format!("{name}={value}"));
    let header = pairs.collect::<Vec<_>>().join("; ");
    let after = HeaderMap::from_iter([(COOKIE, header.parse().expect("a header"))]);
    let resumed = cookies.sign_in.resume(&after, Some(&begun.state)).await;
    assert_eq!(resumed.expect("the sign-in just begun").len(), 1);
}
