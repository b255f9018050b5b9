//! The layout of the repository: every function has all its parts, and every list is complete.
//! `imports.rs` holds what may depend on what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect()
}

/// The code of a file without its comments: what documentation links to is no dependency.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_that_only_development_needs_is_built_into_a_function() {
    const DEVELOPMENT: [(&str, &[&str]); 6] = [
        // They share no code with what they run against, so that neither hides the other's mistakes.
        ("stand-ins", &[]),
        ("local", &["anteroom-stand-ins"]),
        ("testing", &["anteroom", "anteroom-local", "anteroom-stand-ins"]),
        ("security", &["anteroom", "anteroom-local", "anteroom-stand-ins", "anteroom-testing"]),
        ("bench", &["anteroom", "anteroom-local", "anteroom-stand-ins", "anteroom-testing"]),
        ("release", &[]),
    ];
    for (folder, expected) in DEVELOPMENT {
        let package = read(format!("{folder}/Cargo.toml"));
        assert_eq!(own_packages_in(&package, "dependencies"), expected, "{folder}");
        assert_eq!(own_packages_in(&package, "dev-dependencies"), [""; 0], "{folder}");
    }
    assert_eq!(own_packages_in(&read("shared/Cargo.toml"), "dependencies"), [""; 0]);
    for name in functions() {
        let package = read(format!("functions/{name}/Cargo.toml"));
        assert_eq!(own_packages_in(&package, "dependencies"), ["anteroom"], "{name}");
    }
}

/// The packages of this workspace in a section of a package's manifest.
fn own_packages_in<'m>(manifest: &'m str, section: &str) -> Vec<&'m str> {
    let section = manifest.split(&format!("\n[{section}]\n")).nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', ' ']).next());
    names.filter(|name| name.starts_with("anteroom")).collect()
}

#[test]
fn main_files_are_short_and_begin_with_their_route() {
    for name in functions() {
        let main = read(format!("functions/{name}/src/main.rs"));
        let code = main.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().count();
        assert!(lines < 60, "functions/{name}/src/main.rs has {lines} lines");
        let first = main.lines().next().unwrap_or_default();
        let route = format!("//! `{}`: ", route(&name));
        assert!(first.starts_with(&route), "functions/{name}/src/main.rs: {first}");
    }
}

#[test]
fn every_function_has_its_parts() {
    let template = read("template.yaml");
    let workspace = read("Cargo.toml");
    let readme = read("README.md");
    for name in functions() {
        let route = route(&name);
        let (method, path) = route.split_once(' ').expect("a method and a path");
        // LiveKit's own requests are named after it: `/api/v1/livekit/token` is `livekit-token`.
        let last = path.rsplit('/').next();
        let names = [Some(name.as_str()), name.strip_prefix("livekit-")];
        assert!(names.contains(&last), "{path} does not end in the name of {name}");

        let package = read(format!("functions/{name}/Cargo.toml"));
        assert!(package.contains(&format!("name = \"{name}\"")), "{name}: package name");

        let id = pascal_case(&name) + "Function:";
        let resource = template.split(&format!("\n  {id}\n")).nth(1);
        let resource = resource.unwrap_or_else(|| panic!("template.yaml lacks {id}"));
        let resource = resource.split("\n\n").next().unwrap_or_default();
        for part in [
            format!("Binary: {name}"),
            format!("Path: {path}"),
            // The method that `cargo dev` lists.
            format!("Description: !Sub {route}, "),
            "Condition: ".to_owned(),
            "Policies:".to_owned(),
        ] {
            assert!(resource.contains(&part), "template.yaml: {id} lacks `{part}`");
        }

        let watch = format!("{{ path = \"{path}\", function = \"{name}\" }}");
        assert!(workspace.contains(&watch), "Cargo.toml: the watch router lacks {watch}");
        assert!(readme.contains(&format!("| {route} |")), "README.md lacks a row for {route}");

        let event: serde_json::Value =
            serde_json::from_str(&read(format!("events/{name}.json"))).expect("an event in JSON");
        assert_eq!(event["rawPath"], path, "events/{name}.json");
        assert_eq!(event["requestContext"]["http"]["method"], method, "events/{name}.json");
    }
}

/// Functions by method and path, as in `POST /auth/sign-in`.
type Routes = BTreeMap<String, String>;

#[test]
fn routes_are_the_same_wherever_they_are_written() {
    let routes = routes_of_the_functions();
    assert!(routes.len() > 14, "only {routes:?}");
    assert_eq!(routes_of_the_events(), routes, "events/<name>.json");
    assert_eq!(routes_of_the_readme(), routes, "README.md");
    assert_eq!(routes_of_the_description(), routes, "openapi.yaml");

    // Where any method reaches the function, which refuses the others itself.
    let of_any_method = |(route, name): (String, String)| {
        (route.split(' ').nth(1).expect("a path").to_owned(), name)
    };
    let paths: Routes = routes.into_iter().map(of_any_method).collect();
    assert_eq!(paths_of_the_template(), paths, "template.yaml");
    assert_eq!(paths_of_the_router(), paths, "the watch router in Cargo.toml");
}

fn routes_of_the_functions() -> Routes {
    functions().into_iter().map(|name| (route(&name), name)).collect()
}

/// The route of a function, as in `POST /auth/sign-in`: its constant `ROUTE`.
fn route(name: &str) -> String {
    let main = read(format!("functions/{name}/src/main.rs"));
    let route = main.split("const ROUTE: Route = Route::").nth(1).expect("a ROUTE");
    let (method, rest) = route.split_once("(\"").expect("a method");
    let (path, _) = rest.split_once('"').expect("a path");
    format!("{} {path}", method.to_uppercase())
}

fn routes_of_the_events() -> Routes {
    let entries = fs::read_dir(root().join("events")).expect("events/");
    let files = entries.map(|entry| entry.expect("an entry").file_name());
    let names = files.filter_map(|file| Some(file.to_str()?.strip_suffix(".json")?.to_owned()));
    // `<name>.<case>.json` is a further event of the same function.
    let first = names.filter(|name| !name.contains('.'));
    let routes = first.map(|name| {
        let event: serde_json::Value =
            serde_json::from_str(&read(format!("events/{name}.json"))).expect("an event in JSON");
        let method = event["requestContext"]["http"]["method"].as_str().expect("a method");
        (format!("{method} {}", event["rawPath"].as_str().expect("a path")), name)
    });
    routes.collect()
}

fn routes_of_the_readme() -> Routes {
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| [`"));
    let routes = rows.map(|row| {
        let (name, rest) = row.split_once('`').expect("a name");
        (rest.split(" | ").nth(1).expect("a route").to_owned(), name.to_owned())
    });
    routes.collect()
}

fn routes_of_the_description() -> Routes {
    let description = read("openapi.yaml");
    let paths = description.split("\npaths:\n  /").nth(1).expect("paths");
    let paths = paths.split("\ncomponents:\n").next().expect("their end");
    let routes = paths.split("\n  /").map(|path| {
        let mut lines = path.lines().map(|line| line.trim_end_matches(':'));
        let path = format!("/{}", lines.next().expect("a path"));
        let method = lines.next().expect("a method").trim().to_uppercase();
        let id = lines.find_map(|line| line.trim().strip_prefix("operationId: "));
        (format!("{method} {path}"), kebab_case(id.expect("an operationId")))
    });
    routes.collect()
}

fn paths_of_the_template() -> Routes {
    let template = read("template.yaml");
    let functions = template.split("Binary: ").skip(1).map(|resource| {
        let path = resource.split("Path: ").nth(1).expect("a path");
        (first_line(path).to_owned(), first_line(resource).to_owned())
    });
    functions.collect()
}

fn paths_of_the_router() -> Routes {
    let workspace = read("Cargo.toml");
    let lines = workspace.lines().filter_map(|line| line.trim().strip_prefix("{ path = \""));
    let routes = lines.map(|line| line.split('"').step_by(2).collect::<Vec<_>>());
    routes.map(|parts| (parts[0].to_owned(), parts[1].to_owned())).collect()
}

#[test]
fn every_claim_of_the_threat_model_names_a_test_that_exists() {
    let code = code_in(&["shared", "functions", "local", "stand-ins", "testing"]);
    let page = read("docs/threat-model.md");
    let tests: Vec<_> =
        page.lines().filter(|line| line.starts_with("| ")).flat_map(tests_named_in).collect();
    for name in &tests {
        assert!(code.contains(&format!("fn {name}(")), "no test is called {name}");
    }
    assert!(tests.len() > 200, "only {} tests are named", tests.len());
}

/// A row that was copied from another route would name tests that do not run for its own.
#[test]
fn the_threat_model_has_a_tested_claim_of_every_kind_for_every_route() {
    let page = read("docs/threat-model.md");
    let section = page.split("\n## By route\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = section.expect("a section").lines().filter(|line| line.starts_with("| `"));
    let common = code_in(&["shared", "local", "testing/src/suites"]);
    let mut described = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [route, claims @ ..] = cells.as_slice() else { panic!("an empty row") };
        let route = route.trim_matches('`');
        assert_eq!(claims.len(), "STRIDE".len(), "{route}");
        let own = code_in(&[&format!("functions/{route}")]);
        for claim in claims {
            let tests = tests_named_in(claim);
            assert!(!tests.is_empty(), "{route}: no test is named for: {claim}");
            for name in tests {
                let definition = format!("fn {name}(");
                let is_its_own = own.contains(&definition) || common.contains(&definition);
                assert!(is_its_own, "{route}: {name} is a test of another route");
            }
        }
        described.insert(route.to_owned());
    }
    assert_eq!(described, functions());
}

/// The tests in a row or a cell: quoted, in lower case, and longer than the name of a setting or a claim.
fn tests_named_in(text: &str) -> Vec<&str> {
    let is_test = |name: &&str| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        name.matches('_').count() > 1 && name.chars().all(is_plain)
    };
    text.split('`').skip(1).step_by(2).filter(is_test).collect()
}

/// The code in some folders, without comments.
fn code_in(folders: &[&str]) -> String {
    let files = folders.iter().flat_map(|folder| rust_files(&root().join(folder)));
    files.map(|file| code(&file)).collect()
}

/// What the guides create in the course of their steps.
const MADE_BY_GUIDES: [&str; 2] = ["acme", "greeting"];

/// A path that moved leaves its mentions behind.
#[test]
fn every_path_that_a_page_names_exists() {
    let mut named = 0;
    for page in pages() {
        let text = read(&page);
        let quoted = text.split('`').skip(1).step_by(2);
        let quoted = quoted.filter(|path| is_path(path)).map(|path| root().join(path));
        let folder = root().join(page.parent().expect("a page has a folder"));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(['#', ')']).next());
        let links = links.filter(|link| !link.is_empty() && !link.contains(':'));
        let links = links.map(|link| folder.join(link));
        for path in quoted.chain(links) {
            let is_made = MADE_BY_GUIDES.iter().any(|name| path.to_string_lossy().contains(name));
            if !is_made {
                assert!(path.exists(), "{} names {}", page.display(), path.display());
                named += 1;
            }
        }
    }
    assert!(named > 200, "only {named} paths are named");
}

/// Every Markdown file of the repository, as a path from its root.
fn pages() -> Vec<PathBuf> {
    let folders = [
        "",
        ".github",
        "bench",
        "docs",
        "docs/decisions",
        "docs/front-end",
        "examples",
        "fuzz",
        "interop",
        "security",
        "stand-ins/keys",
    ];
    let files = folders.into_iter().flat_map(|folder| {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        entries.map(move |entry| Path::new(folder).join(entry.expect("an entry").file_name()))
    });
    files.filter(|file| file.extension().is_some_and(|extension| extension == "md")).collect()
}

/// Whether a quoted text is a path into one of the repository's folders.
fn is_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
    let first = text.split_once('/').map(|(first, _)| first);
    let folders = [
        "bench",
        "docs",
        "events",
        "examples",
        "functions",
        "fuzz",
        "interop",
        "local",
        "release",
        "security",
        "shared",
        "stand-ins",
        "testing",
    ];
    first.is_some_and(|first| folders.contains(&first)) && text.chars().all(is_plain)
}

/// The settings that Lambda gives a function, and nobody writes into a file.
const SET_BY_LAMBDA: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_LAMBDA_LOG_LEVEL",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// The tables of `docs/configuration.md` are the one list of settings.
#[test]
fn every_setting_that_the_code_reads_is_described_and_no_other() {
    let described = described_settings();
    assert!(described.len() > 40, "only {described:?}");
    assert_eq!(settings_of_the_code(&described), described, "docs/configuration.md");

    let example = read(".env.example");
    let lines = example.lines().map(|line| line.trim_start_matches('#'));
    let given: BTreeSet<_> =
        lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let mut ours: BTreeSet<_> = described.iter().map(String::as_str).collect();
    ours.retain(|name| !SET_BY_LAMBDA.contains(name));
    assert_eq!(given, ours, ".env.example");
}

#[test]
fn no_file_names_an_unknown_setting() {
    let described = described_settings();
    for file in ["README.md", "template.yaml", ".env.example"] {
        for name in capitals(&read(file)).filter(|name| is_grouped(name, &described)) {
            assert!(described.contains(name), "{file} names {name}");
        }
    }
}

/// The names that a row begins with, and those with an underscore that it mentions.
fn described_settings() -> BTreeSet<String> {
    let page = read("docs/configuration.md");
    let mut names = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let (first, others) = row[2..].split_once(" | ").unwrap_or((row, ""));
        let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let (first, mut others): (Vec<_>, Vec<_>) = (quoted(first), quoted(others));
        others.retain(|name| name.contains('_'));
        names.extend(first.into_iter().chain(others).filter(|name| is_name(name)));
    }
    names
}

/// The settings that the code reads, tests left out: literals that a call on the settings begins with,
/// and others whose first word is that of a setting.
fn settings_of_the_code(described: &BTreeSet<String>) -> BTreeSet<String> {
    let sources = ["shared/src", "functions"].map(|folder| rust_files(&root().join(folder)));
    let files = sources.into_iter().flatten().filter(|file| {
        let folders: Vec<_> = file.iter().collect();
        folders.contains(&"src".as_ref())
    });
    let mut names = BTreeSet::new();
    for file in files {
        let code = code(&file);
        let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let literals: Vec<_> = code.split('"').collect();
        let of_calls = literals.windows(2).filter(|pair| {
            let call = pair[0].trim_end().rsplit(['\n', ' ']).next().unwrap_or_default();
            call.starts_with("settings.") && call.ends_with('(')
        });
        let of_calls = of_calls.map(|pair| pair[1]);
        let grouped = literals.iter().copied().filter(|text| is_grouped(text, described));
        names.extend(of_calls.chain(grouped).filter(|text| is_name(text)).map(str::to_owned));
    }
    names
}

/// Whether a text begins with the first word of a setting, as all names of a provider's do.
fn is_grouped(text: &str, settings: &BTreeSet<String>) -> bool {
    let group = |name: &str| name.split_once('_').map(|(group, _)| group.to_owned());
    is_name(text)
        && group(text)
            .is_some_and(|own| settings.iter().any(|name| group(name).as_ref() == Some(&own)))
}

fn is_name(text: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    text.len() > 4 && text.bytes().all(in_name) && !text.starts_with('_') && !text.ends_with('_')
}

/// The words of a text that are in capitals.
fn capitals(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| is_name(word))
}

#[test]
fn the_description_has_the_workspaces_version() {
    let workspace = read("Cargo.toml");
    let version = workspace.lines().find_map(|line| line.strip_prefix("version = "));
    let version = version.expect("a version").trim_matches('"');
    assert!(read("openapi.yaml").contains(&format!("\n  version: {version}\n")), "{version}");
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

fn kebab_case(camel: &str) -> String {
    let dashed = |letter: char| {
        let dash = letter.is_ascii_uppercase().then_some('-');
        dash.into_iter().chain([letter.to_ascii_lowercase()])
    };
    camel.chars().flat_map(dashed).collect()
}

fn pascal_case(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
