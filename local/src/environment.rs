//! The functions' environment variables on this machine: from this process, then from `.env`, then
//! defaults.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::workspace::is_set_by_cargo_run;

/// Defaults for required variables that are the same on most machines.
const DEFAULTS: [(&str, &str); 3] = [
    ("STAGE", "dev"),
    ("ALLOWED_ORIGINS", "http://localhost:3000,http://127.0.0.1:3000"),
    ("AWS_REGION", "us-east-1"),
];

/// Variables by name. An empty one counts as not set but is passed on, because a template also sets
/// empty variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// Why `.env` cannot be used. Never contains a value.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file exists but cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A line is neither `NAME=value` nor a comment.
    #[error("{path}, line {line}: this is not NAME=value (quote a value that has spaces)")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line number, starting at 1.
        line: usize,
    },
}

impl Environment {
    /// The variables of this process, then of `.env` in `folder` if it exists, then the defaults.
    pub fn read(folder: &Path) -> Result<Self, EnvironmentError> {
        let file = folder.join(".env");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(EnvironmentError::Unreadable { path: file, error }),
        };
        Self::layered(&text, of_this_process())
            .map_err(|line| EnvironmentError::Malformed { path: file, line })
    }

    /// Merges the layers. The error is the number of the malformed line.
    fn layered(
        env_file: &str,
        process: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, usize> {
        let mut variables: BTreeMap<_, _> = parse(env_file)?.into_iter().collect();
        variables.extend(process.into_iter().filter(|(name, _)| !is_set_by_cargo_run(name)));
        let mut environment = Self(variables);
        for (name, value) in DEFAULTS {
            if environment.value(name).is_none() {
                environment.set(name, value);
            }
        }
        Ok(environment)
    }

    /// The value of a variable, or `None` when it is not set or empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Sets a variable, replacing any previous value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Removes a variable.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Takes every variable away whose name begins like this.
    pub fn remove_all(&mut self, prefix: &str) {
        self.0.retain(|name, _| !name.starts_with(prefix));
    }

    /// The origins in `ALLOWED_ORIGINS`.
    pub fn allowed_origins(&self) -> Vec<String> {
        self.list("ALLOWED_ORIGINS")
    }

    /// The web pages' origins among them. An HTTP API accepts no others in its CORS settings, so
    /// the template keeps app origins, such as `tauri://localhost`, out of those settings.
    pub fn web_origins(&self) -> Vec<String> {
        let is_web =
            |origin: &String| origin.starts_with("https://") || origin.starts_with("http://");
        self.allowed_origins().into_iter().filter(is_web).collect()
    }

    /// Clerk's authorized parties: the configured ones, or else the allowed origins.
    pub fn authorized_parties(&self) -> Vec<String> {
        let own = self.list("CLERK_AUTHORIZED_PARTIES");
        if own.is_empty() { self.allowed_origins() } else { own }
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.value(name)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Allows these origins too, unless `STAGE` is `prod`, which does not accept pages on plain http.
    pub fn allow_origins(&mut self, origins: &[String]) {
        if self.value("STAGE") == Some("prod") {
            return;
        }
        let mut allowed = self.allowed_origins();
        for origin in origins {
            if !allowed.contains(origin) {
                allowed.push(origin.clone());
            }
        }
        self.set("ALLOWED_ORIGINS", allowed.join(","));
    }

    /// All variables as pairs.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.clone().into_iter().collect()
    }
}

impl fmt::Debug for Environment {
    /// Prints only the names, because some values are secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads the lines without substitution: a value means what is written, because a secret may have a `$`.
/// The parser would replace `$def` in `abc$def` by another variable, or by nothing.
fn parse(env_file: &str) -> Result<Vec<(String, String)>, usize> {
    let env_file = without_dollars(env_file.trim_start_matches(BYTE_ORDER_MARK));
    let read: Result<Vec<_>, _> = dotenvy::from_read_iter(env_file.as_bytes()).collect();
    let variables = read.map_err(|error| line_of(&env_file, &error))?;
    let with_dollars = |value: String| value.replace(DOLLAR, "$");
    Ok(variables.into_iter().map(|(name, value)| (name, with_dollars(value))).collect())
}

/// What some editors on Windows begin a file with.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Stands for a `$` while the file is parsed. Unicode assigns this code point to no character.
const DOLLAR: char = '\u{fdd0}';

/// The text with [`DOLLAR`] for each `$`, except after a backslash, where the parser takes it for itself.
fn without_dollars(text: &str) -> String {
    let mut escaped = false;
    let replaced = text.chars().map(|character| {
        let plain = !escaped;
        escaped = plain && character == '\\';
        if character == '$' && plain { DOLLAR } else { character }
    });
    replaced.collect()
}

/// The number of the line where the parser stopped. The parser's own message quotes the line, which
/// may hold a secret.
fn line_of(env_file: &str, error: &dotenvy::Error) -> usize {
    let dotenvy::Error::LineParse(culprit, _) = error else {
        return 1;
    };
    let before = env_file.find(culprit.trim()).map_or("", |start| &env_file[..start]);
    before.matches('\n').count() + 1
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one place where this package reads the variables it passes on"
)]
fn of_this_process() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(env_file: &str, process: &[(&str, &str)]) -> Environment {
        let process = process.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::layered(env_file, process).expect("the file is well-formed")
    }

    #[test]
    fn lets_the_process_win_over_the_file_and_the_file_over_the_defaults() {
        let environment = environment("A=file\nB=file\nSTAGE=test\n", &[("A", "process")]);
        assert_eq!(environment.value("A"), Some("process"));
        assert_eq!(environment.value("B"), Some("file"));
        assert_eq!(environment.value("STAGE"), Some("test"));
        assert_eq!(environment.value("AWS_REGION"), Some("us-east-1"));
    }

    #[test]
    fn takes_an_empty_variable_for_one_that_is_not_set() {
        let environment = environment("CLERK_SECRET_KEY=\n", &[("STAGE", "")]);
        assert_eq!(environment.value("CLERK_SECRET_KEY"), None);
        assert_eq!(environment.value("STAGE"), Some("dev"));
    }

    #[test]
    fn splits_the_allowed_origins() {
        let environment =
            environment("ALLOWED_ORIGINS='https://a.example, https://b.example,'\n", &[]);
        assert_eq!(environment.allowed_origins(), ["https://a.example", "https://b.example"]);
    }

    #[test]
    fn tells_web_pages_from_apps() {
        let origins =
            "ALLOWED_ORIGINS='tauri://localhost,https://a.example,capacitor://localhost'\n";
        let environment = environment(origins, &[]);
        assert_eq!(environment.web_origins(), ["https://a.example"]);
        assert_eq!(environment.allowed_origins().len(), 3, "the functions get them all");
    }

    #[test]
    fn allows_the_origins_of_local_pages_except_in_production() {
        let pages = ["http://localhost:8787".to_owned(), "http://localhost:3000".to_owned()];
        let mut allowing = environment("ALLOWED_ORIGINS=http://localhost:3000\n", &[]);
        allowing.allow_origins(&pages);
        assert_eq!(allowing.allowed_origins(), ["http://localhost:3000", "http://localhost:8787"]);
        let mut production = environment("ALLOWED_ORIGINS=https://a.example\nSTAGE=prod\n", &[]);
        production.allow_origins(&pages);
        assert_eq!(production.allowed_origins(), ["https://a.example"]);
    }

    #[test]
    fn passes_nothing_on_that_cargo_run_has_set() {
        let environment = environment("", &[("CARGO_PKG_NAME", "x"), ("HOME", "/home/x")]);
        assert_eq!(environment.value("CARGO_PKG_NAME"), None);
        assert_eq!(environment.value("HOME"), Some("/home/x"));
    }

    #[test]
    fn a_value_with_a_dollar_sign_means_what_is_written() {
        let file = r#"
            A=one
            PLAIN=abc$A
            UNKNOWN=abc$def
            BRACES=abc${A}def
            LAST=abc$
            QUOTED="abc$A def"
            SINGLE='abc$A\$A'
            ESCAPED=abc\$A\\$A
        "#;
        let environment = environment(file, &[]);
        for (name, value) in [
            ("PLAIN", "abc$A"),
            ("UNKNOWN", "abc$def"),
            ("BRACES", "abc${A}def"),
            ("LAST", "abc$"),
            ("QUOTED", "abc$A def"),
            ("SINGLE", r"abc$A\$A"),
            ("ESCAPED", r"abc$A\$A"),
        ] {
            assert_eq!(environment.value(name), Some(value), "{name}");
        }
    }

    #[test]
    fn skips_a_byte_order_mark() {
        let environment = environment("\u{feff}STAGE=test\n", &[]);
        assert_eq!(environment.value("STAGE"), Some("test"));
    }

    #[test]
    fn says_which_line_of_the_file_is_wrong_and_not_what_it_says() {
        let line =
            Environment::layered("A=1\nB=2\nsk live secret\n", []).expect_err("line 3 is wrong");
        assert_eq!(line, 3);
        let line = Environment::layered("A=$b\nB=a $c\n", []).expect_err("line 2 is wrong");
        assert_eq!(line, 2);
    }

    #[test]
    fn prints_names_without_values() {
        let printed = format!("{:?}", environment("CLERK_SECRET_KEY=sk_hidden\n", &[]));
        assert!(printed.contains("CLERK_SECRET_KEY"), "{printed}");
        assert!(!printed.contains("sk_hidden"), "{printed}");
    }

    #[test]
    fn does_without_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = Environment::read(folder.path()).expect("an environment");
        assert!(environment.value("STAGE").is_some());
    }
}
