//! The size budget for our cookies in one browser.
//!
//! Cookies travel with every request, and a gateway rejects a request whose headers exceed 10 KB.
//! The session's cookie has up to [`MAX_COOKIE_BYTES`]. All flow cookies together have up to
//! [`FLOW_COOKIES_BYTES`], so that our cookies stay under 8 KiB in total and the session always
//! fits. If flow cookies exceed that, the oldest are dropped.

use std::cmp::Reverse;
use std::collections::HashSet;

/// The longest cookie, including its name and attributes, that every browser keeps. Browsers drop a
/// longer one silently (RFC 6265, section 6.1).
pub(super) const MAX_COOKIE_BYTES: usize = 4096;

/// The maximum size of all flow cookies in one browser together, including names.
pub(super) const FLOW_COOKIES_BYTES: usize = 4000;

/// A flow cookie, or the stub of one, in a request.
pub(super) struct HeldCookie<'r> {
    pub(super) name: &'r str,
    pub(super) kind: &'static str,
    pub(super) bytes: usize,
    /// In milliseconds since the Unix epoch; 0 for a stub, which counts as the oldest.
    pub(super) issued: u64,
}

/// The bytes that a cookie adds to the `Cookie` header of a request, including its separators.
pub(super) fn bytes_in_request(name: &str, value: &str) -> usize {
    name.len() + value.len() + "=; ".len()
}

/// The names of the cookies to keep: the newest that fit into `bytes`, but no more than `places` of
/// `kind`. Stubs do not count toward `places`.
pub(super) fn keep<'r>(
    mut held: Vec<HeldCookie<'r>>,
    mut bytes: usize,
    kind: &str,
    mut places: usize,
) -> HashSet<&'r str> {
    held.sort_by_key(|cookie| Reverse(cookie.issued));
    let mut kept = HashSet::new();
    for cookie in held {
        let takes_place = cookie.kind == kind && cookie.issued > 0;
        if cookie.bytes > bytes || (takes_place && places == 0) {
            continue;
        }
        bytes -= cookie.bytes;
        places -= usize::from(takes_place);
        kept.insert(cookie.name);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_counts_with_its_separators() {
        assert_eq!(bytes_in_request("name", "a value"), "name=a value; ".len());
    }

    #[test]
    fn the_newest_that_fit_are_kept_and_only_flows_of_the_kind_take_a_place() {
        let cookie = |name, kind, bytes, issued| HeldCookie { name, kind, bytes, issued };
        for (bytes, places, kept) in [
            (70, 2, &["new", "old", "other", "stub"][..]),
            (69, 2, &["new", "old", "other"]),
            (60, 2, &["new", "old", "other"]),
            (59, 2, &["new", "other", "stub"]),
            (70, 1, &["new", "other", "stub"]),
            (70, 0, &["other", "stub"]),
            (0, 2, &[]),
        ] {
            let held = vec![
                cookie("stub", "this", 10, 0),
                cookie("old", "this", 20, 1),
                cookie("new", "this", 20, 2),
                cookie("other", "that", 20, 3),
            ];
            let mut names: Vec<_> = keep(held, bytes, "this", places).into_iter().collect();
            names.sort_unstable();
            assert_eq!(names, kept, "{bytes} bytes, {places} places");
        }
    }
}
