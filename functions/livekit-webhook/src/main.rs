//! `POST /api/v1/livekit/webhook`: puts LiveKit's events on an EventBridge bus.
//!
//! | | |
//! |---|---|
//! | session | none; LiveKit signs the request: the token in `Authorization` has the digest of the body |
//! | input | LiveKit's event, up to 250 KiB: JSON with `event` and `id`, of any content type |
//! | output | 200 `{"code":200,"message":"OK"}` once EventBridge has accepted the event |
//! | errors | 400 signed, but not an event, 401 not signed by LiveKit, 413, 502, 503; LiveKit sends the event again after 5xx |

use std::process::ExitCode;

use anteroom::api::{self, ApiError, Empty, Reply, Request, Status};
use anteroom::event_bus::EventBus;
use anteroom::lambda::{self, Endpoint, Route};
use anteroom::livekit::Webhooks;
use anteroom::settings::{Incomplete, Settings};

/// The longest body. With what we add, it still fits into EventBridge's 256 KiB.
const MAX_BODY_BYTES: usize = 250 * 1024;

struct LiveKitWebhook {
    webhooks: Webhooks,
    bus: EventBus,
}

impl Endpoint for LiveKitWebhook {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ROUTE: Route = Route::post("/api/v1/livekit/webhook");
    const CHECKS_ORIGIN: bool = false;
    type Input = Empty;
    type Output = Status;

    fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (webhooks, bus) = (Webhooks::configure(settings), EventBus::configure(settings));
        Ok(Self { webhooks: webhooks?, bus: bus? })
    }

    /// Leaves the body unparsed, because the signature covers its exact bytes.
    fn read(request: &Request) -> Result<Empty, ApiError> {
        api::leave_body(request, MAX_BODY_BYTES)
    }

    async fn handle(&self, request: &Request, _: Empty) -> Result<Reply<Status>, ApiError> {
        let event = self.webhooks.receive(request.headers(), request.body()).await?;
        self.bus.put(event).await?;
        Ok(Reply::done())
    }
}

fn main() -> ExitCode {
    lambda::run::<LiveKitWebhook>()
}
