//! JSON read strictly, to compare with what our lenient parser accepted.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The value, unless it is not JSON, or an object in it has a key twice.
pub fn strict(text: &[u8]) -> Option<Value> {
    serde_json::from_slice::<Unique>(text).ok().map(|Unique(value)| value)
}

/// The text with U+FFFD for every escaped half of a surrogate pair, as JavaScript's readers show it.
pub fn with_whole_characters(text: &[u8]) -> Vec<u8> {
    let unit = |text: &[u8]| {
        let digits = text.strip_prefix(b"\\u")?.get(..4)?;
        let is_hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
        let digits = std::str::from_utf8(digits).ok().filter(|_| is_hexadecimal)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut whole, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.first() {
        let length = match unit(rest) {
            Some(0xd800..=0xdbff)
                if matches!(rest.get(6..).and_then(unit), Some(0xdc00..=0xdfff)) =>
            {
                12
            }
            Some(0xd800..=0xdfff) => {
                whole.extend(b"\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // Any other escape, whose second character begins no other.
            _ if *first == b'\\' => rest.len().min(2),
            _ => 1,
        };
        let (part, after) = rest.split_at(length);
        whole.extend(part);
        rest = after;
    }
    whole
}

/// Whether two values are the same. Numbers may differ in their last digit: `serde_json` reads those with
/// many digits or large exponents only nearly exactly, and nothing reads such a number.
pub fn are_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| are_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let in_other =
                |(name, value)| other.get(name).is_some_and(|found| are_same(value, found));
            one.len() == other.len() && one.iter().all(in_other)
        }
        (Value::Number(one), Value::Number(other)) if one != other => {
            let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else { return false };
            (one - other).abs() <= one.abs() * 2.0 * f64::EPSILON
        }
        _ => one == other,
    }
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut fields = Map::new();
        while let Some((key, Unique(value))) = map.next_entry::<String, Unique>()? {
            if fields.insert(key, value).is_some() {
                return Err(de::Error::custom("a duplicate key"));
            }
        }
        Ok(Unique(Value::Object(fields)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(value)) = items.next_element()? {
            list.push(value);
        }
        Ok(Unique(Value::Array(list)))
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
        Ok(Unique(value.into()))
    }
}
