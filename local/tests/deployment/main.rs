//! `template.yaml` against the code: that each function gets the settings and the secrets that it
//! asks for, and what every function must have. What the code asks for is taken from the binaries
//! themselves: from what they say when they are started with nothing, and from the names in them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod binaries;
mod cloudformation;
mod gateway;
mod monitoring;
mod permissions;
mod settings;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anteroom_local::template::{FunctionTemplate, Template};

/// The names of settings, parameters or resources.
pub(crate) type Names = BTreeSet<String>;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn functions() -> Vec<FunctionTemplate> {
    let functions = Template::read(&root().join("template.yaml")).unwrap().functions;
    let folders = fs::read_dir(root().join("functions")).unwrap().count();
    assert_eq!(functions.len(), folders, "the template has all functions");
    functions
}
