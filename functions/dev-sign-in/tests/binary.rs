//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::faults::Fault;
use anteroom_testing::{AuthWorld, Event, OUTAGES, PAGE, malformed_requests};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_dev-sign-in");

const AS_JANE: (&str, &str) = ("DEV_SIGN_IN_EMAIL", "jane.doe@example.com");

/// A stage in which there may be a developer.
const DEV: (&str, &str) = ("STAGE", "dev");

const SEND: &str = "POST /user_management/magic_auth";

const AUTHENTICATE: &str = "POST /user_management/authenticate";

#[tokio::test]
async fn it_is_404_unless_an_address_and_a_nonproduction_stage_are_set() {
    // Production starts with TLS only.
    let prod = [
        ("STAGE", "prod"),
        ("ALLOWED_ORIGINS", "https://app.example.com"),
        ("WORKOS_REDIRECT_URI", "https://app.example.com/callback"),
        ("WORKOS_LOGOUT_RETURN_TO", ""),
    ];
    let in_production = |own: &[(&'static str, &'static str)]| [own, &prod].concat();
    for own in [
        vec![],
        vec![DEV],
        vec![AS_JANE],
        vec![AS_JANE, ("STAGE", "")],
        in_production(&[]),
        in_production(&[AS_JANE, DEV]),
        in_production(&[("DEV_SIGN_IN_EMAIL", "no address")]),
    ] {
        let page = own.iter().find(|(name, _)| *name == "ALLOWED_ORIGINS");
        let page = page.map_or(PAGE, |(_, page)| page);
        let world = AuthWorld::start_with(BINARY, &own).await;
        for event in [world.event(), world.event().json(&json!({"email": AS_JANE.1}))] {
            let answer = world.ask(&event.header("origin", page)).await;
            assert_eq!(answer.refusal(), (404, "Not found".to_owned()), "{own:?}");
            assert_eq!(answer.cookies(), [], "{own:?}");
        }
        assert_eq!(world.asked(), [""; 0], "{own:?}");
    }
}

#[tokio::test]
async fn an_invalid_address_or_stage_stops_it_at_start() {
    for (name, value) in [("DEV_SIGN_IN_EMAIL", "hunter2"), ("STAGE", "hunter2")] {
        let environment = [AS_JANE, DEV, ("ALLOWED_ORIGINS", PAGE), (name, value)].to_vec();
        let Err(StartError::Refused { logs, .. }) = Instance::start(BINARY, environment).await
        else {
            panic!("it started");
        };
        assert!(logs.iter().any(|line| line.contains(name)), "{logs:?}");
        assert!(!logs.iter().any(|line| line.contains("hunter2")), "{logs:?}");
    }
}

#[tokio::test]
async fn production_without_tls_stops_it_at_start() {
    let environment = [AS_JANE, ("STAGE", "prod"), ("ALLOWED_ORIGINS", PAGE)];
    let Err(StartError::Refused { logs, .. }) = Instance::start(BINARY, environment).await else {
        panic!("it started");
    };
    assert!(logs.iter().any(|line| line.contains("ALLOWED_ORIGINS")), "{logs:?}");
    assert!(!logs.iter().any(|line| line.contains(PAGE)), "{logs:?}");
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_workos_is_not_called() {
    let world = AuthWorld::start_with(BINARY, &[AS_JANE, DEV]).await;
    for (event, status) in malformed_requests(&world.event()) {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_required_step_is_403() {
    for address in ["unverified@example.com", "challenged@example.com", "someone@sso.example.com"] {
        let world = AuthWorld::start_with(BINARY, &[("DEV_SIGN_IN_EMAIL", address), DEV]).await;
        let answer = world.ask(&world.event()).await;
        assert_eq!(answer.refusal().0, 403, "{address}");
        assert_eq!(answer.cookies(), [], "{address}");
    }
}

#[tokio::test]
async fn an_outage_is_reported_as_one() {
    let world = AuthWorld::start_with(BINARY, &[AS_JANE, DEV]).await;
    world.workos.lift_limits();
    for path in ["/user_management/magic_auth", "/user_management/authenticate"] {
        let limit = (Fault::Limiting { retry_after: Some(9) }, 429);
        for (fault, status) in OUTAGES.into_iter().chain([limit]) {
            world.workos.inject(fault.on(path));
            let answer = world.ask(&world.event()).await;
            assert_eq!(answer.refusal().0, status, "{fault:?} of {path}");
            assert_eq!(answer.cookies(), [], "{fault:?} of {path}");
            world.workos.clear_faults();
        }
    }
    assert_eq!(world.ask(&world.event()).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn the_developer_gets_a_real_session() {
    for stage in ["dev", "staging"] {
        let world = AuthWorld::start_with(BINARY, &[AS_JANE, ("STAGE", stage)]).await;
        let event = world.event().json(&json!({"email": "eve@example.com"}));
        let answer = world.ask(&event).await;
        let id = world.workos.user("jane").id;
        assert_eq!(answer.success(), json!({"user": {"id": id, "email": AS_JANE.1}}));
        let cookie = answer.cookie();
        assert_eq!(cookie.name, "wos-session");
        assert!(cookie.value.starts_with("Fe26.2*") && cookie.value.ends_with("~2"));
        assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Lax"]);
        assert_eq!(world.asked(), [SEND, AUTHENTICATE], "through the API, as everybody");
        let code = world.workos.magic_code_for(AS_JANE.1).expect("a code");
        assert!(!answer.text().contains(&code));
    }
}

#[tokio::test]
async fn a_developer_in_several_organizations_enters_the_first() {
    let own = [("DEV_SIGN_IN_EMAIL", "123@gmail.com"), DEV];
    let world = AuthWorld::start_with(BINARY, &own).await;
    let answer = world.ask(&world.event()).await;
    assert_eq!(answer.success()["user"]["email"], "123@gmail.com");
    assert_eq!(answer.cookie().name, "wos-session");
    assert_eq!(world.asked(), [SEND, AUTHENTICATE, AUTHENTICATE]);
    let first = world.workos.organization("MASADAS").id;
    assert_eq!(world.last_sent()["organization_id"], json!(first));
    let callers = world.workos.callers();
    assert_eq!(callers.len(), 2, "the code, and the organization");
    for caller in callers {
        assert_eq!(caller.ip_address, "203.0.113.7".parse().ok(), "{}", caller.grant_type);
        assert_eq!(caller.user_agent.as_deref(), Some("Mozilla/5.0"), "{}", caller.grant_type);
    }
}

#[tokio::test]
async fn the_documented_event_gets_the_expected_response() {
    let world = AuthWorld::start_with(BINARY, &[AS_JANE, DEV]).await;
    let answer = world.ask(&Event::documented("dev-sign-in.json")).await;
    assert_eq!(answer.success()["user"]["email"], AS_JANE.1);
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start_with(BINARY, &[AS_JANE, DEV]).await;
    let cookie = world.ask(&world.event()).await.cookie().value;
    let code = world.workos.magic_code_for(AS_JANE.1).expect("a code");
    world.workos.inject(Fault::Refusing);
    assert_eq!(world.ask(&world.event()).await.status(), 502);
    world.logs_nothing_of(2, &["jane", "Jane", &code, &cookie]).await;
}
