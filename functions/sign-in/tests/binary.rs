//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom::clock::Clock;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::workos::{Organization, User, WorkOs};
use anteroom_testing::mistakes::invalid_invitation_tokens;
use anteroom_testing::suites::addresses::{AddressEndpoint, email};
use anteroom_testing::{AuthWorld, Event, MALFORMED_EMAILS, OUTAGES, malformed_requests};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_sign-in");

const JANE: &str = "jane.doe@example.com";

const ENDPOINT: AddressEndpoint =
    AddressEndpoint { binary: BINARY, address: JANE, success: magic_auth };

anteroom_testing::magic_codes_suite!(ENDPOINT);

fn magic_auth() -> Value {
    json!({"authData": {"authMethod": "magic_auth"}})
}

fn bad_request() -> (u64, String) {
    (400, "Bad request".to_owned())
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    for (event, status) in malformed_requests(&world.event().json(&email(JANE))) {
        let refusal = world.ask(&event).await.refusal();
        assert_eq!(refusal.0, status, "{event:?}");
        assert!(status != 400 || refusal == bad_request(), "{refusal:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_address_is_400_bad_request_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let bodies = MALFORMED_EMAILS.map(|email| format!("{{\"email\":{email}}}"));
    for body in bodies.iter().map(String::as_str).chain(["", "{}", "{\"mail\":\"a@b.example\"}"]) {
        let answer = world.ask(&world.event().body("application/json", body)).await;
        assert_eq!(answer.refusal(), bad_request(), "{body}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_invitation_is_400_bad_request_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    for invitation in invalid_invitation_tokens() {
        let answer = world.post(&json!({"email": JANE, "invitationToken": invitation})).await;
        assert_eq!(answer.refusal(), bad_request(), "{invitation}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invitation_is_passed_along_with_the_code_or_the_redirect() {
    let world = AuthWorld::start(BINARY).await;
    let invitation = world.workos.invite(JANE, "MASADAS");
    let answer = world.post(&json!({"email": JANE, "invitationToken": invitation})).await;
    assert_eq!(answer.success(), magic_auth());
    let sent = world.last_sent();
    assert_eq!(sent["invitation_token"], json!(invitation));
    assert!(sent.get("ip_address").is_none() && sent.get("user_agent").is_none(), "{sent}");

    let someone = json!({"email": "someone@sso.example.com", "invitationToken": "inv_token_1"});
    let body = world.post(&someone).await.success();
    let url = body["authData"]["redirectURL"].as_str().expect("an address");
    assert!(url.contains("invitation_token=inv_token_1"), "{url}");

    let unknown = json!({"email": JANE, "invitationToken": "inv_unknown"});
    let answer = world.post(&unknown).await;
    assert_eq!((answer.refusal().0, answer.next()), (403, None));
}

#[tokio::test]
async fn a_security_check_before_the_code_leads_to_the_hosted_page() {
    let world = AuthWorld::start(BINARY).await;
    let body = json!({"code": "radar_challenge", "message": "No."});
    world.workos.prescribe(MAGIC_AUTH, 403, body);
    let answer = world.post(&email(JANE)).await;
    assert_eq!(answer.refusal().0, 403);
    assert!(answer.next().is_some());
}

#[tokio::test]
async fn an_address_without_an_account_is_400_bad_request_and_gets_neither_code_nor_account() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&email("nobody@example.com")).await;
    assert_eq!(answer.refusal(), bad_request());
    assert!(!world.asked().contains(&"POST /user_management/magic_auth".to_owned()));
    assert!(!world.workos.has_user("nobody@example.com"));
}

#[tokio::test]
async fn with_concealed_accounts_both_kinds_of_address_get_the_same_response() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    let known = world.post(&email(JANE)).await;
    let asked = Clock::system().now();
    let unknown = world.post(&email("nobody@example.com")).await;
    let took = Clock::system().now().since(asked);
    assert!(took >= Duration::from_secs(2), "sending a code takes longer");
    assert_eq!(unknown.success(), json!({"authData": {"authMethod": "magic_auth"}}));
    assert_eq!(unknown.text(), known.text());
    assert!(!world.workos.has_user("nobody@example.com"), "there is no account of it");
    assert_eq!(world.workos.magic_code_for("nobody@example.com"), None);
}

/// What WorkOS may say about an address that has an account, and of no other: none of it may show.
const REVEALING: [fn(&WorkOs); 9] = [
    |_| {},
    |workos| workos.inject(Fault::Limiting { retry_after: Some(9) }.on(MAGIC_AUTH)),
    |workos| workos.inject(Fault::Failing(500).on(MAGIC_AUTH)),
    |workos| workos.inject(Fault::Down.on(MAGIC_AUTH)),
    |workos| workos.inject(Fault::GatewayPage.on(MAGIC_AUTH)),
    |workos| workos.inject(Fault::Garbage.on(MAGIC_AUTH)),
    |workos| workos.inject(Fault::Refusing.on(MAGIC_AUTH)),
    |workos| {
        let error = "authentication_method_not_allowed";
        workos.prescribe(MAGIC_AUTH, 400, json!({"error": error, "error_description": "No."}));
    },
    // Slower than a concealed answer waits.
    |workos| workos.inject(Fault::Slow(Duration::from_secs(3)).on(MAGIC_AUTH)),
];

const MAGIC_AUTH: &str = "/user_management/magic_auth";

#[tokio::test]
async fn with_concealed_accounts_no_response_from_workos_reveals_who_has_one() {
    let mut cases = JoinSet::new();
    for (index, prepare) in REVEALING.into_iter().enumerate() {
        cases.spawn(async move {
            let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
            prepare(&world.workos);
            let known = world.post(&email(JANE)).await;
            let unknown = world.post(&email("nobody@example.com")).await;
            assert_eq!(known.success(), magic_auth(), "case {index}");
            assert_eq!(format!("{known:?}"), format!("{unknown:?}"), "case {index}");
        });
    }
    cases.join_all().await;
}

#[tokio::test]
async fn a_failed_lookup_is_an_outage_for_both_kinds_of_address() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    for path in ["/organizations", "/user_management/users"] {
        for (fault, status) in OUTAGES {
            world.workos.inject(fault.on(path));
            for address in [JANE, "nobody@example.com"] {
                let answer = world.post(&email(address)).await;
                assert_eq!(answer.refusal().0, status, "{fault:?} of {path}");
            }
            world.workos.clear_faults();
        }
    }
}

#[tokio::test]
async fn a_concealed_response_does_not_wait_for_workos_but_the_next_request_does() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    world.workos.inject(Fault::Slow(Duration::from_millis(3_500)).on("/user_management/users"));
    let answer = world.post(&email(JANE)).await;
    assert_eq!(answer.success(), magic_auth());
    assert_eq!(world.workos.magic_code_for(JANE), None, "WorkOS has not answered yet");
    // Lambda freezes whatever goes on after the answer. So the next request is asked for later.
    assert_eq!(world.post(&email("no address")).await.status(), 400);
    assert!(world.workos.magic_code_for(JANE).is_some(), "the work was done nevertheless");
}

#[tokio::test]
async fn single_sign_on_is_not_concealed() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    for address in ["someone@sso.example.com", "nobody@sso.example.com"] {
        let answer = world.post(&email(address)).await;
        assert_eq!(answer.success()["authData"]["authMethod"], "sso", "{address}");
    }
}

#[tokio::test]
async fn a_rejection_by_workos_keeps_its_meaning_even_if_it_is_new() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.lift_limits();
    let code = |code: &str| json!({"code": code, "message": ["No.", "Not like this."]});
    for (status, body, expected) in [
        (400, code("email_domain_not_deliverable"), 400),
        (400, code("something_new"), 400),
        (403, code("something_new"), 403),
        (403, code("radar_email_challenge"), 403),
        (403, code("radar_sms_sign_in_challenge"), 403),
        (400, json!({"code": "sign_up_not_allowed", "error": "Bad Request"}), 403),
        (400, json!({"error": "sign_up_not_allowed", "message": ["No."]}), 403),
        (400, json!({"message": ["No."], "error": "Bad Request", "statusCode": 400}), 502),
        (200, json!("a page"), 502),
        (202, json!({}), 502),
    ] {
        world.workos.prescribe(MAGIC_AUTH, status, body.clone());
        let answer = world.post(&email(JANE)).await;
        assert_eq!(answer.refusal().0, expected, "{status} {body}");
    }
    let logs = world.stop().await;
    assert!(logs.contains("received an unknown error code"), "{logs}");
    assert!(logs.contains("\"code\":\"something_new\""), "{logs}");
    assert!(logs.contains("\"Outcome\":\"unexpected\""), "{logs}");
    assert!(!logs.contains("Not like this"), "{logs}");
}

#[tokio::test]
async fn a_domain_that_workos_rejects_has_no_organization() {
    let world = AuthWorld::start(BINARY).await;
    for status in [400, 422] {
        let body = json!({"code": "invalid_request_parameters", "message": ["domains is invalid"]});
        world.workos.prescribe("/organizations", status, body);
        assert_eq!(world.post(&email(JANE)).await.success(), magic_auth(), "{status}");
    }
}

#[tokio::test]
async fn odd_entries_of_a_list_are_skipped() {
    let world = AuthWorld::start(BINARY).await;
    let jane = json!({"id": world.workos.user("jane").id, "email": JANE, "last_sign_in_at": null});
    let odd = json!([null, 17, {"id": 1}, {"email": JANE}, jane]);
    world.workos.prescribe("/user_management/users", 200, json!({ "data": odd }));
    assert_eq!(world.post(&email(JANE)).await.success(), magic_auth());
    // Anything but a list says nothing about anybody.
    for body in [json!({}), json!({"data": null}), json!({"data": {}}), json!([])] {
        world.workos.prescribe("/user_management/users", 200, body.clone());
        assert_eq!(world.post(&email(JANE)).await.refusal().0, 502, "{body}");
    }

    let organization = world.workos.organization("Sso Example");
    let connection = &organization.connections[0].id;
    let domains = json!([null, {"domain": 1}, {"domain": "sso.example.com", "state": "verified"}]);
    let organizations = json!([
        {"id": "org_1", "domains": null},
        {"id": "org_2", "name": null, "domains": "none"},
        {"name": "none"},
        {"id": organization.id, "name": 7, "domains": domains},
    ]);
    let connections = json!([
        {"id": "conn_1", "organization_id": organization.id},
        {"id": "conn_2", "organization_id": null, "state": "active"},
        {"organization_id": organization.id, "state": "active"},
        {"id": connection, "organization_id": organization.id, "state": "active"},
    ]);
    world.workos.prescribe("/organizations", 200, json!({ "data": organizations }));
    world.workos.prescribe("/connections", 200, json!({ "data": connections }));
    let answer = world.post(&email("someone@sso.example.com")).await;
    let url = answer.success()["authData"]["redirectURL"].as_str().expect("an address").to_owned();
    assert!(url.contains(&format!("connection_id={connection}&")), "{url}");
}

#[tokio::test]
async fn json_that_javascript_accepts_is_accepted() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.lift_limits();
    let id = world.workos.organization("Sso Example").id;
    let deep = "[".repeat(500) + &"]".repeat(500);
    let domain = r#"[{"domain":"sso.example.com","state":"verified"}]"#;
    let jane = world.workos.user("jane").id;
    for odd in [r#""A \ud83d""#, "1e400", deep.as_str(), "null"] {
        let organization = format!(r#"{{"id":"{id}","name":{odd},"domains":{domain},"x":{odd}}}"#);
        let list = format!(r#"{{"data":[{odd},{organization}],"list_metadata":{odd},"x":{odd}}}"#);
        world.workos.prescribe("/organizations", 200, &list);
        let answer = world.post(&email("someone@sso.example.com")).await;
        assert_eq!(answer.success()["authData"]["authMethod"], "sso", "{odd}");

        let user = format!(
            r#"{{"id":"{jane}","email":"{JANE}","first_name":{odd},"metadata":{{"a":{odd}}}}}"#
        );
        world.workos.prescribe(
            "/user_management/users",
            200,
            format!(r#"{{"data":[{user}],"list_metadata":{{"after":{odd}}}}}"#),
        );
        // Where there seems to be a next page, it is asked for.
        assert_eq!(world.post(&email(JANE)).await.success(), magic_auth(), "{odd}");
    }
}

#[tokio::test]
async fn a_domain_that_a_hundred_organizations_verified_takes_a_few_calls() {
    let world = AuthWorld::start(BINARY).await;
    let organization = |number: usize| Organization::new(&format!("Shared {number:03}"));
    for number in 0..100 {
        let shared = organization(number).with_domain("shared.example");
        world.workos.add_organization(shared);
    }
    world.workos.add_user(User::new("sharer", "sharer@shared.example"));
    assert_eq!(world.post(&email("sharer@shared.example")).await.success(), magic_auth());
    let asked = world.asked();
    assert!(asked.len() <= 5, "{asked:?}");

    // WorkOS lists the newest first: the hundred-and-first is on the second page.
    let mut all: Vec<_> =
        (0..100).map(|number| organization(number).with_connection(false)).collect();
    all.insert(0, organization(100).with_connection(true));
    let claimed = organization(101).with_pending_domain("many.example").with_connection(true);
    world.workos.add_organization(claimed);
    for organization in all {
        world.workos.add_organization(organization.with_domain("many.example"));
    }
    world.workos.forget_requests();
    let answer = world.post(&email("sharer@many.example")).await;
    let url = answer.success()["authData"]["redirectURL"].as_str().expect("an address").to_owned();
    let connection = &world.workos.organization("Shared 100").connections[0].id;
    assert!(url.contains(&format!("connection_id={connection}&")), "{url}");
    let asked = world.asked();
    assert!(asked.len() <= 5, "{asked:?}");
}

#[tokio::test]
async fn lookalike_addresses_belong_to_different_people() {
    let world = AuthWorld::start(BINARY).await;
    for (asked, own) in [
        ("ban\u{212a}@example.com", "bank@example.com"),
        ("\u{131}ris@example.com", "iris@example.com"),
        ("\u{130}van@example.com", "ivan@example.com"),
        ("stra\u{df}e@example.com", "strasse@example.com"),
        ("jane@\u{ff45}xample.com", "jane@example.com"),
        ("jane@ban\u{212a}.example", "jane@bank.example"),
    ] {
        world.workos.add_user(User::new(own, own));
        assert_eq!(world.post(&email(asked)).await.refusal(), bad_request(), "{asked:?}");
        assert_eq!(world.workos.magic_code_for(own), None, "{own}");
    }
}

#[tokio::test]
async fn a_verified_domain_is_the_same_in_unicode_and_in_ascii() {
    let world = AuthWorld::start(BINARY).await;
    let organization = Organization::new("Books").with_domain("xn--bcher-kva.example");
    world.workos.add_organization(organization.with_connection(true));
    for address in ["jane@bücher.example", "jane@XN--BCHER-KVA.example"] {
        let answer = world.post(&email(address)).await;
        assert_eq!(answer.success()["authData"]["authMethod"], "sso", "{address}");
    }
}

#[tokio::test]
async fn a_slow_request_ends_after_ten_seconds() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.inject(Fault::Slow(Duration::from_secs(20)));
    let input = email(JANE);
    // Ten seconds, and some for a machine that is busy.
    let answer = tokio::time::timeout(Duration::from_secs(12), world.post(&input)).await;
    assert_eq!(answer.expect("an answer in time").refusal().0, 503);
}

#[tokio::test]
async fn an_unverified_domain_or_an_inactive_connection_means_a_code() {
    let world = AuthWorld::start(BINARY).await;
    for address in ["pending@pending.example.com", "inactive@inactive.example.com"] {
        let answer = world.post(&email(address)).await;
        assert_eq!(answer.success(), json!({"authData": {"authMethod": "magic_auth"}}));
        assert!(world.workos.magic_code_for(address).is_some());
    }
}

#[tokio::test]
async fn an_existing_user_gets_a_code_that_the_caller_does_not_see() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&json!({"email": "Jane.Doe@Example.com", "unknown": [1]})).await;
    assert_eq!(answer.success(), json!({"authData": {"authMethod": "magic_auth"}}));
    assert_eq!(answer.cookies(), []);
    let asked =
        ["GET /organizations", "GET /user_management/users", "POST /user_management/magic_auth"];
    assert_eq!(world.asked(), asked);
    assert_eq!(world.last_sent(), email(JANE), "in small letters");
    assert!(world.workos.magic_code_for(JANE).is_some());
}

#[tokio::test]
async fn an_sso_user_is_sent_to_their_identity_provider_with_state_and_pkce() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.post(&email("someone@sso.example.com")).await;

    let data = &answer.success()["authData"];
    assert_eq!(data.as_object().map(serde_json::Map::len), Some(3), "{data}");
    assert_eq!(data["authMethod"], "sso");
    let (url, state) = (data["redirectURL"].as_str(), data["state"].as_str());
    let (url, state) = (url.expect("an address"), state.expect("a state"));
    assert!(url.starts_with(&format!("{}/user_management/authorize?", world.workos.url())));
    let connection = &world.workos.organization("Sso Example").connections[0].id;
    for parameter in [
        format!("connection_id={connection}"),
        format!("state={state}"),
        format!("client_id={}", world.workos.client_id()),
        "login_hint=someone%40sso.example.com".to_owned(),
        "code_challenge_method=S256".to_owned(),
        "response_type=code".to_owned(),
    ] {
        assert!(url.contains(&parameter), "{parameter} is not in {url}");
    }
    assert!(url.contains("code_challenge="), "{url}");

    let cookie = answer.cookie();
    assert!(cookie.name.starts_with("wos-sign-in-"), "{cookie:?}");
    assert!(cookie.value.starts_with("Fe26.2*") && cookie.has("Max-Age=600"), "{cookie:?}");
    assert!(!cookie.value.contains(state));
    assert_eq!(world.asked(), ["GET /organizations", "GET /connections"], "no code is sent");
}

#[tokio::test]
async fn the_sign_in_cookie_is_host_only_if_the_page_has_tls() {
    let own = [("WORKOS_REDIRECT_URI", "https://app.example.com/callback")];
    let world = AuthWorld::start_with(BINARY, &own).await;
    let first = world.post(&email("someone@sso.example.com")).await;
    let cookie = first.cookie();
    assert!(cookie.name.starts_with("__Host-wos-sign-in-"), "{cookie:?}");
    let attributes = ["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(cookie.attributes, attributes);

    let again = world.event().json(&email("someone@sso.example.com"));
    let second = world.ask(&again.cookie(&cookie.name, &cookie.value)).await;
    assert_ne!(second.success()["authData"]["state"], first.success()["authData"]["state"]);
    assert_ne!(second.cookie().name, cookie.name, "one for each tab, and the first is kept");
}

#[tokio::test]
async fn every_documented_event_gets_the_expected_response() {
    let world = AuthWorld::start(BINARY).await;
    for (file, method) in [("sign-in.json", "magic_auth"), ("sign-in.sso.json", "sso")] {
        let answer = world.ask(&Event::documented(file)).await;
        assert_eq!(answer.success()["authData"]["authMethod"], method, "{file}");
    }
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    assert_eq!(world.post(&email(JANE)).await.status(), 200);
    let sso = world.post(&email("someone@sso.example.com")).await;
    assert_eq!(world.post(&email("nobody@example.com")).await.status(), 400);
    assert_eq!(world.post(&email("not an address, but secret")).await.status(), 400);
    world.workos.inject(Fault::Failing(500));
    assert_eq!(world.post(&email(JANE)).await.status(), 503);
    let code = world.workos.magic_code_for(JANE).expect("a code");
    let state = sso.success()["authData"]["state"].as_str().expect("a state").to_owned();
    world.logs_nothing_of(5, &["jane", "nobody", "secret", &code, &state]).await;
}
