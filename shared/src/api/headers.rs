//! The headers of a request: its origin, its credentials and its cookies.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, ORIGIN};

use crate::api::ApiError;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The values of the cookies called `name`, in the order in which the browser sent them. There may
/// be several: the browser sends cookies with the same name for different paths and domains, and a
/// sibling subdomain may have set some of them (RFC 6265, section 8.6).
pub fn cookies<'r>(headers: &'r HeaderMap, name: &str) -> impl Iterator<Item = &'r str> {
    all_cookies(headers).filter(move |(other, _)| *other == name).map(|(_, value)| value)
}

/// The names and values of all cookies, in the order in which the browser sent them.
///
/// A pair that is not ASCII text is skipped (RFC 6265, section 4.1.1); it does not hide the others.
pub(crate) fn all_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| str::from_utf8(pair).ok().filter(|pair| pair.is_ascii()))
        .filter_map(|pair| cookie::Cookie::parse(pair).ok())
        .filter_map(|cookie| cookie.name_raw().zip(cookie.value_raw()))
}

/// The content of a request's `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization<'r> {
    /// The header is absent or empty, or its scheme is not `Bearer`.
    None,
    /// `Bearer` without a token.
    Empty,
    /// The token after `Bearer`.
    Bearer(&'r str),
}

impl<'r> Authorization<'r> {
    /// Reads the header as RFC 9110, section 11, defines it: the scheme in any case, then spaces,
    /// then the token. Several headers are ambiguous and count as malformed.
    pub fn of(headers: &'r HeaderMap) -> Self {
        Self::read(headers, |scheme| scheme.eq_ignore_ascii_case("Bearer"))
    }

    /// Reads the header as Clerk's SDK does, which accepts the scheme only as `Bearer`.
    pub fn as_clerk_reads_it(headers: &'r HeaderMap) -> Self {
        Self::read(headers, |scheme| scheme == "Bearer")
    }

    fn read(headers: &'r HeaderMap, is_bearer: impl Fn(&str) -> bool) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (value, others) = match values.next() {
            None => return Self::None,
            Some(value) => (value, values.next()),
        };
        let (Ok(value), None) = (value.to_str().map(str::trim), others) else {
            // No token has such characters. Return an empty one, so that the token parser rejects
            // it.
            return Self::Bearer("");
        };
        let (scheme, token) = value.split_once([' ', '\t']).unwrap_or((value, ""));
        match token.trim() {
            _ if !is_bearer(scheme) => Self::None,
            "" => Self::Empty,
            // Only spaces may separate the two, not tabs.
            _ if value[scheme.len()..].starts_with('\t') => Self::Bearer(""),
            token => Self::Bearer(token),
        }
    }
}

/// Rejects a browser's request unless it comes from an allowed page, with or without a cookie:
/// browsers omit the cookie from exactly those requests that another site forges (`SameSite=Lax`),
/// but would still store the cookies of the response.
///
/// A request without `Origin` comes from a server, from a page's own `GET`, or from a typed URL. A
/// `GET` from another site is marked in `Sec-Fetch-Site`.
pub(crate) fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), ApiError> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let is_allowed = match (origins.next(), origins.next()) {
        (None, _) => !is_cross_site(headers),
        (Some(origin), None) => allowed.iter().any(|allowed| origin == allowed.as_str()),
        (Some(_), Some(_)) => false,
    };
    if is_allowed {
        return Ok(());
    }
    Err(ApiError::forbidden("Requests from this origin are not allowed"))
}

/// Whether the browser says that another site caused the request (Fetch Metadata).
fn is_cross_site(headers: &HeaderMap) -> bool {
    let values = headers.get_all(SEC_FETCH_SITE).iter();
    let mut sites = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    sites.any(|site| site.trim_ascii().eq_ignore_ascii_case(b"cross-site"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn finds_every_cookie_of_a_name_and_no_other() {
        let headers = headers(&[(COOKIE, "a=1; b=2; a=3; aa=4;bad;c=\"5\"")]);
        let find = |name| cookies(&headers, name).collect::<Vec<_>>();
        assert_eq!(find("a"), ["1", "3"]);
        assert_eq!(find("aa"), ["4"]);
        assert_eq!(find("A"), [""; 0]);
        assert_eq!(find("bad"), [""; 0]);
    }

    #[test]
    fn a_cookie_that_is_not_ascii_does_not_hide_the_others() {
        for neighbour in ["theme=caf\u{e9}".as_bytes(), b"theme=caf\xe9", b"\xff", b"a=\xff"] {
            let value = [neighbour, b"; a=1"].concat();
            let value = HeaderValue::from_bytes(&value).expect("a header value");
            let headers = HeaderMap::from_iter([(COOKIE, value)]);
            assert_eq!(cookies(&headers, "a").collect::<Vec<_>>(), ["1"]);
        }
    }

    #[test]
    fn a_token_is_read_whatever_the_case_of_its_scheme() {
        use Authorization::{Bearer, Empty, None};
        for (value, expected, clerks) in [
            ("Bearer a.b.c", Bearer("a.b.c"), Bearer("a.b.c")),
            ("bearer a.b.c", Bearer("a.b.c"), None),
            ("BEARER a.b.c", Bearer("a.b.c"), None),
            ("Bearer   a.b.c", Bearer("a.b.c"), Bearer("a.b.c")),
            (" \tBearer a.b.c\t ", Bearer("a.b.c"), Bearer("a.b.c")),
            ("bEaReR", Empty, None),
            ("Bearer ", Empty, Empty),
            ("Bearer\ta.b.c", Bearer(""), Bearer("")),
            (
                "Bearer a.b.c, Bearer d.e.f",
                Bearer("a.b.c, Bearer d.e.f"),
                Bearer("a.b.c, Bearer d.e.f"),
            ),
            ("", None, None),
            ("Basic YTpi", None, None),
            ("BearerX a.b.c", None, None),
            ("a.b.c", None, None),
        ] {
            let headers = headers(&[(AUTHORIZATION, value)]);
            assert_eq!(Authorization::of(&headers), expected, "{value:?}");
            assert_eq!(Authorization::as_clerk_reads_it(&headers), clerks, "{value:?}");
        }
        assert_eq!(Authorization::of(&HeaderMap::new()), None);
    }

    #[test]
    fn authorization_that_cannot_be_read_or_comes_twice_is_malformed_and_not_absent() {
        let unreadable = HeaderValue::from_bytes(b"Bearer a\xff").expect("a header value");
        let unreadable = HeaderMap::from_iter([(AUTHORIZATION, unreadable)]);
        let mut twice = headers(&[(AUTHORIZATION, "Bearer a")]);
        twice.append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        for headers in [unreadable, twice] {
            assert_eq!(Authorization::of(&headers), Authorization::Bearer(""));
            assert_eq!(Authorization::as_clerk_reads_it(&headers), Authorization::Bearer(""));
        }
    }

    #[test]
    fn only_an_allowed_page_or_no_page_at_all_may_ask() {
        let allowed = ["https://app.example".to_owned(), "tauri://localhost".to_owned()];
        let site = || HeaderName::from_static(SEC_FETCH_SITE);
        let verdict = |pairs: &[_]| check_origin(&headers(pairs), &allowed).is_ok();

        assert!(verdict(&[]));
        assert!(verdict(&[(COOKIE, "a=1")]));
        for origin in ["https://app.example", "tauri://localhost"] {
            for from in ["same-origin", "same-site", "cross-site", "none", ""] {
                assert!(verdict(&[(ORIGIN, origin), (site(), from)]), "{origin} {from}");
            }
        }
        for foreign in [
            "https://evil.example",
            "https://app.example.evil.example",
            "https://app.example, https://app.example",
            "https://app.example/",
            "http://app.example",
            "https://APP.example",
            "https://sibling.app.example",
            "null",
            "*",
            "",
        ] {
            assert!(!verdict(&[(ORIGIN, foreign)]), "{foreign}");
            assert!(!verdict(&[(ORIGIN, foreign), (COOKIE, "a=1")]), "{foreign}");
            assert!(!verdict(&[(ORIGIN, foreign), (site(), "same-origin")]), "{foreign}");
        }
        for from in ["cross-site", "Cross-Site", " cross-site ", "none, cross-site"] {
            assert!(!verdict(&[(site(), from)]), "{from}");
        }
        for from in ["none", "same-origin", "same-site", "", "?1"] {
            assert!(verdict(&[(site(), from)]), "{from}");
        }
    }

    #[test]
    fn two_origins_are_refused_even_where_both_are_allowed() {
        let mut headers = headers(&[(ORIGIN, "https://app.example")]);
        headers.append(ORIGIN, HeaderValue::from_static("https://app.example"));
        let refused = check_origin(&headers, &["https://app.example".to_owned()]);
        assert_eq!(refused.map_err(|error| error.status()), Err(http::StatusCode::FORBIDDEN));
    }
}
