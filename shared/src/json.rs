//! Reads JSON the way JavaScript does.
//!
//! Providers and their SDKs are written in JavaScript, which accepts more than serde does: lone
//! surrogates (a string cut inside an emoji), numbers beyond a double, nesting of any depth, bytes
//! that are not UTF-8. One such value in a field that we do not use must not make the rest
//! unreadable, and a field of an unexpected type counts as absent unless access depends on it.
//!
//! [`from_slice`] repairs the text before serde parses it. [`or_default`] and [`readable_items`]
//! are for fields: they skip what cannot be read. Unknown fields need no handling: serde skips them
//! regardless of depth or range.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memchr;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The depth to which [`value_from_slice`] looks for what it can read.
const MAX_DEPTH: usize = 16;

/// U+FFFD as a JSON escape.
const REPLACEMENT: &[u8] = br"\ufffd";

/// Reads `json` as `T`.
///
/// Like JavaScript's `Response.json()`, it replaces invalid UTF-8 and lone escaped surrogates with
/// U+FFFD and drops a byte order mark.
///
/// # Errors
/// If the result is not JSON, or not a `T`.
pub(crate) fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_str(&mended(json))
}

/// The repaired text that serde parses. A separate function, because [`from_slice`] is compiled once
/// for each type.
fn mended(json: &[u8]) -> Cow<'_, str> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    // Nearly all JSON is valid UTF-8, and checking is faster than copying.
    let text = str::from_utf8(json).map_or_else(|_| String::from_utf8_lossy(json), Cow::Borrowed);
    match without_lone_surrogates(text.as_bytes()) {
        Cow::Borrowed(_) => text,
        Cow::Owned(mended) => Cow::Owned(String::from_utf8_lossy(&mended).into_owned()),
    }
}

/// Reads `json` as a value of any shape, to be passed on.
///
/// What cannot be passed on becomes `null`: a number beyond a double, as in JavaScript, and what is
/// nested more than [`MAX_DEPTH`] deep.
///
/// # Errors
/// If it is not JSON.
pub(crate) fn value_from_slice(json: &[u8]) -> Result<Value, serde_json::Error> {
    let json = mended(json);
    let raw: &RawValue = serde_json::from_str(&json)?;
    Ok(readable(raw, MAX_DEPTH))
}

fn readable(raw: &RawValue, depth: usize) -> Value {
    let json = raw.get();
    if let Ok(value) = serde_json::from_str(json) {
        return value;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return Value::Null;
    };
    if let Ok(entries) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
        return entries.into_iter().map(|(name, raw)| (name, readable(raw, depth))).collect();
    }
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(items) => items.into_iter().map(|raw| readable(raw, depth)).collect(),
        Err(_) => Value::Null,
    }
}

/// Reads a field, or uses its default if the value has another type. Use it as
/// `#[serde(default, deserialize_with = "json::or_default")]`.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(value.get()).unwrap_or_default())
}

/// Reads a list and skips items of another type; a value that is not a list has no items. Use
/// it as `#[serde(default, deserialize_with = "json::readable_items")]`.
pub(crate) fn readable_items<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items: Vec<Box<RawValue>> = or_default(deserializer)?;
    Ok(items.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
}

/// The text with every lone escaped surrogate replaced by U+FFFD. The replacement is also an escape
/// of six bytes, so nothing moves.
pub(crate) fn without_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = None;
    let mut at = 0;
    while let Some(backslash) = memchr(b'\\', &json[at..]) {
        at += backslash;
        match (code_unit(&json[at..]), json.get(at + 6..).and_then(code_unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                let mended: &mut Vec<u8> = mended.get_or_insert_with(|| json.to_vec());
                mended[at..at + 6].copy_from_slice(REPLACEMENT);
                at += 6;
            }
            (Some(_), _) => at += 6,
            // Any other escape: skip the character after the backslash, which does not start
            // another.
            (None, _) => at = (at + 2).min(json.len()),
        }
    }
    mended.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// The UTF-16 code unit of the escape at the start of `json`.
fn code_unit(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(br"\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Option<String> {
        from_slice(json.as_bytes()).ok()
    }

    #[test]
    fn a_surrogate_without_its_other_half_becomes_the_replacement_character() {
        for (json, expected) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\uD83Dx""#, "\u{fffd}x"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\\ud83d""#, r"\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\"\ud83d\"""#, "\"\u{fffd}\""),
            (r#""\u00e9\n""#, "é\n"),
        ] {
            assert_eq!(text(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_and_a_byte_order_mark_are_no_obstacle() {
        let read = |json: &[u8]| from_slice::<String>(json).ok();
        assert_eq!(read(b"\"a\xffb\"").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(read(b"\xef\xbb\xbf\"a\"").as_deref(), Some("a"));
    }

    #[test]
    fn what_is_not_json_stays_so() {
        for json in ["", r#""\ud8"#, r#""\ud83"#, r#""\u"#, "\\", r"\ud83d", r#""\x""#, "{"] {
            assert!(text(json).is_none(), "{json}");
        }
    }

    #[test]
    fn a_value_to_pass_on_lacks_only_what_cannot_be_passed_on() {
        let deep = "[".repeat(500) + &"]".repeat(500);
        let json = format!(r#"{{"a":1,"b":{{"c":[1e999,"x"],"d":{deep}}},"e":"\ud83d"}}"#);
        let mut value = value_from_slice(json.as_bytes()).expect("a value");
        let deepest = value["b"]["d"].take().to_string();
        assert!(deepest.starts_with("[[[[") && deepest.contains("null"), "{deepest}");
        let rest = serde_json::json!({"a": 1, "b": {"c": [null, "x"], "d": null}, "e": "\u{fffd}"});
        assert_eq!(value, rest);
        for json in ["", "{", "[1,]", "nul", r#"{"a":1e}"#] {
            assert!(value_from_slice(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[derive(Deserialize)]
    struct Person {
        name: String,
        #[serde(default, deserialize_with = "or_default")]
        age: Option<u8>,
        #[serde(default, deserialize_with = "readable_items")]
        roles: Vec<String>,
    }

    #[test]
    fn parts_that_nobody_reads_may_hold_anything() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        let json = format!(r#"{{"a":{deep},"b":1e400,"c":"\ud83d","name":"Jane","age":1e400}}"#);
        let person: Person = from_slice(json.as_bytes()).expect("a person");
        assert_eq!((person.name.as_str(), person.age), ("Jane", None));
    }

    #[test]
    fn a_field_of_another_type_is_absent_and_an_odd_item_is_skipped() {
        for (age, roles, expected) in [
            ("7", r#"["a","b"]"#, (Some(7), vec!["a", "b"])),
            ("null", "null", (None, vec![])),
            (r#""7""#, r#"["a",1,null,{"b":[]},"c"]"#, (None, vec!["a", "c"])),
            ("[7]", r#"{"a":1}"#, (None, vec![])),
            ("-1", r#""a""#, (None, vec![])),
        ] {
            let json = format!(r#"{{"name":"Jane","age":{age},"roles":{roles}}}"#);
            let person: Person = from_slice(json.as_bytes()).expect("a person");
            let roles: Vec<_> = person.roles.iter().map(String::as_str).collect();
            assert_eq!((person.age, roles), expected, "{json}");
        }
    }
}
