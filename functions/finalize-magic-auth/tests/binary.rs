//! The real binary under a Lambda Runtime API, with real events. Denials first.

use std::time::Duration;

use anteroom::api::Request;
use anteroom::clock::Clock;
use anteroom::settings::Settings;
use anteroom::workos::{Cookies, Email, WorkOs};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::workos::{API_KEY, COOKIE_PASSWORD, MAGIC_CODE_GUESSES, User};
use anteroom_testing::mistakes::invalid_invitation_tokens;
use anteroom_testing::sessions::opened;
use anteroom_testing::{
    AuthWorld, Event, MALFORMED_EMAILS, OUTAGES, SetCookie, malformed_requests,
};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_finalize-magic-auth");

const JANE: &str = "jane.doe@example.com";

const FIND: &str = "GET /user_management/users";

const AUTHENTICATE: &str = "POST /user_management/authenticate";

const REDEMPTIONS: &str = "/user_management/authenticate";

fn input(email: &str, code: &str) -> Value {
    json!({ "email": email, "code": code })
}

/// The function's own API client, as far as codes have to be asked for.
async fn send_code(world: &AuthWorld, address: &str) -> String {
    send_code_spelled(world, Email::parse(address).expect("an address").as_str()).await
}

/// The same for an address in WorkOS's own spelling.
async fn send_code_spelled(world: &AuthWorld, address: &str) -> String {
    let mut settings =
        Settings::from_pairs(world.settings.clone(), Clock::system()).expect("settings");
    let workos = WorkOs::configure(&mut settings);
    let workos = settings.complete(workos).await.expect("complete settings");
    workos.create_magic_auth(address, None).await.expect("a code");
    world.workos.forget_requests();
    world.workos.magic_code_for(address).expect("a code")
}

/// Six digits that are not these.
fn other(code: &str) -> &'static str {
    if code == "111111" { "222222" } else { "111111" }
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    for (event, status) in malformed_requests(&world.event().json(&input(JANE, "123456"))) {
        assert_eq!(world.ask(&event).await.refusal().0, status, "{event:?}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invalid_address_or_code_is_400_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    let refused = async |body: String, field: &str| {
        let answer = world.ask(&world.event().body("application/json", &body)).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 400, "{body}");
        assert!(message.contains(&format!("`{field}`")), "{message} for {body}");
    };
    for email in MALFORMED_EMAILS {
        refused(format!("{{\"email\":{email},\"code\":\"123456\"}}"), "email").await;
    }
    for code in [
        "null",
        "123456",
        "\"\"",
        "\"12345\"",
        "\"1234567\"",
        "\"12345a\"",
        "\" 12345\"",
        "\"12345\\n\"",
        "\"\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}\"",
        "\"\u{661}\u{662}\u{663}\"",
        "[\"123456\"]",
    ] {
        refused(format!("{{\"email\":\"{JANE}\",\"code\":{code}}}"), "code").await;
    }
    refused(format!("{{\"email\":\"{JANE}\"}}"), "code").await;
    refused("{\"code\":\"123456\"}".to_owned(), "email").await;
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn a_wrong_expired_used_or_foreign_code_is_401() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, JANE).await;
    let others_code = send_code(&world, "without.organization@example.com").await;
    let refused = async |email: &str, code: &str, why: &str| {
        let answer = world.post(&input(email, code)).await;
        let message = "The code is wrong, expired or used. Ask for a new one";
        assert_eq!(answer.refusal(), (401, message.to_owned()), "{why}");
        assert_eq!(answer.cookies(), [], "{why}");
    };
    refused(JANE, other(&code), "wrong").await;
    if others_code != code {
        refused(JANE, &others_code, "somebody else's").await;
    }
    refused("nobody@example.com", &code, "of nobody").await;
    assert!(!world.workos.has_user("nobody@example.com"));
    assert_eq!(world.post(&input(JANE, &code)).await.status(), 200);
    refused(JANE, &code, "used").await;
    world.workos.expire_codes();
    refused("without.organization@example.com", &others_code, "expired").await;
}

#[tokio::test]
async fn guessing_is_429_and_workoss_own_limit_is_429_with_its_retry_after() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, JANE).await;
    for _ in 0..MAGIC_CODE_GUESSES {
        assert_eq!(world.post(&input(JANE, other(&code))).await.status(), 401);
    }
    assert_eq!(world.post(&input(JANE, &code)).await.refusal().0, 429, "even the right one");

    let limit = Fault::Limiting { retry_after: Some(17) };
    for (path, status) in [(REDEMPTIONS, 429), ("/user_management/users", 503)] {
        world.workos.inject(limit.on(path));
        let answer = world.post(&input(JANE, &code)).await;
        assert_eq!(answer.refusal().0, status, "{path}");
        assert_eq!(answer.header("retry-after"), Some("17"));
        world.workos.clear_faults();
    }
}

#[tokio::test]
async fn guessing_does_not_reveal_who_has_an_account() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    send_code(&world, JANE).await;
    let mut answers = vec![];
    for address in [JANE, "nobody@example.com"] {
        let mut of_address = vec![];
        // More than WorkOS takes for a code that was sent.
        for _ in 0..MAGIC_CODE_GUESSES + 2 {
            of_address.push(format!("{:?}", world.post(&input(address, "000000")).await));
        }
        // It limits the attempts for every address, and says for how long to wait.
        world.workos.inject(Fault::Limiting { retry_after: Some(17) }.on(REDEMPTIONS));
        of_address.push(format!("{:?}", world.post(&input(address, "000000")).await));
        world.workos.clear_faults();
        let asked = world.asked();
        assert_eq!(asked, [FIND, AUTHENTICATE].repeat(asked.len() / 2), "as many calls for both");
        world.workos.forget_requests();
        answers.push(of_address);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_code_may_be_pasted_with_whitespace_and_hyphens() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.lift_limits();
    for paste in [
        (|code| code.to_owned()) as fn(&str) -> String,
        |code| format!("{} {}", &code[..3], &code[3..]),
        |code| format!("{}-{}", &code[..3], &code[3..]),
        |code| format!("{code}\r\n"),
        |code| format!("\u{a0}{}\u{2009}{}\t", &code[..2], &code[2..]),
    ] {
        let code = send_code(&world, JANE).await;
        let answer = world.post(&input(JANE, &paste(&code))).await;
        assert_eq!(answer.status(), 200, "{:?}", paste("123456"));
        assert_eq!(world.last_sent()["code"], json!(code));
    }
}

#[tokio::test]
async fn a_code_is_redeemed_in_workoss_own_spelling_of_the_address() {
    let world = AuthWorld::start(BINARY).await;
    for (asked, own) in [
        ("jane.doe@mail.example", "Jane.Doe@Mail.Example"),
        (" JANE@bücher.example ", "Jane@xn--bcher-kva.example"),
        ("ÄNNE@example.com", "änne@example.com"),
        ("änne2@example.com", "ÄNNE2@example.com"),
    ] {
        world.workos.add_user(User::new(own, own).with_email_spelled(own));
        let code = send_code_spelled(&world, own).await;
        let answer = world.post(&input(asked, &code)).await;
        assert_eq!(answer.success()["user"]["email"], own, "{asked:?}");
        assert_eq!(world.asked(), [FIND, AUTHENTICATE]);
        assert_eq!(world.last_sent()["email"], own, "{asked:?}");
    }
}

#[tokio::test]
async fn a_session_too_large_for_a_cookie_is_rejected_before_its_code_is_redeemed() {
    let world = AuthWorld::start(BINARY).await;
    let long = "Jane ".repeat(800);
    world.workos.add_user(User::new("long", "long@example.com").with_name(&long, "Doe"));
    let code = send_code(&world, "long@example.com").await;
    let answer = world.post(&input("long@example.com", &code)).await;
    let message = "This account's session is too large for a cookie";
    assert_eq!(answer.refusal(), (403, message.to_owned()));
    assert_eq!(world.asked(), [FIND]);
}

#[tokio::test]
async fn a_concealed_account_whose_session_no_cookie_holds_is_revealed_to_the_right_code_alone() {
    let world = AuthWorld::start_with(BINARY, &[("CONCEAL_ACCOUNTS", "true")]).await;
    let long = "Jane ".repeat(800);
    world.workos.add_user(User::new("long", "long@example.com").with_name(&long, "Doe"));
    let code = send_code(&world, "long@example.com").await;
    let wrong = world.post(&input("long@example.com", other(&code))).await;
    let unknown = world.post(&input("nobody@example.com", other(&code))).await;
    assert_eq!((wrong.refusal(), wrong.refusal().0), (unknown.refusal(), 401));
    assert_eq!(world.post(&input("long@example.com", &code)).await.refusal().0, 403);
}

#[tokio::test]
async fn a_code_of_a_lookalike_address_is_rejected() {
    let world = AuthWorld::start(BINARY).await;
    for (asked, own) in [
        ("ban\u{212a}@example.com", "bank@example.com"),
        ("\u{131}ris@example.com", "iris@example.com"),
    ] {
        world.workos.add_user(User::new(own, own));
        let code = send_code(&world, own).await;
        let answer = world.post(&input(asked, &code)).await;
        assert_eq!(answer.refusal().0, 401, "{asked:?}");
        assert_eq!(answer.cookies(), []);
    }
}

#[tokio::test]
async fn a_rejection_by_workos_keeps_its_meaning_even_if_it_is_new() {
    let world = AuthWorld::start(BINARY).await;
    let code = |code: &str| json!({"code": code, "message": ["No.", "Not like this."]});
    for (status, body, expected) in [
        (403, code("radar_email_challenge"), 403),
        (403, code("radar_sms_sign_in_challenge"), 403),
        (403, code("something_new"), 403),
        (403, json!({"error": "something_new", "error_description": "No."}), 403),
        (400, code("something_new"), 401),
        (422, code("something_new"), 401),
        (400, json!({"code": "one_time_code_expired", "error": "Bad Request"}), 401),
        (403, json!({"message": ["No."], "code": "mfa_challenge", "errors": ["No."]}), 403),
        (400, json!({"message": ["No."], "error": "Bad Request"}), 502),
        (403, json!({"message": "Forbidden"}), 502),
        (200, json!({}), 502),
        (200, json!("a page"), 502),
    ] {
        world.workos.prescribe(REDEMPTIONS, status, body.clone());
        let answer = world.post(&input(JANE, "123456")).await;
        assert_eq!(answer.refusal().0, expected, "{status} {body}");
        assert_eq!(answer.cookies(), [], "{status} {body}");
    }
    let logs = world.stop().await;
    assert!(logs.contains("\"code\":\"something_new\""), "{logs}");
    assert!(!logs.contains("Not like this"), "{logs}");
}

#[tokio::test]
async fn another_users_choice_is_401_and_not_shown() {
    let world = AuthWorld::start(BINARY).await;
    let body = json!({
        "code": "organization_selection_required", "message": "Choose.",
        "pending_authentication_token": "pending-token",
        "user": {"id": "user_1", "email": "\u{212a}ate@example.com"},
        "organizations": [{"id": "org_1", "name": "One"}],
    });
    world.workos.prescribe(REDEMPTIONS, 403, body);
    let answer = world.post(&input("kate@example.com", "123456")).await;
    assert_eq!(answer.refusal().0, 401);
    assert_eq!(answer.cookies(), []);
}

#[tokio::test]
async fn unreadable_parts_of_a_choice_are_left_out() {
    let world = AuthWorld::start(BINARY).await;
    let organizations = json!([null, {"name": "None"}, {"id": "org_1", "name": null}]);
    let body = json!({
        "code": "organization_selection_required", "message": ["Choose."],
        "pending_authentication_token": "pending-token",
        "user": {"id": "user_1", "email": JANE, "first_name": 7},
        "organizations": organizations,
    });
    world.workos.prescribe(REDEMPTIONS, 403, body);
    let answer = world.post(&input(JANE, "123456")).await;
    let expected = json!([{"id": "org_1", "name": ""}]);
    assert_eq!(answer.success()["user"]["organizations"], expected);

    // A name that JavaScript has cut inside an emoji, and a number that no double holds.
    let body = r#"{"code": "organization_selection_required", "message": "Choose.", "x": 1e400,
        "pending_authentication_token": "pending-token",
        "user": {"id": "user_1", "email": "jane.doe@example.com", "first_name": "\udc4b"},
        "organizations": [{"id": "org_1", "name": "Acme \ud83d"}]}"#;
    world.workos.prescribe(REDEMPTIONS, 403, body);
    let answer = world.post(&input(JANE, "123456")).await;
    let expected = json!([{"id": "org_1", "name": "Acme \u{fffd}"}]);
    assert_eq!(answer.success()["user"]["organizations"], expected);
}

#[tokio::test]
async fn a_required_step_is_403_and_named() {
    let world = AuthWorld::start(BINARY).await;
    for (address, what, is_hosted) in [
        ("unverified@example.com", "Verify your e-mail address", true),
        ("enrolling@example.com", "two-factor", true),
        ("challenged@example.com", "second factor", true),
        ("someone@sso.example.com", "single sign-on", false),
    ] {
        let code = send_code(&world, address).await;
        let answer = world.post(&input(address, &code)).await;
        let (status, message) = answer.refusal();
        assert_eq!(status, 403, "{address}");
        assert!(message.contains(what), "{message}");
        assert_eq!(answer.next().is_some(), is_hosted, "{address}");
        assert_eq!(answer.cookies(), []);
    }
}

#[tokio::test]
async fn an_invalid_invitation_is_400_and_workos_is_not_called() {
    let world = AuthWorld::start(BINARY).await;
    for invitation in invalid_invitation_tokens() {
        let mut input = input(JANE, "123456");
        input["invitationToken"] = invitation;
        let expected = (400, "`invitationToken` is not valid".to_owned());
        assert_eq!(world.post(&input).await.refusal(), expected, "{input}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_invitation_that_workos_rejects_is_403_and_a_valid_one_is_accepted() {
    let world = AuthWorld::start(BINARY).await;
    let others = world.workos.invite("new.user@example.com", "MASADAS");
    let address = "without.organization@example.com";
    for invitation in ["inv_unknown", others.as_str()] {
        let code = send_code(&world, address).await;
        let mut input = input(address, &code);
        input["invitationToken"] = json!(invitation);
        let answer = world.post(&input).await;
        assert_eq!(answer.refusal().0, 403, "{invitation}");
        assert_eq!((answer.next(), answer.cookies()), (None, vec![]), "{invitation}");
    }
    let invitation = world.workos.invite(address, "MASADAS");
    let code = send_code(&world, address).await;
    let mut input = input(address, &code);
    input["invitationToken"] = json!(invitation);
    let answer = world.post(&input).await;
    let session = opened(&world.settings, &answer).await;
    let joined = session.organization_id.expect("an organization");
    assert_eq!(joined.as_str(), world.workos.organization("MASADAS").id);
    assert_eq!(world.last_sent()["invitation_token"], json!(invitation));
}

#[tokio::test]
async fn a_session_with_two_hundred_feature_flags_is_403_because_no_cookie_can_hold_it() {
    let world = AuthWorld::start(BINARY).await;
    let flags: Vec<_> = (0..200).map(|number| format!("feature-flag-{number:03}")).collect();
    world.workos.set_feature_flags("jane", &flags);
    let code = send_code(&world, JANE).await;
    let answer = world.post(&input(JANE, &code)).await;
    let expected = "This account's session is too large for a cookie";
    assert_eq!(answer.refusal(), (403, expected.to_owned()));
    assert_eq!((answer.next(), answer.cookies()), (None, vec![]));
}

#[tokio::test]
async fn workos_gets_the_callers_address_and_forged_headers_have_no_effect() {
    let world = AuthWorld::start(BINARY).await;
    let forged = [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "cf-connecting-ip",
        "true-client-ip",
        "x-client-ip",
    ];
    for number in 0..2 {
        let code = send_code(&world, JANE).await;
        let mut event = world.event().json(&input(JANE, &code));
        if number == 1 {
            for name in forged {
                event = event.header(name, "198.51.100.66");
            }
            event = event.header("user-agent", "forged/1");
        }
        assert_eq!(world.ask(&event).await.status(), 200);
        assert_eq!(told(&world), ("203.0.113.7".to_owned(), "Mozilla/5.0".to_owned()));
    }
    let sent = world.workos.requests();
    let others = sent.iter().filter(|request| !request.path().ends_with("/authenticate"));
    for request in others {
        assert!(!request.path_and_query.contains("203.0.113.7"));
        assert!(!String::from_utf8_lossy(&request.body).contains("203.0.113.7"));
    }
}

#[tokio::test]
async fn a_proxys_header_counts_if_it_is_configured_and_holds_one_address() {
    let world = AuthWorld::start_with(BINARY, &[("CLIENT_IP_HEADER", "CF-Connecting-IP")]).await;
    let good = ("cf-connecting-ip", "2001:db8::7");
    for (header, expected) in [
        (good, "2001:db8::7"),
        (("x-forwarded-for", "198.51.100.66"), "203.0.113.7"),
        (("cf-connecting-ip", ""), "203.0.113.7"),
        (("cf-connecting-ip", "unknown"), "203.0.113.7"),
        (("cf-connecting-ip", "198.51.100.66,198.51.100.67"), "203.0.113.7"),
    ] {
        let code = send_code(&world, JANE).await;
        let event = world.event().json(&input(JANE, &code)).header(header.0, header.1);
        assert_eq!(world.ask(&event).await.status(), 200, "{header:?}");
        assert_eq!(told(&world).0, expected, "{header:?}");
        world.workos.lift_limits();
    }
    let logs = world.stop().await;
    let warning = "no client address in the configured header";
    assert_eq!(logs.matches(warning).count(), 1, "{logs}");
    for private in ["203.0.113", "198.51.100", "2001:db8", "Mozilla"] {
        assert!(!logs.contains(private), "{private} is in {logs}");
    }
}

#[tokio::test]
async fn an_unreadable_caller_is_left_out_and_the_user_signs_in() {
    let world = AuthWorld::start(BINARY).await;
    for (pointer, value) in [
        ("/requestContext/http/sourceIp", json!("somewhere")),
        ("/requestContext/http/sourceIp", json!(7)),
        ("/requestContext/http/userAgent", json!("\u{0}\r\n")),
        ("/requestContext/http/userAgent", json!(["a"])),
    ] {
        world.workos.lift_limits();
        let code = send_code(&world, JANE).await;
        let event = world.event().json(&input(JANE, &code)).with(pointer, value.clone());
        assert_eq!(world.ask(&event).await.status(), 200, "{pointer} {value}");
        let field = if pointer.ends_with("Ip") { "ip_address" } else { "user_agent" };
        assert!(world.last_sent().get(field).is_none(), "{pointer} {value}");
    }
}

/// The address and the user agent of the latest grant.
fn told(world: &AuthWorld) -> (String, String) {
    let caller = world.workos.callers().pop().expect("a grant");
    let address = caller.ip_address.map(|address| address.to_string());
    (address.unwrap_or_default(), caller.user_agent.unwrap_or_default())
}

#[tokio::test]
async fn an_outage_is_not_reported_as_a_rejected_code() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, JANE).await;
    for (fault, status) in OUTAGES {
        world.workos.inject(fault.on("/user_management/users"));
        let answer = world.post(&input(JANE, &code)).await;
        assert_eq!(answer.refusal().0, status, "{fault:?} of the look-up");
        assert!(!world.asked().contains(&AUTHENTICATE.to_owned()), "{fault:?}: it is not spent");
        world.workos.clear_faults();
        world.workos.forget_requests();

        world.workos.inject(fault.on(REDEMPTIONS));
        let answer = world.post(&input(JANE, &code)).await;
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}");
        assert_eq!(world.asked(), [FIND, AUTHENTICATE], "{fault:?}: a code is sent once");
        world.workos.clear_faults();
        world.workos.forget_requests();
    }
    assert_eq!(world.post(&input(JANE, &code)).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn a_slow_request_ends_after_ten_seconds() {
    let world = AuthWorld::start(BINARY).await;
    world.workos.inject(Fault::Slow(Duration::from_secs(20)));
    let input = input(JANE, "123456");
    let answer = tokio::time::timeout(Duration::from_secs(12), world.post(&input)).await;
    assert_eq!(answer.expect("an answer in time").refusal().0, 503);
}

#[tokio::test]
async fn a_valid_code_returns_the_user_and_a_session() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, JANE).await;
    let event = world.event().json(&input("Jane.Doe@Example.COM", &code));
    let answer = world.ask(&event.header("x-workos-session", "forged")).await;

    let jane = world.workos.user("jane");
    let expected = json!({"user": {
        "id": jane.id, "email": JANE, "firstName": "Jane", "lastName": "Doe",
        "avatarURL": jane.picture,
    }});
    assert_eq!(answer.success(), expected);
    let cookie = answer.cookie();
    assert_eq!(cookie.name, "wos-session");
    assert!(cookie.value.starts_with("Fe26.2*") && cookie.value.ends_with("~2"), "{cookie:?}");
    assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Lax"]);

    assert_eq!(world.asked(), [FIND, AUTHENTICATE]);
    let sent = world.last_sent();
    assert_eq!(sent["grant_type"], "urn:workos:oauth:grant-type:magic-auth:code");
    assert_eq!((&sent["email"], &sent["code"]), (&json!(JANE), &json!(code)));
}

#[tokio::test]
async fn unknown_parts_of_a_user_are_left_out() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, "without.organization@example.com").await;
    let answer = world.post(&input("without.organization@example.com", &code)).await;
    let id = world.workos.user("without_organization").id;
    assert_eq!(
        answer.success(),
        json!({"user": {"id": id, "email": "without.organization@example.com"}})
    );
}

#[tokio::test]
async fn the_session_cookie_follows_the_settings() {
    let own = [
        ("WORKOS_REDIRECT_URI", "https://app.example.com/callback"),
        ("WORKOS_COOKIE_NAME", "session"),
        ("WORKOS_COOKIE_DOMAIN", "example.com"),
        ("WORKOS_COOKIE_MAX_AGE", "3600"),
    ];
    let world = AuthWorld::start_with(BINARY, &own).await;
    let code = send_code(&world, JANE).await;
    let cookies = world.post(&input(JANE, &code)).await.cookies();
    let (cleared, kept): (Vec<_>, Vec<_>) = cookies.into_iter().partition(SetCookie::is_cleared);
    let [cookie] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(cookie.name, "session");
    let expected =
        ["Domain=example.com", "HttpOnly", "Max-Age=3600", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(cookie.attributes, expected);
    // The host's own cookie, from before the domain was set, would be a second one of that name.
    let [host_only] = &cleared[..] else { panic!("{cleared:?}") };
    assert_eq!(host_only.name, "session");
    assert!(!host_only.has("Domain=example.com"), "{host_only:?}");
}

#[tokio::test]
async fn a_user_of_several_organizations_gets_the_choice_and_no_session() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, "123@gmail.com").await;
    let answer = world.post(&input("123@gmail.com", &code)).await;

    let user = &answer.success()["user"];
    assert_eq!(user.as_object().map(serde_json::Map::len), Some(4), "{user}");
    assert_eq!(user["id"], world.workos.user("member_of_two").id);
    assert_eq!(user["email"], "123@gmail.com");
    let token = user["pendingAuthenticationToken"].as_str().expect("a token").to_owned();
    let organizations = ["MASADAS", "TAUNTA SCRE"].map(|name| {
        let organization = world.workos.organization(name);
        json!({"id": organization.id, "name": name})
    });
    assert_eq!(user["organizations"], json!(organizations));

    let cookie = answer.cookie();
    assert!(cookie.name.starts_with("wos-pending-"), "{cookie:?}");
    assert!(cookie.value.starts_with("Fe26.2*") && !cookie.value.contains(&token));
    assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=3600", "Path=/", "SameSite=Lax"]);
}

#[tokio::test]
async fn a_choice_of_a_hundred_organizations_fits_a_cookie() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, "member.of.hundred@example.com").await;
    let answer = world.post(&input("member.of.hundred@example.com", &code)).await;
    let user = &answer.success()["user"];
    assert_eq!(user["organizations"].as_array().map(Vec::len), Some(100));
    assert!(answer.cookie().value.len() < 4000, "browsers drop what is longer");
}

#[tokio::test]
async fn the_cookie_holds_the_session_that_workos_gave() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, JANE).await;
    let cookie = world.post(&input(JANE, &code)).await.cookie();
    let mut settings =
        Settings::from_pairs(world.settings.clone(), Clock::system()).expect("settings");
    let cookies = Cookies::configure(&mut settings);
    let cookies = settings.complete(cookies).await.expect("complete settings");
    let mut request = Request::default();
    let value = format!("wos-session={}", cookie.value).parse().expect("a header");
    request.headers_mut().insert("cookie", value);
    let session =
        cookies.session.read(request.headers()).await.expect("a genuine one").expect("a session");
    assert_eq!(session.user.email, JANE);
    let organization = session.organization_id.expect("an organization");
    assert_eq!(organization.as_str(), world.workos.organization("Example").id);
}

#[tokio::test]
async fn a_request_that_meets_a_rotated_key_uses_the_new_one() {
    let manager = SecretsManager::start().await.expect("a free port");
    let put = |key: &str| {
        let secret = json!({"WORKOS_API_KEY": key, "WORKOS_COOKIE_PASSWORD": COOKIE_PASSWORD});
        manager.put("workos", secret);
    };
    put(API_KEY);
    let settings = manager.settings();
    let mut own: Vec<_> = settings.iter().map(|(name, text)| (&name[..], &text[..])).collect();
    own.extend([
        ("WORKOS_SECRET_ID", "workos"),
        ("WORKOS_API_KEY", ""),
        ("WORKOS_COOKIE_PASSWORD", ""),
    ]);
    let world = AuthWorld::start_with(BINARY, &own).await;
    let code = send_code(&world, JANE).await;

    world.workos.rotate_api_key("sk_test_rotated");
    put("sk_test_rotated");
    assert_eq!(world.post(&input(JANE, &code)).await.status(), 200, "its code is not spent");
    assert_eq!(world.asked(), [FIND, FIND, AUTHENTICATE], "refused, and then not");
}

#[tokio::test]
async fn the_documented_event_has_a_code_that_cannot_be_valid() {
    let world = AuthWorld::start(BINARY).await;
    let answer = world.ask(&Event::documented("finalize-magic-auth.json")).await;
    assert_eq!(answer.refusal().0, 401);
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = AuthWorld::start(BINARY).await;
    let code = send_code(&world, JANE).await;
    let wrong = other(&code);
    assert_eq!(world.post(&input(JANE, wrong)).await.status(), 401);
    let cookie = world.post(&input(JANE, &code)).await.cookie();
    assert_eq!(world.post(&input("jane, in private", "my secret")).await.status(), 400);
    let code_of_member = send_code(&world, "123@gmail.com").await;
    let choice = world.post(&input("123@gmail.com", &code_of_member)).await;
    let token = choice.success()["user"]["pendingAuthenticationToken"].clone();
    let token = token.as_str().expect("a token").to_owned();
    let private = ["jane", "Jane", "secret", wrong, &code, &code_of_member, &token, &cookie.value];
    world.logs_nothing_of(4, &private).await;
}
