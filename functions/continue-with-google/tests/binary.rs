//! The real binary under a Lambda Runtime API, with real events.

mod redirect;

const BINARY: &str = env!("CARGO_BIN_EXE_continue-with-google");
const EVENT: &str = "continue-with-google.json";

/// What the address at WorkOS says of where the user signs in.
const PROVIDER: &str = "provider=GoogleOAuth";
