//! A server on the loopback interface that stands for all providers and answers what it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::genuine;
use crate::script::Reply;

/// All providers.
pub struct Providers {
    address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    keys: Vec<u8>,
    fixed: Vec<(&'static str, Reply)>,
    replies: VecDeque<Reply>,
    asked: Vec<Asked>,
}

/// A request to a provider.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method and target: `GET /v1/users/user_1?x=y`.
    pub line: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Providers {
    /// Starts the server.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let state = State { keys: genuine::jwks().to_string().into_bytes(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { address, state }
    }

    /// Its base address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Forgets earlier requests and replies, and gives these replies, one after another. Then every
    /// request gets 503.
    pub fn play(&self, replies: Vec<Reply>) {
        let mut state = lock(&self.state);
        state.replies = replies.into();
        state.asked.clear();
    }

    /// Gives this reply to every request whose path starts so.
    pub fn fix(&self, path: &'static str, reply: Reply) {
        lock(&self.state).fixed.push((path, reply));
    }

    /// Publishes another JWKS.
    pub fn publish(&self, keys: Vec<u8>) {
        lock(&self.state).keys = keys;
    }

    /// The requests since [`play`](Self::play), without those for keys.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state).asked.clone()
    }
}

impl State {
    fn answer(&mut self, asked: Asked) -> Reply {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        if path.starts_with("/sso/jwks/") {
            return Reply::json(200, self.keys.clone());
        }
        let fixed = self.fixed.iter().find(|(start, _)| path.starts_with(start));
        let fixed = fixed.map(|(_, reply)| reply.clone());
        self.asked.push(asked);
        fixed.or_else(|| self.replies.pop_front()).unwrap_or_else(Reply::outage)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one connection until its peer closes it.
async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let _ = stream.set_nodelay(true);
    let mut received = Vec::new();
    loop {
        let Some(asked) = next_request(&mut stream, &mut received).await else {
            return;
        };
        let reply = lock(&state).answer(asked).to_bytes();
        if stream.write_all(&reply).await.is_err() {
            return;
        }
    }
}

async fn next_request(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<Asked> {
    loop {
        if let Some(asked) = whole_request(received) {
            return Some(asked);
        }
        if stream.read_buf(received).await.ok()? == 0 {
            return None;
        }
    }
}

/// Takes the first request out of `received`, if it is complete. Our client always sends its length.
fn whole_request(received: &mut Vec<u8>) -> Option<Asked> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let length = lines.filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.next().and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
    if received.len() < end + length {
        return None;
    }
    let body = received[end..end + length].to_vec();
    received.drain(..end + length);
    Some(Asked { line, body })
}
