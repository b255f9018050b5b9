//! Every endpoint of LiveKit's rooms with sessions of WorkOS: its tokens and cookies. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::API_SECRET;
use serde_json::{Value, json};

use crate::sessions::{
    COOKIE, access_token, assert_cleared, expired_session, refresh_outages, sealed,
    with_access_token,
};
use crate::suites::rooms::RoomEndpoint;
use crate::suites::session_cookies::{self, Endpoint, Kind};

pub async fn an_invalid_cookie_is_401_and_cleared_and_livekit_is_not_called(
    endpoint: &RoomEndpoint,
) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let session = world.workos().sign_in("jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let claims = jwt::claims(access_token(&session)).expect("claims");
    let with_token =
        async |token: &str| sealed(world.settings(), &with_access_token(&session, token)).await;
    let by_somebody_else = {
        let mut settings = world.settings().to_vec();
        settings.retain(|(name, _)| name != "WORKOS_COOKIE_PASSWORD");
        let other = "the cookie password of somebody else altogether";
        settings.push(("WORKOS_COOKIE_PASSWORD".to_owned(), other.to_owned()));
        sealed(&settings, &session).await
    };
    let header = world.workos().header();
    let mut eve = claims.clone();
    eve["sub"] = json!("user_eve");
    let foreign = world.workos().sign_foreign(&header, &claims);
    for (why, value) in [
        ("sealed by somebody else", by_somebody_else),
        ("tampered", cookie.replacen("Fe26.2*1*", "Fe26.2*2*", 1)),
        ("shortened", cookie[..cookie.len() - 10].to_owned()),
        ("no seal", access_token(&session).to_owned()),
        ("a foreign token", with_token(&foreign).await),
        ("an unsigned token", with_token(&jwt::unsigned(&json!({"alg": "none"}), &claims)).await),
        ("another user's token", with_token(&world.workos().sign(&header, &eve)).await),
    ] {
        let answer = world.ask(&world.event().cookie(COOKIE, &value).input(&input)).await;
        assert_eq!(answer.refusal().0, 401, "{why}");
        assert_cleared(&answer, why);
    }
    let two = world.event().cookie(COOKIE, &cookie).cookie(COOKIE, &cookie);
    let answer = world.ask(&two.input(&input)).await;
    assert_eq!(answer.refusal().0, 401, "two cookies");
    assert_cleared(&answer, "two cookies");
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn an_invalid_token_is_401_even_with_a_valid_cookie(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let clerk = Clerk::start().await.expect("a free port");
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let cookie = sealed(world.settings(), &world.workos().sign_in("jane", None)).await;
    let (header, claims) = (world.workos().header(), world.workos().claims_for("jane"));
    let mut expired = claims.clone();
    expired["exp"] = json!(1_700_000_000);
    let hmac = jwt::hmac_signed(&json!({"alg": "HS256"}), &claims, API_SECRET.as_bytes());
    for (why, token) in [
        ("no token", "token".to_owned()),
        ("another environment's", world.workos().sign_foreign(&header, &claims)),
        ("unsigned", jwt::unsigned(&json!({"alg": "none"}), &claims)),
        ("expired", world.workos().sign(&header, &expired)),
        ("signed with LiveKit's secret", hmac),
        ("the sealed cookie", cookie.clone()),
    ] {
        for event in [world.event(), world.event().cookie(COOKIE, &cookie)] {
            let answer = world.ask(&event.bearer(&token).input(&input)).await;
            assert_eq!(answer.refusal().0, 401, "{why}");
            assert_eq!(answer.cookies(), [], "{why}: the cookie was not looked at");
        }
    }
    // WorkOS is asked for an unknown key once, and then not for a while, in which nobody can tell.
    for status in [401, 503] {
        let event = world.event().cookie(COOKIE, &cookie).bearer(&clerk.session_token("jane"));
        let answer = world.ask(&event.input(&input)).await;
        assert_eq!(answer.refusal().0, status, "Clerk's");
        assert_eq!(answer.cookies(), [], "the cookie was not looked at");
    }
    let of_clerk = world.event().cookie("__session", &clerk.session_token("jane"));
    assert_eq!(world.ask(&of_clerk.input(&input)).await.refusal().0, 401, "Clerk's cookie");
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn a_valid_token_takes_precedence_over_a_cookie(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let event = endpoint.good(&world).cookie(COOKIE, "not a seal");
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), endpoint.success, "{}", answer.text());
    assert_eq!(answer.cookies(), [], "the cookie was not looked at");
}

pub async fn a_session_that_has_ended_is_401_and_the_cookie_is_cleared(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let session = expired_session(world.workos(), "jane", None);
    let claims = jwt::claims(access_token(&session)).expect("claims");
    assert!(world.workos().revoke_session(claims["sid"].as_str().expect("an id")));
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).input(&input)).await;
    assert_eq!(answer.refusal().0, 401);
    assert_cleared(&answer, "expired and revoked");
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn an_expired_session_is_refreshed_within_the_request(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    let session = expired_session(world.workos(), "jane", None);
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).input(&input)).await;
    assert_eq!(answer.status(), endpoint.success, "{}", answer.text());
    let refreshed = answer.cookie();
    assert_eq!(refreshed.name, COOKIE);
    assert!(refreshed.value.starts_with("Fe26.2*") && refreshed.value != cookie);
}

pub async fn a_rejection_also_carries_the_refreshed_session(endpoint: &RoomEndpoint) {
    let world = endpoint.start_with(&[("ROOM_NAMESPACE", "organization")]).await;
    let input = (endpoint.good_input)(&world);
    let session = expired_session(world.workos(), "without_organization", None);
    let cookie = sealed(world.settings(), &session).await;
    let answer = world.ask(&world.event().cookie(COOKIE, &cookie).input(&input)).await;
    assert_eq!(answer.refusal().0, 403);
    let refreshed = answer.cookie();
    assert_eq!(refreshed.name, COOKIE);
    assert!(refreshed.value.starts_with("Fe26.2*") && refreshed.value != cookie);
    let answer = world.ask(&world.event().cookie(COOKIE, &refreshed.value).input(&input)).await;
    assert_eq!(answer.refusal().0, 403, "the new one is good");
}

pub async fn an_outage_of_workos_never_signs_anybody_out(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let session = expired_session(world.workos(), "jane", None);
    let event = world.event().cookie(COOKIE, &sealed(world.settings(), &session).await);
    let event = event.input(&input);
    let limit = (Fault::Limiting { retry_after: Some(9) }, 503);
    for (fault, status) in refresh_outages().chain([limit]) {
        world.workos().inject(fault.on("/user_management/authenticate"));
        let answer = world.ask(&event).await;
        assert_eq!(answer.refusal().0, status, "{fault:?}");
        assert_eq!(answer.cookies(), [], "{fault:?}");
        world.workos().clear_faults();
    }
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(world.ask(&event).await.status(), endpoint.success, "all is well again");
}

pub async fn only_a_cookie_that_can_never_be_valid_is_cleared(endpoint: &RoomEndpoint) {
    // What any of the endpoints reads; each ignores the others' fields.
    let input: fn() -> Value = || {
        json!({
            "username": "Jane", "roomId": "lobby", "roomName": "lobby", "zoneId": "zone",
            "room_name": "lobby",
            "conferenceTopic": "", "participants": "", "egressId": "EG_none",
            "identity": "guest:1", "source": "camera",
        })
    };
    session_cookies::check(Endpoint { binary: endpoint.binary, kind: Kind::Room(input) }).await;
}

/// Declares the suite's tests for a [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! workos_rooms_suite {
    ($endpoint:ident) => {
        $crate::tests! { workos_rooms($endpoint):
            an_invalid_cookie_is_401_and_cleared_and_livekit_is_not_called,
            an_invalid_token_is_401_even_with_a_valid_cookie,
            a_valid_token_takes_precedence_over_a_cookie,
            a_session_that_has_ended_is_401_and_the_cookie_is_cleared,
            an_expired_session_is_refreshed_within_the_request,
            a_rejection_also_carries_the_refreshed_session,
            an_outage_of_workos_never_signs_anybody_out,
            only_a_cookie_that_can_never_be_valid_is_cleared,
        }
    };
}
