//! The lists of a bucket: only objects of the folder, in our form, are listed, newest first, each with a
//! link to itself.

#![no_main]

use anteroom_fuzz::functions::{Started, start};
use anteroom_fuzz::script::Reply;
use anteroom_fuzz::world::{BUCKET, NOW, World, request};
use anteroom_fuzz::{answer, genuine, script};
use libfuzzer_sys::fuzz_target;
use url::Url;

/// The folder of the room `daily` in the zone `1`, started by nobody's organization.
const FOLDER: &str = "recordings/1/_daily-674c94e2d24480a5/";

thread_local! {
    static LISTING: (World, Box<dyn Started>) = {
        let world = World::start();
        world.providers.fix("/twirp/", Reply::json(200, r#"{"items":[]}"#));
        let recordings = world.run(start("recordings", world.settings(&[])));
        (world, recordings)
    };
}

fuzz_target!(|data: &[u8]| {
    LISTING.with(|(world, recordings)| {
        let replies = script::replies(data);
        world.providers.play(replies.clone());
        let bearer = format!("Bearer {}", genuine::access_token());
        let address = "/api/v1/livekit/recordings?roomName=daily&zoneId=1";
        let request = request("GET", address, &[("authorization", &bearer)], "");
        let answer = world.run(recordings.answer(world.limit(request)));
        let answer = answer::checked(answer, &replies);
        assert!(matches!(answer.status, 200 | 502 | 503), "{}", answer.status);
        let asked = world.providers.asked().into_iter();
        for asked in asked.filter(|asked| !asked.line.contains("/twirp/")) {
            assert!(asked.line.starts_with(&format!("GET /{BUCKET}?")), "{}", asked.line);
            assert!(asked.line.contains("prefix=recordings%2F1%2F_daily-674c94e2d24480a5%2F"));
        }
        if answer.status != 200 {
            return;
        }
        let recordings = answer.body["recordings"].as_array().expect("a list");
        assert!(recordings.len() <= 100);
        let has_cursor = answer.body.get("cursor").is_some();
        assert!(!has_cursor || recordings.len() == 100, "a cursor on the last page");
        let mut newer: Option<String> = None;
        for recording in recordings {
            let key = recording["key"].as_str().expect("a key");
            let own = key.strip_prefix(FOLDER).expect("the folder");
            assert_eq!(own.len(), "0000-00-00/000000-xxxxxxxxxxxxxxxx.mp4".len(), "{key}");
            assert!(newer.is_none_or(|newer| key <= newer.as_str()), "{key} is out of order");
            newer = Some(key.to_owned());
            assert_eq!(recording["status"], "complete");
            assert!(recording["startedAt"].is_u64());
            for optional in ["sizeBytes", "endedAt"] {
                let value = recording.get(optional);
                assert!(value.is_none_or(serde_json::Value::is_u64), "{recording}");
            }
            let link = Url::parse(recording["url"].as_str().expect("a link")).expect("an address");
            assert!(link.as_str().starts_with(world.providers.address()));
            assert_eq!(link.path(), format!("/{BUCKET}/{key}"));
            assert_eq!(recording["urlExpiresAt"], NOW + 600);
        }
    });
});
