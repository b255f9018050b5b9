//! A TCP stream that its server can reset. Dropping a stream closes it with a FIN; a provider that
//! crashes, or a device on the way that has forgotten the connection, sends a RST.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Whether a connection is reset. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Reset(Arc<AtomicU8>);

const NEVER: u8 = 0;
const WHEN_DROPPED: u8 = 1;
const AFTER_NEXT_WRITE: u8 = 2;
const NOW: u8 = 3;

impl Reset {
    /// Resets the connection when its server drops it.
    pub(super) fn when_dropped(&self) {
        self.0.store(WHEN_DROPPED, Ordering::Relaxed);
    }

    /// Resets the connection when what its server writes next has been sent.
    pub(super) fn after_next_write(&self) {
        self.0.store(AFTER_NEXT_WRITE, Ordering::Relaxed);
    }

    fn is(&self, state: u8) -> bool {
        self.0.load(Ordering::Relaxed) == state
    }
}

/// A stream and whether it is reset.
#[derive(Debug)]
pub(super) struct Resettable {
    stream: TcpStream,
    reset: Reset,
    has_written: bool,
    /// The task that waits for the next request.
    reader: Option<Waker>,
}

impl Resettable {
    pub(super) fn new(stream: TcpStream, reset: Reset) -> Self {
        Self { stream, reset, has_written: false, reader: None }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reset.is(NOW) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        self.reader = Some(context.waker().clone());
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.has_written |= self.reset.is(AFTER_NEXT_WRITE);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        if self.has_written {
            self.reset.0.store(NOW, Ordering::Relaxed);
            self.reader.take().into_iter().for_each(Waker::wake);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.reset.is(NEVER) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if !self.reset.is(NEVER) {
            // This fails only if the client has already closed the connection.
            let _ = self.stream.set_zero_linger();
        }
    }
}
