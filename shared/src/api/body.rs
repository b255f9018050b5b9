//! Reads a JSON body strictly and within its size limit, with errors that name the invalid field.

use std::collections::HashSet;
use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess};

use crate::api::{ApiError, Request};
use crate::json;

/// The maximum body size.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The input of an endpoint that needs none: any JSON object, or no body.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Empty {}

/// Reads a body as `T`. A missing body counts as an empty object. Neither a missing body nor `{}`
/// needs a content type.
///
/// Unknown fields are ignored, so that old and new front ends can coexist. They may hold halves of
/// surrogate pairs, which `JSON.stringify` writes if JavaScript has cut a text inside an emoji.
/// Duplicate keys, and keys with such halves or with control characters, are rejected at any depth,
/// because two parsers could read such a body differently.
pub(crate) fn read_body<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, ApiError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(ApiError::payload_too_large(MAX_BODY_BYTES));
    }
    let untyped = !headers.contains_key(CONTENT_TYPE);
    if body.is_empty() || (untyped && body.trim_ascii() == b"{}") {
        return parse(b"{}");
    }
    if !declares_json(headers) {
        return Err(ApiError::unsupported_media_type());
    }
    check_keys(body)?;
    // serde would also deserialize a struct from an array.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::bad_request("The body is not a JSON object"));
    }
    parse(body)
}

/// Accepts a body of up to `limit` bytes and of any content type, for an endpoint that needs its exact
/// bytes and reads them itself.
pub fn leave_body(request: &Request, limit: usize) -> Result<Empty, ApiError> {
    if request.body().len() > limit {
        return Err(ApiError::payload_too_large(limit));
    }
    Ok(Empty {})
}

fn declares_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(declared), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(declared) = declared.to_str() else {
        return false;
    };
    let essence = declared.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn check_keys(body: &[u8]) -> Result<(), ApiError> {
    let body = json::without_lone_surrogates(body);
    let mut reader = serde_json::Deserializer::from_slice(&body);
    StrictKeys.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| {
        ApiError::bad_request(match error.classify() {
            serde_json::error::Category::Data => "The body has a duplicate or malformed key",
            _ => "The body is not valid JSON",
        })
        .with_detail(position(&error))
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    read(&mut serde_json::Deserializer::from_slice(body))
}

/// Reads input as `T`, with errors that name the field.
pub(super) fn read<'de, T, D>(input: D) -> Result<T, ApiError>
where
    T: DeserializeOwned,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(input).map_err(|error| {
        let path = error.path().to_string();
        let error = error.inner();
        // serde's message quotes the input, which may be personal. We pass on only the names of our
        // own fields, which serde puts in backticks.
        let text = error.to_string();
        let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        ApiError::bad_request(match missing {
            Some(field) => format!("`{field}` is missing"),
            None => format!("`{path}` is not valid"),
        })
        .with_detail(position(error))
    })
}

fn position(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// Walks through a JSON value and keeps only the keys of the current object.
#[derive(Clone, Copy)]
struct StrictKeys;

impl<'de> DeserializeSeed<'de> for StrictKeys {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for StrictKeys {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            // Half a surrogate pair has become U+FFFD.
            let is_odd = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
            if key.chars().any(is_odd) || !seen.insert(key) {
                return Err(de::Error::custom("a duplicate or malformed key"));
            }
            map.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Input {
        email: String,
    }

    fn read_as<T: DeserializeOwned>(content_type: &'static str, body: &str) -> Result<T, ApiError> {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        read_body(&headers.into_iter().collect(), body.as_bytes())
    }

    fn refusal(body: &str) -> (u16, String) {
        let error = read_as::<Input>("application/json", body).expect_err(body);
        (error.status().as_u16(), error.message().to_owned())
    }

    #[test]
    fn reads_what_it_knows_and_ignores_the_rest() {
        let body = r#"{"email":"a@b.example","more":[{"x":1.5e3,"y":null,"z":-1}],"t":true}"#;
        for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
            let input: Input = read_as(content_type, body).expect("valid input");
            assert_eq!(input.email, "a@b.example");
        }
    }

    #[test]
    fn takes_no_body_for_an_empty_object() {
        assert!(read_body::<Empty>(&HeaderMap::new(), b"").is_ok());
        assert!(read_as::<Empty>("application/json", "{}").is_ok());
        assert!(read_body::<Empty>(&HeaderMap::new(), b"{}").is_ok());
        assert_eq!(read_as::<Empty>("text/plain", "{}").expect_err("a type").status(), 415);
        let error = read_body::<Input>(&HeaderMap::new(), b"").expect_err("no e-mail");
        assert_eq!(error.message(), "`email` is missing");
    }

    #[test]
    fn names_what_is_wrong_and_never_quotes_it() {
        let not_json = "The body is not valid JSON".to_owned();
        let bad_key = "The body has a duplicate or malformed key".to_owned();
        let no_object = "The body is not a JSON object".to_owned();
        for (body, message) in [
            ("", "`email` is missing".to_owned()),
            ("{}", "`email` is missing".to_owned()),
            (r#"{"email":12345}"#, "`email` is not valid".to_owned()),
            (r#"{"email":["a@b.example"]}"#, "`email` is not valid".to_owned()),
            (r#"{"email":null}"#, "`email` is not valid".to_owned()),
            (r#"{"email":"a","email":"b"}"#, bad_key.clone()),
            (r#"{"email":"a","o":{"x":1,"x":1}}"#, bad_key.clone()),
            (r#"{"email":"a","a\u0000b":1}"#, bad_key),
            (r#"{"email":"a"} {}"#, not_json.clone()),
            (r#"{"email":"a@b.example""#, not_json.clone()),
            ("email=a@b.example", not_json.clone()),
            ("{\"email\":\"a\nb\"}", not_json.clone()),
            ("\u{feff}{}", not_json),
            ("12345", no_object.clone()),
            (r#""secret""#, no_object.clone()),
            (r#"["a@b.example"]"#, no_object.clone()),
            ("[]", no_object.clone()),
            ("null", no_object),
        ] {
            assert_eq!(refusal(body), (400, message), "{body}");
        }
    }

    #[test]
    fn the_log_learns_where_a_body_is_wrong() {
        for (body, position) in
            [("{\n\"email\":1}", "line 2, column 9"), ("{\n\"email\":}", "line 2, column 9")]
        {
            let error = read_as::<Input>("application/json", body).expect_err(body);
            assert_eq!(error.detail(), Some(position), "{body}");
        }
    }

    #[test]
    fn a_body_that_is_left_alone_has_a_limit_as_well() {
        let request = Request::new(b"12345".to_vec());
        for (limit, status) in [(6, None), (5, None), (4, Some(413))] {
            let refused = leave_body(&request, limit).err();
            assert_eq!(refused.map(|error| error.status().as_u16()), status, "{limit}");
        }
    }

    #[test]
    fn a_text_cut_inside_an_emoji_is_malformed_only_where_it_is_read() {
        let read = |body: &str| read_as::<Input>("application/json", body);
        for body in [
            r#"{"email":"a","more":"hello \ud83d"}"#,
            r#"{"email":"a","more":{"list":["\ude00"]}}"#,
        ] {
            assert_eq!(read(body).expect(body).email, "a");
        }
        let refused = (400, "`email` is not valid".to_owned());
        assert_eq!(refusal(r#"{"email":"\ud83d","more":"\ud83d"}"#), refused);
        let malformed = (400, "The body has a duplicate or malformed key".to_owned());
        assert_eq!(refusal(r#"{"email":"a","\ud83d":1}"#), malformed);
    }

    #[test]
    fn survives_deep_nesting() {
        let deep = format!(r#"{{"email":"a","deep":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert_eq!(refusal(&deep).0, 400);
    }

    #[test]
    fn refuses_other_content_types_and_long_bodies() {
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
        {
            let error = read_as::<Input>(content_type, r#"{"email":"a"}"#).expect_err(content_type);
            assert_eq!(error.status(), 415, "{content_type}");
        }
        let untyped = read_body::<Input>(&HeaderMap::new(), br#"{"email":"a"}"#);
        assert_eq!(untyped.expect_err("no content type").status(), 415);

        let long = |length: usize| format!(r#"{{"email":"{}"}}"#, "a".repeat(length - 12));
        assert!(read_as::<Input>("application/json", &long(MAX_BODY_BYTES)).is_ok());
        let error = read_as::<Input>("application/json", &long(MAX_BODY_BYTES + 1));
        assert_eq!(error.expect_err("too long").status(), 413);
    }
}
