//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_testing::sessions::{
    self, COOKIE, access_token, assert_cleared, sealed, sid, with_access_token,
};
use anteroom_testing::suites::session_cookies::{self, Endpoint, Kind};
use anteroom_testing::{Answer, AuthWorld, Event, MALFORMED_EMAILS, malformed_requests};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_switch-organization");

const MEMBER_OF_TWO: &str = "123@gmail.com";

const AUTHENTICATE: &str = "POST /user_management/authenticate";

/// What WorkOS gives to the user of two organizations who signs in to the first.
fn member_of_two(world: &AuthWorld) -> Value {
    world.workos.sign_in("member_of_two", Some("MASADAS"))
}

fn input(world: &AuthWorld, email: &str, organization: &str) -> Value {
    json!({ "email": email, "organizationId": world.workos.organization(organization).id })
}

/// The request of `email` with this session to go over to an organization.
async fn event(world: &AuthWorld, session: &Value, email: &str, organization: &str) -> Event {
    let cookie = sealed(&world.settings, session).await;
    world.event().cookie(COOKIE, &cookie).json(&input(world, email, organization))
}

/// What the session cookie in an answer says of its organization: the sealed part, and the token.
async fn organizations_in(world: &AuthWorld, answer: &Answer) -> (String, Value) {
    let session = sessions::opened(&world.settings, answer).await;
    let claims = jwt::claims(&sessions::token_of(&session)).expect("claims");
    (session.organization_id.expect("an organization").as_str().to_owned(), claims)
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let good = event(&world, &member_of_two(&world), MEMBER_OF_TWO, "TAUNTA SCRE").await;
    for (event, status) in malformed_requests(&good) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_address_or_organization_is_400_and_the_session_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    let cookie = sealed(&world.settings, &member_of_two(&world)).await;
    let refused = async |body: String, field: &str| {
        let event = world.event().cookie(COOKIE, &cookie).body("application/json", &body);
        let answer = world.ask(&event).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 400, "{body}");
        assert!(message.contains(&format!("`{field}`")), "{message} for {body}");
        assert_eq!(answer.cookies(), [], "{body}");
    };
    for email in MALFORMED_EMAILS {
        refused(format!("{{\"email\":{email},\"organizationId\":\"org_1\"}}"), "email").await;
    }
    for organization in ["null", "1", "\"\"", "\"org 1\"", "\"org_1\\u0000\"", "[\"org_1\"]"] {
        let body = format!("{{\"email\":\"{MEMBER_OF_TWO}\",\"organizationId\":{organization}}}");
        refused(body, "organizationId").await;
    }
    refused(format!("{{\"email\":\"{MEMBER_OF_TWO}\"}}"), "organizationId").await;
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn no_session_is_401_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let input = input(&world, MEMBER_OF_TWO, "TAUNTA SCRE");
    for (why, event) in [
        ("nothing at all", world.event()),
        ("an empty cookie", world.event().cookie(COOKIE, "")),
        ("no token", world.event().header("authorization", "Bearer ")),
        ("forged headers", world.event().header("x-workos-session", "session_1")),
    ] {
        let answer = world.ask(&event.json(&input)).await;
        assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()), "{why}");
        assert_eq!(answer.cookies(), [], "{why}: there is nothing to clear");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_cookie_is_401_and_cleared() {
    let world = AuthWorld::start(BINARY).await;
    let input = input(&world, MEMBER_OF_TWO, "TAUNTA SCRE");
    let session = member_of_two(&world);
    let cookie = sealed(&world.settings, &session).await;
    let claims = jwt::claims(access_token(&session)).expect("claims");
    let with_token =
        async |token: &str| sealed(&world.settings, &with_access_token(&session, token)).await;
    let header = world.workos.header();
    let mut eve = claims.clone();
    eve["sub"] = json!("user_eve");
    let foreign = world.workos.sign_foreign(&header, &claims);
    for (why, value) in [
        ("tampered", cookie.replacen("Fe26.2*1*", "Fe26.2*2*", 1)),
        ("shortened", cookie[..cookie.len() - 10].to_owned()),
        ("without its version", cookie.trim_end_matches("~2").to_owned()),
        ("a foreign token", with_token(&foreign).await),
        ("an unsigned token", with_token(&jwt::unsigned(&json!({"alg": "none"}), &claims)).await),
        ("another user's token", with_token(&world.workos.sign(&header, &eve)).await),
    ] {
        let answer = world.ask(&world.event().cookie(COOKIE, &value).json(&input)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_cleared(&answer, why);
    }
    let two = world.event().cookie(COOKIE, &cookie).cookie(COOKIE, &cookie);
    let answer = world.ask(&two.json(&input)).await;
    assert_eq!(answer.refusal().0, 401, "two cookies");
    assert_cleared(&answer, "two cookies");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_bearer_token_cannot_switch_and_the_cookie_is_ignored() {
    let world = AuthWorld::start(BINARY).await;
    let session = member_of_two(&world);
    let good = event(&world, &session, MEMBER_OF_TWO, "TAUNTA SCRE").await;
    for event in [
        world
            .event()
            .json(&input(&world, MEMBER_OF_TWO, "TAUNTA SCRE"))
            .bearer(access_token(&session)),
        good.clone().bearer(access_token(&session)),
        good.bearer("token"),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 401);
        assert_eq!(answer.cookies(), [], "the cookie was not looked at");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn somebody_elses_address_is_403_and_the_session_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    for email in ["jane.doe@example.com", "nobody@example.com", "123@gmail.com.evil.example"] {
        let event = event(&world, &member_of_two(&world), email, "TAUNTA SCRE").await;
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 403, "{email}");
        assert_eq!(answer.cookies(), [], "{email}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_organization_where_the_user_may_not_act_is_403_and_the_session_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    let consultant = world.workos.sign_in("consultant", Some("Example"));
    let email = "consultant@example.com";
    for (organization, what) in [
        ("MASADAS", "organization that you belong to"),
        ("Sso Example", "single sign-on"),
        ("Mfa Example", "two-factor"),
    ] {
        let is_hosted = organization == "Mfa Example";
        let event = event(&world, &consultant, email, organization).await;
        let answer = world.ask(&event).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 403, "{organization}");
        assert!(message.contains(what), "{message}");
        assert_eq!(answer.next().is_some(), is_hosted, "{organization}");
        assert_eq!(answer.cookies(), [], "{organization}");
    }
    let mut unknown = input(&world, email, "Example");
    unknown["organizationId"] = json!("org_01MADEUP");
    let event = event(&world, &consultant, email, "Example").await.json(&unknown);
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal().0, 403, "one that there is not");
    assert_eq!(answer.cookies(), []);
    assert!(world.workos.has_session(&sid(&consultant)));
}

#[tokio::test]
async fn a_session_that_workos_has_ended_is_401_and_the_cookie_is_cleared() {
    let world = AuthWorld::start(BINARY).await;
    let session = member_of_two(&world);
    world.workos.revoke_session(&sid(&session));
    let answer = world.ask(&event(&world, &session, MEMBER_OF_TWO, "TAUNTA SCRE").await).await;
    assert_eq!(answer.refusal().0, 401);
    assert_cleared(&answer, "revoked");

    world.workos.set_access_token_seconds(-60);
    let expired = member_of_two(&world);
    world.workos.revoke_session(&sid(&expired));
    let answer = world.ask(&event(&world, &expired, MEMBER_OF_TWO, "TAUNTA SCRE").await).await;
    assert_eq!(answer.refusal().0, 401);
    assert_cleared(&answer, "expired and revoked");
}

#[tokio::test]
async fn a_rejection_that_does_not_end_the_session_keeps_the_cookie() {
    for (sent, error, description, status) in [
        (400, "invalid_grant", "Refresh token already exchanged.", 401),
        (400, "expired_token", "Too old.", 401),
        (400, "organization_membership_not_found", "No member.", 403),
        (400, "mfa_enrollment", "Enroll first.", 403),
        (422, "invalid_request_parameters", "organization_id is malformed.", 403),
    ] {
        let body = json!({ "error": error, "error_description": description });
        let world = AuthWorld::start(BINARY).await;
        let event = event(&world, &member_of_two(&world), MEMBER_OF_TWO, "TAUNTA SCRE").await;
        world.workos.prescribe("/user_management/authenticate", sent, body);
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{error}");
        assert_eq!(answer.cookies(), [], "{error}");
    }
}

#[tokio::test]
async fn a_user_admitted_after_a_rejection_can_switch_at_once() {
    let world = AuthWorld::start(BINARY).await;
    let session = member_of_two(&world);
    let event = event(&world, &session, MEMBER_OF_TWO, "Example").await;
    assert_eq!(world.ask(&event).await.refusal().0, 403);
    world.workos.add_member("Example", "member_of_two");
    assert_eq!(world.ask(&event).await.status(), 200);
}

#[tokio::test]
async fn an_outage_never_signs_anybody_out_and_the_session_is_kept() {
    let world = AuthWorld::start(BINARY).await;
    let session = member_of_two(&world);
    let event = event(&world, &session, MEMBER_OF_TWO, "TAUNTA SCRE").await;
    let limit = (Fault::Limiting { retry_after: Some(9) }, 503);
    for (fault, status) in sessions::refresh_outages().chain([limit]) {
        world.workos.inject(fault.on("/user_management/authenticate"));
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}");
        let wait = (fault == limit.0).then_some("9");
        assert_eq!(answer.header("retry-after"), wait, "{fault:?}");
        world.workos.clear_faults();
    }
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn an_outage_keeps_an_expired_session_too() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.set_access_token_seconds(-60);
    let session = member_of_two(&world);
    world.workos.set_access_token_seconds(300);
    let event = event(&world, &session, MEMBER_OF_TWO, "TAUNTA SCRE").await;
    world.workos.stop().await;
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal().0, 503);
    assert_eq!(answer.cookies(), []);
    world.workos.restart().await.expect("the same port");
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_refresh_into_another_organization_is_502() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.misplace_refreshes("MASADAS");
    let answer =
        world.ask(&event(&world, &member_of_two(&world), MEMBER_OF_TWO, "TAUNTA SCRE").await).await;
    assert_eq!(answer.refusal().0, 502);
    assert_eq!(answer.cookies(), [], "what came back is not sent to the browser");
}

#[tokio::test]
async fn switching_returns_the_user_and_the_session_in_that_organization() {
    let world = AuthWorld::start(BINARY).await;
    let session = member_of_two(&world);
    let event = event(&world, &session, "123@GMAIL.com", "TAUNTA SCRE").await;
    let answer = world.ask(&event).await;

    let expected = json!({"user": {
        "id": world.workos.user("member_of_two").id, "email": MEMBER_OF_TWO,
        "firstName": "Chris", "lastName": "Chooser",
    }});
    assert_eq!(answer.success(), expected);
    let id = world.workos.organization("TAUNTA SCRE").id;
    let (organization, claims) = organizations_in(&world, &answer).await;
    assert_eq!(organization, id);
    assert_eq!(claims["org_id"], json!(id));
    assert_eq!(claims["sid"], json!(sid(&session)), "it is the same session");

    assert_eq!(world.asked(), [AUTHENTICATE]);
    let sent = world.last_sent();
    assert_eq!(sent["ip_address"], "203.0.113.7");
    assert_eq!(sent["user_agent"], "Mozilla/5.0");
    assert_eq!(sent["grant_type"], "refresh_token");
    assert_eq!(sent["refresh_token"], session["refresh_token"]);
    assert_eq!(sent["organization_id"], json!(id));
}

#[tokio::test]
async fn two_requests_with_the_same_cookie_both_succeed() {
    let world = AuthWorld::start(BINARY).await;
    let event = event(&world, &member_of_two(&world), MEMBER_OF_TWO, "TAUNTA SCRE").await;
    assert_eq!(world.ask(&event).await.status(), 200);
    assert_eq!(world.ask(&event).await.status(), 200);
    assert_eq!(world.asked(), [AUTHENTICATE], "the refresh token is spent once");
}

#[tokio::test]
async fn an_expired_session_is_refreshed_within_the_request_and_sets_one_cookie() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.set_access_token_seconds(-60);
    let session = member_of_two(&world);
    world.workos.set_access_token_seconds(300);
    let answer = world.ask(&event(&world, &session, MEMBER_OF_TWO, "TAUNTA SCRE").await).await;
    assert_eq!(answer.success()["user"]["email"], MEMBER_OF_TWO);
    let id = world.workos.organization("TAUNTA SCRE").id;
    assert_eq!(organizations_in(&world, &answer).await.0, id);
    assert_eq!(world.asked(), [AUTHENTICATE, AUTHENTICATE]);
}

#[tokio::test]
async fn a_session_close_to_expiry_stays_valid_if_the_early_refresh_fails() {
    let world = AuthWorld::start(BINARY).await;
    let session = sessions::session_near_its_end(&world.workos, "member_of_two", Some("MASADAS"));
    let event = event(&world, &session, MEMBER_OF_TWO, "TAUNTA SCRE").await;
    // An early refresh is tried again at once, and then no more.
    world.workos.inject(Fault::Failing(500).on("/user_management/authenticate").times(2));
    let answer = world.ask(&event).await;
    assert_eq!(answer.success()["user"]["email"], MEMBER_OF_TWO, "the early refresh failed");
    assert_eq!(world.asked(), [AUTHENTICATE; 3]);
}

#[tokio::test]
async fn a_rejection_also_carries_the_refreshed_session() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.set_access_token_seconds(-60);
    let session = member_of_two(&world);
    world.workos.set_access_token_seconds(300);
    let answer = world.ask(&event(&world, &session, "eve@example.com", "TAUNTA SCRE").await).await;
    assert_eq!(answer.refusal().0, 403);
    let id = world.workos.organization("MASADAS").id;
    assert_eq!(organizations_in(&world, &answer).await.0, id, "the one before is spent");
}

#[tokio::test]
async fn the_documented_event_has_no_session() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("switch-organization.json")).await;
    assert_eq!(answer.refusal().0, 401);
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    let session = member_of_two(&world);
    let cookie = sealed(&world.settings, &session).await;
    let good = world.event().cookie(COOKIE, &cookie);
    let answer = world.ask(&good.clone().json(&input(&world, MEMBER_OF_TWO, "TAUNTA SCRE"))).await;
    let refreshed = answer.cookie().value;
    let wrong = good.json(&input(&world, "eve@example.com", "TAUNTA SCRE"));
    assert_eq!(world.ask(&wrong).await.status(), 403);
    let tampered = world.event().cookie(COOKIE, &cookie[..cookie.len() - 5]);
    let tampered = tampered.json(&input(&world, MEMBER_OF_TWO, "TAUNTA SCRE"));
    assert_eq!(world.ask(&tampered).await.status(), 401);
    let refresh_token = session["refresh_token"].as_str().expect("a token");
    let private = ["Chris", "eve@", &cookie, &refreshed, refresh_token, access_token(&session)];
    world.logs_nothing_of(3, &private).await;
}

#[tokio::test]
async fn only_a_cookie_that_can_never_be_valid_is_cleared() {
    session_cookies::check(Endpoint { binary: BINARY, kind: Kind::Switch }).await;
}
