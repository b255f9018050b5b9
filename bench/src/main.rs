//! Compares the functions with `hello`, the function that `cargo lambda new` creates. See
//! `bench/README.md`.

#![allow(clippy::print_stdout, reason = "it prints its figures")]

mod cost;
mod instructions;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anteroom_local::instance::Instance;
use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_stand_ins::livekit;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::workos::WorkOs;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Value, json};

/// How many times each subject is started; the medians are printed.
const STARTS: usize = 15;

/// How many warm requests follow each start.
const WARM_REQUESTS: u32 = 1000;

/// The origin of the events' pages.
const ORIGIN: &str = "http://localhost:3000";

type Failure = Box<dyn Error>;
type Environment = Vec<(String, String)>;

/// A subject to measure: an executable, its environment, and the event it gets.
struct Subject {
    name: &'static str,
    executable: PathBuf,
    environment: Environment,
    event: Value,
    /// Whose token is sent, if the event has none. Tokens are valid for minutes, so each start gets
    /// a new one.
    signed_in: Option<SignedIn>,
}

/// A user of an identity provider's stand-in.
#[derive(Clone, Copy)]
enum SignedIn {
    WorkOs(&'static str),
    Clerk(&'static str),
}

/// The figures of one start.
struct Run {
    start_ms: f64,
    first_answer_ms: f64,
    warm_ms: f64,
    memory_mib: f64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = build(&root)?;
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        None => compare(&root, &target).await,
        Some("instructions") => {
            let providers = Providers::start().await?;
            let earlier = arguments.next().map(PathBuf::from);
            let subjects = subjects(&root, &target, &providers)?;
            instructions::print(&subjects, &providers, earlier.as_deref()).await
        }
        Some("cost") => cost::print(&root, &target, arguments).await,
        Some(other) => Err(format!("there is nothing called {other} to measure").into()),
    }
}

/// Prints the functions' figures next to those of `hello`.
async fn compare(root: &Path, target: &Path) -> Result<(), Failure> {
    let providers = Providers::start().await?;
    let subjects = subjects(root, target, &providers)?;
    let mut runs: Vec<Vec<Run>> = subjects.iter().map(|_| Vec::new()).collect();
    for _ in 0..STARTS {
        for (subject, runs) in subjects.iter().zip(&mut runs) {
            runs.push(measure(subject, &providers).await?);
        }
    }
    print_table(&subjects, &runs)
}

/// All subjects, `hello` first.
fn subjects(root: &Path, target: &Path, providers: &Providers) -> Result<Vec<Subject>, Failure> {
    let event: Value =
        serde_json::from_slice(&fs::read(root.join("events/liveblocks-auth.json"))?)?;
    Ok(vec![
        Subject {
            name: "hello",
            executable: target.join("hello"),
            environment: Vec::new(),
            event: event.clone(),
            signed_in: None,
        },
        Subject {
            name: "room-auth, secrets from variables",
            executable: target.join("room-auth"),
            environment: providers.of_rooms(),
            event: serde_json::from_slice(&fs::read(root.join("events/room-auth.json"))?)?,
            signed_in: Some(SignedIn::WorkOs("jane")),
        },
        Subject {
            name: "room-auth, sessions from Clerk",
            executable: target.join("room-auth"),
            environment: providers.of_rooms_with_clerk(),
            event: serde_json::from_slice(&fs::read(root.join("events/room-auth.json"))?)?,
            signed_in: Some(SignedIn::Clerk("jane")),
        },
        Subject {
            name: "liveblocks-auth, secrets from variables",
            executable: target.join("liveblocks-auth"),
            environment: providers.with_variables(),
            event: event.clone(),
            signed_in: None,
        },
        Subject {
            name: "liveblocks-auth, secrets from Secrets Manager",
            executable: target.join("liveblocks-auth"),
            environment: providers.with_secrets_manager(),
            event: event.clone(),
            signed_in: None,
        },
        Subject {
            name: "liveblocks-auth, sessions from WorkOS",
            executable: target.join("liveblocks-auth"),
            environment: providers.with_workos(),
            event,
            signed_in: Some(SignedIn::WorkOs("jane")),
        },
    ])
}

/// The event for a subject, with a new access token if it has a user.
fn event_of(subject: &Subject, providers: &Providers) -> Value {
    let mut event = subject.event.clone();
    let token = match subject.signed_in {
        None => return event,
        Some(SignedIn::WorkOs(user)) => providers.workos.access_token(user),
        Some(SignedIn::Clerk(user)) => providers.clerk.session_token(user),
    };
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    event
}

/// The providers' stand-ins, over TLS like the real ones.
struct Providers {
    clerk: Clerk,
    liveblocks: Liveblocks,
    workos: WorkOs,
    secrets_manager: SecretsManager,
}

impl Providers {
    async fn start() -> Result<Self, Failure> {
        Ok(Self {
            clerk: Clerk::start_tls().await?,
            liveblocks: Liveblocks::start_tls().await?,
            workos: WorkOs::start_tls().await?,
            secrets_manager: SecretsManager::start_tls().await?,
        })
    }

    /// All secrets in variables, and Clerk's public key too, so startup needs no network.
    fn with_variables(&self) -> Environment {
        let mut environment = vec![
            ("ALLOWED_ORIGINS".to_owned(), ORIGIN.to_owned()),
            ("CLERK_JWT_KEY".to_owned(), self.clerk.jwt_key().to_owned()),
        ];
        environment.extend(self.clerk.settings());
        environment.extend(self.liveblocks.settings());
        environment
    }

    /// The settings of `room-auth`, in variables. WorkOS's public keys are fetched at startup.
    fn of_rooms(&self) -> Environment {
        let mut environment = self.workos.settings();
        environment.extend(room_settings());
        environment
    }

    /// The settings of `room-auth` for Clerk's sessions, with Clerk's public key.
    fn of_rooms_with_clerk(&self) -> Environment {
        let mut environment = self.clerk.settings();
        environment.extend(room_settings());
        environment.push(("CLERK_JWT_KEY".to_owned(), self.clerk.jwt_key().to_owned()));
        environment.push(("LIVEKIT_IDENTITY".to_owned(), "clerk".to_owned()));
        environment
    }

    /// The settings of `liveblocks-auth` for WorkOS's sessions, in variables. WorkOS's public keys
    /// are fetched at startup.
    fn with_workos(&self) -> Environment {
        let mut environment = self.workos.settings();
        environment.extend(self.liveblocks.settings());
        environment.push(("ALLOWED_ORIGINS".to_owned(), ORIGIN.to_owned()));
        environment.push(("LIVEBLOCKS_IDENTITY".to_owned(), "workos".to_owned()));
        environment
    }

    /// The secrets in Secrets Manager, as deployed.
    fn with_secrets_manager(&self) -> Environment {
        let mut environment = self.with_variables();
        environment.extend(self.secrets_manager.settings());
        for name in ["CLERK", "LIVEBLOCKS"] {
            let variable = format!("{name}_SECRET_KEY");
            let at = environment.iter().position(|(name, _)| *name == variable);
            let (_, key) = environment.swap_remove(at.expect("a stand-in's key"));
            self.secrets_manager.put(name, json!({ variable: key }));
            environment.push((format!("{name}_SECRET_ID"), name.to_owned()));
        }
        environment
    }
}

fn room_settings() -> Environment {
    let settings = [
        ("ALLOWED_ORIGINS", ORIGIN),
        ("LIVEKIT_API_KEY", livekit::API_KEY),
        ("LIVEKIT_API_SECRET", livekit::API_SECRET),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Builds all subjects. `hello` is built outside the workspace, with its own profile.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    // This program is in the same folder as its builds.
    let own = std::env::current_exe()?;
    let release = own.parent().ok_or("no folder")?;
    let target = release.parent().ok_or("no folder")?;
    for manifest in [
        "functions/liveblocks-auth/Cargo.toml",
        "functions/room-auth/Cargo.toml",
        "functions/sign-in/Cargo.toml",
        "bench/hello/Cargo.toml",
    ] {
        let status = Command::new("cargo")
            .args(["build", "--release", "--manifest-path"])
            .arg(root.join(manifest))
            .arg("--target-dir")
            .arg(target)
            .status()?;
        if !status.success() {
            return Err("the build failed".into());
        }
    }
    Ok(release.to_owned())
}

async fn measure(subject: &Subject, providers: &Providers) -> Result<Run, Failure> {
    let event = event_of(subject, providers);
    let instance = Instance::start(&subject.executable, subject.environment.clone()).await?;
    let pid = instance.pid();
    let start = processor_ms(pid)?;
    ask(&instance, subject.name, &event).await?;
    let first = processor_ms(pid)?;
    for _ in 0..WARM_REQUESTS {
        ask(&instance, subject.name, &event).await?;
    }
    let warm = (processor_ms(pid)? - first) / f64::from(WARM_REQUESTS);
    let memory_mib = peak_memory_mib(pid)?;
    instance.stop().await;
    Ok(Run { start_ms: start, first_answer_ms: first, warm_ms: warm, memory_mib })
}

async fn ask(instance: &Instance, name: &str, event: &Value) -> Result<(), Failure> {
    let answer = instance.invoke(event).await?;
    if answer["statusCode"] == 200 {
        Ok(())
    } else {
        Err(format!("{name} answered {}", answer["statusCode"]).into())
    }
}

/// The CPU time used by the threads of a process.
fn processor_ms(pid: u32) -> Result<f64, Failure> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let statistics = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += statistics.split(' ').next().ok_or("no figure")?.parse::<f64>()?;
    }
    Ok(nanoseconds / 1e6)
}

fn peak_memory_mib(pid: u32) -> Result<f64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM")?;
    let kib = line.split_whitespace().nth(1).ok_or("no figure")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "binaries are far smaller than 2^52 bytes")]
fn zipped_mib(executable: &Path) -> Result<f64, Failure> {
    Ok(zipped_bytes(executable)? as f64 / 1024.0 / 1024.0)
}

fn zipped_bytes(executable: &Path) -> Result<u64, Failure> {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(&fs::read(executable)?)?;
    Ok(deflated.finish()?.len().try_into()?)
}

fn print_table(subjects: &[Subject], runs: &[Vec<Run>]) -> Result<(), Failure> {
    type Figure = (&'static str, fn(&Run) -> f64);
    let figures: [Figure; 4] = [
        ("start, ms CPU", |run| run.start_ms),
        ("start and first answer, ms CPU", |run| run.first_answer_ms),
        ("warm request, ms CPU", |run| run.warm_ms),
        ("peak memory, MiB", |run| run.memory_mib),
    ];
    let names: Vec<_> = subjects.iter().map(|subject| subject.name).collect();
    println!("| figure | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(subjects.len()));
    for (name, figure) in figures {
        let medians = runs.iter().map(|runs| median(runs.iter().map(figure).collect()));
        print_row(name, &medians.collect::<Vec<_>>());
    }
    let sizes: Result<Vec<_>, _> =
        subjects.iter().map(|subject| zipped_mib(&subject.executable)).collect();
    print_row("zipped, MiB", &sizes?);
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// One row: a figure for all subjects, with the ratio to the first.
fn print_row(name: &str, figures: &[f64]) {
    let cells: Vec<_> = figures
        .iter()
        .enumerate()
        .map(|(at, figure)| match at {
            0 => format!("{figure:.2}"),
            _ => format!("{figure:.2} ({:.2}×)", figure / figures[0]),
        })
        .collect();
    println!("| {name} | {} |", cells.join(" | "));
}
