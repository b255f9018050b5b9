//! What the functions ask for, taken from their binaries.

use std::array;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anteroom_local::template::FunctionTemplate;
use anteroom_local::workspace::Workspace;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::{Names, functions, root};

const CLERKS_PUBLIC_KEY: &str = include_str!("../../../stand-ins/keys/clerk-instance.public.pem");

/// The settings that say whose users a function serves.
const IDENTITIES: [&str; 2] = ["LIVEBLOCKS_IDENTITY", "LIVEKIT_IDENTITY"];

/// Whose users a function serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Users {
    WorkOs,
    Clerk,
    /// Clerk's, with its public key as a parameter.
    ClerkWithJwtKey,
}

/// The users that the function can serve. One that has no choice serves those of one provider.
pub(crate) async fn whose_users(function: &FunctionTemplate) -> &'static [Users] {
    let program = fs::read(executable(&function.name).await).unwrap();
    let words = words_in_capitals(&program);
    let has_a_choice = IDENTITIES.iter().any(|setting| contains(&words, setting));
    if has_a_choice {
        &[Users::WorkOs, Users::Clerk, Users::ClerkWithJwtKey]
    } else {
        &[Users::WorkOs]
    }
}

/// What a program cannot do without, by its own words.
pub(crate) struct Asked {
    /// Settings, by the names of their variables.
    pub(crate) settings: Names,
    /// Secrets, by the names of the variables that say where they are.
    pub(crate) secrets: Names,
}

/// Starts the program with nothing but whose users it serves, and reads what it says is missing.
pub(crate) async fn asked_for(function: &FunctionTemplate, users: Users) -> Asked {
    let identity = if users == Users::WorkOs { "workos" } else { "clerk" };
    let mut program = Command::new(executable(&function.name).await);
    program
        .env_clear()
        // Without a developer there is no dev-sign-in, which then needs nothing.
        .envs([("STAGE", "dev"), ("DEV_SIGN_IN_EMAIL", "dev@example.com")])
        // Lambda sets these.
        .envs(["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, "x")))
        .envs(IDENTITIES.map(|setting| (setting, identity)))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if users == Users::ClerkWithJwtKey {
        program.env("CLERK_JWT_KEY", CLERKS_PUBLIC_KEY);
    }
    let output = timeout(Duration::from_mins(1), program.output()).await.unwrap().unwrap();
    assert!(!output.status.success(), "{} starts with nothing", function.name);

    let line = String::from_utf8(output.stdout).unwrap();
    let line: Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(line["message"], "stopped", "{line}");
    let problems = line["error"].as_str().unwrap().split_once(": ").unwrap().1;
    let mut asked = Asked { settings: Names::new(), secrets: Names::new() };
    for problem in problems.split("; ") {
        let (name, advice) = problem.split_once(" is missing").unwrap();
        match advice.split_once("set it, or set ").and_then(|(_, rest)| rest.split_once(' ')) {
            Some((id, _)) => asked.secrets.insert(id.to_owned()),
            None => asked.settings.insert(name.to_owned()),
        };
    }
    asked
}

/// Where a function's binary is; all are built the first time.
pub(crate) async fn executable(name: &str) -> PathBuf {
    static WORKSPACE: OnceCell<Workspace> = OnceCell::const_new();
    let workspace = WORKSPACE.get_or_init(|| async {
        Workspace::new(root(), functions().into_iter().map(|function| function.name))
    });
    workspace.await.executable(name).await.unwrap()
}

/// The words in capitals among a program's bytes, which the names of variables are part of: literals
/// follow each other without a gap.
pub(crate) fn words_in_capitals(program: &[u8]) -> BTreeSet<&[u8]> {
    // `STAGE` is the shortest of the names, so that looking at every fifth byte meets them all.
    const SHORTEST: usize = 5;
    let in_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    // A program with its line tables is so long that looking a byte up is worth it.
    let in_word: [bool; 256] = array::from_fn(|byte| u8::try_from(byte).is_ok_and(in_word));
    let in_word = |byte: &u8| in_word[usize::from(*byte)];
    let mut words = BTreeSet::new();
    let mut at = 0;
    while at < program.len() {
        if in_word(&program[at]) {
            let before = program[..at].iter().rev().take_while(|byte| in_word(byte)).count();
            let after = program[at..].iter().take_while(|byte| in_word(byte)).count();
            if before + after >= SHORTEST {
                words.insert(&program[at - before..at + after]);
            }
            at += after;
        }
        at += SHORTEST;
    }
    words
}

pub(crate) fn contains(words: &BTreeSet<&[u8]>, name: &str) -> bool {
    let name = name.as_bytes();
    words.iter().any(|word| word.windows(name.len()).any(|part| part == name))
}
