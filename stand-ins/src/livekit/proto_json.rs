//! JSON as the protobuf library for Go reads and writes it (`protojson`): names in either spelling,
//! numbers also as strings (64-bit ones always, when written), enums by name.
//! <https://protobuf.dev/programming-guides/json/>

#![allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]

use std::{fmt::Display, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

/// The keys of these maps are data and not field names.
const MAPS: [&str; 3] = ["metadata", "tags", "attributes"];

/// The names of the enums' zeros, which are the defaults.
const FIRST_NAMES: [&str; 6] = [
    "DEFAULT_FILETYPE",
    "DEFAULT_MIXING",
    "EGRESS_SOURCE_TYPE_WEB",
    "EGRESS_STARTING",
    "JOINING",
    "STANDARD",
];

/// Reads the first JSON value of a body as a message. Like the server, it ignores anything that
/// follows and unknown fields.
pub(super) fn read<M: DeserializeOwned>(body: &[u8]) -> Option<M> {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    let value = values.next()?.ok()?;
    if !value.is_object() {
        return None;
    }
    serde_json::from_value(normalized(value)).ok()
}

/// The same value with the field names of the `.proto` files, and without null fields, which count
/// as not set.
fn normalized(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(normalized).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let name = snake_case(&name);
                let value = if MAPS.contains(&name.as_str()) { value } else { normalized(value) };
                (name, value)
            })
            .collect(),
        other => other,
    }
}

/// The value as the server writes it in a webhook: names in camel case, without fields that have their
/// default.
pub(super) fn sparse(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sparse).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !is_default(value))
            .map(|(name, value)| {
                let value = if MAPS.contains(&name.as_str()) { value } else { sparse(value) };
                (camel_case(&name), value)
            })
            .collect(),
        other => other,
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => {
            text.is_empty() || text == "0" || FIRST_NAMES.contains(&text.as_str())
        }
        Value::Array(items) => items.is_empty(),
        Value::Object(_) => false,
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        camel + &initial.into_iter().chain(letters).collect::<String>()
    })
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A number, or a number in a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Integer(i64),
    Text(String),
}

/// Reads a number of up to 32 bits.
pub(super) fn number<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64, Error: Display>,
{
    let number = match Number::deserialize(deserializer)? {
        Number::Integer(number) => number,
        Number::Text(text) => text.parse().map_err(D::Error::custom)?,
    };
    N::try_from(number).map_err(D::Error::custom)
}

/// Writes a 64-bit number as a string.
pub(super) fn as_text<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// An enum, which is a number in the message and a name in JSON.
pub(super) struct ByName<E>(PhantomData<E>);

#[derive(Deserialize)]
#[serde(untagged)]
enum NameOrNumber<E> {
    Name(E),
    Number(i32),
}

impl<E> ByName<E>
where
    E: Copy + Serialize + DeserializeOwned + Into<i32> + TryFrom<i32>,
{
    pub(super) fn serialize<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        match E::try_from(*number) {
            Ok(name) => name.serialize(serializer),
            Err(_) => number.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        Ok(match NameOrNumber::<E>::deserialize(deserializer)? {
            NameOrNumber::Name(name) => name.into(),
            NameOrNumber::Number(number) => number,
        })
    }
}

/// An enum that may be missing, as in a `oneof`.
pub(super) struct OptionalByName<E>(PhantomData<E>);

impl<E> OptionalByName<E>
where
    E: Copy + Serialize + DeserializeOwned + Into<i32> + TryFrom<i32>,
{
    pub(super) fn serialize<S: Serializer>(
        number: &Option<i32>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => ByName::<E>::serialize(number, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<i32>, D::Error> {
        ByName::<E>::deserialize(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_names_in_either_spelling_and_leaves_maps_alone() {
        let sent = json!({"roomName": "a", "file_outputs": [{"s3": {"forcePathStyle": true,
            "metadata": {"startedBy": "jane", "zone": null}}}], "layout": null});
        let read = normalized(sent);
        assert_eq!(
            read,
            json!({"room_name": "a", "file_outputs": [{"s3": {"force_path_style": true,
                "metadata": {"startedBy": "jane", "zone": null}}}]})
        );
    }

    #[test]
    fn reads_the_first_value_and_only_an_object() {
        type Any = serde_json::Map<String, Value>;
        assert!(read::<Any>(b"{} and more").is_some());
        for body in [&b""[..], b"null", b"[]", b"\"text\"", b"{"] {
            assert!(read::<Any>(body).is_none(), "{}", String::from_utf8_lossy(body));
        }
    }
}
