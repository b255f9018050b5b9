//! Every endpoint of LiveKit's rooms with sessions of Clerk: its tokens and cookies. Denials first.

#![allow(missing_docs, reason = "the name of a test is a sentence")]
#![allow(clippy::missing_panics_doc, reason = "a test panics when it fails")]

use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::event::Event;
use crate::identity::clerk_claims;
use crate::room_world::RoomWorld;
use crate::sessions::{COOKIE, sealed};
use crate::suites::rooms::RoomEndpoint;

/// The cookie of Clerk's session.
const CLERK_COOKIE: &str = "__session";

/// Jane's token with other claims; `null` takes one out.
fn token(world: &RoomWorld, changes: &Value) -> String {
    world.clerk().sign(&world.clerk().header(), &claims(world, changes))
}

fn claims(world: &RoomWorld, changes: &Value) -> Value {
    let mut claims = clerk_claims(world.clerk(), "jane", Some("Example"));
    let object = claims.as_object_mut().expect("an object");
    object.extend(changes.as_object().expect("an object").clone());
    object.retain(|_, value| !value.is_null());
    claims
}

pub async fn no_clerk_session_is_401_and_livekit_is_not_called(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let expired = token(&world, &json!({ "exp": 1_700_000_000 }));
    let pending = token(&world, &json!({ "sts": "pending" }));
    let good = token(&world, &json!({}));
    let session = world.workos().sign_in("jane", None);
    let settings = world.workos().settings();
    for (why, event) in [
        ("an expired session", world.event().bearer(&expired)),
        ("an expired session in the cookie", world.event().cookie(CLERK_COOKIE, &expired)),
        ("a pending session", world.event().bearer(&pending)),
        ("signed out", world.event().cookie(CLERK_COOKIE, &good).cookie("__client_uat", "0")),
        ("WorkOS's cookie", world.event().cookie(COOKIE, &sealed(&settings, &session).await)),
    ] {
        let answer = world.ask(&event.input(&input)).await;
        assert_eq!(answer.refusal(), (401, "Sign in first".to_owned()), "{why}");
        assert_eq!(answer.cookies(), [], "{why}");
    }
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn a_foreign_clerk_token_is_401_even_with_a_valid_cookie(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let (clerk, none) = (world.clerk(), json!({}));
    let (header, good) = (clerk.header(), claims(&world, &none));
    let hmac = jwt::hmac_signed(&json!({ "alg": "HS256" }), &good, clerk.jwt_key().as_bytes());
    let cookie = token(&world, &none);
    for (why, token) in [
        ("no token", "token".to_owned()),
        ("another instance's", clerk.sign_foreign(&header, &good)),
        ("unsigned", jwt::unsigned(&json!({ "alg": "none" }), &good)),
        ("signed with the public key", hmac),
        ("another application's", token(&world, &json!({ "azp": "https://evil.example" }))),
        ("for no application", token(&world, &json!({ "azp": null }))),
        ("a machine's", token(&world, &json!({ "sub": "mch_1" }))),
        ("for no session", token(&world, &json!({ "sid": null }))),
    ] {
        for event in [world.event(), world.event().cookie(CLERK_COOKIE, &cookie)] {
            let answer = world.ask(&event.bearer(&token).input(&input)).await;
            let refused = (401, "The session token is not valid".to_owned());
            assert_eq!(answer.refusal(), refused, "{why}");
            assert_eq!(answer.cookies(), [], "{why}");
        }
    }
    // Clerk is asked for an unknown key once, and then not for a while, in which nobody can tell.
    for status in [401, 503] {
        let event = world.event().bearer(&world.workos().access_token("jane"));
        assert_eq!(world.ask(&event.input(&input)).await.refusal().0, status, "WorkOS's");
    }
    assert_eq!(world.asked(), [""; 0]);
}

pub async fn a_clerk_session_is_accepted_from_the_header_or_the_cookie(endpoint: &RoomEndpoint) {
    let with: [fn(Event, &str) -> Event; 3] = [
        |event, token| event.bearer(token),
        |event, token| event.cookie(CLERK_COOKIE, token),
        // The header counts.
        |event, token| event.bearer(token).cookie(CLERK_COOKIE, "not a token"),
    ];
    for with in with {
        let world = endpoint.start().await;
        let input = (endpoint.good_input)(&world);
        let event = with(world.event(), &token(&world, &json!({}))).input(&input);
        let answer = world.ask(&event).await;
        assert_eq!(answer.status(), endpoint.success, "{}", answer.text());
        assert_eq!(answer.cookies(), []);
        assert_eq!(world.workos().requests().len(), 0, "WorkOS has no part in it");
    }
}

pub async fn an_outage_of_clerk_never_signs_anybody_out(endpoint: &RoomEndpoint) {
    let world = endpoint.start().await;
    let input = (endpoint.good_input)(&world);
    world.livekit.forget_requests();
    let event = world.event_of("jane", &input);
    world.clerk().inject(Fault::Down.on("/v1/jwks"));
    let another = world.another().await;
    assert_eq!(Answer::of(&another, &event).await.refusal().0, 503);
    assert_eq!(world.asked(), [""; 0]);
    world.clerk().clear_faults();
    let answer = world.ask(&event).await;
    assert_eq!(answer.status(), endpoint.success, "it has the keys: {}", answer.text());
}

/// Declares the suite's tests for a [`RoomEndpoint`](crate::suites::rooms::RoomEndpoint), the
/// constant of this name.
#[macro_export]
macro_rules! clerk_rooms_suite {
    ($endpoint:ident) => {
        $crate::tests! { clerk_rooms($endpoint):
            no_clerk_session_is_401_and_livekit_is_not_called,
            a_foreign_clerk_token_is_401_even_with_a_valid_cookie,
            a_clerk_session_is_accepted_from_the_header_or_the_cookie,
            an_outage_of_clerk_never_signs_anybody_out,
        }
    };
}
