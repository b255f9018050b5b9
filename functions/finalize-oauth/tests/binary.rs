//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom::api::Request;
use anteroom::clock::Clock;
use anteroom::settings::Settings;
use anteroom::workos::Cookies;
use anteroom_stand_ins::faults::Fault;
use anteroom_testing::{AuthWorld, Event, OUTAGES, SetCookie, malformed_requests};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_finalize-oauth");

const AUTHENTICATE: &str = "POST /user_management/authenticate";

/// A sign-in that a browser has begun.
struct Begun {
    name: String,
    value: String,
    state: String,
    challenge: String,
}

/// Begins a sign-in, as the endpoints do that send a browser away.
async fn begin(world: &AuthWorld, own: &[(&str, &str)], clock: Clock) -> Begun {
    let mut pairs = world.settings.clone();
    pairs.retain(|(name, _)| !own.iter().any(|(other, _)| name == other));
    pairs.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let mut settings = Settings::from_pairs(pairs, clock).expect("settings");
    let cookies = Cookies::configure(&mut settings);
    let cookies = settings.complete(cookies).await.expect("complete settings");
    let begun = cookies.sign_in.begin(Request::default().headers()).await.expect("a sign-in");
    Begun {
        name: begun.cookies[0].name().to_owned(),
        value: begun.cookies[0].value().to_owned(),
        state: begun.state,
        challenge: begun.code_challenge,
    }
}

async fn begin_now(world: &AuthWorld) -> Begun {
    begin(world, &[], Clock::system()).await
}

impl Begun {
    /// The code that comes back when `user` has signed in.
    fn code(&self, world: &AuthWorld, user: &str) -> String {
        world.workos.authorization_code(user, Some(&self.challenge))
    }

    fn input(&self, code: &str) -> Value {
        json!({ "code": code, "state": self.state })
    }
}

fn with(event: Event, begun: &Begun) -> Event {
    event.cookie(&begun.name, &begun.value)
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let good = with(world.event().json(&begun.input("01CODE")), &begun);
    for (event, status) in malformed_requests(&good) {
        assert_eq!(world.ask(&event).await.refusal().0, status, "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_code_or_state_is_400_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    for (body, field) in [
        (json!({}), "code"),
        (json!({"code": ""}), "code"),
        (json!({"code": 1}), "code"),
        (json!({"code": null}), "code"),
        (json!({"code": ["01CODE"]}), "code"),
        (json!({"code": "01CODE\r\n"}), "code"),
        (json!({"code": "c\u{f6}de"}), "code"),
        (json!({"code": "x".repeat(2049)}), "code"),
        (json!({"code": "01CODE", "state": 1}), "state"),
    ] {
        let answer = world.ask(&with(world.event().json(&body), &begun)).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 400, "{body}");
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_sign_in_that_this_browser_did_not_start_is_400_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let ten_minutes_ago = Clock::system().now().unix_millis() / 1000 - 600;
    let old = begin(&world, &[], Clock::fixed(ten_minutes_ago)).await;
    let password = "another password, of thirty-two characters and more";
    let foreign = begin(&world, &[("WORKOS_COOKIE_PASSWORD", password)], Clock::system()).await;
    let event = |state: &str| world.event().json(&json!({"code": "01CODE", "state": state}));
    let code_only = || world.event().json(&json!({"code": "01CODE"}));
    let tampered = format!("{}x", begun.value);
    let shortened = &begun.value[..begun.value.len() - 20];
    for (why, event) in [
        ("no cookie", event(&begun.state)),
        ("no cookie and no state", code_only()),
        ("another state", with(event("another"), &begun)),
        ("an empty state", with(event(""), &begun)),
        ("the state of another", with(event(&foreign.state), &begun)),
        ("old", with(event(&old.state), &old)),
        ("old, without state", with(code_only(), &old)),
        ("foreign", with(event(&foreign.state), &foreign)),
        ("foreign, without state", with(code_only(), &foreign)),
        ("tampered", event(&begun.state).cookie(&begun.name, &tampered)),
        ("shortened", event(&begun.state).cookie(&begun.name, shortened)),
        ("no seal", event(&begun.state).cookie(&begun.name, "wos")),
        ("empty", event(&begun.state).cookie(&begun.name, "")),
        ("another name", event(&begun.state).cookie("wos-session", &begun.value)),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 400, "{why}");
        assert_eq!(answer.cookies(), [], "{why}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_used_expired_invented_or_foreign_code_is_401() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let refused = async |code: &str, state: Option<&str>, why: &str| {
        let mut input = json!({ "code": code });
        if let Some(state) = state {
            input["state"] = json!(state);
        }
        let answer = world.ask(&with(world.event().json(&input), &begun)).await;
        let message = "The code is no longer valid. Sign in again";
        assert_eq!(answer.refusal(), (401, message.to_owned()), "{why}");
        assert_eq!(answer.cookies(), [], "{why}");
    };
    let state = Some(begun.state.as_str());
    refused("01MADEUP", state, "made up").await;

    let used = begun.code(&world, "jane");
    let event = world.event().json(&begun.input(&used));
    assert_eq!(world.ask(&with(event, &begun)).await.status(), 200);
    refused(&used, state, "used").await;

    let expired = begun.code(&world, "jane");
    world.workos.expire_codes();
    refused(&expired, state, "expired").await;

    // Login CSRF: the code of another browser's sign-in, or of none of ours.
    let others = begin_now(&world).await;
    refused(&others.code(&world, "without_organization"), state, "another browser's").await;
    refused(&others.code(&world, "without_organization"), None, "another browser's, without state")
        .await;
    let unbound = world.workos.authorization_code("without_organization", None);
    refused(&unbound, None, "asked for without a challenge").await;
}

#[tokio::test]
async fn a_required_step_is_403_and_named() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    for (user, what, is_hosted) in [
        ("unverified", "Verify your e-mail address", true),
        ("enrolling", "two-factor", true),
        ("challenged", "second factor", true),
        ("someone", "single sign-on", false),
    ] {
        let event = world.event().json(&begun.input(&begun.code(&world, user)));
        let answer = world.ask(&with(event, &begun)).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 403, "{user}");
        assert!(message.contains(what), "{message}");
        assert_eq!(answer.next().is_some(), is_hosted, "{user}");
    }
}

#[tokio::test]
async fn a_rejection_by_workos_keeps_its_meaning_even_if_it_is_new() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let event = with(world.event().json(&begun.input("01CODE")), &begun);
    let code = |code: &str| json!({"code": code, "message": ["No.", "Not like this."]});
    for (status, body, expected) in [
        (403, code("radar_email_challenge"), 403),
        (403, code("something_new"), 403),
        (400, code("something_new"), 401),
        (400, json!({"code": "invalid_grant", "error": "Bad Request"}), 401),
        (400, json!({"message": ["No."], "error": "Bad Request"}), 502),
        (200, json!({}), 502),
        (200, json!("a page"), 502),
    ] {
        world.workos.prescribe("/user_management/authenticate", status, body.clone());
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, expected, "{status} {body}");
        assert_eq!(answer.cookies(), [], "{status} {body}: the sign-in can be gone on with");
    }
}

#[tokio::test]
async fn an_outage_is_not_reported_as_a_rejected_code() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let code = begun.code(&world, "jane");
    let event = with(world.event().json(&begun.input(&code)), &begun);
    for (fault, status) in OUTAGES {
        world.workos.inject(fault);
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}: the sign-in can be gone on with");
        assert_eq!(world.asked(), [AUTHENTICATE], "{fault:?}: a code is sent once");
        world.workos.clear_faults();
        world.workos.forget_requests();
    }
    world.workos.inject(Fault::Limiting { retry_after: Some(17) });
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal().0, 429);
    assert_eq!(answer.header("retry-after"), Some("17"));
    world.workos.clear_faults();
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_slow_request_ends_after_ten_seconds() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    world.workos.inject(Fault::Slow(Duration::from_secs(20)));
    let event = with(world.event().json(&begun.input("01CODE")), &begun);
    let answer = tokio::time::timeout(Duration::from_secs(12), world.ask(&event)).await;
    assert_eq!(answer.expect("an answer in time").refusal().0, 503);
}

#[tokio::test]
async fn a_code_with_its_verifier_returns_the_user_and_a_session() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let code = begun.code(&world, "jane");
    let answer = world.ask(&with(world.event().json(&begun.input(&code)), &begun)).await;

    let jane = world.workos.user("jane");
    let expected = json!({"user": {
        "id": jane.id, "email": jane.email, "firstName": "Jane", "lastName": "Doe",
        "avatarURL": jane.picture,
    }});
    assert_eq!(answer.success(), expected);
    let [session, begun_cleared] = &answer.cookies()[..] else {
        panic!("{:?}", answer.cookies());
    };
    assert_eq!(session.name, "wos-session");
    assert!(session.value.starts_with("Fe26.2*") && session.value.ends_with("~2"));
    assert_eq!(session.attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Lax"]);
    assert_eq!(begun_cleared.name, begun.name);
    assert!(begun_cleared.is_cleared(), "{begun_cleared:?}");

    let sent = world.last_sent();
    assert_eq!(sent["grant_type"], "authorization_code");
    assert_eq!(sent["code"], json!(code));
    assert_eq!(sent["code_verifier"].as_str().map(str::len), Some(43));
    assert_eq!(sent["ip_address"], "203.0.113.7");
    assert_eq!(sent["user_agent"], "Mozilla/5.0");
}

#[tokio::test]
async fn a_page_that_sends_only_the_code_signs_in_from_any_tab() {
    let world = AuthWorld::start(BINARY).await;
    let only = begin_now(&world).await;
    let input = json!({"code": only.code(&world, "jane")});
    let answer = world.ask(&with(world.event().json(&input), &only)).await;
    assert_eq!(answer.success()["user"]["email"], "jane.doe@example.com");

    // WorkOS spends a code at the first verifier that is wrong. Two tabs need the state.
    let (first, second) = (begin_now(&world).await, begin_now(&world).await);
    for begun in [&first, &second] {
        let event = world.event().json(&begun.input(&begun.code(&world, "jane")));
        let answer = world.ask(&with(with(event, &first), &second)).await;
        assert_eq!(answer.status(), 200);
        let cleared: Vec<_> = answer.cookies().into_iter().filter(SetCookie::is_cleared).collect();
        assert_eq!(cleared.len(), 1);
        assert_eq!(cleared[0].name, begun.name, "the other tab's is kept");
    }
}

#[tokio::test]
async fn a_user_of_several_organizations_gets_the_choice_and_no_session() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let event = world.event().json(&begun.input(&begun.code(&world, "member_of_two")));
    let answer = world.ask(&with(event, &begun)).await;

    let user = &answer.success()["user"];
    assert_eq!(user["email"], "123@gmail.com");
    assert!(user["pendingAuthenticationToken"].is_string());
    let names: Vec<_> = user["organizations"]
        .as_array()
        .expect("organizations")
        .iter()
        .map(|organization| organization["name"].clone())
        .collect();
    assert_eq!(names, ["MASADAS", "TAUNTA SCRE"]);
    let names: Vec<_> = answer.cookies().into_iter().map(|cookie| cookie.name).collect();
    assert!(names.iter().any(|name| name.starts_with("wos-pending-")), "{names:?}");
    assert!(names.contains(&begun.name), "{names:?}");
    assert!(!names.contains(&"wos-session".to_owned()), "{names:?}");
}

#[tokio::test]
async fn the_documented_event_comes_from_a_browser_without_a_pending_sign_in() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("finalize-oauth.json")).await;
    assert_eq!(answer.refusal().0, 400);
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    let begun = begin_now(&world).await;
    let code = begun.code(&world, "jane");
    let event = with(world.event().json(&begun.input(&code)), &begun);
    let session = world.ask(&event).await.cookies().remove(0).value;
    assert_eq!(world.ask(&event).await.status(), 401);
    assert_eq!(world.ask(&world.event().json(&begun.input(&code))).await.status(), 400);
    let private = ["jane", "Jane", &code, &begun.state, &begun.value, &session];
    world.logs_nothing_of(3, &private).await;
}
