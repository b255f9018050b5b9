//! Calls of a provider: what is sent again and what is not, on which connection, and for how long.

use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::client::Client;
use anteroom::clock::Clock;
use anteroom::http::SendError;
use anteroom::provider::{Call, Failure, Provider, ProviderError, Retry};
use anteroom::request_scope;
use anteroom::settings::Settings;
use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::faults::{Fault, FaultRule};
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_stand_ins::livekit::LiveKit;
use anteroom_stand_ins::workos::WorkOs;
use tokio::net::TcpListener;

const PATH: &str = "/v1/anything";

const PAUSING: Retry = Retry::WhileTimeLasts { pause: true };
const HASTY: Retry = Retry::WhileTimeLasts { pause: false };

/// A stand-in and a provider that calls it, on a clock of its own. It is called without its key, so
/// every call that reaches it ends in 401.
struct World {
    stand_in: Clerk,
    provider: Provider,
    clock: Clock,
}

impl World {
    async fn start() -> Self {
        let stand_in = Clerk::start().await.unwrap();
        let clock = Clock::fixed(1_900_000_000);
        let provider = provider(&stand_in.url(), &clock);
        Self { stand_in, provider, clock }
    }

    async fn call(&self, retry: Retry) -> Result<u16, ProviderError> {
        call(&self.provider, retry).await
    }

    /// How often the provider was asked since the last time.
    fn asked(&self) -> usize {
        let hits = self.stand_in.requests().len();
        self.stand_in.forget_requests();
        hits
    }
}

fn provider(url: &str, clock: &Clock) -> Provider {
    let settings = Settings::from_pairs([("", ""); 0], clock.clone()).unwrap();
    Provider {
        name: "provider",
        base: url.parse().unwrap(),
        http: settings.http(),
        clock: settings.clock(),
    }
}

async fn call(provider: &Provider, retry: Retry) -> Result<u16, ProviderError> {
    let path = ["v1", "anything"];
    let body = serde_json::json!({ "code": "123456" });
    let call = Call {
        retry,
        time_limit: Duration::from_secs(1),
        ..Call::post("anything", &path, Some(body))
    };
    provider.send(&call).await.map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn a_call_is_retried_only_if_it_is_repeatable_and_the_failure_is_transient() {
    let world = World::start().await;
    let slow = Fault::Slow(Duration::from_mins(1));
    let limiting = |retry_after| Fault::Limiting { retry_after };
    let page = Fault::Between { status: 403, content_type: "Text/HTML", body: "<html>" };
    let text = Fault::Between { status: 429, content_type: "text/plain", body: "error code: 1015" };
    for (fault, once, hasty, pausing) in [
        (Fault::Down, true, true, true),
        (Fault::Truncated, true, true, true),
        (slow, true, true, true),
        (Fault::Failing(408), false, true, true),
        (Fault::Failing(500), false, true, true),
        (Fault::Failing(503), false, true, true),
        (page, false, true, true),
        (text, false, true, true),
        (limiting(None), false, true, true),
        (limiting(Some(0)), false, true, true),
        (limiting(Some(1)), false, false, true),
        (limiting(Some(6)), false, false, false),
        (limiting(Some(u64::MAX)), false, false, false),
        (Fault::Endless, false, false, false),
    ] {
        for (retry, is_sent_again) in
            [(Retry::Never, false), (Retry::Once, once), (HASTY, hasty), (PAUSING, pausing)]
        {
            world.stand_in.inject(fault.once());
            let result = world.call(retry).await;
            let expected = if is_sent_again { 2 } else { 1 };
            assert_eq!(world.asked(), expected, "{fault:?} {retry:?}");
            assert_eq!(result.is_ok(), is_sent_again, "{fault:?} {retry:?}");
        }
    }
    for retry in [Retry::Never, Retry::Once, HASTY, PAUSING] {
        for status in [400, 401, 403, 404, 409, 422] {
            world.stand_in.inject(Fault::Failing(status).once());
            assert_eq!(world.call(retry).await.unwrap(), status, "an answer, {retry:?}");
            assert_eq!(world.asked(), 1, "{status} {retry:?}");
        }
    }
}

#[tokio::test]
async fn retries_are_limited() {
    let world = World::start().await;
    for fault in [Fault::Down, Fault::Failing(500), Fault::Limiting { retry_after: None }] {
        world.stand_in.inject(fault);
        for (retry, most) in [(Retry::Never, 1), (Retry::Once, 2), (HASTY, 2)] {
            assert!(world.call(retry).await.is_err());
            assert!(world.asked() <= most, "{fault:?} {retry:?}");
        }
        let deadline = world.clock.now().after(Duration::from_millis(1200));
        assert!(
            request_scope::handle(deadline, Client::default(), world.call(PAUSING)).await.is_err()
        );
        assert!((3..10).contains(&world.asked()), "{fault:?}");
        world.stand_in.clear_faults();
    }
}

#[tokio::test]
async fn no_call_goes_beyond_the_requests_time() {
    let world = World::start().await;
    world.stand_in.inject(Fault::Slow(Duration::from_mins(1)));
    let within = async |milliseconds, retry| {
        let deadline = world.clock.now().after(Duration::from_millis(milliseconds));
        request_scope::handle(deadline, Client::default(), world.call(retry))
            .await
            .unwrap_err()
            .failure
    };
    for (milliseconds, retry) in
        [(600, Retry::Never), (400, Retry::Once), (400, HASTY), (400, PAUSING)]
    {
        let failure = within(milliseconds, retry).await;
        assert!(matches!(failure, Failure::Unanswered(_)), "{failure}");
        assert_eq!(world.asked(), 1, "no time for another: {retry:?}");
        within(0, retry).await;
        assert_eq!(world.asked(), 0, "no time at all: {retry:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_sent_once_needs_time_for_its_answer() {
    let world = World::start().await;
    world.call(Retry::Once).await.unwrap();
    world.asked();
    for (milliseconds, retry, expected) in
        [(450, Retry::Never, 0), (450, Retry::Once, 1), (700, Retry::Never, 1)]
    {
        let deadline = world.clock.now().after(Duration::from_millis(milliseconds));
        let result = request_scope::handle(deadline, Client::default(), world.call(retry)).await;
        assert_eq!(result.is_ok(), expected == 1, "{milliseconds} {retry:?}");
        assert_eq!(world.asked(), expected, "{milliseconds} {retry:?}");
    }
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_none_and_nothing_was_sent() {
    // It accepts connections, and never begins with TLS.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let provider = provider(&url, &Clock::fixed(1_900_000_000));
    let path = ["v1", "anything"];
    let call = Call { retry: Retry::Never, ..Call::get("anything", &path) };
    let failure = provider.send(&call).await.err().unwrap().failure;
    assert_eq!(failure, Failure::Unanswered(SendError::NoConnection));
}

#[tokio::test]
async fn a_dead_connection_fails_no_call_that_can_be_retried() {
    let world = World::start().await;
    for retry in [Retry::Once, HASTY, PAUSING] {
        for kill in [Clerk::break_connections, Clerk::silence_connections] {
            world.call(retry).await.unwrap();
            kill(&world.stand_in);
            assert_eq!(world.call(retry).await.unwrap(), 401, "{retry:?}");
            assert_eq!(world.asked(), 2, "{retry:?}");
        }
    }
}

#[tokio::test]
async fn a_call_that_is_sent_once_uses_a_connection_that_worked_just_now() {
    let world = World::start().await;
    for kill in [Clerk::break_connections, Clerk::silence_connections] {
        world.call(Retry::Never).await.unwrap();
        kill(&world.stand_in);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(world.call(Retry::Never).await.unwrap(), 401, "on a new one");
    }
    let before = world.stand_in.connections();
    for _ in 0..3 {
        world.clock.advance(Duration::from_millis(500));
        world.call(Retry::Never).await.unwrap();
    }
    assert_eq!(world.stand_in.connections(), before, "a good one goes on being used");
    world.clock.set_back(Duration::from_mins(10));
    world.call(Retry::Never).await.unwrap();
    assert_eq!(world.stand_in.connections(), before + 1, "nobody knows for how long it was idle");
}

#[tokio::test]
async fn connections_that_were_idle_for_a_minute_are_not_reused() {
    let world = World::start().await;
    world.call(Retry::Once).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    world.call(Retry::Once).await.unwrap();
    assert_eq!(world.stand_in.connections(), 1);
    // The pool's own clock has not moved.
    world.clock.advance(Duration::from_mins(1));
    world.call(Retry::Once).await.unwrap();
    assert_eq!(world.stand_in.connections(), 2);
}

#[tokio::test]
async fn a_failure_has_its_retry_after_in_seconds_or_as_a_date() {
    let (workos, clerk) = tokio::join!(WorkOs::start(), Clerk::start());
    let (liveblocks, livekit) = tokio::join!(Liveblocks::start(), LiveKit::start());
    let (workos, clerk) = (workos.unwrap(), clerk.unwrap());
    let (liveblocks, livekit) = (liveblocks.unwrap(), livekit.unwrap());
    let urls = [workos.url(), clerk.url(), liveblocks.url(), livekit.url()];
    let inject = |rule: FaultRule| {
        workos.inject(rule.clone());
        clerk.inject(rule.clone());
        liveblocks.inject(rule.clone());
        livekit.inject(rule);
    };
    for (status, seconds) in [(429, 100), (503, 100), (500, 7200), (503, 0)] {
        inject(Fault::Dated { status, seconds }.on(PATH));
        for url in &urls {
            let error = call(&provider(url, &Clock::system()), Retry::Never).await.unwrap_err();
            let wait = match &error.failure {
                Failure::Failing { retry_after, .. } | Failure::Limiting { retry_after } => {
                    retry_after.expect("a time")
                }
                other => panic!("{other}"),
            };
            assert_eq!(ApiError::from(error).status(), 503);
            // Some seconds for a machine that is busy.
            assert!(wait <= Duration::from_secs(seconds) && wait.as_secs() + 30 >= seconds);
        }
    }
}
