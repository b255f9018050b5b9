//! Strings that are not addresses, and addresses that look like another one.

use anteroom_security::Table;
use anteroom_stand_ins::workos::User;
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::World;

/// The endpoints that take an address, with the message for an invalid one.
const ENDPOINTS: [(&str, &str); 4] = [
    ("sign-in", "Bad request"),
    ("sign-up", "`email` is not valid"),
    ("resend-magic-auth", "`email` is not valid"),
    ("continue-with-authkit", "`email` is not valid"),
];

const LOOK_UP: [&str; 2] = ["workos organizations", "workos users"];

/// Accounts that the look-alikes are like.
const ACCOUNTS: [&str; 4] =
    ["kate@example.com", "iris@example.com", "strasse@example.com", "file@example.com"];

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Addresses", &world);
    for address in ACCOUNTS {
        world.workos.add_user(User::new(address, address));
    }
    for (tried, address) in no_addresses() {
        for (endpoint, message) in ENDPOINTS {
            let event = world.to(endpoint).json(&json!({ "email": address }));
            // Where it is optional, `null` means that it is absent.
            if endpoint == "continue-with-authkit" && address.is_null() {
                continue;
            }
            attacks.add(Attack::new(tried, &event).refused(400, message)).await;
        }
    }
    for (tried, address) in look_alikes() {
        for (endpoint, message) in [
            ("sign-in", "Bad request"),
            ("resend-magic-auth", "No account has this e-mail address"),
        ] {
            let event = world.to(endpoint).json(&json!({ "email": address }));
            let attack = Attack::new(tried, &event).refused(400, message).calling(&LOOK_UP);
            attacks.add_and(attack, || no_code_was_sent(&world)).await;
        }
    }
    for attack in takeovers(&world) {
        attacks.add(attack).await;
    }
    attacks.table()
}

fn no_code_was_sent(world: &World) -> Result<(), String> {
    let sent = ACCOUNTS.iter().find(|address| world.workos.magic_code_for(address).is_some());
    sent.map_or(Ok(()), |address| Err(format!("{address} was sent a code")))
}

fn no_addresses() -> Vec<(&'static str, Value)> {
    vec![
        ("no address", json!(null)),
        ("a number", json!(7)),
        ("a list of addresses", json!(["jane.doe@example.com"])),
        ("an object", json!({ "email": "jane.doe@example.com" })),
        ("an empty address", json!("")),
        ("no domain", json!("jane.doe@")),
        ("no name", json!("@example.com")),
        ("a domain of one label", json!("jane.doe@localhost")),
        ("two signs", json!("jane.doe@evil.example@example.com")),
        ("a second recipient", json!("jane.doe@example.com,eve@evil.example")),
        ("a second header", json!("jane.doe@example.com\r\nBcc: eve@evil.example")),
        ("a name before it", json!("Jane <jane.doe@example.com>")),
        ("a NUL in it", json!("jane.doe\u{0}@example.com")),
        ("a space in it", json!("jane doe@example.com")),
        ("a space of another script in it", json!("jane\u{3000}doe@example.com")),
        ("a soft hyphen in it", json!("jane\u{ad}.doe@example.com")),
        ("a space of no width in it", json!("jane.doe@exam\u{200b}ple.com")),
        ("another direction in it", json!("\u{202e}jane.doe@example.com")),
        ("an address of the network", json!("jane.doe@[127.0.0.1]")),
        ("a label that begins with a hyphen", json!("jane.doe@-example.com")),
        ("an empty label", json!("jane.doe@example..com")),
        ("a dot behind the domain", json!("jane.doe@example.com.")),
        ("an underscore in the domain", json!("jane.doe@exam_ple.com")),
        ("a slash in the domain", json!("jane.doe@example.com/x")),
        ("a label of 64 letters", json!(format!("jane.doe@{}.com", "a".repeat(64)))),
        ("Punycode that encodes nothing", json!("jane.doe@xn--.com")),
        ("Punycode of ASCII", json!("jane.doe@xn--example-.com")),
        ("Punycode that is no Punycode", json!("jane.doe@xn--\u{e4}.com")),
        ("a full-width domain", json!("jane.doe@\u{ff45}xample.com")),
        ("a domain with an ideographic dot", json!("jane.doe@example\u{3002}com")),
        ("a domain with the Kelvin sign", json!("jane.doe@\u{212a}elvin.example")),
        ("a domain with a circled letter", json!("jane.doe@\u{24d4}xample.com")),
        ("a domain with a ligature", json!("jane.doe@\u{fb01}le.example")),
        ("an address of 255 bytes", json!(format!("{}@example.com", "a".repeat(243)))),
        ("an address of 10,000 letters", json!(format!("{}@example.com", "a".repeat(10_000)))),
    ]
}

/// Addresses that no account has, though they look like one's or other programs take them for it.
fn look_alikes() -> Vec<(&'static str, &'static str)> {
    vec![
        ("the Kelvin sign for k", "\u{212a}ate@example.com"),
        ("a dotless i for i", "\u{131}ris@example.com"),
        ("a dotted capital I for i", "\u{130}ris@example.com"),
        ("a sharp s for ss", "stra\u{df}e@example.com"),
        ("a ligature for fi", "\u{fb01}le@example.com"),
        ("a Cyrillic letter for a", "k\u{430}te@example.com"),
        ("a Greek letter for i", "ir\u{3b9}s@example.com"),
        ("a full-width letter", "\u{ff4b}ate@example.com"),
        ("a mathematical letter", "\u{1d424}ate@example.com"),
        ("a long s for s", "iri\u{17f}@example.com"),
        ("an accent of its own", "kate\u{301}@example.com"),
        ("a dot in the name", "k.ate@example.com"),
        ("a tag in the name", "kate+codes@example.com"),
        ("quotation marks around the name", "\"kate\"@example.com"),
        ("a comment in the name", "kate(jane)@example.com"),
        ("a percent sign in the name", "kate%example.com@evil.example"),
        ("a path in the name", "../kate@example.com"),
        ("a wildcard in the name", "*@example.com"),
        ("a Cyrillic letter in the domain", "kate@ex\u{430}mple.com"),
        ("the same in Punycode", "kate@xn--exmple-4nf.com"),
        ("a subdomain", "kate@mail.example.com"),
        ("a longer domain", "kate@example.com.evil.example"),
    ]
}

/// Requests that try more than to name an address.
fn takeovers(world: &World) -> Vec<Attack> {
    let more = json!({
        "email": "kate@example.com", "password": "hunter22", "emailVerified": true,
        "email_verified": true, "id": "user_eve", "organizationId": "org_eve",
    });
    vec![
        Attack::new("an account that there is, with a password", &world.to("sign-up").json(&more))
            .refused(409, "This e-mail address already has an account")
            .calling(&["workos users"]),
        Attack::new(
            "an account that there is, in capitals",
            &world.to("sign-up").json(&json!({ "email": "KATE@EXAMPLE.COM" })),
        )
        .refused(409, "This e-mail address already has an account")
        .calling(&["workos users"]),
        Attack::new(
            "another screen than there is",
            &world.to("continue-with-authkit").json(&json!({ "screenHint": "admin" })),
        )
        .refused(400, "`screenHint` is not valid"),
        Attack::new(
            "a redirect of one's own",
            &world.to("continue-with-authkit").json(&json!({
                "redirectUri": "https://evil.example", "redirect_uri": "https://evil.example",
                "provider": "https://evil.example", "state": "attackers-own-state",
            })),
        )
        .served(200, "to the configured address, with a state of its own", |body| {
            let text = body.to_string();
            ensure(!text.contains("evil") && !text.contains("attackers"), || text)
        })
        .setting("wos-sign-in"),
        Attack::new(
            "an address that is a parameter of its own",
            &world
                .to("continue-with-authkit")
                .json(&json!({ "email": "kate&redirect_uri=x@example.com" })),
        )
        .served(200, "as one parameter", |body| {
            let url = body["authData"]["redirectURL"].as_str().unwrap_or_default();
            ensure(url.matches("redirect_uri=").count() == 1, || url.to_owned())
        })
        .setting("wos-sign-in"),
    ]
}
