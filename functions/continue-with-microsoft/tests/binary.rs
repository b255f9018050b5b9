//! The real binary under a Lambda Runtime API, with real events.

#[path = "../../continue-with-google/tests/redirect/mod.rs"]
mod redirect;

const BINARY: &str = env!("CARGO_BIN_EXE_continue-with-microsoft");
const EVENT: &str = "continue-with-microsoft.json";

/// What the address at WorkOS says of where the user signs in.
const PROVIDER: &str = "provider=MicrosoftOAuth";
