//! Sessions: who a request comes from, by cookie or token, and what becomes of the cookie.

use std::time::Duration;

use anteroom::api::{ApiError, Request, with_cookies};
use anteroom::workos::{Authentication, Cookies, OrganizationId, SealedSession, Session, Sessions};
use anteroom_local::stand_ins::faults::Fault;
use anteroom_local::stand_ins::workos::WorkOs;
use serde_json::{Value, json};

use crate::{bearer, configured, request};

const AUTHENTICATE: &str = "/user_management/authenticate";

struct World {
    stand_in: WorkOs,
    sessions: Sessions,
    cookies: Cookies,
}

/// What a request brought: the session or the status, and the session cookie's new value, empty
/// where it was cleared.
type Outcome = (Result<Session, u16>, Option<String>);

impl World {
    async fn start() -> Self {
        let stand_in = WorkOs::start().await.unwrap();
        let sessions = configured(stand_in.settings(), Sessions::configure).await;
        let cookies = configured(stand_in.settings(), Cookies::configure).await;
        Self { stand_in, sessions, cookies }
    }

    /// A session of the user, as WorkOS gives it, with a token good for this long.
    fn signed_in(&self, user: &str, organization: Option<&str>, seconds: i64) -> Value {
        self.stand_in.set_access_token_seconds(seconds);
        let session = self.stand_in.sign_in(user, organization);
        self.stand_in.set_access_token_seconds(300);
        session
    }

    /// The `name=value` of a cookie with that session.
    async fn sealed(&self, session: Value) -> String {
        let authentication: Authentication = serde_json::from_value(session).unwrap();
        let cookie = self.cookies.session.write(&SealedSession::from(authentication)).await;
        cookie.unwrap().stripped().to_string()
    }

    async fn cookie(&self, user: &str, seconds: i64) -> String {
        self.sealed(self.signed_in(user, None, seconds)).await
    }

    async fn ask(&self, request: &Request) -> Outcome {
        let (session, cookies) = with_cookies(self.sessions.session(request)).await;
        let session = session.map_err(|error| error.status().as_u16());
        (session, new_value(&cookies))
    }

    async fn ask_with(&self, cookie: &str) -> Outcome {
        self.ask(&request(&[("cookie", cookie)])).await
    }

    fn refreshes(&self) -> usize {
        self.stand_in.hits("POST", AUTHENTICATE)
    }
}

fn new_value(cookies: &[cookie::Cookie<'static>]) -> Option<String> {
    let mut own = cookies.iter().filter(|cookie| cookie.name() == "wos-session");
    own.next_back().map(|cookie| cookie.value().to_owned())
}

/// Refused with 401, and the cookie cleared.
fn assert_ended((session, cookie): &Outcome, why: &str) {
    assert_eq!(session.as_ref().err(), Some(&401), "{why}");
    assert_eq!(cookie.as_deref(), Some(""), "{why}");
}

#[tokio::test]
async fn without_credentials_nobody_is_signed_in() {
    let world = World::start().await;
    for headers in [&[][..], &[("authorization", "Bearer")], &[("cookie", "wos-session=")]] {
        let (session, cookie) = world.ask(&request(headers)).await;
        assert_eq!((session.err(), cookie), (Some(401), None), "{headers:?}");
    }
}

#[tokio::test]
async fn a_good_cookie_is_a_session_and_asks_for_nothing_but_the_keys() {
    let world = World::start().await;
    let cookie = world.cookie("jane", 300).await;
    for _ in 0..5 {
        let (session, renewed) = world.ask_with(&cookie).await;
        let session = session.unwrap();
        assert_eq!(session.token().user_id.as_str(), world.stand_in.user("jane").id);
        assert_eq!(session.user().unwrap().email, "jane.doe@example.com");
        assert_eq!(renewed, None);
        assert!(!format!("{session:?}").contains("jane"));
    }
    assert_eq!(world.refreshes(), 0);
    assert_eq!(world.stand_in.requests().len(), 1, "one fetch of the keys");
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_is_refused_and_cleared() {
    let world = World::start().await;
    let good = world.cookie("jane", 300).await;
    let other = world.cookie("loner", 300).await;
    let foreign = |changes: Value| {
        let mut session = world.signed_in("jane", None, 300);
        let mut claims = world.stand_in.claims_for("jane");
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        session["access_token"] = json!(world.stand_in.sign(&world.stand_in.header(), &claims));
        world.sealed(session)
    };
    let mut unsigned = world.signed_in("jane", None, 300);
    let (header, claims) = (world.stand_in.header(), world.stand_in.claims_for("jane"));
    unsigned["access_token"] = json!(world.stand_in.sign_foreign(&header, &claims));
    for (why, cookie) in [
        ("cut off", good[..good.len() - 3].to_owned()),
        ("another suffix", format!("{}~1", &good[..good.len() - 2])),
        ("tampered", good.replacen("Fe26.2*", "Fe26.2*x", 1)),
        ("no seal", "wos-session=hello".to_owned()),
        ("two of them", format!("{good}; {other}")),
        ("the same twice", format!("{good}; {good}")),
        ("another key's token", world.sealed(unsigned).await),
        ("another issuer", foreign(json!({ "iss": "https://evil.example" })).await),
        ("no session id", foreign(json!({ "sid": null })).await),
        ("another user's token", foreign(json!({ "sub": "user_01EVE" })).await),
        ("not valid yet", foreign(json!({ "iat": 4_000_000_000_u64 })).await),
    ] {
        assert_ended(&world.ask_with(&cookie).await, why);
    }
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_bearer_token_counts_and_nothing_falls_back_to_the_cookie() {
    let world = World::start().await;
    let (session, _) = world.ask(&bearer(&world.stand_in.access_token("jane"))).await;
    let session = session.unwrap();
    assert_eq!(session.token().user_id.as_str(), world.stand_in.user("jane").id);
    assert!(session.user().is_none());

    let cookie = world.cookie("jane", 300).await;
    world.stand_in.set_access_token_seconds(-60);
    let expired = world.stand_in.access_token("jane");
    for token in ["x.y.z", expired.as_str()] {
        let header = format!("Bearer {token}");
        let both = request(&[("authorization", &header), ("cookie", &cookie)]);
        let (session, cookie) = world.ask(&both).await;
        assert_eq!((session.err(), cookie), (Some(401), None), "{token}");
    }
    assert_eq!(world.refreshes(), 0, "a token alone is not renewed");
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_the_new_cookie_sent_along() {
    let world = World::start().await;
    let cookie = world.cookie("jane", -60).await;
    let (session, renewed) = world.ask_with(&cookie).await;
    let session = session.unwrap();
    let renewed = format!("wos-session={}", renewed.expect("a new cookie"));
    assert_ne!(renewed, cookie);

    let (again, none) = world.ask_with(&renewed).await;
    assert_eq!(none, None);
    assert_eq!(again.unwrap().token().session_id, session.token().session_id);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn requests_that_need_the_same_renewal_share_it() {
    let world = World::start().await;
    let cookie = world.cookie("jane", -60).await;
    world.stand_in.inject(Fault::Slow(Duration::from_millis(50)).on(AUTHENTICATE));
    let outcomes =
        tokio::join!(world.ask_with(&cookie), world.ask_with(&cookie), world.ask_with(&cookie));
    for (session, cookie) in [outcomes.0, outcomes.1, outcomes.2, world.ask_with(&cookie).await] {
        assert!(session.is_ok() && cookie.is_some_and(|value| !value.is_empty()));
    }
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_token_about_to_expire_is_renewed_early_or_served_as_it_is() {
    let world = World::start().await;
    let cookie = world.cookie("jane", 30).await;
    let (session, renewed) = world.ask_with(&cookie).await;
    assert!(session.is_ok() && renewed.is_some(), "renewed ahead of time");

    let cookie = world.cookie("loner", 30).await;
    world.stand_in.inject(Fault::Failing(500).on(AUTHENTICATE));
    let before = world.refreshes();
    for _ in 0..5 {
        let (session, renewed) = world.ask_with(&cookie).await;
        assert!(session.is_ok() && renewed.is_none(), "served as it is");
    }
    assert_eq!(world.refreshes(), before + 1, "one attempt, then a pause");
}

#[tokio::test]
async fn a_session_that_has_ended_is_401_and_an_outage_is_503_with_the_cookie_kept() {
    let world = World::start().await;
    let cookie = world.cookie("jane", -60).await;
    for (fault, expected) in [
        (Fault::Down, 503),
        (Fault::Failing(500), 503),
        (Fault::GatewayPage, 503),
        (Fault::Limiting { retry_after: Some(5) }, 503),
        (Fault::Garbage, 502),
        (Fault::Refusing, 502),
    ] {
        world.stand_in.inject(fault.on(AUTHENTICATE));
        let (session, kept) = world.ask_with(&cookie).await;
        assert_eq!((session.err(), kept), (Some(expected), None), "{fault:?}");
        world.stand_in.clear_faults();
    }
    assert!(world.ask_with(&cookie).await.0.is_ok(), "all is well again");

    let session = world.signed_in("loner", None, -60);
    let cookie = world.sealed(session).await;
    world.stand_in.remove_user("loner");
    assert_ended(&world.ask_with(&cookie).await, "the user is gone");
}

#[tokio::test]
async fn live_sessions_go_on_while_workos_is_down() {
    let world = World::start().await;
    let live = world.cookie("jane", 300).await;
    let expired = world.cookie("jane", -60).await;
    assert!(world.ask_with(&live).await.0.is_ok());
    world.stand_in.stop().await;
    assert!(world.ask_with(&live).await.0.is_ok(), "with the keys at hand");
    assert_eq!(world.ask_with(&expired).await.0.err(), Some(503));
    world.stand_in.restart().await.unwrap();
    assert!(world.ask_with(&expired).await.0.is_ok());
}

async fn switch(world: &World, cookie: &str, organization: &str) -> (u16, Option<String>) {
    let organization = OrganizationId::parse(organization).unwrap();
    let request = request(&[("cookie", cookie)]);
    let (result, cookies) = with_cookies(async {
        let session = world.sessions.session(&request).await?;
        world.sessions.switch_organization(&session, &organization).await
    })
    .await;
    let status = result.map_or_else(|error: ApiError| error.status().as_u16(), |_| 200);
    (status, new_value(&cookies))
}

#[tokio::test]
async fn switches_to_an_organization_of_the_users_and_to_no_other() {
    let world = World::start().await;
    let masadas = world.stand_in.organization("MASADAS").id;
    let taunta = world.stand_in.organization("TAUNTA SCRE").id;
    let cookie = world.sealed(world.signed_in("chooser", Some("MASADAS"), 300)).await;

    let (status, kept) = switch(&world, &cookie, "org_unknown").await;
    assert_eq!((status, kept), (403, None), "the session stays as it is");

    let (status, renewed) = switch(&world, &cookie, &taunta).await;
    assert_eq!(status, 200);
    let renewed = format!("wos-session={}", renewed.unwrap());
    let session = world.ask_with(&renewed).await.0.unwrap();
    assert_eq!(session.token().organization_id.as_ref().unwrap().as_str(), taunta);

    world.stand_in.misplace_refreshes("TAUNTA SCRE");
    assert_eq!(switch(&world, &renewed, &masadas).await.0, 502, "an answer for another one");
}

#[tokio::test]
async fn leaving_ends_the_session_and_clears_the_cookie_whatever_comes_of_it() {
    let world = World::start().await;
    let leave = async |cookie: &str| {
        let request = request(&[("cookie", cookie)]);
        let (url, cookies) = with_cookies(world.sessions.leave(&request)).await;
        (url.map_err(|error| error.status().as_u16()), new_value(&cookies))
    };
    assert_eq!(leave("a=1").await, (Err(401), Some(String::new())));
    assert_eq!(leave("wos-session=hello").await, (Err(401), Some(String::new())));

    let expired = world.cookie("jane", -60).await;
    world.stand_in.rotate_signing_key();
    world.stand_in.retire_old_signing_key();
    for _ in 0..2 {
        let (url, cookie) = leave(&expired).await;
        let url = url.unwrap();
        assert_eq!(url.path(), "/user_management/sessions/logout");
        assert!(url.query_pairs().any(|(name, id)| name == "session_id" && !id.is_empty()));
        assert_eq!(cookie.as_deref(), Some(""));
        // The second time without the signing keys.
        world.stand_in.stop().await;
    }
    assert_eq!(world.refreshes(), 0);
}
