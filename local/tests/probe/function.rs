//! A function for tests, which does as its event says: `{"do": "exit"}`, or `?do=exit` through the
//! gateway. It speaks the Runtime API by hand, so that the server is held to the protocol and not
//! to one client's idea of it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test's own program prints and reads variables"
)]

use std::{
    env, fs,
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    process,
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};

const INVOCATION: &str = "/2018-06-01/runtime/invocation";

fn main() {
    match env::var("PROBE_START").as_deref() {
        Ok("fail") => {
            eprintln!("a setting is missing");
            process::exit(1);
        }
        Ok("refuse") => {
            let error = r#"{"errorType":"Settings","errorMessage":"CLERK_SECRET_KEY is missing"}"#;
            post("/2018-06-01/runtime/init/error", error);
            process::exit(1);
        }
        _ => serve(),
    }
}

/// Handles events until the Runtime API is gone.
fn serve() {
    let mut handled = 0;
    while let Ok(next) = call("GET", &format!("{INVOCATION}/next"), "") {
        let (Some(id), Ok(event)) =
            (next.header("lambda-runtime-aws-request-id"), serde_json::from_str(&next.body))
        else {
            return;
        };
        handled += 1;
        handle(id, &event, handled, &next);
    }
}

fn handle(id: &str, event: &Value, handled: u32, next: &Reply) {
    let response = format!("{INVOCATION}/{id}/response");
    let order = event["do"].as_str().or(event["queryStringParameters"]["do"].as_str());
    match order.unwrap_or("echo") {
        "echo" => drop(post(&response, &event.to_string())),
        "answer" => drop(post(&response, event["body"].as_str().unwrap_or_default())),
        "who" => drop(post(&response, &who(handled).to_string())),
        "headers" => drop(post(&response, &json!(next.headers).to_string())),
        "print" => {
            println!("to standard output");
            eprintln!("to standard error");
            post(&response, "null");
        }
        "twice" => {
            post(&response, "null");
            println!("the second answer got a {}", post(&response, "null"));
        }
        "wait" => {
            let file = event["file"].as_str().or(event["queryStringParameters"]["file"].as_str());
            wait_for(Path::new(file.unwrap_or("/no/such/file")));
            post(&response, &who(handled).to_string());
        }
        "error" => {
            let error = r#"{"errorType":"Probe","errorMessage":"as it was told"}"#;
            post(&format!("{INVOCATION}/{id}/error"), error);
        }
        "skip" => {}
        "exit" => process::exit(3),
        other => panic!("the probe knows no {other}"),
    }
}

/// Waits until the file exists. Beside it appears, as `<file>.pid`, who is waiting.
fn wait_for(file: &Path) {
    let _ = fs::write(file.with_extension("pid"), process::id().to_string());
    while !file.exists() {
        sleep(Duration::from_millis(5));
    }
}

fn who(handled: u32) -> Value {
    let names: Vec<_> = env::vars().map(|(name, _)| name).collect();
    json!({
        "pid": process::id(),
        "handled": handled,
        "mark": env::var("PROBE_MARK").unwrap_or_default(),
        "variables": names,
        "name": env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
    })
}

/// Posts a body and returns the status.
fn post(path: &str, body: &str) -> u16 {
    call("POST", path, body).map_or(0, |reply| reply.status)
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

fn call(method: &str, path: &str, body: &str) -> io::Result<Reply> {
    let host = env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(&host)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    parse(&text).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn parse(text: &str) -> Option<Reply> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Reply { status, headers, body: body.to_owned() })
}
