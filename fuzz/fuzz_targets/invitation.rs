//! Invitations: whatever is signed with their key opens at most the room it names, for a guest, until it
//! expires; and nothing else is an invitation.

#![no_main]

use anteroom::caller::Caller;
use anteroom::livekit::{
    Guests, InvitationToken, Invitations, NewInvitation, RoomId, Rooms, Username,
};
use anteroom_fuzz::world::{API_KEY, API_SECRET, NOW, World};
use anteroom_fuzz::{genuine, json, script};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

struct Inviting {
    world: World,
    guests: Guests,
    invitations: Invitations,
    rooms: Rooms,
    /// The key of invitations, derived as `docs/livekit.md` says.
    key: [u8; 32],
    username: Username,
    caller: Caller,
}

thread_local! {
    static INVITING: Inviting = {
        let world = World::start();
        let mut settings = world.settings(&[]);
        let server = world.providers.address().trim_start_matches("http://").to_owned();
        let purpose = format!("anteroom invitation\ndev\n{server}\nnone");
        Inviting {
            guests: Guests::configure(&mut settings).expect("settings"),
            invitations: Invitations::configure(&mut settings).expect("settings"),
            rooms: Rooms::to_invite(&mut settings).expect("settings"),
            key: genuine::hkdf_sha256(API_SECRET.as_bytes(), purpose.as_bytes()),
            username: Username::parse("Guest").expect("a name"),
            caller: Caller {
                user_id: genuine::USER.to_owned(),
                session_id: "session_1".to_owned(),
                organization_id: None,
                permissions: vec!["rooms:invite".to_owned()],
                impersonator: None,
            },
            world,
        }
    };
}

fuzz_target!(|data: &[u8]| {
    let operations = ["text", "claims", "header", "request"];
    let (operation, rest) = script::operation(&operations, data);
    INVITING.with(|inviting| {
        let header = br#"{"alg":"HS256","typ":"anteroom-invitation+jwt"}"#;
        let claims = json!({
            "iss": API_KEY, "exp": NOW + 3600, "room": "daily", "canPublish": true,
            "inviter": genuine::USER,
        });
        match operation {
            "text" => admit(inviting, &String::from_utf8_lossy(rest), None),
            "claims" => {
                let text = genuine::hs256(&inviting.key, header, rest);
                admit(inviting, &text, Some((header, rest)));
            }
            "header" => {
                let claims = claims.to_string();
                let text = genuine::hs256(&inviting.key, rest, claims.as_bytes());
                admit(inviting, &text, Some((rest, claims.as_bytes())));
            }
            _ => invite(inviting, rest),
        }
    });
});

/// Presents an invitation, which is genuine if its header and claims are given.
fn admit(inviting: &Inviting, text: &str, genuine: Option<(&[u8], &[u8])>) {
    let Inviting { world, guests, username, key, .. } = inviting;
    let invitation = InvitationToken::from(text.to_owned());
    let token = match world.run(guests.token(&invitation, username)) {
        Ok(token) => token,
        Err(error) => return assert_eq!(error.status(), 401),
    };
    let parts = || text.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part));
    let decoded: Vec<Vec<u8>> = parts().map(|part| part.expect("base64url")).collect();
    let (header, claims) = genuine.unwrap_or((&decoded[0], &decoded[1]));
    assert_eq!(text, genuine::hs256(key, header, claims), "nobody has signed it");
    let token = serde_json::to_value(&token).expect("JSON");
    let join = payload(token.as_str().or(token["token"].as_str()).expect("a token"));
    let expiry = join["exp"].as_u64().expect("an expiry");
    assert!(NOW < expiry && expiry <= NOW + 600, "{join}");
    let identity = join["sub"].as_str().and_then(|identity| identity.strip_prefix("guest:"));
    assert!(identity.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())));
    let video = join["video"].as_object().expect("a grant");
    let known = ["roomJoin", "room", "canPublish", "canSubscribe", "canPublishData"];
    assert!(video.keys().all(|grant| known.contains(&grant.as_str())), "{join}");
    assert!(video["room"].as_str().is_some_and(|room| !room.is_empty()), "every room");
    let (Some(header), Some(claims)) = (json::strict(header), json::strict(claims)) else {
        return;
    };
    assert_eq!(header["typ"], "anteroom-invitation+jwt");
    assert_eq!((&claims["iss"], &claims["room"]), (&json!(API_KEY), &video["room"]));
    assert_eq!(claims["canPublish"], video["canPublish"]);
    assert!(claims["exp"].as_u64().is_some_and(|end| expiry <= end), "{claims}");
}

/// Asks for an invitation, and presents it.
fn invite(inviting: &Inviting, request: &[u8]) {
    let Inviting { world, invitations, rooms, caller, .. } = inviting;
    let Ok(request) = serde_json::from_slice::<NewInvitation>(request) else {
        return;
    };
    let room = rooms.room(caller, &request.room_id).expect("a room");
    assert_eq!(room.as_str(), RoomId::as_str(&request.room_id));
    let made = world.run(invitations.invite(caller, &room, &request)).expect("an invitation");
    let made = serde_json::to_value(&made).expect("JSON");
    let hours = (made["expiresAt"].as_u64().expect("a time") - NOW) / 3600;
    assert!((1..=168).contains(&hours) && (made["expiresAt"].as_u64() == Some(NOW + hours * 3600)));
    let text = made["invitation"].as_str().expect("a text");
    assert!(text.len() <= 2048);
    assert_eq!(payload(text)["room"], room.as_str());
    let invitation = InvitationToken::from(text.to_owned());
    assert!(world.run(inviting.guests.token(&invitation, &inviting.username)).is_ok());
    admit(inviting, text, None);
}

fn payload(token: &str) -> Value {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims"));
    serde_json::from_slice(&claims.expect("base64url")).expect("JSON")
}
