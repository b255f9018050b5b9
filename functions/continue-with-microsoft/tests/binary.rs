//! The real binary under a Lambda Runtime API, with real events.

use anteroom_testing::suites::redirects::Redirect;

const ENDPOINT: Redirect = Redirect {
    binary: env!("CARGO_BIN_EXE_continue-with-microsoft"),
    event: "continue-with-microsoft.json",
    provider: "provider=MicrosoftOAuth",
};

anteroom_testing::redirects_suite!(ENDPOINT);
