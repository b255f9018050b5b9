//! The whole way from the text of an event to the answer of a handler, for every function. Providers are
//! down.

#![no_main]

use std::collections::BTreeMap;

use anteroom::fuzzing;
use anteroom_fuzz::functions::{NAMES, Started, start};
use anteroom_fuzz::world::{PAGE, World};
use anteroom_fuzz::{answer, genuine, json, script};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

/// LiveKit's server calls it, and no browser.
const WITHOUT_ORIGIN: &str = "livekit-webhook";

struct Functions {
    world: World,
    started: BTreeMap<&'static str, Box<dyn Started>>,
}

thread_local! {
    static FUNCTIONS: Functions = {
        let world = World::start();
        let started = world.run(async {
            let mut started = BTreeMap::new();
            for name in NAMES {
                started.insert(name, start(name, world.settings(&[])).await);
            }
            started
        });
        Functions { world, started }
    };
}

// `@access@` stands for a genuine access token.
fuzz_target!(|data: &[u8]| {
    let (name, event) = script::operation(&NAMES, data);
    let event = &genuine::filled_in(event);
    FUNCTIONS.with(|Functions { world, started }| {
        let Some(request) = fuzzing::request(event) else {
            let is_json = serde_json::from_slice::<IgnoredAny>(event).is_ok();
            // The runtime looks for no more than one value, and we keep its text.
            assert!(!is_json || std::str::from_utf8(event).is_err(), "a JSON event is no request");
            return;
        };
        let function = &started[name];
        world.providers.play(Vec::new());
        let method = request.method().clone();
        let answer = world.run(function.answer(world.limit(request)));
        let answer = answer::checked(answer, &[]);

        assert_eq!(answer.status == 204, method == "OPTIONS", "{name}");
        if method == "OPTIONS" || name == WITHOUT_ORIGIN {
            return;
        }
        if json::strict(event).is_some_and(|event| has_foreign_origin(&event)) {
            assert_eq!(answer.status, 403, "{name}");
            assert!(answer.cookies.is_empty(), "{name}");
            assert!(world.providers.asked().is_empty(), "{name}");
        } else if method != function.method() {
            // A method that cannot be read is not known, so it is the default one.
            assert!(matches!(answer.status, 400 | 403 | 405), "{name}: {}", answer.status);
        }
    });
});

/// Whether the event has an origin that is not allowed. Several names that differ only in case are
/// several headers.
fn has_foreign_origin(event: &Value) -> bool {
    let Some(headers) = event["headers"].as_object() else {
        return false;
    };
    let mut origins = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("origin"));
    origins.any(|(_, value)| value.as_str().is_some_and(|origin| origin != PAGE))
}
