//! [`RawServer`]: a server that answers every request with the same bytes, whatever they are.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The pause between two parts of an answer that comes in parts, so that each is read by itself.
const PART: std::time::Duration = std::time::Duration::from_millis(5);

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// It sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// It sends the first bytes, and then the second ones for as long as somebody reads.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server on a free port. It stops when this is dropped.
pub(crate) struct RawServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    reply: Option<Reply>,
    requests: Vec<String>,
}

impl RawServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, answers so, and forgets earlier requests.
    pub(crate) fn reply_with(&self, reply: Reply) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { reply: Some(reply), requests: Vec::new() };
    }

    /// The requests' first lines and headers.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request per connection. An error means that the client has gone.
async fn answer(mut stream: TcpStream, state: Arc<Mutex<State>>) -> Option<()> {
    let head = head(&mut stream).await?;
    let reply = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests.push(head);
        state.reply.clone()?
    };
    match reply {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes).await.ok()?;
            tokio::time::sleep(PART).await;
            stream.shutdown().await.ok()
        }
        Reply::Endless(first, rest) => {
            stream.write_all(&first).await.ok()?;
            loop {
                stream.write_all(&rest).await.ok()?;
            }
        }
    }
}

/// A request's first line and headers, once its body has come too. `None` for a connection that was
/// opened and not used.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        text.extend_from_slice(&part[..length]);
        let all = String::from_utf8_lossy(&text);
        let Some((head, body)) = all.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(head.to_owned());
        }
    }
}
