//! What is built, installed or run comes from a version that the repository pins by hash.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of the repository with one of these names, without what was built or installed.
fn files_named(names: &[&str]) -> Vec<PathBuf> {
    const NOT_OURS: [&str; 5] = [".git", ".next", ".tools", "node_modules", "target"];
    let (mut folders, mut found) = (vec![root()], vec![]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !path.is_symlink() {
                if !NOT_OURS.contains(&name) {
                    folders.push(path);
                }
            } else if names.contains(&name) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no {names:?}");
    found
}

#[test]
fn every_crate_has_its_checksum() {
    let locks = files_named(&["Cargo.lock"]);
    assert!(locks.len() >= 4, "the workspace, and what bench/ compares with");
    for lock in locks {
        let text = read(&lock);
        for package in text.split("[[package]]").filter(|package| package.contains("\nsource = ")) {
            let is_pinned =
                package.contains("\nsource = \"registry+") && package.contains("\nchecksum = \"");
            assert!(is_pinned, "{}: {package}", lock.display());
        }
    }
}

#[test]
fn every_npm_package_has_its_hash() {
    let manifests = files_named(&["package.json"]);
    assert!(manifests.len() >= 4, "{manifests:?}");
    for manifest in manifests {
        let lock = manifest.with_file_name("package-lock.json");
        let lock: Value = serde_json::from_str(&read(&lock)).expect("JSON");
        let packages = lock["packages"].as_object().expect("packages");
        assert!(packages.len() > 20, "{}", manifest.display());
        // The one without a name is the project itself.
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            let is_pinned =
                package["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-"));
            assert!(is_pinned, "{}: {name}", manifest.display());
        }
    }
}

#[test]
fn every_wheel_has_its_hash() {
    let files = files_named(&["requirements.txt"]);
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let text = read(&file).replace("\\\n", " ");
        let wheels = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut checked = 0;
        for wheel in wheels {
            let is_pinned = wheel.contains("==") && wheel.contains("--hash=sha256:");
            assert!(is_pinned, "{}: {wheel:.60}", file.display());
            checked += 1;
        }
        assert!(checked > 1, "{}: only {checked} wheels were found", file.display());
    }
}

#[test]
fn every_go_module_has_its_hash() {
    for module in files_named(&["go.mod"]) {
        let sums = read(&module.with_file_name("go.sum"));
        let text = read(&module);
        let required = text.lines().filter_map(|line| line.strip_prefix('\t'));
        let required = required.filter_map(|line| line.split_once(" v"));
        let mut checked = 0;
        for (name, version) in required {
            let version = version.split_whitespace().next().unwrap_or_default();
            assert!(sums.contains(&format!("{name} v{version}/go.mod h1:")), "{name} v{version}");
            checked += 1;
        }
        assert!(checked > 50, "only {checked} modules were found");
    }
}

#[test]
fn every_program_from_crates_io_has_its_checksum() {
    let pinned = read(&root().join("interop/cargo-tools.sha256"));
    for line in pinned.lines() {
        let (hash, archive) = line.split_once("  ").expect("a hash and a name");
        assert!(hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{line}");
        let version = archive.strip_prefix("cargo-").and_then(|rest| rest.strip_suffix(".crate"));
        assert!(version.is_some_and(|rest| rest.contains('-')), "{line}");
    }
    assert!(pinned.lines().count() >= 3);
}

/// A tag of an action can be moved to other code; a commit cannot.
#[test]
fn every_action_of_a_workflow_is_pinned_by_its_commit() {
    let mut pinned = 0;
    for (file, text) in workflows() {
        for action in text
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
        {
            let (_, version) = action.split_once('@').expect("a version");
            let (commit, comment) = version.split_once(" # ").unwrap_or_default();
            let is_commit =
                commit.len() == 40 && commit.bytes().all(|digit| digit.is_ascii_hexdigit());
            assert!(is_commit && comment.starts_with('v'), "{file}: {action}");
            pinned += 1;
        }
    }
    assert!(pinned > 10, "only {pinned} actions were found");
}

#[test]
fn every_installation_of_a_package_requires_its_hash() {
    let scripts = files_named(&["build", "install", "run"]).into_iter();
    let scripts =
        scripts.map(|path| (path.display().to_string(), read(&path).replace("\\\n", " ")));
    let mut installs = 0;
    for (file, text) in scripts.chain(workflows()) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            for (command, condition) in [
                ("pip install ", "--require-hashes"),
                ("cargo install ", "--locked"),
                // `npm ci` installs what the lock file says, with the hashes that it says.
                ("npm install", "npm ci"),
                ("npx ", "npm ci"),
            ] {
                let is_careless = line.contains(command) && !line.contains(condition);
                assert!(!is_careless, "{file}: {line}");
                installs += usize::from(line.contains(command));
            }
        }
    }
    assert!(installs > 3, "only {installs} commands were found");
}

/// Names and texts of the workflows.
fn workflows() -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join(".github/workflows")).expect("workflows");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.map(|file| (file.display().to_string(), read(&file))).collect()
}
