//! Checks of hosts in settings: only origins, addresses and domains that can work.
//!
//! The URL standard allows hosts that can never exist in DNS: `*.example.com`, `app..example.com`,
//! and `a.example,https` in `https://a.example,https://b.example`. A function configured with one
//! of them would start and then reject every request.

use url::{Host, Url};

/// Whether the address is on this machine: `localhost`, a subdomain of it, or a loopback address.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether `origin` is a web page's origin as browsers write it (RFC 6454, section 6.1).
pub(crate) fn is_web_origin(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| {
        url.origin().ascii_serialization() == origin && is_web(&url) && has_possible_host(&url)
    })
}

/// Whether `origin` belongs to an app with its own scheme, such as `tauri://localhost` and
/// `chrome-extension://<id>`.
pub(crate) fn is_app_origin(origin: &str) -> bool {
    // The URL standard's special schemes, whose origins are those of web pages or opaque.
    const SPECIAL: [&str; 6] = ["http", "https", "ws", "wss", "ftp", "file"];
    let Some((scheme, host)) = origin.split_once("://") else {
        return false;
    };
    let in_scheme = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
    };
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(in_scheme)
        && !SPECIAL.contains(&scheme)
        && host.split('.').all(|label| !label.is_empty() && label.bytes().all(is_in_label))
}

/// Whether `url` can be a base address: `http` or `https`, without query or fragment. Plain `http`
/// must not leave this machine.
pub(crate) fn is_base(url: &Url) -> bool {
    is_safe(url) && is_single(url) && url.query().is_none() && url.fragment().is_none()
}

/// Whether `url` can be a page's address, which may have a query.
pub(crate) fn is_page(url: &Url) -> bool {
    is_safe(url) && is_single(url) && url.fragment().is_none()
}

/// Whether `url` ends in a version, which each call adds itself.
pub(crate) fn ends_in_a_version(url: &Url) -> bool {
    let last = url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    last.strip_prefix(['v', 'V']).is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether browsers keep a cookie for `domain`: a domain name below a top-level domain, or
/// `localhost`. They reject cookies for an IP address or for all of `.com`.
pub(crate) fn is_cookie_domain(domain: &str) -> bool {
    // A name whose last label is a number, decimal or hexadecimal, is an IPv4 address in some notation.
    // <https://url.spec.whatwg.org/#ends-in-a-number-checker>
    let is_number = |label: &str| {
        let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
        label.bytes().all(|byte| byte.is_ascii_digit())
            || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let labels: Vec<_> = domain.split('.').collect();
    is_host_name(domain)
        && (labels.len() > 1 || domain == "localhost")
        && labels.last().is_some_and(|last| !is_number(last))
}

/// Whether `name` consists of labels that DNS allows in host names (RFC 1123, section 2.1).
pub(crate) fn is_host_name(name: &str) -> bool {
    name.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn is_safe(url: &Url) -> bool {
    is_web(url)
        && (url.scheme() == "https" || is_this_machine(url))
        && has_possible_host(url)
        && url.username().is_empty()
        && url.password().is_none()
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http")
}

/// Whether the URL is a single address: no second one follows a comma in the path.
fn is_single(url: &Url) -> bool {
    !url.path().contains("://") && !url.path().contains(',')
}

fn has_possible_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(is_in_label)
        }),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    }
}

/// DNS does not allow underscores in host names, but container networks do.
fn is_in_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_localhost_what_is_below_it_and_loopback_addresses() {
        for (url, local) in [
            ("http://localhost", true),
            ("http://LOCALHOST:3000", true),
            ("http://app.localhost:3000/callback", true),
            ("http://127.0.0.1:4011", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:3000", true),
            ("http://0.0.0.0", false),
            ("http://192.168.1.5", false),
            ("http://[::2]", false),
            ("http://localhost.example", false),
            ("http://notlocalhost", false),
            ("http://127.0.0.1.example", false),
        ] {
            let url = url.parse().expect("an address");
            assert_eq!(is_this_machine(&url), local, "{url}");
        }
    }

    #[test]
    fn an_apps_origin_has_a_scheme_of_its_own_and_a_host() {
        for (origin, good) in [
            ("tauri://localhost", true),
            ("capacitor://localhost", true),
            ("chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb", true),
            ("moz-extension://1b2c3d4e-0000-4000-8000-000000000000", true),
            ("app://-", true),
            ("capacitor://app.example.com", true),
            ("tauri://localhost/", false),
            ("tauri://*", false),
            ("tauri://", false),
            ("tauri:localhost", false),
            ("Tauri://localhost", false),
            ("capacitor://a..b", false),
            ("https://app.example.com", false),
            ("file://localhost", false),
            ("wss://app.example.com", false),
            ("null", false),
            ("*", false),
        ] {
            assert_eq!(is_app_origin(origin), good, "{origin}");
        }
    }

    #[test]
    fn a_cookies_domain_is_one_that_browsers_take() {
        for (domain, good) in [
            ("example.com", true),
            ("app.example.com", true),
            ("xn--bcher-kva.example", true),
            ("localhost", true),
            ("app.localhost", true),
            ("com", false),
            ("intranet", false),
            ("*.example.com", false),
            ("app..example.com", false),
            ("example.com.", false),
            ("127.0.0.1", false),
            ("127.0.0.0x1", false),
            ("example.0X", false),
            ("example.0xyz", true),
            ("10.1", false),
            ("[::1]", false),
            ("::1", false),
            ("https://example.com", false),
            ("example.com:443", false),
            ("a.example,b.example", false),
            ("-a.example", false),
            ("", false),
        ] {
            assert_eq!(is_cookie_domain(domain), good, "{domain}");
        }
    }
}
