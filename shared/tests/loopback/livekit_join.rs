//! Join tokens, beside those that LiveKit's own SDK makes of the same at the same time.
//! `interop/livekit/known-join-token.mjs` has written them down.

use anteroom::caller::Caller;
use anteroom::clock::Clock;
use anteroom::livekit::{Joins, RoomId, Rooms, Username};
use anteroom_stand_ins::jwt;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Deserialize;
use serde_json::json;

use crate::{Pairs, configured_at};

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
async fn a_join_token_says_what_livekits_own_sdk_says() {
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
