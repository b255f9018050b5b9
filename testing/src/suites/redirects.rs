//! Every endpoint that sends a browser to sign in somewhere: `continue-with-google`,
//! `continue-with-microsoft`, `continue-with-authkit`. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::faults::Fault;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::auth_world::AuthWorld;
use crate::event::Event;
use crate::mistakes::{invalid_invitation_tokens, malformed_requests, oddities};

/// An endpoint that redirects a browser to a sign-in page.
#[derive(Clone, Copy, Debug)]
pub struct Redirect {
    /// The executable.
    pub binary: &'static str,
    /// The documented event: a file in `events/`.
    pub event: &'static str,
    /// The parameter in WorkOS's URL that selects the provider: `provider=GoogleOAuth`.
    pub provider: &'static str,
}

fn state(answer: &Answer) -> String {
    answer.success()["authData"]["state"].as_str().expect("a state").to_owned()
}

/// The address in an answer.
pub fn redirect_url(answer: &Answer) -> String {
    answer.success()["authData"]["redirectURL"].as_str().expect("an address").to_owned()
}

pub async fn malformed_requests_are_rejected_and_no_sign_in_starts(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    for (event, status) in malformed_requests(&world.event()) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
}

pub async fn returns_workoss_url_with_a_state_and_pkce(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    let answer = world.ask(&world.event()).await;

    let data = &answer.success()["authData"];
    assert_eq!(data.as_object().map(Map::len), Some(2), "{data}");
    let (url, state) = (redirect_url(&answer), state(&answer));
    assert!(url.starts_with(&format!("{}/user_management/authorize?", world.workos.url())));
    for parameter in [
        endpoint.provider.to_owned(),
        format!("client_id={}", world.workos.client_id()),
        format!("state={state}"),
        "redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback".to_owned(),
        "response_type=code".to_owned(),
        "code_challenge_method=S256".to_owned(),
        "code_challenge=".to_owned(),
    ] {
        assert!(url.contains(&parameter), "{parameter} is not in {url}");
    }
    assert!(!url.contains("secret") && !url.contains(&world.workos.api_key()), "{url}");
    assert_eq!(state.len(), 43, "32 random bytes in base64url");
}

pub async fn the_state_and_the_verifier_are_sealed_in_a_cookie_for_ten_minutes(
    endpoint: &Redirect,
) {
    let world = AuthWorld::start(endpoint.binary).await;
    let answer = world.ask(&world.event()).await;
    let cookie = answer.cookie();
    assert!(cookie.name.starts_with("wos-sign-in-"), "{cookie:?}");
    assert!(cookie.value.starts_with("Fe26.2*"), "{cookie:?}");
    assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"]);
    assert!(!cookie.value.contains(&state(&answer)));
}

pub async fn the_cookie_is_host_only_and_secure_if_the_page_has_tls(endpoint: &Redirect) {
    let own = [
        ("WORKOS_REDIRECT_URI", "https://app.example.com/callback"),
        ("WORKOS_COOKIE_DOMAIN", "example.com"),
    ];
    let world = AuthWorld::start_with(endpoint.binary, &own).await;
    let cookie = world.ask(&world.event()).await.cookie();
    assert!(cookie.name.starts_with("__Host-wos-sign-in-"), "{cookie:?}");
    let expected = ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(cookie.attributes, expected, "without a domain, whatever the session's is");
}

pub async fn several_tabs_start_their_own_sign_ins_and_the_oldest_of_five_is_dropped(
    endpoint: &Redirect,
) {
    let world = AuthWorld::start(endpoint.binary).await;
    let mut event = world.event();
    let mut begun = Vec::new();
    for _ in 0..4 {
        let answer = world.ask(&event).await;
        let cookie = answer.cookie();
        event = event.cookie(&cookie.name, &cookie.value);
        begun.push((cookie.name, state(&answer)));
        // Sign-ins are ordered by the millisecond.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let states: std::collections::HashSet<_> = begun.iter().map(|(_, state)| state).collect();
    assert_eq!(states.len(), 4);

    let [new, dropped] = &world.ask(&event).await.cookies()[..] else {
        panic!("a new one, and the removal of an old one");
    };
    assert!(!new.is_cleared() && begun.iter().all(|(name, _)| *name != new.name));
    assert!(dropped.is_cleared());
    assert_eq!(dropped.name, begun[0].0);
}

pub async fn workos_is_not_called_so_its_outage_has_no_effect(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    world.workos.inject(Fault::Down);
    assert_eq!(world.ask(&world.event()).await.status(), 200);
    assert_eq!(world.workos.requests().len(), 0);
}

pub async fn needs_no_api_key(endpoint: &Redirect) {
    let world = AuthWorld::start_with(endpoint.binary, &[("WORKOS_API_KEY", "")]).await;
    assert_eq!(world.ask(&world.event()).await.status(), 200);
}

pub async fn every_form_of_an_empty_body_is_accepted(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    for event in [
        world.event(),
        world.event().json(&json!({})),
        world.event().untyped_body("{}"),
        world.event().body("application/json", ""),
        world.event().json(&json!({"redirectURL": "https://evil.example"})),
    ] {
        let answer = world.ask(&event).await;
        assert!(redirect_url(&answer).contains(endpoint.provider));
        assert!(!redirect_url(&answer).contains("evil"));
    }
}

pub async fn an_invitation_is_passed_along_and_an_invalid_one_is_400(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    let answer = world.post(&json!({"invitationToken": "Z1uX3RbwcIl5fIGJJJCXXisdI"})).await;
    let url = redirect_url(&answer);
    assert!(url.contains("invitation_token=Z1uX3RbwcIl5fIGJJJCXXisdI"), "{url}");
    let url = redirect_url(&world.post(&json!({"invitationToken": null})).await);
    assert!(!url.contains("invitation_token"), "{url}");
    for invitation in invalid_invitation_tokens() {
        let answer = world.post(&json!({ "invitationToken": invitation })).await;
        let expected = (400, "`invitationToken` is not valid".to_owned());
        assert_eq!(answer.refusal(), expected, "{invitation}");
        assert_eq!(answer.cookies(), [], "{invitation}");
    }
}

pub async fn an_app_origin_is_allowed_if_it_is_listed_exactly(endpoint: &Redirect) {
    let origins = "tauri://localhost,capacitor://localhost,chrome-extension://aapbdbdomjkkjkaon";
    let world = AuthWorld::start_with(endpoint.binary, &[("ALLOWED_ORIGINS", origins)]).await;
    for (origin, status) in [
        ("tauri://localhost", 200),
        ("capacitor://localhost", 200),
        ("chrome-extension://aapbdbdomjkkjkaon", 200),
        ("chrome-extension://bbpbdbdomjkkjkaon", 403),
        ("tauri://LOCALHOST", 403),
        ("https://tauri.localhost", 403),
        ("tauri://localhost/", 403),
    ] {
        let answer = world.ask(&world.event().header("origin", origin)).await;
        assert_eq!(answer.status(), status, "{origin}");
        assert_eq!(answer.cookies().is_empty(), status != 200, "{origin}");
    }
}

pub async fn production_without_tls_does_not_start(endpoint: &Redirect) {
    let prod = [("STAGE", "prod")];
    let tls = [
        ("ALLOWED_ORIGINS", "https://app.example.com"),
        ("WORKOS_REDIRECT_URI", "https://app.example.com/callback"),
        ("WORKOS_LOGOUT_RETURN_TO", "https://app.example.com"),
    ];
    let world = AuthWorld::start_with(endpoint.binary, &[&prod[..], &tls].concat()).await;
    let mut settings = world.settings;
    for (name, plain) in [
        ("ALLOWED_ORIGINS", "https://app.example.com,http://localhost:3000"),
        ("WORKOS_REDIRECT_URI", "http://localhost:3000/callback"),
        ("WORKOS_LOGOUT_RETURN_TO", "http://localhost:3000"),
    ] {
        let mut settings = settings.clone();
        settings.retain(|(other, _)| other != name);
        settings.push((name.to_owned(), plain.to_owned()));
        let Err(StartError::Refused { logs, .. }) =
            Instance::start(endpoint.binary, settings).await
        else {
            panic!("it started with a plain {name}");
        };
        assert!(logs.iter().any(|line| line.contains(name)), "{name}: {logs:?}");
        assert!(!logs.iter().any(|line| line.contains(plain)), "{name}: {logs:?}");
    }
    settings.retain(|(name, _)| name != "STAGE");
    assert!(Instance::start(endpoint.binary, settings).await.is_ok());
}

pub async fn unread_parts_of_a_request_may_be_anything(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    for (pointer, value) in oddities() {
        let answer = world.ask(&world.event().with(pointer, value.clone())).await;
        assert!(redirect_url(&answer).contains(endpoint.provider), "{pointer} {value:.100}");
    }
}

pub async fn every_part_of_an_event_may_be_anything_and_gets_a_response(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    let event = world.event().cookie("theme", "dark").query("a=1").json(&json!({}));
    let event = event.bearer("token").header("sec-fetch-site", "same-origin");
    for (pointer, mutant) in mutants(event.as_json()) {
        let answer = world.ask_text(&mutant).await;
        let expected: &[u64] = match pointer.as_str() {
            "" | "/requestContext" | "/requestContext/http" => &[400],
            "/requestContext/http/method" => &[400, 405],
            "/headers/origin" => &[200, 403],
            "/headers/content-type" => &[200, 415],
            "/body" => &[200, 400, 413],
            "/isBase64Encoded" | "/headers" => &[200, 415, 400],
            _ => &[200],
        };
        let status = answer.status();
        assert!(expected.contains(&status), "{status} for {pointer}: {mutant:.500}");
    }
}

/// Copies of an event with one odd value in one place, for each place and each value: the JSON
/// pointer, and the event as text.
fn mutants(event: &Value) -> Vec<(String, String)> {
    const PLACE: &str = "\"HERE\"";
    let long = format!("\"{}\"", "x".repeat(100_000));
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let odd = [
        "null",
        "7",
        "-1.5",
        "1e400",
        "true",
        "[]",
        "[null]",
        "{}",
        r#"{"a":{}}"#,
        r#""""#,
        r#"" ""#,
        r#""\u0000""#,
        r#""\ud83d""#,
        r#""\r\n""#,
        r#""\u007f""#,
        r#""\u00e9""#,
        r#""%""#,
        &long,
        &deep,
    ];
    let mut mutants = Vec::new();
    for pointer in places(event, "") {
        let mut event = event.clone();
        *event.pointer_mut(&pointer).expect("a place") = json!("HERE");
        let event = event.to_string();
        mutants.extend(odd.map(|value| (pointer.clone(), event.replace(PLACE, value))));
    }
    mutants
}

/// Pointers to a value and to all that it holds.
fn places(value: &Value, pointer: &str) -> Vec<String> {
    let mut places = vec![pointer.to_owned()];
    for (name, inner) in value.as_object().into_iter().flatten() {
        places.extend(self::places(inner, &format!("{pointer}/{name}")));
    }
    places
}

pub async fn the_documented_event_gets_the_expected_response(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    let answer = world.ask(&Event::documented(endpoint.event)).await;
    assert!(redirect_url(&answer).contains(endpoint.provider));
}

pub async fn logs_describe_each_request_without_private_data(endpoint: &Redirect) {
    let world = AuthWorld::start(endpoint.binary).await;
    let answer = world.ask(&world.event()).await;
    world.logs_nothing_of(1, &[&state(&answer), &answer.cookie().value, "code_challenge"]).await;
}

/// Declares the suite's tests for a [`Redirect`](crate::suites::redirects::Redirect), the
/// constant of this name.
#[macro_export]
macro_rules! redirects_suite {
    ($endpoint:ident) => {
        $crate::tests! { redirects($endpoint):
            malformed_requests_are_rejected_and_no_sign_in_starts,
            returns_workoss_url_with_a_state_and_pkce,
            the_state_and_the_verifier_are_sealed_in_a_cookie_for_ten_minutes,
            the_cookie_is_host_only_and_secure_if_the_page_has_tls,
            several_tabs_start_their_own_sign_ins_and_the_oldest_of_five_is_dropped,
            workos_is_not_called_so_its_outage_has_no_effect,
            needs_no_api_key,
            every_form_of_an_empty_body_is_accepted,
            an_invitation_is_passed_along_and_an_invalid_one_is_400,
            an_app_origin_is_allowed_if_it_is_listed_exactly,
            production_without_tls_does_not_start,
            unread_parts_of_a_request_may_be_anything,
            every_part_of_an_event_may_be_anything_and_gets_a_response,
            the_documented_event_gets_the_expected_response,
            logs_describe_each_request_without_private_data,
        }
    };
}
