//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_testing::sessions::{
    COOKIE, access_token, assert_cleared, sealed, sid, with_access_token,
};
use anteroom_testing::suites::session_cookies::{self, Endpoint, Kind};
use anteroom_testing::{Answer, AuthWorld, Event, PAGE, SetCookie, malformed_requests};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sign-out");

/// What WorkOS gives to somebody who signs in: the user and the tokens.
fn session_of(world: &AuthWorld, user: &str) -> Value {
    world.workos.sign_in(user, None)
}

fn assert_signed_out(world: &AuthWorld, answer: &Answer, sid: &str, why: &str) {
    assert_eq!(answer.success(), farewell(world, sid), "{why}");
    assert_cleared(answer, why);
}

/// What is answered to somebody who leaves this session.
fn farewell(world: &AuthWorld, sid: &str) -> Value {
    let url = format!(
        "{}/user_management/sessions/logout?session_id={sid}&return_to=http%3A%2F%2Flocalhost%3A3000",
        world.workos.url(),
    );
    json!({"authData": {"redirectURL": url}})
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_the_session_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    let cookie = sealed(&world.settings, &session_of(&world, "jane")).await;
    for (event, status) in malformed_requests(&world.event().cookie(COOKIE, &cookie)) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
}

#[tokio::test]
async fn without_a_session_it_is_401_and_the_cookie_is_cleared_anyway() {
    let world = AuthWorld::start(BINARY).await;
    let event = || world.event();
    for (why, event) in [
        ("nothing at all", event()),
        ("an empty cookie", event().cookie(COOKIE, "")),
        ("another scheme", event().header("authorization", "Basic amFuZTpkb2U=")),
        ("no token", event().header("authorization", "Bearer ")),
        ("forged headers", event().header("x-workos-session", "session_1")),
        ("another's cookie", event().cookie("session", "1")),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()), "{why}");
        assert_cleared(&answer, why);
    }
}

#[tokio::test]
async fn a_cookie_that_is_not_genuine_is_401_and_cleared() {
    let world = AuthWorld::start(BINARY).await;
    let cookie = sealed(&world.settings, &session_of(&world, "jane")).await;
    let mut foreign = world.settings.clone();
    foreign.retain(|(name, _)| name != "WORKOS_COOKIE_PASSWORD");
    let password = "another password, of thirty-two characters and more".to_owned();
    foreign.push(("WORKOS_COOKIE_PASSWORD".to_owned(), password));
    let foreign = sealed(&foreign, &session_of(&world, "jane")).await;
    let changed = cookie.replacen("Fe26.2*1*", "Fe26.2*2*", 1);
    for (why, value) in [
        ("another password's", foreign.as_str()),
        ("tampered", changed.as_str()),
        ("shortened", &cookie[..cookie.len() - 10]),
        ("without its version", cookie.trim_end_matches("~2")),
        ("of another version", &cookie.replace("~2", "~1")),
        ("no seal", "Fe26.2"),
        ("an access token", access_token(&session_of(&world, "jane"))),
        ("too long", &"x".repeat(9000)),
    ] {
        let answer = world.ask(&world.event().cookie(COOKIE, value)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_cleared(&answer, why);
    }
    let two = world.event().cookie(COOKIE, &cookie).cookie(COOKIE, &cookie);
    let answer = world.ask(&two).await;
    assert_eq!(answer.refusal().0, 401, "nobody can tell which of two");
    assert_cleared(&answer, "two cookies");
}

#[tokio::test]
async fn a_genuine_cookie_with_an_invalid_token_is_401_and_cleared() {
    let world = AuthWorld::start(BINARY).await;
    let session = session_of(&world, "jane");
    let claims = jwt::claims(access_token(&session)).expect("claims");
    let header = world.workos.header();
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let sign = |claims: &Value| world.workos.sign(&header, claims);
    for (why, token) in [
        ("another environment's key", world.workos.sign_foreign(&header, &claims)),
        ("unsigned", jwt::unsigned(&json!({"alg": "none"}), &claims)),
        (
            "changed claims",
            jwt::with_claims(access_token(&session), &changed("sid", json!("session_2"))),
        ),
        ("another issuer", sign(&changed("iss", json!("https://evil.example")))),
        ("another user", sign(&changed("sub", json!("user_eve")))),
        ("no session", sign(&changed("sid", json!(null)))),
        ("a consent", sign(&changed("sid", json!("app_consent_1")))),
        ("another client", sign(&changed("client_id", json!("client_01OTHER")))),
        ("no token", "token".to_owned()),
    ] {
        let cookie = sealed(&world.settings, &with_access_token(&session, &token)).await;
        let answer = world.ask(&world.event().cookie(COOKIE, &cookie)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_cleared(&answer, why);
        let answer = world.ask(&world.event().bearer(&token)).await;
        let as_bearer = if why == "another user" { 200 } else { 401 };
        assert_eq!(answer.status(), as_bearer, "{why}, as a bearer token");
    }
}

#[tokio::test]
async fn a_session_that_is_not_valid_yet_is_503_and_its_cookie_kept() {
    let world = AuthWorld::start(BINARY).await;
    let session = session_of(&world, "jane");
    let mut claims = jwt::claims(access_token(&session)).expect("claims");
    claims["nbf"] = json!(4_000_000_000_u64);
    let token = world.workos.sign(&world.workos.header(), &claims);
    let cookie = sealed(&world.settings, &with_access_token(&session, &token)).await;
    for event in [world.event().cookie(COOKIE, &cookie), world.event().bearer(&token)] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 503, "the clocks differ");
        assert_eq!(answer.cookies(), []);
    }
}

#[tokio::test]
async fn a_bearer_token_counts_without_fallback_to_the_cookie() {
    let world = AuthWorld::start(BINARY).await;
    let jane = session_of(&world, "jane");
    let other = session_of(&world, "without_organization");
    let cookie = sealed(&world.settings, &jane).await;
    let event = world.event().cookie(COOKIE, &cookie);

    let answer = world.ask(&event.clone().bearer("token")).await;
    assert_eq!(answer.refusal().0, 401);
    assert_eq!(answer.cookies(), [], "a bad bearer beside a good cookie");
    let answer = world.ask(&event.bearer(access_token(&other))).await;
    assert_eq!(answer.success(), farewell(&world, &sid(&other)), "the bearer's, not the cookie's");
    assert_eq!(answer.cookies(), [], "the cookie is of another session");

    world.workos.set_access_token_seconds(-60);
    let expired = session_of(&world, "jane");
    let answer = world.ask(&world.event().bearer(access_token(&expired))).await;
    assert_eq!(answer.refusal().0, 401, "nothing vouches for an expired token alone");
}

#[tokio::test]
async fn signing_out_returns_workoss_logout_url_and_clears_the_cookie() {
    let world = AuthWorld::start(BINARY).await;
    let session = session_of(&world, "jane");
    let event = world.event().cookie(COOKIE, &sealed(&world.settings, &session).await);
    for (why, event) in [
        ("no body", event.clone()),
        ("an empty object", event.clone().json(&json!({}))),
        ("an object of no type", event.clone().untyped_body("{}")),
        ("an unknown field", event.clone().json(&json!({"everywhere": true}))),
        ("no origin", event.clone().without_header("origin")),
        ("a neighbour's cookie", event.clone().cookie("theme", "caf\u{e9}")),
        ("no bearer token", event.clone().header("authorization", "Bearer ")),
    ] {
        assert_signed_out(&world, &world.ask(&event).await, &sid(&session), why);
    }
    assert_eq!(world.asked(), [""; 0], "the browser itself goes there");
}

#[tokio::test]
async fn an_expired_token_in_a_genuine_cookie_still_signs_out_and_is_not_refreshed() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.set_access_token_seconds(-3600);
    let session = session_of(&world, "jane");
    let cookie = sealed(&world.settings, &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie)).await;
    assert_signed_out(&world, &answer, &sid(&session), "expired");
    assert_eq!(world.asked(), [""; 0]);

    world.workos.revoke_session(&sid(&session));
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie)).await;
    assert_signed_out(&world, &answer, &sid(&session), "expired, and ended by WorkOS");
}

#[tokio::test]
async fn signing_out_does_not_wait_for_workos_or_its_keys() {
    for fault in [Fault::Down, Fault::GatewayPage, Fault::Garbage, Fault::Failing(500)] {
        let world = AuthWorld::start_with(BINARY, &[]).await;
        world.workos.rotate_signing_key();
        world.workos.set_access_token_seconds(-3600);
        let session = session_of(&world, "jane");
        let cookie = sealed(&world.settings, &session).await;
        world.workos.inject(fault);
        let answer = world.ask(&world.event().cookie(COOKIE, &cookie)).await;
        assert_signed_out(&world, &answer, &sid(&session), &format!("{fault:?}"));
        let token = access_token(&session);
        let answer = world.ask(&world.event().bearer(token)).await;
        assert_eq!(answer.refusal().0, 503, "{fault:?}: a token alone has no seal");
        assert_eq!(answer.cookies(), [], "{fault:?}");
    }
}

#[tokio::test]
async fn a_cookie_sealed_with_the_previous_password_signs_out() {
    let new = "the password after the rotation, of thirty-two characters";
    let old = "the password before the rotation, of thirty-two characters";
    let own = [("WORKOS_COOKIE_PASSWORD", new), ("WORKOS_COOKIE_PASSWORD_PREVIOUS", old)];
    let world = AuthWorld::start_with(BINARY, &own).await;
    let before = [("WORKOS_COOKIE_PASSWORD".to_owned(), old.to_owned())].to_vec();
    let session = session_of(&world, "jane");
    let cookie = sealed(&before, &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie)).await;
    assert_signed_out(&world, &answer, &sid(&session), "the previous password");
}

#[tokio::test]
async fn a_domain_cookie_is_cleared_for_the_domain_and_for_this_host() {
    let own = [
        ("WORKOS_COOKIE_DOMAIN", "example.com"),
        ("WORKOS_REDIRECT_URI", "https://app.example.com/callback"),
    ];
    let world = AuthWorld::start_with(BINARY, &own).await;
    let cookie = sealed(&world.settings, &session_of(&world, "jane")).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie)).await;
    assert_eq!(answer.status(), 200);
    let cookies = answer.cookies();
    assert!(cookies.iter().all(SetCookie::is_cleared), "{cookies:?}");
    assert!(cookies.iter().all(|cookie| cookie.has("Secure")), "{cookies:?}");
    let of_domain = cookies.iter().map(|cookie| cookie.has("Domain=example.com"));
    assert_eq!(of_domain.collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn the_documented_event_has_no_session() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("sign-out.json")).await;
    assert_eq!(answer.refusal().0, 401);
    assert_cleared(&answer, "the event");
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    let session = session_of(&world, "jane");
    let cookie = sealed(&world.settings, &session).await;
    assert_eq!(world.ask(&world.event().cookie(COOKIE, &cookie)).await.status(), 200);
    let tampered = world.event().cookie(COOKIE, &cookie[..cookie.len() - 5]);
    assert_eq!(world.ask(&tampered).await.status(), 401);
    let foreign =
        world.workos.sign_foreign(&world.workos.header(), &world.workos.claims_for("jane"));
    assert_eq!(world.ask(&world.event().bearer(&foreign)).await.status(), 401);
    assert_eq!(world.ask(&world.event().header("origin", PAGE)).await.status(), 401);
    let refresh_token = session["refresh_token"].as_str().expect("a token").to_owned();
    let private = ["jane", "Jane", &sid(&session), &refresh_token, &cookie, access_token(&session)];
    world.logs_nothing_of(4, &private).await;
}

#[tokio::test]
async fn only_a_cookie_that_can_never_be_valid_is_cleared() {
    session_cookies::check(Endpoint { binary: BINARY, kind: Kind::SignOut }).await;
}
