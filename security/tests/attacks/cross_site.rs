//! Requests that another site makes a browser send, to every endpoint.

use anteroom_security::Table;
use anteroom_testing::sessions::{COOKIE, sealed};
use anteroom_testing::{Event, PAGE};
use serde_json::json;

use crate::attack::{Attack, Attacks};
use crate::world::World;

const REFUSED: (u64, &str) = (403, "Requests from this origin are not allowed");

/// The endpoint that browsers do not call. LiveKit's signature takes the place of an origin.
const NOT_FOR_BROWSERS: &str = "livekit-webhook";

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Cross-site requests", &world);
    let seal = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    let token = world.clerk.session_token("jane");
    for endpoint in world.endpoints() {
        if endpoint == NOT_FOR_BROWSERS {
            continue;
        }
        let good = good_event(&world, &endpoint);
        let with_cookies = |event: Event| event.cookie(COOKIE, &seal).cookie("__session", &token);
        for (tried, event) in forged(&good) {
            let attack = Attack::new(tried.clone(), &event).refused(REFUSED.0, REFUSED.1);
            attacks.add(attack).await;
            let attack = Attack::new(format!("{tried}, with cookies"), &with_cookies(event));
            attacks.add(attack.refused(REFUSED.0, REFUSED.1)).await;
        }
    }
    for (tried, event) in more_forged(&with_session(&world, &seal)) {
        attacks.add(Attack::new(tried, &event).refused(REFUSED.0, REFUSED.1)).await;
    }
    attacks.table()
}

/// A request from the page with a body that the endpoint accepts.
fn good_event(world: &World, endpoint: &str) -> Event {
    let input = json!({
        "email": "jane.doe@example.com", "code": "123456", "username": "Jane", "roomId": "daily",
        "roomName": "daily", "room_name": "daily", "zoneId": "1", "egressId": "EG_1",
        "identity": "guest:1", "source": "camera", "invitation": "a.b.c",
        "pendingAuthenticationToken": "token", "organizationId": "org_1",
    });
    let event = world.to(endpoint);
    if event.is_get() { event } else { event.json(&input) }
}

fn with_session(world: &World, seal: &str) -> Event {
    good_event(world, "session").cookie(COOKIE, seal)
}

/// The requests that every endpoint gets. Browsers send no `Origin` with a navigation by `GET`.
fn forged(good: &Event) -> Vec<(String, Event)> {
    let form = |event: Event| event.body("application/x-www-form-urlencoded", "email=eve");
    let from = |origin: &str| good.clone().header("origin", origin);
    let navigation = good.clone().without_header("origin").header("sec-fetch-site", "cross-site");
    vec![
        (
            "another site's `fetch`".to_owned(),
            from("https://evil.example").header("sec-fetch-site", "cross-site"),
        ),
        ("another site's form".to_owned(), form(from("https://evil.example"))),
        ("a sandboxed frame".to_owned(), from("null")),
        ("a navigation from another site".to_owned(), navigation),
    ]
}

/// More of them, to the one endpoint that a navigation can read.
fn more_forged(good: &Event) -> Vec<(String, Event)> {
    let from = |origin: &str| good.clone().header("origin", origin);
    let site = |site: &str| good.clone().without_header("origin").header("sec-fetch-site", site);
    let mut requests: Vec<(String, Event)> = Vec::new();
    for origin in [
        "http://localhost:3000.evil.example",
        "http://evil.example/http://localhost:3000",
        "http://localhost:3000@evil.example",
        "https://localhost:3000",
        "http://LOCALHOST:3000",
        "http://localhost:3000/",
        "http://localhost:30000",
        "http://localhost",
        "http://127.0.0.1:3000",
        "http://app.localhost:3000",
        "http://localhost:3000,https://evil.example",
        "http://localhost:3000, http://localhost:3000",
        " http://localhost:3000",
        "http://localhost:3000\t",
        "http://localhost:3000\u{0}",
        "http://localhost\u{ff1a}3000",
        "file://",
        "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "*",
        "",
    ] {
        requests.push((format!("the origin `{origin}`"), from(origin)));
    }
    for fetch_site in [
        "cross-site",
        "Cross-Site",
        "CROSS-SITE",
        " cross-site",
        "none, cross-site",
        "cross-site,same-origin",
    ] {
        requests
            .push((format!("`sec-fetch-site: {fetch_site}` without an origin"), site(fetch_site)));
    }
    let foreign = from("https://evil.example");
    requests.extend([
        (
            "another site that says it is this one".to_owned(),
            foreign.clone().header("sec-fetch-site", "same-origin"),
        ),
        (
            "another site with this page as the referer".to_owned(),
            foreign.clone().header("referer", PAGE),
        ),
        (
            "another site with this page as the forwarded host".to_owned(),
            foreign.clone().header("x-forwarded-host", "localhost:3000"),
        ),
        (
            "another site with an overridden method".to_owned(),
            foreign.clone().header("x-http-method-override", "OPTIONS"),
        ),
        (
            "two origins, this page's first".to_owned(),
            from(PAGE).with("/headers/Origin", json!("https://evil.example")),
        ),
        (
            "two origins, this page's last".to_owned(),
            foreign.clone().with("/headers/Origin", json!(PAGE)),
        ),
        (
            "this page's origin in a list".to_owned(),
            good.clone().with("/headers/origin", json!([PAGE])),
        ),
        ("a number as the origin".to_owned(), good.clone().with("/headers/origin", json!(7))),
        (
            "an object as the origin".to_owned(),
            good.clone().with("/headers/origin", json!({ "origin": PAGE })),
        ),
        ("another site's `HEAD`".to_owned(), foreign.clone().method("HEAD")),
        ("another site's method that there is not".to_owned(), foreign.clone().method("BREW")),
        (
            "another site's token in the header".to_owned(),
            foreign.bearer("eyJhbGciOiJub25lIn0.e30."),
        ),
    ]);
    requests
}
