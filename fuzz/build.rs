//! Makes a module of every function's `main.rs`, so that the targets run the deployed handlers
//! themselves, and a new function is fuzzed without a change here. Also gathers the words of our own
//! messages, which are no words of a provider, even if a provider says them.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let root = root.canonicalize().expect("the folder of the functions");
    println!("cargo::rerun-if-changed={}", root.display());
    let folders = fs::read_dir(&root).expect("functions");
    let mut names: Vec<String> = folders
        .map(|folder| folder.expect("a folder").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    let (mut modules, mut arms) = (String::new(), String::new());
    for name in &names {
        let module = name.replace('-', "_");
        let folder = root.join(name).join("src");
        let source = fs::read_to_string(folder.join("main.rs")).expect("a main.rs");
        let endpoint = source.split_once("impl Endpoint for ").expect("an endpoint").1;
        let endpoint = endpoint.split_whitespace().next().expect("a type");
        let lines = source.lines().filter(|line| !line.starts_with("//!")).map(|line| {
            match line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                Some(child) => {
                    format!("#[path = {:?}] mod {child};", folder.join(format!("{child}.rs")))
                }
                None => line.replace("use crate::", &format!("use crate::functions::{module}::")),
            }
        });
        let lines: Vec<String> = lines.collect();
        writeln!(
            modules,
            "#[allow(dead_code, missing_docs)]\npub mod {module} {{\n{}\n\
             pub(super) async fn start(settings: Settings) -> Box<dyn super::Started> {{\n\
             super::start_one::<{endpoint}>(settings).await\n}}\n}}",
            lines.join("\n")
        )
        .expect("a text");
        writeln!(arms, "{name:?} => {module}::start(settings).await,").expect("a text");
    }
    let generated = format!(
        "/// The names of all functions.\npub const NAMES: [&str; {}] = {names:?};\n{modules}\n\
         async fn start_named(name: &str, settings: Settings) -> Box<dyn Started> {{\n\
         match name {{\n{arms}\n_ => panic!(\"no function is called {{name}}\"),\n}}\n}}\n",
        names.len()
    );
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let mut words = String::new();
    for folder in ["../shared/src", "../functions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        gather(&folder, &mut words);
    }
    fs::write(Path::new(&out).join("own-words.txt"), words).expect("a file");
    fs::write(Path::new(&out).join("functions.rs"), generated).expect("a file");
}

/// Adds the sources in a folder, with every message on one line.
fn gather(folder: &Path, words: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            gather(&path, words);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).expect("a source");
            let parts: Vec<_> = source.split("\\\n").map(str::trim_start).collect();
            words.push_str(&parts.concat());
        }
    }
}
