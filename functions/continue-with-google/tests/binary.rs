//! The real binary under a Lambda Runtime API, with real events.

use anteroom_testing::suites::redirects::Redirect;

const ENDPOINT: Redirect = Redirect {
    binary: env!("CARGO_BIN_EXE_continue-with-google"),
    event: "continue-with-google.json",
    provider: "provider=GoogleOAuth",
};

anteroom_testing::redirects_suite!(ENDPOINT);
