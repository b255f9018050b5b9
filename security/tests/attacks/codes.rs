//! One-time codes that are guessed, replayed, disguised or somebody else's.

use anteroom_security::Table;
use anteroom_stand_ins::workos::{MAGIC_CODE_GUESSES, User};
use anteroom_testing::Event;
use anteroom_testing::sessions::COOKIE;
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::World;

const ENDPOINT: &str = "finalize-magic-auth";
const JANE: &str = "jane.doe@example.com";
const REJECTED: (u64, &str) = (401, "The code is wrong, expired or used. Ask for a new one");
const LIMITED: (u64, &str) = (429, "Too many attempts. Wait a while, then ask for a new code");
const REDEEM: [&str; 2] = ["workos users", "workos authenticate"];

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("One-time codes", &world);
    world.workos.magic_code("jane");
    for (tried, code) in no_codes(&world) {
        let event = world.to(ENDPOINT).json(&json!({ "email": JANE, "code": code }));
        attacks.add(Attack::new(tried, &event).refused(400, "`code` is not valid")).await;
    }
    for (tried, body) in no_input(&world) {
        let event = world.to(ENDPOINT).body("application/json", &body);
        attacks
            .add(
                Attack::new(tried, &event)
                    .refused(400, "The body has a duplicate or malformed key"),
            )
            .await;
    }
    for attack in rejected(&world).await {
        attacks.add(attack).await;
    }
    guesses(&world, &mut attacks).await;
    for attack in invitations(&world) {
        attacks.add(attack).await;
    }
    attacks.table()
}

fn event(world: &World, email: &str, code: &str) -> Event {
    world.to(ENDPOINT).json(&json!({ "email": email, "code": code }))
}

/// Everything that is not six ASCII digits, some of which other parsers read as the right code.
fn no_codes(world: &World) -> Vec<(&'static str, Value)> {
    let code = world.workos.magic_code("jane");
    let digits = |zero: char| -> String {
        let shift = |digit: char| char::from_u32(u32::from(zero) + digit.to_digit(10)?);
        code.chars().filter_map(shift).collect()
    };
    vec![
        ("no code", json!(null)),
        ("the code as a number", json!(code.parse::<u32>().unwrap())),
        ("the code in a list", json!([code])),
        ("the code in an object", json!({ "$ne": code })),
        ("true as the code", json!(true)),
        ("an empty code", json!("")),
        ("five digits", json!(code[..5])),
        ("seven digits", json!(format!("{code}0"))),
        ("the code after a zero", json!(format!("0{code}"))),
        ("the code twice", json!(format!("{code}{code}"))),
        ("the code and another", json!(format!("{code},000000"))),
        ("the code with a sign", json!(format!("+{code}"))),
        ("the code with a decimal point", json!(format!("{code}.0"))),
        ("the code with an exponent", json!("123e45")),
        ("hexadecimal digits", json!("0x1234")),
        ("a wildcard", json!("______")),
        ("a percent sign", json!("%%%%%%")),
        ("the code in full-width digits", json!(digits('\u{ff10}'))),
        ("the code in Arabic-Indic digits", json!(digits('\u{660}'))),
        ("the code in Devanagari digits", json!(digits('\u{966}'))),
        ("the code in mathematical digits", json!(digits('\u{1d7ce}'))),
        ("superscript digits", json!("\u{b2}\u{b3}\u{b9}\u{b2}\u{b3}\u{b9}")),
        ("circled digits", json!("\u{2460}\u{2461}\u{2462}\u{2463}\u{2464}\u{2465}")),
        ("the code and a NUL", json!(format!("{code}\u{0}"))),
        ("the code and a character that is not visible", json!(format!("{code}\u{200b}"))),
        ("the code in another direction", json!(format!("\u{202e}{code}"))),
        ("the code with underscores", json!(format!("{}_{}", &code[..3], &code[3..]))),
        ("the code with a long dash", json!(format!("{}\u{2014}{}", &code[..3], &code[3..]))),
        ("a code of 10,000 digits", json!("1".repeat(10_000))),
    ]
}

/// Bodies with two codes or two addresses, of which two parsers could read different ones.
fn no_input(world: &World) -> Vec<(&'static str, String)> {
    let code = world.workos.magic_code("jane");
    vec![
        (
            "two codes in one body",
            format!("{{\"email\":\"{JANE}\",\"code\":\"000000\",\"code\":\"{code}\"}}"),
        ),
        (
            "two addresses in one body",
            format!("{{\"email\":\"eve@example.com\",\"email\":\"{JANE}\",\"code\":\"{code}\"}}"),
        ),
        (
            "a code under an escaped name besides its own",
            format!("{{\"email\":\"{JANE}\",\"code\":\"000000\",\"c\\u006fde\":\"{code}\"}}"),
        ),
        (
            "a code under a name with a NUL",
            format!("{{\"email\":\"{JANE}\",\"code\":\"{code}\",\"code\\u0000\":\"x\"}}"),
        ),
    ]
}

async fn rejected(world: &World) -> Vec<Attack> {
    for (name, address) in [
        ("kate", "kate@example.com"),
        ("iris", "iris@example.com"),
        ("expired", "expired@example.com"),
        ("used", "used@example.com"),
        ("older", "older@example.com"),
        ("victim", "victim@example.com"),
        ("eve", "eve@example.com"),
    ] {
        world.workos.add_user(User::new(name, address));
    }
    let rejected = |tried: &str, email: &str, code: &str| {
        Attack::new(tried, &event(world, email, code))
            .refused(REJECTED.0, REJECTED.1)
            .calling(&REDEEM)
    };
    let expired = world.workos.magic_code("expired");
    world.workos.expire_codes();
    let used = world.workos.magic_code("used");
    world.ask(&event(world, "used@example.com", &used)).await.success();
    let older = world.workos.magic_code("older");
    let newer = loop {
        let newer = world.workos.magic_code("older");
        if newer != older {
            break newer;
        }
    };
    let eves = world.workos.magic_code("eve");
    let (kates, iris) = (world.workos.magic_code("kate"), world.workos.magic_code("iris"));
    world.workos.magic_code("victim");
    let _ = newer;
    vec![
        rejected("an expired code", "expired@example.com", &expired),
        rejected("a used code", "used@example.com", &used),
        rejected("a code that a newer one replaced", "older@example.com", &older),
        rejected("a code of an address without an account", "nobody@example.com", "123456"),
        rejected("another address's code", "victim@example.com", &eves),
        rejected("the address with a dot more", "k.ate@example.com", &kates),
        rejected("the address with a tag", "kate+x@example.com", &kates),
        rejected("the address with the Kelvin sign", "\u{212a}ate@example.com", &kates),
        rejected("the address with a dotless i", "\u{131}ris@example.com", &iris),
        rejected("the address with a Cyrillic letter", "k\u{430}te@example.com", &kates),
        rejected("the address in full-width letters", "\u{ff4b}ate@example.com", &kates),
        rejected("the address at a subdomain", "kate@mail.example.com", &kates),
        rejected("the address at a longer domain", "kate@example.com.evil.example", &kates),
    ]
}

/// Wrong guesses, after which not even the right code counts.
async fn guesses(world: &World, attacks: &mut Attacks<'_>) {
    world.workos.add_user(User::new("guessed", "guessed@example.com"));
    let code = world.workos.magic_code("guessed");
    let wrong = |guess: u32| format!("{:06}", (code.parse::<u32>().unwrap() + guess) % 1_000_000);
    for guess in 1..=MAGIC_CODE_GUESSES {
        let event = event(world, "guessed@example.com", &wrong(guess));
        let attack = Attack::new(format!("wrong guess {guess}"), &event);
        attacks.add(attack.refused(REJECTED.0, REJECTED.1).calling(&REDEEM)).await;
    }
    for (tried, code) in [
        ("one wrong guess too many", wrong(MAGIC_CODE_GUESSES + 1)),
        ("the right code after too many guesses", code.clone()),
    ] {
        let event = event(world, "guessed@example.com", &code);
        attacks
            .add(Attack::new(tried, &event).refused(LIMITED.0, LIMITED.1).calling(&REDEEM))
            .await;
    }
    // The same in the spelling of another script, which is the same address.
    let event = event(world, "GUESSED@EXAMPLE.COM", &code);
    let attack = Attack::new("the right code for the address in capitals", &event);
    attacks.add(attack.refused(LIMITED.0, LIMITED.1).calling(&REDEEM)).await;
}

fn invitations(world: &World) -> Vec<Attack> {
    let code = world.workos.magic_code("jane");
    let with_token = |token: Value| {
        world.to(ENDPOINT).json(&json!({ "email": JANE, "code": code, "invitationToken": token }))
    };
    let mut attacks: Vec<_> = [
        ("a number as the invitation's token", json!(7)),
        ("a list as the invitation's token", json!(["token-of-eve"])),
        ("a line break in the invitation's token", json!("token\r\nx: y")),
        ("an invitation's token of 2,049 letters", json!("x".repeat(2049))),
    ]
    .into_iter()
    .map(|(tried, token)| {
        Attack::new(tried, &with_token(token)).refused(400, "`invitationToken` is not valid")
    })
    .collect();
    let event = world
        .to(ENDPOINT)
        .json(&json!({ "email": JANE, "code": code, "userId": "user_eve", "organizationId": "org_eve", "client_id": "client_eve" }));
    attacks.push(
        Attack::new("another user, organization and client in the body", &event)
            .served(200, "as the code's own user", |body| {
                ensure(body["user"]["email"] == JANE, || body.to_string())
            })
            .calling(&REDEEM)
            .setting(COOKIE),
    );
    attacks
}
