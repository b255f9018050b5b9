//! Checks responses against `openapi.yaml`.
//!
//! Front-end developers rely on the description, and clients are generated from it, so the
//! functions' tests check every response. An undescribed path, status, header or body field is a
//! mismatch, and so is a missing required one.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, LazyLock},
};

use http::{HeaderMap, header};
use jsonschema::Validator;
use serde_json::{Map, Value};

/// The description of an HTTP API.
#[derive(Debug)]
pub struct OpenApi {
    /// By path and status. Operations share responses.
    responses: HashMap<String, HashMap<u16, Arc<Response>>>,
}

/// A response as a client sees it.
#[derive(Clone, Debug)]
pub struct Observed<'a> {
    /// The request's path.
    pub path: &'a str,
    /// The status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: &'a str,
}

/// How a response differs from the description. It quotes the response, so use it only in tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The description has no such path.
    #[error("there is no path {0}")]
    Path(String),
    /// The path has no such status.
    #[error("{path} has no status {status}")]
    Status {
        /// The path.
        path: String,
        /// The status.
        status: u16,
    },
    /// The status has no body of that type.
    #[error("the content type is {0}")]
    ContentType(String),
    /// A header is missing, not described, or different from its description.
    #[error("the header {name}: {problem}")]
    Header {
        /// Its lower-case name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The body differs from its description.
    #[error("the body: {0}")]
    Body(String),
}

/// One described response.
#[derive(Debug)]
struct Response {
    headers: HashMap<String, Header>,
    /// By content type.
    bodies: HashMap<String, Validator>,
}

#[derive(Debug)]
struct Header {
    required: bool,
    /// Whether its value is a number, which JSON distinguishes from a string and HTTP does not.
    is_number: bool,
    schema: Validator,
}

impl OpenApi {
    /// The description at the root of this repository. It is read once.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn of_this_repository() -> &'static Self {
        static DESCRIPTION: LazyLock<OpenApi> = LazyLock::new(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.yaml");
            let text = fs::read_to_string(path).expect("openapi.yaml can be read");
            OpenApi::parse(&text).unwrap_or_else(|problem| panic!("openapi.yaml: {problem}"))
        });
        &DESCRIPTION
    }

    /// Reads a description in which every path has one method.
    ///
    /// # Errors
    /// A message that says what cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document = serde_norway::from_str(text).map_err(|error| error.to_string())?;
        let document = Document(document);
        let shared = document.shared_responses()?;
        let responses = entries(&document.0["paths"]).map(|(path, item)| {
            let described = only_operation(item)
                .and_then(|operation| document.responses(operation, &shared))
                .map_err(|problem| format!("{path}: {problem}"))?;
            Ok((path.to_owned(), described))
        });
        Ok(Self { responses: responses.collect::<Result<_, String>>()? })
    }

    /// Checks that a response is described for its path. The description of a path also covers
    /// requests with other methods.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&self, observed: &Observed<'_>) -> Result<(), Mismatch> {
        let Observed { path, status, .. } = *observed;
        let of_path = self.responses.get(path).ok_or_else(|| Mismatch::Path(path.to_owned()))?;
        let described = of_path
            .get(&status)
            .ok_or_else(|| Mismatch::Status { path: path.to_owned(), status })?;
        described.check_headers(&observed.headers)?;
        described.check_body(&observed.headers, observed.body)
    }
}

impl Response {
    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Mismatch> {
        let problem = |name: &str, problem: String| {
            let name = name.to_owned();
            Err(Mismatch::Header { name, problem })
        };
        for (name, described) in &self.headers {
            if described.required && !headers.contains_key(name) {
                return problem(name, "it is missing".to_owned());
            }
        }
        for (name, value) in headers.iter().filter(|(name, _)| *name != header::CONTENT_TYPE) {
            let Some(described) = self.headers.get(name.as_str()) else {
                return problem(name.as_str(), "it is not described".to_owned());
            };
            let value = described.as_json(&String::from_utf8_lossy(value.as_bytes()));
            if let Err(error) = described.schema.validate(&value) {
                return problem(name.as_str(), error.to_string());
            }
        }
        Ok(())
    }

    fn check_body(&self, headers: &HeaderMap, body: &str) -> Result<(), Mismatch> {
        let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let declared = declared.unwrap_or_default();
        let schema = self.bodies.get(declared);
        let schema = schema.ok_or_else(|| Mismatch::ContentType(declared.to_owned()))?;
        let body: Value =
            serde_json::from_str(body).map_err(|error| Mismatch::Body(error.to_string()))?;
        schema.validate(&body).map_err(|error| {
            let place = error.instance_path();
            Mismatch::Body(format!("{error} (at `{place}`)"))
        })
    }
}

impl Header {
    fn as_json(&self, value: &str) -> Value {
        match value.parse::<i64>() {
            Ok(number) if self.is_number => number.into(),
            _ => value.into(),
        }
    }
}

/// The description as JSON, with lookups.
struct Document(Value);

impl Document {
    /// The responses in `components`, by reference.
    fn shared_responses(&self) -> Result<HashMap<String, Arc<Response>>, String> {
        let described = entries(&self.0["components"]["responses"]).map(|(name, response)| {
            let described = self.response(response);
            let described = described.map_err(|problem| format!("{name}: {problem}"))?;
            Ok((format!("#/components/responses/{name}"), Arc::new(described)))
        });
        described.collect()
    }

    fn responses(
        &self,
        operation: &Value,
        shared: &HashMap<String, Arc<Response>>,
    ) -> Result<HashMap<u16, Arc<Response>>, String> {
        let described = entries(&operation["responses"]).map(|(status, response)| {
            let number = status.parse().map_err(|_| format!("{status} is no status"))?;
            let described = match response["$ref"].as_str() {
                Some(reference) => shared.get(reference).cloned().ok_or(reference.to_owned()),
                None => self.response(response).map(Arc::new),
            };
            Ok((number, described.map_err(|problem| format!("{status}: {problem}"))?))
        });
        described.collect()
    }

    fn response(&self, response: &Value) -> Result<Response, String> {
        let headers = entries(&response["headers"]).map(|(name, header)| {
            let header = self.resolved(header)?;
            let described = Header {
                required: header["required"] == true,
                is_number: header["schema"]["type"] == "integer",
                schema: self.validator(&header["schema"])?,
            };
            Ok((name.to_ascii_lowercase(), described))
        });
        let bodies = entries(&response["content"])
            .map(|(kind, content)| Ok((kind.to_owned(), self.validator(&content["schema"])?)));
        Ok(Response {
            headers: headers.collect::<Result<_, String>>()?,
            bodies: bodies.collect::<Result<_, String>>()?,
        })
    }

    /// The target of a `$ref`, or the value itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> Result<&'a Value, String> {
        let Some(reference) = value["$ref"].as_str() else {
            return Ok(value);
        };
        let pointer = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
        pointer.ok_or_else(|| format!("{reference} is not there"))
    }

    /// Compiles a schema together with the components that it may refer to.
    fn validator(&self, schema: &Value) -> Result<Validator, String> {
        let Some(schema) = schema.as_object() else {
            return Err("a schema is missing".to_owned());
        };
        let components = ("components".to_owned(), self.0["components"].clone());
        let schema: Map<_, _> = schema.clone().into_iter().chain([components]).collect();
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&Value::Object(schema))
            .map_err(|error| error.to_string())
    }
}

/// A path item may have only its one operation, and no fields shared by operations.
fn only_operation(item: &Value) -> Result<&Value, String> {
    let mut operations = entries(item).map(|(_, operation)| operation);
    match (operations.next(), operations.next()) {
        (Some(operation), None) => Ok(operation),
        _ => Err("it does not have exactly one operation".to_owned()),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const DESCRIPTION: &str = r##"
paths:
  /things:
    post:
      responses:
        "200":
          headers:
            X-Kind: {$ref: "#/components/headers/Kind"}
            X-Count: {schema: {type: integer, minimum: 1}}
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Thing"}
        "404": {$ref: "#/components/responses/Gone"}
components:
  headers:
    Kind: {required: true, schema: {type: string, const: thing}}
  responses:
    Gone:
      content:
        application/json: {schema: {type: object, maxProperties: 0}}
  schemas:
    Thing:
      type: object
      required: [id]
      additionalProperties: false
      properties: {id: {type: string}, next: {$ref: "#/components/schemas/Thing"}}
"##;

    fn check(
        path: &str,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) -> Result<(), String> {
        let json = ("content-type", "application/json");
        let headers = std::iter::once(json).chain(headers.iter().copied());
        let headers = headers
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let observed = Observed { path, status, headers: headers.collect(), body };
        let description = OpenApi::parse(DESCRIPTION).expect("a description");
        description.check(&observed).map_err(|mismatch| mismatch.to_string())
    }

    const KIND: (&str, &str) = ("x-kind", "thing");

    #[test]
    fn takes_what_is_described() {
        assert_eq!(check("/things", 200, &[KIND], r#"{"id":"a","next":{"id":"b"}}"#), Ok(()));
        assert_eq!(check("/things", 200, &[KIND, ("x-count", "2")], r#"{"id":"a"}"#), Ok(()));
        assert_eq!(check("/things", 404, &[], "{}"), Ok(()));
    }

    #[test]
    fn notices_every_difference() {
        let good = r#"{"id":"a"}"#;
        let differs = |path, status, headers: &[_], body, words: &str| {
            let mismatch = check(path, status, headers, body).expect_err(words);
            assert!(mismatch.contains(words), "{mismatch}");
        };
        differs("/others", 200, &[KIND], good, "no path /others");
        differs("/things", 201, &[KIND], good, "/things has no status 201");
        differs("/things", 200, &[], good, "x-kind: it is missing");
        differs("/things", 200, &[("x-kind", "other")], good, "x-kind: ");
        differs("/things", 200, &[KIND, ("x-count", "0")], good, "x-count: ");
        differs("/things", 200, &[KIND, ("x-count", "many")], good, "x-count: ");
        differs("/things", 200, &[KIND, ("x-more", "1")], good, "x-more: it is not described");
        differs("/things", 200, &[KIND], "<html>", "the body: ");
        differs("/things", 200, &[KIND], "{}", "\"id\" is a required property");
        differs("/things", 200, &[KIND], r#"{"id":"a","next":{"id":1}}"#, "at `/next/id`");
        differs("/things", 200, &[KIND], r#"{"id":"a","more":1}"#, "'more' was unexpected");
        differs("/things", 404, &[], r#"{"id":"a"}"#, "the body: ");
    }

    #[test]
    fn another_content_type_is_a_difference() {
        let mut headers = HeaderMap::new();
        headers.insert("x-kind", HeaderValue::from_static("thing"));
        let description = OpenApi::parse(DESCRIPTION).expect("a description");
        for declared in [None, Some("text/plain")] {
            declared.map(|kind| headers.insert("content-type", HeaderValue::from_static(kind)));
            let headers = headers.clone();
            let observed = Observed { path: "/things", status: 200, headers, body: "{}" };
            let mismatch = description.check(&observed);
            let kind = declared.unwrap_or_default().to_owned();
            assert_eq!(mismatch, Err(Mismatch::ContentType(kind)));
        }
    }

    #[test]
    fn a_description_that_refers_to_nothing_is_rejected() {
        for part in ["headers/Kind", "responses/Gone", "schemas/Thing"] {
            let broken = DESCRIPTION.replacen(part, "nowhere", 1);
            assert!(OpenApi::parse(&broken).is_err(), "{part}");
        }
    }

    #[test]
    fn a_path_has_one_method_whichever_it_is() {
        assert!(OpenApi::parse(&DESCRIPTION.replace("post:", "get:")).is_ok());
        let two = DESCRIPTION.replace("    post:", "    get: {responses: {}}\n    post:");
        assert!(OpenApi::parse(&two).is_err());
        assert!(OpenApi::parse("paths: {/things: {}}").is_err());
    }

    #[test]
    fn this_repositorys_description_can_be_read() {
        assert!(OpenApi::of_this_repository().responses.contains_key("/auth/sign-in"));
    }
}
