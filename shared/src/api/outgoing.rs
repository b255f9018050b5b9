//! Cookies that leave with the answer, whatever the answer is.
//!
//! A session that is renewed on the way must reach the browser also when the request is refused in
//! the end: the old one is spent. So it does not travel through the handler's reply.

use std::cell::RefCell;
use std::future::Future;

use cookie::Cookie;
use http::HeaderValue;
use http::header::SET_COOKIE;

use crate::api::Response;

tokio::task_local! {
    static COOKIES: RefCell<Vec<Cookie<'static>>>;
}

/// Sends a cookie along with the answer to the request that is being handled, be it a success or
/// an error. A later one of the same name takes its place.
pub fn send_cookie(cookie: Cookie<'static>) {
    // Without a request there is no browser to send it to.
    let _ = COOKIES.try_with(|cookies| {
        let mut cookies = cookies.borrow_mut();
        cookies.retain(|other| other.name() != cookie.name());
        cookies.push(cookie);
    });
}

/// Handles a request, and gives the cookies that were sent on the way besides its result.
pub async fn with_cookies<F: Future>(handling: F) -> (F::Output, Vec<Cookie<'static>>) {
    COOKIES
        .scope(RefCell::default(), async {
            let output = handling.await;
            (output, COOKIES.with(RefCell::take))
        })
        .await
}

/// Adds cookies to a response, each in a header of its own.
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
    async fn the_last_cookie_of_a_name_leaves_each_in_a_header_of_its_own() {
        let (said, cookies) = with_cookies(async {
            send_cookie(Cookie::new("session", "old"));
            send_cookie(Cookie::new("state", "1"));
            send_cookie(Cookie::new("session", "new"));
            "done"
        })
        .await;

        let mut response = Response::default();
        add_cookies(&mut response, cookies);

        assert_eq!(said, "done");
        let sent: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
        assert_eq!(sent, ["state=1", "session=new"]);
    }

    #[test]
    fn without_a_request_there_is_nobody_to_send_to() {
        send_cookie(Cookie::new("session", "lost"));
    }
}
