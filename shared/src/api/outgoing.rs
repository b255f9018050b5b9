//! Cookies that are sent with the response, whether it is a success or an error.
//!
//! A refreshed session must reach the browser even if the request is then rejected, because the old
//! one is spent. Therefore cookies are not part of the handler's reply.

use std::cell::RefCell;
use std::future::Future;

use cookie::Cookie;
use http::HeaderValue;
use http::header::SET_COOKIE;

use crate::api::Response;

tokio::task_local! {
    static COOKIES: RefCell<Vec<Cookie<'static>>>;
}

/// Sends a cookie with the response to the current request, whether that is a success or an error.
/// It replaces an earlier cookie with the same name, domain and path, which browsers treat as the
/// same cookie (RFC 6265, section 5.3).
pub fn send_cookie(cookie: Cookie<'static>) {
    // Fails outside a request, where there is no browser to send it to.
    let _ = COOKIES.try_with(|cookies| {
        let mut cookies = cookies.borrow_mut();
        cookies.retain(|other| identity(other) != identity(&cookie));
        cookies.push(cookie);
    });
}

fn identity<'c>(cookie: &'c Cookie<'static>) -> (&'c str, Option<&'c str>, Option<&'c str>) {
    (cookie.name(), cookie.domain(), cookie.path())
}

/// Handles a request. Returns its result and the cookies that were set along the way.
pub async fn with_cookies<F: Future>(handling: F) -> (F::Output, Vec<Cookie<'static>>) {
    COOKIES
        .scope(RefCell::default(), async {
            let output = handling.await;
            (output, COOKIES.with(RefCell::take))
        })
        .await
}

/// Adds cookies to a response, each in its own header.
pub(crate) fn add_cookies(response: &mut Response, cookies: Vec<Cookie<'static>>) {
    for cookie in cookies {
        // Cookies made here are ASCII: names are fixed, values are base64url.
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_of_what_is_one_cookie_leaves_each_in_a_header_of_its_own() {
        let (said, cookies) = with_cookies(async {
            send_cookie(Cookie::new("session", "old"));
            send_cookie(Cookie::new("state", "1"));
            send_cookie(Cookie::new("session", "new"));
            send_cookie(Cookie::build(("session", "wide")).domain("example.com").build());
            "done"
        })
        .await;

        let mut response = Response::default();
        add_cookies(&mut response, cookies);

        assert_eq!(said, "done");
        let sent: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
        assert_eq!(sent, ["state=1", "session=new", "session=wide; Domain=example.com"]);
    }

    #[tokio::test]
    async fn cookies_of_one_name_for_two_domains_both_leave() {
        let wide = Cookie::build(("session", "")).domain("example.com").build();
        let ((), cookies) = with_cookies(async {
            send_cookie(wide.clone());
            send_cookie(Cookie::new("session", ""));
            send_cookie(wide);
        })
        .await;
        let domains: Vec<_> = cookies.iter().map(Cookie::domain).collect();
        assert_eq!(domains, [None, Some("example.com")]);
    }

    #[tokio::test]
    async fn a_cookie_sent_outside_a_request_reaches_no_later_one() {
        send_cookie(Cookie::new("session", "lost"));
        let ((), cookies) = with_cookies(async {}).await;
        assert!(cookies.is_empty(), "{cookies:?}");
    }
}
