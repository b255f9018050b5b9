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
#[derive(Clone, Default)]
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
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers with the number of the lookup as the port.
    #[derive(Clone, Default)]
    struct Counting {
        lookups: Arc<AtomicUsize>,
        fails_at_first: bool,
    }

    impl Service<Name> for Counting {
        type Response = vec::IntoIter<SocketAddr>;
        type Error = io::Error;
        type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, name: Name) -> Self::Future {
            assert_eq!(name.as_str(), "api.example.com");
            let lookup = self.lookups.fetch_add(1, Ordering::Relaxed) + 1;
            let fails = self.fails_at_first && lookup == 1;
            Box::pin(async move {
                tokio::task::yield_now().await;
                if fails {
                    return Err(io::Error::other("no such host"));
                }
                let port = u16::try_from(lookup).map_err(io::Error::other)?;
                Ok(vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)].into_iter())
            })
        }
    }

    async fn lookup(resolver: &Resolver<Counting>) -> io::Result<Vec<u16>> {
        let name = "api.example.com".parse().map_err(io::Error::other)?;
        let addresses = resolver.clone().oneshot(name).await?;
        Ok(addresses.map(|address| address.port()).collect())
    }

    fn counting(fails_at_first: bool) -> Resolver<Counting> {
        let system = Counting { fails_at_first, ..Counting::default() };
        Resolver { system, pending: Arc::default() }
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
