//! The playground behind the gateway, as its page, another page and another program meet it.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    browser::{Reply, send},
    dev::{Dev, Project},
};

const MARK: (&str, &str) = ("x-playground", "1");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn dev() -> (Project, Dev) {
    let project = project();
    let dev = project.serve().await;
    (project, dev)
}

/// A project with a page that says little.
fn project() -> Project {
    let project = Project::new();
    let folder = project.path("local/playground");
    fs::create_dir_all(&folder).unwrap();
    project.write("local/playground/index.html", "<title>the page</title>");
    project.write("local/playground/foreign.html", "<title>another page</title>");
    project.write("local/playground/app.js", "export {};");
    project
}

async fn get(dev: &Dev, path: &str, headers: &[(&str, &str)]) -> Reply {
    send(&dev.url, "GET", path, headers, "").await
}

async fn order(dev: &Dev, name: &str, body: &Value) -> Reply {
    let path = format!("/playground/{name}");
    send(&dev.url, "POST", &path, &[MARK, JSON], &body.to_string()).await
}

#[tokio::test]
async fn serves_a_page_that_may_load_nothing_from_elsewhere() {
    let (_project, dev) = dev().await;
    let page = get(&dev, "/", &[]).await;
    assert_eq!((page.status, page.body.as_str()), (200, "<title>the page</title>"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let policy = page.header("content-security-policy").expect("a policy");
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.split("; ").any(|it| it == directive), "{directive}: {policy}");
    }
    let connect = policy.split("; ").find(|it| it.starts_with("connect-src")).unwrap();
    assert_eq!(connect.trim(), "connect-src 'self'", "stand-ins have no rooms to connect to");
    assert!(!policy.contains("unsafe"), "{policy}");

    let foreign = get(&dev, "/playground/foreign.html", &[]).await;
    let policy = foreign.header("content-security-policy").expect("a policy");
    assert!(policy.ends_with("; sandbox allow-scripts"), "{policy}");

    let script = get(&dev, "/playground/app.js", &[]).await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    let head = send(&dev.url, "HEAD", "/", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn answers_everything_else_as_before() {
    let (project, dev) = dev().await;
    for (method, path) in [
        ("POST", "/"),
        ("DELETE", "/"),
        ("GET", "/index.html"),
        ("GET", "/playground"),
        ("POST", "/playground/overview"),
        ("POST", "/playground/app.js"),
        ("DELETE", "/playground/faults"),
        ("GET", "/nowhere"),
    ] {
        let reply = send(&dev.url, method, path, &[MARK], "").await;
        let expected = (404, json!({"message": "Not Found"}));
        assert_eq!((reply.status, reply.json()), expected, "{method} {path}");
    }
    for path in ["/playground/nothing.js", "/playground/faults", "/playground/index.html"] {
        assert_eq!(get(&dev, path, &[MARK]).await.status, 404, "{path}");
    }
    drop(dev);

    std::fs::remove_dir_all(project.path("local")).unwrap();
    let dev = project.serve().await;
    for path in ["/", "/playground/overview"] {
        assert_eq!(get(&dev, path, &[MARK]).await.status, 404, "a project without a page: {path}");
    }
}

#[tokio::test]
async fn tells_nobody_but_its_own_page() {
    let (_project, dev) = dev().await;
    let port = dev.url.rsplit_once(':').unwrap().1;
    let (own, name) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
    for host in [&own, &name] {
        let origin = format!("http://{host}");
        for headers in [
            &[MARK, ("host", host)][..],
            &[MARK, ("host", host), ("origin", &origin), ("sec-fetch-site", "same-origin")],
        ] {
            assert_eq!(get(&dev, "/playground/overview", headers).await.status, 200, "{headers:?}");
        }
    }
    let elsewhere = format!("evil.localhost:{port}");
    let other_name = format!("http://{name}");
    for headers in [
        &[][..],
        &[MARK, ("host", "localhost")],
        &[MARK, ("host", "localhost:1")],
        &[MARK, ("host", &elsewhere)],
        &[MARK, ("host", "attacker.example")],
        &[MARK, ("origin", "http://localhost:3000")],
        &[MARK, ("origin", "null")],
        &[MARK, ("host", &own), ("origin", &other_name)],
        &[MARK, ("sec-fetch-site", "same-site")],
        &[MARK, ("sec-fetch-site", "cross-site")],
        &[MARK, ("sec-fetch-site", "none")],
    ] {
        for path in ["overview", "exchanges", "mailbox", "participants", "cookies"] {
            let reply = get(&dev, &format!("/playground/{path}"), headers).await;
            assert_eq!(reply.status, 403, "{path} {headers:?}");
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
        let headers: Vec<_> = headers.iter().copied().chain([JSON]).collect();
        let reply = send(&dev.url, "POST", "/playground/codes", &headers, "{}").await;
        assert_eq!(reply.status, 403, "{headers:?}");
    }
    let rebound = get(&dev, "/", &[("host", &elsewhere)]).await;
    assert_eq!(rebound.status, 403, "nor does anybody else get the page");
}

#[tokio::test]
async fn records_a_request_and_none_of_its_secrets() {
    let (_project, dev) = dev().await;
    let answer = json!({
        "statusCode": 201, "body": "s3cret",
        "headers": {"x-a": "s3cret"},
        "cookies": ["wos-session=s3cret; Path=/; HttpOnly; SameSite=Lax", "old=; Max-Age=0"],
    });
    let headers = [JSON, ("cookie", "a=s3cret"), ("authorization", "Bearer s3cret")];
    let path = "/probe?do=answer&code=s3cret";
    let reply = send(&dev.url, "POST", path, &headers, &answer.to_string()).await;
    assert_eq!(reply.status, 201);

    let record = get(&dev, "/playground/exchanges?after=0", &[MARK]).await;
    let exchange = record.json()["exchanges"][0].clone();
    assert_eq!(exchange["requestId"].as_str(), reply.header("apigw-requestid"));
    for (name, value) in [
        ("method", json!("POST")),
        ("path", json!("/probe")),
        ("function", json!("probe")),
        ("status", json!(201)),
    ] {
        assert_eq!(exchange[name], value, "{name}");
    }
    let expected = json!([
        {"name": "wos-session", "length": 6, "attributes": ["Path=/", "HttpOnly", "SameSite=Lax"]},
        {"name": "old", "length": 0, "attributes": ["Max-Age=0"]},
    ]);
    assert_eq!(exchange["cookies"], expected);
    assert!(!record.body.contains("s3cret"), "{}", record.body);
}

#[tokio::test]
async fn records_why_the_gateway_answered_in_the_functions_place() {
    let (_project, dev) = dev().await;
    for (path, status, problem) in [
        ("/probe?do=exit", 500, json!("the function's process exited (exit status: 3)")),
        ("/probe?do=error", 500, json!("Probe: as it was told")),
        ("/probe", 200, Value::Null),
    ] {
        assert_eq!(send(&dev.url, "POST", path, &[JSON], "{}").await.status, status, "{path}");
        let exchange = last_exchange(&dev).await;
        assert_eq!((&exchange["status"], &exchange["problem"]), (&json!(status), &problem));
        assert!(exchange["milliseconds"].is_number(), "it has ended");
    }
}

#[tokio::test]
async fn records_that_a_function_timed_out() {
    let project = project();
    let template = fs::read_to_string(project.path("template.yaml")).unwrap();
    project.write("template.yaml", &template.replace("Timeout: 20", "Timeout: 1"));
    let dev = project.serve().await;
    assert_eq!(send(&dev.url, "POST", "/probe?do=wait", &[], "").await.status, 503);
    let exchange = last_exchange(&dev).await;
    let problem = json!("no response within 1.0 seconds");
    assert_eq!((&exchange["status"], &exchange["problem"]), (&json!(503), &problem));
}

#[tokio::test]
async fn records_which_setting_a_function_lacks_to_start() {
    let project = project();
    project.write(".env", "PROBE_START=refuse\n");
    let dev = project.serve().await;
    assert_eq!(send(&dev.url, "POST", "/probe", &[], "").await.status, 500);
    let exchange = last_exchange(&dev).await;
    let problem = "probe cannot start: Settings: CLERK_SECRET_KEY is missing";
    assert_eq!((&exchange["status"], &exchange["problem"]), (&json!(500), &json!(problem)));
}

#[tokio::test]
async fn builds_runs_and_records_without_a_client_that_has_disconnected() {
    let (project, dev) = dev().await;
    let (begun, gate) = (project.path("begun"), project.path("gate"));
    project.write(
        "functions/probe/build.rs",
        &format!(
            "fn main() {{
                 println!(\"cargo::rerun-if-changed=build.rs\");
                 std::fs::write({begun:?}, \"\").unwrap();
                 let is_there = |file: &str| std::path::Path::new(file).exists();
                 while is_there({begun:?}) && !is_there({gate:?}) {{
                     std::thread::sleep(std::time::Duration::from_millis(5));
                 }}
             }}"
        ),
    );
    let url = dev.url.clone();
    let client = tokio::spawn(async move { send(&url, "POST", "/probe", &[], "").await });
    while !begun.exists() {
        sleep(Duration::from_millis(5)).await;
    }
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    let seen = exchanges(&dev, 0).await;
    assert_eq!(seen["exchanges"][0].get("status"), None, "it is being built");
    fs::write(gate, "").unwrap();

    let ended = exchanges(&dev, seen["number"].as_u64().unwrap()).await;
    assert_eq!(ended["exchanges"][0]["status"], 200);
}

/// What has changed in the record since this change; waits for it, twenty seconds at most.
async fn exchanges(dev: &Dev, after: u64) -> Value {
    get(dev, &format!("/playground/exchanges?after={after}"), &[MARK]).await.json()
}

async fn last_exchange(dev: &Dev) -> Value {
    exchanges(dev, 0).await["exchanges"].as_array().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn shows_a_browser_the_cookies_that_it_sends() {
    let (_project, dev) = dev().await;
    let reply = get(&dev, "/playground/cookies", &[MARK, ("cookie", "wos-session=sealed")]).await;
    assert_eq!(reply.json(), json!({"cookies": [{"name": "wos-session", "value": "sealed"}]}));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn makes_a_stand_in_fail_and_work_again() {
    let (_project, dev) = dev().await;
    let overview = get(&dev, "/playground/overview", &[MARK]).await.json();
    let providers = overview["providers"].as_array().unwrap();
    let workos = providers.iter().find(|it| it["word"] == "workos").unwrap();
    assert_eq!(workos["kind"], "stand-in");
    let url = workos["url"].as_str().unwrap();
    let status = async || send(url, "GET", "/user_management/authorize", &[], "").await.status;
    assert_eq!(status().await, 400, "it is there");

    let fault = |fault: Value| json!({"provider": "workos", "fault": fault});
    assert_eq!(order(&dev, "faults", &fault(json!("failing"))).await.status, 200);
    assert_eq!(status().await, 503);
    let outages = async || get(&dev, "/playground/outages", &[MARK]).await.json();
    assert_eq!(outages().await, json!({ "workos": "failing" }));
    assert_eq!(order(&dev, "faults", &fault(Value::Null)).await.status, 200);
    assert_eq!(outages().await, json!({}));
    assert_eq!(status().await, 400);

    for body in [
        json!({"provider": "auth0", "fault": "down"}),
        json!({"provider": "workos", "fault": "tired"}),
        json!({"fault": "down"}),
        json!("down"),
    ] {
        assert_eq!(order(&dev, "faults", &body).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn controls_the_stand_ins_that_sign_users_in() {
    let (_project, dev) = dev().await;
    assert_eq!(order(&dev, "codes", &json!({})).await.status, 200);
    assert_eq!(order(&dev, "access-tokens", &json!({"seconds": 3})).await.status, 200);
    assert_eq!(order(&dev, "access-tokens", &json!({})).await.status, 200);
    assert_eq!(order(&dev, "access-tokens", &json!({"seconds": -1})).await.status, 400);
    let token = order(&dev, "clerk-token", &json!({"user": "jane"})).await.json();
    assert_eq!(token["token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(order(&dev, "clerk-token", &json!({"user": "nobody"})).await.status, 400);
    let token = order(&dev, "workos-token", &json!({"user": "jane"})).await.json();
    assert_eq!(token["token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(order(&dev, "workos-token", &json!({"user": "nobody"})).await.status, 400);
    let document = order(&dev, "document", &json!({"id": "a"})).await;
    assert_eq!(document.status, 400, "the stand-in has no rooms");
    let mail = get(&dev, "/playground/mailbox", &[MARK]).await.json();
    assert_eq!(mail, json!({"mail": []}));
}

#[tokio::test]
async fn shows_who_is_in_a_room_of_the_stand_in_and_lets_in_who_has_a_token() {
    let (_project, dev) = dev().await;
    let people = async |room: &str| {
        let path = format!("/playground/participants?room={room}");
        get(&dev, &path, &[MARK]).await.json()["participants"].clone()
    };
    assert_eq!(people("room123").await[0]["name"], "Participant 1");
    assert_eq!(people("nowhere").await, json!([]));
    for (token, publish) in [("a.b.c", "MICROPHONE"), ("a.b.c", "TELEPHONE")] {
        let joining = json!({"token": token, "publish": [publish]});
        assert_eq!(order(&dev, "participant", &joining).await.status, 400, "{publish}");
    }
}

#[tokio::test]
async fn adds_recordings_to_the_bucket_of_the_stand_in() {
    let (_project, dev) = dev().await;
    let key = "recordings/eu/room/2026-11-21/144447-0123456789abcdef.mp4";
    for (key, count, status) in [(key, 3, 200), (key, 1000, 400), ("elsewhere", 3, 400)] {
        let reply = order(&dev, "recordings", &json!({"key": key, "count": count})).await;
        assert_eq!(reply.status, status, "{key} {count}");
    }
}
