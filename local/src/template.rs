//! Reads the functions' routes, limits and CORS settings from `template.yaml`.
//!
//! This is the file that AWS SAM deploys, so exactly the deployed routes work here. It is read as
//! YAML with `CloudFormation`'s tags: `!Ref` to a parameter becomes the parameter's default; other
//! tags are not evaluated.

use std::{path::Path, time::Duration};

use http::Method;
use serde_norway::Value;

/// Lambda's defaults: three seconds and 128 MB.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
const DEFAULT_MEMORY_MB: u32 = 128;

/// The part of a SAM template that the gateway and the functions need.
#[derive(Debug, Clone)]
pub struct Template {
    /// Every function that cargo builds, in the order of the file.
    pub functions: Vec<FunctionTemplate>,
    /// The CORS configuration of the HTTP API.
    pub cors: CorsTemplate,
}

/// One `AWS::Serverless::Function` with `BuildMethod: rust-cargolambda`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionTemplate {
    /// The resource's id, such as `LiveblocksAuthFunction`.
    pub id: String,
    /// The name of the cargo binary, which in this project is also the package's and the folder's
    /// name.
    pub name: String,
    /// The timeout after which Lambda ends an invocation.
    pub timeout: Duration,
    /// The memory size that the function is told; it is not enforced here.
    pub memory_mb: u32,
    /// Its routes in the HTTP API.
    pub routes: Vec<Route>,
    /// The one method that it does not answer with 405, which its description begins with.
    pub takes: Option<Method>,
    /// The names of the variables it is given, from `Globals` and from its own properties.
    pub environment: Vec<String>,
}

/// A method and a path of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method, or `None` for `ANY`.
    pub method: Option<Method>,
    /// The full path, which is compared exactly, as by the real gateway.
    pub path: String,
}

/// `CorsConfiguration` of the HTTP API. It has no origins: the template takes them from a
/// parameter, and `local` from `ALLOWED_ORIGINS`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsTemplate {
    /// `AllowMethods`.
    pub methods: Vec<String>,
    /// `AllowHeaders`.
    pub headers: Vec<String>,
    /// `ExposeHeaders`.
    pub exposed_headers: Vec<String>,
    /// `AllowCredentials`.
    pub credentials: bool,
    /// `MaxAge`, in seconds.
    pub max_age: Option<u64>,
}

/// Why a template cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file does not exist or cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file's path.
        path: String,
        /// The system's error.
        error: std::io::Error,
    },
    /// The file is not YAML.
    #[error("template.yaml is not YAML: {0}")]
    NotYaml(#[from] serde_norway::Error),
    /// A function lacks a property that is needed to build or route it, or uses an unsupported
    /// feature.
    #[error("template.yaml, {resource}: {problem}")]
    Unusable {
        /// The resource's id.
        resource: String,
        /// The problem.
        problem: String,
    },
}

impl Template {
    /// Reads the template at `path`.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|error| TemplateError::Unreadable {
            path: path.display().to_string(),
            error,
        })?;
        Self::parse(&text)
    }

    /// Reads a template's text.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let document = Document(serde_norway::from_str(text)?);
        Ok(Self { functions: document.functions()?, cors: document.cors() })
    }
}

impl Route {
    /// The route key, such as `ANY /api/liveblocks-auth`.
    pub fn key(&self) -> String {
        let method = self.method.as_ref().map_or("ANY", Method::as_str);
        format!("{method} {}", self.path)
    }

    fn parse(method: &str, path: &str) -> Result<Self, String> {
        if path.contains('{') {
            return Err(format!("path parameters are not supported here: {path}"));
        }
        if !path.starts_with('/') {
            return Err(format!("a path must start with a slash: {path}"));
        }
        let method = match method.to_ascii_uppercase() {
            any if any == "ANY" || any == "*" => None,
            one => Some(
                Method::from_bytes(one.as_bytes())
                    .map_err(|_| format!("`{one}` is not an HTTP method"))?,
            ),
        };
        Ok(Self { method, path: path.to_owned() })
    }
}

/// The template as YAML, with lookups.
struct Document(Value);

impl Document {
    fn functions(&self) -> Result<Vec<FunctionTemplate>, TemplateError> {
        self.resources("AWS::Serverless::Function")
            .filter(|(_, resource)| {
                text(resource, &["Metadata", "BuildMethod"]) == Some("rust-cargolambda")
            })
            .map(|(id, resource)| {
                self.function(id, resource)
                    .map_err(|problem| TemplateError::Unusable { resource: id.to_owned(), problem })
            })
            .collect()
    }

    fn function(&self, id: &str, resource: &Value) -> Result<FunctionTemplate, String> {
        let name = text(resource, &["Metadata", "BuildProperties", "Binary"])
            .ok_or("Metadata.BuildProperties.Binary is missing")?;
        let own = &resource["Properties"];
        let global = &self.0["Globals"]["Function"];
        let number = |key: &str| self.number(&own[key]).or_else(|| self.number(&global[key]));
        Ok(FunctionTemplate {
            id: id.to_owned(),
            name: name.to_owned(),
            timeout: number("Timeout").map_or(DEFAULT_TIMEOUT, Duration::from_secs),
            memory_mb: number("MemorySize")
                .and_then(|megabytes| u32::try_from(megabytes).ok())
                .unwrap_or(DEFAULT_MEMORY_MB),
            routes: self.routes(own)?,
            takes: method_of(&own["Description"]),
            environment: environment_names(&[global, own]),
        })
    }

    fn routes(&self, properties: &Value) -> Result<Vec<Route>, String> {
        entries(&properties["Events"])
            .filter(|(_, event)| text(event, &["Type"]) == Some("HttpApi"))
            .map(|(name, event)| {
                let property = |key: &str| {
                    self.resolved(&event["Properties"][key])
                        .as_str()
                        .ok_or(format!("event {name} has no {key}"))
                };
                Route::parse(property("Method")?, property("Path")?)
            })
            .collect()
    }

    fn cors(&self) -> CorsTemplate {
        let Some(cors) = self
            .resources("AWS::Serverless::HttpApi")
            .map(|(_, api)| &api["Properties"]["CorsConfiguration"])
            .chain([&self.0["Globals"]["HttpApi"]["CorsConfiguration"]])
            .find(|cors| cors.is_mapping())
        else {
            return CorsTemplate::default();
        };
        let list = |key: &str| {
            let items = self.resolved(&cors[key]).as_sequence();
            items
                .into_iter()
                .flatten()
                .filter_map(|item| self.resolved(item).as_str().map(str::to_owned))
                .collect()
        };
        CorsTemplate {
            methods: list("AllowMethods"),
            headers: list("AllowHeaders"),
            exposed_headers: list("ExposeHeaders"),
            credentials: self.resolved(&cors["AllowCredentials"]).as_bool() == Some(true),
            max_age: self.number(&cors["MaxAge"]),
        }
    }

    fn resources<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        entries(&self.0["Resources"])
            .filter(move |(_, resource)| text(resource, &["Type"]) == Some(kind))
    }

    /// A number, possibly written as a string, as in parameters' defaults.
    fn number(&self, value: &Value) -> Option<u64> {
        let value = self.resolved(value);
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// The value itself, or for `!Ref Parameter` (and `{Ref: Parameter}`) the parameter's default.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let parameter = match value {
            Value::Tagged(tagged) if tagged.tag == "Ref" => tagged.value.as_str(),
            Value::Mapping(_) => text(value, &["Ref"]),
            _ => None,
        };
        parameter.map_or(value, |name| &self.0["Parameters"][name]["Default"])
    }
}

fn text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().fold(value, |value, key| &value[*key]).as_str()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?, value)))
}

/// The method in a description such as `POST /auth/sign-in, settings ${Settings}`.
fn method_of(description: &Value) -> Option<Method> {
    let description = match description {
        Value::Tagged(tagged) => tagged.value.as_str()?,
        plain => plain.as_str()?,
    };
    let (method, path) = description.split_once(' ')?;
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    path.starts_with('/').then_some(method)
}

fn environment_names(properties: &[&Value]) -> Vec<String> {
    let mut names: Vec<String> = properties
        .iter()
        .flat_map(|properties| entries(&properties["Environment"]["Variables"]))
        .map(|(name, _)| name.to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Origins: {Type: CommaDelimitedList, Default: "https://a.example"}
  Memory: {Type: Number, Default: "256"}
Conditions:
  Production: !Equals [!Ref Stage, prod]
Globals:
  Function:
    Timeout: 10
    MemorySize: !Ref Memory
    Environment:
      Variables:
        STAGE: !Ref Stage
        ALLOWED_ORIGINS: !Join [",", !Ref Origins]
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        AllowOrigins: !Ref Origins
        AllowMethods: [POST, OPTIONS]
        AllowHeaders: [content-type, authorization]
        AllowCredentials: true
        MaxAge: 600
  FirstFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: first}}
    Properties:
      Description: !Sub GET /first, settings ${Settings}
      Environment:
        Variables:
          SECRET: !If [Production, !GetAtt Secret.Arn, !Sub "${AWS::StackName}-secret"]
          STAGE: !Ref Stage
      Events:
        Route: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /first, Method: ANY}}
        Old: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /old-first, Method: post}}
        Daily: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
  SecondFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: second}}
    Properties: {Timeout: 29, MemorySize: 512}
  ElsewhereFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: esbuild}
    Properties: {Handler: index.js}
"#;

    fn small() -> Template {
        Template::parse(SMALL).expect("the template is readable")
    }

    #[test]
    fn reads_the_functions_that_cargo_builds_and_no_others() {
        let names: Vec<_> = small().functions.into_iter().map(|function| function.name).collect();
        assert_eq!(names, ["first", "second"]);
    }

    #[test]
    fn takes_limits_from_the_function_before_the_globals() {
        let [first, second] = small().functions.try_into().expect("two functions");
        assert_eq!(first.timeout, Duration::from_secs(10));
        assert_eq!(first.memory_mb, 256, "the parameter's default");
        assert_eq!(second.timeout, Duration::from_secs(29));
        assert_eq!(second.memory_mb, 512);
    }

    #[test]
    fn reads_the_routes_of_the_http_api_only() {
        let keys: Vec<_> = small().functions[0].routes.iter().map(Route::key).collect();
        assert_eq!(keys, ["ANY /first", "POST /old-first"]);
    }

    #[test]
    fn reads_the_method_that_a_function_takes_from_its_description() {
        let [first, second] = small().functions.try_into().expect("two functions");
        assert_eq!(first.takes, Some(Method::GET));
        assert_eq!(second.takes, None);
        for text in ["Description: POST", "Description: signs users in", "Description: GET it"] {
            let yaml: Value = serde_norway::from_str(text).expect("YAML");
            assert_eq!(method_of(&yaml["Description"]), None, "{text}");
        }
    }

    #[test]
    fn names_the_variables_of_the_globals_and_of_the_function_once_each() {
        assert_eq!(small().functions[0].environment, ["ALLOWED_ORIGINS", "SECRET", "STAGE"]);
    }

    #[test]
    fn reads_the_cors_configuration_of_the_api() {
        let expected = CorsTemplate {
            methods: vec!["POST".into(), "OPTIONS".into()],
            headers: vec!["content-type".into(), "authorization".into()],
            exposed_headers: vec![],
            credentials: true,
            max_age: Some(600),
        };
        assert_eq!(small().cors, expected);
    }

    #[test]
    fn names_the_function_whose_binary_is_missing() {
        let error = Template::parse(&SMALL.replace("Binary: second", "Other: second"))
            .expect_err("no binary");
        assert!(error.to_string().contains("SecondFunction"), "{error}");
        assert!(error.to_string().contains("Binary"), "{error}");
    }

    #[test]
    fn refuses_path_parameters_rather_than_serving_them_wrongly() {
        let error =
            Template::parse(&SMALL.replace("/old-first", "'/old/{id}'")).expect_err("a parameter");
        assert!(error.to_string().contains("/old/{id}"), "{error}");
    }

    #[test]
    fn refuses_what_is_not_yaml() {
        assert!(matches!(Template::parse("a: [b"), Err(TemplateError::NotYaml(_))));
    }

    #[test]
    fn reads_the_template_of_this_project() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
        let template = Template::read(&path).expect("template.yaml is readable");
        let function = template
            .functions
            .iter()
            .find(|function| function.name == "liveblocks-auth")
            .expect("it has liveblocks-auth");
        assert_eq!(function.id, "LiveblocksAuthFunction");
        assert_eq!(function.routes[0].key(), "ANY /api/liveblocks-auth");
        assert_eq!(function.takes, Some(Method::POST));
        assert!(template.cors.credentials, "the session is a cookie");
    }
}
