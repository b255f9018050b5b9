//! The imports of every deployed crate: no cycle, no arrow to a higher layer, one style.
//!
//! A node of the graph is a file. An arrow leads from a file to the file that defines an item it
//! names, in a `use` or elsewhere; re-exports are followed to the definition. These are not arrows:
//!
//! - a re-export (`pub use`), unless the file uses the name itself. A parent module that only declares
//!   and re-exports its children does not depend on them, so its children may name each other, and the
//!   parent's own items, through it;
//! - anything in comments or in the module `tests` at the end of a file.
//!
//! Two kinds of graph must not have a cycle: the graph of all files, and for each module the graph of
//! its children, where a child stands for every file below it. The second kind keeps folders apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The providers of `shared/src`. Everything else there is the kit, except for [`CHOICE`].
const PROVIDERS: [&str; 4] = ["clerk", "liveblocks", "livekit", "workos"];

/// The layer between the functions and the providers: it chooses one of them.
const CHOICE: &str = "identity";

#[test]
fn no_import_cycle() {
    for krate in crates() {
        let graph = krate.files();
        assert_no_cycle(&krate.name, &graph);
        for parent in krate.modules.keys() {
            assert_no_cycle(&krate.name, &children(parent, &graph));
        }
    }
}

#[test]
fn providers_import_the_kit_and_never_each_other() {
    let shared = Crate::read(&root().join("shared"));
    let arrows = children("", &shared.files());
    assert!(arrows.len() > 15, "only {arrows:?}");
    for (from, to) in arrows {
        for to in to.iter().filter(|to| PROVIDERS.contains(&to.as_str())) {
            assert!(from.is_empty() || from == CHOICE, "{from} imports the provider {to}");
        }
        assert!(from.is_empty() || !to.contains(CHOICE), "{from} imports {CHOICE}");
    }
}

#[test]
fn the_map_of_the_crate_has_every_module() {
    let library = fs::read_to_string(root().join("shared/src/lib.rs")).expect("lib.rs");
    let map: String = library.lines().filter(|line| line.starts_with("//! |")).collect();
    let mut modules = 0;
    let mut is_for_tests = false;
    for line in library.lines() {
        let module = line.trim_start_matches("pub ").strip_prefix("mod ");
        if let Some(module) = module.and_then(|rest| rest.strip_suffix(';')) {
            assert!(is_for_tests || map.contains(&format!("`{module}`")), "{module}");
            modules += 1;
        }
        is_for_tests = line.starts_with("#[");
    }
    assert!(modules > 25, "only {modules} modules");
}

#[test]
fn every_provider_of_the_crate_is_known_here() {
    let source = root().join("shared/src");
    let folders = fs::read_dir(&source).expect("shared/src");
    let folders = folders.map(|entry| entry.expect("an entry").path());
    for folder in folders.filter(|path| path.is_dir()) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(
            matches!(name, "api" | "cookie_seal" | "http" | "jwt" | "lambda" | "provider")
                || PROVIDERS.contains(&name),
            "shared/src/{name} is neither a part of the kit nor a provider"
        );
    }
}

/// `use crate::a::B` everywhere, except that a module re-exports its own children with `pub use a::B`.
#[test]
fn imports_are_absolute_with_one_path_each() {
    for krate in crates() {
        for (path, module) in &krate.modules {
            let place = || format!("{} {path}", krate.name);
            assert!(!module.code.contains("use crate::{"), "{}: use crate::{{", place());
            for import in &module.imports {
                let first = import.path[0].as_str();
                let own_child = krate.modules.contains_key(&join(path, first));
                let is_relative = matches!(first, "super" | "self") || own_child;
                assert!(import.is_reexport || !is_relative, "{}: use {first}::…", place());
            }
        }
    }
}

#[test]
fn finds_cycles_through_re_exports_and_modules_and_none_in_a_facade() {
    let krate = |files: &[(&str, &str)]| Crate::from_files("invented", files);
    let cycles = |krate: &Crate| {
        let graph = krate.files();
        let folders = krate.modules.keys().filter_map(|parent| cycle(&children(parent, &graph)));
        (cycle(&graph), folders.collect::<Vec<_>>())
    };
    let facade = [
        ("", "mod a;"),
        ("a", "mod b;\nmod c;\npub use b::B;\npub use c::C;\npub type Own = u8;"),
        ("a::b", "pub struct B;\nuse crate::a::Own;"),
        ("a::c", "use crate::a::B;\npub struct C(B);"),
    ];
    assert_eq!(cycles(&krate(&facade)), (None, vec![]));

    let mut through_facade = facade;
    through_facade[2].1 = "use crate::a::C;\npub struct B(C);";
    assert_eq!(cycles(&krate(&through_facade)).0, Some(names(&["a::b", "a::c", "a::b"])));

    let mut through_module = facade;
    through_module[2].1 = "use crate::a;\npub struct B(a::C);";
    assert_eq!(cycles(&krate(&through_module)).0, Some(names(&["a::b", "a::c", "a::b"])));

    let mut parent_uses_child = facade;
    parent_uses_child[1].1 = "mod b;\nmod c;\npub use b::B;\npub use c::C;\npub struct Own(B);";
    assert_eq!(cycles(&krate(&parent_uses_child)).0, Some(names(&["a", "a::b", "a"])));

    let folders = [
        ("", "mod a;\nmod b;"),
        ("a", "pub mod x;\npub mod y;"),
        ("a::x", "use crate::b::X;"),
        ("a::y", "pub struct Y;"),
        ("b", "use crate::a::y::Y;\npub struct X;"),
    ];
    assert_eq!(cycles(&krate(&folders)), (None, vec![names(&["a", "b", "a"])]));
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The crates that are deployed: `shared` and the functions.
fn crates() -> Vec<Crate> {
    let functions = fs::read_dir(root().join("functions")).expect("functions/");
    let functions = functions.map(|entry| entry.expect("an entry").path());
    let functions = functions.filter(|path| path.is_dir());
    let packages = functions.chain([root().join("shared")]);
    let crates: Vec<_> = packages.map(|package| Crate::read(&package)).collect();
    assert!(crates.len() > 15, "only {} crates were found", crates.len());
    crates
}

/// Names to the names that they have arrows to.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// A crate's modules by their paths, as in `workos::api::user`; the root's is empty.
struct Crate {
    name: String,
    modules: BTreeMap<String, Module>,
}

struct Module {
    /// Without comments and tests.
    code: String,
    imports: Vec<Import>,
}

/// One name that a `use` brings.
struct Import {
    path: Vec<String>,
    name: String,
    is_reexport: bool,
}

impl Crate {
    fn read(package: &Path) -> Self {
        let source = package.join("src");
        let files = rust_files(&source);
        let files: Vec<_> = files
            .iter()
            .map(|file| {
                let inside = file.strip_prefix(&source).expect("a file below").with_extension("");
                let parts: Vec<_> =
                    inside.iter().map(|part| part.to_str().expect("text")).collect();
                let path = match parts[..] {
                    ["lib" | "main"] => String::new(),
                    [ref folders @ .., "mod"] => folders.join("::"),
                    _ => parts.join("::"),
                };
                (path, fs::read_to_string(file).expect("a source file"))
            })
            .collect();
        let files: Vec<_> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let name = package.file_name().and_then(|name| name.to_str()).expect("a name");
        Self::from_files(name, &files)
    }

    fn from_files(name: &str, files: &[(&str, &str)]) -> Self {
        let modules = files.iter().map(|(path, text)| {
            let code = code(text);
            let (imports, code) = take_imports(&code);
            ((*path).to_owned(), Module { code, imports })
        });
        Self { name: name.to_owned(), modules: modules.collect() }
    }

    /// The graph of the files.
    fn files(&self) -> Graph {
        let arrows = |(path, module): (&String, &Module)| {
            let mut to: BTreeSet<_> =
                self.paths(path, module).iter().filter_map(|named| self.definer(named)).collect();
            to.remove(path);
            (path.clone(), to)
        };
        self.modules.iter().map(arrows).collect()
    }

    /// The absolute paths into this crate that the code of a module names.
    fn paths(&self, here: &str, module: &Module) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        for import in &module.imports {
            let Some(path) = self.absolute(here, &import.path) else { continue };
            let behind = behind(&module.code, &import.name);
            if self.modules.contains_key(&path.join("::")) && !behind.is_empty() {
                paths.extend(behind.into_iter().map(|rest| [path.clone(), rest].concat()));
            } else if !import.is_reexport || is_named(&module.code, &import.name) {
                paths.push(path);
            }
        }
        for first in ["crate", "super"] {
            let rests = behind(&module.code, first).into_iter();
            let named = rests.map(|rest| [vec![first.to_owned()], rest].concat());
            paths.extend(named.filter_map(|path| self.absolute(here, &path)));
        }
        paths
    }

    /// A path from the root of the crate, unless it leads into another one.
    fn absolute(&self, here: &str, path: &[String]) -> Option<Vec<String>> {
        let own = || here.split("::").filter(|part| !part.is_empty()).map(str::to_owned);
        let mut start: Vec<_> = own().collect();
        let rest = match path[0].as_str() {
            "crate" => {
                start.clear();
                &path[1..]
            }
            "self" => &path[1..],
            "super" => {
                start.pop();
                &path[1..]
            }
            first if self.modules.contains_key(&join(here, first)) => path,
            _ => return None,
        };
        start.extend_from_slice(rest);
        Some(start)
    }

    /// The module that defines what an absolute path names.
    fn definer(&self, path: &[String]) -> Option<String> {
        let mut here = String::new();
        for (index, part) in path.iter().enumerate() {
            let below = join(&here, part);
            if self.modules.contains_key(&below) {
                here = below;
                continue;
            }
            let exports = self.modules[&here].imports.iter().filter(|import| import.is_reexport);
            let export = exports.into_iter().find(|import| import.name == *part);
            let target = export.and_then(|export| self.absolute(&here, &export.path));
            return match target {
                Some(target) => self.definer(&[&target, &path[index + 1..]].concat()),
                None => Some(here),
            };
        }
        Some(here)
    }
}

/// The graph of a module's children, where each stands for what is below it.
fn children(parent: &str, files: &Graph) -> Graph {
    let child = |path: &str| {
        let below =
            if parent.is_empty() { path } else { path.strip_prefix(parent)?.strip_prefix("::")? };
        let name = below.split("::").next().unwrap_or_default();
        Some(join(parent, name))
    };
    let mut graph = Graph::new();
    for (from, to) in files {
        let Some(from) = child(from) else { continue };
        let to = to.iter().filter_map(|to| child(to)).filter(|to| *to != from && !to.is_empty());
        graph.entry(from.clone()).or_default().extend(to.collect::<Vec<_>>());
    }
    graph
}

fn assert_no_cycle(krate: &str, graph: &Graph) {
    if let Some(cycle) = cycle(graph) {
        panic!("{krate} has an import cycle: {}", cycle.join(" → "));
    }
}

/// A cycle of the graph, with its first name repeated at the end.
fn cycle(graph: &Graph) -> Option<Vec<String>> {
    fn visit(
        graph: &Graph,
        name: &str,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|passed| passed == name) {
            return Some([&way[start..], &[name.to_owned()]].concat());
        }
        if !done.insert(name.to_owned()) {
            return None;
        }
        way.push(name.to_owned());
        let found = graph.get(name)?.iter().find_map(|next| visit(graph, next, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|name| visit(graph, name, &mut Vec::new(), &mut done))
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}::{name}") }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// A file without its comments and without the module `tests` at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| line.split(" // ").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The imports of a file, and the rest of it.
fn take_imports(code: &str) -> (Vec<Import>, String) {
    let (mut imports, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let (visibility, begins) = match line.trim_start().split_once("use ") {
            Some((before, path)) if before.is_empty() || before.starts_with("pub") => {
                (before, path)
            }
            _ => {
                rest += line;
                rest.push('\n');
                continue;
            }
        };
        let mut tree = begins.to_owned();
        while !tree.contains(';') {
            tree += lines.next().expect("the end of an import").trim();
        }
        let tree = tree.split(';').next().unwrap_or_default();
        imports.extend(flatten(&[], tree).into_iter().map(|(path, name)| Import {
            path,
            name,
            is_reexport: !visibility.is_empty(),
        }));
    }
    (imports, rest)
}

/// The paths of a tree of imports, and the name that each one brings.
fn flatten(before: &[String], tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    if let Some((path, group)) = tree.split_once('{') {
        let path = path.split("::").filter(|part| !part.is_empty()).map(str::to_owned);
        let before: Vec<_> = before.iter().cloned().chain(path).collect();
        let group = group.strip_suffix('}').expect("the end of a group");
        return items(group).into_iter().flat_map(|item| flatten(&before, item)).collect();
    }
    let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let path = path.split("::").filter(|part| *part != "self" || before.is_empty());
    let path: Vec<_> = before.iter().cloned().chain(path.map(str::to_owned)).collect();
    let name = if alias.is_empty() { path[path.len() - 1].clone() } else { alias.to_owned() };
    vec![(path, name)]
}

/// The items of a group, which may hold groups.
fn items(group: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&group[start..]);
    items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// What follows `name::` wherever that is in the code, as parts of a path.
fn behind(code: &str, name: &str) -> Vec<Vec<String>> {
    let prefix = format!("{name}::");
    let found = code.match_indices(&prefix).filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        !before.is_some_and(|before| is_in_name(before) || before == ':' || before == '$')
    });
    let rests = found.map(|(at, _)| {
        let rest = &code[at + prefix.len()..];
        let end = rest.find(|letter| !is_in_name(letter) && letter != ':').unwrap_or(rest.len());
        let parts = rest[..end].split("::").filter(|part| !part.is_empty());
        parts.map(|part| part.trim_end_matches(':').to_owned()).collect()
    });
    rests.collect()
}

fn is_named(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(is_in_name) && !after.is_some_and(is_in_name)
    })
}

fn is_in_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}
