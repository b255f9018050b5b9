//! Sessions: who a request comes from, by cookie or token, and what becomes of the cookie.

use std::pin::pin;
use std::time::Duration;

use anteroom::api::{ApiError, Request, with_cookies};
use anteroom::clock::{Clock, Timestamp};
use anteroom::workos::{Authentication, Cookies, OrganizationId, SealedSession, Session, Sessions};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::workos::WorkOs;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::{bearer, configured_at, request};

const AUTHENTICATE: &str = "/user_management/authenticate";

struct World {
    stand_in: WorkOs,
    sessions: Sessions,
    cookies: Cookies,
    clock: Clock,
}

/// What a request brought: the session or the status, and the session cookie's new value, empty
/// where it was cleared.
type Outcome = (Result<Session, u16>, Option<String>);

impl World {
    async fn start() -> Self {
        let stand_in = WorkOs::start().await.unwrap();
        // The stand-in's tokens are of now; what is kept for a minute is not waited for.
        let clock = Clock::fixed(Clock::system().now().whole_seconds());
        let sessions = process(&stand_in, &clock).await;
        let configure = Cookies::configure;
        let cookies = configured_at(clock.clone(), stand_in.settings(), configure).await;
        Self { stand_in, sessions, cookies, clock }
    }

    /// A session of the user, as WorkOS gives it, with a token good for this long.
    fn signed_in(&self, user: &str, organization: Option<&str>, seconds: i64) -> Value {
        self.stand_in.set_access_token_seconds(seconds);
        let session = self.stand_in.sign_in(user, organization);
        self.stand_in.set_access_token_seconds(300);
        session
    }

    /// A session whose token is good for another half a minute of its five minutes.
    fn near_its_end(&self, user: &str) -> Value {
        self.near_its_end_in(user, None)
    }

    fn near_its_end_in(&self, user: &str, organization: Option<&str>) -> Value {
        self.stand_in.backdate_access_tokens(270);
        let session = self.stand_in.sign_in(user, organization);
        self.stand_in.backdate_access_tokens(0);
        session
    }

    /// The `name=value` of a cookie with that session.
    async fn sealed(&self, session: Value) -> String {
        let authentication: Authentication = serde_json::from_value(session).unwrap();
        self.sealed_session(&SealedSession::from(authentication)).await
    }

    async fn sealed_session(&self, session: &SealedSession) -> String {
        self.cookies.session.write(session).await.unwrap().stripped().to_string()
    }

    async fn cookie(&self, user: &str, seconds: i64) -> String {
        self.sealed(self.signed_in(user, None, seconds)).await
    }

    /// A session with another token: its own, signed anew with these changes to header and claims.
    fn resigned(&self, session: &Value, header: Value, claims: Value) -> Value {
        let mut session = session.clone();
        let of_token = jwt::claims(session["access_token"].as_str().unwrap()).unwrap();
        let token =
            self.stand_in.sign(&merged(self.stand_in.header(), header), &merged(of_token, claims));
        session["access_token"] = json!(token);
        session
    }

    async fn ask(&self, request: &Request) -> Outcome {
        ask(&self.sessions, request).await
    }

    async fn ask_with(&self, cookie: &str) -> Outcome {
        self.ask(&request(&[("cookie", cookie)])).await
    }

    async fn ask_with_token(&self, token: &str) -> Outcome {
        self.ask(&bearer(token)).await
    }

    fn refreshes(&self) -> usize {
        self.stand_in.hits("POST", AUTHENTICATE)
    }
}

/// A process of a function, on this clock.
async fn process(stand_in: &WorkOs, clock: &Clock) -> Sessions {
    configured_at(clock.clone(), stand_in.settings(), Sessions::configure).await
}

async fn ask(sessions: &Sessions, request: &Request) -> Outcome {
    let (session, cookies) = with_cookies(sessions.session(request)).await;
    let session = session.map_err(|error| error.status().as_u16());
    (session, new_value(&cookies))
}

/// `object` with these fields in the place of its own; `null` takes one away.
fn merged(mut object: Value, changes: Value) -> Value {
    let fields = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => fields.remove(name),
            value => fields.insert(name.clone(), value.clone()),
        };
    }
    object
}

fn new_value(cookies: &[cookie::Cookie<'static>]) -> Option<String> {
    let mut own = cookies.iter().filter(|cookie| cookie.name() == "wos-session");
    own.next_back().map(|cookie| cookie.value().to_owned())
}

/// Served without a new cookie.
fn assert_served_as_it_is((session, cookie): &Outcome, why: &str) {
    assert!(session.is_ok(), "{why}: {session:?}");
    assert_eq!(cookie, &None, "{why}");
}

/// Served with a new cookie.
fn assert_refreshed((session, cookie): &Outcome, why: &str) {
    assert!(session.is_ok(), "{why}: {session:?}");
    assert!(cookie.as_ref().is_some_and(|value| !value.is_empty()), "{why}: {cookie:?}");
}

/// Refused with this status, and the cookie kept.
fn assert_kept((session, cookie): &Outcome, status: u16, why: &str) {
    assert_eq!(session.as_ref().err(), Some(&status), "{why}");
    assert_eq!(cookie, &None, "{why}");
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
async fn a_valid_cookie_is_a_session_and_needs_only_the_keys() {
    let world = World::start().await;
    let cookie = world.cookie("jane", 300).await;
    for _ in 0..5 {
        let (session, refreshed) = world.ask_with(&cookie).await;
        let session = session.unwrap();
        assert_eq!(session.token().user_id.as_str(), world.stand_in.user("jane").id);
        assert_eq!(session.user().unwrap().email, "jane.doe@example.com");
        assert_eq!(refreshed, None);
        assert!(!format!("{session:?}").contains("jane"));
    }
    assert_eq!(world.refreshes(), 0);
    assert_eq!(world.stand_in.requests().len(), 1, "one fetch of the keys");
}

#[tokio::test]
async fn a_cookie_that_can_never_be_valid_is_rejected_and_cleared() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, 300);
    let good = world.sealed(session.clone()).await;
    let other = world.cookie("without_organization", 300).await;
    let mut foreign = session.clone();
    let (header, claims) = (world.stand_in.header(), world.stand_in.claims_for("jane"));
    foreign["access_token"] = json!(world.stand_in.sign_foreign(&header, &claims));
    let mut unsigned = session.clone();
    unsigned["access_token"] = json!(jwt::unsigned(&json!({"alg": "none"}), &claims));
    let mut no_token = session.clone();
    no_token["access_token"] = json!("token");
    let mut foreign_before = session.clone();
    let before = merged(claims.clone(), json!({ "exp": 1 }));
    foreign_before["access_token"] = json!(world.stand_in.sign_foreign(&header, &before));
    let eves = world.resigned(&session, json!({}), json!({ "sub": "user_01EVE" }));
    let eves_before = world.resigned(&eves, json!({}), json!({ "exp": 1 }));
    let gone = json!({ "kid": "sso_oidc_key_pair_gone" });
    let eves_before_of_a_gone_key = world.resigned(&eves, gone, json!({ "exp": 1 }));
    for (why, cookie) in [
        ("cut off", good[..good.len() - 3].to_owned()),
        ("another suffix", format!("{}~1", &good[..good.len() - 2])),
        ("tampered", good.replacen("Fe26.2*", "Fe26.2*x", 1)),
        ("no seal", "wos-session=hello".to_owned()),
        ("two of them", format!("{good}; {other}")),
        ("the same twice", format!("{good}; {good}")),
        ("another key's token", world.sealed(foreign).await),
        ("another key's token, expired", world.sealed(foreign_before).await),
        ("an unsigned token", world.sealed(unsigned).await),
        ("no token", world.sealed(no_token).await),
        ("another user's token", world.sealed(eves).await),
        ("another user's, expired", world.sealed(eves_before).await),
        ("another user's, of a key that is gone", world.sealed(eves_before_of_a_gone_key).await),
    ] {
        assert_ended(&world.ask_with(&cookie).await, why);
    }
    assert_eq!(world.refreshes(), 0);
}

/// What a genuine token may say that this application does not accept, and the status.
fn unaccepted() -> Vec<(&'static str, Value, Value, u16)> {
    let claims = |claims: Value| (json!({}), claims);
    let header = |header: Value| (header, json!({}));
    [
        ("another issuer", claims(json!({ "iss": "https://evil.example" })), 401),
        ("no issuer", claims(json!({ "iss": null })), 401),
        ("another client", claims(json!({ "client_id": "client_01OTHER" })), 401),
        ("an odd client", claims(json!({ "client_id": 17 })), 401),
        ("another client's audience", claims(json!({ "aud": "client_01OTHER" })), 401),
        ("other clients' audiences", claims(json!({ "aud": ["client_01OTHER", 17] })), 401),
        ("no session", claims(json!({ "sid": null })), 401),
        ("a consent", claims(json!({ "sid": "app_consent_01" })), 401),
        ("nobody's", claims(json!({ "sub": null })), 401),
        ("without an end", claims(json!({ "exp": null })), 401),
        ("an odd beginning", claims(json!({ "nbf": "soon" })), 401),
        ("another type", header(json!({ "typ": "dpop+jwt" })), 401),
        ("an odd type", header(json!({ "typ": 5 })), 401),
        ("an odd key", header(json!({ "kid": 7 })), 401),
        ("an unknown key", header(json!({ "kid": "sso_oidc_key_pair_unknown" })), 401),
        ("no key", header(json!({ "kid": null })), 401),
        ("not valid yet", claims(json!({ "nbf": 4_000_000_000_u64 })), 503),
    ]
    .into_iter()
    .map(|(why, (header, claims), status)| (why, header, claims, status))
    .collect()
}

#[tokio::test]
async fn a_genuine_token_that_is_not_accepted_is_rejected_and_its_cookie_kept() {
    for (why, header, claims, status) in unaccepted() {
        let world = World::start().await;
        let session = world.signed_in("jane", None, 300);
        let session = world.resigned(&session, header, claims);
        let token = session["access_token"].as_str().unwrap().to_owned();
        assert_kept(&world.ask_with_token(&token).await, status, &format!("{why}, as a bearer"));
        // The key set is fetched anew when it has rested.
        world.clock.advance(Duration::from_secs(30));
        assert_kept(&world.ask_with(&world.sealed(session).await).await, status, why);
        assert_eq!(world.refreshes(), 0, "{why}");
    }
}

#[tokio::test]
async fn our_own_token_is_valid_whatever_its_additional_claims() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, 300);
    let own = world.stand_in.client_id();
    let now = world.clock.now().whole_seconds();
    let deep: Value = (0..100).fold(json!([]), |inner, _| json!([inner]));
    for (why, header, claims) in [
        ("issued six seconds ahead", json!({}), json!({ "iat": now + 6 })),
        ("issued in an hour", json!({}), json!({ "iat": now + 3600 })),
        ("issued as text", json!({}), json!({ "iat": "yesterday" })),
        ("odd permissions", json!({}), json!({ "permissions": 5, "role": [], "roles": {} })),
        ("an odd act", json!({}), json!({ "act": "somebody", "feature_flags": deep })),
        ("an odd organization", json!({}), json!({ "org_id": 17 })),
        ("our client", json!({}), json!({ "client_id": own, "aud": own })),
        ("our client among others", json!({}), json!({ "aud": ["client_01OTHER", own] })),
        ("the audience of an API", json!({}), json!({ "aud": "https://api.example.com" })),
        ("of no type", json!({ "typ": null }), json!({})),
        ("a JWT", json!({ "typ": "jwt" }), json!({})),
        ("an access token of RFC 9068", json!({ "typ": "at+jwt" }), json!({})),
        ("the same in capitals", json!({ "typ": "AT+JWT" }), json!({})),
    ] {
        let session = world.resigned(&session, header, claims);
        let token = session["access_token"].as_str().unwrap().to_owned();
        assert_served_as_it_is(&world.ask_with_token(&token).await, why);
        assert_served_as_it_is(&world.ask_with(&world.sealed(session).await).await, why);
    }
    let null = json!({ "permissions": Value::Null });
    let mut claims = jwt::claims(session["access_token"].as_str().unwrap()).unwrap();
    claims["permissions"] = null["permissions"].clone();
    let token = world.stand_in.sign(&world.stand_in.header(), &claims);
    let (session, _) = world.ask_with_token(&token).await;
    assert_eq!(session.unwrap().token().permissions, [""; 0]);
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn a_strangers_invented_key_ends_no_session() {
    for (why, seconds) in [("a good cookie", 300), ("an expired one", -60)] {
        let world = World::start().await;
        let before = world.cookie("jane", 300).await;
        assert_served_as_it_is(&world.ask_with(&before).await, why);
        let header = merged(world.stand_in.header(), json!({ "kid": "invented" }));
        let invented = world
            .stand_in
            .sign_foreign(&header, &world.stand_in.claims_for("without_organization"));
        assert_kept(&world.ask_with_token(&invented).await, 401, why);

        world.stand_in.rotate_signing_key();
        let cookie = world.cookie("jane", seconds).await;
        let (session, sent) = world.ask_with(&cookie).await;
        match session {
            Ok(_) => assert!(sent.is_none_or(|value| !value.is_empty()), "{why}"),
            Err(status) => assert_eq!((status, sent), (503, None), "{why}"),
        }
        let token = world.stand_in.access_token("jane");
        let as_bearer = world.ask_with_token(&token).await.0.err();
        assert!(matches!(as_bearer, None | Some(503)), "{why}: {as_bearer:?}");
        world.clock.advance(Duration::from_secs(30));
        assert!(world.ask_with(&cookie).await.0.is_ok(), "{why}, when the set has rested");
        assert!(world.refreshes() <= 1, "{why}: what the refresh brought was kept");
    }
}

#[tokio::test]
async fn an_idle_users_session_is_refreshed_although_its_key_is_gone() {
    for stranger in [false, true] {
        let world = World::start().await;
        let cookie = world.cookie("jane", -60).await;
        world.stand_in.rotate_signing_key();
        world.stand_in.retire_old_signing_key();
        if stranger {
            // The key set is in its back-off.
            let header = merged(world.stand_in.header(), json!({ "kid": "invented" }));
            let claims = world.stand_in.claims_for("without_organization");
            let invented = world.stand_in.sign_foreign(&header, &claims);
            assert_kept(&world.ask_with_token(&invented).await, 401, "invented");
        }
        assert_refreshed(&world.ask_with(&cookie).await, "its key was retired");
        assert_eq!(world.refreshes(), 1);
    }
}

#[tokio::test]
async fn a_session_without_a_refresh_token_lasts_as_long_as_its_access_token() {
    let world = World::start().await;
    for (why, session, status) in [
        ("good", world.signed_in("jane", None, 300), 200),
        ("near its end", world.near_its_end("jane"), 200),
        ("expired", world.signed_in("jane", None, -60), 401),
    ] {
        let authentication: Authentication = serde_json::from_value(session).unwrap();
        let mut sealed = SealedSession::from(authentication);
        sealed.refresh_token = None;
        let cookie = world.sealed_session(&sealed).await;
        let outcome = world.ask_with(&cookie).await;
        if status == 200 {
            assert_served_as_it_is(&outcome, why);
            let organization = world.stand_in.organization("Example").id;
            assert_eq!(switch(&world, &cookie, &organization).await, (401, None), "{why}");
        } else {
            assert_ended(&outcome, why);
            // WorkOS is not even asked for its keys.
            let other = process(&world.stand_in, &world.clock).await;
            world.stand_in.inject(Fault::Down);
            assert_ended(&ask(&other, &request(&[("cookie", &cookie)])).await, why);
            world.stand_in.clear_faults();
        }
    }
    assert_eq!(world.refreshes(), 0, "there is nothing to ask for");
}

#[tokio::test]
async fn a_token_ends_at_its_expiry_without_leeway() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, 300);
    let now = world.clock.now().whole_seconds();
    for (exp, lasts) in [(now + 1, true), (now, false), (now - 3, false)] {
        let session = world.resigned(&session, json!({}), json!({ "exp": exp }));
        let token = session["access_token"].as_str().unwrap();
        let (found, _) = world.ask_with_token(token).await;
        assert_eq!(found.err(), if lasts { None } else { Some(401) }, "{exp}");

        // The session has ended at WorkOS.
        let mut ended = session.clone();
        ended["refresh_token"] = json!("of-a-session-that-has-ended");
        let outcome = world.ask_with(&world.sealed(ended).await).await;
        if lasts {
            assert_served_as_it_is(&outcome, "a second before its end");
        } else {
            assert_ended(&outcome, "at its end or later");
        }
    }
}

#[tokio::test]
async fn a_bearer_token_counts_without_fallback_to_the_cookie() {
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
    assert_eq!(world.refreshes(), 0, "a token alone is not refreshed");
}

#[tokio::test]
async fn an_expired_token_is_refreshed_and_the_new_cookie_sent() {
    let world = World::start().await;
    let cookie = world.cookie("jane", -60).await;
    let (session, refreshed) = world.ask_with(&cookie).await;
    let session = session.unwrap();
    let refreshed = format!("wos-session={}", refreshed.expect("a new cookie"));
    assert_ne!(refreshed, cookie);

    let (again, none) = world.ask_with(&refreshed).await;
    assert_eq!(none, None);
    assert_eq!(again.unwrap().token().session_id, session.token().session_id);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn requests_that_need_the_same_refresh_share_it() {
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
async fn two_processes_refresh_one_session_at_once_and_both_succeed() {
    let world = World::start().await;
    let other = process(&world.stand_in, &world.clock).await;
    let cookie = world.cookie("jane", -60).await;
    let request = request(&[("cookie", &cookie)]);
    let (one, two) = tokio::join!(world.ask(&request), ask(&other, &request));
    assert_refreshed(&one, "one process");
    assert_refreshed(&two, "the other");
    assert_eq!(world.refreshes(), 2);
    for (_, value) in [one, two] {
        let refreshed = format!("wos-session={}", value.unwrap());
        assert_served_as_it_is(&world.ask_with(&refreshed).await, "whichever came last");
    }
}

#[tokio::test]
async fn the_loser_of_a_race_is_rejected_and_the_winners_cookie_kept() {
    let world = World::start().await;
    let winner = process(&world.stand_in, &world.clock).await;
    let cookie = world.cookie("jane", -60).await;
    assert_refreshed(&ask(&winner, &request(&[("cookie", &cookie)])).await, "the winner");
    world.stand_in.end_replays();
    for _ in 0..20 {
        assert_kept(&world.ask_with(&cookie).await, 401, "half a minute later");
    }
    assert_eq!(world.refreshes(), 2, "the winner's, and one of the twenty");
}

#[tokio::test]
async fn a_token_about_to_expire_is_refreshed_early_or_served_as_it_is() {
    let world = World::start().await;
    let cookie = world.sealed(world.near_its_end("jane")).await;
    assert_refreshed(&world.ask_with(&cookie).await, "ahead of time");

    let cookie = world.sealed(world.near_its_end("without_organization")).await;
    world.stand_in.inject(Fault::Failing(500).on(AUTHENTICATE));
    for _ in 0..5 {
        assert_served_as_it_is(&world.ask_with(&cookie).await, "WorkOS is failing");
    }
    let tried = world.refreshes();
    world.stand_in.clear_faults();
    assert_served_as_it_is(&world.ask_with(&cookie).await, "in the pause");
    assert_eq!(world.refreshes(), tried);
    world.clock.advance(Duration::from_secs(15));
    assert_refreshed(&world.ask_with(&cookie).await, "after the pause");
}

#[tokio::test]
async fn a_token_that_another_request_refreshes_early_is_served_at_once() {
    let world = World::start().await;
    let cookie = world.sealed(world.near_its_end("jane")).await;
    world.stand_in.inject(Fault::Slow(Duration::from_secs(1)).on(AUTHENTICATE));
    let mut first = pin!(world.ask_with(&cookie));
    let second = async {
        while world.refreshes() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        world.ask_with(&cookie).await
    };
    let second = tokio::select! {
        _ = &mut first => panic!("the second has waited for the first"),
        second = second => second,
    };
    assert_served_as_it_is(&second, "the second");
    assert_refreshed(&first.await, "the first");
    assert_refreshed(&world.ask_with(&cookie).await, "a later one");
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn tokens_of_a_minute_are_refreshed_in_their_last_fifth() {
    let world = World::start().await;
    let cookie = world.cookie("jane", 60).await;
    for _ in 0..100 {
        assert_served_as_it_is(&world.ask_with(&cookie).await, "fresh");
    }
    world.clock.advance(Duration::from_secs(47));
    assert_served_as_it_is(&world.ask_with(&cookie).await, "thirteen seconds left");
    world.clock.advance(Duration::from_secs(2));
    assert_refreshed(&world.ask_with(&cookie).await, "eleven seconds left");
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_token_with_a_whole_minute_left_is_served_as_it_is() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, 300);
    let now = world.clock.now().whole_seconds();
    let times = json!({ "iat": now, "exp": now + 300 });
    let cookie = world.sealed(world.resigned(&session, json!({}), times)).await;
    world.clock.advance(Duration::from_mins(4));
    assert_served_as_it_is(&world.ask_with(&cookie).await, "a minute left");
    world.clock.advance(Duration::from_secs(1));
    assert_refreshed(&world.ask_with(&cookie).await, "a second less");
}

#[tokio::test]
async fn one_sessions_rejection_does_not_put_off_anothers_early_refresh() {
    let world = World::start().await;
    let session = world.near_its_end("jane");
    let claims = jwt::claims(session["access_token"].as_str().unwrap()).unwrap();
    world.stand_in.revoke_session(claims["sid"].as_str().unwrap());
    let revoked = world.sealed(session).await;
    assert_served_as_it_is(&world.ask_with(&revoked).await, "a revoked session");
    let other = world.sealed(world.near_its_end("without_organization")).await;
    assert_refreshed(&world.ask_with(&other).await, "another session");
}

#[tokio::test]
async fn a_session_that_has_ended_is_the_given_error_and_one_that_cannot_be_judged_is_503() {
    let world = World::start().await;
    let nobody = || ApiError::not_found("Nobody");
    let status = async |cookie: &str| {
        let request = request(&[("cookie", cookie)]);
        let (session, _) = with_cookies(world.sessions.session_or(&request, nobody)).await;
        session.map_or_else(|error| error.status().as_u16(), |_| 200)
    };
    let (first, second) = (world.cookie("jane", -60).await, world.cookie("jane", -60).await);
    let ended = json!({ "error": "invalid_grant", "error_description": "Session has ended." });
    world.stand_in.prescribe(AUTHENTICATE, 400, ended);
    assert_eq!(status(&first).await, 404);
    world.stand_in.inject(Fault::Failing(500).on(AUTHENTICATE));
    assert_eq!(status(&second).await, 503);
}

#[tokio::test]
async fn prefetched_keys_are_there_before_the_first_request() {
    let world = World::start().await;
    let path = format!("/sso/jwks/{}", world.stand_in.client_id());
    world.sessions.prefetch_keys().await;
    assert_eq!(world.stand_in.hits("GET", &path), 1);
    let token = world.stand_in.access_token("jane");
    assert!(world.ask_with_token(&token).await.0.is_ok());
    assert_eq!(world.stand_in.hits("GET", &path), 1);
}

#[tokio::test]
async fn the_details_of_a_session_are_read_from_its_token() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, 300);
    let claims = json!({
        "roles": ["admin", 7], "entitlements": ["calls"], "feature_flags": "all",
        "auth_time": 1_700_000_000,
    });
    let cookie = world.sealed(world.resigned(&session, json!({}), claims)).await;
    let details = world.ask_with(&cookie).await.0.unwrap().token().details();
    assert_eq!(details.roles, Some(vec!["admin".to_owned()]));
    assert_eq!(details.entitlements, Some(vec!["calls".to_owned()]));
    assert_eq!(details.feature_flags, None);
    assert_eq!(details.authenticated.map(Timestamp::whole_seconds), Some(1_700_000_000));
}

/// Answers of WorkOS to a refresh of this session that nobody can go on with, each with the status
/// when the refresh was due.
fn unusable(world: &World, session: &Value) -> Vec<(&'static str, Value, u16)> {
    let refreshed = world.resigned(session, json!({}), {
        let now = world.clock.now().whole_seconds();
        json!({ "exp": now + 300 })
    });
    let resigned = |header: Value, claims: Value| world.resigned(&refreshed, header, claims);
    let with = |name: &str, value: Value| merged(refreshed.clone(), json!({ name: value }));
    let mut foreign = refreshed.clone();
    let claims = jwt::claims(refreshed["access_token"].as_str().unwrap()).unwrap();
    foreign["access_token"] = json!(world.stand_in.sign_foreign(&world.stand_in.header(), &claims));
    let mut too_long = refreshed.clone();
    too_long["user"]["first_name"] = json!("J".repeat(3000));
    let mut eve = refreshed.clone();
    eve["user"]["id"] = json!("user_01EVE");
    vec![
        ("too long", too_long, 403),
        ("an unknown key", resigned(json!({ "kid": "unknown" }), json!({})), 503),
        ("not valid yet", resigned(json!({}), json!({ "nbf": 4_000_000_000_u64 })), 503),
        ("another session", resigned(json!({}), json!({ "sid": "session_01OTHER" })), 502),
        ("expired", resigned(json!({}), json!({ "exp": 1 })), 502),
        ("another user's token", resigned(json!({}), json!({ "sub": "user_01EVE" })), 502),
        ("another issuer", resigned(json!({}), json!({ "iss": "https://evil.example" })), 502),
        ("another client", resigned(json!({}), json!({ "client_id": "client_01OTHER" })), 502),
        ("another user", eve, 502),
        ("a foreign signature", foreign, 502),
        ("no token", with("access_token", json!("token")), 502),
        ("an unreadable answer", with("access_token", Value::Null), 503),
        ("no refresh token", with("refresh_token", Value::Null), 503),
        ("no user", with("user", Value::Null), 503),
    ]
}

/// How many answers [`unusable`] has.
const UNUSABLE: usize = 14;

#[tokio::test]
async fn an_unusable_early_refresh_leaves_the_session_unchanged() {
    for index in 0..UNUSABLE {
        let world = World::start().await;
        let session = world.near_its_end("jane");
        let (why, answer, _) = unusable(&world, &session).swap_remove(index);
        let cookie = world.sealed(session).await;
        world.stand_in.prescribe(AUTHENTICATE, 200, answer);
        for _ in 0..3 {
            assert_served_as_it_is(&world.ask_with(&cookie).await, why);
        }
    }
}

#[tokio::test]
async fn an_unusable_due_refresh_signs_nobody_out() {
    for index in 0..UNUSABLE {
        let world = World::start().await;
        let session = world.signed_in("jane", None, -60);
        let all = unusable(&world, &session);
        assert_eq!(all.len(), UNUSABLE);
        let (why, answer, status) = all.into_iter().nth(index).unwrap();
        let cookie = world.sealed(session).await;
        world.stand_in.prescribe(AUTHENTICATE, 200, answer);
        assert_kept(&world.ask_with(&cookie).await, status, why);
    }
}

#[tokio::test]
async fn a_refresh_that_returns_too_much_drops_unread_parts() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, -60);
    let now = world.clock.now().whole_seconds();
    let mut answer = world.resigned(&session, json!({}), json!({ "exp": now + 300 }));
    answer["user"]["metadata"] = json!({ "note": "x".repeat(1700) });
    answer["user"]["profile_picture_url"] = json!("x".repeat(1700));
    world.stand_in.prescribe(AUTHENTICATE, 200, answer);
    let (session, refreshed) = world.ask_with(&world.sealed(session).await).await;
    assert!(session.is_ok());
    let refreshed = format!("wos-session={}", refreshed.unwrap());
    assert_served_as_it_is(&world.ask_with(&refreshed).await, "the lighter session");
}

/// What WorkOS may answer to a refresh instead of tokens: its status and body, the status when the
/// refresh was due, and whether the cookie is cleared then.
fn refusals() -> Vec<(u16, Value, u16, bool)> {
    let oauth = |error: &str, description: &str| json!({ "error": error, "error_description": description });
    let coded = |code: &str| json!({ "code": code, "message": "No." });
    vec![
        (400, oauth("invalid_grant", "Session has already ended."), 401, true),
        (400, oauth("invalid_grant", "Invalid refresh token."), 401, true),
        (400, oauth("invalid_grant", "Refresh token already exchanged."), 401, false),
        (400, oauth("sso_required", "Use SSO."), 403, false),
        (400, oauth("mfa_enrollment", "Enroll."), 403, false),
        (400, oauth("access_denied", "No."), 403, false),
        (403, coded("email_verification_required"), 403, false),
        (403, coded("radar_challenge"), 403, false),
        (404, coded("entity_not_found"), 401, false),
        (400, oauth("expired_token", "Too old."), 401, false),
        (400, oauth("code_of_2031", "No."), 401, false),
        (403, coded("requirement_of_2031"), 403, false),
        (403, oauth("requirement_of_2031", "No."), 403, false),
        (400, oauth("invalid_client", "Invalid client secret."), 502, false),
        (401, json!({ "message": "Unauthorized" }), 502, false),
        (429, coded("rate_limit_exceeded"), 503, false),
        (429, coded("daily_quota_exceeded"), 503, false),
        (500, json!({ "message": "Internal server error" }), 503, false),
    ]
}

/// So many times a refusal is given: some are asked for again.
const OFTEN: usize = 10;

#[tokio::test]
async fn the_response_to_a_due_refresh_decides_whether_the_cookie_is_kept() {
    let mut asked = JoinSet::new();
    for (status, body, expected, cleared) in refusals() {
        asked.spawn(async move {
            let world = World::start().await;
            let cookie = world.cookie("jane", -60).await;
            let why = format!("{status} {body}");
            for _ in 0..OFTEN {
                world.stand_in.prescribe(AUTHENTICATE, status, body.clone());
            }
            let outcome = world.ask_with(&cookie).await;
            if cleared {
                assert_ended(&outcome, &why);
            } else {
                assert_kept(&outcome, expected, &why);
            }
        });
    }
    asked.join_all().await;
}

#[tokio::test]
async fn no_response_to_an_early_refresh_ends_the_session() {
    for (status, body, ..) in refusals() {
        let world = World::start().await;
        let cookie = world.sealed(world.near_its_end("jane")).await;
        for _ in 0..OFTEN {
            world.stand_in.prescribe(AUTHENTICATE, status, body.clone());
        }
        for _ in 0..3 {
            assert_served_as_it_is(&world.ask_with(&cookie).await, &format!("{status} {body}"));
        }
        assert!(world.refreshes() <= 2, "{status} {body}: nobody waits for it");
    }
}

#[tokio::test]
async fn a_lost_refresh_is_retried_with_the_same_token() {
    for fault in [
        Fault::Down,
        Fault::Truncated,
        Fault::Failing(408),
        Fault::Failing(500),
        Fault::Failing(503),
        Fault::GatewayPage,
        Fault::Limiting { retry_after: None },
        Fault::Limiting { retry_after: Some(1) },
        Fault::Slow(Duration::from_millis(4500)),
    ] {
        let world = World::start().await;
        let cookie = world.cookie("jane", -60).await;
        world.stand_in.inject(fault.on(AUTHENTICATE).once());
        assert_refreshed(&world.ask_with(&cookie).await, &format!("{fault:?}"));
        let requests = world.stand_in.requests();
        let tokens = requests.iter().filter(|request| request.path() == AUTHENTICATE);
        let tokens: Vec<_> =
            tokens.map(|request| request.json().unwrap()["refresh_token"].clone()).collect();
        assert_eq!(tokens.len(), 2, "{fault:?}");
        assert_eq!(tokens[0], tokens[1], "{fault:?}");
    }
}

#[tokio::test]
async fn a_lost_early_refresh_is_retried_at_once_or_not_at_all() {
    for (fault, again) in [
        (Fault::Down, true),
        (Fault::Truncated, true),
        (Fault::Failing(408), true),
        (Fault::Failing(503), true),
        (Fault::Limiting { retry_after: Some(1) }, false),
    ] {
        let world = World::start().await;
        let cookie = world.sealed(world.near_its_end("jane")).await;
        world.stand_in.inject(fault.on(AUTHENTICATE).once());
        let outcome = world.ask_with(&cookie).await;
        if again {
            assert_refreshed(&outcome, &format!("{fault:?}"));
        } else {
            assert_served_as_it_is(&outcome, &format!("{fault:?}"));
        }
        assert_eq!(world.refreshes(), 1 + usize::from(again), "{fault:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_prolong_a_backoff() {
    let world = World::start().await;
    let cookie = world.sealed(world.near_its_end("jane")).await;
    world.stand_in.inject(Fault::Failing(500).on(AUTHENTICATE));
    assert_served_as_it_is(&world.ask_with(&cookie).await, "WorkOS is failing");
    world.stand_in.clear_faults();
    world.clock.set_back(Duration::from_secs(20));
    assert_refreshed(&world.ask_with(&cookie).await, "the pause is over");
}

#[tokio::test]
async fn a_dead_cookie_calls_workos_once_a_minute() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, -60);
    let claims = jwt::claims(session["access_token"].as_str().unwrap()).unwrap();
    world.stand_in.revoke_session(claims["sid"].as_str().unwrap());
    let cookie = world.sealed(session).await;
    for _ in 0..20 {
        assert_ended(&world.ask_with(&cookie).await, "revoked");
    }
    assert_eq!(world.refreshes(), 1);
    let alive = world.cookie("without_organization", -60).await;
    assert_refreshed(&world.ask_with(&alive).await, "another's session");
    world.clock.advance(Duration::from_mins(1));
    assert_ended(&world.ask_with(&cookie).await, "a minute later");
    assert_eq!(world.refreshes(), 3);
}

#[tokio::test]
async fn a_session_that_has_ended_is_401_and_an_outage_is_503_with_the_cookie_kept() {
    let mut asked = JoinSet::new();
    for (fault, expected) in [
        (Fault::Down, 503),
        (Fault::Failing(408), 503),
        (Fault::Failing(500), 503),
        (Fault::GatewayPage, 503),
        (Fault::Limiting { retry_after: Some(60) }, 503),
        (Fault::Garbage, 503),
        (Fault::WrongShape, 503),
        (Fault::Truncated, 503),
        (Fault::Refusing, 502),
    ] {
        asked.spawn(async move {
            let world = World::start().await;
            let cookie = world.cookie("jane", -60).await;
            world.stand_in.inject(fault.on(AUTHENTICATE));
            assert_kept(&world.ask_with(&cookie).await, expected, &format!("{fault:?}"));
            world.stand_in.clear_faults();
            assert!(world.ask_with(&cookie).await.0.is_ok(), "all is well again");
        });
    }
    asked.join_all().await;

    let world = World::start().await;
    let session = world.signed_in("without_organization", None, -60);
    let cookie = world.sealed(session).await;
    world.stand_in.remove_user("without_organization");
    assert_ended(&world.ask_with(&cookie).await, "the user is gone");
}

#[tokio::test]
async fn an_administrator_who_impersonates_a_user_is_known() {
    let world = World::start().await;
    let mut session = world.signed_in("jane", None, 300);
    assert!(
        world
            .ask_with(&world.sealed(session.clone()).await)
            .await
            .0
            .unwrap()
            .impersonator()
            .is_none()
    );
    session["impersonator"] = json!({ "email": "admin@example.com", "reason": "A ticket" });
    let (sealed, _) = world.ask_with(&world.sealed(session.clone()).await).await;
    let sealed = sealed.unwrap();
    let impersonator = sealed.impersonator().unwrap();
    assert_eq!(impersonator.email, "admin@example.com");
    assert_eq!(impersonator.reason.as_deref(), Some("A ticket"));

    let acting =
        world.resigned(&session, json!({}), json!({ "act": { "sub": "admin@example.com" } }));
    let (session, _) = world.ask_with_token(acting["access_token"].as_str().unwrap()).await;
    let session = session.unwrap();
    let impersonator = session.impersonator().unwrap();
    assert_eq!((impersonator.email.as_str(), &impersonator.reason), ("admin@example.com", &None));
}

#[tokio::test]
async fn live_sessions_continue_while_workos_is_down() {
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
async fn switches_only_to_an_organization_of_the_user() {
    let world = World::start().await;
    let masadas = world.stand_in.organization("MASADAS").id;
    let taunta = world.stand_in.organization("TAUNTA SCRE").id;
    let cookie = world.sealed(world.signed_in("member_of_two", Some("MASADAS"), 300)).await;

    let (status, kept) = switch(&world, &cookie, "org_unknown").await;
    assert_eq!((status, kept), (403, None), "the session stays as it is");

    let (status, refreshed) = switch(&world, &cookie, &taunta).await;
    assert_eq!(status, 200);
    let refreshed = format!("wos-session={}", refreshed.unwrap());
    let session = world.ask_with(&refreshed).await.0.unwrap();
    assert_eq!(session.token().organization_id.as_ref().unwrap().as_str(), taunta);

    world.stand_in.misplace_refreshes("TAUNTA SCRE");
    assert_eq!(switch(&world, &refreshed, &masadas).await.0, 502, "an answer for another one");
}

#[tokio::test]
async fn requests_that_switch_to_one_organization_during_an_early_refresh_share_both() {
    let world = World::start().await;
    let taunta = world.stand_in.organization("TAUNTA SCRE").id;
    let cookie = world.sealed(world.near_its_end_in("member_of_two", Some("MASADAS"))).await;
    world.stand_in.inject(Fault::Slow(Duration::from_millis(50)).on(AUTHENTICATE));
    let switches = [(); 3].map(|()| switch(&world, &cookie, &taunta));
    let [first, second, third] = switches;
    let outcomes = tokio::join!(first, second, third);
    for (status, cookie) in [outcomes.0, outcomes.1, outcomes.2] {
        assert_eq!(status, 200);
        let cookie = format!("wos-session={}", cookie.unwrap());
        let session = world.ask_with(&cookie).await.0.unwrap();
        assert_eq!(session.token().organization_id.as_ref().unwrap().as_str(), taunta);
    }
    assert_eq!(world.refreshes(), 2, "one refresh and one switch");
}

#[tokio::test]
async fn sign_out_clears_the_cookie_whatever_becomes_of_the_session() {
    let world = World::start().await;
    let leave = async |cookie: &str| {
        let request = request(&[("cookie", cookie)]);
        let (url, cookies) = with_cookies(world.sessions.sign_out(&request)).await;
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

#[tokio::test]
async fn sign_out_with_a_bearer_token_keeps_the_cookie() {
    let world = World::start().await;
    let cookie = world.cookie("jane", 300).await;
    let good = format!("Bearer {}", world.stand_in.access_token("without_organization"));
    for (authorization, expected) in [(good.as_str(), None), ("Bearer token", Some(401))] {
        let both = request(&[("authorization", authorization), ("cookie", &cookie)]);
        let (url, cookies) = with_cookies(world.sessions.sign_out(&both)).await;
        assert_eq!(url.err().map(|error| error.status().as_u16()), expected);
        assert_eq!(new_value(&cookies), None, "{authorization}");
    }
}

#[tokio::test]
async fn sign_out_keeps_a_cookie_that_cannot_be_verified() {
    let world = World::start().await;
    let session = world.signed_in("jane", None, 300);
    let later = world.resigned(&session, json!({}), json!({ "nbf": 4_000_000_000_u64 }));
    let cookie = world.sealed(later).await;
    let (url, cookies) =
        with_cookies(world.sessions.sign_out(&request(&[("cookie", &cookie)]))).await;
    assert_eq!(url.unwrap_err().status(), 503);
    assert_eq!(new_value(&cookies), None);
}
