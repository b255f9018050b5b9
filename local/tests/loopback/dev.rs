//! `cargo dev` itself, on a small project with functions that build in a moment.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use crate::browser::send;
use crate::processes::{is_running, kill, until_ended};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdout, Command},
};

const DEV: &str = env!("CARGO_BIN_EXE_dev");
const PROBE: &str = env!("CARGO_BIN_EXE_probe-function");

const TEMPLATE: &str = "
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  ProbeFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: probe}}
    Properties:
      Timeout: 20
      Events: {Route: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /probe, Method: ANY}}}
";

/// The probe as a room's endpoint, and one of WorkOS that there is no code for.
const ROOM_AND_SIGN_IN: &str = "
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  ProbeFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: probe}}
    Properties:
      Description: !Sub POST /probe, settings ${Settings}
      Timeout: 20
      Environment:
        Variables:
          LIVEKIT_SECRET_ID: !GetAtt LiveKitSecretId.Value
          WORKOS_SECRET_ID: !If [LiveKitForWorkOs, !GetAtt WorkOsSecretId.Value, !Ref AWS::NoValue]
          CLERK_SECRET_ID: !If [LiveKitForClerk, !GetAtt ClerkSecretId.Value, !Ref AWS::NoValue]
      Events: {Route: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /probe, Method: ANY}}}
  SignInFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: sign-in}}
    Properties:
      Description: !Sub POST /sign-in, settings ${Settings}
      Environment: {Variables: {WORKOS_SECRET_ID: !GetAtt WorkOsSecretId.Value}}
      Events: {Route: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /sign-in, Method: ANY}}}
";

/// A project with one function, which becomes the probe under a mark of its own.
pub(crate) struct Project(TempDir);

/// A running `cargo dev`.
pub(crate) struct Dev {
    process: Child,
    output: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(project.path("functions/probe/src")).unwrap();
        project.write("template.yaml", TEMPLATE);
        project.write("Cargo.toml", "[workspace]\nmembers = [\"functions/*\"]\nresolver = \"3\"\n");
        project.write(
            "functions/probe/Cargo.toml",
            "[package]\nname = \"probe\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        );
        project.write_function("one");
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn write_function(&self, mark: &str) {
        let source = format!(
            "use std::{{os::unix::process::CommandExt, process::Command}};
             fn main() {{ panic!(\"{{}}\", Command::new({PROBE:?}).env(\"PROBE_MARK\", {mark:?}).exec()); }}"
        );
        self.write("functions/probe/src/main.rs", &source);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(DEV);
        command
            .args(arguments)
            .current_dir(self.path("functions"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    pub(crate) async fn serve(&self) -> Dev {
        Dev::start(&mut self.command(&["--port", "0"])).await
    }
}

impl Dev {
    async fn start(command: &mut Command) -> Self {
        let mut process = command.stderr(Stdio::inherit()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).await.unwrap();
        let url = line.trim().strip_prefix("Anteroom listens on ").expect(&line).to_owned();
        Self { process, output, url }
    }

    /// Everything that it prints once it serves, after the address.
    async fn greeting(&mut self) -> String {
        let mut printed = String::new();
        while !printed.contains("Ctrl-C") {
            assert_ne!(self.output.read_line(&mut printed).await.unwrap(), 0, "{printed}");
        }
        printed
    }

    async fn who(&self) -> Value {
        send(&self.url, "POST", "/probe?do=who", &[], "").await.json()
    }

    /// Sends a signal by name, and returns the exit code once it has ended.
    async fn end(mut self, signal: &str) -> Option<i32> {
        assert!(kill(signal, self.process.id().unwrap()));
        self.process.wait().await.unwrap().code()
    }
}

fn pid(who: &Value) -> u32 {
    who["pid"].as_u64().unwrap().try_into().unwrap()
}

#[tokio::test]
async fn builds_the_functions_and_serves_them_under_the_templates_routes() {
    let project = Project::new();
    let mut dev = project.serve().await;
    assert_eq!(dev.who().await["mark"], "one");
    assert_eq!(send(&dev.url, "POST", "/other", &[], "").await.status, 404);

    let printed = dev.greeting().await;
    assert!(printed.contains("ANY /probe"), "{printed}");
    assert!(printed.contains("Clerk"), "{printed}");
    assert!(!printed.contains("Not served"), "{printed}");
}

#[tokio::test]
async fn serves_endpoints_that_need_no_excluded_provider() {
    let project = Project::new();
    project.write("template.yaml", ROOM_AND_SIGN_IN);
    let mut command = project.command(&["--port", "0", "--without", "workos"]);
    let mut dev = Dev::start(command.env("LIVEKIT_IDENTITY", "clerk")).await;
    assert_eq!(dev.who().await["mark"], "one");
    assert_eq!(send(&dev.url, "POST", "/sign-in", &[], "").await.status, 404);

    let printed = dev.greeting().await;
    let lines: Vec<_> = printed.lines().map(str::trim).collect();
    assert!(lines.iter().any(|line| line.starts_with("POST /probe ")), "{printed}");
    assert!(!printed.contains("/sign-in"), "{printed}");
    assert!(lines.contains(&"WorkOS       left out"), "{printed}");
    assert!(lines.windows(2).any(|pair| pair == ["sign-in", "WorkOS is left out"]), "{printed}");
}

#[tokio::test]
async fn says_which_setting_serves_a_room_without_its_default_provider() {
    let project = Project::new();
    project.write("template.yaml", ROOM_AND_SIGN_IN);
    let reason =
        "LIVEKIT_IDENTITY is workos, which is left out; to serve Clerk's users, set it to clerk";
    project.write("event.json", "{}");
    let event = project.path("event.json");
    let event = event.to_str().unwrap();
    let serve = ["--port", "0", "--without", "workos"];
    let invoke = |name| ["invoke", name, "--event", event, "--without", "workos"];
    for arguments in [&serve[..], &invoke("probe")] {
        let output = project.run(arguments).await;
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("error: nothing is left to serve:"), "{message}");
        assert!(message.contains(reason), "{message}");
    }

    let mut command = project.command(&invoke("sign-in"));
    let output = command.env("LIVEKIT_IDENTITY", "clerk").output().await.unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message, "error: `sign-in` is not served: WorkOS is left out\n");
}

#[tokio::test]
async fn builds_again_when_the_code_changed_and_says_so_when_it_does_not_compile() {
    let project = Project::new();
    let dev = project.serve().await;
    assert_eq!(dev.who().await["mark"], "one");

    project.write_function("second");
    assert_eq!(dev.who().await["mark"], "second");

    project.write("functions/probe/src/main.rs", "fn main() { this is not Rust }");
    let reply = send(&dev.url, "POST", "/probe", &[], "").await;
    assert_eq!(reply.status, 500);
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the build failed"), "{message}");

    project.write_function("third");
    assert_eq!(dev.who().await["mark"], "third");
}

#[tokio::test]
async fn leaves_no_process_behind_after_ctrl_c() {
    let project = Project::new();
    let dev = project.serve().await;
    let function = pid(&dev.who().await);
    assert!(is_running(function));
    assert_eq!(dev.end("-INT").await, Some(0));
    until_ended(function).await;
}

#[tokio::test]
async fn leaves_no_process_behind_in_the_middle_of_a_request() {
    let project = Project::new();
    let dev = project.serve().await;
    let url = dev.url.clone();
    let path = format!("/probe?do=wait&file={}", project.path("gate").display());
    let held = tokio::spawn(async move { send(&url, "POST", &path, &[], "").await });
    let function = loop {
        match fs::read_to_string(project.path("gate.pid")).ok().and_then(|pid| pid.parse().ok()) {
            Some(pid) => break pid,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!(dev.end("-TERM").await, Some(0));
    until_ended(function).await;
    assert!(held.await.is_err(), "the connection broke");
}

#[tokio::test]
async fn leaves_no_process_behind_when_it_is_killed() {
    let project = Project::new();
    let dev = project.serve().await;
    let function = pid(&dev.who().await);
    assert_eq!(dev.end("-KILL").await, None);
    until_ended(function).await;
}

#[tokio::test]
async fn restarts_a_function_that_was_killed() {
    let project = Project::new();
    let dev = project.serve().await;
    let first = pid(&dev.who().await);
    assert!(kill("-KILL", first));
    until_ended(first).await;
    // The death may be noticed only by the request that meets it.
    let second = loop {
        let reply = send(&dev.url, "POST", "/probe?do=who", &[], "").await;
        match reply.status {
            200 => break pid(&reply.json()),
            status => assert_eq!(status, 500),
        }
    };
    assert_ne!(first, second);
}

#[tokio::test]
async fn says_in_one_line_that_the_port_is_taken() {
    let project = Project::new();
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    for address in addresses {
        let Ok(taken) = TcpListener::bind((address, 0)) else {
            assert!(address.is_ipv6(), "only IPv6 may be turned off");
            continue;
        };
        let port = taken.local_addr().unwrap().port().to_string();
        let output = project.run(&["--port", &port]).await;
        assert_eq!(output.status.code(), Some(1), "{address}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains(&format!("port {port} is in use")), "{message}");
    }
}

#[tokio::test]
async fn says_what_is_not_built_when_told_not_to_build() {
    let project = Project::new();
    let output = project.run(&["--port", "0", "--no-build"]).await;
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("probe does not exist: build it first"), "{message}");
}

#[tokio::test]
async fn ends_when_the_first_build_fails() {
    let project = Project::new();
    project.write("functions/probe/src/main.rs", "fn main() { this is not Rust }");
    let output = project.run(&["--port", "0"]).await;
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("this is not Rust"), "the compiler's words: {message}");
    assert!(message.contains("error: the build failed"), "{message}");
}

#[tokio::test]
async fn sends_one_event_from_a_file_or_from_standard_input() {
    let project = Project::new();
    project.write("event.json", r#"{"hello": "file"}"#);
    let event = project.path("event.json");
    let output = project.run(&["invoke", "probe", "--event", event.to_str().unwrap()]).await;
    assert_eq!(printed_json(&output)["hello"], "file");

    let mut process = project.command(&["invoke", "probe"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(br#"{"hello": "input"}"#).await.unwrap();
    drop(input);
    assert_eq!(printed_json(&process.wait_with_output().await.unwrap())["hello"], "input");
}

#[tokio::test]
async fn ends_in_failure_when_the_event_gets_no_answer() {
    let project = Project::new();
    for (name, event, words) in [
        ("probe", r#"{"do": "exit"}"#, "process exited"),
        ("probe", r#"{"do": "error"}"#, "as it was told"),
        ("probe", "{", "not JSON"),
        ("other", "{}", "the functions are: probe"),
    ] {
        project.write("event.json", event);
        let file = project.path("event.json");
        let output = project.run(&["invoke", name, "--event", file.to_str().unwrap()]).await;
        assert_eq!(output.status.code(), Some(1), "{event}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn names_the_functions_before_it_waits_for_an_event() {
    let project = Project::new();
    let mut process = project.command(&["invoke", "other"]).stdin(Stdio::piped()).spawn().unwrap();
    let input = process.stdin.take().unwrap();
    let ended = tokio::time::timeout(Duration::from_mins(1), process.wait_with_output()).await;
    let message = String::from_utf8(ended.unwrap().unwrap().stderr).unwrap();
    assert!(message.contains("the functions are: probe"), "{message}");
    drop(input);
}

#[tokio::test]
async fn says_where_it_can_be_run() {
    let elsewhere = tempfile::tempdir().unwrap();
    let output = Command::new(DEV).current_dir(elsewhere.path()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("template.yaml"));
}

fn printed_json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
