//! What Clerk and then Liveblocks answer: who a user is, as `liveblocks-auth` reads it.

#![no_main]

use anteroom_fuzz::functions::{Started, start};
use anteroom_fuzz::world::{World, request};
use anteroom_fuzz::{answer, genuine, json, script};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static FUNCTION: (World, Box<dyn Started>) = {
        let world = World::start();
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
        assert!(answer.cookies.is_empty());
        assert!(matches!(answer.status, 200 | 403 | 404 | 502 | 503), "{}", answer.status);
        let asked = world.providers.asked();
        let Some(read) = asked.first() else {
            // The time was up before the request arrived, on a busy machine.
            return assert_eq!(answer.status, 503);
        };
        assert!(read.line.starts_with("GET /v1/users/user_1 "), "{}", read.line);
        let Some(identified) = asked.get(1) else {
            return assert_ne!(answer.status, 200, "a token without Liveblocks");
        };
        assert!(identified.line.starts_with("POST /v2/identify-user "), "{}", identified.line);
        let identity = json::strict(&identified.body).expect("JSON");
        let email = identity["userId"].as_str().expect("an address");
        assert!((1..=128).contains(&email.chars().count()), "{email}");
        assert!(identity["userInfo"].to_string().chars().count() <= 1024, "{identity}");
        assert!(identity["userInfo"]["name"].as_str().is_some_and(|name| !name.is_empty()));
        let Some(user) = json::strict(&replies[0].body) else {
            return;
        };
        // The address is the primary one, and Clerk does not call it unverified.
        assert_eq!(replies[0].status, 200);
        let primary = &user["primary_email_address_id"];
        let addresses = user["email_addresses"].as_array().expect("addresses");
        let is_primary = |address: &&serde_json::Value| {
            address["id"] == *primary && address["email_address"] == email
        };
        let primary = addresses.iter().find(is_primary).expect("the primary address");
        assert_ne!(primary["verification"]["status"], "unverified");
        assert!(user["banned"] != true && user["locked"] != true, "{user}");
    });
});
