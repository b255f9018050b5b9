//! Shared by all stand-ins: starting, stopping, TLS, recorded requests, faults.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::{self, Future},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use axum::body::Body;
use http::{Response, Uri, header, uri::Authority};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::{
    clock::{ahead_by, unix_seconds},
    exchange::{Answer, Request},
    faults::{Fault, FaultRule, Faults, Moment, REDIRECTED, read_order},
    lock,
    resettable::{Reset, Resettable},
};

/// The value of `SSL_CERT_FILE` with which a client trusts a stand-in over TLS.
pub const TLS_AUTHORITY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/keys/tls-authority.pem");

/// The same, with the authority of [`Certificate::Expired`] and [`Certificate::OtherName`]. A client
/// must reject those even if it trusts their authority.
pub const TLS_AUTHORITIES_FILE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/keys/tls-authorities.pem");

const TLS_KEY: &str = include_str!("../keys/tls-server.key.pem");

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How many of the latest requests are kept in full; all are counted.
const KEPT_REQUESTS: usize = 10_000;

/// The chunk size of an endless body, in bytes.
const ENDLESS_PART: usize = 16 * 1024;

/// The certificate of a stand-in over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Valid, from [`TLS_AUTHORITY_FILE`].
    Valid,
    /// Valid until 2024, from [`TLS_AUTHORITIES_FILE`].
    Expired,
    /// For another host, from [`TLS_AUTHORITIES_FILE`].
    OtherName,
    /// Valid, from an authority that nobody trusts.
    Untrusted,
}

impl Certificate {
    fn pem(self) -> &'static str {
        match self {
            Self::Valid => include_str!("../keys/tls-server.pem"),
            Self::Expired => include_str!("../keys/tls-expired.pem"),
            Self::OtherName => include_str!("../keys/tls-other-name.pem"),
            Self::Untrusted => include_str!("../keys/tls-untrusted.pem"),
        }
    }
}

/// The provider-specific part of a stand-in.
pub trait Provider: Default + Send + Sync + 'static {
    /// Handles a request.
    fn answer(&self, request: &Request) -> Answer;

    /// The same for a provider with delays. An error closes the connection without a response.
    fn answer_in_time(&self, request: &Request) -> impl Future<Output = io::Result<Answer>> + Send {
        future::ready(Ok(self.answer(request)))
    }

    /// Receives the stand-in's URL before the first request.
    fn listens_at(&self, _url: &str) {}

    /// Handles a request under `/dev/`, which only the stand-in has. It is not recorded, and faults
    /// do not affect it.
    fn dev_answer(&self, _request: &Request) -> Option<Answer> {
        None
    }

    /// The provider's rate limit error, without `Retry-After`.
    fn limiting(&self) -> Answer;

    /// The provider's error for a failure on its side.
    fn failing(&self, status: u16) -> Answer;

    /// The provider's error for a wrong key.
    fn refusing(&self) -> Answer;

    /// The variables that point a function at this stand-in, which listens at `url`.
    fn settings(&self, url: &str) -> Vec<(&'static str, String)>;
}

/// A running stand-in. It stops when this is dropped.
pub struct StandIn<P: Provider> {
    pub(super) provider: Arc<P>,
    handler: Arc<RequestHandler<P>>,
    address: SocketAddr,
    tls: Mutex<Option<TlsAcceptor>>,
    running: Mutex<Option<Running>>,
    /// Keeps the port of a stopped stand-in from being given to another program.
    reserved: Mutex<Option<TcpSocket>>,
}

impl<P: Provider> StandIn<P> {
    /// Starts on a free port of the loopback address.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(0).await
    }

    /// Starts on this port of the loopback address; 0 means any free port.
    #[allow(clippy::unused_async, reason = "it needs a runtime, as its callers can see")]
    pub async fn start_on(port: u16) -> io::Result<Self> {
        Self::listen(port, None)
    }

    /// Starts on a free port with TLS, with a certificate signed by [`TLS_AUTHORITY_FILE`].
    #[allow(clippy::unused_async, reason = "it needs a runtime, as its callers can see")]
    pub async fn start_tls() -> io::Result<Self> {
        Self::listen(0, Some(tls_acceptor(Certificate::Valid)?))
    }

    fn listen(port: u16, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        // A port that was asked for by its number is not shared: if it is taken, that is an error.
        let listener = bind((Ipv4Addr::LOCALHOST, port).into(), port == 0)?.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let provider = Arc::new(P::default());
        let handler = Arc::new(RequestHandler {
            provider: Arc::clone(&provider),
            faults: Faults::default(),
            requests: Mutex::default(),
            connections: Mutex::default(),
        });
        let (tls, running, reserved) = (Mutex::new(tls), Mutex::default(), Mutex::default());
        let stand_in = Self { provider, handler, address, tls, running, reserved };
        stand_in.provider.listens_at(&stand_in.url());
        stand_in.serve(listener);
        Ok(stand_in)
    }

    /// Closes the port and every connection. Keeps the state and the recorded requests.
    pub async fn stop(&self) {
        let running = lock(&self.running).take();
        if let Some(running) = running {
            // Elsewhere, connections to such a socket are not refused but hang, or two sockets cannot
            // share a port. There, the port is free until the restart.
            if cfg!(target_os = "linux") {
                *lock(&self.reserved) = bind(self.address, true).ok();
            }
            running.stop().await;
        }
    }

    /// Listens again, on the same port, after [`stop`](Self::stop).
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        let reserved = lock(&self.reserved).take();
        let socket = reserved.map_or_else(|| bind(self.address, true), Ok)?;
        self.serve(socket.listen(BACKLOG)?);
        Ok(())
    }

    /// From now on, presents another certificate. Closes every connection.
    ///
    /// # Panics
    /// If the stand-in was started without TLS.
    pub async fn present(&self, certificate: Certificate) -> io::Result<()> {
        assert!(self.is_tls(), "there is no certificate without TLS");
        *lock(&self.tls) = Some(tls_acceptor(certificate)?);
        self.restart().await
    }

    fn is_tls(&self) -> bool {
        lock(&self.tls).is_some()
    }

    fn serve(&self, listener: TcpListener) {
        let tls = lock(&self.tls).clone();
        let running = Running::start(listener, Arc::clone(&self.handler), tls);
        *lock(&self.running) = Some(running);
    }

    /// The URL: `http://127.0.0.1:<port>`, or `https://…` with TLS.
    pub fn url(&self) -> String {
        let scheme = if self.is_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The variables that point a function at this stand-in.
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut settings = self.provider.settings(&self.url());
        if self.is_tls() {
            settings.push(("SSL_CERT_FILE", TLS_AUTHORITY_FILE.to_owned()));
        }
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// From now on, makes requests fail: all of them until [`clear_faults`](Self::clear_faults), or
    /// those that the rule applies to.
    pub fn inject(&self, fault: impl Into<FaultRule>) {
        self.handler.faults.inject(fault.into());
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.handler.faults.clear();
    }

    /// Breaks every open connection, as if it had died unnoticed: the next request on it closes it
    /// without a response. New connections work.
    pub fn break_connections(&self) {
        lock(&self.handler.connections).die(Death::Broken);
    }

    /// The same, but a request on a dead connection never gets a response.
    pub fn silence_connections(&self) {
        lock(&self.handler.connections).die(Death::Silent);
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        lock(&self.handler.connections).made
    }

    /// The latest 10,000 requests, oldest first, including those that met a fault.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.handler.requests).latest.iter().cloned().collect()
    }

    /// How many requests had this method and path, with any query.
    pub fn hits(&self, method: &str, path: &str) -> usize {
        let requests = lock(&self.handler.requests);
        requests.counts.get(&(method.to_owned(), path.to_owned())).copied().unwrap_or(0)
    }

    /// Clears the recorded requests.
    pub fn forget_requests(&self) {
        *lock(&self.handler.requests) = Requests::default();
    }
}

impl<P: Provider> fmt::Debug for StandIn<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StandIn({})", self.url())
    }
}

/// The server task. It stops when this is dropped.
struct Running {
    leash: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start<P: Provider>(
        listener: TcpListener,
        handler: Arc<RequestHandler<P>>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let (leash, released) = oneshot::channel();
        Self { leash, task: tokio::spawn(serve(listener, handler, tls, released)) }
    }

    async fn stop(self) {
        drop(self.leash);
        // An error is a panic in the task, which has already been reported.
        let _ = self.task.await;
    }
}

async fn serve<P: Provider>(
    listener: TcpListener,
    handler: Arc<RequestHandler<P>>,
    tls: Option<TlsAcceptor>,
    mut released: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut released => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&handler), tls.clone()));
                }
                // Probably out of file handles: wait for some connections to close.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn converse<P: Provider>(
    stream: TcpStream,
    handler: Arc<RequestHandler<P>>,
    tls: Option<TlsAcceptor>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let reset = Reset::default();
    let stream = Resettable::new(stream, reset.clone());
    match tls {
        None => speak_http(stream, reset, handler).await,
        Some(tls) => {
            // A client that does not trust the certificate reports the error itself.
            if let Ok(stream) = tls.accept(stream).await {
                speak_http(stream, reset, handler).await;
            }
        }
    }
}

async fn speak_http<P: Provider>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    reset: Reset,
    handler: Arc<RequestHandler<P>>,
) {
    let number = lock(&handler.connections).next();
    let service = service_fn(move |request| {
        let (handler, reset) = (Arc::clone(&handler), reset.clone());
        async move { handler.respond(number, &reset, request).await }
    });
    // Errors are expected: clients that disconnected, and connections closed by a fault.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Records each request and handles it, with the provider or with a fault. All connections share
/// it.
struct RequestHandler<P> {
    provider: Arc<P>,
    faults: Faults,
    requests: Mutex<Requests>,
    connections: Mutex<Connections>,
}

/// The accepted connections, numbered from 0.
#[derive(Default)]
struct Connections {
    made: u64,
    /// Connections before this number are dead.
    dead: u64,
    death: Death,
}

#[derive(Clone, Copy, Default)]
enum Death {
    #[default]
    Broken,
    Silent,
}

impl Connections {
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made - 1
    }

    fn die(&mut self, death: Death) {
        self.dead = self.made;
        self.death = death;
    }

    fn death_of(&self, number: u64) -> Option<Death> {
        (number < self.dead).then_some(self.death)
    }
}

#[derive(Default)]
struct Requests {
    latest: VecDeque<Request>,
    counts: HashMap<(String, String), usize>,
}

impl<P: Provider> RequestHandler<P> {
    /// An error closes the connection without a response.
    async fn respond(
        &self,
        connection: u64,
        reset: &Reset,
        request: http::Request<Incoming>,
    ) -> io::Result<Response<Body>> {
        let death = lock(&self.connections).death_of(connection);
        match death {
            None => {}
            Some(Death::Broken) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Death::Silent) => return future::pending().await,
        }
        let request = Request::read(request).await?;
        let answer = if request.path().starts_with("/dev/") {
            self.dev_answer(&request)
        } else {
            lock(&self.requests).record(request.clone());
            self.answer(reset, &request).await?
        };
        Ok(answer.into_response())
    }

    async fn answer(&self, reset: &Reset, request: &Request) -> io::Result<Answer> {
        Ok(match self.faults.next(request.path()) {
            None => self.provider.answer_in_time(request).await?,
            Some(Fault::Down) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Slow(delay)) => {
                sleep(delay).await;
                self.provider.answer_in_time(request).await?
            }
            Some(Fault::Limiting { retry_after: None }) => self.provider.limiting(),
            Some(Fault::Limiting { retry_after: Some(seconds) }) => {
                self.provider.limiting().with_header(header::RETRY_AFTER, &seconds.to_string())
            }
            Some(Fault::Failing(status)) => self.provider.failing(status),
            Some(Fault::Dated { status, seconds }) => {
                let answer = match status {
                    429 => self.provider.limiting(),
                    _ => self.provider.failing(status),
                };
                let moment = UNIX_EPOCH + Duration::from_secs(unix_seconds() + seconds);
                answer.with_header(header::RETRY_AFTER, &httpdate::fmt_http_date(moment))
            }
            Some(Fault::Between { status, content_type, body }) => {
                Answer::new(status, content_type, body)
            }
            Some(Fault::Endless) => {
                Answer::new(200, "application/json", " ".repeat(ENDLESS_PART)).without_end()
            }
            Some(Fault::GatewayPage) => gateway_page(),
            Some(Fault::Garbage) => Answer::new(200, "application/json", "}{ this is no JSON"),
            Some(Fault::Truncated) => self.provider.answer_in_time(request).await?.cut_off(),
            Some(Fault::CutShort) => self.provider.answer_in_time(request).await?.cut_short(),
            Some(Fault::Reset(Moment::Before)) => {
                reset.when_dropped();
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some(Fault::Reset(Moment::Middle)) => {
                let answer = self.provider.answer_in_time(request).await?;
                reset.when_dropped();
                answer.cut_off()
            }
            Some(Fault::Reset(Moment::After)) => {
                let answer = self.provider.answer_in_time(request).await?;
                reset.after_next_write();
                answer
            }
            Some(Fault::Drip) => self.provider.answer_in_time(request).await?.dripping(),
            Some(Fault::Redirect) => {
                Answer::json(307, &json!({})).with_header(header::LOCATION, REDIRECTED)
            }
            Some(Fault::Clock(seconds)) => {
                // The answer may be made before it is awaited.
                ahead_by(seconds, async { self.provider.answer_in_time(request).await }).await?
            }
            Some(Fault::WrongShape) => Answer::json(200, &json!({"unexpected": ["shape", 1]})),
            Some(Fault::Refusing) => self.provider.refusing(),
        })
    }

    fn dev_answer(&self, request: &Request) -> Answer {
        if is_of_another_site(request) {
            return Answer::new(403, "text/plain", "pages of other sites get nothing here\n");
        }
        match (request.method.as_str(), request.path()) {
            ("POST", "/dev/faults") => self.order_fault(&request.body),
            ("GET", "/dev/requests") => lock(&self.requests).answer(),
            _ => self.provider.dev_answer(request).unwrap_or_else(|| {
                Answer::new(404, "text/plain", "the stand-in has no such page\n")
            }),
        }
    }

    fn order_fault(&self, body: &[u8]) -> Answer {
        match read_order(body) {
            Ok(Some(rule)) => self.faults.inject(rule),
            Ok(None) => self.faults.clear(),
            Err(problem) => return Answer::new(400, "text/plain", format!("{problem}\n")),
        }
        Answer::new(200, "text/plain", "done\n")
    }
}

impl Requests {
    fn record(&mut self, request: Request) {
        let place = (request.method.clone(), request.path().to_owned());
        *self.counts.entry(place).or_default() += 1;
        if self.latest.len() == KEPT_REQUESTS {
            self.latest.pop_front();
        }
        self.latest.push_back(request);
    }

    /// `GET /dev/requests`: methods and paths, for tests in other languages. Leaves out headers and
    /// bodies, which contain keys.
    fn answer(&self) -> Answer {
        let list = self
            .latest
            .iter()
            .map(|request| json!({"method": request.method, "path": request.path_and_query}));
        Answer::json(200, &list.collect())
    }
}

/// Whether a browser sends a request for a page that is not on this machine. Pages may name any
/// `Host` that resolves to it (DNS rebinding).
fn is_of_another_site(request: &Request) -> bool {
    let is_elsewhere = |text: &str| {
        let uri = text.parse::<Uri>();
        !uri.is_ok_and(|uri| uri.authority().is_some_and(is_this_machine))
    };
    request.header("sec-fetch-site") == Some("cross-site")
        || ["origin", "host"].iter().any(|name| request.header(name).is_some_and(is_elsewhere))
}

/// Whether a host, with or without a port, is a loopback name or address.
pub fn is_this_machine(authority: &Authority) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().to_ascii_lowercase();
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse() == Ok(Ipv6Addr::LOCALHOST);
    }
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn gateway_page() -> Answer {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                <center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";
    Answer::new(502, "text/html", page)
}

/// A socket with this address, which does not listen yet. It may share the port with others of this
/// module.
fn bind(address: SocketAddr, shares: bool) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections that an old one has closed do not stand in the way, nor does the old one itself.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    socket.set_reuseport(shares)?;
    socket.bind(address)?;
    Ok(socket)
}

fn tls_acceptor(certificate: Certificate) -> io::Result<TlsAcceptor> {
    let certificates = CertificateDer::pem_slice_iter(certificate.pem().as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(TLS_KEY.as_bytes()).map_err(io::Error::other)?;
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
