//! Settings and checks for loopback servers.

use anteroom_stand_ins::server::is_this_machine;
use axum::{
    Json,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header, uri::Authority};
use serde_json::json;
use tokio::net::TcpStream;

/// Disables Nagle's algorithm, which would make a function look slow.
pub(crate) fn send_at_once(stream: &mut TcpStream) {
    // This fails only if the connection is already closed.
    let _ = stream.set_nodelay(true);
}

/// Rejects requests whose `Host` is not a loopback name or address.
///
/// This prevents DNS rebinding: any site can point its own name at 127.0.0.1. To the browser, its
/// pages and this server then have the same origin, so origin checks do not help, but `Host` has
/// the site's name.
pub(crate) async fn only_for_this_machine(request: Request, next: Next) -> Response {
    if is_for_this_machine(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let message =
        "Forbidden: this server only accepts requests for localhost and loopback addresses";
    (StatusCode::FORBIDDEN, Json(json!({"message": message}))).into_response()
}

/// Rejects what a browser sends on behalf of a page, for servers that no page may use.
pub(crate) async fn not_for_pages(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !headers.contains_key(header::ORIGIN) && !headers.contains_key("sec-fetch-site") {
        return next.run(request).await;
    }
    let message = "Forbidden: this server is not for pages";
    (StatusCode::FORBIDDEN, Json(json!({"message": message}))).into_response()
}

fn is_for_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = Authority::try_from(host.as_bytes()) else {
        return false;
    };
    // A request in absolute form also has a host in its first line.
    is_this_machine(&host) && uri.authority().is_none_or(is_this_machine)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_names_and_addresses_of_this_machine_are_answered() {
        for (host, own) in [
            ("localhost", true),
            ("localhost:3000", true),
            ("LocalHost:3000", true),
            ("app.localhost:3000", true),
            ("127.0.0.1", true),
            ("127.0.0.1:3000", true),
            ("127.8.9.10:1", true),
            ("[::1]:3000", true),
            ("attacker.example", false),
            ("attacker.example:3000", false),
            ("localhost.attacker.example", false),
            ("127.0.0.1.attacker.example", false),
            ("notlocalhost", false),
            ("localhost@attacker.example", false),
            ("attacker.example@localhost", false),
            ("192.168.1.5:3000", false),
            ("0.0.0.0", false),
            ("[::]", false),
            ("127.1", false),
            ("2130706433", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(is_for_this_machine(&Uri::from_static("/a"), &headers), own, "{host}");
        }
        assert!(!is_for_this_machine(&Uri::from_static("/a"), &HeaderMap::new()));
    }

    #[test]
    fn two_hosts_are_none_and_the_first_line_must_agree() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        let proxied = Uri::from_static("http://attacker.example/a");
        assert!(!is_for_this_machine(&proxied, &headers));
        assert!(is_for_this_machine(&Uri::from_static("http://localhost:3000/a"), &headers));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!is_for_this_machine(&Uri::from_static("/a"), &headers));
    }
}
