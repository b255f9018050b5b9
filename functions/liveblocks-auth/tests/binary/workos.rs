//! `LIVEBLOCKS_IDENTITY=workos`: sessions of WorkOS, as cookies and access tokens. Denials first.

use anteroom_local::instance::{Instance, StartError};
use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_stand_ins::workos::WorkOs;
use anteroom_testing::sessions::{
    COOKIE, access_token, assert_cleared, expired_session, refresh_outages, sealed,
    sealed_without_refresh_token, session_near_its_end, with_access_token,
};
use anteroom_testing::{Answer, Event, PAGE, malformed_requests};
use serde_json::{Value, json};

use crate::world::{BINARY, Environment, PATH, bearer, identity};

const AUTHENTICATE: &str = "/user_management/authenticate";

/// WorkOS, Liveblocks, and the function between them. There is no Clerk.
struct World {
    workos: WorkOs,
    liveblocks: Liveblocks,
    settings: Environment,
    function: Instance,
}

impl World {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(own: &[(&str, &str)]) -> Self {
        let (workos, liveblocks) =
            (WorkOs::start().await.unwrap(), Liveblocks::start().await.unwrap());
        let mut settings = workos.settings();
        settings.extend(liveblocks.settings());
        let own = [("ALLOWED_ORIGINS", PAGE), ("LIVEBLOCKS_IDENTITY", "workos")].iter().chain(own);
        settings.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let function = Instance::start(BINARY, settings.clone()).await.unwrap();
        Self { workos, liveblocks, settings, function }
    }

    async fn ask(&self, event: &Event) -> Answer {
        Answer::of(&self.function, event).await
    }

    /// A request with this session in the cookie.
    async fn with_cookie(&self, session: &Value) -> Event {
        Event::post(PATH).cookie(COOKIE, &sealed(&self.settings, session).await)
    }

    /// Jane's access token with other claims; `null` takes one out.
    fn token(&self, changes: &Value) -> String {
        let mut claims = self.workos.claims_for("jane");
        let object = claims.as_object_mut().unwrap();
        object.extend(changes.as_object().unwrap().clone());
        object.retain(|_, value| !value.is_null());
        self.workos.sign(&self.workos.header(), &claims)
    }
}

fn user_not_found() -> (u64, String) {
    (404, "User not found".to_owned())
}

#[tokio::test]
async fn malformed_requests_are_rejected() {
    let world = World::start().await;
    let event = world.with_cookie(&world.workos.sign_in("jane", None)).await;
    for (event, status) in malformed_requests(&event) {
        assert_eq!(world.ask(&event).await.refusal().0, status, "{event:?}");
    }
}

#[tokio::test]
async fn no_session_is_404_user_not_found() {
    let world = World::start().await;
    let clerk = Clerk::start().await.unwrap();
    let expired = bearer(&world.token(&json!({ "exp": 1_700_000_000 })));
    for event in [
        Event::documented("liveblocks-auth.signed-out.json"),
        // A cookie of Clerk's is no session at all.
        Event::post(PATH).cookie("__session", &clerk.session_token("jane")),
        Event::post(PATH),
        Event::post(PATH).cookie(COOKIE, ""),
        Event::post(PATH).header("authorization", "Bearer "),
        expired,
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal(), user_not_found(), "{event:?}");
        assert_eq!(answer.cookies(), [], "{event:?}");
    }
    assert_eq!(world.liveblocks.requests().len(), 0, "Liveblocks was not asked");
}

#[tokio::test]
async fn a_session_that_has_ended_is_404_and_its_cookie_cleared() {
    let world = World::start().await;
    let session = expired_session(&world.workos, "jane", None);
    let claims = jwt::claims(access_token(&session)).unwrap();
    assert!(world.workos.revoke_session(claims["sid"].as_str().unwrap()));
    let revoked = world.with_cookie(&session).await;
    let session = expired_session(&world.workos, "jane", None);
    let unrefreshable = sealed_without_refresh_token(&session).await;
    for event in [revoked, Event::post(PATH).cookie(COOKIE, &unrefreshable)] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal(), user_not_found());
        assert_cleared(&answer, "it can never be good");
    }
    assert_eq!(world.liveblocks.requests().len(), 0);
}

#[tokio::test]
async fn a_rejected_refresh_is_404_and_one_that_requires_a_step_is_403() {
    let world = World::start().await;
    for (status, code, expected) in [
        (400, "a_code_of_next_year", 404),
        (403, "a_code_of_next_year", 403),
        (403, "mfa_enrollment", 403),
        (403, "email_verification_required", 403),
    ] {
        let event = world.with_cookie(&expired_session(&world.workos, "jane", None)).await;
        let body = json!({ "code": code, "error": code, "message": "x" });
        world.workos.prescribe(AUTHENTICATE, status, &body);
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, expected, "{status} {code}");
        assert_eq!(answer.cookies(), [], "{status} {code}: kept");
    }
    let event = world.with_cookie(&expired_session(&world.workos, "jane", None)).await;
    let exchanged = json!({
        "error": "invalid_grant", "error_description": "Refresh token already exchanged.",
    });
    world.workos.prescribe(AUTHENTICATE, 400, &exchanged);
    let answer = world.ask(&event).await;
    assert_eq!(answer.refusal(), user_not_found(), "another request has won");
    assert_eq!(answer.cookies(), [], "and the browser has its cookie");
}

#[tokio::test]
async fn a_cookie_that_can_never_be_valid_is_401_and_cleared() {
    let world = World::start().await;
    let session = world.workos.sign_in("jane", None);
    let cookie = sealed(&world.settings, &session).await;
    let claims = jwt::claims(access_token(&session)).unwrap();
    let foreign = world.workos.sign_foreign(&world.workos.header(), &claims);
    let foreign = sealed(&world.settings, &with_access_token(&session, &foreign)).await;
    let eves = with_access_token(&session, &world.token(&json!({ "sub": "user_eve" })));
    let eves = sealed(&world.settings, &eves).await;
    let one = |value: &str| Event::post(PATH).cookie(COOKIE, value);
    for (why, event) in [
        ("no seal", one("not a seal")),
        ("tampered", one(&cookie.replacen("Fe26.2*1*", "Fe26.2*2*", 1))),
        ("a foreign token", one(&foreign)),
        ("another user's token", one(&eves)),
        ("two cookies", one(&cookie).cookie(COOKIE, &cookie)),
    ] {
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_cleared(&answer, why);
    }
    assert_eq!(world.liveblocks.requests().len(), 0);
}

#[tokio::test]
async fn an_invalid_token_is_401_even_with_a_valid_cookie() {
    let world = World::start().await;
    let clerk = Clerk::start().await.unwrap();
    let good = world.with_cookie(&world.workos.sign_in("jane", None)).await;
    let (header, claims) = (world.workos.header(), world.workos.claims_for("jane"));
    for (why, token) in [
        ("no token", "token".to_owned()),
        ("another environment's", world.workos.sign_foreign(&header, &claims)),
        ("unsigned", jwt::unsigned(&json!({ "alg": "none" }), &claims)),
        ("another application's", world.token(&json!({ "client_id": "client_other" }))),
        ("no session's", world.token(&json!({ "sid": "app_1" }))),
        ("Clerk's", clerk.session_token("jane")),
    ] {
        let answer = world.ask(&good.clone().bearer(&token)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_eq!(answer.cookies(), [], "{why}: the cookie was not looked at");
    }
    assert_eq!(world.liveblocks.requests().len(), 0);
}

#[tokio::test]
async fn a_deleted_user_or_an_unverified_address_is_404() {
    let world = World::start().await;
    let id = json!("user_01ANTER00MN0B0DY0000000000");
    let gone = world.ask(&bearer(&world.token(&json!({ "sub": id })))).await;
    assert_eq!(gone.refusal(), user_not_found());

    let not_set = (404, "Email not set".to_owned());
    let mut session = world.workos.sign_in("jane", None);
    for verified in [json!(false), json!(null), json!("true"), json!(1)] {
        session["user"]["email_verified"] = verified.clone();
        let answer = world.ask(&world.with_cookie(&session).await).await;
        assert_eq!(answer.refusal(), not_set, "{verified}");
    }
    session["user"].as_object_mut().unwrap().remove("email_verified");
    assert_eq!(world.ask(&world.with_cookie(&session).await).await.refusal(), not_set);
    let unverified = world.workos.user("unverified").id;
    let answer = world.ask(&bearer(&world.token(&json!({ "sub": unverified })))).await;
    assert_eq!(answer.refusal(), not_set);
    assert_eq!(world.liveblocks.requests().len(), 0);
}

#[tokio::test]
async fn an_outage_never_signs_anybody_out() {
    let world = World::start().await;
    let due = world.with_cookie(&expired_session(&world.workos, "jane", None)).await;
    for (fault, status) in refresh_outages() {
        world.workos.inject(fault.on(AUTHENTICATE));
        let answer = world.ask(&due).await;
        world.workos.clear_faults();
        assert_eq!(answer.refusal().0, status, "{fault:?} of a refresh");
        assert_eq!(answer.cookies(), [], "{fault:?} of a refresh");
    }
    let token = bearer(&world.workos.access_token("jane"));
    for (fault, status) in [(Fault::Down, 503), (Fault::Failing(500), 503), (Fault::Garbage, 502)] {
        world.workos.inject(fault.on("/user_management/users/"));
        assert_eq!(world.ask(&token).await.refusal().0, status, "{fault:?} of the user");
        world.workos.clear_faults();
    }
    world.liveblocks.inject(Fault::Down);
    let near = world.with_cookie(&session_near_its_end(&world.workos, "jane", None)).await;
    let answer = world.ask(&near).await;
    assert_eq!(answer.refusal().0, 503);
    assert!(answer.cookie().value.starts_with("Fe26.2"), "the refreshed session leaves as well");
    world.liveblocks.clear_faults();
    assert_eq!(world.ask(&due).await.status(), 200, "all is well again");
}

#[tokio::test]
async fn others_see_a_signed_in_user_with_the_profile_from_workos() {
    let world = World::start().await;
    let session = world.workos.sign_in("jane", None);
    let cookie = world.with_cookie(&session).await;
    let calls =
        || world.workos.requests().iter().filter(|call| call.path().contains("/users/")).count();
    for (event, expected_calls) in [(cookie, 0), (bearer(access_token(&session)), 1)] {
        let identity = identity(&world.ask(&event).await);
        assert_eq!(identity["uid"], "jane.doe@example.com");
        assert_eq!(identity["ui"]["name"], "Jane Doe");
        assert_eq!(identity["ui"]["imageUrl"], "https://img.example.com/jane.png");
        assert!(identity["ui"]["color"].as_str().unwrap().starts_with('#'));
        assert_eq!(calls(), expected_calls, "a cookie says who the user is");
    }
    let nameless = world.with_cookie(&world.workos.sign_in("without_organization", None)).await;
    assert_eq!(identity(&world.ask(&nameless).await)["ui"]["name"], "Unnamed User");
}

#[tokio::test]
async fn an_expired_session_is_refreshed_within_the_request() {
    let world = World::start().await;
    let event = world.with_cookie(&expired_session(&world.workos, "jane", None)).await;
    let answer = world.ask(&event).await;
    assert_eq!(identity(&answer)["uid"], "jane.doe@example.com");
    let refreshed = answer.cookie();
    assert_eq!(refreshed.name, COOKIE);
    let again = world.ask(&Event::post(PATH).cookie(COOKIE, &refreshed.value)).await;
    assert_eq!((again.status(), again.cookies().len()), (200, 0));
}

#[tokio::test]
async fn the_organization_is_sent_to_liveblocks_if_configured() {
    for (setting, sends) in [("true", true), ("false", false), ("", false)] {
        let world = World::start_with(&[("LIVEBLOCKS_ORGANIZATIONS", setting)]).await;
        let organization = world.workos.organization("Example").id;
        for (user, expected) in [("jane", Some(organization)), ("without_organization", None)] {
            let event = bearer(&world.workos.access_token(user));
            assert_eq!(world.ask(&event).await.status(), 200);
            let sent = world.liveblocks.requests().pop().unwrap().json().unwrap();
            let expected = expected.filter(|_| sends).map(|id| json!(id));
            assert_eq!(sent.get("organizationId"), expected.as_ref(), "{setting} {user}");
        }
    }
}

#[tokio::test]
async fn stops_at_start_if_the_providers_setting_is_missing_or_the_provider_is_unknown() {
    let refused = async |identity: &str| {
        let environment = [("LIVEBLOCKS_IDENTITY", identity)];
        let Err(StartError::Refused { logs, .. }) = Instance::start(BINARY, environment).await
        else {
            panic!("it started");
        };
        logs.join("\n")
    };
    let line = refused("workos").await;
    for name in ["WORKOS_API_KEY", "WORKOS_CLIENT_ID", "WORKOS_COOKIE_PASSWORD"] {
        assert!(line.contains(&format!("{name} is missing")), "{name} is not in {line}");
    }
    assert!(!line.contains("CLERK_"), "Clerk has no part in it: {line}");
    let line = refused("auth0").await;
    assert!(line.contains("LIVEBLOCKS_IDENTITY") && !line.contains("auth0"), "{line}");
}

#[tokio::test]
async fn logs_describe_each_request_without_personal_data() {
    let world = World::start().await;
    let event = world.with_cookie(&expired_session(&world.workos, "jane", None)).await;
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(world.ask(&Event::post(PATH).cookie(COOKIE, "x")).await.status(), 401);
    let logs = world.function.stop().await.join("\n");
    for private in ["Jane", "Doe", "@", "eyJ", "Fe26.2"] {
        assert!(!logs.contains(private), "{private} is in {logs}");
    }
}
