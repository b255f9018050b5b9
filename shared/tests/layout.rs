//! The layout of the repository: what depends on what, and that no function lacks a part.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PROVIDERS: [&str; 3] = ["clerk", "liveblocks", "workos"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                vec![path]
            } else {
                vec![]
            }
        })
        .collect()
}

fn functions() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("functions")).expect("functions/");
    entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect()
}

/// The code of a file without its comments: what documentation links to is no dependency.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn mentions(code: &str, module: &str) -> bool {
    let path = format!("crate::{module}");
    code.match_indices(&path).any(|(at, _)| {
        let next = code[at + path.len()..].chars().next();
        !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
    })
}

#[test]
fn arrows_run_from_providers_to_the_kit_and_between_providers_never() {
    let source = root().join("shared/src");
    let mut checked = 0;
    for file in rust_files(&source) {
        let inside = file.strip_prefix(&source).expect("a file below").to_owned();
        let first = inside.iter().next().and_then(|part| part.to_str()).expect("a name");
        let home = first.trim_end_matches(".rs");
        let code = code(&file);
        assert!(!code.contains("use crate::{"), "{}: write imports a path each", inside.display());
        for provider in PROVIDERS {
            if provider != home {
                assert!(!mentions(&code, provider), "{} uses {provider}", inside.display());
            }
        }
        checked += 1;
    }
    assert!(checked > 15, "only {checked} files were found");
}

#[test]
fn every_provider_of_the_crate_is_known_here() {
    let source = root().join("shared/src");
    let folders = fs::read_dir(&source).expect("shared/src");
    let folders = folders.map(|entry| entry.expect("an entry").path());
    for folder in folders.filter(|path| path.is_dir()) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(
            name == "api" || PROVIDERS.contains(&name),
            "shared/src/{name} is neither the kit's api nor a provider"
        );
    }
}

#[test]
fn main_files_are_short_and_begin_with_their_route() {
    for name in functions() {
        let main = read(format!("functions/{name}/src/main.rs"));
        let code = main.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().count();
        assert!(lines < 60, "functions/{name}/src/main.rs has {lines} lines");
        let first = main.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! `POST /"), "functions/{name}/src/main.rs: {first}");
    }
}

#[test]
fn every_function_has_its_parts() {
    let template = read("template.yaml");
    let workspace = read("Cargo.toml");
    let readme = read("README.md");
    for name in functions() {
        let main = read(format!("functions/{name}/src/main.rs"));
        let route = main.split('`').nth(1).expect("a route in backticks");
        let path = route.strip_prefix("POST ").expect("a POST route");
        let last = path.rsplit('/').next();
        assert_eq!(last, Some(name.as_str()), "the route ends in the function's name");

        let package = read(format!("functions/{name}/Cargo.toml"));
        assert!(package.contains(&format!("name = \"{name}\"")), "{name}: package name");

        let id = pascal_case(&name) + "Function:";
        let resource = template.split(&format!("\n  {id}\n")).nth(1);
        let resource = resource.unwrap_or_else(|| panic!("template.yaml lacks {id}"));
        let resource = resource.split("\n\n").next().unwrap_or_default();
        for part in [format!("Binary: {name}"), format!("Path: {path}"), "Policies:".to_owned()] {
            assert!(resource.contains(&part), "template.yaml: {id} lacks `{part}`");
        }

        let watch = format!("{{ path = \"{path}\", function = \"{name}\" }}");
        assert!(workspace.contains(&watch), "Cargo.toml: the watch router lacks {watch}");
        assert!(readme.contains(&format!("| POST {path} |")), "README.md lacks a row for {path}");

        let event: serde_json::Value =
            serde_json::from_str(&read(format!("events/{name}.json"))).expect("an event in JSON");
        assert_eq!(event["rawPath"], path, "events/{name}.json");
        assert_eq!(event["requestContext"]["http"]["method"], "POST", "events/{name}.json");
    }
}

fn pascal_case(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
