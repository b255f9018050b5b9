//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_local::instance::Instance;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::workos::{PERMISSIONS, RECORDING_PERMISSION};
use anteroom_testing::sessions::{
    COOKIE, access_token, assert_cleared, expired_session, opened, refresh_outages, sealed,
    session_near_its_end, sid, token_of, with_access_token,
};
use anteroom_testing::suites::session_cookies::{self, Endpoint, Kind};
use anteroom_testing::{Answer, AuthWorld, Event, PAGE, SetCookie, malformed_requests};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_session");

const AUTHENTICATE: &str = "POST /user_management/authenticate";

/// The access token in the session cookie of an answer.
async fn token_in(world: &AuthWorld, answer: &Answer) -> String {
    token_of(&opened(&world.settings, answer).await)
}

/// What a page asks as it loads.
fn question(world: &AuthWorld) -> Event {
    world.event().method("GET")
}

async fn asked_by(world: &AuthWorld, session: &Value) -> Event {
    question(world).cookie(COOKIE, &sealed(&world.settings, session).await)
}

fn expired(world: &AuthWorld) -> Value {
    expired_session(&world.workos, "jane", None)
}

/// A session whose access token is good for another half a minute.
fn near_its_end(world: &AuthWorld) -> Value {
    session_near_its_end(&world.workos, "jane", None)
}

fn claims(token: &str) -> Value {
    jwt::claims(token).expect("claims")
}

/// Jane as other endpoints answer her.
fn jane(world: &AuthWorld) -> Value {
    json!({
        "id": world.workos.user("jane").id, "email": "jane.doe@example.com",
        "firstName": "Jane", "lastName": "Doe", "avatarURL": "https://img.example.com/jane.png",
    })
}

/// What is answered of Jane's session with this access token.
fn janes(world: &AuthWorld, token: &str) -> Value {
    json!({
        "user": jane(world), "organizationId": world.workos.organization("Example").id,
        "role": "admin", "roles": ["admin"], "permissions": PERMISSIONS,
        "entitlements": [], "featureFlags": [], "authenticatedAt": claims(token)["auth_time"],
        "expiresAt": claims(token)["exp"],
    })
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_the_session_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    let good = asked_by(&world, &near_its_end(&world)).await;
    // The first is that of endpoints that take a `POST`.
    for (event, status) in malformed_requests(&good).into_iter().skip(1) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0], "nothing was refreshed for them");
}

#[tokio::test]
async fn another_method_is_405_with_the_allowed_one() {
    let world = AuthWorld::start(BINARY).await;
    let good = asked_by(&world, &world.workos.sign_in("jane", None)).await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "HEAD"] {
        let answer = world.ask(&good.clone().method(method)).await;
        assert_eq!(answer.refusal(), (405, "Use GET".to_owned()), "{method}");
        assert_eq!(answer.header("allow"), Some("GET"), "{method}");
        assert_eq!(answer.cookies(), [], "{method}");
    }
}

#[tokio::test]
async fn no_session_is_401_and_clears_no_cookie() {
    let world = AuthWorld::start(BINARY).await;
    for (why, event) in [
        ("nothing at all", question(&world)),
        ("an empty cookie", question(&world).cookie(COOKIE, "")),
        ("another scheme", question(&world).header("authorization", "Basic amFuZTpkb2U=")),
        ("no token", question(&world).header("authorization", "Bearer ")),
        ("forged headers", question(&world).header("x-workos-session", "session_1")),
        ("another's cookie", question(&world).cookie("session", "1")),
        ("a query", question(&world).query("user=jane&organizationId=org_1")),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()), "{why}");
        assert_eq!(answer.cookies(), [], "{why}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_cookie_is_401_and_cleared() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let cookie = sealed(&world.settings, &session).await;
    let claims = claims(access_token(&session));
    let with_token =
        async |token: &str| sealed(&world.settings, &with_access_token(&session, token)).await;
    let header = world.workos.header();
    let signed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        world.workos.sign(&header, &claims)
    };
    let foreign = world.workos.sign_foreign(&header, &claims);
    let mut of_everything = claims.clone();
    of_everything["permissions"] = json!(["everything"]);
    let changed = jwt::with_claims(access_token(&session), &of_everything);
    for (why, value) in [
        ("tampered", cookie.replacen("Fe26.2*1*", "Fe26.2*2*", 1)),
        ("shortened", cookie[..cookie.len() - 10].to_owned()),
        ("without its version", cookie.trim_end_matches("~2").to_owned()),
        ("no seal", "Fe26.2".to_owned()),
        ("an access token", access_token(&session).to_owned()),
        ("too long", "x".repeat(9000)),
        ("a foreign token", with_token(&foreign).await),
        ("changed claims", with_token(&changed).await),
        ("an unsigned token", with_token(&jwt::unsigned(&json!({"alg": "none"}), &claims)).await),
        ("another user's token", with_token(&signed("sub", json!("user_eve"))).await),
    ] {
        let answer = world.ask(&question(&world).cookie(COOKIE, &value)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_cleared(&answer, why);
    }
    let two = question(&world).cookie(COOKIE, &cookie).cookie(COOKIE, &cookie);
    let answer = world.ask(&two).await;
    assert_eq!(answer.refusal().0, 401, "two cookies");
    assert_cleared(&answer, "two cookies");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_genuine_token_that_is_not_accepted_is_rejected_and_its_cookie_kept() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    for (name, value, status) in [
        ("iss", json!("https://evil.example"), 401),
        ("client_id", json!("client_01OTHER"), 401),
        ("aud", json!("client_01OTHER"), 401),
        ("sid", json!(null), 401),
        ("sid", json!("app_consent_01"), 401),
        ("nbf", json!(4_000_000_000_u64), 503),
    ] {
        let mut claims = claims(access_token(&session));
        claims[name] = value;
        let token = world.workos.sign(&world.workos.header(), &claims);
        let mut session = session.clone();
        session["access_token"] = json!(token);
        for event in [asked_by(&world, &session).await, question(&world).bearer(&token)] {
            let answer = world.ask(&event).await;
            assert_eq!(answer.refusal().0, status, "{name}");
            assert_eq!(answer.cookies(), [], "{name}");
        }
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn additional_claims_are_ignored() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let now = claims(access_token(&session))["iat"].as_u64().expect("a time");
    for (header, name, value) in [
        (json!("JWT"), "iat", json!(now + 6)),
        (json!("JWT"), "iat", json!("yesterday")),
        (json!("at+jwt"), "aud", json!("https://api.example.com")),
        (json!("AT+JWT"), "client_id", json!(world.workos.client_id())),
        (json!("jwt"), "permissions", json!(null)),
        (json!("jwt"), "role", json!(17)),
    ] {
        let mut claims = claims(access_token(&session));
        claims[name] = value;
        let mut typed = world.workos.header();
        typed["typ"] = header;
        let token = world.workos.sign(&typed, &claims);
        let mut session = session.clone();
        session["access_token"] = json!(token);
        for event in [asked_by(&world, &session).await, question(&world).bearer(&token)] {
            let answer = world.ask(&event).await;
            assert_eq!(answer.status(), 200, "{name}: {}", answer.text());
            assert_eq!(answer.cookies(), [], "{name}");
        }
    }
}

#[tokio::test]
async fn an_invalid_bearer_token_is_401_and_the_cookie_is_ignored() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let good = asked_by(&world, &session).await;
    let claims = claims(access_token(&session));
    let old = expired(&world);
    for (why, token) in [
        ("no token", "token"),
        ("a foreign one", &world.workos.sign_foreign(&world.workos.header(), &claims)),
        ("an unsigned one", &jwt::unsigned(&json!({"alg": "none"}), &claims)),
        ("an expired one, which nothing can refresh", access_token(&old)),
    ] {
        let answer = world.ask(&good.clone().bearer(token)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_eq!(answer.cookies(), [], "{why}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_session_that_workos_refuses_to_refresh_is_401_and_the_cookie_is_cleared() {
    let world = AuthWorld::start(BINARY).await;
    let session = expired(&world);
    world.workos.revoke_session(&sid(&session));
    let answer = world.ask(&asked_by(&world, &session).await).await;
    assert_eq!(answer.refusal(), (401, "The session has ended. Sign in again".to_owned()));
    assert_cleared(&answer, "expired and revoked");
    assert_eq!(world.asked(), [AUTHENTICATE]);
}

#[tokio::test]
async fn an_outage_never_signs_anybody_out_and_the_session_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    let event = asked_by(&world, &expired(&world)).await;
    let limit = (Fault::Limiting { retry_after: Some(9) }, 503);
    for (fault, status) in refresh_outages().chain([limit]) {
        world.workos.inject(fault.on("/user_management/authenticate"));
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}");
        let wait = (fault == limit.0).then_some("9");
        assert_eq!(answer.header("retry-after"), wait, "{fault:?}");
        world.workos.clear_faults();
    }
    world.workos.stop().await;
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal().0, 503, "nobody is there");
    assert_eq!(answer.cookies(), []);
    world.workos.restart().await.expect("the same port");
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn unreachable_signing_keys_sign_nobody_out() {
    for fault in [Fault::Down, Fault::GatewayPage, Fault::Garbage, Fault::Failing(500)] {
        let world = AuthWorld::start(BINARY).await;
        world.workos.rotate_signing_key();
        let session = world.workos.sign_in("jane", None);
        let event = asked_by(&world, &session).await;
        world.workos.inject(fault.on("/sso/jwks/"));
        for event in [event, question(&world).bearer(access_token(&session))] {
            let answer = world.ask(&event).await;
            assert_eq!(answer.refusal().0, 503, "{fault:?}");
            assert_eq!(answer.cookies(), [], "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_session_in_an_organization_is_returned_with_role_and_permissions() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let good = asked_by(&world, &session).await;
    for (why, event) in [
        ("as a page asks", good.clone()),
        ("no origin, as browsers have it within one", good.clone().without_header("origin")),
        ("a neighbour's cookie", good.clone().cookie("theme", "caf\u{e9}")),
        ("another user in the query", good.clone().query("user=without_organization")),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.success(), janes(&world, access_token(&session)), "{why}");
        assert_eq!(answer.cookies(), [], "{why}: nothing was due");
    }
    assert_eq!(world.asked(), [""; 0], "WorkOS need not be asked");
}

#[tokio::test]
async fn a_session_without_organization_role_permissions_and_name_leaves_them_out() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("without_organization", None);
    let id = world.workos.user("without_organization").id;
    let claims = claims(access_token(&session));
    let (since, expires) = (&claims["auth_time"], &claims["exp"]);
    let expected = |user: Value| {
        json!({
            "user": user, "authenticatedAt": since, "expiresAt": expires,
        })
    };

    let answer = world.ask(&asked_by(&world, &session).await).await;
    assert_eq!(
        answer.success(),
        expected(json!({"id": id, "email": "without.organization@example.com"}))
    );
    let answer = world.ask(&question(&world).bearer(access_token(&session))).await;
    assert_eq!(answer.success(), expected(json!({"id": id})));
}

#[tokio::test]
async fn a_member_without_permissions_has_an_empty_list() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("member_of_two", Some("TAUNTA SCRE"));
    let body = world.ask(&asked_by(&world, &session).await).await.success();
    assert_eq!(body["organizationId"], world.workos.organization("TAUNTA SCRE").id);
    assert_eq!(body["role"], "member");
    assert_eq!(body["permissions"], json!([]));
}

#[tokio::test]
async fn with_a_bearer_token_only_the_users_id_is_known_and_the_cookie_is_ignored() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let token = access_token(&session);
    let mut expected = janes(&world, token);
    expected["user"] = json!({"id": world.workos.user("jane").id});
    let other = asked_by(&world, &world.workos.sign_in("without_organization", None)).await;
    for (why, event) in [("alone", question(&world)), ("beside another's cookie", other)] {
        let answer = world.ask(&event.bearer(token)).await;
        assert_eq!(answer.success(), expected, "{why}");
        assert_eq!(answer.cookies(), [], "{why}");
    }
}

#[tokio::test]
async fn fractions_of_a_second_are_dropped_and_missing_claims_are_left_out() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let mut claims = claims(access_token(&session));
    let whole = claims["exp"].as_u64().expect("a whole number");
    claims["exp"] = json!(f64::from(u32::try_from(whole).expect("before 2106")) + 0.9);
    for name in
        ["org_id", "role", "roles", "permissions", "entitlements", "feature_flags", "auth_time"]
    {
        claims.as_object_mut().expect("an object").remove(name);
    }
    let token = world.workos.sign(&world.workos.header(), &claims);
    let answer = world.ask(&question(&world).bearer(&token)).await;
    let user = json!({"id": world.workos.user("jane").id});
    assert_eq!(answer.success(), json!({"user": user, "expiresAt": whole}));
    assert!(answer.text().ends_with(&format!("\"expiresAt\":{whole}}}")), "{}", answer.text());
}

#[tokio::test]
async fn two_hundred_feature_flags_are_all_returned_with_an_access_token() {
    let world = AuthWorld::start(BINARY).await;
    let flags: Vec<_> = (0..200).map(|number| format!("feature-flag-{number:03}")).collect();
    world.workos.set_feature_flags("jane", &flags);
    let session = world.workos.sign_in("jane", None);
    let answer = world.ask(&question(&world).bearer(access_token(&session))).await;
    assert_eq!(answer.success()["featureFlags"], json!(flags));
}

#[tokio::test]
async fn an_expired_session_that_has_outgrown_its_cookie_is_403_and_the_cookie_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    let due = asked_by(&world, &expired(&world)).await;
    let flags: Vec<_> = (0..200).map(|number| format!("feature-flag-{number:03}")).collect();
    world.workos.set_feature_flags("jane", &flags);
    let answer = world.ask(&due).await;
    let expected = "This account's session is too large for a cookie";
    assert_eq!(answer.refusal(), (403, expected.to_owned()));
    assert_eq!((answer.next(), answer.cookies()), (None, vec![]));
}

#[tokio::test]
async fn the_impersonator_is_returned_with_the_reason_if_the_cookie_has_it() {
    let world = AuthWorld::start(BINARY).await;
    let mut session = world.workos.sign_in("jane", None);
    let mut claims = claims(access_token(&session));
    claims["act"] = json!({"sub": "admin@example.com"});
    let token = world.workos.sign(&world.workos.header(), &claims);
    session["access_token"] = json!(token);
    let answer = world.ask(&question(&world).bearer(&token)).await;
    assert_eq!(answer.success()["impersonator"], json!({"email": "admin@example.com"}));
    for (sealed, told) in [
        (
            json!({"email": "admin@example.com", "reason": "Ticket 17"}),
            json!({"email": "admin@example.com", "reason": "Ticket 17"}),
        ),
        (
            json!({"email": "admin@example.com", "reason": null}),
            json!({"email": "admin@example.com"}),
        ),
    ] {
        session["impersonator"] = sealed;
        let answer = world.ask(&asked_by(&world, &session).await).await;
        assert_eq!(answer.success()["impersonator"], told);
    }
}

#[tokio::test]
async fn a_refresh_that_requires_a_step_leads_to_the_hosted_page() {
    let world = AuthWorld::start(BINARY).await;
    for (code, is_hosted) in [("mfa_challenge", true), ("sso_required", false)] {
        let body = json!({"code": code, "message": "No."});
        world.workos.prescribe("/user_management/authenticate", 403, body);
        // A refusal is remembered for its refresh token.
        let due = asked_by(&world, &expired(&world)).await;
        let answer = world.ask(&due).await;
        assert_eq!(answer.refusal().0, 403, "{code}");
        assert_eq!((answer.next().is_some(), answer.cookies()), (is_hosted, vec![]), "{code}");
    }
}

#[tokio::test]
async fn a_refresh_sends_the_callers_address_to_workos() {
    let world = AuthWorld::start(BINARY).await;
    let due = asked_by(&world, &expired(&world)).await;
    let forged = due.header("x-forwarded-for", "198.51.100.66");
    assert_eq!(world.ask(&forged).await.status(), 200);
    let sent = world.last_sent();
    assert_eq!(sent["grant_type"], "refresh_token");
    assert_eq!(sent["ip_address"], "203.0.113.7");
    assert_eq!(sent["user_agent"], "Mozilla/5.0");
}

#[tokio::test]
async fn a_body_is_ignored() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let good = asked_by(&world, &session).await;
    for (why, event) in [
        ("an empty object", good.clone().json(&json!({}))),
        ("an object of no type", good.clone().untyped_body("{}")),
        (
            "unknown fields",
            good.clone().json(&json!({"user": {"id": "user_eve"}, "role": "owner"})),
        ),
        ("nothing, declared", good.clone().body("text/plain", "")),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.success(), janes(&world, access_token(&session)), "{why}");
    }
}

#[tokio::test]
async fn an_expired_session_is_refreshed_within_the_request_and_the_new_one_is_returned() {
    let world = AuthWorld::start(BINARY).await;
    let session = expired(&world);
    let answer = world.ask(&asked_by(&world, &session).await).await;
    let token = token_in(&world, &answer).await;
    assert_eq!(answer.success(), janes(&world, &token));
    assert_eq!(claims(&token)["sid"], json!(sid(&session)), "it is the same session");
    assert_ne!(claims(&token)["exp"], claims(access_token(&session))["exp"]);

    assert_eq!(world.asked(), [AUTHENTICATE]);
    let sent = world.last_sent();
    assert_eq!(sent["grant_type"], "refresh_token");
    assert_eq!(sent["refresh_token"], session["refresh_token"]);
}

#[tokio::test]
async fn the_first_request_after_expiry_refreshes_and_later_ones_do_not() {
    let world = AuthWorld::start(BINARY).await;
    let event = asked_by(&world, &expired(&world)).await;
    let first = world.ask(&event).await;
    let next = question(&world).cookie(COOKIE, &first.cookie().value);
    let answer = world.ask(&next).await;
    assert_eq!(answer.success(), first.success());
    assert_eq!(answer.cookies(), [], "it has just been refreshed");
    assert_eq!(world.asked(), [AUTHENTICATE]);
}

#[tokio::test]
async fn two_requests_with_the_same_cookie_both_succeed() {
    let world = AuthWorld::start(BINARY).await;
    let event = asked_by(&world, &expired(&world)).await;
    let (one, other) = (world.ask(&event).await, world.ask(&event).await);
    assert_eq!(one.success(), other.success());
    assert_eq!(token_in(&world, &one).await, token_in(&world, &other).await);
    assert_eq!(world.asked(), [AUTHENTICATE], "the refresh token is spent once");
}

#[tokio::test]
async fn changes_at_workos_appear_after_a_refresh() {
    let world = AuthWorld::start(BINARY).await;
    let fresh = asked_by(&world, &world.workos.sign_in("jane", None)).await;
    let due = asked_by(&world, &expired(&world)).await;
    let renamed = world.workos.user("jane").with_name("Jane", "Roe");
    world.workos.add_user(renamed);
    assert_eq!(world.ask(&fresh).await.success()["user"]["lastName"], "Doe");
    assert_eq!(world.ask(&due).await.success()["user"]["lastName"], "Roe");
}

#[tokio::test]
async fn a_session_close_to_expiry_is_refreshed_early() {
    let world = AuthWorld::start(BINARY).await;
    let session = near_its_end(&world);
    let answer = world.ask(&asked_by(&world, &session).await).await;
    let token = token_in(&world, &answer).await;
    assert_ne!(token, access_token(&session));
    assert_eq!(answer.success(), janes(&world, &token));
    assert_eq!(world.asked(), [AUTHENTICATE]);
}

#[tokio::test]
async fn a_session_close_to_expiry_stays_valid_if_the_early_refresh_fails() {
    for fault in [Fault::Down, Fault::Failing(503), Fault::Garbage] {
        let world = AuthWorld::start(BINARY).await;
        let session = near_its_end(&world);
        world.workos.inject(fault.on("/user_management/authenticate"));
        let answer = world.ask(&asked_by(&world, &session).await).await;
        assert_eq!(answer.success(), janes(&world, access_token(&session)), "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}: the cookie is still good");
    }
}

#[tokio::test]
async fn a_session_of_a_custom_authentication_domain_is_valid_if_configured() {
    let domain = "https://auth.example.com";
    for (own, status) in [(vec![("WORKOS_ISSUER", domain)], 200), (vec![], 401)] {
        let world = AuthWorld::start_with(BINARY, &own).await;
        let session = world.workos.sign_in("jane", None);
        let mut claims = claims(access_token(&session));
        claims["iss"] = json!(domain);
        let token = world.workos.sign(&world.workos.header(), &claims);
        assert_eq!(world.ask(&question(&world).bearer(&token)).await.status(), status, "{own:?}");
    }
}

#[tokio::test]
async fn the_authorization_scheme_is_case_insensitive_and_the_cookie_is_ignored() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let token = access_token(&session);
    let jane = &world.workos.user("jane").id;
    for header in
        [format!("bearer {token}"), format!("BEARER  {token}"), format!("bEaReR {token} ")]
    {
        let others = asked_by(&world, &world.workos.sign_in("without_organization", None)).await;
        let answer = world.ask(&others.header("authorization", &header)).await;
        assert_eq!(answer.success()["user"]["id"], json!(jane), "{header:.8}");
    }
    for header in [format!("Bearer\t{token}"), "bearer x".to_owned(), "bearer ".to_owned()] {
        let others = asked_by(&world, &world.workos.sign_in("without_organization", None)).await;
        let answer = world.ask(&others.header("authorization", &header)).await;
        assert_eq!((answer.status(), answer.cookies()), (401, vec![]), "{header:.8}");
    }
}

#[tokio::test]
async fn the_cookie_header_counts_if_the_cookie_list_is_unreadable() {
    let world = AuthWorld::start(BINARY).await;
    let session = world.workos.sign_in("jane", None);
    let cookie = sealed(&world.settings, &session).await;
    let pair = format!("{COOKIE}={cookie}");
    let good = question(&world).header("cookie", &pair);
    for (list, status) in [
        (json!(null), 200),
        (json!([]), 200),
        (json!([""]), 200),
        (json!([7, null, {}]), 200),
        (json!(["theme=caf\u{e9}", "a=\u{0}"]), 200),
        (json!([pair]), 200),
        (json!([pair, pair]), 401),
        (json!(["theme=dark"]), 401),
    ] {
        let answer = world.ask(&good.clone().with("/cookies", list.clone())).await;
        assert_eq!(answer.status(), status, "{list}");
    }
}

#[tokio::test]
async fn a_cross_site_request_refreshes_nothing() {
    let world = AuthWorld::start(BINARY).await;
    let navigation = asked_by(&world, &expired(&world)).await.without_header("origin");
    for (site, status) in [("cross-site", 403), ("same-site", 200), ("none", 200)] {
        let answer = world.ask(&navigation.clone().header("sec-fetch-site", site)).await;
        assert_eq!(answer.status(), status, "{site}");
        assert_eq!(answer.cookies().is_empty(), status == 403, "{site}");
    }
    assert_eq!(world.asked(), [AUTHENTICATE], "for the address that was typed");
}

#[tokio::test]
async fn an_unusable_early_refresh_leaves_the_session_unchanged() {
    let changes: [(&str, Change); 6] = [
        ("a user of 3 KB", |answer, _| answer["user"]["first_name"] = json!("J".repeat(3000))),
        ("an unknown key", |answer, world| {
            let mut header = world.workos.header();
            header["kid"] = json!("unknown");
            let claims = claims(access_token(answer));
            answer["access_token"] = json!(world.workos.sign(&header, &claims));
        }),
        ("another session", |answer, world| resign(answer, world, "sid", json!("session_1"))),
        ("not valid yet", |answer, world| resign(answer, world, "nbf", json!(4_000_000_000_u64))),
        ("expired", |answer, world| resign(answer, world, "exp", json!(1))),
        ("another user", |answer, _| answer["user"]["id"] = json!("user_eve")),
    ];
    for (why, change) in changes {
        let world = AuthWorld::start(BINARY).await;
        let session = near_its_end(&world);
        let mut answer = world.workos.sign_in("jane", None);
        resign(&mut answer, &world, "sid", json!(sid(&session)));
        change(&mut answer, &world);
        world.workos.prescribe("/user_management/authenticate", 200, answer);
        let answer = world.ask(&asked_by(&world, &session).await).await;
        assert_eq!(answer.success(), janes(&world, access_token(&session)), "{why}");
        assert_eq!(answer.cookies(), [], "{why}: the cookie is still good");
        assert_eq!(world.asked(), [AUTHENTICATE], "{why}");
    }
}

/// What is done to an answer of WorkOS's.
type Change = fn(&mut Value, &AuthWorld);

/// Changes a claim of the access token in an answer.
fn resign(answer: &mut Value, world: &AuthWorld, name: &str, value: Value) {
    let mut claims = claims(access_token(answer));
    claims[name] = value;
    answer["access_token"] = json!(world.workos.sign(&world.workos.header(), &claims));
}

#[tokio::test]
async fn an_idle_users_session_is_refreshed_although_its_key_is_gone() {
    let world = AuthWorld::start(BINARY).await;
    let session = expired(&world);
    world.workos.rotate_signing_key();
    world.workos.retire_old_signing_key();
    let answer = world.ask(&asked_by(&world, &session).await).await;
    let token = token_in(&world, &answer).await;
    assert_eq!(answer.success(), janes(&world, &token));
}

#[tokio::test]
async fn twenty_requests_with_a_dead_cookie_call_workos_once() {
    let world = AuthWorld::start(BINARY).await;
    let session = expired(&world);
    world.workos.revoke_session(&sid(&session));
    let event = asked_by(&world, &session).await;
    for _ in 0..20 {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 401);
        assert_cleared(&answer, "revoked");
    }
    assert_eq!(world.asked(), [AUTHENTICATE]);
}

#[tokio::test]
async fn a_domain_that_is_newly_configured_signs_nobody_out() {
    let own = [
        ("WORKOS_COOKIE_DOMAIN", "example.com"),
        ("WORKOS_REDIRECT_URI", "https://app.example.com/callback"),
    ];
    let world = AuthWorld::start_with(BINARY, &own).await;
    let answer = world.ask(&asked_by(&world, &expired(&world)).await).await;
    assert_eq!(answer.status(), 200);
    let cookies = answer.cookies();
    let wide = |cookie: &SetCookie| cookie.has("Domain=example.com");
    // In this order: for a domain like `localhost`, the last one counts.
    let [old, new] = &cookies[..] else { panic!("{cookies:?}") };
    assert!(wide(new) && !new.is_cleared(), "{new:?}");
    assert!(!wide(old) && old.is_cleared() && old.name == COOKIE, "{old:?}");
    let next = question(&world).cookie(COOKIE, &new.value);
    assert_eq!(world.ask(&next).await.status(), 200, "the host's own cookie is gone");
}

#[tokio::test]
async fn two_processes_refresh_one_session_at_once_two_hundred_times() {
    let world = AuthWorld::start(BINARY).await;
    let other = Instance::start(BINARY, world.settings.clone()).await.expect("a process");
    for turn in 0..200 {
        let event = asked_by(&world, &expired(&world)).await;
        let (one, two) = tokio::join!(world.ask(&event), Answer::of(&other, &event));
        // Whichever answer comes last, the browser has a good cookie.
        for answer in [one, two] {
            assert_eq!(answer.status(), 200, "{turn}: {}", answer.text());
            let next = question(&world).cookie(COOKIE, &answer.cookie().value);
            let next = world.ask(&next).await;
            assert_eq!((next.status(), next.cookies()), (200, vec![]), "{turn}");
        }
    }
}

#[tokio::test]
async fn the_loser_of_a_race_leaves_the_winners_cookie_alone() {
    let world = AuthWorld::start(BINARY).await;
    let other = Instance::start(BINARY, world.settings.clone()).await.expect("a process");
    let event = asked_by(&world, &expired(&world)).await;
    assert_eq!(Answer::of(&other, &event).await.status(), 200);
    world.workos.end_replays();
    for _ in 0..3 {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 401);
        assert_eq!(answer.cookies(), []);
    }
    assert_eq!(world.asked(), [AUTHENTICATE; 2]);
}

#[tokio::test]
async fn the_documented_event_has_no_session() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("session.json")).await;
    assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()));
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    let session = expired(&world);
    let cookie = sealed(&world.settings, &session).await;
    let answer = world.ask(&question(&world).cookie(COOKIE, &cookie)).await;
    let refreshed = answer.cookie().value;
    let token = token_in(&world, &answer).await;
    assert_eq!(world.ask(&question(&world).bearer(&token)).await.status(), 200);
    let tampered = question(&world).cookie(COOKIE, &cookie[..cookie.len() - 5]);
    assert_eq!(world.ask(&tampered).await.status(), 401);
    assert_eq!(world.ask(&question(&world).header("origin", PAGE)).await.status(), 401);
    let id = world.workos.user("jane").id;
    let organization = world.workos.organization("Example").id;
    let refresh_token = session["refresh_token"].as_str().expect("a token");
    let private = [
        "jane",
        "Jane",
        "Doe",
        &id,
        &organization,
        RECORDING_PERMISSION,
        &sid(&session),
        &cookie,
        &refreshed,
        &token,
        refresh_token,
        access_token(&session),
    ];
    world.logs_nothing_of(4, &private).await;
}

#[tokio::test]
async fn only_a_cookie_that_can_never_be_valid_is_cleared() {
    session_cookies::check(Endpoint { binary: BINARY, kind: Kind::WhoAmI }).await;
}
