//! The programs of the subjects: building them, and how each is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anteroom_local::instance::Launch;
use anteroom_local::workspace;
use anteroom_stand_ins::server::TLS_AUTHORITY_FILE;
use serde_json::Value;

use crate::Failure;
use crate::providers::Environment;
use crate::subject::{Implementation, Secrets, Subject};

/// The memory size of the functions in megabytes, by which Lambda sizes Node's heap.
const MEMORY_MB: u32 = 256;

/// The roots that most Linux systems trust.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The built programs.
pub(crate) struct Programs {
    root: PathBuf,
    release: PathBuf,
    /// Where Anteroom's functions are.
    functions: PathBuf,
}

impl Programs {
    /// Builds the programs of these subjects. Those that are outside the workspace have their own
    /// profile.
    pub(crate) fn build(root: &Path, subjects: &[Subject]) -> Result<Self, Failure> {
        Self::with_functions(root, subjects, None)
    }

    /// The same, but takes Anteroom's functions from a folder if `functions` names one.
    pub(crate) fn with_functions(
        root: &Path,
        subjects: &[Subject],
        functions: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let target = target_folder(root)?;
        let is_missing = |subject: &&Subject| {
            subject.implementation != Implementation::Anteroom || functions.is_none()
        };
        let missing = subjects.iter().filter(is_missing);
        let mut folders: Vec<_> = missing.filter_map(|subject| folder(*subject)).collect();
        folders.sort();
        folders.dedup();
        for folder in folders {
            succeed(
                workspace::cargo()
                    .args(["build", "--release", "--manifest-path"])
                    .arg(root.join(folder).join("Cargo.toml"))
                    .arg("--target-dir")
                    .arg(&target),
            )?;
        }
        if subjects.iter().any(|subject| subject.implementation == Implementation::Node) {
            succeed(&mut Command::new(root.join("bench/node/install")))?;
        }
        let release = target.join("release");
        let functions = functions.unwrap_or_else(|| release.clone());
        let programs = Self { root: root.to_owned(), release, functions };
        fs::write(programs.all_roots(), all_roots()?)?;
        Ok(programs)
    }

    /// How a subject is started.
    pub(crate) fn launch(&self, subject: Subject, mut environment: Environment) -> Launch {
        let mut set = |name: &str, value: &Path| {
            environment.push((name.to_owned(), value.display().to_string()));
        };
        let (executable, arguments) = match subject.implementation {
            Implementation::Node => {
                set("_HANDLER", Path::new("index.handler"));
                let deployed = self.deployed(subject);
                set("LAMBDA_TASK_ROOT", deployed.parent().unwrap_or(&deployed));
                set("NODE_EXTRA_CA_CERTS", Path::new(TLS_AUTHORITY_FILE));
                (self.node(), self.node_arguments())
            }
            Implementation::DefaultRust => {
                // It trusts only what is in this file.
                set("SSL_CERT_FILE", &self.all_roots());
                (self.deployed(subject), Vec::new())
            }
            Implementation::Anteroom | Implementation::Bare | Implementation::CargoLambda => {
                (self.deployed(subject), Vec::new())
            }
        };
        Launch {
            arguments,
            name: subject.endpoint.name().to_owned(),
            memory_mb: MEMORY_MB,
            ..Launch::new(executable, environment)
        }
    }

    /// The file that is deployed.
    pub(crate) fn deployed(&self, subject: Subject) -> PathBuf {
        let name = subject.endpoint.name();
        match subject.implementation {
            Implementation::Bare => self.release.join("bare-hello"),
            Implementation::Anteroom => self.functions.join(name),
            Implementation::CargoLambda => self.release.join(name),
            Implementation::DefaultRust => self.release.join(format!("default-{name}")),
            Implementation::Node => {
                let source = match subject.secrets {
                    Secrets::Variables => "variables",
                    Secrets::SecretsManager => "secrets-manager",
                };
                self.root.join("bench/node/dist").join(source).join(name).join("index.mjs")
            }
        }
    }

    fn node_modules(&self) -> PathBuf {
        self.root.join("bench/node/node_modules")
    }

    fn node(&self) -> PathBuf {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        self.node_modules().join(format!("node-linux-{architecture}/bin/node"))
    }

    /// What Lambda passes to Node: a heap by the function's memory, and the runtime client.
    fn node_arguments(&self) -> Vec<String> {
        vec![
            "--expose-gc".to_owned(),
            "--max-http-header-size=81920".to_owned(),
            format!("--max-semi-space-size={}", MEMORY_MB / 20),
            format!("--max-old-space-size={}", MEMORY_MB / 10 * 9),
            self.node_modules().join("aws-lambda-ric/index.mjs").display().to_string(),
        ]
    }

    fn all_roots(&self) -> PathBuf {
        self.release.join("all-roots.pem")
    }
}

/// The workspace's target folder, which `CARGO_TARGET_DIR` or cargo's configuration may move.
fn target_folder(root: &Path) -> Result<PathBuf, Failure> {
    let mut cargo = workspace::cargo();
    cargo.args(["metadata", "--format-version=1", "--no-deps"]).current_dir(root);
    let output = cargo.output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let folder = metadata["target_directory"].as_str();
    folder.map(PathBuf::from).ok_or_else(|| "cargo names no target folder".into())
}

/// The folder of the package that has a subject, if it is Rust.
fn folder(subject: Subject) -> Option<String> {
    match subject.implementation {
        Implementation::Bare => Some("bench/bare-hello".to_owned()),
        Implementation::Anteroom => Some(format!("functions/{}", subject.endpoint.name())),
        Implementation::CargoLambda => Some("bench/hello".to_owned()),
        Implementation::DefaultRust => Some("bench/default-rust".to_owned()),
        Implementation::Node => None,
    }
}

/// The system's roots and the stand-ins', for programs that read a file of roots.
fn all_roots() -> Result<String, Failure> {
    let system = fs::read_to_string(SYSTEM_ROOTS).unwrap_or_default();
    Ok(system + &fs::read_to_string(TLS_AUTHORITY_FILE)?)
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    if command.status()?.success() {
        Ok(())
    } else {
        Err(format!("{} failed", command.get_program().display()).into())
    }
}
