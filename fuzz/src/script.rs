//! The input of a target that plays a provider: what is done, and what the provider answers.
//!
//! ```text
//! finalize-oauth
//! 403 application/json
//! {"code":"organization_selection_required"}
//! ---
//! 429 text/html 7
//! <html>
//! ```
//! The first line names an operation. Each answer starts with its status, its media type and its
//! `Retry-After`, of which only the first is required. Anything else means something too, so that no
//! input is wasted: an unknown operation is one of the others, and an odd status is 200.

use crate::genuine;

/// An answer of a provider.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status, never informational.
    pub status: u16,
    media_type: String,
    retry_after: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let media_type = "application/json".to_owned();
        Self { status, media_type, retry_after: None, body: body.into() }
    }

    /// A gateway's page that says that the provider is down.
    pub fn outage() -> Self {
        Self { media_type: "text/html".to_owned(), ..Self::json(503, *b"<html></html>") }
    }

    fn parse(text: &[u8]) -> Self {
        let (head, body) = split_at_line(text);
        let head: String = head.iter().copied().filter(u8::is_ascii).map(char::from).collect();
        let is_plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_graphic());
        let mut words = head.split(' ').filter(|word| is_plain(word)).map(str::to_owned);
        let status = words.next().and_then(|word| word.parse().ok());
        Self {
            status: status.filter(|status| (200..600).contains(status)).unwrap_or(200),
            media_type: words.next().unwrap_or_else(|| "application/json".to_owned()),
            retry_after: words.next(),
            body: genuine::filled_in(body),
        }
    }

    /// The answer as HTTP has it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { status, media_type, retry_after, body } = self;
        // These have no body (RFC 9110, section 6.4.1).
        let body = if matches!(status, 204 | 304) { &[][..] } else { body };
        let retry_after = retry_after.as_ref().map(|wait| format!("retry-after: {wait}\r\n"));
        let head = format!(
            "HTTP/1.1 {status} Answer\r\ncontent-type: {media_type}\r\n{}content-length: {}\r\n\r\n",
            retry_after.unwrap_or_default(),
            body.len(),
        );
        [head.as_bytes(), body].concat()
    }
}

/// The operation that an input names, out of `operations`, and the rest of the input.
pub fn operation<'o, 'd>(operations: &[&'o str], data: &'d [u8]) -> (&'o str, &'d [u8]) {
    let (first, rest) = split_at_line(data);
    let known = operations.iter().find(|operation| operation.as_bytes() == first);
    let any = first.iter().map(|byte| usize::from(*byte)).sum::<usize>() % operations.len();
    (known.unwrap_or(&operations[any]), rest)
}

/// The answers in an input, without its operation.
pub fn replies(data: &[u8]) -> Vec<Reply> {
    const SEPARATOR: &[u8] = b"\n---\n";
    let mut replies = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        replies.push(Reply::parse(&rest[..at]));
        rest = &rest[at + SEPARATOR.len()..];
    }
    replies.push(Reply::parse(rest));
    replies
}

/// The first line, and what follows it.
pub fn split_at_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
