//! What Liveblocks answers, which `liveblocks-auth` passes on: its own fields and nothing odd.

#![no_main]

use anteroom_fuzz::functions::{Started, start};
use anteroom_fuzz::script::Reply;
use anteroom_fuzz::world::{World, request};
use anteroom_fuzz::{answer, genuine, json, script};
use libfuzzer_sys::fuzz_target;

const USER: &str = r#"{"id":"user_1","primary_email_address_id":"idn_1","email_addresses":
    [{"id":"idn_1","email_address":"jane@example.com","verification":{"status":"verified"}}]}"#;

thread_local! {
    static FUNCTION: (World, Box<dyn Started>) = {
        let world = World::start();
        world.providers.fix("/v1/users/", Reply::json(200, USER));
        let function = world.run(start("liveblocks-auth", world.settings(&[])));
        (world, function)
    };
}

fuzz_target!(|data: &[u8]| {
    FUNCTION.with(|(world, function)| {
        let replies = script::replies(data);
        world.providers.play(replies.clone());
        let bearer = format!("Bearer {}", genuine::clerk_token());
        let request = request("POST", "/api/liveblocks-auth", &[("authorization", &bearer)], "");
        let answer = world.run(function.answer(world.limit(request)));
        let answer = answer::checked(answer, &replies);
        assert!(matches!(answer.status, 200 | 403 | 502 | 503), "{}", answer.status);
        if answer.status == 200 {
            let sent = &replies[0];
            assert!((200..300).contains(&sent.status), "{}", sent.status);
            assert!(answer.body["token"].as_str().is_some_and(|token| !token.is_empty()));
            if let Some(sent) = json::strict(&sent.body) {
                assert_eq!(answer.body, sent);
            }
        }
    });
});
