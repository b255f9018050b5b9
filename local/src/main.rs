//! `cargo dev`: the whole project on one machine. See `cargo dev --help`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program speaks to its terminal"
)]

mod command_line;
mod signal;

use std::{
    io::{self, IsTerminal},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anteroom_local::{
    function::{Function, FunctionFailure},
    gateway::Gateway,
    instance::LogSink,
    needs::Missing,
    playground::{self, Playground, Record},
    project::{Executables, Project, ProjectError, listed},
    providers::Provider,
    workspace::BuildError,
};
use command_line::{Command, HELP};
use tokio::net::{TcpListener, TcpStream};

/// Why the program failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}\n\n{HELP}")]
    Usage(#[from] lexopt::Error),
    #[error("port {0} is in use: stop the program that uses it, or choose another with --port")]
    PortTaken(u16),
    #[error("cannot listen on port {0}: {1}")]
    Listen(u16, io::Error),
    #[error("unknown function `{0}`; the functions are: {1}")]
    NoSuchFunction(String, String),
    #[error("`{0}` is not served: {1}")]
    NotServed(String, Missing),
    #[error("cannot read the event from {0}: {1}")]
    Event(String, io::Error),
    #[error("the event from {0} is not JSON: {1}")]
    EventNotJson(String, serde_json::Error),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Function(#[from] FunctionFailure),
    #[error("{0}")]
    System(#[from] io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    match Command::parse(std::env::args_os().skip(1))? {
        Command::Help => println!("{HELP}"),
        Command::Serve { port, left_out, build } => {
            // Bind the port first, so that a port in use fails before the build.
            let listener = listen(port).await?;
            let port = listener.local_addr()?.port();
            let folder = std::env::current_dir()?;
            let root = Project::root(&folder)?;
            let record = Arc::new(Record::default());
            let kept = Arc::clone(&record);
            let log = move |name: &str| recorded(&kept, log_of(name));
            let project = open(root, left_out, build, &playground::origins(port), log).await?;
            let page = Playground::of(&project, root, port, record);
            until_the_end(&project, serve(&project, listener, page)).await?;
        }
        Command::Invoke { function, event, left_out, build } => {
            let folder = std::env::current_dir()?;
            let project = open(Project::root(&folder)?, left_out, build, &[], log_of).await?;
            let function = served(&project, &function)?;
            // Before a signal is caught, because reading from a terminal blocks.
            let event = read_event(event, function.name())?;
            until_the_end(&project, invoke(function, &event)).await?;
        }
    }
    Ok(())
}

/// Runs `work` until it finishes or a signal arrives, and then stops everything it started.
async fn until_the_end(
    project: &Project,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let outcome = tokio::select! {
        outcome = work => outcome,
        ended = signal::end_asked_for() => ended.map_err(Failure::from),
    };
    project.stop().await;
    outcome
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    if port != 0 && is_served(port).await {
        return Err(Failure::PortTaken(port));
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::PortTaken(port),
        _ => Failure::Listen(port, error),
    })
}

/// Whether a browser that opens `localhost` would reach another program: one that listens on IPv6, or,
/// on macOS, on every address, which would not stop us from listening on this one.
async fn is_served(port: u16) -> bool {
    let of = async |address: IpAddr| {
        let connecting = TcpStream::connect((address, port));
        tokio::time::timeout(Duration::from_secs(1), connecting)
            .await
            .is_ok_and(|done| done.is_ok())
    };
    let (v6, v4) = tokio::join!(of(Ipv6Addr::LOCALHOST.into()), of(Ipv4Addr::LOCALHOST.into()));
    v6 || v4
}

/// Serves the project until the program is stopped.
async fn serve(
    project: &Project,
    listener: TcpListener,
    page: Option<Playground>,
) -> Result<(), Failure> {
    let has_page = page.is_some();
    let gateway = Gateway::serve(listener, project.routes(), project.cors(), page)?;
    project.build().await?;
    project.send_webhooks_through(&gateway.url());
    announce(project, &gateway.url(), has_page);
    std::future::pending().await
}

/// Sends one event to a function and prints its response.
async fn invoke(function: &Function, event: &serde_json::Value) -> Result<(), Failure> {
    let answer = function.invoke(event).await?;
    println!("{answer:#}");
    Ok(())
}

fn served<'a>(project: &'a Project, name: &str) -> Result<&'a Function, Failure> {
    if let Some(function) = project.function(name) {
        return Ok(function);
    }
    if let Some((_, missing)) = project.not_served().iter().find(|(it, _)| it == name) {
        return Err(Failure::NotServed(name.to_owned(), *missing));
    }
    let names = project.names().collect::<Vec<_>>().join(", ");
    Err(Failure::NoSuchFunction(name.to_owned(), names))
}

async fn open(
    root: &Path,
    left_out: Vec<Provider>,
    build: bool,
    pages: &[String],
    log_of: impl Fn(&str) -> LogSink,
) -> Result<Project, Failure> {
    let executables =
        if build { Executables::Built } else { Executables::In(folder_of_this_program()?) };
    Ok(Project::open(root, &executables, left_out, pages, log_of).await?)
}

/// Cargo puts this program and the functions into the same folder.
fn folder_of_this_program() -> io::Result<PathBuf> {
    let mut path = std::env::current_exe()?;
    path.pop();
    Ok(path)
}

/// Writes log lines to standard error, prefixed with the function's or the stand-in's name. Leaves
/// out metrics, which are not meant for people.
fn log_of(name: &str) -> LogSink {
    let name = name.to_owned();
    Arc::new(move |line| {
        if !line.contains("\"_aws\":") {
            eprintln!("{name} | {line}");
        }
    })
}

/// The same sink, which also keeps the lines about requests for the playground.
fn recorded(record: &Arc<Record>, sink: LogSink) -> LogSink {
    let record = Arc::clone(record);
    Arc::new(move |line| {
        record.log(line);
        sink(line);
    })
}

fn read_event(path: Option<PathBuf>, function: &str) -> Result<serde_json::Value, Failure> {
    if path.is_none() && io::stdin().is_terminal() {
        eprintln!("{}", prompt(function));
    }
    let name = path
        .as_ref()
        .map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
    let text = path
        .map_or_else(|| io::read_to_string(io::stdin()), std::fs::read_to_string)
        .map_err(|error| Failure::Event(name.clone(), error))?;
    serde_json::from_str(&text).map_err(|error| Failure::EventNotJson(name, error))
}

/// Says to a person at a terminal that the program waits for them.
fn prompt(function: &str) -> String {
    format!("Reading the event from standard input; or pass --event events/{function}.json")
}

fn announce(project: &Project, url: &str, has_page: bool) {
    println!("Anteroom listens on {url}");
    if has_page {
        println!("Open it in a browser to see every flow");
    }
    // For a browser, 127.0.0.1 and localhost are different sites, and cookies are not shared
    // between them.
    println!(
        "From a page on http://localhost, call it at {}\n",
        url.replace("127.0.0.1", "localhost")
    );
    for (endpoint, function) in project.endpoints() {
        println!("  {endpoint:<40} {function}");
    }
    println!();
    for provider in Provider::ALL {
        let stand_in = project.stand_ins().iter().find(|stand_in| stand_in.provider == provider);
        match stand_in {
            Some(stand_in) => {
                println!("  {:<12} stand-in at {}", provider.name(), stand_in.url);
            }
            None if project.left_out().contains(&provider) => {
                println!("  {:<12} left out", provider.name());
            }
            None => println!("  {:<12} real, with the configured credentials", provider.name()),
        }
    }
    if let Some(bus) = project.event_bus() {
        println!("  {:<12} stand-in at {}", "EventBridge", bus.url());
    }
    let setting = project.missing_for_recordings();
    if let Some(setting) = setting.filter(|_| !project.left_out().contains(&Provider::LiveKit)) {
        println!("  {:<12} off: {setting} is not set", "Recordings");
    }
    if !project.not_served().is_empty() {
        println!("\nNot served:\n\n{}", listed(project.not_served()));
    }
    let examples = examples(project, url);
    if !examples.is_empty() {
        println!("\nTry it:\n\n  {}", examples.join("\n  "));
    }
    println!("\nPress Ctrl-C to stop.");
}

/// Shell commands that sign in at the stand-ins and call an endpoint.
fn examples(project: &Project, url: &str) -> Vec<String> {
    const ROOM: &str = "{\"username\":\"Jane Doe\",\"roomId\":\"room123\"}";
    let document = example(project, "liveblocks-auth", &format!("{url}/api/liveblocks-auth"), "");
    let body = format!(" -H 'Content-Type: application/json' -d '{ROOM}'");
    let room = example(project, "room-auth", &format!("{url}/api/v1/livekit/room-auth"), &body);
    document.into_iter().chain(room).collect()
}

/// A line for one function, if it is served and its users can be signed in at a stand-in.
fn example(project: &Project, function: &str, url: &str, body: &str) -> Option<String> {
    project.function(function)?;
    let identity = project.identity(function)?;
    let stand_in = project.stand_ins().iter().find(|it| it.provider == identity)?;
    let token = match identity {
        Provider::WorkOs => "access-token",
        _ => "session-token",
    };
    Some(format!(
        "curl -sS -X POST {url} -H \"Authorization: Bearer $(curl -sS '{}/dev/{token}?user=jane')\"{body}",
        stand_in.url
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_person_at_a_terminal_what_it_waits_for() {
        let expected =
            "Reading the event from standard input; or pass --event events/room-auth.json";
        assert_eq!(prompt("room-auth"), expected);
    }
}
