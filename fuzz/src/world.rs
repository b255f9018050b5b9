//! The settings, the clock and the runtime that every run of a target uses.

use std::future::Future;
use std::time::Duration;

use anteroom::api::Request;
use anteroom::clock::Clock;
use anteroom::lambda::Invocation;
use anteroom::settings::Settings;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::runtime::{Builder, Runtime};

use crate::genuine;
use crate::providers::Providers;

/// The time of every run, in Unix seconds, so that a finding can be repeated.
pub const NOW: u64 = 1_900_000_000;

/// The allowed origin.
pub const PAGE: &str = "https://app.example";

/// WorkOS's id of the application.
pub const CLIENT_ID: &str = "client_01FUZZ";

/// The cookies' password.
pub const PASSWORD: &str = "the password of the fuzz targets, which is public";

/// LiveKit's API key.
pub const API_KEY: &str = "APIFuzz";

/// LiveKit's API secret.
pub const API_SECRET: &str = "the secret of the fuzz targets, which is public";

/// The bucket of the recordings.
pub const BUCKET: &str = "fuzz-recordings";

/// The host of the Clerk instance.
pub const CLERK_HOST: &str = "clerk.fuzz.example";

/// Time for one request. A call's own share of it is so short that no call is repeated, because a pause
/// before a retry would take longer than the whole run.
const DEADLINE: Duration = Duration::from_millis(999);

/// How many more times the runtime looks for something to do after a run. It looks at its sockets every 61
/// times.
const LAST_TICKS: usize = 200;

/// The surroundings of the functions.
pub struct World {
    /// All providers.
    pub providers: Providers,
    clock: Clock,
    runtime: Runtime,
}

impl World {
    /// Starts the providers. Everything runs on the calling thread.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let providers = runtime.block_on(Providers::start());
        Self { providers, clock: Clock::fixed(NOW), runtime }
    }

    /// Runs `work` to its end, and lets the providers read what it has sent: a request that timed out
    /// must not reach them in the next run.
    pub fn run<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(async {
            let output = work.await;
            for _ in 0..LAST_TICKS {
                tokio::task::yield_now().await;
            }
            output
        })
    }

    /// The settings of a function that uses every provider, with others that take precedence.
    ///
    /// # Panics
    /// Never: there is no certificate file.
    pub fn settings(&self, own: &[(&str, &str)]) -> Settings {
        let base = self.providers.address();
        let socket = base.replacen("http", "ws", 1);
        let publishable = format!("pk_test_{}", BASE64_STANDARD.encode(format!("{CLERK_HOST}$")));
        let pairs = [
            ("STAGE", "dev"),
            ("ALLOWED_ORIGINS", PAGE),
            ("WORKOS_CLIENT_ID", CLIENT_ID),
            ("WORKOS_REDIRECT_URI", "https://app.example/callback"),
            ("WORKOS_API_URL", base),
            ("WORKOS_ISSUER", genuine::ISSUER),
            ("WORKOS_API_KEY", "sk_test_fuzz"),
            ("WORKOS_COOKIE_PASSWORD", PASSWORD),
            ("DEV_SIGN_IN_EMAIL", "dev@example.com"),
            ("CLERK_PUBLISHABLE_KEY", &publishable),
            ("CLERK_SECRET_KEY", "sk_test_fuzz"),
            ("CLERK_JWT_KEY", include_str!("../../stand-ins/keys/workos.public.pem")),
            ("CLERK_API_URL", base),
            ("LIVEBLOCKS_SECRET_KEY", "sk_test_fuzz"),
            ("LIVEBLOCKS_API_URL", base),
            ("LIVEKIT_URL", &socket),
            ("LIVEKIT_API_KEY", API_KEY),
            ("LIVEKIT_API_SECRET", API_SECRET),
            ("ROOM_INVITE_PERMISSION", "rooms:invite"),
            ("ROOM_MODERATE_PERMISSION", "rooms:moderate"),
            ("RECORDING_PERMISSION", "recordings:manage"),
            ("RECORDINGS_BUCKET", BUCKET),
            ("RECORDINGS_REGION", "us-east-1"),
            ("RECORDINGS_ENDPOINT", base),
            ("RECORDINGS_ACCESS_KEY_ID", "AKIAFUZZ"),
            ("RECORDINGS_SECRET_ACCESS_KEY", "fuzz"),
            ("EVENT_BUS_NAME", "fuzz"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAFUZZ"),
            ("AWS_SECRET_ACCESS_KEY", "fuzz"),
            ("AWS_ENDPOINT_URL", base),
        ];
        let is_own = |name: &str| own.iter().any(|(other, _)| *other == name);
        let pairs = pairs.into_iter().filter(|(name, _)| !is_own(name)).chain(own.iter().copied());
        Settings::from_pairs(pairs, self.clock.clone()).expect("settings")
    }

    /// Gives a request the time that Lambda would give it.
    pub fn limit(&self, mut request: Request) -> Request {
        let deadline = self.clock.now().after(DEADLINE);
        request.extensions_mut().insert(Invocation { id: "fuzz".to_owned(), deadline });
        request
    }
}

/// A request with a JSON body, as the gateway delivers it.
///
/// # Panics
/// If a header is malformed.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let mut request = http::Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.as_bytes().to_vec()).expect("a request")
}
