//! Answers with which a hostile provider, or somebody in front of it, attacks.

use std::sync::Arc;

use anteroom_local::instance::Instance;
use anteroom_security::{Outcome, Table, binary};
use anteroom_stand_ins::exchange::Answer as Reply;
use anteroom_testing::sessions::COOKIE;
use anteroom_testing::{Answer, Event};
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure, new_table};
use crate::raw_server::{RawServer, Reply as Raw};
use crate::world::{LONG, World};

const UNUSABLE: (u64, &str) = (502, "A service we depend on returned an unusable response");
const AWAY: (u64, &str) = (503, "A service we depend on is not responding. Try again shortly");

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut table = new_table("Providers' answers");
    let provider = RawServer::start().await;
    let elsewhere = RawServer::start().await;
    elsewhere.reply_with(Raw::Bytes(http("200 OK", &[], "{\"token\":\"stolen\"}")));
    let endpoints = [
        Endpoint::start(&world, "liveblocks-auth", "LIVEBLOCKS_API_URL", &provider).await,
        Endpoint::start(&world, "resend-magic-auth", "WORKOS_API_URL", &provider).await,
    ];
    for endpoint in &endpoints {
        for (tried, reply, expected) in replies(&elsewhere.url()) {
            provider.reply_with(reply);
            let outcome = endpoint.outcome(&world, expected, &provider, &elsewhere).await;
            let answer = format!("{} {}", expected.0, expected.1);
            let cells = [tried, endpoint.name.to_owned(), answer, NOTHING.to_owned()];
            table.row(cells, outcome);
        }
    }
    let mut attacks = Attacks::new("Providers' answers", &world);
    of_stand_ins(&world, &mut attacks).await;
    table.append(attacks.table());
    table
}

const NOTHING: &str = "only this provider is called, and no other host; no cookie";

/// A function whose provider is the raw server.
struct Endpoint {
    name: &'static str,
    function: Arc<Instance>,
    event: Event,
}

impl Endpoint {
    async fn start(world: &World, name: &'static str, setting: &str, provider: &RawServer) -> Self {
        let url = provider.url();
        let settings = world.settings_with(&[(setting, url.as_str())]);
        let function = Instance::start(binary::of(name).await, settings).await;
        let event = match name {
            "liveblocks-auth" => world.to(name).bearer(&token(world)),
            _ => world.to(name).json(&json!({ "email": "jane.doe@example.com" })),
        };
        Self { name, function: Arc::new(function.unwrap_or_else(|error| panic!("{error}"))), event }
    }

    async fn outcome(
        &self,
        world: &World,
        (status, message): (u64, &str),
        provider: &RawServer,
        elsewhere: &RawServer,
    ) -> Outcome {
        let (function, event) = (Arc::clone(&self.function), self.event.clone());
        let answer = tokio::spawn(async move { Answer::of(&function, &event).await }).await;
        let answer = answer.map_err(|error| format!("no valid answer: {error}"))?;
        let is_expected = answer.status() == status && answer.body()["message"] == *message;
        ensure(is_expected, || format!("{} {:.300}", answer.status(), answer.text()))?;
        ensure(answer.cookies().is_empty(), || format!("cookies: {:?}", answer.cookies()))?;
        let (asked, others) = (provider.requests(), elsewhere.requests());
        ensure(!asked.is_empty(), || "the provider was not called".to_owned())?;
        ensure(others.is_empty(), || format!("another host was called: {others:?}"))?;
        let logs = self.function.logs().join("\n");
        let found =
            world.secrets().chain(["@", "eyJ", "stolen", "hunter2"]).find(|it| logs.contains(it));
        ensure(found.is_none(), || format!("`{found:?}` is in the log"))
    }
}

/// Jane's session at Clerk, which is good for longer than the tests take.
fn token(world: &World) -> String {
    let mut claims = world.clerk.claims_for("jane");
    claims["exp"] = json!(claims["iat"].as_u64().unwrap() + LONG.unsigned_abs());
    world.clerk.sign(&world.clerk.header(), &claims)
}

/// An answer with these headers, its length, and a body.
fn http(status: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|header| header.starts_with("content-type")) {
        text += "content-type: application/json\r\n";
    }
    for header in headers {
        text.extend([header, "\r\n"]);
    }
    format!("{text}\r\n{body}").into_bytes()
}

fn raw(text: &str) -> Raw {
    Raw::Bytes(text.as_bytes().to_vec())
}

fn replies(elsewhere: &str) -> Vec<(String, Raw, (u64, &'static str))> {
    let mut replies: Vec<(String, Raw, (u64, &'static str))> = Vec::new();
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let to = format!("location: {elsewhere}/");
        replies.push((
            format!("a redirect to another host, {status}"),
            Raw::Bytes(http(status, &[&to], "")),
            UNUSABLE,
        ));
    }
    let alt_svc = format!("alt-svc: h2=\"{}\"", elsewhere.trim_start_matches("http://"));
    let refresh = format!("refresh: 0; url={elsewhere}/");
    for (tried, status, headers, body) in [
        (
            "300 with several places",
            "300 Multiple Choices",
            vec![format!("location: {elsewhere}/")],
            "",
        ),
        ("another service's address", "200 OK", vec![alt_svc], "}{"),
        ("a refresh to another host", "200 OK", vec![refresh], "}{"),
        ("204 without a body", "204 No Content", vec![], ""),
        (
            "206 with a part",
            "206 Partial Content",
            vec!["content-range: bytes 0-1/9".to_owned()],
            "{\"",
        ),
        ("304 as if we had asked before", "304 Not Modified", vec![], ""),
        (
            "a proxy that wants a password",
            "407 Proxy Authentication Required",
            vec!["proxy-authenticate: Basic realm=\"x\"".to_owned()],
            "{}",
        ),
        ("a status of 999", "999 Odd", vec![], "{}"),
        (
            "a page with a success",
            "200 OK",
            vec!["content-type: text/html".to_owned()],
            "<script>alert(1)</script>",
        ),
        ("nothing with a success", "200 OK", vec![], ""),
        ("a text", "200 OK", vec![], "\"token\""),
        ("a list", "200 OK", vec![], "[]"),
        ("null", "200 OK", vec![], "null"),
        ("an empty object", "200 OK", vec![], "{}"),
        ("half an object", "200 OK", vec![], "{\"token\":\"stolen\""),
        ("a byte order mark and an object", "200 OK", vec![], "\u{feff}{\"token\":1}"),
        ("a name twice", "200 OK", vec![], "{\"token\":1,\"token\":2}"),
        ("JavaScript in front of the object", "200 OK", vec![], ")]}',\n{}"),
        ("a cookie", "200 OK", vec![format!("set-cookie: {COOKIE}=stolen; Path=/")], "}{"),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        replies.push((tried.to_owned(), Raw::Bytes(http(status, &headers, body)), UNUSABLE));
    }
    let deep = "[".repeat(200_000);
    replies.push((
        "lists 200,000 deep".to_owned(),
        Raw::Bytes(http("200 OK", &[], &deep)),
        UNUSABLE,
    ));
    let deep = format!("{}1{}", "{\"token\":".repeat(50_000), "}".repeat(50_000));
    replies.push((
        "objects 50,000 deep".to_owned(),
        Raw::Bytes(http("200 OK", &[], &deep)),
        UNUSABLE,
    ));
    let long = format!("{{\"token\":[{}1]}}", "1,".repeat(600_000));
    replies.push(("1.2 MB of JSON".to_owned(), Raw::Bytes(http("200 OK", &[], &long)), UNUSABLE));
    let gzip = [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n".to_vec(),
        vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0],
    ];
    replies.push((
        "a compressed body, which we have not asked for".to_owned(),
        Raw::Bytes(gzip.concat()),
        UNUSABLE,
    ));
    replies.push((
        "a body without an end".to_owned(),
        Raw::Endless(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"token\":\"".to_vec(),
            vec![b'a'; 16 * 1024],
        ),
        UNUSABLE,
    ));
    replies.push((
        "chunks without an end".to_owned(),
        Raw::Endless(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            format!("1000\r\n{}\r\n", " ".repeat(4096)).into_bytes(),
        ),
        UNUSABLE,
    ));
    replies.push((
        "headers without an end".to_owned(),
        Raw::Endless(
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            b"x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(100),
        ),
        AWAY,
    ));
    replies.push((
        "an error's body without an end".to_owned(),
        Raw::Endless(b"HTTP/1.1 500 Internal Server Error\r\n\r\n".to_vec(), vec![b'a'; 16 * 1024]),
        AWAY,
    ));
    for (tried, text) in broken() {
        replies.push((tried.to_owned(), raw(&text), AWAY));
    }
    replies
}

/// Answers that are no HTTP, or that end too early.
fn broken() -> Vec<(&'static str, String)> {
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let many = "x-many: 1\r\n".repeat(500);
    vec![
        ("nothing at all", String::new()),
        ("a length that is too long", format!("{ok}content-length: 999\r\n\r\n{{}}")),
        (
            "a length that overflows",
            format!("{ok}content-length: 99999999999999999999999\r\n\r\n{{}}"),
        ),
        ("a negative length", format!("{ok}content-length: -1\r\n\r\n{{}}")),
        ("a length that is no number", format!("{ok}content-length: ten\r\n\r\n{{}}")),
        ("two lengths", format!("{ok}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}")),
        ("two lengths in one header", format!("{ok}content-length: 2, 3\r\n\r\n{{}}")),
        (
            "a chunk whose length is no number",
            format!("{ok}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n"),
        ),
        (
            "a chunk whose length overflows",
            format!("{ok}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{{}}"),
        ),
        ("a chunk that is too short", format!("{ok}transfer-encoding: chunked\r\n\r\n10\r\n{{}}")),
        (
            "chunks without the last one",
            format!("{ok}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n"),
        ),
        ("an end in the middle of the headers", "HTTP/1.1 200 OK\r\ncontent-ty".to_owned()),
        ("500 headers", format!("{ok}{many}content-length: 2\r\n\r\n{{}}")),
        (
            "a header of a megabyte",
            format!("{ok}x-large: {}\r\ncontent-length: 2\r\n\r\n{{}}", "a".repeat(1024 * 1024)),
        ),
        (
            "a header's name with a space",
            format!("{ok}x large: 1\r\ncontent-length: 2\r\n\r\n{{}}"),
        ),
        ("a header with a NUL", format!("{ok}x-nul: a\u{0}b\r\ncontent-length: 2\r\n\r\n{{}}")),
        ("a header without a name", format!("{ok}: 1\r\ncontent-length: 2\r\n\r\n{{}}")),
        ("no status", "HTTP/1.1 OK\r\n\r\n".to_owned()),
        ("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n".to_owned()),
        ("a status of five digits", "HTTP/1.1 20000 OK\r\n\r\n".to_owned()),
        ("another protocol", "ICY 200 OK\r\n\r\n".to_owned()),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("HTTP/0.9", "<html>hunter2</html>".to_owned()),
        ("TLS", "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{28}".to_owned()),
        ("binary garbage", "\u{0}\u{1}\u{2}\u{7f}".repeat(100)),
    ]
}

/// Answers that are well-formed and false.
async fn of_stand_ins(world: &World, attacks: &mut Attacks<'_>) {
    let bearer = world.to("liveblocks-auth").bearer(&token(world));
    let private = "jane.doe@example.com may not, key sk_dev_of_the_stand_in_and_no_secret";
    for (tried, status, body, expected) in [
        (
            "Liveblocks names the address and our key in its refusal",
            403,
            json!({ "error": "UNAUTHORIZED", "message": private }),
            (403, "Liveblocks rejected this user"),
        ),
        (
            "Liveblocks rejects our key with both in its message",
            401,
            json!({ "error": "WRONG_KEY_USED", "message": private }),
            UNUSABLE,
        ),
        ("Liveblocks gives an empty token", 200, json!({ "token": "" }), UNUSABLE),
        ("Liveblocks gives a list as the token", 200, json!({ "token": ["a"] }), UNUSABLE),
    ] {
        world.liveblocks.answer_with(Reply::json(status, &body));
        let attack = Attack::new(tried, &bearer).refused(expected.0, expected.1);
        attacks.add(attack.calling(&["clerk user", "liveblocks identify-user"])).await;
    }
    let (path, document) = world.clerk.user_document("jane");
    for (tried, changes, expected) in [
        ("Clerk describes another user", json!({ "id": "user_2AnteroomEve" }), UNUSABLE),
        ("Clerk gives a text for whether the user is banned", json!({ "banned": "no" }), UNUSABLE),
        ("Clerk gives a list for whether the user is locked", json!({ "locked": [] }), UNUSABLE),
    ] {
        let mut document = document.clone();
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        world.clerk.answer_with(&path, Reply::json(200, &document));
        let attack = Attack::new(tried, &bearer).refused(expected.0, expected.1);
        attacks.add(attack.calling(&["clerk user"])).await;
    }
    of_workos(world, attacks).await;
}

/// WorkOS's answers to a code, which must not sign anybody else in.
async fn of_workos(world: &World, attacks: &mut Attacks<'_>) {
    let event = world
        .to("finalize-magic-auth")
        .json(&json!({ "email": "jane.doe@example.com", "code": "123456" }));
    let of = |user: &str| world.workos.sign_in(user, None);
    let rejected = (401, "The code is wrong, expired or used. Ask for a new one");
    let changed = |changes: Value| {
        let mut answer = of("jane");
        answer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        answer
    };
    let long = json!({ "first_name": "J".repeat(5_000) });
    let mut huge = of("jane");
    huge["user"].as_object_mut().unwrap().extend(long.as_object().unwrap().clone());
    for (tried, status, body, (expected, message)) in [
        ("WorkOS signs another user in", 200, of("without_organization"), rejected),
        ("WorkOS gives no access token", 200, changed(json!({ "access_token": null })), UNUSABLE),
        (
            "WorkOS gives a number as the access token",
            200,
            changed(json!({ "access_token": 7 })),
            UNUSABLE,
        ),
        ("WorkOS gives no user", 200, changed(json!({ "user": null })), UNUSABLE),
        ("WorkOS gives a list of users", 200, changed(json!({ "user": [] })), UNUSABLE),
        (
            "WorkOS gives a session that is too large",
            200,
            huge,
            (403, "This account's session is too large for a cookie"),
        ),
        (
            "WorkOS names the address and our key in a new refusal",
            400,
            json!({ "code": "of_next_year", "message": "jane.doe@example.com sk_test_of_the_stand_in_for_workos_and_no_secret" }),
            rejected,
        ),
        (
            "WorkOS names a code like markup",
            400,
            json!({ "code": "<script>alert(1)</script>", "message": "x" }),
            rejected,
        ),
        (
            "WorkOS names a code like a line of a log",
            400,
            json!({ "code": "x\n{\"message\":\"answered\",\"status\":200}", "message": "x" }),
            rejected,
        ),
        (
            "WorkOS offers no organizations",
            403,
            json!({ "code": "organization_selection_required", "pending_authentication_token": "x", "user": { "id": "user_1", "email": "a@b.example" }, "organizations": [] }),
            UNUSABLE,
        ),
    ] {
        world.workos.prescribe("/user_management/authenticate", status, body);
        let attack = Attack::new(tried, &event).refused(expected, message);
        attacks.add(attack.calling(&["workos users", "workos authenticate"])).await;
    }
}
