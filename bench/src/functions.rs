//! This project's functions and the bare programs, built in release mode, here or in another folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anteroom_local::instance::Launch;

use crate::Failure;
use crate::providers::Environment;

/// The name of the smallest function, which only shows what the Lambda runtime itself does.
pub(crate) const BARE_HELLO: &str = "bare-hello";

/// The name of the program that makes the provider calls of a start, and does nothing else.
pub(crate) const BARE_CALLS: &str = "bare-calls";

/// The memory size of the functions in megabytes.
const MEMORY_MB: u32 = 256;

/// A folder of built functions.
#[derive(Clone, Debug)]
pub(crate) struct Functions {
    folder: PathBuf,
}

impl Functions {
    /// Builds these functions, each by itself as it is deployed.
    pub(crate) fn build(root: &Path, names: &[&str]) -> Result<Self, Failure> {
        // This program is in the same folder as its builds.
        let own = std::env::current_exe()?;
        let folder = own.parent().ok_or("no folder")?.to_owned();
        for name in names {
            let parent = match *name {
                BARE_HELLO | BARE_CALLS => "bench",
                _ => "functions",
            };
            let status = Command::new("cargo")
                .args(["build", "--release", "--manifest-path"])
                .arg(root.join(parent).join(name).join("Cargo.toml"))
                .arg("--target-dir")
                .arg(folder.parent().ok_or("no folder")?)
                .status()?;
            if !status.success() {
                return Err(format!("{name} cannot be built").into());
            }
        }
        Ok(Self { folder })
    }

    /// The functions in a folder of binaries.
    pub(crate) fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Whether the function is there. An earlier commit may not have it.
    pub(crate) fn have(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// How a function is started with these variables.
    pub(crate) fn launch(&self, name: &str, environment: Environment) -> Launch {
        let launch = Launch::new(self.folder.join(name), environment);
        Launch { name: name.to_owned(), memory_mb: MEMORY_MB, ..launch }
    }
}
