//! The names in a list of recordings: the folder that they lead to, and the cursors that are valid there.

#![no_main]

use anteroom_fuzz::functions::{Started, start};
use anteroom_fuzz::script::Reply;
use anteroom_fuzz::world::{API_SECRET, BUCKET, World, request};
use anteroom_fuzz::{answer, genuine, script};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use url::Url;
use url::form_urlencoded::Serializer;

struct Listing {
    world: World,
    recordings: Box<dyn Started>,
    key: [u8; 32],
}

thread_local! {
    static LISTING: Listing = {
        let world = World::start();
        world.providers.fix("/twirp/", Reply::json(200, r#"{"items":[]}"#));
        let empty = r#"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"#;
        world.providers.fix("/fuzz-recordings", Reply::json(200, empty));
        let recordings = world.run(start("recordings", world.settings(&[])));
        let key = genuine::hkdf_sha256(API_SECRET.as_bytes(), b"anteroom recordings cursor 1");
        Listing { world, recordings, key }
    };
}

// Room, zone, and the cursor's text, each in a line. `signed` makes a cursor for the folder out of it,
// `moved` one for another folder.
fuzz_target!(|data: &[u8]| {
    let (operation, rest) = script::operation(&["text", "signed", "moved"], data);
    let (room, rest) = script::split_at_line(rest);
    let (zone, cursor) = script::split_at_line(rest);
    let [room, zone] = [room, zone].map(|name| String::from_utf8_lossy(name).into_owned());
    LISTING.with(|listing| {
        let Some(folder) = list(listing, &room, &zone, None) else {
            return;
        };
        assert!(folder.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte)));
        assert!(folder.starts_with("recordings/") && folder.matches('/').count() == 3, "{folder}");
        let sign = |folder: &str| {
            let message = [folder.as_bytes(), cursor].concat();
            let tag = genuine::hmac_sha256(&listing.key, &message);
            BASE64_URL_SAFE_NO_PAD.encode([cursor, &tag[..]].concat())
        };
        let text = match operation {
            "signed" => sign(&folder),
            "moved" => sign("recordings/1/_other-674c94e2d24480a5/"),
            _ => String::from_utf8_lossy(cursor).into_owned(),
        };
        if let Some(read) = list(listing, &room, &zone, Some(&text)) {
            assert_eq!(read, folder, "a cursor leads into another folder");
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).expect("base64url");
            let (own, tag) = bytes.split_at(bytes.len() - 32);
            let message = [folder.as_bytes(), own].concat();
            assert_eq!(tag, genuine::hmac_sha256(&listing.key, &message), "nobody has signed it");
            assert!(has_form(own), "{:?} is no key", String::from_utf8_lossy(own));
        }
    });
});

/// Lists the recordings. Gives the folder that the bucket was asked for, or `None` for 400.
fn list(listing: &Listing, room: &str, zone: &str, cursor: Option<&str>) -> Option<String> {
    let Listing { world, recordings, .. } = listing;
    let mut query = Serializer::new(String::new());
    query.append_pair("roomName", room).append_pair("zoneId", zone);
    query.extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
    let address = format!("/api/v1/livekit/recordings?{}", query.finish());
    let bearer = format!("Bearer {}", genuine::access_token());
    let request = request("GET", &address, &[("authorization", &bearer)], "");
    world.providers.play(Vec::new());
    let answer = answer::checked(world.run(recordings.answer(world.limit(request))), &[]);
    let asked = world.providers.asked();
    match answer.status {
        400 => {
            assert!(asked.is_empty(), "a provider was asked about what is not valid");
            return None;
        }
        200 => assert_eq!(answer.body["recordings"], serde_json::json!([])),
        // The time is up, on a busy machine.
        status => {
            assert_eq!(status, 503);
            return None;
        }
    }
    let listed = asked.iter().find(|asked| asked.line.contains(BUCKET)).expect("a list");
    let target = listed.line.split(' ').nth(1).expect("a target");
    let address = Url::parse(&format!("http://localhost{target}")).expect("an address");
    let prefix = address.query_pairs().find(|(name, _)| name == "prefix").expect("a folder").1;
    Some(prefix.into_owned())
}

/// `<date>/<time>-<random>.mp4`
fn has_form(own: &[u8]) -> bool {
    let form = b"dddd-dd-dd/dddddd-xxxxxxxxxxxxxxxx.mp4";
    own.len() == form.len()
        && own.iter().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            _ => byte == form,
        })
}
