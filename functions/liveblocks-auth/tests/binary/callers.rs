//! Every kind of caller, and the answer to each.

use crate::world::{PATH, World, bearer, identity, in_cookie, suffix};
use anteroom_stand_ins::clerk::User;
use anteroom_stand_ins::exchange::Answer as Reply;
use anteroom_testing::{Event, PAGE};
use serde_json::{Value, json};

const OTHER_PAGE: &str = "https://other.example";

fn user_not_found() -> (u64, String) {
    (404, "User not found".to_owned())
}

#[tokio::test]
async fn a_user_who_signed_out_after_the_token_was_issued_is_not_found() {
    let world = World::start().await;
    let claims = world.clerk.claims_for("jane");
    let issued = claims["iat"].as_u64().unwrap();
    let token = world.clerk.sign(&world.clerk.header(), &claims);
    let suffix = suffix(&world);
    let suffixed = |updated: u64| {
        Event::post(PATH)
            .cookie(&format!("__session_{suffix}"), &token)
            .cookie(&format!("__client_uat_{suffix}"), &updated.to_string())
    };
    let plain = |updated: &str| in_cookie(&token).cookie("__client_uat", updated);
    for event in [
        plain(&(issued + 1).to_string()),
        plain("0"),
        suffixed(issued + 1),
        suffixed(0),
        // Nothing says when this token was issued.
        in_cookie(&world.token(&json!({"iat": null}))).cookie("__client_uat", "1600000000"),
    ] {
        assert_eq!(world.ask(&event).await.refusal(), user_not_found(), "{event:?}");
    }
    for event in [
        plain(&issued.to_string()),
        suffixed(issued),
        in_cookie(&token),
        Event::post(PATH).cookie(&format!("__session_{suffix}"), &token),
        // The header counts, whatever cookies come along.
        bearer(&token).cookie("__client_uat", "0"),
    ] {
        assert_eq!(world.ask(&event).await.status(), 200, "{event:?}");
    }
}

#[tokio::test]
async fn the_active_organization_is_sent_to_liveblocks_if_configured() {
    for (setting, sends) in [("true", true), ("false", false), ("", false)] {
        let world = World::start_as(|_| {}, &[("LIVEBLOCKS_ORGANIZATIONS", setting)]).await;
        for (user, is_member) in [("member", true), ("jane", false)] {
            let organization = &world.clerk.claims_for(user)["o"]["id"];
            assert_eq!(organization.is_string(), is_member, "{user}");
            let expected = organization.as_str().filter(|_| sends).map(str::to_owned);
            assert_eq!(world.ask_as(user).await.status(), 200, "{setting} {user}");
            let sent = world.liveblocks.requests().pop().unwrap().json().unwrap();
            assert_eq!(sent.get("organizationId"), expected.map(Value::from).as_ref(), "{user}");
        }
    }
}

#[tokio::test]
async fn a_token_without_a_party_counts_only_in_a_cookie_of_our_own_page() {
    let origins = ("ALLOWED_ORIGINS", "http://localhost:3000,https://other.example");
    let parties = ("CLERK_AUTHORIZED_PARTIES", PAGE);
    let world = World::start_as(|_| {}, &[origins, parties]).await;
    let without = world.token(&json!({"azp": null}));
    let from_nowhere = |event: Event| event.without_header("origin");

    for (event, status) in [
        (in_cookie(&without), 200),
        (in_cookie(&without).header("origin", OTHER_PAGE), 401),
        (from_nowhere(in_cookie(&without)), 401),
        (from_nowhere(in_cookie(&without)).header("referer", PAGE), 401),
        (bearer(&without), 401),
        (bearer(&without).cookie("__session", &without), 401),
        (from_nowhere(bearer(&without)), 401),
        // A party that is there has to be one of ours, wherever the request comes from.
        (in_cookie(&world.token(&json!({"azp": "https://evil.example"}))), 401),
        (in_cookie(&world.token(&json!({"azp": OTHER_PAGE}))), 401),
        (in_cookie(&world.token(&json!({"azp": ""}))), 401),
        (in_cookie(&world.token(&json!({"azp": [PAGE]}))), 401),
        (from_nowhere(in_cookie(&world.token(&json!({})))), 200),
        // Everything else is checked as ever.
        (in_cookie(&world.token(&json!({"azp": null, "exp": 1_700_000_000}))), 404),
        (in_cookie(&world.token(&json!({"azp": null, "sts": "pending"}))), 404),
        (in_cookie(&world.token(&json!({"azp": null, "iss": "https://evil.example"}))), 404),
        (in_cookie(&world.token(&json!({"azp": null, "sid": null}))), 401),
        (
            in_cookie(
                &world
                    .clerk
                    .sign_foreign(&world.clerk.header(), &world.claims(&json!({"azp": null}))),
            ),
            401,
        ),
    ] {
        assert_eq!(world.ask(&event).await.status(), status, "{event:?}");
    }
    // An origin that is no authorized party of its own gets no further than the origin check.
    let foreign = in_cookie(&without).header("origin", "https://evil.example");
    assert_eq!(world.ask(&foreign).await.status(), 403);
}

#[tokio::test]
async fn only_a_verified_primary_address_counts() {
    let world = World::start().await;
    let not_set = (404, "Email not set".to_owned());
    for user in ["unproven", "mailless"] {
        assert_eq!(world.ask_as(user).await.refusal(), not_set, "{user}");
    }
    let address = |verification: Value| json!([{"id": "idn_1", "email_address": "jane@example.com", "verification": verification}]);
    for verification in [
        json!(null),
        json!({}),
        json!({"status": "unverified"}),
        json!({"status": "expired"}),
        json!({"status": "transferable"}),
        json!({"status": 1}),
        json!("verified"),
    ] {
        let changes = json!({
            "primary_email_address_id": "idn_1", "email_addresses": address(verification),
        });
        assert_eq!(world.ask_as_changed(&changes).await.refusal(), not_set, "{changes}");
    }
    assert_eq!(world.liveblocks.requests().len(), 0, "Liveblocks was not asked");
    // Of several addresses, the primary one counts and no other.
    assert_eq!(identity(&world.ask_as("several").await)["uid"], "second@example.com");
}

#[tokio::test]
async fn a_banned_or_locked_user_is_403() {
    let world = World::start().await;
    for user in ["banned", "locked"] {
        assert_eq!(world.ask_as(user).await.refusal().0, 403, "{user}");
    }
    // What cannot be read may mean either.
    for flags in [json!({"banned": "yes"}), json!({"locked": 1})] {
        assert_eq!(world.ask_as_changed(&flags).await.refusal().0, 502, "{flags}");
    }
    assert_eq!(world.liveblocks.requests().len(), 0);
    for flags in [json!({"banned": null}), json!({"locked": null, "banned": false})] {
        assert_eq!(world.ask_as_changed(&flags).await.status(), 200, "{flags}");
    }
}

#[tokio::test]
async fn user_info_too_long_for_liveblocks_is_shortened() {
    let world = World::start().await;
    let picture = |length: usize| format!("https://img.example/{}", "x".repeat(length - 20));
    let quotes = "\"".repeat(256);
    for (first, last, picture, has_picture, name) in [
        ("Jane", "Doe", picture(480), true, "Jane Doe".to_owned()),
        ("Jane", "Doe", picture(1000), false, "Jane Doe".to_owned()),
        (
            &"a".repeat(256),
            &"b".repeat(256),
            picture(480),
            false,
            format!("{} {}", "a".repeat(256), "b".repeat(256)),
        ),
        (&quotes, "", picture(30), true, quotes.clone()),
    ] {
        let changes = json!({"first_name": first, "last_name": last, "image_url": picture});
        let identity = identity(&world.ask_as_changed(&changes).await);
        assert_eq!(identity["ui"]["name"], name);
        assert_eq!(identity["ui"].get("imageUrl").is_some(), has_picture, "{name}");
    }
    for (first, last) in [
        (quotes.clone(), quotes.clone()),
        ("\u{7}".repeat(256), String::new()),
        ("\u{1f469}".repeat(256), "\u{1f468}".repeat(256)),
        ("a".repeat(100_000), String::new()),
    ] {
        let changes = json!({"first_name": first, "last_name": last, "image_url": picture(480)});
        let identity = identity(&world.ask_as_changed(&changes).await);
        let name = identity["ui"]["name"].as_str().unwrap();
        assert!(name.len() > 100 && format!("{first} {last}").starts_with(name), "{name}");
        assert!(identity["ui"]["color"].is_string());
    }
}

#[tokio::test]
async fn an_address_too_long_for_liveblocks_is_403() {
    let world = World::start().await;
    for (length, expected) in [(128, 200), (129, 403), (254, 403)] {
        let address = format!("{}@example.com", "a".repeat(length - 12));
        let user = User::new("lengthy").with_name("Len", "Gthy").with_primary_email(&address);
        world.clerk.add_user(user);
        let answer = world.ask_as("lengthy").await;
        assert_eq!(answer.status(), expected, "{length}");
        if expected == 403 {
            assert_eq!(answer.refusal().1, "This e-mail address is too long");
        }
    }
    assert_eq!(world.liveblocks.requests().len(), 1, "Liveblocks was asked for the first only");
}

#[tokio::test]
async fn a_user_that_liveblocks_rejects_is_403_and_any_other_failure_is_502_or_503() {
    let world = World::start().await;
    let refusal = |error: &str| json!({"error": error, "message": "jane.doe@example.com may not"});
    for (status, body, expected) in [
        (422, refusal("UNPROCESSABLE_ENTITY"), 403),
        (422, json!({}), 403),
        (403, refusal("UNAUTHORIZED_ROOM_ACCESS"), 403),
        (403, refusal("A_CODE_OF_NEXT_YEAR"), 403),
        (403, refusal("INVALID_SECRET_KEY"), 502),
        (403, json!({"message": "Forbidden"}), 502),
        (401, refusal("WRONG_KEY_USED"), 502),
        (400, refusal("BAD_REQUEST"), 502),
        (404, refusal("NOT_FOUND"), 502),
        (405, refusal("METHOD_NOT_ALLOWED"), 502),
        (429, refusal("TOO_MANY_REQUESTS"), 503),
        (500, refusal("INTERNAL_SERVER_ERROR"), 503),
        (200, json!({}), 502),
        (200, json!({"token": ""}), 502),
    ] {
        world.liveblocks.answer_with(Reply::json(status, &body));
        let (seen, message) = world.ask_as("jane").await.refusal();
        assert_eq!(seen, expected, "{status} {body}");
        assert!(!message.contains("jane.doe@"), "{message}");
    }
    let lines = world.function.stop().await.join("\n");
    assert!(lines.contains("A_CODE_OF_NEXT_YEAR"), "an unknown code is logged by its name");
    assert!(!lines.contains("jane.doe@"), "{lines}");
}

#[tokio::test]
async fn every_call_to_clerk_names_the_api_version() {
    let world = World::start().await;
    assert_eq!(world.ask_as("jane").await.status(), 200);
    let requests = world.clerk.requests();
    assert_eq!(requests.len(), 2, "the keys and the user");
    for request in requests {
        assert_eq!(request.header("clerk-api-version"), Some("2026-05-12"), "{request:?}");
    }
}
