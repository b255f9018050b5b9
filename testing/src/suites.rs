//! Test suites that several endpoints share. An endpoint's test file invokes each suite by name,
//! and every case becomes its own test:
//!
//! ```text
//! use anteroom_testing::suites::redirects::Redirect;
//!
//! const ENDPOINT: Redirect = Redirect { .. };
//!
//! anteroom_testing::redirects_suite!(ENDPOINT);
//! ```
//!
//! [`session_cookies`] is a table in a single test.

pub mod addresses;
pub mod clerk_rooms;
pub mod livekit_calls;
pub mod magic_codes;
pub mod moderation;
pub mod recordings;
pub mod redirects;
pub mod rooms;
pub mod session_cookies;
pub mod workos_rooms;

/// Declares a suite's cases as tests of an endpoint, in a module named after the suite.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($suite:ident($endpoint:ident): $($case:ident,)+) => {
        mod $suite {
            $(
                #[tokio::test]
                async fn $case() {
                    $crate::suites::$suite::$case(&super::$endpoint).await;
                }
            )+
        }
    };
}

#[cfg(test)]
mod tests {
    /// A case that is missing from its suite's macro would never run.
    #[test]
    fn every_case_of_a_suite_is_declared() {
        for suite in [
            include_str!("suites/addresses.rs"),
            include_str!("suites/clerk_rooms.rs"),
            include_str!("suites/livekit_calls.rs"),
            include_str!("suites/magic_codes.rs"),
            include_str!("suites/moderation.rs"),
            include_str!("suites/recordings.rs"),
            include_str!("suites/redirects.rs"),
            include_str!("suites/rooms.rs"),
            include_str!("suites/workos_rooms.rs"),
        ] {
            let (cases, declared) = suite.split_once("#[macro_export]").expect("a macro");
            let cases = cases.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let cases: Vec<_> = cases.filter_map(|line| line.split('(').next()).collect();
            assert!(!cases.is_empty());
            for case in cases {
                assert!(declared.contains(&format!(" {case},\n")), "{case} is not declared");
            }
        }
    }
}
