//! Seals that were altered, or that hold something other than a session of their user's.

use std::time::Duration;

use anteroom::clock::Clock;
use anteroom::cookie_seal::CookieSeal;
use anteroom::secrets::{OptionalSecret, Secret};
use anteroom_security::Table;
use anteroom_stand_ins::workos::COOKIE_PASSWORD;
use anteroom_testing::livekit::now;
use anteroom_testing::sessions::{
    COOKIE, access_token, expired_session, sealed, sealed_sign_in, sealed_without_refresh_token,
};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{World, with};

const ENDPOINT: &str = "session";
const INVALID: (u64, &str) = (401, "The session is not valid. Sign in again");
const ENDED: (u64, &str) = (401, "The session has ended. Sign in again");

/// A password that is long enough, of somebody else's.
const OTHER_PASSWORD: &str = "another password, of thirty-two characters and more";

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("WorkOS seals", &world);
    let session = world.workos.sign_in("jane", None);
    let seal = sealed(&world.settings, &session).await;
    let other = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    for (tried, value) in altered(&seal, &other) {
        attacks.add(cleared(&world, tried, &value)).await;
    }
    for (tried, value) in foreign(&world, &session).await {
        attacks.add(cleared(&world, tried, &value)).await;
    }
    for attack in of_two_cookies(&world, &seal, &other) {
        attacks.add(attack).await;
    }
    for attack in spent(&world).await {
        attacks.add(attack).await;
    }
    attacks.table()
}

fn cleared(world: &World, tried: &str, value: &str) -> Attack {
    let event = world.to(ENDPOINT).cookie(COOKIE, value);
    Attack::new(tried, &event).refused(INVALID.0, INVALID.1).clearing(COOKIE)
}

/// A seal's fields: prefix, password id, salt, IV, ciphertext, expiry, salt, MAC.
fn fields(seal: &str) -> Vec<String> {
    seal.strip_suffix("~2").expect("a version").split('*').map(str::to_owned).collect()
}

fn joined(fields: &[String]) -> String {
    format!("{}~2", fields.join("*"))
}

/// Changes that somebody can make who has seals but no password.
fn altered(seal: &str, other: &str) -> Vec<(&'static str, String)> {
    let (own, others) = (fields(seal), fields(other));
    let edit = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut fields = own.clone();
        edit(&mut fields);
        joined(&fields)
    };
    let bytes = |field: usize| BASE64_URL_SAFE_NO_PAD.decode(&own[field]).unwrap();
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let flip = |field: usize, byte: usize| {
        let mut changed = bytes(field);
        changed[byte] ^= 1;
        edit(&|fields| fields[field] = encode(&changed))
    };
    let blocks: Vec<_> = bytes(4).chunks(16).map(<[u8]>::to_vec).collect();
    let reordered: Vec<u8> =
        [&blocks[1], &blocks[0]].into_iter().chain(&blocks[2..]).flatten().copied().collect();
    let shorter: Vec<u8> = blocks[..blocks.len() - 1].concat();
    let ciphertext = bytes(4);
    let last = ciphertext.len() - 1;
    let bare = seal.strip_suffix("~2").unwrap();
    vec![
        ("no version", bare.to_owned()),
        ("version 1", format!("{bare}~1")),
        ("version 3", format!("{bare}~3")),
        ("version 02", format!("{bare}~02")),
        ("the version twice", format!("{seal}~2")),
        ("an empty version", format!("{bare}~")),
        ("another format", edit(&|fields| "Fe26.1".clone_into(&mut fields[0]))),
        ("the format in small letters", edit(&|fields| "fe26.2".clone_into(&mut fields[0]))),
        ("another password's id", edit(&|fields| "2".clone_into(&mut fields[1]))),
        ("no password's id", edit(&|fields| fields[1].clear())),
        (
            "a bit flipped in the salt of the encryption",
            edit(&|fields| fields[2] = with_other_digit(&fields[2])),
        ),
        ("a bit flipped in the IV", flip(3, 0)),
        ("a bit flipped in the first block", flip(4, 0)),
        ("a bit flipped in the middle block", flip(4, last / 2)),
        ("a bit flipped in the last block", flip(4, last)),
        (
            "an expiry where there was none",
            edit(&|fields| "4102444800000".clone_into(&mut fields[5])),
        ),
        ("an expiry that is no number", edit(&|fields| "never".clone_into(&mut fields[5]))),
        (
            "a bit flipped in the salt of the MAC",
            edit(&|fields| fields[6] = with_other_digit(&fields[6])),
        ),
        ("a bit flipped in the MAC", flip(7, 0)),
        ("a MAC without its last byte", edit(&|fields| fields[7] = encode(&bytes(7)[..31]))),
        ("an empty MAC", edit(&|fields| fields[7].clear())),
        ("another seal's MAC", edit(&|fields| fields[7].clone_from(&others[7]))),
        (
            "another seal's MAC and its salt",
            edit(&|fields| fields[6..].clone_from_slice(&others[6..])),
        ),
        ("another seal's ciphertext", edit(&|fields| fields[4].clone_from(&others[4]))),
        ("another seal's IV", edit(&|fields| fields[3].clone_from(&others[3]))),
        ("another seal's salt of the encryption", edit(&|fields| fields[2].clone_from(&others[2]))),
        ("the two salts swapped", edit(&|fields| fields.swap(2, 6))),
        ("the IV and the MAC swapped", edit(&|fields| fields.swap(3, 7))),
        ("the first two blocks swapped", edit(&|fields| fields[4] = encode(&reordered))),
        ("a block less", edit(&|fields| fields[4] = encode(&shorter))),
        ("half a block", edit(&|fields| fields[4] = encode(&ciphertext[..24]))),
        ("no ciphertext", edit(&|fields| fields[4].clear())),
        ("a field less", edit(&|fields| drop(fields.remove(5)))),
        ("a field more", edit(&|fields| fields.push(String::new()))),
        ("the salt in capitals", edit(&|fields| fields[2] = fields[2].to_uppercase())),
        ("a salt that is too short", edit(&|fields| fields[2].truncate(32))),
        ("padding after the IV", edit(&|fields| fields[3] = BASE64_URL_SAFE.encode(bytes(3)))),
        ("the standard alphabet", edit(&|fields| fields[7] = BASE64_STANDARD.encode(bytes(7)))),
        ("the seal percent-encoded", seal.replace('*', "%2A").replace('~', "%7E")),
        ("the seal in base64", BASE64_STANDARD.encode(seal)),
        ("no seal", "hello".to_owned()),
        ("only separators", "*******~2".to_owned()),
        ("a seal of 9,000 bytes", edit(&|fields| fields[4] = encode(&[0; 6_720]))),
    ]
}

/// The text with another first hexadecimal digit.
fn with_other_digit(text: &str) -> String {
    let digit = if text.starts_with('0') { '1' } else { '0' };
    format!("{digit}{}", &text[1..])
}

/// Seals a content as anything with this password would.
async fn seal(password: &str, content: &Value, lifetime: Option<Duration>, at: u64) -> String {
    let seal =
        CookieSeal::new(Secret::fixed(SecretString::from(password)), OptionalSecret::absent());
    seal.seal(content, lifetime, Clock::fixed(at).now()).await.expect("a seal")
}

/// Seals that others made, or that hold something else.
async fn foreign(world: &World, session: &Value) -> Vec<(&'static str, String)> {
    let user = &session["user"];
    let content = json!({
        "user": {
            "object": "user", "id": user["id"], "email": user["email"], "emailVerified": true,
            "firstName": "Jane", "lastName": "Doe", "createdAt": "2025-01-01T00:00:00.000Z",
            "updatedAt": "2025-01-01T00:00:00.000Z",
        },
        "accessToken": access_token(session),
        "refreshToken": session["refresh_token"],
    });
    let now = now();
    let own = async |content: &Value| seal(COOKIE_PASSWORD, content, None, now).await;
    let changed_user = async |changes: &Value| {
        own(&with(&content, &json!({ "user": with(&content["user"], changes) }))).await
    };
    let (minute, hour) = (Duration::from_mins(1), now - 3600);
    let last = &COOKIE_PASSWORD[..COOKIE_PASSWORD.len() - 1];
    vec![
        ("another password", seal(OTHER_PASSWORD, &content, None, now).await),
        ("the password without its last character", seal(last, &content, None, now).await),
        (
            "the password and a line break",
            seal(&format!("{COOKIE_PASSWORD}\n"), &content, None, now).await,
        ),
        ("the API key as the password", seal(&world.workos.api_key(), &content, None, now).await),
        ("an expired seal", seal(COOKIE_PASSWORD, &content, Some(minute), hour).await),
        (
            "a seal that expired two minutes ago",
            seal(COOKIE_PASSWORD, &content, Some(minute), now - 180).await,
        ),
        ("the seal of a pending sign-in", sealed_sign_in(COOKIE_PASSWORD).await),
        ("another user's id", changed_user(&json!({ "id": "user_01ANTER00MEVE" })).await),
        (
            "the user's id in capitals",
            changed_user(&json!({ "id": user["id"].as_str().unwrap().to_lowercase() })).await,
        ),
        ("an empty id", changed_user(&json!({ "id": "" })).await),
        ("no id", changed_user(&json!({ "id": null })).await),
        ("no user", own(&with(&content, &json!({ "user": null }))).await),
        ("no access token", own(&with(&content, &json!({ "accessToken": null }))).await),
        ("an empty access token", own(&with(&content, &json!({ "accessToken": "" }))).await),
        (
            "a list of access tokens",
            own(&with(&content, &json!({ "accessToken": [access_token(session)] }))).await,
        ),
        ("an empty object", own(&json!({})).await),
        ("a list", own(&json!([content])).await),
        ("a text", own(&json!("session")).await),
        ("nothing", own(&Value::Null).await),
    ]
}

fn of_two_cookies(world: &World, seal: &str, other: &str) -> Vec<Attack> {
    let two = |tried: &str, first: &str, second: &str| {
        let event = world.to(ENDPOINT).cookie(COOKIE, first).cookie(COOKIE, second);
        Attack::new(tried, &event).refused(INVALID.0, INVALID.1).clearing(COOKIE)
    };
    let jane = world.workos.user("jane").id;
    let in_one = format!("theme=dark; {COOKIE}={seal}; {COOKIE}={other}");
    let joined = world.to(ENDPOINT).header("cookie", &in_one);
    let hidden = format!("{COOKIE}=planted");
    let event = world.to(ENDPOINT).cookie(COOKIE, seal).header("cookie", &hidden);
    vec![
        two("a planted cookie before a good one", "planted", seal),
        two("a good cookie before a planted one", seal, "planted"),
        two("the same good cookie twice", seal, seal),
        two("two good cookies", seal, other),
        two("an empty cookie before a good one", "", seal),
        Attack::new("two cookies in one header", &joined)
            .refused(INVALID.0, INVALID.1)
            .clearing(COOKIE),
        Attack::new("a planted cookie in the header behind the event's list", &event).served(
            200,
            "as the cookie's own user",
            move |body| ensure(body["user"]["id"] == *jane, || body.to_string()),
        ),
    ]
}

/// Genuine seals of sessions that have ended.
async fn spent(world: &World) -> Vec<Attack> {
    let expired = expired_session(&world.workos, "jane", None);
    let without = sealed_without_refresh_token(&expired).await;
    let empty = with(&expired, &json!({ "refresh_token": "made-up" }));
    let revoked = expired_session(&world.workos, "jane", None);
    let sid = anteroom_testing::sessions::sid(&revoked);
    world.workos.revoke_session(&sid);
    let event = |value: &str| world.to(ENDPOINT).cookie(COOKIE, value);
    let ended = |tried: &str, value: &str| {
        Attack::new(tried, &event(value)).refused(ENDED.0, ENDED.1).clearing(COOKIE)
    };
    vec![
        ended("an expired token and no refresh token", &without),
        ended(
            "an expired token and a made-up refresh token",
            &sealed(&world.settings, &empty).await,
        )
        .calling(&["workos authenticate"]),
        ended("a session that was revoked", &sealed(&world.settings, &revoked).await)
            .calling(&["workos authenticate"]),
    ]
}
