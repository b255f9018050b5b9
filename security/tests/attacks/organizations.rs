//! Organizations that were not offered, other browsers' choices, and switches without a membership.

use anteroom_security::Table;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::workos::COOKIE_PASSWORD;
use anteroom_testing::Event;
use anteroom_testing::sessions::{COOKIE, access_token, sealed, sealed_sign_in, sid};
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks};
use crate::world::World;

const SELECT: &str = "select-organization";
const SWITCH: &str = "switch-organization";
const MEMBER_OF_TWO: &str = "123@gmail.com";

const OTHER_BROWSER: (u64, &str) = (403, "This sign-in was started in another browser");
const NOT_OFFERED: (u64, &str) = (403, "This organization was not offered to you");
const SPENT: (u64, &str) = (401, "This choice has expired or was already used. Sign in again");
const NOT_A_MEMBER: (u64, &str) = (403, "Choose an organization that you belong to");
const OTHER_ADDRESS: (u64, &str) = (403, "This is not the e-mail address of the signed-in user");
const ASK: [&str; 1] = ["workos authenticate"];

/// A browser that was offered a choice: its cookie, and the token that came with it.
struct Choosing {
    name: String,
    value: String,
    token: String,
}

impl Choosing {
    async fn new(world: &World, user: &str, email: &str) -> Self {
        let code = world.workos.magic_code(user);
        let event = world.to("finalize-magic-auth").json(&json!({ "email": email, "code": code }));
        let answer = world.ask(&event).await;
        let token = answer.success()["user"]["pendingAuthenticationToken"].clone();
        let cookie = answer.cookie();
        let token = token.as_str().expect("a choice").to_owned();
        Self { name: cookie.name, value: cookie.value, token }
    }

    async fn of_two(world: &World) -> Self {
        Self::new(world, "member_of_two", MEMBER_OF_TWO).await
    }

    fn with_cookie(&self, event: Event) -> Event {
        event.cookie(&self.name, &self.value)
    }

    /// The choice of an organization by id.
    fn of(&self, world: &World, id: &str) -> Event {
        world
            .to(SELECT)
            .json(&json!({ "pendingAuthenticationToken": self.token, "organizationId": id }))
    }
}

fn id(world: &World, organization: &str) -> String {
    world.workos.organization(organization).id
}

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Organizations", &world);
    for (tried, event) in other_browsers(&world).await {
        attacks.add(Attack::new(tried, &event).refused(OTHER_BROWSER.0, OTHER_BROWSER.1)).await;
    }
    for (tried, event) in not_offered(&world).await {
        attacks.add(Attack::new(tried, &event).refused(NOT_OFFERED.0, NOT_OFFERED.1)).await;
    }
    for attack in spent(&world).await.into_iter().chain(malformed(&world).await) {
        attacks.add(attack).await;
    }
    for attack in switches(&world).await {
        attacks.add(attack).await;
    }
    attacks.add(misplaced(&world).await).await;
    attacks.table()
}

async fn other_browsers(world: &World) -> Vec<(&'static str, Event)> {
    let (own, other) = (Choosing::of_two(world).await, Choosing::of_two(world).await);
    let masadas = id(world, "MASADAS");
    let choice = || own.of(world, &masadas);
    let under = |name: &str, value: &str| choice().cookie(name, value);
    let session = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    let longer = json!({ "pendingAuthenticationToken": format!("{}A", own.token), "organizationId": masadas });
    let shorter = json!({ "pendingAuthenticationToken": own.token[..own.token.len() - 1], "organizationId": masadas });
    let made_up = json!({ "pendingAuthenticationToken": "made-up", "organizationId": masadas });
    vec![
        ("no cookie", choice()),
        ("another browser's choice", other.with_cookie(choice())),
        ("another browser's choice under this one's name", under(&own.name, &other.value)),
        ("a tampered choice", under(&own.name, &format!("{}x", own.value))),
        ("a choice cut short", under(&own.name, &own.value[..own.value.len() - 10])),
        (
            "a pending sign-in's seal as the choice",
            under(&own.name, &sealed_sign_in(COOKIE_PASSWORD).await),
        ),
        ("a session's seal as the choice", under(&own.name, &session)),
        ("no seal", under(&own.name, "1")),
        ("a choice of 9,000 bytes", under(&own.name, &"A".repeat(9000))),
        ("the choice under the session's name", under(COOKIE, &own.value)),
        (
            "the choice in another header",
            choice().header("x-cookie", &format!("{}={}", own.name, own.value)),
        ),
        ("the token and a letter more", own.with_cookie(world.to(SELECT)).json(&longer)),
        ("the token without its last letter", own.with_cookie(world.to(SELECT)).json(&shorter)),
        ("a made-up token", own.with_cookie(world.to(SELECT)).json(&made_up)),
    ]
}

async fn not_offered(world: &World) -> Vec<(&'static str, Event)> {
    let own = Choosing::of_two(world).await;
    let choose = |id: &str| own.with_cookie(own.of(world, id));
    let masadas = id(world, "MASADAS");
    vec![
        ("an organization of others", choose(&id(world, "Example"))),
        ("an organization that demands single sign-on", choose(&id(world, "Sso Example"))),
        ("an organization that there is not", choose("org_01MADEUP")),
        ("an offered one in small letters", choose(&masadas.to_lowercase())),
        ("an offered one and a letter more", choose(&format!("{masadas}A"))),
        ("an offered one without its last letter", choose(&masadas[..masadas.len() - 1])),
        ("two offered ones", choose(&format!("{masadas},{}", id(world, "TAUNTA SCRE")))),
        ("a wildcard", choose("*")),
    ]
}

async fn spent(world: &World) -> Vec<Attack> {
    let own = Choosing::of_two(world).await;
    let masadas = id(world, "MASADAS");
    let event = own.with_cookie(own.of(world, &masadas));
    let answer = world.ask(&event).await;
    answer.success();
    let stub = answer.cookies().into_iter().find(|cookie| cookie.name == own.name).expect("a stub");
    let of_stub = own.of(world, &masadas).cookie(&stub.name, &stub.value);
    let other = Choosing::of_two(world).await;
    let planted = other.of(world, &masadas).cookie(&other.name, &stub.value);
    let expired = Choosing::of_two(world).await;
    world.workos.expire_codes();
    vec![
        Attack::new("a token that was used, with the cookie from before", &event)
            .refused(SPENT.0, SPENT.1)
            .calling(&ASK),
        Attack::new("a token that was used, with the cookie from after", &of_stub)
            .refused(SPENT.0, SPENT.1),
        Attack::new("another token's used choice", &planted)
            .refused(OTHER_BROWSER.0, OTHER_BROWSER.1),
        Attack::new("a token that has expired", &expired.with_cookie(expired.of(world, &masadas)))
            .refused(SPENT.0, SPENT.1)
            .calling(&ASK),
    ]
}

async fn malformed(world: &World) -> Vec<Attack> {
    let own = Choosing::of_two(world).await;
    let masadas = id(world, "MASADAS");
    let refused = |tried: &str, field: &str, value: Value| {
        let mut input =
            json!({ "pendingAuthenticationToken": own.token, "organizationId": masadas });
        input[field] = value;
        let event = own.with_cookie(world.to(SELECT)).json(&input);
        Attack::new(format!("{tried} as `{field}`"), &event)
            .refused(400, format!("`{field}` is not valid"))
    };
    let mut attacks = Vec::new();
    for (tried, value) in [
        ("nothing", json!(null)),
        ("a number", json!(7)),
        ("a list", json!([masadas])),
        ("an object", json!({ "$gt": "" })),
        ("an empty text", json!("")),
        ("a text with a line break", json!("org_01\r\nx: y")),
        ("a text with a space", json!("org 01")),
    ] {
        attacks.push(refused(tried, "organizationId", value.clone()));
        attacks.push(refused(tried, "pendingAuthenticationToken", value));
    }
    attacks.push(refused("a path", "organizationId", json!("../users")));
    attacks
}

async fn switches(world: &World) -> Vec<Attack> {
    let session = world.workos.sign_in("member_of_two", Some("MASADAS"));
    let seal = sealed(&world.settings, &session).await;
    let input =
        |email: &str, organization: &str| json!({ "email": email, "organizationId": organization });
    let (taunta, example) = (id(world, "TAUNTA SCRE"), id(world, "Example"));
    let event = |email: &str, organization: &str| {
        world.to(SWITCH).cookie(COOKIE, &seal).json(&input(email, organization))
    };
    let others = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    let revoked = world.workos.sign_in("member_of_two", Some("MASADAS"));
    let of_revoked = sealed(&world.settings, &revoked).await;
    world.workos.revoke_session(&sid(&revoked));
    let consultant = world.workos.sign_in("consultant", Some("Example"));
    let of_consultant = sealed(&world.settings, &consultant).await;
    let consulting = |organization: &str| {
        let input = input("consultant@example.com", &id(world, organization));
        world.to(SWITCH).cookie(COOKIE, &of_consultant).json(&input)
    };
    let good = access_token(&session);
    let mut claims = jwt::claims(good).unwrap();
    claims["org_id"] = json!(example);
    let with_org = jwt::with_claims(good, &claims);
    let mut attacks: Vec<_> = [
        ("somebody else's address", "jane.doe@example.com"),
        ("the address at a longer domain", "123@gmail.com.evil.example"),
        ("the address with a tag", "123+x@gmail.com"),
        ("the address in full-width digits", "\u{ff11}23@gmail.com"),
    ]
    .into_iter()
    .map(|(tried, email)| {
        Attack::new(tried, &event(email, &taunta)).refused(OTHER_ADDRESS.0, OTHER_ADDRESS.1)
    })
    .collect();
    let member = |tried: &str, organization: &str| {
        Attack::new(tried, &event(MEMBER_OF_TWO, organization))
            .refused(NOT_A_MEMBER.0, NOT_A_MEMBER.1)
            .calling(&ASK)
    };
    attacks.extend([
        member("an organization of others", &example),
        member("an organization that there is not", "org_01MADEUP"),
        Attack::new("an organization that demands single sign-on", &consulting("Sso Example"))
            .refused(403, "Sign in through your organization's single sign-on")
            .calling(&ASK),
        Attack::new("no session", &world.to(SWITCH).json(&input(MEMBER_OF_TWO, &taunta)))
            .refused(401, "Sign in first"),
        Attack::new(
            "a token without a cookie",
            &world.to(SWITCH).bearer(good).json(&input(MEMBER_OF_TWO, &taunta)),
        )
        .refused(401, "Switching organizations requires the session cookie"),
        Attack::new("a token with a cookie", &event(MEMBER_OF_TWO, &taunta).bearer(good))
            .refused(401, "Switching organizations requires the session cookie"),
        Attack::new(
            "a token with an organization of its own",
            &event(MEMBER_OF_TWO, &example).bearer(&with_org),
        )
        .refused(401, "The access token is not valid"),
        Attack::new(
            "somebody else's session with this user's address",
            &world.to(SWITCH).cookie(COOKIE, &others).json(&input(MEMBER_OF_TWO, &taunta)),
        )
        .refused(OTHER_ADDRESS.0, OTHER_ADDRESS.1),
        Attack::new(
            "a session that was revoked",
            &world.to(SWITCH).cookie(COOKIE, &of_revoked).json(&input(MEMBER_OF_TWO, &taunta)),
        )
        .refused(401, "The session has ended. Sign in again")
        .calling(&ASK)
        .clearing(COOKIE),
    ]);
    attacks
}

/// A switch that WorkOS answers with another organization than was asked for.
async fn misplaced(world: &World) -> Attack {
    let session = world.workos.sign_in("member_of_two", Some("MASADAS"));
    let seal = sealed(&world.settings, &session).await;
    world.workos.misplace_refreshes("Example");
    let input = json!({ "email": MEMBER_OF_TWO, "organizationId": id(world, "TAUNTA SCRE") });
    let event = world.to(SWITCH).cookie(COOKIE, &seal).json(&input);
    Attack::new("WorkOS's answer for another organization", &event)
        .refused(502, "A service we depend on returned an unusable response")
        .calling(&ASK)
}
