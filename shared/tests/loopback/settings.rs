//! Valid and invalid combinations of settings. Denials first.

use anteroom::clerk::Clerk;
use anteroom::clock::Clock;
use anteroom::identity::IdentityProvider;
use anteroom::livekit::{Joins, Recorder, Webhooks};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Cookies, Redirects, Sessions};
use anteroom_stand_ins::{clerk, livekit, secrets_manager, workos};
use serde_json::json;

use crate::{Pairs, pairs};

/// All that is wrong with `own` settings, which win over `others`; empty where nothing is.
async fn problems<T>(
    others: &Pairs,
    own: &[(&str, &str)],
    configure: impl FnOnce(&mut Settings) -> Result<T, Incomplete>,
) -> String {
    let mut pairs = others.clone();
    pairs.retain(|(name, _)| !own.iter().any(|(other, _)| name == other));
    pairs.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let mut settings = Settings::from_pairs(pairs, Clock::system()).unwrap();
    let configured = configure(&mut settings);
    let problems = settings.complete(configured).await.err();
    problems.map(|problems| problems.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn clerks_two_keys_must_be_of_one_kind_whatever_their_source() {
    let stand_in = clerk::Clerk::start().await.unwrap();
    let manager = secrets_manager::SecretsManager::start().await.unwrap();
    let settings = pairs([stand_in.settings(), manager.settings()].concat());
    let publishable = |kind: &str| {
        let key = settings.iter().find(|(name, _)| name == "CLERK_PUBLISHABLE_KEY").unwrap();
        key.1.replace("pk_test_", kind)
    };
    for (kind, secret, good) in [
        ("pk_test_", "sk_test_1", true),
        ("pk_live_", "sk_live_1", true),
        ("pk_test_", "sk_live_1", false),
        ("pk_live_", "sk_test_1", false),
        ("pk_live_", "hunter2", false),
    ] {
        manager.put("clerk", json!({ "CLERK_SECRET_KEY": secret }));
        for own in [
            [("CLERK_SECRET_KEY", secret), ("CLERK_SECRET_ID", "")],
            [("CLERK_SECRET_KEY", ""), ("CLERK_SECRET_ID", "clerk")],
        ] {
            let publishable = publishable(kind);
            let own = [&own[..], &[("CLERK_PUBLISHABLE_KEY", publishable.as_str())]].concat();
            let problems = problems(&settings, &own, Clerk::configure).await;
            assert_eq!(problems.is_empty(), good, "{kind} {secret}: {problems}");
            assert_eq!(problems.contains("CLERK_SECRET_KEY"), !good, "{kind} {secret}: {problems}");
            assert!(!problems.contains(secret), "{problems}");
        }
    }
}

#[tokio::test]
async fn only_an_endpoint_that_calls_a_provider_needs_its_secret_key() {
    let (clerk, workos) =
        (clerk::Clerk::start().await.unwrap(), workos::WorkOs::start().await.unwrap());
    let clerks = pairs([clerk.settings(), workos.settings()].concat());
    let without = |name| [(name, ""), ("LIVEKIT_IDENTITY", "clerk")];
    let with_jwt_key =
        [&without("CLERK_SECRET_KEY")[..], &[("CLERK_JWT_KEY", clerk.jwt_key())]].concat();
    let missing = "CLERK_SECRET_KEY is missing";
    let for_livekit = IdentityProvider::for_livekit;
    let problem = problems(&clerks, &without("CLERK_SECRET_KEY"), for_livekit).await;
    assert!(problem.contains(missing), "its keys are fetched with it: {problem}");
    assert_eq!(problems(&clerks, &with_jwt_key, for_livekit).await, "");
    for reads_users in
        [IdentityProvider::for_livekit_with_profiles, IdentityProvider::for_liveblocks]
    {
        let problem = problems(&clerks, &with_jwt_key, reads_users).await;
        assert!(problem.contains(missing), "users are read with it: {problem}");
    }
    let wrong = [("CLERK_SECRET_KEY", "sk_live_1"), with_jwt_key[1], with_jwt_key[2]];
    let problem = problems(&clerks, &wrong, for_livekit).await;
    assert!(problem.contains("CLERK_SECRET_KEY is not"), "it is checked if it is there: {problem}");

    let without = without("WORKOS_API_KEY");
    assert_eq!(problems(&clerks, &without, Sessions::to_end).await, "");
    let problem = problems(&clerks, &without, Sessions::configure).await;
    assert!(problem.contains("WORKOS_API_KEY is missing"), "{problem}");
}

const ELLIPTIC_CURVE_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZgX3HIFTRO8klXvV8pRfbY5WBzhO
8rNVKJ+3OkfuALFzikpBwzX76qS6j5x9FoT759vOveMgU1dedJLjaObqVQ==
-----END PUBLIC KEY-----
";

const SHORT_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDHh1uVz+qlC8OnAD8deomNXXvU
LkIoIvY7cBegvvvcP/QNXO/9r9/kqBYIGRvn/V0r/zgd7wh/FpNORNLUm/gSKhgU
ELk+qo2S0epRFCdFHB8vvzvw8azqN2JaUfOPxckJr8pmaDq3DY1GqR4xCUw/+tO0
hhYcigAvju07GFM7yQIDAQAB
-----END PUBLIC KEY-----
";

#[tokio::test]
async fn clerks_jwt_key_is_accepted_in_every_form_that_a_variable_can_hold() {
    let stand_in = clerk::Clerk::start().await.unwrap();
    let settings = pairs(stand_in.settings());
    let pem = stand_in.jwt_key();
    let lines = || pem.lines().filter(|line| !line.starts_with("-----"));
    let body = lines().collect::<Vec<_>>();
    for (why, key) in [
        ("as it is", pem.to_owned()),
        ("its body", body.join("\n")),
        ("its body in one line", body.concat()),
        ("its body with escaped breaks", body.join("\\n")),
        ("its body with blanks", format!("  {}  ", body.join(" "))),
        ("with escaped breaks", pem.replace('\n', "\\n")),
        ("with Windows's breaks", pem.replace('\n', "\r\n")),
        ("with blanks", pem.trim().replace('\n', " ")),
        ("in one line", pem.replace('\n', "")),
    ] {
        let own = [("CLERK_JWT_KEY", key.as_str())];
        assert_eq!(problems(&settings, &own, Clerk::configure).await, "", "{why}");
    }
    let private = include_str!("../../../stand-ins/keys/clerk-instance.pem");
    for (why, key) in [
        ("a private key", private.to_owned()),
        ("a part of it", body[0].to_owned()),
        ("no key", "hunter2".to_owned()),
        ("an elliptic curve's key", ELLIPTIC_CURVE_KEY.to_owned()),
        ("a key of 1,024 bits", SHORT_KEY.to_owned()),
    ] {
        let own = [("CLERK_JWT_KEY", key.as_str())];
        let problems = problems(&settings, &own, Clerk::configure).await;
        assert!(
            problems.contains("CLERK_JWT_KEY") && !problems.contains(&key),
            "{why}: {problems}"
        );
    }
}

#[tokio::test]
async fn an_authorized_party_may_be_an_app_but_not_a_pattern() {
    let stand_in = clerk::Clerk::start().await.unwrap();
    let settings = pairs(stand_in.settings());
    for (parties, good) in [
        ("tauri://localhost,capacitor://localhost", true),
        ("https://app.example.com,chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb", true),
        ("https://*.example.com", false),
        ("https://app..example.com", false),
        ("chrome-extension://*", false),
    ] {
        let own = [("CLERK_AUTHORIZED_PARTIES", parties)];
        let problems = problems(&settings, &own, Clerk::configure).await;
        assert_eq!(problems.contains("CLERK_AUTHORIZED_PARTIES"), !good, "{parties}: {problems}");
        assert!(!problems.contains(parties), "{problems}");
    }
}

#[tokio::test]
async fn a_base_url_must_not_end_in_the_version_and_an_issuer_may() {
    let stand_in = clerk::Clerk::start().await.unwrap();
    let settings = pairs(stand_in.settings());
    for (name, address, good) in [
        ("CLERK_API_URL", "https://api.clerk.com", true),
        ("CLERK_API_URL", "https://api.clerk.com/v1", false),
        ("CLERK_API_URL", "https://api.clerk.com/v1/", false),
        ("CLERK_ISSUER", "https://clerk.example.com/v1", true),
        ("CLERK_ISSUER", "https://a.example,https://b.example", false),
    ] {
        let problems = problems(&settings, &[(name, address)], Clerk::configure).await;
        assert_eq!(problems.contains(name), !good, "{address}: {problems}");
    }
}

#[tokio::test]
async fn clerks_issuer_is_checked_without_a_publishable_key_too() {
    let stand_in = clerk::Clerk::start().await.unwrap();
    let settings = pairs(stand_in.settings());
    for key in ["", "hunter2"] {
        let own = [("CLERK_PUBLISHABLE_KEY", key), ("CLERK_ISSUER", "http://clerk.example.com")];
        let problems = problems(&settings, &own, Clerk::configure).await;
        for name in ["CLERK_PUBLISHABLE_KEY", "CLERK_ISSUER"] {
            assert!(problems.contains(name), "{name} is not in {problems}");
        }
    }
}

#[tokio::test]
async fn a_short_livekit_secret_is_for_a_server_on_this_machine_only() {
    let manager = secrets_manager::SecretsManager::start().await.unwrap();
    manager.put("livekit", json!({ "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "secret" }));
    for (url, good) in [
        ("ws://localhost:7880", true),
        ("http://127.0.0.1:7880", true),
        ("ws://livekit.localhost:7880", true),
        ("wss://example.livekit.cloud", false),
        ("wss://localhost.example", false),
        ("ws://192.168.1.5:7880", false),
        ("wss://a.example,wss://b.example", false),
        ("", false),
    ] {
        for own in [
            [("LIVEKIT_API_KEY", "devkey"), ("LIVEKIT_API_SECRET", "secret")],
            [("LIVEKIT_SECRET_ID", "livekit"), ("LIVEKIT_API_KEY", "")],
        ] {
            let own = [&own[..], &[("LIVEKIT_URL", url)]].concat();
            let problems = problems(&manager.settings(), &own, Joins::configure).await;
            assert_eq!(problems.contains("LIVEKIT_API_SECRET"), !good, "{url}: {problems}");
            assert_eq!(problems.is_empty(), good, "{url}: {problems}");
        }
    }
}

#[tokio::test]
async fn the_previous_livekit_secret_is_as_long_as_the_current_one() {
    let stand_in = livekit::LiveKit::start().await.unwrap();
    let long = "a-secret-of-last-year-with-32-bytes-or-more";
    for (url, secret, good) in [
        ("wss://example.livekit.cloud", long, true),
        ("wss://example.livekit.cloud", "secret", false),
        ("ws://localhost:7880", "secret", true),
    ] {
        let own = [
            ("LIVEKIT_URL", url),
            ("LIVEKIT_API_SECRET", long),
            ("LIVEKIT_API_KEY_PREVIOUS", "APIold"),
            ("LIVEKIT_API_SECRET_PREVIOUS", secret),
        ];
        let problems = problems(&stand_in.settings(), &own, Webhooks::configure).await;
        assert_eq!(problems.contains("LIVEKIT_API_SECRET_PREVIOUS"), !good, "{url}: {problems}");
        assert_eq!(problems.is_empty(), good, "{url}: {problems}");
    }
}

#[tokio::test]
async fn the_recordings_endpoint_must_not_name_the_bucket() {
    let stand_in = livekit::LiveKit::start().await.unwrap();
    for (endpoint, good) in [
        ("https://s3.example.com", true),
        ("http://minio.internal:9000", false),
        ("http://localhost:9000", true),
        ("https://a.example,https://b.example", false),
        ("https://example.com/recordings-of-us/s3", true),
        ("https://s3.example.com/recordings", false),
        ("https://s3.example.com/recordings/", false),
        ("https://s3.example.com/tenant/recordings", false),
        ("https://recordings.s3.example.com", false),
        ("https://recordings.s3.example.com/", false),
        ("https://recordings.s3-accelerate.amazonaws.com", false),
        ("https://recordings.fra1.digitaloceanspaces.com", false),
        ("https://recordings.storage.googleapis.com", false),
        ("https://storage.googleapis.com", true),
        ("https://recordings-of-us.s3.example.com", true),
        ("https://recordings.example.com", true),
    ] {
        let own = [("RECORDINGS_BUCKET", "recordings"), ("RECORDINGS_ENDPOINT", endpoint)];
        let problems = problems(&stand_in.settings(), &own, Recorder::configure).await;
        assert_eq!(problems.contains("RECORDINGS_ENDPOINT"), !good, "{endpoint}: {problems}");
        assert!(!problems.contains(endpoint), "{problems}");
    }
}

#[tokio::test]
async fn production_requires_tls_for_every_url() {
    let stand_in = workos::WorkOs::start().await.unwrap();
    let prod = ("STAGE", "prod");
    for (address, good) in [
        ("https://app.example.com/callback", true),
        ("http://localhost:3000/callback", false),
        ("http://app.localhost:3000/callback", false),
    ] {
        let page = "WORKOS_REDIRECT_URI";
        let own = [prod, (page, address)];
        let begins = problems(&stand_in.settings(), &own, Redirects::configure).await;
        let ends = problems(&stand_in.settings(), &own, Cookies::configure).await;
        assert_eq!(begins.contains(page), !good, "{address}: {begins}");
        assert_eq!(ends.contains(page), !good, "{address}: {ends}");
    }
}

#[tokio::test]
async fn a_cookie_domain_that_no_browser_accepts_is_rejected() {
    let stand_in = workos::WorkOs::start().await.unwrap();
    for domain in ["museum", "*.example.com", "app..example.com", "127.0.0.1"] {
        let own = [("WORKOS_COOKIE_DOMAIN", domain)];
        let problems = problems(&stand_in.settings(), &own, Cookies::configure).await;
        assert!(problems.contains("WORKOS_COOKIE_DOMAIN"), "{domain}: {problems}");
        assert!(!problems.contains(domain), "{problems}");
    }
}
