//! The header in which the deployment's own proxy names the client's address.
//!
//! API Gateway names the address in the request context, which a client cannot write. Behind a proxy,
//! that is the proxy's address, so `CLIENT_IP_HEADER` names the header in which the proxy passes on
//! the client's. No other header counts, because any client can set one.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderName};

use crate::settings::{Incomplete, Settings};

/// The setting that names the header.
const HEADER: &str = "CLIENT_IP_HEADER";

/// The header that `CLIENT_IP_HEADER` names.
#[derive(Debug)]
pub(crate) struct ClientHeader {
    name: HeaderName,
    has_warned: AtomicBool,
}

impl ClientHeader {
    /// Reads `CLIENT_IP_HEADER` where it is set.
    pub(crate) fn configure(settings: &mut Settings) -> Result<Option<Self>, Incomplete> {
        match settings.optional(HEADER).map(str::parse) {
            None => Ok(None),
            Some(Ok(name)) => Ok(Some(Self { name, has_warned: AtomicBool::new(false) })),
            Some(Err(_)) => Err(settings.problem(format!("{HEADER} is not the name of a header"))),
        }
    }

    /// The address in a request's header. If the header is absent, repeated or holds anything else,
    /// the first such request of this process is logged.
    pub(crate) fn address(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let mut values = headers.get_all(&self.name).iter();
        let address = match (values.next(), values.next()) {
            // The gateway joins repeated headers with a comma, and that is no address either.
            (Some(value), None) => value.to_str().ok().and_then(|text| text.trim().parse().ok()),
            _ => None,
        };
        if address.is_none() && !self.has_warned.swap(true, Ordering::Relaxed) {
            let header = self.name.as_str();
            tracing::warn!(header, "no client address in the configured header");
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn header(name: &str) -> Result<Option<ClientHeader>, Incomplete> {
        let settings = Settings::from_pairs([(HEADER, name)], Clock::fixed(0));
        ClientHeader::configure(&mut settings.expect("settings"))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn only_one_address_in_the_named_header_counts() {
        let header = header("CF-Connecting-IP").expect("a name").expect("a header");
        let mut has_warned = false;
        for (pairs, address) in [
            (&[("cf-connecting-ip", "203.0.113.7")][..], Some("203.0.113.7")),
            (&[("cf-connecting-ip", " 2001:db8::7 ")], Some("2001:db8::7")),
            (&[("x-forwarded-for", "203.0.113.7")], None),
            (&[("cf-connecting-ip", "")], None),
            (&[("cf-connecting-ip", "unknown")], None),
            (&[("cf-connecting-ip", "203.0.113.7:443")], None),
            (&[("cf-connecting-ip", "203.0.113.7, 203.0.113.8")], None),
            (&[("cf-connecting-ip", "203.0.113.7"), ("cf-connecting-ip", "203.0.113.7")], None),
        ] {
            let expected: Option<IpAddr> =
                address.map(|address| address.parse().expect("an address"));
            assert_eq!(header.address(&headers(pairs)), expected, "{pairs:?}");
            has_warned |= expected.is_none();
            assert_eq!(header.has_warned.load(Ordering::Relaxed), has_warned, "{pairs:?}");
        }
    }

    #[test]
    fn a_setting_that_is_no_header_is_named() {
        assert!(header("").expect("nothing").is_none());
        for name in ["CF Connecting IP", "x-client-ip:", "é"] {
            assert_eq!(header(name).err(), Some(Incomplete), "{name}");
        }
    }
}
