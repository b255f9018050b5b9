//! The number of files and sockets that this process may have open at once.

/// Raises the limit to what a dozen functions at once need, each with its pipes and connections. By
/// default, macOS allows 256.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use std::sync::Once;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// macOS refuses more, even if it says that there is no maximum.
    const ENOUGH: u64 = 10_240;

    static RAISED: Once = Once::new();
    RAISED.call_once(|| {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let enough = maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
        if current.is_some_and(|current| current < enough) {
            // If it stays low, the error says so when a file cannot be opened.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(enough), maximum });
        }
    });
}

/// There is no such limit here.
#[cfg(not(unix))]
pub(crate) fn raise_limit() {}
