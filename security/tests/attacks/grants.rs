//! Join tokens: what a request may ask for, and what it is granted.

use anteroom_security::Table;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::livekit::API_KEY;
use anteroom_testing::Event;
use anteroom_testing::mistakes::HOSTILE_NAMES;
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::{JANE_ID, Own, World, with};

const ROOM: &str = "room-auth";
const TOKEN: &str = "livekit-token";

const APART: Own = &[("ROOM_NAMESPACE", "organization")];
const SPEAKERS_ONLY: Own = &[("ROOM_PUBLISH_PERMISSION", "rooms:speak")];

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("LiveKit grants", &world);
    for (tried, wish) in wishes() {
        for attack in [wishing_room(&world, tried, &wish), wishing_token(&world, tried, &wish)] {
            attacks.add(attack).await;
        }
    }
    for attack in elsewhere(&world) {
        attacks.add(attack).await;
    }
    for name in HOSTILE_NAMES {
        attacks.add(apart(&world, name)).await;
    }
    for (tried, name) in escapes(&world) {
        attacks.add(apart_called(&world, &format!("{tried} as the room"), &name)).await;
    }
    for attack in without_rights(&world).into_iter().chain(no_names(&world)) {
        attacks.add(attack).await;
    }
    attacks.table()
}

/// Fields with which a request asks for more than it gets.
fn wishes() -> Vec<(&'static str, Value)> {
    vec![
        (
            "another identity",
            json!({ "identity": "user_eve", "participant_identity": "user_eve", "sub": "user_eve" }),
        ),
        (
            "metadata",
            json!({ "metadata": "{\"admin\":true}", "participant_metadata": "{\"admin\":true}" }),
        ),
        (
            "attributes",
            json!({ "attributes": { "role": "admin" }, "participant_attributes": { "role": "admin" } }),
        ),
        (
            "the rights of an administrator",
            json!({ "roomAdmin": true, "video": { "roomAdmin": true }, "grants": { "roomAdmin": true } }),
        ),
        (
            "the right to create rooms",
            json!({ "roomCreate": true, "video": { "roomCreate": true } }),
        ),
        ("the right to record", json!({ "roomRecord": true, "video": { "roomRecord": true } })),
        ("the right to list rooms", json!({ "roomList": true, "video": { "roomList": true } })),
        (
            "to be hidden",
            json!({ "hidden": true, "recorder": true, "agent": true, "kind": "agent", "video": { "hidden": true } }),
        ),
        ("to be an ingress", json!({ "ingressAdmin": true, "video": { "ingressAdmin": true } })),
        ("to use telephones", json!({ "sip": { "admin": true, "call": true } })),
        (
            "to change one's own metadata",
            json!({ "canUpdateOwnMetadata": true, "video": { "canUpdateOwnMetadata": true } }),
        ),
        (
            "all sources",
            json!({ "canPublishSources": ["camera", "screen_share"], "video": { "canPublishSources": [] } }),
        ),
        (
            "a longer life",
            json!({ "ttl": "100d", "exp": 4_102_444_800_u64, "validFor": 1_000_000 }),
        ),
        (
            "a configured room",
            json!({ "room_config": { "name": "other", "agents": [{ "agentName": "spy" }], "egress": { "room": { "file": "x" } } }, "roomConfig": { "name": "other" } }),
        ),
        ("a preset", json!({ "roomPreset": "admin", "room_preset": "admin" })),
        (
            "another organization",
            json!({ "organizationId": "org_01OTHER", "org_id": "org_01OTHER", "o": { "id": "org_01OTHER" } }),
        ),
        (
            "permissions",
            json!({ "permissions": ["rooms:moderate"], "org_permissions": ["org:rooms:moderate"] }),
        ),
        (
            "another room under other names",
            json!({ "room": "other", "Room": "other", "roomname": "other", "video": { "room": "other" } }),
        ),
        (
            "prototype pollution",
            json!({ "__proto__": { "roomAdmin": true }, "constructor": { "prototype": { "roomAdmin": true } } }),
        ),
    ]
}

fn wishing_room(world: &World, tried: &str, wish: &Value) -> Attack {
    let input = with(&json!({ "username": "Jane Doe", "roomId": "daily" }), wish);
    let event = world.to(ROOM).bearer(&world.workos.access_token("jane")).json(&input);
    Attack::new(format!("{tried}, in the body"), &event).served(
        200,
        "with the usual grants only",
        |body| is_plain(&body["token"], "daily"),
    )
}

fn wishing_token(world: &World, tried: &str, wish: &Value) -> Attack {
    let input = with(&json!({ "participant_name": "Jane Doe", "room_name": "daily" }), wish);
    let event = world.to(TOKEN).bearer(&world.workos.access_token("jane")).json(&input);
    Attack::new(format!("{tried}, in LiveKit's own request"), &event).served(
        201,
        "with the usual grants only",
        |body| is_plain(&body["participant_token"], "daily"),
    )
}

/// Whether a token is Jane's for this room, and nothing more.
fn is_plain(token: &Value, room: &str) -> Result<(), String> {
    let claims = token.as_str().and_then(jwt::claims).unwrap_or_default();
    let subject = claims["sub"].as_str().unwrap_or_default();
    let lifetime = claims["exp"].as_u64().zip(claims["nbf"].as_u64());
    let expected = json!({
        "iss": API_KEY, "sub": subject, "name": "Jane Doe", "nbf": claims["nbf"], "exp": claims["exp"],
        "video": { "roomJoin": true, "room": room, "canPublish": true, "canSubscribe": true },
    });
    let is_plain = claims == expected
        && subject.starts_with(&format!("{JANE_ID}:"))
        && lifetime.is_some_and(|(end, start)| end - start == 600);
    ensure(is_plain, || claims.to_string())
}

/// The same wishes outside the body.
fn elsewhere(world: &World) -> Vec<Attack> {
    let event = || {
        world
            .to(ROOM)
            .bearer(&world.workos.access_token("jane"))
            .json(&json!({ "username": "Jane Doe", "roomId": "daily" }))
    };
    let wish = |tried: &str, event: &Event| {
        Attack::new(tried, event)
            .served(200, "with the usual grants only", |body| is_plain(&body["token"], "daily"))
    };
    vec![
        wish(
            "wishes in the query",
            &event().query("roomAdmin=true&roomId=other&identity=user_eve"),
        ),
        wish(
            "wishes in headers",
            &event()
                .header("x-livekit-grants", "{\"roomAdmin\":true}")
                .header("x-organization-id", "org_01OTHER"),
        ),
        wish(
            "wishes in cookies",
            &event().cookie("roomAdmin", "true").cookie("identity", "user_eve"),
        ),
        wish(
            "wishes in path parameters",
            &event().with("/pathParameters", json!({ "roomId": "other" })),
        ),
        wish(
            "wishes in stage variables",
            &event().with(
                "/stageVariables",
                json!({ "LIVEKIT_API_SECRET": "x", "ROOM_NAMESPACE": "none" }),
            ),
        ),
        wish(
            "wishes in an authorizer's context",
            &event().with(
                "/requestContext/authorizer",
                json!({ "lambda": { "roomAdmin": true, "sub": "user_eve" } }),
            ),
        ),
    ]
}

/// With rooms apart, a name leads to no other organization's room.
fn apart(world: &World, name: &str) -> Attack {
    apart_called(world, &format!("`{name}` as the room"), name)
}

fn apart_called(world: &World, tried: &str, name: &str) -> Attack {
    let event = world
        .to(ROOM)
        .bearer(&world.workos.access_token("jane"))
        .json(&json!({ "username": "Jane Doe", "roomId": name }));
    let room = format!("{}:{name}", world.workos.organization("Example").id);
    Attack::new(tried, &event).with(APART).served(
        200,
        "for a room of one's own organization",
        move |body| is_plain(&body["token"], &room),
    )
}

fn escapes(world: &World) -> Vec<(&'static str, String)> {
    let other = world.workos.organization("MASADAS").id;
    vec![
        ("another organization's room", format!("{other}:daily")),
        ("another organization's room behind a separator", format!(":{other}:daily")),
        ("another organization's room behind a path", format!("../{other}:daily")),
        ("only a separator", ":".to_owned()),
        ("a name of another script that ends in the room's", format!("{other}\u{ff1a}daily")),
        ("an encoded separator", format!("{other}%3Adaily")),
    ]
}

fn without_rights(world: &World) -> Vec<Attack> {
    let input = json!({ "username": "Jane Doe", "roomId": "daily" });
    let nobodys =
        world.to(ROOM).bearer(&world.workos.access_token("without_organization")).json(&input);
    let silent = world.to(ROOM).bearer(&world.workos.access_token("jane")).json(&with(
        &input,
        &json!({ "canPublish": true, "video": { "canPublish": true, "canPublishData": true } }),
    ));
    vec![
        Attack::new("a room apart, without an organization", &nobodys)
            .with(APART)
            .refused(403, "Choose an organization first"),
        Attack::new("the right to speak, without the permission", &silent)
            .with(SPEAKERS_ONLY)
            .served(200, "without the right to publish anything", |body| {
                let claims = body["token"].as_str().and_then(jwt::claims).unwrap_or_default();
                let video = json!({
                    "roomJoin": true, "room": "daily", "canPublish": false, "canSubscribe": true,
                    "canPublishData": false,
                });
                ensure(claims["video"] == video, || claims.to_string())
            }),
        Attack::new("nobody's session", &world.to(ROOM).json(&input)).refused(401, "Sign in first"),
        Attack::new(
            "a guest's identity without an invitation",
            &world.to(ROOM).json(&with(&input, &json!({ "identity": "guest:1" }))),
        )
        .refused(401, "Sign in first"),
    ]
}

fn no_names(world: &World) -> Vec<Attack> {
    let token = world.workos.access_token("jane");
    let mut attacks = Vec::new();
    for (tried, name) in [
        ("nothing", json!(null)),
        ("a number", json!(7)),
        ("a list", json!(["daily"])),
        ("an object", json!({ "$ne": "" })),
        ("an empty text", json!("")),
        ("spaces", json!("   ")),
        ("a text of characters that are not visible", json!("\u{200b}\u{2060}\u{feff}")),
        ("a NUL", json!("da\u{0}ily")),
        ("a line break", json!("daily\r\nx: y")),
        ("an escape sequence", json!("\u{1b}[31mdaily")),
        ("another direction", json!("\u{202e}yliad")),
        ("a line separator", json!("daily\u{2028}x")),
        ("129 letters", json!("x".repeat(129))),
        ("258 bytes", json!("\u{5b57}".repeat(86))),
    ] {
        let event =
            world.to(ROOM).bearer(&token).json(&json!({ "username": "Jane", "roomId": name }));
        attacks.push(
            Attack::new(format!("{tried} as the room"), &event)
                .refused(400, "`roomId` is not valid"),
        );
        let event =
            world.to(ROOM).bearer(&token).json(&json!({ "username": name, "roomId": "daily" }));
        attacks.push(
            Attack::new(format!("{tried} as the name"), &event)
                .refused(400, "`username` is not valid"),
        );
    }
    attacks
}
