//! `cargo dev` on this repository, for applications that have only some of the providers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::browser::{Reply, send};

const DOCUMENT: &str = "/api/liveblocks-auth";
const ROOM: &str = "/api/v1/livekit/room-auth";

#[tokio::test]
async fn without_workos_the_users_of_clerk_get_tokens_for_documents() {
    let dev = Dev::start(&["workos", "livekit"], &[]).await;
    let jane = dev.token("Clerk", "session-token").await;
    assert!(token_of(&dev.post(DOCUMENT, &jane).await).contains('.'));
    for path in ["/auth/session", "/auth/sign-in", ROOM] {
        assert_eq!(dev.post(path, &jane).await.status, 404, "{path}");
    }
    assert_eq!(dev.provider("WorkOS"), "left out");
    assert_eq!(dev.provider("LiveKit"), "left out");
}

#[tokio::test]
async fn without_clerk_the_users_of_workos_get_tokens_for_rooms() {
    let dev = Dev::start(&["clerk", "liveblocks"], &[]).await;
    let jane = dev.token("WorkOS", "access-token").await;
    assert!(token_of(&dev.post(ROOM, &jane).await).contains('.'));
    let session = dev.send("GET", "/auth/session", &jane, "").await;
    assert_eq!(session.status, 200, "{session:?}");
    assert_eq!(dev.post(DOCUMENT, &jane).await.status, 404);
    assert_eq!(dev.provider("Clerk"), "left out");
}

#[tokio::test]
async fn without_workos_the_users_of_clerk_get_tokens_for_rooms_as_well() {
    let dev = Dev::start(&["workos"], &[("LIVEKIT_IDENTITY", "clerk")]).await;
    let jane = dev.token("Clerk", "session-token").await;
    for path in [DOCUMENT, ROOM] {
        assert!(token_of(&dev.post(path, &jane).await).contains('.'), "{path}");
    }
    assert_eq!(dev.post("/auth/session", &jane).await.status, 404);
}

#[tokio::test]
async fn without_clerk_the_users_of_workos_get_tokens_for_documents_as_well() {
    let dev = Dev::start(&["clerk"], &[("LIVEBLOCKS_IDENTITY", "workos")]).await;
    let jane = dev.token("WorkOS", "access-token").await;
    for path in [DOCUMENT, ROOM] {
        assert!(token_of(&dev.post(path, &jane).await).contains('.'), "{path}");
    }
}

/// A running `cargo dev` without some providers, and stand-ins for the others.
struct Dev {
    url: String,
    greeting: Vec<String>,
    _process: Child,
}

impl Dev {
    async fn start(without: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dev"));
        command.args(["--port", "0"]).args(without.iter().flat_map(|it| ["--without", *it]));
        // A developer's own settings must not count, and an empty one counts as absent.
        let example = fs::read_to_string(root().join(".env.example")).unwrap();
        let lines = example.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
        command.envs(lines.map(|(name, _)| (name, ""))).envs(settings.iter().copied());
        command.current_dir(root()).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);

        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut greeting = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            let is_last = line.starts_with("Press Ctrl-C");
            greeting.push(line);
            if is_last {
                let url = greeting[0].strip_prefix("Anteroom listens on ").unwrap().to_owned();
                return Self { url, greeting, _process: process };
            }
        }
        panic!("it ended early: {greeting:?}");
    }

    /// The state of a provider, by the greeting.
    fn provider(&self, name: &str) -> &str {
        let states = self.greeting.iter().filter_map(|line| line.trim().strip_prefix(name));
        states.map(str::trim).next().unwrap()
    }

    /// A token of the stand-in's user Jane.
    async fn token(&self, provider: &str, kind: &str) -> String {
        let url = self.provider(provider).strip_prefix("stand-in at ").unwrap();
        send(url, "GET", &format!("/dev/{kind}?user=jane"), &[], "").await.body
    }

    async fn post(&self, path: &str, token: &str) -> Reply {
        self.send("POST", path, token, r#"{"username":"Jane Doe","roomId":"room123"}"#).await
    }

    async fn send(&self, method: &str, path: &str, token: &str, body: &str) -> Reply {
        let bearer = format!("Bearer {}", token.trim());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        send(&self.url, method, path, &headers, body).await
    }
}

fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    match reply.json()["token"].clone() {
        Value::String(token) => token,
        _ => panic!("no token: {reply:?}"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
