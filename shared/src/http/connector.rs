//! Opens the connections to one host, the first of them ahead of their requests.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tower::{Service, ServiceExt as _};

use crate::clock::{Clock, Timestamp};
use crate::http::resolver::Resolver;

/// Timeout for connecting, including TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection that was opened ahead may wait for its request. Servers close connections on
/// which nothing arrives, and Lambda may freeze the process in the meantime.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Opens connections to one host. Clones share the connections that were opened ahead.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector<Resolver>>,
    clock: Clock,
    ahead: Arc<Mutex<Vec<Ahead>>>,
}

/// Opens a connection ahead of its request. Resolves to the connection and the time at which it was opened.
type Ahead = JoinHandle<Result<(Stream, Timestamp), Error>>;

impl Connector {
    pub(super) fn new(tls: Arc<rustls::ClientConfig>, clock: Clock) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver::new());
        http.enforce_http(false);
        http.set_nodelay(true);
        Self { https: (http, tls).into(), clock, ahead: Arc::default() }
    }

    /// Begins to open `count` connections, which the next requests use.
    pub(super) fn open_ahead(&self, host: &Uri, count: usize) {
        for _ in 0..count {
            let (connecting, clock) = (self.connect(host.clone()), self.clock.clone());
            let ahead = tokio::spawn(async move { Ok((connecting.await?, clock.now())) });
            self.ahead().push(ahead);
        }
        // Close connections that no request has used, because servers may wait for them.
        let unused = Arc::clone(&self.ahead);
        tokio::spawn(async move {
            tokio::time::sleep(LONGEST_WAIT).await;
            unused.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
    }

    fn ahead(&self) -> MutexGuard<'_, Vec<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self, host: Uri) -> impl Future<Output = Result<Stream, Error>> + use<> {
        let connecting = self.https.clone().oneshot(host);
        async {
            match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(result) => result,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let (ahead, clock, connecting) =
            (self.ahead().pop(), self.clock.clone(), self.connect(host));
        Box::pin(async move {
            if let Some(ahead) = ahead
                && let Ok(Ok((stream, opened))) = ahead.await
                && clock.now().is_within(LONGEST_WAIT, opened)
            {
                return Ok(stream);
            }
            connecting.await
        })
    }
}
