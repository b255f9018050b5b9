//! What LiveKit's server API answers, as every endpoint that calls it reads it.

#![no_main]

use std::collections::BTreeMap;

use anteroom_fuzz::functions::{Started, start};
use anteroom_fuzz::script::Reply;
use anteroom_fuzz::world::{World, request};
use anteroom_fuzz::{answer, genuine, script};
use libfuzzer_sys::fuzz_target;

/// Each with its path and a valid body.
const CALLS: [(&str, &str, &str); 5] = [
    ("remove-participant", "remove-participant", r#"{"roomId":"daily","identity":"guest:1"}"#),
    (
        "mute-participant",
        "mute-participant",
        r#"{"roomId":"daily","identity":"guest:1","source":"screen_share"}"#,
    ),
    ("start-recording", "start-recording", r#"{"roomName":"daily","zoneId":"1"}"#),
    (
        "stop-recording",
        "stop-recording",
        r#"{"roomName":"daily","zoneId":"1","egressId":"EG_fuzz"}"#,
    ),
    ("recordings", "recordings?roomName=daily&zoneId=1", ""),
];

thread_local! {
    static FUNCTIONS: (World, BTreeMap<&'static str, Box<dyn Started>>) = {
        let world = World::start();
        let empty = r#"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"#;
        world.providers.fix("/fuzz-recordings", Reply::json(200, empty));
        let started = world.run(async {
            let mut started = BTreeMap::new();
            for (name, ..) in CALLS {
                started.insert(name, start(name, world.settings(&[])).await);
            }
            started
        });
        (world, started)
    };
}

fuzz_target!(|data: &[u8]| {
    let names = CALLS.map(|(name, ..)| name);
    let (name, rest) = script::operation(&names, data);
    let (_, path, body) = CALLS.into_iter().find(|call| call.0 == name).expect("a call");
    FUNCTIONS.with(|(world, started)| {
        let replies = script::replies(rest);
        world.providers.play(replies.clone());
        let function = &started[name];
        let bearer = format!("Bearer {}", genuine::access_token());
        let path = format!("/api/v1/livekit/{path}");
        let request = request(function.method(), &path, &[("authorization", &bearer)], body);
        let answer = world.run(function.answer(world.limit(request)));
        let answer = answer::checked(answer, &replies);
        assert!(answer.cookies.is_empty());
        let asked = world.providers.asked();
        let calls = |call: &str| asked.iter().filter(|asked| asked.line.contains(call)).count();
        let expected: &[u64] = match name {
            "remove-participant" | "mute-participant" => &[200, 404, 502, 503],
            "recordings" => &[200, 502, 503],
            _ => &[200, 404, 409, 502, 503],
        };
        assert!(expected.contains(&answer.status), "{name}: {}", answer.status);
        // The time of a run is too short to start one, and what may be repeated is not what acts.
        assert_eq!(calls("/StartRoomCompositeEgress"), 0);
        for acting in ["/RemoveParticipant", "/StopEgress"] {
            assert!(calls(acting) <= 1, "{name} repeats {acting}");
        }
        if answer.status == 200 && name == "stop-recording" {
            assert!(answer.body["egressId"].is_string() && answer.body["timestamp"].is_u64());
        }
        if answer.status == 200 && name == "recordings" {
            for recording in answer.body["recordings"].as_array().expect("a list") {
                let key = recording["key"].as_str().expect("a key");
                assert!(key.starts_with("recordings/1/"), "{key}");
                assert!(recording.get("url").is_none(), "a link to an object that is not there");
            }
        }
    });
});
