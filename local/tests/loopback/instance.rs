//! One function process under the Runtime API.

use std::time::Duration;

#[cfg(unix)]
use crate::processes::until_ended;
use anteroom_local::{
    FunctionError,
    instance::{Instance, InvocationError, Launch, StartError},
};
use serde_json::{Value, json};

const PROBE: &str = env!("CARGO_BIN_EXE_probe-function");
const NO_VARIABLES: [(&str, &str); 0] = [];

async fn probe() -> Instance {
    Instance::start(PROBE, NO_VARIABLES).await.unwrap()
}

#[tokio::test]
async fn answers_one_event_after_the_other_in_one_process() {
    let probe = probe().await;
    let first = probe.invoke(&json!({"do": "who"})).await.unwrap();
    let second = probe.invoke(&json!({"do": "who"})).await.unwrap();
    assert_eq!(first["pid"], probe.pid());
    assert_eq!(second["pid"], probe.pid());
    assert_eq!((&first["handled"], &second["handled"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn takes_turns_when_two_events_come_at_once() {
    let probe = probe().await;
    let (first, second) = (json!({"n": 1}), json!({"n": 2}));
    let answers = tokio::join!(probe.invoke(&first), probe.invoke(&second));
    assert_eq!((answers.0.unwrap(), answers.1.unwrap()), (first, second));
}

#[tokio::test]
async fn gives_the_process_only_the_given_variables_and_lambdas_own() {
    let probe = Instance::start(PROBE, [("STAGE", "test")]).await.unwrap();
    let who = probe.invoke(&json!({"do": "who"})).await.unwrap();
    let names: Vec<_> =
        who["variables"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.contains(&"STAGE"), "{names:?}");
    let is_expected = |name: &str| {
        name == "STAGE" || name.starts_with("AWS_") || (cfg!(windows) && name == "SYSTEMROOT")
    };
    assert!(names.iter().all(|name| is_expected(name)), "{names:?}");
    assert_eq!(who["name"], "probe-function");
}

#[tokio::test]
async fn sends_the_headers_that_lambda_sends() {
    let headers = probe().await.invoke(&json!({"do": "headers"})).await.unwrap();
    let header = |name: &str| {
        let headers = headers.as_array().unwrap();
        let found = headers.iter().find(|header| header[0] == name);
        found.unwrap_or_else(|| panic!("no {name}"))[1].as_str().unwrap().to_owned()
    };
    assert_eq!(header("lambda-runtime-aws-request-id").len(), 36);
    assert!(header("lambda-runtime-deadline-ms").parse::<u64>().unwrap() > 1_700_000_000_000);
    assert_eq!(
        header("lambda-runtime-invoked-function-arn"),
        "arn:aws:lambda:us-east-1:000000000000:function:probe-function"
    );
    assert!(header("lambda-runtime-trace-id").starts_with("Root=1-"));
}

#[tokio::test]
async fn reports_a_functions_error_and_goes_on() {
    let probe = probe().await;
    let failure = probe.invoke(&json!({"do": "error"})).await.unwrap_err();
    let InvocationError::Function(error) = failure else { panic!("{failure}") };
    assert_eq!(error, FunctionError { kind: "Probe".into(), message: "as it was told".into() });
    assert_eq!(probe.invoke(&json!({})).await.unwrap(), json!({}));
}

#[tokio::test]
async fn loses_the_invocation_with_the_process() {
    let probe = probe().await;
    let failure = probe.invoke(&json!({"do": "exit"})).await.unwrap_err();
    assert!(
        matches!(failure, InvocationError::Ended(status) if status.code() == Some(3)),
        "{failure}"
    );
    assert!(!probe.is_running());
    assert!(matches!(probe.invoke(&json!({})).await, Err(InvocationError::Ended(_))));
}

#[tokio::test]
async fn ends_the_process_that_takes_too_long() {
    let probe = probe().await;
    let limit = Duration::from_millis(50);
    let failure = probe.invoke_within(&json!({"do": "wait"}), limit).await.unwrap_err();
    assert!(matches!(failure, InvocationError::TimedOut(_)), "{failure}");
    probe.ended().await;
}

#[tokio::test]
async fn gives_up_an_invocation_that_the_function_passes_over() {
    let probe = probe().await;
    assert!(matches!(probe.invoke(&json!({"do": "skip"})).await, Err(InvocationError::Skipped)));
    assert_eq!(probe.invoke(&json!({})).await.unwrap(), json!({}));
}

#[tokio::test]
async fn refuses_an_answer_that_is_not_json() {
    let failure =
        probe().await.invoke(&json!({"do": "answer", "body": "<html>"})).await.unwrap_err();
    assert!(matches!(failure, InvocationError::NotJson(_)), "{failure}");
}

#[tokio::test]
async fn takes_one_answer_per_invocation() {
    let probe = probe().await;
    assert_eq!(probe.invoke(&json!({"do": "twice"})).await.unwrap(), Value::Null);
    probe.invoke(&json!({})).await.unwrap();
    assert_eq!(probe.stop().await, ["the second answer got a 400"]);
}

#[tokio::test]
async fn keeps_what_the_process_prints_and_passes_it_on() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let launch = Launch {
        log: std::sync::Arc::new(move |line| sender.send(line.to_owned()).unwrap()),
        ..Launch::new(PROBE, NO_VARIABLES)
    };
    let probe = Instance::launch(&launch).await.unwrap();
    probe.invoke(&json!({"do": "print"})).await.unwrap();
    let mut kept = probe.stop().await;
    let mut passed_on: Vec<String> = receiver.try_iter().collect();
    kept.sort();
    passed_on.sort();
    assert_eq!(kept, ["to standard error", "to standard output"]);
    assert_eq!(kept, passed_on);
}

#[tokio::test]
async fn says_why_a_function_ended_while_starting() {
    let error = Instance::start(PROBE, [("PROBE_START", "fail")]).await.unwrap_err();
    assert!(
        matches!(&error, StartError::Ended { logs, .. } if logs == &["a setting is missing"]),
        "{error}"
    );
}

#[tokio::test]
async fn says_why_a_function_could_not_start() {
    let error = Instance::start(PROBE, [("PROBE_START", "refuse")]).await.unwrap_err();
    assert!(matches!(error, StartError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("CLERK_SECRET_KEY is missing"), "{error}");
}

#[tokio::test]
async fn says_which_executable_is_missing() {
    let error = Instance::start("no/such/function", NO_VARIABLES).await.unwrap_err();
    assert!(error.to_string().contains("no/such/function"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn ends_the_process_when_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let probe = probe().await;
    let pid = probe.pid();
    // In the middle of an event, where a function would not notice that its server has gone.
    let event = json!({"do": "wait", "file": folder.path().join("never")});
    let _ = tokio::time::timeout(Duration::from_millis(50), probe.invoke(&event)).await;
    drop(probe);
    until_ended(pid).await;
}

#[cfg(unix)]
#[test]
fn ends_the_process_when_the_runtime_ends() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pid = runtime.block_on(async { Box::leak(Box::new(probe().await)).pid() });
    drop(runtime);
    tokio::runtime::Runtime::new().unwrap().block_on(until_ended(pid));
}
