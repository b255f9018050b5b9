//! Join tokens, compared with those that LiveKit's own SDK generates from the same input.
//! `interop/livekit/known-join-token.mjs` writes the latter.

use anteroom::caller::{Caller, Person};
use anteroom::clock::Clock;
use anteroom::livekit::{Joins, RoomId, Rooms, Server, Username, default_username};
use anteroom::settings::Settings;
use anteroom_stand_ins::jwt;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Deserialize;
use serde_json::json;

use crate::{Pairs, configured, configured_at};

#[derive(Deserialize)]
struct Known {
    made_at: u64,
    api_key: String,
    api_secret: String,
    tokens: Vec<KnownToken>,
}

#[derive(Deserialize)]
struct KnownToken {
    name: String,
    user_id: String,
    session_id: String,
    room: String,
    username: String,
    token: String,
}

fn known() -> Known {
    serde_json::from_str(include_str!("../data/join-tokens.json")).unwrap()
}

impl Known {
    /// The token that is made here of what `known` was made of.
    async fn ours(&self, known: &KnownToken) -> String {
        let pairs = Pairs::from([
            ("LIVEKIT_API_KEY".to_owned(), self.api_key.clone()),
            ("LIVEKIT_API_SECRET".to_owned(), self.api_secret.clone()),
        ]);
        let (rooms, joins) = configured_at(Clock::fixed(self.made_at), pairs, |settings| {
            Ok((Rooms::to_join(settings)?, Joins::configure(settings)?))
        })
        .await;
        let caller = Caller {
            user_id: known.user_id.clone(),
            session_id: known.session_id.clone(),
            organization_id: None,
            permissions: Vec::new(),
            impersonator: None,
        };
        let room = rooms.room(&caller, &RoomId::parse(&known.room).unwrap()).unwrap();
        let username = Username::parse(&known.username).unwrap();
        let token = joins.token(&caller, &room, &username).await.unwrap();
        let answer = serde_json::to_value(token).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Whether this project's secret has signed the token.
    fn has_signed(&self, token: &str) -> bool {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.api_secret.as_bytes());
        hmac::verify(&key, message.as_bytes(), &signature).is_ok()
    }
}

#[tokio::test]
async fn a_join_token_has_the_claims_of_livekits_own_sdk() {
    let all = known();
    assert!(!all.tokens.is_empty());
    for known in &all.tokens {
        let ours = all.ours(known).await;
        assert_eq!(
            jwt::claims(&ours).unwrap(),
            jwt::claims(&known.token).unwrap(),
            "{}",
            known.name
        );
        let algorithm = |token: &str| jwt::header(token).unwrap()["alg"].clone();
        assert_eq!(algorithm(&ours), algorithm(&known.token), "{}", known.name);
    }
}

#[tokio::test]
async fn a_join_token_is_signed_as_livekits_own_sdk_signs() {
    let all = known();
    for known in &all.tokens {
        assert!(all.has_signed(&known.token), "{}: this is not how the SDK signs", known.name);
        let ours = all.ours(known).await;
        assert!(all.has_signed(&ours), "{}", known.name);
        let forged = jwt::with_claims(&ours, &json!({ "video": { "roomAdmin": true } }));
        assert!(!all.has_signed(&forged), "{}", known.name);
    }
}

fn jane(permissions: &[&str]) -> Caller {
    Caller {
        user_id: "user_jane".to_owned(),
        session_id: "session_1".to_owned(),
        organization_id: None,
        permissions: permissions.iter().map(ToString::to_string).collect(),
        impersonator: None,
    }
}

fn with_keys(own: &[(&str, &str)]) -> Pairs {
    let keys = [
        ("LIVEKIT_API_KEY", "APIKnown"),
        ("LIVEKIT_API_SECRET", "a secret, of thirty-two bytes and more"),
    ];
    let all = keys.into_iter().chain(own.iter().copied());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn rights_follow_the_settings_and_the_permissions() {
    let grant = async |own: &[(&str, &str)], permissions: &[&str]| {
        let (rooms, joins) = configured(with_keys(own), |settings| {
            Ok((Rooms::to_join(settings)?, Joins::configure(settings)?))
        })
        .await;
        let caller = jane(permissions);
        let room = rooms.room(&caller, &RoomId::parse("lobby").unwrap()).unwrap();
        let username = Username::parse("Jane").unwrap();
        let token = serde_json::to_value(joins.token(&caller, &room, &username).await.unwrap());
        jwt::claims(token.unwrap()["token"].as_str().unwrap()).unwrap()["video"].clone()
    };
    let speaking =
        json!({ "roomJoin": true, "room": "lobby", "canPublish": true, "canSubscribe": true });
    let mut watching = speaking.clone();
    watching["canPublish"] = json!(false);
    watching["canPublishData"] = json!(false);
    let needed = [("ROOM_PUBLISH_PERMISSION", "org:rooms:speak")];
    assert_eq!(grant(&[], &[]).await, speaking);
    assert_eq!(grant(&needed, &["rooms:read", "org:rooms:speak"]).await, speaking);
    for held in [&[][..], &["org:rooms"], &["ORG:ROOMS:SPEAK"], &["org:rooms:speak:all"]] {
        assert_eq!(grant(&needed, held).await, watching, "{held:?}");
    }
    watching["canUpdateOwnMetadata"] = json!(true);
    assert_eq!(grant(&[needed[0], ("ROOM_OWN_METADATA", "true")], &[]).await, watching);
    assert_eq!(grant(&[("ROOM_OWN_METADATA", "false")], &[]).await, speaking);
}

#[tokio::test]
async fn participants_connect_to_the_public_address_as_a_web_socket() {
    for (own, expected) in [
        (&[("LIVEKIT_URL", "wss://a.livekit.cloud")][..], Some("wss://a.livekit.cloud")),
        (&[("LIVEKIT_URL", "https://a.livekit.cloud/")], Some("wss://a.livekit.cloud")),
        (&[("LIVEKIT_URL", "http://localhost:7880")], Some("ws://localhost:7880")),
        (
            &[("LIVEKIT_URL", "http://localhost:7880"), ("LIVEKIT_PUBLIC_URL", "wss://b.example")],
            Some("wss://b.example"),
        ),
        (&[("LIVEKIT_PUBLIC_URL", "https://b.example/http")], Some("wss://b.example/http")),
        (&[], None),
        (&[("LIVEKIT_URL", "ws://a.livekit.cloud")], None),
        (&[("LIVEKIT_URL", "wss://a.livekit.cloud"), ("LIVEKIT_PUBLIC_URL", "b.example")], None),
    ] {
        let mut settings = Settings::from_pairs(own.iter().copied(), Clock::system()).unwrap();
        let server = Server::configure(&mut settings).ok();
        assert_eq!(server.as_ref().map(Server::as_str), expected, "{own:?}");
    }
}

#[test]
fn a_participant_without_a_name_gets_the_persons_name_or_the_users_id() {
    let person = |name: &str| Person::new(None, [Some(name), None], None);
    let name = |person: Option<&Person>| default_username(person, &jane(&[])).unwrap();
    assert_eq!(name(Some(&person("Jane Doe"))).as_str(), "Jane Doe");
    for odd in ["", "Jane\nDoe", "\u{202e}enaJ", "\u{200b}"] {
        assert_eq!(name(Some(&person(odd))).as_str(), "user_jane", "{odd:?}");
    }
    assert_eq!(name(None).as_str(), "user_jane");
    // What is too long is shortened, to 128 characters or 256 bytes.
    assert_eq!(name(Some(&person(&"x".repeat(200)))).as_str(), "x".repeat(128));
    assert_eq!(name(Some(&person(&"字".repeat(128)))).as_str(), "字".repeat(85));
}
