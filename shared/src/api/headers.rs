//! What the headers of a request say: its origin and its cookies.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, ORIGIN};

use crate::api::ApiError;

/// The values of the cookies called `name`, in the order in which the browser sent them. There may
/// be several: cookies of one name for several paths and domains all arrive, and a sibling
/// subdomain may have set some of them (RFC 6265, section 8.6).
///
/// A value that is not ASCII text is no cookie (RFC 6265, section 4.1.1), and does not hide the
/// others.
pub fn cookies<'r>(headers: &'r HeaderMap, name: &str) -> impl Iterator<Item = &'r str> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| str::from_utf8(pair).ok().filter(|pair| pair.is_ascii()))
        .filter_map(|pair| cookie::Cookie::parse(pair).ok())
        .filter(move |cookie| cookie.name() == name)
        .filter_map(|cookie| cookie.value_raw())
}

/// What a request's `Authorization` header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization<'r> {
    /// There is none, it is empty, or it is of another scheme than `Bearer`.
    None,
    /// `Bearer`, and nothing behind it.
    Empty,
    /// What stands behind `Bearer`.
    Bearer(&'r str),
}

impl<'r> Authorization<'r> {
    /// Reads the header. The scheme is written as RFC 6750 has it; other spellings are other
    /// schemes, as Clerk's SDK has it too.
    pub fn of(headers: &'r HeaderMap) -> Self {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Self::None;
        };
        let Ok(value) = value.to_str().map(str::trim) else {
            // No token has such characters: it is malformed, and that is for its reader to say.
            return Self::Bearer("");
        };
        match value.split_once(' ') {
            Some(("Bearer", token)) => Self::Bearer(token.trim()),
            None if value == "Bearer" => Self::Empty,
            _ => Self::None,
        }
    }
}

/// Refuses a browser's request that carries a cookie from an origin that is not allowed: that is
/// how another site would act in the user's name. Requests without `Origin` come from no page, and
/// those without a cookie act in nobody's name.
pub(crate) fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), ApiError> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let is_allowed = || allowed.iter().any(|allowed| origin == allowed.as_str());
    if !headers.contains_key(COOKIE) || is_allowed() {
        return Ok(());
    }
    Err(ApiError::forbidden("Requests from this origin are not allowed"))
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
    fn refuses_a_foreign_origin_only_where_a_cookie_comes_along() {
        let allowed = ["https://app.example".to_owned()];
        let verdict = |pairs: &[_]| check_origin(&headers(pairs), &allowed).map_err(|e| e.status());
        let cookie = (COOKIE, "a=1");

        assert_eq!(verdict(std::slice::from_ref(&cookie)), Ok(()));
        assert_eq!(verdict(&[(ORIGIN, "https://evil.example")]), Ok(()));
        let own = (ORIGIN, "https://app.example");
        assert_eq!(verdict(&[own, cookie.clone()]), Ok(()));
        for foreign in [
            "https://evil.example",
            "https://app.example.evil.example",
            "http://app.example",
            "https://APP.example",
            "null",
            "",
        ] {
            let refused = verdict(&[(ORIGIN, foreign), cookie.clone()]);
            assert_eq!(refused, Err(http::StatusCode::FORBIDDEN), "{foreign}");
        }
    }
}
