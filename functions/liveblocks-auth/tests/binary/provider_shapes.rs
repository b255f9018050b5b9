//! What Clerk and Liveblocks write, however odd: users, tokens, signing keys, pages.

use crate::world::{World, bearer, identity, in_cookie, suffix};
use anteroom_stand_ins::clerk::{self, INSTANCE_KEY, NEXT_INSTANCE_KEY};
use anteroom_stand_ins::exchange::Answer as Reply;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::jwt::RsaKey;
use serde_json::{Value, json};

#[tokio::test]
async fn odd_values_in_unread_fields_of_a_user_do_no_harm() {
    let world = World::start().await;
    let (_, document) = world.clerk.user_document("jane");
    let addresses = document["email_addresses"].as_array().unwrap();
    let among_odd_ones =
        [vec![json!(null), json!(7), json!({"id": 1})], addresses.clone()].concat();
    for (changes, name) in [
        (json!({"email_addresses": among_odd_ones}), "Jane Doe"),
        (json!({"first_name": null, "last_name": 17}), "Unnamed User"),
        (json!({"first_name": ["Jane"]}), "Doe"),
        (json!({"external_id": 17, "public_metadata": [], "last_sign_in_at": "never"}), "Jane Doe"),
        (json!({"phone_numbers": null, "external_accounts": 1}), "Jane Doe"),
    ] {
        let identity = identity(&world.ask_as_changed(&changes).await);
        assert_eq!(identity["uid"], "jane.doe@example.com", "{changes}");
        assert_eq!(identity["ui"]["name"], name, "{changes}");
    }
    for picture in [json!(null), json!(7), json!(""), json!({})] {
        let identity = identity(&world.ask_as_changed(&json!({"image_url": picture})).await);
        assert!(identity["ui"].get("imageUrl").is_none(), "{picture}");
    }
    for addresses in [json!(null), json!("jane.doe@example.com"), json!([null])] {
        let answer = world.ask_as_changed(&json!({"email_addresses": addresses})).await;
        assert_eq!(answer.refusal(), (404, "Email not set".to_owned()), "{addresses}");
    }
}

/// What JavaScript writes and reads, and `serde_json` does not.
fn only_in_javascript() -> [String; 3] {
    let nested = "[".repeat(200) + &"]".repeat(200);
    [r#""cut \ud83d""#.to_owned(), "1e400".to_owned(), nested]
}

#[tokio::test]
async fn a_user_is_read_as_javascript_reads_it() {
    let world = World::start().await;
    let (path, document) = world.clerk.user_document("jane");
    let document = document.to_string();
    for oddity in only_in_javascript() {
        let text = document.replacen('{', &format!("{{\"unsafe_metadata\":{{\"a\":{oddity}}},"), 1);
        let text = text.replacen("\"unsafe_metadata\":{}", "\"another\":{}", 1);
        world.clerk.answer_with(&path, Reply::new(200, "application/json", text));
        let identity = identity(&world.ask_as("jane").await);
        assert_eq!(identity["ui"]["name"], "Jane Doe", "{oddity:.20}");
    }
    for (first_name, name) in [
        (r#""Jane \ud83d""#, "Jane \u{fffd} Doe"),
        (r#""\ude00""#, "\u{fffd} Doe"),
        (r#""Jane \ud83d\ude00""#, "Jane \u{1f600} Doe"),
        ("1e400", "Doe"),
    ] {
        let text = document.replacen(
            "\"first_name\":\"Jane\"",
            &format!("\"first_name\":{first_name}"),
            1,
        );
        world.clerk.answer_with(&path, Reply::new(200, "application/json", text));
        assert_eq!(identity(&world.ask_as("jane").await)["ui"]["name"], name);
    }
}

#[tokio::test]
async fn a_token_is_read_as_javascript_reads_it() {
    let world = World::start().await;
    let claims = world.clerk.claims_for("jane").to_string();
    for oddity in only_in_javascript() {
        for name in ["metadata", "o", "fea"] {
            let text = claims.replacen('{', &format!("{{\"{name}\":{oddity},"), 1);
            let token = world.clerk.sign_text(&world.clerk.header(), &text);
            for event in [bearer(&token), in_cookie(&token)] {
                assert_eq!(world.ask(&event).await.status(), 200, "{name} {oddity:.20}");
            }
        }
    }
    for odd in [
        json!({"o": 7, "fea": 7}),
        json!({"v": 1, "org_id": 7, "org_permissions": {}}),
        json!({"v": "two"}),
        json!({"o": {"id": [], "per": 1}}),
        json!({"fva": "never", "act": 7, "aud": {}}),
    ] {
        assert_eq!(world.ask(&bearer(&world.token(&odd))).await.status(), 200, "{odd}");
    }
    // Where access depends on a claim, it has its type.
    for odd in [
        json!({"iss": 7}),
        json!({"azp": 7}),
        json!({"sub": 7}),
        json!({"sid": 7}),
        json!({"sts": 7}),
        json!({"exp": "4102444800"}),
        json!({"nbf": "0"}),
        json!({"iat": "0"}),
    ] {
        assert_eq!(world.ask(&bearer(&world.token(&odd))).await.status(), 401, "{odd}");
    }
}

#[tokio::test]
async fn another_applications_odd_token_does_not_hide_our_suffixed_one() {
    let world = World::start().await;
    let own = (format!("__session_{}", suffix(&world)), world.token(&json!({})));
    for neighbour in [
        json!({"iss": "https://clerk.neighbour.example"}),
        json!({"iss": "https://clerk.neighbour.example", "iat": "yesterday"}),
        json!({"iss": "https://clerk.neighbour.example", "exp": []}),
    ] {
        let theirs = world.clerk.sign_foreign(&world.clerk.header(), &world.claims(&neighbour));
        let event = in_cookie(&theirs).cookie(&own.0, &own.1);
        assert_eq!(world.ask(&event).await.status(), 200, "{neighbour}");
    }
}

#[tokio::test]
async fn passes_on_the_whole_response_of_liveblocks() {
    let world = World::start().await;
    let text = r#"{"token":"a.b.c","more":{"cut":"\ud83d","price":1.10,"list":[1,{"a":null}]}}"#;
    world.liveblocks.answer_with(Reply::new(200, "application/json", text));
    let answer = world.ask_as("jane").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().contains(r#""price":1.10,"list":[1,{"a":null}]"#), "{}", answer.text());
    assert!(answer.text().contains(r#""token":"a.b.c""#), "{}", answer.text());
}

#[tokio::test]
async fn a_gateways_html_page_is_an_outage_in_any_spelling_of_its_media_type() {
    let world = World::start().await;
    let page = "<html>Attention Required!</html>";
    let (user, _) = world.clerk.user_document("jane");
    for content_type in ["Text/HTML; charset=UTF-8", "TEXT/HTML", "text/html"] {
        for status in [403, 404, 422, 429, 502] {
            world.clerk.answer_with(&user, Reply::new(status, content_type, page));
            assert_eq!(
                world.ask_as("jane").await.refusal().0,
                503,
                "Clerk {status} {content_type}"
            );
        }
    }
    let text = "error code: 1015";
    world.clerk.answer_with(&user, Reply::new(429, "text/plain", text));
    assert_eq!(world.ask_as("jane").await.refusal().0, 503);

    for content_type in ["Text/HTML; charset=UTF-8", "TEXT/HTML", "text/html"] {
        for status in [403, 422, 429, 502] {
            world.liveblocks.answer_with(Reply::new(status, content_type, page));
            let answer = world.ask_as("member").await;
            assert_eq!(answer.refusal().0, 503, "Liveblocks {status} {content_type}");
        }
    }
    world.liveblocks.answer_with(Reply::new(429, "text/plain", text));
    assert_eq!(world.ask_as("member").await.refusal().0, 503);
}

/// A key as a JWKS has it, with changes; `null` stays.
fn jwk(key: &RsaKey, changes: &Value) -> Value {
    let mut jwk = key.jwk();
    jwk.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    jwk
}

#[tokio::test]
async fn an_odd_signing_key_next_to_ours_does_no_harm() {
    let ours = INSTANCE_KEY.jwk();
    let kid = ours["kid"].clone();
    let mut without_type = jwk(&NEXT_INSTANCE_KEY, &json!({}));
    without_type.as_object_mut().unwrap().remove("kty");
    let odd_ones = [
        without_type,
        jwk(&NEXT_INSTANCE_KEY, &json!({"kty": null})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"kty": 7})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"e": 65537})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"e": "AQ"})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"n": ""})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"n": "!"})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"kid": kid})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"kid": kid, "n": ""})),
        jwk(&NEXT_INSTANCE_KEY, &json!({"kid": kid, "e": "AQ"})),
        json!({"kty": "EC", "kid": "ins_ec", "crv": "P-256", "x": "AA", "y": "AA"}),
        json!({"kty": "RSA"}),
        json!({}),
        json!(null),
        json!("a key"),
    ];
    for odd in odd_ones {
        for keys in [json!([odd, ours]), json!([ours, odd])] {
            assert_eq!(status_with_keys(&keys).await, 200, "{keys}");
        }
    }
}

#[tokio::test]
async fn leading_zeros_in_a_signing_key_do_not_matter() {
    let ours = INSTANCE_KEY.jwk();
    let padded = |name: &str| format!("AAAA{}", ours[name].as_str().unwrap());
    for changes in [json!({"n": padded("n")}), json!({"e": padded("e")})] {
        let key = jwk(&INSTANCE_KEY, &changes);
        assert_eq!(status_with_keys(&json!([key])).await, 200, "{changes}");
    }
}

#[tokio::test]
async fn unusable_keys_refute_no_signature() {
    let odd = jwk(&INSTANCE_KEY, &json!({"n": "AQAB"}));
    for keys in [json!([]), json!([null]), json!([odd])] {
        assert_eq!(status_with_keys(&keys).await, 502, "{keys}");
    }
}

/// The status of Jane's request when Clerk publishes these keys.
async fn status_with_keys(keys: &Value) -> u64 {
    let published = Reply::json(200, &json!({"keys": keys}));
    let world = World::start_as(|clerk| clerk.answer_with("/v1/jwks", published), &[]).await;
    world.ask_as("jane").await.status()
}

#[tokio::test]
async fn an_unknown_signing_key_is_503_until_the_keys_can_be_fetched_again() {
    let world = World::start().await;
    assert_eq!(world.ask_as("jane").await.status(), 200);
    let mut invented = world.clerk.header();
    invented["kid"] = json!("ins_invented");
    let claims = world.clerk.claims_for("jane");
    let invented = bearer(&world.clerk.sign(&invented, &claims));
    // The set was fetched for it and does not have it.
    assert_eq!(world.ask(&invented).await.status(), 401);
    // Another one could have been published since, which nobody asks for just now.
    let answer = world.ask(&invented).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.header("retry-after").is_some());

    world.clerk.rotate_signing_key();
    let answer = world.ask_as("jane").await;
    assert!([200, 503].contains(&answer.status()), "{}", answer.text());
    let old = INSTANCE_KEY.sign(&clerk::session_header(), &claims);
    assert_eq!(world.ask(&bearer(&old)).await.status(), 200, "known keys go on counting");
}

#[tokio::test]
async fn an_unreachable_clerk_signs_nobody_out() {
    let down = Fault::Failing(500).on("/v1/jwks");
    let world = World::start_as(|clerk| clerk.inject(down), &[]).await;
    for event in [bearer(&world.token(&json!({}))), in_cookie(&world.token(&json!({})))] {
        assert_eq!(world.ask(&event).await.status(), 503, "{event:?}");
    }
}
