//! Reads the query of a `GET`, strictly in the parameters that the endpoint has.

use std::borrow::Cow;

use http::Uri;
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::api::ApiError;
use crate::api::body;

/// Reads a query as `T`, whose fields are texts. Other parameters are ignored, however odd.
///
/// A parameter that is repeated, or that is not UTF-8, is not valid: two parsers could read it
/// differently.
pub(crate) fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    let mut parameters = Map::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(name) = decode(name) else {
            continue;
        };
        // No field can be read from a list.
        let is_repeated = parameters.contains_key(&name);
        let value = decode(value).filter(|_| !is_repeated);
        let value = value.map_or(Value::Array(Vec::new()), Value::String);
        parameters.insert(name, value);
    }
    body::read(Value::Object(parameters))
}

/// A name or a value, decoded as browsers encode it.
/// <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>
fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode(text.as_bytes()).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::api::Empty;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Input {
        room: String,
        cursor: Option<String>,
    }

    fn read<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
        read_query(&format!("/?{query}").parse().expect("a URI"))
    }

    #[test]
    fn reads_what_browsers_write_and_ignores_the_rest() {
        for (query, room, cursor) in [
            ("room=daily", "daily", None),
            ("room=daily&cursor=", "daily", Some("")),
            ("cursor=a%3Db&room=a+b", "a b", Some("a=b")),
            ("room=a%2Fb%2B%26%25%22%F0%9F%8E%89", "a/b+&%\"🎉", None),
            ("room=a=b", "a=b", None),
            ("r%6Fom=daily", "daily", None),
            ("&&room=daily&", "daily", None),
            ("room=%zz%", "%zz%", None),
            ("room=daily&x=1&x=2&=&%ff=1&y=%ff&room[]=a", "daily", None),
        ] {
            let cursor = cursor.map(str::to_owned);
            let expected = Input { room: room.to_owned(), cursor };
            assert_eq!(read(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn names_what_is_wrong_and_never_quotes_it() {
        for (query, message) in [
            ("", "`room` is missing"),
            ("Room=daily", "`room` is missing"),
            ("room=a&room=a", "`room` is not valid"),
            ("room=a&room=b&room=c", "`room` is not valid"),
            ("room=a&r%6fom=b", "`room` is not valid"),
            ("room=%ff", "`room` is not valid"),
            ("room=a&cursor=b&cursor=b", "`cursor` is not valid"),
            ("room=a&cursor=%ed%a0%bd", "`cursor` is not valid"),
        ] {
            let error = read::<Input>(query).expect_err(query);
            assert_eq!((error.status().as_u16(), error.message()), (400, message), "{query}");
        }
    }

    #[test]
    fn an_endpoint_without_input_takes_any_query() {
        for query in ["", "a=1&a=2", "%ff=%ff", "=&=", "a"] {
            assert!(read::<Empty>(query).is_ok(), "{query}");
        }
    }
}
