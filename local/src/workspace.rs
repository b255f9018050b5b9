//! The cargo workspace: builds the functions, and rebuilds them when their sources change.
//!
//! There is no file watcher. Before each request, the names, sizes and modification times of the
//! sources are compared with those of the last build, which takes less than a millisecond for a
//! project of this size.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::SystemTime,
};

use serde_json::Value;
use tokio::{process::Command, sync::Mutex};

/// The sources of the functions, relative to the workspace.
const SOURCES: [&str; 5] = ["Cargo.toml", "Cargo.lock", ".cargo", "shared", "functions"];

/// A workspace whose functions can be built.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    functions: Vec<String>,
    last: Mutex<Option<Build>>,
}

/// Why there is no executable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be run, or its output could not be read.
    #[error("cannot run cargo: {0}")]
    Cargo(Arc<io::Error>),
    /// The code does not compile; the compiler's errors are on standard error.
    #[error("the build failed ({0}): see the compiler's errors in the terminal")]
    Failed(ExitStatus),
    /// It compiled, but there is no executable with that name.
    #[error("cargo built no executable named {0}")]
    NoExecutable(String),
    /// Building is off, and the executable does not exist.
    #[error("{0} does not exist: build it first")]
    NotBuilt(PathBuf),
}

/// The last build: its sources and its result.
#[derive(Debug)]
struct Build {
    sources: Snapshot,
    outcome: Result<Executables, BuildError>,
}

type Executables = BTreeMap<String, PathBuf>;

/// Every source file with its modification time and size.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Workspace {
    /// The workspace at `root`, which builds these functions. Each is a package with a binary of
    /// the same name.
    pub fn new(root: impl Into<PathBuf>, functions: impl IntoIterator<Item = String>) -> Self {
        Self {
            root: root.into(),
            functions: functions.into_iter().collect(),
            last: Mutex::default(),
        }
    }

    /// The up-to-date executable of a function. Builds all functions if any source has changed
    /// since the last build; concurrent callers wait. A failed build is not retried until a source
    /// changes.
    pub async fn executable(&self, function: &str) -> Result<PathBuf, BuildError> {
        let mut last = self.last.lock().await;
        let sources = Snapshot::of(&self.root);
        if last.as_ref().is_none_or(|build| build.sources != sources) {
            let outcome = self.build().await;
            // Cargo may have written Cargo.lock, which must not count as a change.
            let sources = sources.with_lock_file_of(&self.root);
            *last = Some(Build { sources, outcome });
        }
        let outcome = last.as_ref().map(|build| build.outcome.clone());
        outcome
            .transpose()?
            .and_then(|executables| executables.get(function).cloned())
            .ok_or_else(|| BuildError::NoExecutable(function.to_owned()))
    }

    async fn build(&self) -> Result<Executables, BuildError> {
        if self.functions.is_empty() {
            return Ok(Executables::new());
        }
        let run = async { self.cargo_build().spawn()?.wait_with_output().await };
        let output = run.await.map_err(|error| BuildError::Cargo(Arc::new(error)))?;
        if !output.status.success() {
            return Err(BuildError::Failed(output.status));
        }
        Ok(executables(&output.stdout))
    }

    fn cargo_build(&self) -> Command {
        let mut cargo = Command::from(cargo());
        cargo
            .arg("build")
            .arg("--message-format=json-render-diagnostics")
            .current_dir(&self.root)
            .stdin(Stdio::null())
            // Progress and compiler errors go straight to the terminal.
            .stderr(Stdio::inherit())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        for function in &self.functions {
            // Without --package, so that cargo selects features for the whole workspace, as for
            // `cargo build` and `cargo test`, and reuses their builds.
            cargo.args(["--bin", function]);
        }
        cargo
    }
}

impl Snapshot {
    fn of(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for source in SOURCES {
            // A file that disappears during the scan counts as a change in the next scan.
            let _ = collect(&root.join(source), &mut files);
        }
        Self(files)
    }

    fn with_lock_file_of(mut self, root: &Path) -> Self {
        let lock_file = root.join("Cargo.lock");
        self.0.remove(&lock_file);
        let _ = collect(&lock_file, &mut self.0);
        self
    }
}

fn collect(
    path: &Path,
    files: &mut BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() {
        files.insert(path.to_owned(), (metadata.modified().ok(), metadata.len()));
    } else if path.file_name().is_none_or(|name| name != "target") {
        for entry in fs::read_dir(path)? {
            let _ = collect(&entry?.path(), files);
        }
    }
    Ok(())
}

/// The binaries among the artifacts that cargo lists, one JSON object a line.
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>
fn executables(messages: &[u8]) -> Executables {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            let path = message["executable"].as_str()?.into();
            Some((name, path))
        })
        .collect()
}

/// Whether `cargo run` sets the variable for the program that it runs. If a nested cargo inherited
/// them, it would rebuild crates whose build scripts read one of them.
pub(crate) fn is_set_by_cargo_run(name: &str) -> bool {
    const NAMES: [&str; 6] = [
        "CARGO",
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
        "OUT_DIR",
    ];
    NAMES.contains(&name)
        || name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || name.starts_with("CARGO_BIN_EXE_")
}

/// The cargo that runs this program, or the one in `PATH`, without the variables that it has set for
/// this program, so that it reuses what was built without them.
pub fn cargo() -> std::process::Command {
    let own = environment().find(|(name, _)| name == "CARGO");
    let mut cargo =
        std::process::Command::new(own.map_or_else(|| "cargo".into(), |(_, path)| path));
    for (name, _) in environment() {
        if is_set_by_cargo_run(&name.to_string_lossy()) {
            cargo.env_remove(name);
        }
    }
    cargo
}

#[allow(clippy::disallowed_methods, reason = "cargo's variables are no settings of the functions")]
fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(project.path().join("functions/a/src")).expect("folders");
        fs::write(project.path().join("Cargo.toml"), "[workspace]").expect("a file");
        fs::write(project.path().join("functions/a/src/main.rs"), "fn main() {}").expect("a file");
        project
    }

    #[test]
    fn sees_no_change_where_there_is_none() {
        let project = project();
        assert_eq!(Snapshot::of(project.path()), Snapshot::of(project.path()));
    }

    #[test]
    fn sees_a_changed_a_new_and_a_removed_source() {
        let project = project();
        let source = project.path().join("functions/a/src/main.rs");
        let before = Snapshot::of(project.path());

        fs::write(&source, "fn main() { }").expect("a file");
        let changed = Snapshot::of(project.path());
        assert_ne!(before, changed);

        fs::write(source.with_file_name("new.rs"), "").expect("a file");
        let grown = Snapshot::of(project.path());
        assert_ne!(changed, grown);

        fs::remove_file(source).expect("removed");
        assert_ne!(grown, Snapshot::of(project.path()));
    }

    #[test]
    fn does_not_look_at_what_is_no_source() {
        let project = project();
        let before = Snapshot::of(project.path());
        fs::create_dir_all(project.path().join("functions/a/target")).expect("a folder");
        fs::write(project.path().join("functions/a/target/out"), "").expect("a file");
        fs::write(project.path().join("README.md"), "").expect("a file");
        assert_eq!(before, Snapshot::of(project.path()));
    }

    #[test]
    fn finds_the_executables_among_cargos_messages() {
        let messages =
            br#"{"reason":"compiler-artifact","target":{"name":"shared"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"room-auth"},"executable":"/somewhere/room-auth"}
{"reason":"build-finished","success":true}
"#;
        let found = executables(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(found["room-auth"], Path::new("/somewhere/room-auth"));
    }

    #[test]
    fn hides_from_the_inner_cargo_what_the_outer_one_has_set() {
        assert!(is_set_by_cargo_run("CARGO_PKG_NAME"));
        assert!(is_set_by_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_HOME"));
        assert!(!is_set_by_cargo_run("CARGO_TARGET_DIR"));
    }
}
