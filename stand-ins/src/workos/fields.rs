//! A request's parameters: the members of a JSON body and of a query.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::exchange::Request;

/// The members of a JSON body.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn read(request: &Request) -> Result<Self, Refusal> {
        let is_json = request
            .header("content-type")
            .is_some_and(|content_type| content_type.starts_with("application/json"));
        match request.json() {
            Some(Value::Object(fields)) if is_json => Ok(Self(fields)),
            _ => Err(Refusal::unreadable()),
        }
    }

    /// Whether there is a member of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that must be there and must not be empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name)?.filter(|text| !text.is_empty()).ok_or_else(|| not_a_string(name))
    }

    /// A string that may be missing or null.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(not_a_string(name)),
        }
    }

    /// A boolean that may be missing or null.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => {
                let code = format!("{name}_must_be_boolean");
                Err(Refusal::invalid_parameter(&code, &format!("{name} must be a boolean.")))
            }
        }
    }

    /// An e-mail address, in its original spelling.
    pub(super) fn email(&self) -> Result<String, Refusal> {
        let email = self.required("email")?;
        let is_address = email.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.contains('.') && !domain.contains('@')
        });
        if is_address && email.len() <= 254 && !email.contains(|c: char| c <= ' ' || c == '\u{7f}')
        {
            return Ok(email.to_owned());
        }
        Err(Refusal::invalid_parameter("email_invalid", "Email must be a valid email address."))
    }
}

fn not_a_string(name: &str) -> Refusal {
    let code = format!("{name}_string_required");
    Refusal::invalid_parameter(&code, &format!("{name} should be a non-empty string."))
}

/// The parameters of a query. An empty one counts as missing.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(request: &Request) -> Self {
        let query = request.path_and_query.split_once('?').map_or("", |(_, query)| query);
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The items of a list, in each format that WorkOS's SDKs use: `name=a,b`,
    /// `name=a&name=b`, `name[]=a&name[]=b`.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let with_brackets = format!("{name}[]");
        let values = self.0.iter().filter(|(key, _)| key == name || *key == with_brackets);
        values.flat_map(|(_, value)| value.split(',')).collect()
    }

    /// The same query with one more parameter, for a link on a page.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0).append_pair(name, value).finish()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use http::HeaderMap;

    use super::*;

    fn query(path_and_query: &str) -> Query {
        Query::of(&Request {
            method: "GET".to_owned(),
            path_and_query: path_and_query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        })
    }

    #[test]
    fn reads_a_list_however_it_is_written() {
        for text in
            ["/?d=a.b,c.d", "/?d[]=a.b&d[]=c.d", "/?d%5B%5D=a.b&d%5B%5D=c.d", "/?d=a.b&d=c.d&e=f"]
        {
            assert_eq!(query(text).list("d"), ["a.b", "c.d"], "{text}");
        }
        assert!(query("/?domain=a.b").list("d").is_empty());
    }

    #[test]
    fn takes_an_empty_parameter_for_a_missing_one() {
        assert_eq!(query("/?a=&b=1").first("a"), None);
        assert_eq!(query("/?a=&b=1").first("b"), Some("1"));
    }

    #[test]
    fn adds_a_parameter_and_keeps_the_others_encoded() {
        assert_eq!(query("/?a=%26&b=").with("user", "a b"), "a=%26&user=a+b");
    }
}
