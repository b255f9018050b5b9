//! What WorkOS answers to every call of the sign-in endpoints: who gets a session, and who loses one.

#![no_main]

use std::collections::BTreeMap;

use anteroom::api::Request;
use anteroom::workos::Cookies;
use anteroom_fuzz::answer::Answer;
use anteroom_fuzz::functions::{Started, start};
use anteroom_fuzz::script::Reply;
use anteroom_fuzz::world::{World, request};
use anteroom_fuzz::{answer, genuine, json, script};
use http::HeaderMap;
use http::header::COOKIE;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const OPERATIONS: [&str; 9] = [
    "sign-in",
    "sign-up",
    "resend-magic-auth",
    "finalize-magic-auth",
    "finalize-oauth",
    "select-organization",
    "session",
    "switch-organization",
    "dev-sign-in",
];

struct SigningIn {
    world: World,
    cookies: Cookies,
    started: BTreeMap<&'static str, Box<dyn Started>>,
    /// The cookies of a browser that has begun a sign-in and has a choice to make.
    flows: String,
    state: String,
}

thread_local! {
    static SIGNING_IN: SigningIn = {
        let world = World::start();
        let cookies = Cookies::configure(&mut world.settings(&[])).expect("settings");
        let (started, flows, state) = world.run(async {
            let mut started = BTreeMap::new();
            for name in OPERATIONS.into_iter().filter(|name| !remembers(name)) {
                started.insert(name, start(name, world.settings(&[])).await);
            }
            let begun = cookies.sign_in.begin(&HeaderMap::new()).await.expect("a sign-in");
            let offered = [serde_json::from_str(r#""org_01FUZZ""#).expect("an id")];
            let token = "pending-fuzz".into();
            let choice = cookies.pending.remember(&HeaderMap::new(), &token, &offered).await;
            let choice = choice.expect("a choice");
            let flows = [&begun.cookies[0], &choice[0]].map(|cookie| cookie.stripped().to_string());
            (started, flows.join("; "), begun.state)
        });
        SigningIn { world, cookies, started, flows, state }
    };
}

/// Whether an endpoint remembers refused refreshes, which would make one run depend on another.
fn remembers(name: &str) -> bool {
    matches!(name, "session" | "switch-organization")
}

fuzz_target!(|data: &[u8]| {
    let (name, rest) = script::operation(&OPERATIONS, data);
    SIGNING_IN.with(|signing_in| {
        let SigningIn { world, started, .. } = signing_in;
        let replies = script::replies(rest);
        world.providers.play(replies.clone());
        let request = world.limit(signing_in.request(name));
        let answer = if remembers(name) {
            let function = world.run(start(name, world.settings(&[])));
            world.run(function.answer(request))
        } else {
            world.run(started[name].answer(request))
        };
        let answer = answer::checked(answer, &replies);
        signing_in.check(name, &answer, &replies);
    });
});

impl SigningIn {
    fn request(&self, name: &str) -> Request {
        let Self { flows, state, .. } = self;
        let expired = format!("wos-session={}", genuine::session_seal(genuine::expired_token()));
        let current = format!("wos-session={}", genuine::session_seal(genuine::access_token()));
        let state = format!(r#"{{"code":"fuzz","state":"{state}"}}"#);
        let (method, cookie, body) = match name {
            "finalize-magic-auth" => {
                ("POST", flows, r#"{"email":"jane@example.com","code":"123456"}"#)
            }
            "finalize-oauth" => ("POST", flows, state.as_str()),
            "select-organization" => (
                "POST",
                flows,
                r#"{"pendingAuthenticationToken":"pending-fuzz","organizationId":"org_01FUZZ"}"#,
            ),
            "session" => ("GET", &expired, ""),
            "switch-organization" => {
                ("POST", &current, r#"{"email":"jane@example.com","organizationId":"org_01FUZZ"}"#)
            }
            "dev-sign-in" => ("POST", flows, ""),
            _ => ("POST", flows, r#"{"email":"jane@example.com"}"#),
        };
        request(method, &format!("/auth/{name}"), &[("cookie", cookie)], body)
    }

    fn check(&self, name: &str, answer: &Answer, replies: &[Reply]) {
        let statuses: &[u64] = match name {
            "sign-up" => &[201, 400, 403, 409, 429, 502, 503],
            "session" => &[200, 401, 403, 502, 503],
            _ => &[200, 400, 401, 403, 429, 502, 503],
        };
        assert!(statuses.contains(&answer.status), "{name}: {}", answer.status);
        let Some(cookie) = answer.session_cookie() else {
            let needs_cookie = remembers(name)
                || answer.body.get("user").is_some_and(|user| user.get("organizations").is_none());
            return assert!(!(needs_cookie && answer.status == 200), "{name}: no cookie");
        };
        if cookie.is_empty() {
            // Only the refusal of a grant ends a session, and only where one was due.
            assert!(remembers(name) && answer.status == 401, "{name} clears the session");
            let said = |reply: &Reply| {
                let body = json::strict(&reply.body);
                body.is_none_or(|body| {
                    body["error"] == "invalid_grant" || body["code"] == "invalid_grant"
                })
            };
            return assert!(replies.iter().any(said), "{name} clears the session");
        }
        assert_eq!(answer.status, 200, "{name}: a session with an error");
        let header = format!("wos-session={cookie}").parse().expect("a header");
        let headers = HeaderMap::from_iter([(COOKIE, header)]);
        let session = self.world.run(self.cookies.session.read(&headers));
        let session = session.expect("our own seal").expect("a session");
        let session = serde_json::to_value(&session).expect("JSON");
        self.check_session(name, &session, replies);
    }

    /// A new session is WorkOS's own.
    fn check_session(&self, name: &str, session: &Value, replies: &[Reply]) {
        let token = session["accessToken"].as_str().expect("a token");
        let is_in = |text: &str| {
            replies.iter().any(|reply| {
                let body = json::strict(&reply.body);
                body.is_none_or(|body| body.to_string().contains(&Value::from(text).to_string()))
            })
        };
        assert!(is_in(token), "{name}: a token that WorkOS did not send");
        let refresh = session["refreshToken"].as_str().expect("a refresh token");
        assert!(!refresh.is_empty() && is_in(refresh), "{name}: {refresh}");
        if remembers(name) {
            // What comes back is verified before it replaces a session.
            assert!(token.matches('.').count() == 2 && token != genuine::expired_token());
            assert_eq!(session["user"]["id"], genuine::USER);
        }
    }
}
