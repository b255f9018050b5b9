//! The real binary under a Lambda Runtime API, with real events. Denials first.

use anteroom::api::{self, Request};
use anteroom::clock::Clock;
use anteroom::settings::Settings;
use anteroom::workos::{Email, MagicCode, SignIns, WorkOs};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::workos::{Organization, User};
use anteroom_testing::{Answer, AuthWorld, Event, OUTAGES, SetCookie, malformed_requests};
use serde_json::{Map, Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_select-organization");

const MEMBER_OF_TWO: &str = "123@gmail.com";

const AUTHENTICATE: &str = "POST /user_management/authenticate";

/// A browser that was given a choice: its cookie and the token.
struct Choosing {
    cookie: (String, String),
    token: String,
}

/// Signs in as far as the choice, the way `finalize-magic-auth` does it.
async fn choosing(world: &AuthWorld, address: &str) -> Choosing {
    choosing_at(world, address, Clock::system()).await
}

async fn choosing_at(world: &AuthWorld, address: &str, clock: Clock) -> Choosing {
    let mut settings = Settings::from_pairs(world.settings.clone(), clock).expect("settings");
    let workos = WorkOs::configure(&mut settings).expect("settings of WorkOS");
    let sign_ins = SignIns::configure(&mut settings);
    let sign_ins = settings.complete(sign_ins).await.expect("complete settings");
    let email = Email::parse(address).expect("an address");
    workos.create_magic_auth(&email, None).await.expect("a code");
    let code = world.workos.magic_code_for(address).expect("a code");
    let code = MagicCode::parse(&code).expect("six digits");
    let request = Request::default();
    let finish = sign_ins.finish_magic_auth(request.headers(), &email, &code, None);
    let (outcome, cookies) = api::with_cookies(finish).await;
    let outcome = serde_json::to_value(outcome.expect("a choice")).expect("JSON");
    let token = outcome["user"]["pendingAuthenticationToken"].as_str().expect("a token").to_owned();
    world.workos.forget_requests();
    let cookie = (cookies[0].name().to_owned(), cookies[0].value().to_owned());
    Choosing { cookie, token }
}

impl Choosing {
    /// The choice of an organization with this token.
    fn event(&self, world: &AuthWorld, organization: &str) -> Event {
        self.with_cookie(world.event()).json(&self.input(world, organization))
    }

    fn input(&self, world: &AuthWorld, organization: &str) -> Value {
        let id = world.workos.organization(organization).id;
        json!({ "pendingAuthenticationToken": self.token, "organizationId": id })
    }

    fn with_cookie(&self, event: Event) -> Event {
        event.cookie(&self.cookie.0, &self.cookie.1)
    }
}

/// The session's cookie in an answer, which shrinks that of the choice as well.
fn session_cookie(answer: &Answer) -> SetCookie {
    let cookies = answer.cookies();
    assert_eq!(cookies.len(), 2, "{cookies:?} with {}", answer.text());
    let own = cookies.into_iter().find(|cookie| cookie.name == "wos-session");
    own.expect("a session")
}

fn assert_refused(answer: &Answer, status: u64, why: &str) {
    assert_eq!(answer.refusal().0, status, "{why}: {}", answer.text());
    assert_eq!(answer.cookies(), [], "{why}");
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let good = choosing(&world, MEMBER_OF_TWO).await.event(&world, "MASADAS");
    for (event, status) in malformed_requests(&good) {
        assert_refused(&world.ask(&event).await, status, &format!("{event:?}"));
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_token_or_organization_is_400_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let choosing = choosing(&world, MEMBER_OF_TWO).await;
    let good = choosing.input(&world, "MASADAS");
    for (field, values) in [
        (
            "pendingAuthenticationToken",
            [json!(null), json!(1), json!(""), json!("a b"), json!(["a"])],
        ),
        ("organizationId", [json!(null), json!(1), json!(""), json!("org 1"), json!("org_1\n")]),
    ] {
        for value in values {
            let mut input = good.clone();
            input[field] = value;
            let answer = world.ask(&choosing.with_cookie(world.event()).json(&input)).await;
            assert_refused(&answer, 400, &input.to_string());
            assert!(answer.refusal().1.contains(&format!("`{field}`")), "{}", answer.text());
        }
        let mut input = good.clone();
        input.as_object_mut().and_then(|fields| fields.remove(field)).expect("the field");
        let answer = world.ask(&choosing.with_cookie(world.event()).json(&input)).await;
        assert_refused(&answer, 400, &input.to_string());
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn another_browser_is_403_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let own = choosing(&world, MEMBER_OF_TWO).await;
    let other = choosing(&world, MEMBER_OF_TWO).await;
    let input = own.input(&world, "MASADAS");
    let (name, value) = &own.cookie;
    for (why, event) in [
        ("no cookie", world.event()),
        ("another's choice", other.with_cookie(world.event())),
        ("another's choice under this name", world.event().cookie(name, &other.cookie.1)),
        ("tampered", world.event().cookie(name, &format!("{value}x"))),
        ("shortened", world.event().cookie(name, &value[..value.len() - 10])),
        ("no seal", world.event().cookie(name, "1")),
        ("another name", world.event().cookie("wos-session", value)),
        ("forged headers", world.event().header("x-workos-session", value)),
    ] {
        assert_refused(&world.ask(&event.json(&input)).await, 403, why);
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_organization_that_was_not_offered_is_403_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let choosing = choosing(&world, MEMBER_OF_TWO).await;
    for organization in ["Example", "Sso Example", "Team 001"] {
        let answer = world.ask(&choosing.event(&world, organization)).await;
        assert_refused(&answer, 403, organization);
    }
    // One that the user has joined since was not offered either.
    world.workos.add_member("Example", "member_of_two");
    assert_refused(&world.ask(&choosing.event(&world, "Example")).await, 403, "joined since");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_spent_or_expired_token_is_401() {
    let world = AuthWorld::start(BINARY).await;
    let spent = choosing(&world, MEMBER_OF_TWO).await;
    assert_eq!(world.ask(&spent.event(&world, "MASADAS")).await.status(), 200);
    world.workos.forget_requests();
    for organization in ["MASADAS", "TAUNTA SCRE"] {
        assert_refused(&world.ask(&spent.event(&world, organization)).await, 401, "spent");
    }

    let expired = choosing(&world, MEMBER_OF_TWO).await;
    world.workos.expire_codes();
    assert_refused(&world.ask(&expired.event(&world, "MASADAS")).await, 401, "expired at WorkOS");

    let hour_ago = Clock::system().now().unix_millis() / 1000 - 3600;
    let old = choosing_at(&world, MEMBER_OF_TWO, Clock::fixed(hour_ago)).await;
    assert_refused(&world.ask(&old.event(&world, "MASADAS")).await, 401, "offered an hour ago");
    assert_eq!(world.asked(), [""; 0], "of that, WorkOS was not asked");
}

#[tokio::test]
async fn a_step_that_the_organization_requires_is_403_and_named() {
    let world = AuthWorld::start(BINARY).await;
    for (organization, what) in [("Sso Example", "single sign-on"), ("Mfa Example", "two-factor")] {
        let choosing = choosing(&world, "consultant@example.com").await;
        let answer = world.ask(&choosing.event(&world, organization)).await;
        assert_refused(&answer, 403, organization);
        assert!(answer.refusal().1.contains(what), "{}", answer.text());
        assert_eq!(answer.next().is_some(), organization == "Mfa Example");
    }
    let choosing = choosing(&world, MEMBER_OF_TWO).await;
    world.workos.remove_member("MASADAS", "member_of_two");
    let answer = world.ask(&choosing.event(&world, "MASADAS")).await;
    assert_refused(&answer, 403, "no member any more");
}

#[tokio::test]
async fn an_outage_is_not_reported_as_a_rejected_token() {
    let world = AuthWorld::start(BINARY).await;
    let event = choosing(&world, MEMBER_OF_TWO).await.event(&world, "MASADAS");
    for (fault, status) in OUTAGES {
        world.workos.inject(fault);
        assert_refused(&world.ask(&event).await, status, &format!("{fault:?}"));
        assert_eq!(world.asked(), [AUTHENTICATE], "{fault:?}: a token is sent once");
        world.workos.clear_faults();
        world.workos.forget_requests();
    }
    world.workos.inject(Fault::Limiting { retry_after: Some(9) });
    let answer = world.ask(&event).await;
    assert_refused(&answer, 429, "a limit");
    assert_eq!(answer.header("retry-after"), Some("9"));
    world.workos.clear_faults();
    assert_eq!(world.ask(&event).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_response_about_another_organization_is_502() {
    let world = AuthWorld::start(BINARY).await;
    let event = choosing(&world, MEMBER_OF_TWO).await.event(&world, "MASADAS");
    let other = world.workos.sign_in("member_of_two", Some("TAUNTA SCRE"));
    let mut nowhere = other.clone();
    nowhere.as_object_mut().and_then(|answer| answer.remove("organization_id")).expect("a field");
    for answer in [other, nowhere] {
        world.workos.prescribe("/user_management/authenticate", 200, answer);
        assert_refused(&world.ask(&event).await, 502, "another organization");
    }
}

#[tokio::test]
async fn an_organization_that_only_the_token_names_counts() {
    let world = AuthWorld::start(BINARY).await;
    let event = choosing(&world, MEMBER_OF_TWO).await.event(&world, "MASADAS");
    let mut chosen = world.workos.sign_in("member_of_two", Some("MASADAS"));
    chosen["organization_id"] = Value::Null;
    world.workos.prescribe("/user_management/authenticate", 200, chosen);
    assert_eq!(world.ask(&event).await.status(), 200);
}

#[tokio::test]
async fn a_choice_returns_the_user_and_a_session() {
    let world = AuthWorld::start(BINARY).await;
    for organization in ["MASADAS", "TAUNTA SCRE"] {
        let choosing = choosing(&world, MEMBER_OF_TWO).await;
        let answer = world.ask(&choosing.event(&world, organization)).await;
        let id = world.workos.user("member_of_two").id;
        let user = json!({
            "id": id, "email": MEMBER_OF_TWO, "firstName": "Chris", "lastName": "Chooser",
        });
        assert_eq!(answer.success(), json!({ "user": user }));
        let cookie = session_cookie(&answer);
        assert!(cookie.value.starts_with("Fe26.2*") && cookie.value.ends_with("~2"));
        assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Lax"]);

        assert_eq!(world.asked(), [AUTHENTICATE]);
        let sent = world.last_sent();
        assert_eq!(sent["grant_type"], "urn:workos:oauth:grant-type:organization-selection");
        assert_eq!(sent["ip_address"], "203.0.113.7");
        assert_eq!(sent["user_agent"], "Mozilla/5.0");
        assert_eq!(sent["pending_authentication_token"], json!(choosing.token));
        assert_eq!(sent["organization_id"], json!(world.workos.organization(organization).id));
    }
}

#[tokio::test]
async fn any_of_a_hundred_organizations_can_be_chosen_and_no_other() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.lift_limits();
    for organization in ["Team 001", "Team 057", "Team 100"] {
        let choosing = choosing(&world, "member.of.hundred@example.com").await;
        assert_refused(&world.ask(&choosing.event(&world, "Example")).await, 403, "no other");
        let answer = world.ask(&choosing.event(&world, organization)).await;
        let user = &answer.success()["user"];
        assert_eq!(user.as_object().map(Map::len), Some(4), "without a picture: {user}");
    }
}

#[tokio::test]
async fn a_completed_choice_leaves_a_stub_that_identifies_its_token() {
    let world = AuthWorld::start(BINARY).await;
    let made = choosing(&world, "member.of.hundred@example.com").await;
    assert!(made.cookie.1.len() > 1000, "a hundred organizations");
    let answer = world.ask(&made.event(&world, "Team 057")).await;
    assert_eq!(answer.status(), 200);
    let mut cookies = answer.cookies();
    cookies.retain(|cookie| cookie.name == made.cookie.0);
    let [stub] = &cookies[..] else { panic!("{cookies:?}") };
    assert!(!stub.is_cleared() && stub.name.len() + stub.value.len() < 200, "{stub:?}");
    let max_age = stub.attributes.iter().find_map(|attribute| attribute.strip_prefix("Max-Age="));
    let seconds: u64 = max_age.and_then(|seconds| seconds.parse().ok()).expect("a lifetime");
    assert!((3000..=3600).contains(&seconds), "until its hour is over: {seconds}");

    world.workos.forget_requests();
    let again = Choosing { cookie: (stub.name.clone(), stub.value.clone()), ..made };
    assert_refused(&world.ask(&again.event(&world, "Team 057")).await, 401, "made before");
    assert_refused(&world.ask(&again.event(&world, "Example")).await, 401, "made before");
    let other = choosing(&world, MEMBER_OF_TWO).await;
    let planted = world.event().cookie(&other.cookie.0, &stub.value);
    let input = other.input(&world, "MASADAS");
    assert_refused(&world.ask(&planted.json(&input)).await, 403, "another's stub");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn one_of_hundreds_of_organizations_can_be_chosen() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.add_user(User::new("manager", "manager@example.com"));
    for number in 0..340 {
        let name = format!("Tenant {number}");
        let id = format!("org_01TENANT{number:018}");
        world.workos.add_organization(Organization { id, ..Organization::new(&name) });
        world.workos.add_member(&name, "manager");
    }
    let choosing = choosing(&world, "manager@example.com").await;
    assert_refused(&world.ask(&choosing.event(&world, "Example")).await, 403, "no other");
    assert_eq!(world.ask(&choosing.event(&world, "Tenant 339")).await.status(), 200);
}

#[tokio::test]
async fn a_large_account_signs_in_and_one_that_is_too_large_is_403() {
    let world = AuthWorld::start(BINARY).await;
    for (metadata, picture, name, status) in
        [(1700, 100, 10, 200), (30_000, 1700, 10, 200), (100, 100, 3000, 403)]
    {
        let choosing = choosing(&world, MEMBER_OF_TWO).await;
        let mut session = world.workos.sign_in("member_of_two", Some("MASADAS"));
        session["user"]["metadata"] = json!({ "note": "x".repeat(metadata) });
        session["user"]["profile_picture_url"] = json!("x".repeat(picture));
        session["user"]["first_name"] = json!("C".repeat(name));
        world.workos.prescribe("/user_management/authenticate", 200, session);
        let answer = world.ask(&choosing.event(&world, "MASADAS")).await;
        assert_eq!(answer.status(), status, "{}", answer.text());
        if status == 200 {
            assert!(session_cookie(&answer).value.len() < 4096);
        } else {
            let message = "This account's session is too large for a cookie".to_owned();
            assert_eq!(answer.refusal(), (403, message));
        }
    }
}

#[tokio::test]
async fn two_tabs_choose_different_organizations() {
    let world = AuthWorld::start(BINARY).await;
    let (first, second) =
        (choosing(&world, MEMBER_OF_TWO).await, choosing(&world, MEMBER_OF_TWO).await);
    for choosing in [&first, &second] {
        let event = second.with_cookie(first.with_cookie(world.event()));
        let answer = world.ask(&event.json(&choosing.input(&world, "MASADAS"))).await;
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn the_documented_event_comes_from_a_browser_without_a_pending_choice() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("select-organization.json")).await;
    assert_refused(&answer, 403, "the event");
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    let choosing = choosing(&world, MEMBER_OF_TWO).await;
    let event = choosing.event(&world, "MASADAS");
    let session = session_cookie(&world.ask(&event).await).value;
    assert_eq!(world.ask(&event).await.status(), 401);
    assert_eq!(world.ask(&choosing.event(&world, "Example")).await.status(), 403);
    let private = ["Chris", "Chooser", &choosing.token, &choosing.cookie.1, &session];
    world.logs_nothing_of(3, &private).await;
}
