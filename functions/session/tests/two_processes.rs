//! Two processes of the function that meet one session at the same moment, as happens whenever a page
//! sends several requests after a pause: Lambda gives each a process of its own, and every one of
//! them has to renew the session.

mod sessions;

use anteroom_local::instance::Instance;
use anteroom_local::testing::{Answer, AuthWorld};

use self::sessions::{COOKIE, expired_session, sealed};

const BINARY: &str = env!("CARGO_BIN_EXE_session");

const ROUNDS: usize = 200;

#[tokio::test]
async fn both_serve_a_session_that_both_have_to_renew_and_the_browser_keeps_it() {
    let world = AuthWorld::start(BINARY).await;
    let second = Instance::start(BINARY, world.settings.clone()).await.expect("a second process");
    let page = world.event().method("GET");
    for round in 0..ROUNDS {
        let session = expired_session(&world.workos, "jane", None);
        let asks = page.clone().cookie(COOKIE, &sealed(&world.settings, &session).await);

        let (one, other) = tokio::join!(world.ask(&asks), Answer::of(&second, &asks));

        for answer in [&one, &other] {
            assert_eq!(answer.status(), 200, "round {round}: {}", answer.text());
        }
        // The browser keeps the cookie of whichever answer arrives last.
        for renewed in [one.cookie(), other.cookie()] {
            assert!(!renewed.is_cleared(), "round {round}");
            let next = world.ask(&page.clone().cookie(COOKIE, &renewed.value)).await;
            assert_eq!(next.status(), 200, "round {round}: {}", next.text());
            assert_eq!(
                next.cookies(),
                [],
                "round {round}: the renewed session is good for a while"
            );
        }
    }
}
