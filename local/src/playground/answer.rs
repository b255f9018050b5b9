//! The playground's responses: its pages with their Content-Security-Policy, its files, and JSON.

use std::{fs, path::Path};

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;

/// A document of the playground.
pub(super) trait Document {
    /// The file in the folder.
    const FILE: &'static str;

    /// The Content-Security-Policy.
    fn policy(&self) -> String;
}

/// The page. It may call its own origin and connect to the rooms' servers, and loads nothing from
/// elsewhere.
pub(super) struct Page<'a> {
    pub(super) host: &'a str,
    pub(super) connect: &'a [String],
}

impl Document for Page<'_> {
    const FILE: &'static str = "index.html";

    fn policy(&self) -> String {
        let connect = self.connect.join(" ");
        let host = self.host;
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self' {connect}; frame-src http://{host}/playground/foreign.html; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'"
        )
    }
}

/// A page that the browser treats as one of another origin, wherever it is shown.
pub(super) struct ForeignPage<'a> {
    pub(super) host: &'a str,
}

impl Document for ForeignPage<'_> {
    const FILE: &'static str = "foreign.html";

    fn policy(&self) -> String {
        let host = self.host;
        format!(
            "default-src 'none'; script-src http://{host}/playground/foreign.js; \
             connect-src http://{host}; base-uri 'none'; form-action 'none'; \
             frame-ancestors http://{host}; sandbox allow-scripts"
        )
    }
}

pub(super) fn page<D: Document>(folder: &Path, document: &D) -> Response {
    let mut response = content_of(folder, D::FILE, "text/html; charset=utf-8");
    if let Ok(policy) = document.policy().parse() {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A file of the folder that is not a page. Names have no dots except before the extension, so none
/// leads out of it.
pub(super) fn file(folder: &Path, name: &str) -> Response {
    let content_type = match name.rsplit_once('.') {
        Some((stem, extension)) if is_plain(stem) => match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => return not_found(),
        },
        _ => return not_found(),
    };
    content_of(folder, name, content_type)
}

fn content_of(folder: &Path, name: &str, content_type: &'static str) -> Response {
    match fs::read(folder.join(name)) {
        Ok(content) => with_headers(Response::new(Body::from(content)), content_type),
        Err(_) => not_found(),
    }
}

fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

pub(super) fn json_answer(value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).unwrap_or_default();
    with_headers(Response::new(Body::from(text)), "application/json")
}

pub(super) fn problem(status: StatusCode, message: &str) -> Response {
    let mut response = json_answer(&json!({"message": message}));
    *response.status_mut() = status;
    response
}

fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "Not Found")
}

fn with_headers(mut response: Response, content_type: &'static str) -> Response {
    for (name, value) in [
        ("content-type", content_type),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_files_of_the_folder_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("page");
        fs::create_dir_all(page.join("flows")).expect("folders");
        fs::write(page.join("app.js"), "").expect("a file");
        fs::write(page.join("flows/code.js"), "").expect("a file");
        fs::write(page.join("package.json"), "").expect("a file");
        fs::write(page.join("index.html"), "").expect("a file");
        fs::write(folder.path().join("outside.js"), "").expect("a file");
        for (name, status) in [
            ("app.js", 200),
            ("flows/code.js", 200),
            ("package.json", 404),
            ("index.html", 404),
            ("../outside.js", 404),
            ("flows/../../outside.js", 404),
            ("%2e%2e/outside.js", 404),
            ("..\\outside.js", 404),
            ("/app.js", 404),
            ("flows//code.js", 404),
            ("nothing.js", 404),
            (".js", 404),
        ] {
            assert_eq!(file(&page, name).status(), status, "{name}");
        }
    }
}
