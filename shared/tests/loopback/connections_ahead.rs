//! Connections that are opened while a function starts, ahead of their first request.

use std::net::SocketAddr;
use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::clock::Clock;
use anteroom::liveblocks::{Liveblocks, UserInfo};
use anteroom::livekit::{Recorder, Recordings};
use anteroom::workos::{Email, Redirects, WorkOs};
use anteroom_stand_ins as stand_ins;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::{Pairs, configured, configured_at};

/// Liveblocks, and a client that has a connection to it.
struct World {
    stand_in: stand_ins::liveblocks::Liveblocks,
    client: Liveblocks,
    clock: Clock,
}

impl World {
    async fn start() -> Self {
        let stand_in = stand_ins::liveblocks::Liveblocks::start().await.unwrap();
        let clock = Clock::fixed(1_900_000_000);
        let client = configured_at(clock.clone(), stand_in.settings(), Liveblocks::configure).await;
        while stand_in.connections() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { stand_in, client, clock }
    }
}

/// The settings of a stand-in, for Liveblocks at another address.
fn at(address: SocketAddr, stand_in: &stand_ins::liveblocks::Liveblocks) -> Pairs {
    let mut pairs = stand_in.settings();
    pairs.retain(|(name, _)| name != "LIVEBLOCKS_API_URL");
    pairs.push(("LIVEBLOCKS_API_URL".to_owned(), format!("http://{address}")));
    pairs
}

async fn identify(client: &Liveblocks) -> Result<(), ApiError> {
    let info = UserInfo { name: "Jane Doe".to_owned(), image_url: None, color: "#0072B2" };
    client.identify_user("jane.doe@example.com", &info, None).await?;
    Ok(())
}

#[tokio::test]
async fn the_first_call_uses_a_connection_opened_ahead() {
    let world = World::start().await;
    assert!(world.stand_in.requests().is_empty());
    for _ in 0..2 {
        identify(&world.client).await.unwrap();
    }
    assert_eq!(world.stand_in.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_was_idle_for_long_is_not_used() {
    let world = World::start().await;
    world.clock.advance(Duration::from_secs(3));
    world.stand_in.silence_connections();
    identify(&world.client).await.unwrap();
    assert_eq!(world.stand_in.connections(), 2);
}

#[tokio::test]
async fn a_call_that_is_sent_once_does_not_use_a_connection_idle_for_a_second() {
    let stand_in = stand_ins::workos::WorkOs::start().await.unwrap();
    let clock = Clock::fixed(1_900_000_000);
    let client = configured_at(clock.clone(), stand_in.settings(), WorkOs::configure).await;
    while stand_in.connections() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    clock.advance(Duration::from_secs(1));
    stand_in.silence_connections();
    client.create_user(&Email::parse("new@example.com").unwrap()).await.unwrap();
    assert_eq!(stand_in.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_no_request_uses_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stand_in = stand_ins::liveblocks::Liveblocks::start().await.unwrap();
    let pairs = at(listener.local_addr().unwrap(), &stand_in);
    let _client = configured_at(Clock::system(), pairs, Liveblocks::configure).await;
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut received = Vec::new();
    let end = connection.read_to_end(&mut received);
    tokio::time::timeout(Duration::from_secs(10), end).await.unwrap().unwrap();
    assert_eq!(received, b"", "nothing was sent");
}

#[tokio::test]
async fn a_recorder_has_a_connection_for_each_of_its_first_two_calls() {
    let stand_in = stand_ins::livekit::LiveKit::start().await.unwrap();
    let connected = async |count| {
        let until_connected = async {
            while stand_in.connections() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), until_connected).await.unwrap();
    };
    let _stopping = configured(stand_in.settings(), Recordings::configure).await;
    connected(1).await;
    let _recorder = configured(stand_in.settings(), Recorder::configure).await;
    connected(3).await;
    assert!(stand_in.requests().is_empty());
}

#[tokio::test]
async fn a_function_that_only_redirects_opens_no_connection() {
    let stand_in = stand_ins::workos::WorkOs::start().await.unwrap();
    let redirects = configured(stand_in.settings(), Redirects::configure).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stand_in.connections(), 0);
    drop(redirects);
    let _client = configured(stand_in.settings(), WorkOs::configure).await;
    while stand_in.connections() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_host_that_could_not_be_reached_at_start_is_tried_again() {
    let stand_in = stand_ins::liveblocks::Liveblocks::start().await.unwrap();
    stand_in.stop().await;
    let client = configured_at(Clock::system(), stand_in.settings(), Liveblocks::configure).await;
    // Until the first attempt has failed.
    tokio::time::sleep(Duration::from_millis(50)).await;
    stand_in.restart().await.unwrap();
    identify(&client).await.unwrap();
    assert_eq!(stand_in.connections(), 1);
}
