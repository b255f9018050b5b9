//! [`of`]: where a function's binary is.

use std::path::{Path, PathBuf};

use anteroom_local::{template::Template, workspace::Workspace};
use tokio::sync::OnceCell;

/// The binary of a function. The first call builds all of them, as `cargo dev` does.
///
/// # Panics
/// If they cannot be built, or there is no such function.
pub async fn of(function: &str) -> String {
    static WORKSPACE: OnceCell<Workspace> = OnceCell::const_new();
    let workspace = WORKSPACE.get_or_init(|| async { Workspace::new(root(), names()) });
    let binary = workspace.await.executable(function).await;
    binary.unwrap_or_else(|error| panic!("{error}")).display().to_string()
}

/// The names of all functions, in the order of the template.
///
/// # Panics
/// If the template cannot be read.
pub fn names() -> Vec<String> {
    let template = Template::read(&root().join("template.yaml"));
    let functions = template.unwrap_or_else(|error| panic!("{error}")).functions;
    functions.into_iter().map(|function| function.name).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
