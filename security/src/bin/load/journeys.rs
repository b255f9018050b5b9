//! What people do, over and over.

use std::time::Duration;

use anteroom_stand_ins::workos::Organization;
use serde_json::json;
use tokio::time::Instant;

use crate::Load;
use crate::browser::{Browser, Request};

const WORKOS: &[&str] = &["WorkOS"];
const LIVEKIT: &[&str] = &["WorkOS", "LiveKit"];
const LIVEBLOCKS: &[&str] = &["Clerk", "Liveblocks"];
const NOBODY: &[&str] = &[];

/// WorkOS sends three codes a minute to an address.
const CODE_PAUSE: Duration = Duration::from_secs(25);

const fn post(path: &'static str, needs: &'static [&'static str]) -> Request {
    Request { name: path, method: "POST", path, needs, status: 200 }
}

const SIGN_UP: Request = Request { status: 201, ..post("/auth/sign-up", WORKOS) };
const SIGN_IN: Request = post("/auth/sign-in", WORKOS);
const FINALIZE_MAGIC_AUTH: Request = post("/auth/finalize-magic-auth", WORKOS);
const GOOGLE: Request = post("/auth/continue-with-google", NOBODY);
const FINALIZE_OAUTH: Request = post("/auth/finalize-oauth", WORKOS);
const SELECT: Request = post("/auth/select-organization", WORKOS);
const SWITCH: Request = post("/auth/switch-organization", WORKOS);
const SESSION: Request = Request { method: "GET", ..post("/auth/session", WORKOS) };
const SIGN_OUT: Request = post("/auth/sign-out", WORKOS);
const DEV_SIGN_IN: Request = post("/auth/dev-sign-in", WORKOS);
const ROOM_AUTH: Request = post("/api/v1/livekit/room-auth", WORKOS);
const TOKEN: Request = Request { status: 201, ..post("/api/v1/livekit/token", WORKOS) };
const INVITE: Request = post("/api/v1/livekit/invite-guest", WORKOS);
const GUEST: Request = post("/api/v1/livekit/guest-auth", NOBODY);
const START: Request = post("/api/v1/livekit/start-recording", LIVEKIT);
const STOP: Request = post("/api/v1/livekit/stop-recording", LIVEKIT);
const RECORDINGS: Request =
    Request { method: "GET", ..post("/api/v1/livekit/recordings", LIVEKIT) };
const LIVEBLOCKS_AUTH: Request = post("/api/liveblocks-auth", LIVEBLOCKS);

/// The id of an organization, which the stand-in derives from its name.
fn organization(name: &str) -> String {
    Organization::new(name).id
}

/// Signs up, in with a code, into a room, and out.
pub(crate) async fn code(load: &Load, end: Instant) {
    while Instant::now() < end {
        let mut browser = Browser::new(load);
        let _ = sign_in_with_code(load, &mut browser).await;
    }
}

async fn sign_in_with_code(load: &Load, browser: &mut Browser<'_>) -> Option<()> {
    let email = format!("load-{}@example.com", load.next());
    let address = json!({ "email": email });
    browser.send(&SIGN_UP, &address).await?;
    browser.send(&SIGN_IN, &address).await?;
    let code = browser.dev("WorkOS", &format!("/dev/magic-code?email={email}")).await;
    browser.send(&FINALIZE_MAGIC_AUTH, &json!({ "email": email, "code": code })).await?;
    browser.send(&SESSION, &json!({})).await?;
    browser.send(&ROOM_AUTH, &json!({ "username": "Load", "roomId": "room123" })).await?;
    browser.send(&SIGN_OUT, &json!({})).await?;
    Some(())
}

/// Signs in with Google, and goes on with the session for as long as the load lasts. No outage may end
/// it. Its tokens live for seconds.
pub(crate) async fn long_session(load: &Load, end: Instant) {
    let Some(mut browser) = signed_in(load, "member_of_two", end).await else {
        return load.wrong("a long session could not begin".to_owned());
    };
    let (mut here, mut there) = ("MASADAS", "TAUNTA SCRE");
    while Instant::now() < end {
        for _ in 0..5 {
            browser.send(&SESSION, &json!({})).await;
        }
        let id = organization(there);
        let input = json!({ "email": "123@gmail.com", "organizationId": id });
        if browser.send(&SWITCH, &input).await.is_some() {
            std::mem::swap(&mut here, &mut there);
        }
    }
    // The faults are over.
    if browser.send(&SESSION, &json!({})).await.is_none() {
        load.wrong("a session was lost".to_owned());
    }
    load.count_session();
}

/// A browser of this user, who has signed in with Google.
async fn signed_in<'l>(load: &'l Load, user: &str, end: Instant) -> Option<Browser<'l>> {
    while Instant::now() < end {
        let mut browser = Browser::new(load);
        if sign_in_with_google(&mut browser, user).await.is_some() {
            return Some(browser);
        }
    }
    None
}

async fn sign_in_with_google(browser: &mut Browser<'_>, user: &str) -> Option<()> {
    let begun = browser.send(&GOOGLE, &json!({})).await?;
    let page = begun["authData"]["redirectURL"].as_str()?;
    let (code, state) = browser.visit(page, user).await?;
    let done = browser.send(&FINALIZE_OAUTH, &json!({ "code": code, "state": state })).await?;
    let pending = &done["user"]["pendingAuthenticationToken"];
    if pending.is_string() {
        let id = organization("MASADAS");
        let input = json!({ "pendingAuthenticationToken": pending, "organizationId": id });
        browser.send(&SELECT, &input).await?;
    }
    Some(())
}

/// Signs in with Google, and in and out of rooms, with guests.
pub(crate) async fn rooms(load: &Load, end: Instant) {
    while Instant::now() < end {
        let mut browser = Browser::new(load);
        let _ = visit_rooms(load, &mut browser).await;
    }
}

async fn visit_rooms(load: &Load, browser: &mut Browser<'_>) -> Option<()> {
    sign_in_with_google(browser, "jane").await?;
    let room = format!("load-{}", load.next());
    browser.send(&ROOM_AUTH, &json!({ "username": "Jane Doe", "roomId": room })).await?;
    browser.send(&TOKEN, &json!({ "room_name": room })).await?;
    let invited = browser.send(&INVITE, &json!({ "roomId": room })).await?;
    let invitation = &invited["invitation"];
    let input = json!({ "invitation": invitation, "username": "Gus Guest" });
    Browser::new(load).send(&GUEST, &input).await?;
    browser.send(&SIGN_OUT, &json!({})).await?;
    Some(())
}

/// Starts and stops recordings, and lists them.
pub(crate) async fn recordings(load: &Load, end: Instant) {
    while Instant::now() < end {
        let mut browser = Browser::new(load);
        let _ = record(load, &mut browser).await;
    }
}

async fn record(load: &Load, browser: &mut Browser<'_>) -> Option<()> {
    sign_in_with_google(browser, "jane").await?;
    for _ in 0..3 {
        let room = format!("recorded-{}", load.next());
        browser.open_room(&room).await;
        let place = json!({ "roomName": room, "zoneId": "1" });
        let started = browser.send(&START, &place).await?;
        browser.send(&RECORDINGS, &place).await?;
        let mut input = place.clone();
        input["egressId"] = started["egressId"].clone();
        browser.send(&STOP, &input).await?;
        let listed = browser.send(&RECORDINGS, &place).await?;
        let found = listed["recordings"].as_array().map_or(0, Vec::len);
        if found != 1 {
            load.wrong(format!("{found} recordings of a room with one"));
        }
    }
    Some(())
}

/// Signs in as the developer, no more often than WorkOS sends codes to one address.
pub(crate) async fn developer(load: &Load, end: Instant) {
    while Instant::now() < end {
        Browser::new(load).send(&DEV_SIGN_IN, &json!({})).await;
        tokio::time::sleep_until(end.min(Instant::now() + CODE_PAUSE)).await;
    }
}

/// Opens documents.
pub(crate) async fn documents(load: &Load, end: Instant) {
    while Instant::now() < end {
        let mut browser = Browser::new(load);
        browser.bearer = Some(browser.dev("Clerk", "/dev/session-token?user=jane").await);
        for _ in 0..3 {
            browser.send(&LIVEBLOCKS_AUTH, &json!({})).await;
        }
    }
}

/// Sends what no endpoint accepts, with the answer that does not depend on any provider.
pub(crate) async fn mistakes(load: &Load, end: Instant) {
    let bad = |name, request: Request, status| Request { name, needs: NOBODY, status, ..request };
    let no_json = bad("bad: no JSON", SIGN_IN, 400);
    let no_address = bad("bad: no address", SIGN_UP, 400);
    let no_session = bad("bad: no session", ROOM_AUTH, 401);
    let forged = bad("bad: a foreign page", DEV_SIGN_IN, 403);
    let method = bad("bad: method", Request { method: "PUT", ..SESSION }, 405);
    let invitation = bad("bad: an invitation", GUEST, 401);
    let nowhere = Request { name: "bad: no such path", path: "/auth", status: 404, ..GUEST };
    let long = bad("bad: too long", SIGN_IN, 413);
    while Instant::now() < end {
        let mut browser = Browser::new(load);
        browser.send_text(&no_json, "", "{".to_owned()).await;
        browser.send(&no_address, &json!({ "email": "nobody" })).await;
        browser.send(&no_session, &json!({ "username": "Eve", "roomId": "room123" })).await;
        browser.send(&method, &json!({})).await;
        let input = json!({ "invitation": "a.b.c", "username": "Eve" });
        browser.send(&invitation, &input).await;
        browser.send(&nowhere, &json!({})).await;
        browser.send(&long, &json!({ "email": "x".repeat(17 * 1024) })).await;
        browser.origin = "https://evil.example";
        browser.send(&forged, &json!({})).await;
    }
}
