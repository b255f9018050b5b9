//! Every deployed function, in this process.

use std::future::Future;
use std::pin::Pin;

use anteroom::api::{Request, Response};
use anteroom::lambda::{Endpoint, Function};
use anteroom::settings::Settings;

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

/// A started function, whichever it is.
pub trait Started {
    /// Its method.
    fn method(&self) -> &'static str;
    /// The answer to a request.
    fn answer<'f>(&'f self, request: Request) -> Pin<Box<dyn Future<Output = Response> + 'f>>;
}

impl<E: Endpoint> Started for Function<E> {
    fn method(&self) -> &'static str {
        E::ROUTE.method
    }

    fn answer<'f>(&'f self, request: Request) -> Pin<Box<dyn Future<Output = Response> + 'f>> {
        Box::pin(Function::answer(self, request))
    }
}

/// Starts the function with this name.
///
/// # Panics
/// If it rejects the settings, or there is none.
pub async fn start(name: &str, settings: Settings) -> Box<dyn Started> {
    start_named(name, settings).await
}

async fn start_one<E: Endpoint>(settings: Settings) -> Box<dyn Started> {
    match Function::<E>::start(settings).await {
        Ok(function) => Box::new(function),
        Err(problems) => panic!("{problems}"),
    }
}
