//! The part of S3 that this project uses: one bucket, which can be listed, and whose objects can be
//! read. <https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html>
//!
//! | request | response |
//! |---|---|
//! | `GET /<bucket>?list-type=2` | a list, in pages, with `prefix`, `delimiter`, `start-after`, `continuation-token`, `max-keys` and `encoding-type` |
//! | `GET` or `HEAD /<bucket>/<key>` | an object, or a range of it |
//!
//! Every request must have a Signature Version 4, in its headers or in its query, which is
//! checked. A signature in the query is a link, which expires.
//!
//! Objects are put into the bucket with [`S3::put`], or by the recorder of the stand-in for LiveKit:
//! [`LiveKit::record_to`](crate::livekit::LiveKit::record_to).
//!
//! **Not imitated.** Everything else (`NotImplemented`), and addresses whose host names the bucket.

mod object;
mod signature;

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard},
};

use http::header;

use self::object::Stored;
use super::{
    aws::{Keys, decode, encode},
    clock::unix_seconds,
    exchange::{Answer, Request},
    lock,
    server::{Provider, StandIn},
};

/// The bucket.
pub const BUCKET: &str = "anteroom-recordings";

/// Its region.
pub const REGION: &str = "us-east-1";

/// The id of the key pair.
pub const ACCESS_KEY_ID: &str = "AKIAOFTHEBUCKET";

/// The secret of the key pair. It is not secret.
pub const SECRET_ACCESS_KEY: &str = "of-the-stand-in-bucket-and-no-secret";

/// The longest page of a list.
const MOST_KEYS: usize = 1000;

/// The parameters of a list. S3 ignores others; a stand-in that did so would hide misspellings.
const PARAMETERS: [&str; 7] = [
    "list-type",
    "prefix",
    "delimiter",
    "start-after",
    "continuation-token",
    "max-keys",
    "encoding-type",
];

/// A running S3 with an empty bucket.
pub type S3 = StandIn<Server>;

impl S3 {
    /// Puts an object into the bucket.
    pub fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        self.provider.put(key, body.into(), BTreeMap::new());
    }

    /// The same, as if it had been done at this Unix time in seconds.
    pub fn put_at(&self, key: &str, body: impl Into<Vec<u8>>, changed: u64) {
        let stored = Stored { body: body.into(), metadata: BTreeMap::new(), changed };
        self.state().objects.insert(key.to_owned(), stored);
    }

    /// The keys in the bucket, in order.
    pub fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    /// The metadata of an object.
    ///
    /// # Panics
    /// If there is no such object.
    pub fn metadata(&self, key: &str) -> BTreeMap<String, String> {
        self.state().objects.get(key).unwrap_or_else(|| panic!("no {key}")).metadata.clone()
    }

    /// Replaces the key pair. With a session token, it belongs to a role, and the token must be sent
    /// too.
    pub fn rotate_keys(&self, id: &str, secret: &str, session_token: Option<&str>) {
        self.state().keys = Keys {
            id: id.to_owned(),
            secret: secret.to_owned(),
            session_token: session_token.map(str::to_owned),
        };
    }

    /// Denies access to the bucket, as a policy would.
    pub fn deny(&self) {
        self.state().denied = true;
    }

    /// Deletes the bucket.
    pub fn delete_bucket(&self) {
        self.state().gone = true;
    }

    /// Moves the bucket to another region.
    pub fn move_away(&self) {
        self.state().moved = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.provider.state)
    }
}

/// The server and its bucket.
#[derive(Debug, Default)]
pub struct Server {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    objects: BTreeMap<String, Stored>,
    keys: Keys,
    denied: bool,
    gone: bool,
    moved: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            keys: Keys {
                id: ACCESS_KEY_ID.to_owned(),
                secret: SECRET_ACCESS_KEY.to_owned(),
                session_token: None,
            },
            denied: false,
            gone: false,
            moved: false,
        }
    }
}

impl Server {
    pub(super) fn put(&self, key: &str, body: Vec<u8>, metadata: BTreeMap<String, String>) {
        let stored = Stored { body, metadata, changed: unix_seconds() };
        lock(&self.state).objects.insert(key.to_owned(), stored);
    }

    /// Whether an upload with this key pair would be accepted.
    pub(super) fn takes(&self, bucket: &str, id: &str, secret: &str) -> bool {
        let state = lock(&self.state);
        bucket == BUCKET && state.keys.id == id && state.keys.secret == secret
    }
}

impl Provider for Server {
    fn answer(&self, request: &Request) -> Answer {
        lock(&self.state).answer(request).unwrap_or_else(Refusal::into_answer)
    }

    fn limiting(&self) -> Answer {
        Refusal::new(503, "SlowDown", "Please reduce your request rate.").into_answer()
    }

    fn failing(&self, status: u16) -> Answer {
        let message = "We encountered an internal error. Please try again.";
        Refusal::new(status, "InternalError", message).into_answer()
    }

    fn refusing(&self) -> Answer {
        Refusal::unknown_key().into_answer()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("RECORDINGS_BUCKET", BUCKET.to_owned()),
            ("RECORDINGS_REGION", REGION.to_owned()),
            ("RECORDINGS_ENDPOINT", url.to_owned()),
            ("RECORDINGS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("RECORDINGS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
        ]
    }
}

impl State {
    fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        let query = signature::query(request);
        signature::check(request, &query, &self.keys, unix_seconds())?;
        let path = decode(request.path());
        let path = path.strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket != BUCKET || self.gone {
            return Err(Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"));
        }
        if self.moved {
            let message = "The bucket you are attempting to access must be addressed using the \
                           specified endpoint.";
            return Err(Refusal::new(301, "PermanentRedirect", message));
        }
        if self.denied {
            return Err(Refusal::denied("Access Denied"));
        }
        let is_read = matches!(&*request.method, "GET" | "HEAD");
        match (is_read, key) {
            (true, "") => self.list(&query),
            (true, key) => {
                let missing =
                    || Refusal::new(404, "NoSuchKey", "The specified key does not exist.");
                self.objects.get(key).ok_or_else(missing)?.answer(request, &query)
            }
            (false, _) => Err(Refusal::not_implemented()),
        }
    }

    fn list(&self, query: &[(String, String)]) -> Result<Answer, Refusal> {
        let is_signature = |name: &str| name.to_ascii_lowercase().starts_with("x-amz-");
        let mut names = query.iter().map(|(name, _)| name.as_str());
        if !names.all(|name| PARAMETERS.contains(&name) || is_signature(name)) {
            return Err(Refusal::not_implemented());
        }
        let value = |name: &str| {
            let found = query.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        if value("list-type") != Some("2") {
            return Err(Refusal::not_implemented());
        }
        let max_keys = match value("max-keys").map(str::parse::<usize>) {
            None => MOST_KEYS,
            Some(Ok(number)) => number.min(MOST_KEYS),
            Some(Err(_)) => return Err(Refusal::invalid("max-keys")),
        };
        let is_encoded = match value("encoding-type") {
            None => false,
            Some("url") => true,
            Some(_) => return Err(Refusal::invalid("encoding-type")),
        };
        let list = List {
            prefix: value("prefix").unwrap_or_default(),
            delimiter: value("delimiter"),
            after: value("continuation-token").or(value("start-after")).unwrap_or_default(),
            max_keys,
        };
        Ok(xml(200, &list.of(&self.objects).into_xml(&list, is_encoded)))
    }
}

/// The parameters of a list.
struct List<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    after: &'a str,
    max_keys: usize,
}

/// A page of a list.
#[derive(Default)]
struct Page<'a> {
    objects: Vec<(&'a str, &'a Stored)>,
    prefixes: Vec<&'a str>,
    is_truncated: bool,
}

impl List<'_> {
    fn of<'a>(&self, objects: &'a BTreeMap<String, Stored>) -> Page<'a> {
        let mut page = Page::default();
        let start = (Bound::Excluded(self.after.to_owned()), Bound::Unbounded);
        for (key, object) in objects.range(start).filter(|(key, _)| key.starts_with(self.prefix)) {
            let rest = &key[self.prefix.len()..];
            let end = self.delimiter.and_then(|it| Some(rest.find(it)? + it.len()));
            let folder = end.map(|end| &key[..self.prefix.len() + end]);
            if folder.is_some() && page.prefixes.last() == folder.as_ref() {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == self.max_keys {
                page.is_truncated = true;
                break;
            }
            match folder {
                Some(folder) => page.prefixes.push(folder),
                None => page.objects.push((key, object)),
            }
        }
        page
    }
}

impl Page<'_> {
    fn into_xml(self, list: &List<'_>, is_encoded: bool) -> String {
        let write = |text: &str| if is_encoded { encode_key(text) } else { escape(text) };
        let mut parts = vec![
            format!("<Name>{BUCKET}</Name><Prefix>{}</Prefix>", write(list.prefix)),
            format!("<KeyCount>{}</KeyCount>", self.objects.len() + self.prefixes.len()),
            format!("<MaxKeys>{}</MaxKeys>", list.max_keys),
            format!("<IsTruncated>{}</IsTruncated>", self.is_truncated),
        ];
        if is_encoded {
            parts.push("<EncodingType>url</EncodingType>".to_owned());
        }
        if self.is_truncated {
            let key = self.objects.last().map(|(key, _)| *key);
            // What a folder holds is behind the folder, and has been listed with it.
            let folder = self.prefixes.last().map(|folder| format!("{folder}\u{10ffff}"));
            let end = key.map(str::to_owned).max(folder).unwrap_or_default();
            parts.push(format!("<NextContinuationToken>{}</NextContinuationToken>", escape(&end)));
        }
        parts.extend(self.objects.iter().map(|(key, object)| {
            format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}\
                 </Size><StorageClass>STANDARD</StorageClass></Contents>",
                write(key),
                object.changed_in_iso_8601(),
                escape(&object.etag()),
                object.body.len(),
            )
        }));
        parts.extend(self.prefixes.iter().map(|prefix| {
            format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", write(prefix))
        }));
        let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
        format!("<ListBucketResult xmlns=\"{namespace}\">{}</ListBucketResult>", parts.concat())
    }
}

/// A key as `encoding-type=url` has it: S3 leaves `/` as it is, and writes a space as `+`.
fn encode_key(key: &str) -> String {
    encode(key, true).replace("%20", "+")
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

/// An error of S3. <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned() }
    }

    fn denied(message: &str) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    fn unknown_key() -> Self {
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        Self::new(403, "InvalidAccessKeyId", message)
    }

    fn invalid(parameter: &str) -> Self {
        Self::new(400, "InvalidArgument", &format!("Provided {parameter} is not valid"))
    }

    fn not_implemented() -> Self {
        let message = "The stand-in does not imitate this.";
        Self::new(501, "NotImplemented", message)
    }

    fn into_answer(self) -> Answer {
        let Self { status, code, message } = self;
        let message = escape(&message);
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        xml(status, &body)
    }
}

fn xml(status: u16, body: &str) -> Answer {
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    Answer::new(status, "application/xml", format!("{declaration}{body}"))
        .with_header(header::SERVER, "AmazonS3")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(keys: &[&str]) -> BTreeMap<String, Stored> {
        let stored = || Stored { body: Vec::new(), metadata: BTreeMap::new(), changed: 0 };
        keys.iter().map(|key| ((*key).to_owned(), stored())).collect()
    }

    #[test]
    fn lists_in_order_in_pages_and_by_folder() {
        let objects = objects(&["a", "b/1", "b/2", "b/c/3", "d", "e/4"]);
        for (prefix, delimiter, after, max_keys, keys, prefixes, is_truncated) in [
            ("", None, "", 9, &["a", "b/1", "b/2", "b/c/3", "d", "e/4"][..], &[][..], false),
            ("", None, "", 2, &["a", "b/1"], &[], true),
            ("", None, "b/1", 2, &["b/2", "b/c/3"], &[], true),
            ("b/", None, "", 9, &["b/1", "b/2", "b/c/3"], &[], false),
            ("", Some("/"), "", 9, &["a", "d"], &["b/", "e/"], false),
            ("b/", Some("/"), "", 9, &["b/1", "b/2"], &["b/c/"], false),
            ("", Some("/"), "", 2, &["a"], &["b/"], true),
            ("", Some("/"), "b0", 9, &["d"], &["e/"], false),
            ("x", None, "", 9, &[], &[], false),
        ] {
            let list = List { prefix, delimiter, after, max_keys };
            let page = list.of(&objects);
            let found: Vec<_> = page.objects.iter().map(|(key, _)| *key).collect();
            assert_eq!((&found[..], &page.prefixes[..]), (keys, prefixes), "{prefix} {after}");
            assert_eq!(page.is_truncated, is_truncated, "{prefix} {after}");
        }
    }

    #[test]
    fn a_key_of_any_characters_is_written_so_that_xml_holds_it() {
        assert_eq!(encode_key("a b/<&>\u{1}+é"), "a+b/%3C%26%3E%01%2B%C3%A9");
        assert_eq!(escape("a<&>\"b"), "a&lt;&amp;&gt;&quot;b");
    }
}
