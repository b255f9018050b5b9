//! [`open`]: opens a link the way a browser does, without cookies or other headers.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is behind a link.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The status.
    pub status: u16,
    /// The headers, as lines of text.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Opens a link to a server on this machine.
///
/// # Panics
/// If the link is not `http://<host>:<port>/…`, or nobody answers.
pub async fn open(url: &str) -> Opened {
    let rest = url.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).await.expect("a server");
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("headers");
    let headers = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok());
    Opened { status: status.expect("a status"), headers, body: answer.split_off(end + 4) }
}
