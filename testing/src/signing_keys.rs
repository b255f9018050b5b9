//! Signing keys as a provider might publish them.

use serde_json::{Value, json};

/// The key with another value for a parameter.
#[must_use]
pub fn with(key: &Value, name: &str, value: Value) -> Value {
    let mut key = key.clone();
    key[name] = value;
    key
}

/// The same number with three leading zero octets, in base64url.
///
/// # Panics
/// If it is not a string.
pub fn padded(number: &Value) -> Value {
    json!(format!("AAAA{}", number.as_str().expect("base64url")))
}
