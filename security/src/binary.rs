//! [`of`]: where a function's binary is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use anteroom_local::{template::FunctionTemplate, template::Template, workspace::Workspace};
use tokio::sync::OnceCell;

/// The binary of a function. The first call builds all of them, as `cargo dev` does.
///
/// # Panics
/// If they cannot be built, or there is no such function.
pub async fn of(function: &str) -> String {
    static BINARIES: OnceCell<BTreeMap<String, String>> = OnceCell::const_new();
    let binaries = BINARIES.get_or_init(built).await;
    binaries.get(function).unwrap_or_else(|| panic!("no function {function}")).clone()
}

async fn built() -> BTreeMap<String, String> {
    let workspace = Workspace::new(root(), names());
    let mut binaries = BTreeMap::new();
    for name in names() {
        let binary = workspace.executable(&name).await.unwrap_or_else(|error| panic!("{error}"));
        binaries.insert(name, binary.display().to_string());
    }
    binaries
}

/// The names of all functions, in the order of the template.
///
/// # Panics
/// If the template cannot be read.
pub fn names() -> Vec<String> {
    functions().iter().map(|function| function.name.clone()).collect()
}

/// The time after which Lambda ends an invocation of a function.
///
/// # Panics
/// If the template cannot be read, or has no such function.
pub fn timeout_of(name: &str) -> Duration {
    let function = functions().iter().find(|function| function.name == name);
    function.unwrap_or_else(|| panic!("no function {name}")).timeout
}

fn functions() -> &'static [FunctionTemplate] {
    static FUNCTIONS: LazyLock<Vec<FunctionTemplate>> = LazyLock::new(|| {
        let template = Template::read(&root().join("template.yaml"));
        template.unwrap_or_else(|error| panic!("{error}")).functions
    });
    &FUNCTIONS
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
