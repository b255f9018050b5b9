//! A relay in front of a provider's stand-in, as far away as a provider is. It passes on everything
//! one way later, and counts connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::Failure;
use crate::providers::Environment;

/// The time from a function to a provider and back.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(40);

/// The time that a byte needs in one direction.
const ONE_WAY: Duration = Duration::from_millis(20);

/// The address of a loopback server, before its port.
const LOOPBACK: &str = "127.0.0.1:";

/// The relays in front of all stand-ins that a function's variables name.
pub(crate) struct Network {
    relays: Mutex<Vec<Arc<Relay>>>,
}

/// What has passed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Connections that a function has opened.
    pub(crate) opened: u32,
    /// Connections on which the server's side of the TLS handshake has arrived.
    pub(crate) ready: u32,
}

/// A relay to one server. It stops when this is dropped.
struct Relay {
    server: SocketAddr,
    address: SocketAddr,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    opened: AtomicU32,
    ready: AtomicU32,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self { relays: Mutex::default() }
    }

    /// The same variables with every stand-in behind its relay.
    pub(crate) async fn between(&self, environment: Environment) -> Result<Environment, Failure> {
        let mut relayed = Environment::new();
        for (name, value) in environment {
            let value = self.relayed(&value).await?;
            relayed.push((name, value));
        }
        Ok(relayed)
    }

    /// A text in which the address of a stand-in, if there is one, is replaced by its relay's.
    pub(crate) async fn relayed(&self, text: &str) -> Result<String, Failure> {
        let Some(server) = loopback_address(text) else { return Ok(text.to_owned()) };
        let known = self.relays().iter().find(|relay| relay.server == server).cloned();
        let relay = if let Some(known) = known {
            known
        } else {
            let new = Arc::new(Relay::start(server).await?);
            self.relays().push(Arc::clone(&new));
            new
        };
        Ok(text.replace(&server.to_string(), &relay.address.to_string()))
    }

    /// What has passed through all relays since they were started.
    pub(crate) fn passed(&self) -> Passed {
        self.relays().iter().fold(Passed::default(), |sum, relay| Passed {
            opened: sum.opened + relay.counts.opened.load(Ordering::Relaxed),
            ready: sum.ready + relay.counts.ready.load(Ordering::Relaxed),
        })
    }

    fn relays(&self) -> MutexGuard<'_, Vec<Arc<Relay>>> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passed {
    /// What has passed since an earlier look.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { opened: self.opened - earlier.opened, ready: self.ready - earlier.ready }
    }
}

/// The first address of this machine's loopback interface in a text.
fn loopback_address(text: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once(LOOPBACK)?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let port = rest[..digits].parse().ok()?;
    Some((Ipv4Addr::LOCALHOST, port).into())
}

impl Relay {
    async fn start(server: SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let task = tokio::spawn(accept(listener, server, Arc::clone(&counts)));
        Ok(Self { server, address, counts, task })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, counts: Arc<Counts>) {
    while let Ok((client, _)) = listener.accept().await {
        counts.opened.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(connect(client, server, Arc::clone(&counts)));
    }
}

/// Connects a client to the server. The kernel has accepted the client's connection at once, so what
/// the client sends first is held back for the round trip that this takes over a network.
async fn connect(client: TcpStream, server: SocketAddr, counts: Arc<Counts>) {
    let connected = Instant::now() + ROUND_TRIP;
    let Ok(server) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut is_first = true;
    let count_first = move || {
        if std::mem::take(&mut is_first) {
            counts.ready.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::join!(
        pass(from_client, to_server, connected, || ()),
        pass(from_server, to_client, connected, count_first),
    );
}

/// Passes on what arrives, [`ONE_WAY`] later, and calls `passed` for each part.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    connected: Instant,
    mut passed: impl FnMut(),
) {
    let (sender, mut underway) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let arrival = Instant::now().max(connected) + ONE_WAY;
            if sender.send((arrival, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    };
    let write = async move {
        while let Some((arrival, bytes)) = underway.recv().await {
            sleep_until(arrival).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
            passed();
        }
        // An error means that the other side has closed the connection already.
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_pass_unchanged_in_both_directions_and_are_counted() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let network = Network::new();
        let url = format!("https://{}/path", server.local_addr().unwrap());
        let relayed = network.relayed(&url).await.unwrap();
        assert_ne!(relayed, url);
        assert_eq!(network.relayed(&url).await.unwrap(), relayed, "one relay per server");
        let address = loopback_address(&relayed).unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"question").await.unwrap();
        let (mut accepted, _) = server.accept().await.unwrap();
        let mut question = [0; 8];
        accepted.read_exact(&mut question).await.unwrap();
        assert_eq!(&question, b"question");
        assert_eq!(network.passed(), Passed { opened: 1, ready: 0 });
        accepted.write_all(b"answer").await.unwrap();
        drop(accepted);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        assert_eq!(network.passed(), Passed { opened: 1, ready: 1 });
    }

    #[tokio::test]
    async fn only_addresses_of_loopback_servers_are_replaced() {
        let network = Network::new();
        for text in ["http://localhost:3000", "https://api.example.com", "", "127.0.0.1:"] {
            assert_eq!(network.relayed(text).await.unwrap(), text);
        }
    }
}
