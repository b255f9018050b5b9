//! Looks up the addresses of a host.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tokio::sync::OnceCell;
use tower::{Service, ServiceExt as _};

/// The addresses of a host, once they are known.
type Addresses = OnceCell<Vec<SocketAddr>>;

/// Resolves the name of one host. Connections that are opened at the same time share a lookup,
/// because the system's resolver needs a thread for each. Clones share lookups.
#[derive(Clone)]
pub(super) struct Resolver<R = GaiResolver> {
    system: R,
    pending: Arc<Mutex<Weak<Addresses>>>,
}

impl Resolver {
    pub(super) fn new() -> Self {
        Self { system: GaiResolver::new(), pending: Arc::default() }
    }
}

impl<R> Resolver<R> {
    /// The lookup that others are waiting for, or a new one. Its result is not kept any longer: addresses
    /// change, and the system may have a cache.
    fn pending(&self) -> Arc<Addresses> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.upgrade().unwrap_or_else(|| {
            let new = Arc::default();
            *pending = Arc::downgrade(&new);
            new
        })
    }
}

impl<R> Service<Name> for Resolver<R>
where
    R: Service<Name, Error = io::Error, Response: Iterator<Item = SocketAddr>, Future: Send>,
    R: Clone + Send + 'static,
{
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (system, pending) = (self.system.clone(), self.pending());
        Box::pin(async move {
            // If it fails, those that wait look the name up themselves.
            let lookup = || async { Ok::<_, io::Error>(system.oneshot(name).await?.collect()) };
            let addresses: &Vec<_> = pending.get_or_try_init(lookup).await?;
            Ok(addresses.clone().into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use tower::service_fn;

    use super::*;

    /// A resolver that answers with the number of the lookup as the port.
    fn counting(
        fails_at_first: bool,
    ) -> Resolver<
        impl Service<Name, Error = io::Error, Response = vec::IntoIter<SocketAddr>, Future: Send>
        + Clone
        + Send
        + 'static,
    > {
        let lookups = Arc::new(AtomicU16::new(0));
        let system = service_fn(move |name: Name| {
            assert_eq!(name.as_str(), "api.example.com");
            let lookup = lookups.fetch_add(1, Ordering::Relaxed) + 1;
            async move {
                tokio::task::yield_now().await;
                if fails_at_first && lookup == 1 {
                    return Err(io::Error::other("no such host"));
                }
                Ok(vec![SocketAddr::from(([127, 0, 0, 1], lookup))].into_iter())
            }
        });
        Resolver { system, pending: Arc::default() }
    }

    async fn lookup<R>(resolver: &R) -> io::Result<Vec<u16>>
    where
        R: Service<Name, Error = io::Error, Response = vec::IntoIter<SocketAddr>> + Clone,
    {
        let name = "api.example.com".parse().map_err(io::Error::other)?;
        let addresses = resolver.clone().oneshot(name).await?;
        Ok(addresses.map(|address| address.port()).collect())
    }

    #[tokio::test]
    async fn connections_opened_at_the_same_time_share_a_lookup() {
        let resolver = counting(false);
        let (one, other) = tokio::join!(lookup(&resolver), lookup(&resolver));
        assert_eq!((one.unwrap(), other.unwrap()), (vec![1], vec![1]));
    }

    #[tokio::test]
    async fn a_later_connection_looks_the_name_up_again() {
        let resolver = counting(false);
        assert_eq!(lookup(&resolver).await.unwrap(), [1]);
        assert_eq!(lookup(&resolver).await.unwrap(), [2]);
    }

    #[tokio::test]
    async fn a_failure_is_not_shared() {
        let resolver = counting(true);
        let (one, other) = tokio::join!(lookup(&resolver), lookup(&resolver));
        assert!(one.is_err());
        assert_eq!(other.unwrap(), [2]);
    }
}
