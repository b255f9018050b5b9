//! Requests over a raw socket to the gateway of `local/` with real functions behind it.

use std::sync::Arc;
use std::time::Duration;

use anteroom_local::function::{Function, Source};
use anteroom_local::gateway::{Cors, Gateway, Routes};
use anteroom_local::instance::Launch;
use anteroom_local::template::{CorsTemplate, Template};
use anteroom_security::{Outcome, Table, binary};
use anteroom_testing::PAGE;
use anteroom_testing::sessions::{COOKIE, sealed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::attack::{ensure, new_table};
use crate::world::World;

/// The functions behind the gateway.
const FUNCTIONS: [&str; 3] = ["session", "sign-out", "resend-magic-auth"];

/// How long a connection may stay silent before it counts as still waiting for more of a request.
const SILENCE: Duration = Duration::from_secs(20);

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut table = new_table("Requests through the gateway");
    let gateway = start(&world).await;
    let address = gateway.url().trim_start_matches("http://").to_owned();
    let seal = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    // The functions start, and fetch their keys, before the first row.
    for path in ["/auth/session", "/auth/sign-out", "/auth/resend-magic-auth"] {
        exchange(
            &address,
            &format!("PUT {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"),
        )
        .await;
    }
    for row in rows(&address, &seal) {
        world.forget_calls();
        let seen = exchange(&address, &row.request).await;
        let outcome = row.outcome(&world, &seen);
        let calls = if row.calls.is_empty() {
            "no provider is called".to_owned()
        } else {
            format!("only {} is called", row.calls.join(", "))
        };
        let answers: Vec<_> = row.answers.iter().map(u16::to_string).collect();
        let answers = if answers.is_empty() {
            "none, and the connection closes or waits".to_owned()
        } else {
            answers.join(", then ")
        };
        table.row(
            [row.tried.clone(), row.endpoint.to_owned(), answers, format!("{calls}; no cookie")],
            outcome,
        );
    }
    table
}

async fn start(world: &World) -> Gateway {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    let template = Template::read(template.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    let mut routes = Routes::new();
    for template in template.functions {
        if FUNCTIONS.contains(&template.name.as_str()) {
            let launch = Launch::new(binary::of(&template.name).await, world.settings.clone());
            let launch = Launch { name: template.name, timeout: Duration::from_secs(20), ..launch };
            let function = Arc::new(Function::new(launch, Source::AsItIs));
            routes.extend(template.routes.into_iter().map(|route| (route, Arc::clone(&function))));
        }
    }
    let cors = Cors::new(CorsTemplate::default(), [PAGE.to_owned()]);
    Gateway::start(([127, 0, 0, 1], 0).into(), routes, cors).await.unwrap()
}

/// A request as bytes, the statuses of its answers, and the calls that it causes.
struct Row {
    tried: String,
    endpoint: &'static str,
    request: String,
    answers: Vec<u16>,
    calls: Vec<&'static str>,
}

impl Row {
    fn outcome(&self, world: &World, seen: &Seen) -> Outcome {
        ensure(seen.statuses() == self.answers, || format!("{:.300}", seen.text))?;
        ensure(!seen.text.to_lowercase().contains("set-cookie"), || {
            format!("a cookie: {}", seen.text)
        })?;
        let calls = world.calls();
        ensure(calls == self.calls, || format!("calls: {calls:?}"))?;
        let found = world.secrets().find(|secret| seen.text.contains(secret));
        ensure(found.is_none(), || format!("{found:?} is in the answer"))
    }
}

/// Everything that came back.
struct Seen {
    text: String,
}

impl Seen {
    /// The statuses of the answers, in order. No body of ours contains such a line.
    fn statuses(&self) -> Vec<u16> {
        let lines = self.text.split("HTTP/1.1 ").skip(1);
        lines.filter_map(|line| line.get(..3)?.parse().ok()).collect()
    }
}

async fn exchange(address: &str, request: &str) -> Seen {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may refuse the start of a request and close before it has read the rest.
    let _ = stream.write_all(request.as_bytes()).await;
    let (mut bytes, mut part) = (Vec::new(), vec![0; 16 * 1024]);
    while let Ok(Ok(length @ 1..)) = tokio::time::timeout(SILENCE, stream.read(&mut part)).await {
        bytes.extend_from_slice(&part[..length]);
    }
    Seen { text: String::from_utf8_lossy(&bytes).into_owned() }
}

fn rows(address: &str, seal: &str) -> Vec<Row> {
    let host = format!("host: {address}\r\n");
    let close = "connection: close\r\n";
    let json = "content-type: application/json\r\n";
    let body = "{\"email\":\"jane.doe@example.com\"}";
    let length = body.len();
    let cookie = format!("cookie: {COOKIE}={seal}\r\n");
    let post = "POST /auth/resend-magic-auth HTTP/1.1\r\n";
    let get = "GET /auth/session HTTP/1.1\r\n";
    // A request that would end the session if a part of the first one's body counted as a request.
    let hidden = format!("POST /auth/sign-out HTTP/1.1\r\n{host}{cookie}{close}\r\n");
    let mut rows = Vec::new();
    let mut row = |endpoint: &'static str,
                   tried: &str,
                   request: String,
                   answers: &[u16],
                   calls: &[&'static str]| {
        rows.push(Row {
            tried: tried.to_owned(),
            endpoint,
            request,
            answers: answers.to_vec(),
            calls: calls.to_vec(),
        });
    };
    let mut smuggled = |tried: &str, request: String, answers: &[u16]| {
        row("resend-magic-auth", tried, request, answers, &[]);
    };
    let long = body.len() + hidden.len();
    smuggled(
        "a length and chunks",
        format!(
            "{post}{host}{json}content-length: {long}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
        &[400],
    );
    smuggled(
        "chunks and a length",
        format!(
            "{post}{host}{json}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n{hidden}"
        ),
        &[400],
    );
    smuggled(
        "two lengths",
        format!(
            "{post}{host}{json}content-length: {length}\r\ncontent-length: {long}\r\n\r\n{body}{hidden}"
        ),
        &[400],
    );
    smuggled(
        "two lengths in one header",
        format!("{post}{host}{json}content-length: {length}, {long}\r\n\r\n{body}{hidden}"),
        &[400],
    );
    smuggled(
        "a length with a sign",
        format!("{post}{host}{json}content-length: +{length}\r\n\r\n{body}"),
        &[400],
    );
    smuggled(
        "a negative length",
        format!("{post}{host}{json}content-length: -1\r\n\r\n{body}"),
        &[400],
    );
    smuggled(
        "a length in hexadecimal",
        format!("{post}{host}{json}content-length: 0x20\r\n\r\n{body}"),
        &[400],
    );
    smuggled(
        "a length that overflows",
        format!("{post}{host}{json}content-length: 99999999999999999999\r\n\r\n{body}"),
        &[400],
    );
    smuggled(
        "a length before a space and a colon",
        format!("{post}{host}{json}content-length : {length}\r\n\r\n{body}"),
        &[400],
    );
    smuggled(
        "chunks under a name with a space",
        format!("{post}{host}{json}transfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
        &[400],
    );
    smuggled(
        "an encoding that is not the last",
        format!("{post}{host}{json}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        &[400],
    );
    smuggled(
        "an encoding that there is not",
        format!("{post}{host}{json}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        &[400],
    );
    smuggled(
        "an encoding with a vertical tab",
        format!("{post}{host}{json}transfer-encoding: \u{b}chunked\r\n\r\n0\r\n\r\n"),
        &[400],
    );
    smuggled(
        "a folded encoding",
        format!("{post}{host}{json}transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        &[400],
    );
    smuggled(
        "a chunk's length that is no number",
        format!("{post}{host}{json}transfer-encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n"),
        &[413],
    );
    smuggled(
        "a chunk's length that overflows",
        format!(
            "{post}{host}{json}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{body}\r\n0\r\n\r\n"
        ),
        &[413],
    );
    smuggled(
        "a chunk with a bare line feed",
        format!(
            "{post}{host}{json}{close}transfer-encoding: chunked\r\n\r\n{length:x}\n{body}\n0\n\n"
        ),
        &[413],
    );
    let mut refused = |tried: &str, request: String, answers: &[u16]| {
        row("session", tried, request, answers, &[]);
    };
    refused("no host", format!("{get}{cookie}{close}\r\n"), &[403]);
    refused("an empty host", format!("{get}host:\r\n{cookie}{close}\r\n"), &[403]);
    refused(
        "two hosts, this one first",
        format!("{get}{host}host: evil.example\r\n{cookie}{close}\r\n"),
        &[403],
    );
    refused(
        "two hosts, this one last",
        format!("{get}host: evil.example\r\n{host}{cookie}{close}\r\n"),
        &[403],
    );
    refused("the same host twice", format!("{get}{host}{host}{cookie}{close}\r\n"), &[403]);
    refused("another host", format!("{get}host: evil.example\r\n{cookie}{close}\r\n"), &[403]);
    refused(
        "another host with this one as its user",
        format!("{get}host: {address}@evil.example\r\n{cookie}{close}\r\n"),
        &[403],
    );
    refused(
        "this host with another as its user",
        format!("{get}host: evil.example@{address}\r\n{cookie}{close}\r\n"),
        &[403],
    );
    refused(
        "another host in the first line",
        format!("GET http://evil.example/auth/session HTTP/1.1\r\n{host}{cookie}{close}\r\n"),
        &[403],
    );
    refused(
        "this host in the first line, another in the header",
        format!(
            "GET http://{address}/auth/session HTTP/1.1\r\nhost: evil.example\r\n{cookie}{close}\r\n"
        ),
        &[403],
    );
    refused(
        "a forwarded host next to another",
        format!("{get}host: evil.example\r\nx-forwarded-host: {address}\r\n{cookie}{close}\r\n"),
        &[403],
    );
    for (tried, path) in [
        ("two slashes", "//auth/session"),
        ("two slashes in the middle", "/auth//session"),
        ("a slash at the end", "/auth/session/"),
        ("a dot", "/auth/./session"),
        ("two dots", "/auth/x/../session"),
        ("encoded dots", "/auth/x/%2e%2e/session"),
        ("an encoded letter", "/auth/s%65ssion"),
        ("an encoded slash", "/auth%2fsession"),
        ("a doubly encoded slash", "/auth%252fsession"),
        ("an encoded NUL", "/auth/session%00"),
        ("a backslash", "/auth\\session"),
        ("capitals", "/AUTH/SESSION"),
        ("a parameter", "/auth/session;x=1"),
        ("an overlong slash", "/auth%c0%afsession"),
    ] {
        refused(
            &format!("{tried} in the path"),
            format!("GET {path} HTTP/1.1\r\n{host}{cookie}{close}\r\n"),
            &[404],
        );
    }
    refused(
        "a space in the path",
        format!("GET /auth/ session HTTP/1.1\r\n{host}{cookie}{close}\r\n"),
        &[400],
    );
    refused(
        "a NUL in the path",
        format!("GET /auth/session\u{0} HTTP/1.1\r\n{host}{cookie}{close}\r\n"),
        &[400],
    );
    refused("no path", format!("GET HTTP/1.1\r\n{host}{cookie}{close}\r\n"), &[400]);
    refused(
        "a path without a slash",
        format!("GET auth/session HTTP/1.1\r\n{host}{cookie}{close}\r\n"),
        &[400],
    );
    refused(
        "a path of 100,000 letters",
        format!("GET /{} HTTP/1.1\r\n{host}{cookie}{close}\r\n", "a".repeat(100_000)),
        &[414],
    );
    for (tried, method, answer) in [
        ("a method in small letters", "get", 405),
        ("a method that there is not", "BREW", 405),
        ("`TRACE`", "TRACE", 405),
        ("`DELETE`", "DELETE", 405),
        ("`PROPFIND`", "PROPFIND", 405),
        ("a method of 10,000 letters", "", 431),
    ] {
        let method = if method.is_empty() { "A".repeat(10_000) } else { method.to_owned() };
        refused(
            tried,
            format!("{method} /auth/session HTTP/1.1\r\n{host}{cookie}{close}\r\n"),
            &[answer],
        );
    }
    refused(
        "a method with a control character",
        format!("GE\u{1}T /auth/session HTTP/1.1\r\n{host}{cookie}{close}\r\n"),
        &[400],
    );
    refused("an upgrade to HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[]);
    refused("HTTP/3.0", format!("GET /auth/session HTTP/3.0\r\n{host}{cookie}{close}\r\n"), &[400]);
    refused(
        "a header's name with a space",
        format!("{get}{host}x y: 1\r\n{cookie}{close}\r\n"),
        &[400],
    );
    refused("a header without a name", format!("{get}{host}: 1\r\n{cookie}{close}\r\n"), &[400]);
    refused(
        "a header without a colon",
        format!("{get}{host}x-header\r\n{cookie}{close}\r\n"),
        &[400],
    );
    refused("a folded header", format!("{get}{host}x-a: 1\r\n {cookie}{close}\r\n"), &[400]);
    refused("a space before the first header", format!("{get} {host}{cookie}{close}\r\n"), &[400]);
    refused("a NUL in a header", format!("{get}{host}x-a: a\u{0}b\r\n{cookie}{close}\r\n"), &[400]);
    refused(
        "a carriage return in a header",
        format!("{get}{host}x-a: a\rb: c\r\n{cookie}{close}\r\n"),
        &[400],
    );
    refused(
        "500 headers",
        format!("{get}{host}{}{cookie}{close}\r\n", "x-a: 1\r\n".repeat(500)),
        &[431],
    );
    refused(
        "a header of a megabyte",
        format!("{get}{host}x-a: {}\r\n{cookie}{close}\r\n", "a".repeat(1024 * 1024)),
        &[431],
    );
    refused(
        "two cookie headers with the session's name",
        format!(
            "{get}{host}cookie: {COOKIE}=a\r\ncookie: {COOKIE}=b\r\norigin: https://evil.example\r\n{close}\r\n"
        ),
        &[403],
    );
    refused(
        "two origins",
        format!("{get}{host}origin: {PAGE}\r\norigin: https://evil.example\r\n{cookie}{close}\r\n"),
        &[403],
    );
    refused(
        "an origin with a foreign one behind it",
        format!("{get}{host}origin: {PAGE}, https://evil.example\r\n{cookie}{close}\r\n"),
        &[403],
    );
    refused("no session", format!("{get}{host}{close}\r\n"), &[401]);
    refused(
        "a hidden request behind a `GET` that has a length",
        format!("{get}{host}content-length: {}\r\nconnection: close\r\n\r\n{hidden}", hidden.len()),
        &[415],
    );
    rows
}
