//! Events that API Gateway should not send: every field wrong in turn, doubled headers and cookies,
//! odd bodies. None of them may crash a function, or make it answer 500.

use anteroom_security::Table;
use anteroom_testing::Event;
use anteroom_testing::sessions::{COOKIE, sealed};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::attack::{Attack, Attacks, ensure};
use crate::world::World;

/// The fields of an event, as JSON pointers. Those of `requestContext` and `headers` follow from
/// their own.
const FIELDS: [&str; 31] = [
    "/version",
    "/routeKey",
    "/rawPath",
    "/rawQueryString",
    "/cookies",
    "/headers",
    "/queryStringParameters",
    "/pathParameters",
    "/stageVariables",
    "/body",
    "/isBase64Encoded",
    "/requestContext",
    "/requestContext/accountId",
    "/requestContext/apiId",
    "/requestContext/authentication",
    "/requestContext/authorizer",
    "/requestContext/domainName",
    "/requestContext/domainPrefix",
    "/requestContext/requestId",
    "/requestContext/routeKey",
    "/requestContext/stage",
    "/requestContext/time",
    "/requestContext/timeEpoch",
    "/requestContext/http",
    "/requestContext/http/method",
    "/requestContext/http/path",
    "/requestContext/http/protocol",
    "/requestContext/http/sourceIp",
    "/requestContext/http/userAgent",
    "/headers/accept",
    "/headers/host",
];

const NO_METHOD: (u64, &str) = (400, "The request method is malformed");
const NO_BODY: (u64, &str) = (400, "The body is malformed");
const NOT_JSON: (u64, &str) = (400, "The body is not valid JSON");
const NO_TYPE: (u64, &str) = (415, "Send the body with content-type: application/json");

pub(crate) async fn table() -> Table {
    let world = World::start().await;
    let mut attacks = Attacks::new("Malformed events", &world);
    let seal = sealed(&world.settings, &world.workos.sign_in("jane", None)).await;
    for endpoint in Endpoint::ALL {
        let good = endpoint.good(&world, &seal);
        for field in FIELDS {
            for (tried, value) in wrong_values() {
                let event = changed(&good, field, value.as_ref());
                let attack = Attack::text(format!("{tried} as `{field}`"), event, good.path());
                attacks.add(endpoint.answered(attack, field, &tried)).await;
            }
        }
    }
    for (tried, event) in no_events() {
        let path = world.to("session").path().to_owned();
        let attack = Attack::text(format!("{tried} as the event"), event, &path);
        attacks.add(attack.refused(NO_METHOD.0, NO_METHOD.1)).await;
    }
    for attack in bodies(&world).into_iter().chain(headers(&world, &seal)) {
        attacks.add(attack).await;
    }
    attacks.table()
}

/// An endpoint with a cookie, one with a token and a body, and one with a body and no session.
#[derive(Clone, Copy, PartialEq)]
enum Endpoint {
    Session,
    RoomAuth,
    ResendMagicAuth,
}

impl Endpoint {
    const ALL: [Self; 3] = [Self::Session, Self::RoomAuth, Self::ResendMagicAuth];

    fn good(self, world: &World, seal: &str) -> Event {
        match self {
            Self::Session => world.to("session").cookie(COOKIE, seal),
            Self::RoomAuth => world
                .to("room-auth")
                .bearer(&world.workos.access_token("jane"))
                .json(&json!({ "username": "Jane", "roomId": "daily" })),
            Self::ResendMagicAuth => {
                world.to("resend-magic-auth").json(&json!({ "email": "jane.doe@example.com" }))
            }
        }
    }

    /// The answer if this field has this wrong value. A field that nobody reads changes nothing.
    fn answered(self, attack: Attack, field: &str, tried: &str) -> Attack {
        let has_body = self != Self::Session;
        let is_gone = matches!(tried, "nothing" | "null");
        match field {
            "/requestContext" | "/requestContext/http" | "/requestContext/http/method" => {
                match tried {
                    "a text of 100,000 letters" | "\"a\"" if field.ends_with("method") => attack
                        .refused(405, format!("Use {}", if has_body { "POST" } else { "GET" })),
                    _ => attack.refused(NO_METHOD.0, NO_METHOD.1),
                }
            }
            "/headers" => match self {
                // Without a header, there is no origin, no token and no content type.
                Self::Session => self.served(attack),
                _ => attack.refused(NO_TYPE.0, NO_TYPE.1),
            },
            "/cookies" if !has_body => attack.refused(401, "Sign in first"),
            "/body" => match tried {
                _ if is_gone && self == Self::RoomAuth => {
                    attack.refused(400, "`username` is missing")
                }
                _ if is_gone && has_body => attack.refused(400, "`email` is missing"),
                _ if is_gone => self.served(attack),
                "a text of 100,000 letters" => {
                    attack.refused(413, "The body is longer than 16 KiB")
                }
                "an empty text" if self == Self::RoomAuth => {
                    attack.refused(400, "`username` is missing")
                }
                "an empty text" if has_body => attack.refused(400, "`email` is missing"),
                "an empty text" => self.served(attack),
                "\"a\"" | "control characters" | "letters of other scripts" if has_body => {
                    attack.refused(NOT_JSON.0, NOT_JSON.1)
                }
                "\"a\"" | "control characters" | "letters of other scripts" => {
                    attack.refused(NO_TYPE.0, NO_TYPE.1)
                }
                _ => attack.refused(NO_BODY.0, NO_BODY.1),
            },
            "/isBase64Encoded" if tried == "true" && has_body => {
                attack.refused(NO_BODY.0, NO_BODY.1)
            }
            _ => self.served(attack),
        }
    }

    fn served(self, attack: Attack) -> Attack {
        match self {
            Self::Session => attack.served(200, "as without the change", |body| {
                ensure(body["user"]["email"] == "jane.doe@example.com", || body.to_string())
            }),
            Self::RoomAuth => attack.served(200, "as without the change", |body| {
                ensure(body["token"].is_string(), || body.to_string())
            }),
            Self::ResendMagicAuth => attack
                .served(200, "as without the change", |body| {
                    ensure(body["message"] == "OK", || body.to_string())
                })
                .calling(&["workos organizations", "workos users", "workos magic_auth"]),
        }
    }
}

/// Wrong values, by name; without one, the field is missing.
fn wrong_values() -> Vec<(String, Option<Value>)> {
    let values = [
        ("null", json!(null)),
        ("true", json!(true)),
        ("a number", json!(-1.5e300)),
        ("\"a\"", json!("a")),
        ("an empty text", json!("")),
        ("a list", json!([["a"], 1, null])),
        ("an object", json!({ "a": { "b": [1] } })),
        ("control characters", json!("a\r\nb: c\u{0}\u{7f}\u{1b}")),
        ("letters of other scripts", json!("caf\u{e9} \u{1f600} \u{202e}")),
        ("a text of 100,000 letters", json!("a".repeat(100_000))),
    ];
    let values = values.into_iter().map(|(tried, value)| (tried.to_owned(), Some(value)));
    [("nothing".to_owned(), None)].into_iter().chain(values).collect()
}

fn changed(event: &Event, field: &str, value: Option<&Value>) -> String {
    let mut event = event.as_json().clone();
    let (parent, name) = field.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
    match value {
        Some(value) => drop(parent.insert(name.to_owned(), value.clone())),
        None => drop(parent.remove(name)),
    }
    event.to_string()
}

fn no_events() -> Vec<(&'static str, String)> {
    vec![
        ("nothing", "null".to_owned()),
        ("a number", "7".to_owned()),
        ("a text", "\"event\"".to_owned()),
        ("a list", "[]".to_owned()),
        ("an empty object", "{}".to_owned()),
        (
            "an event of version 1.0",
            json!({ "httpMethod": "GET", "path": "/auth/session" }).to_string(),
        ),
        ("an event of a queue", json!({ "Records": [{ "body": "{}" }] }).to_string()),
        ("an object with a name twice", "{\"requestContext\":{},\"requestContext\":{}}".to_owned()),
        ("lists a thousand deep", format!("{}{}", "[".repeat(1000), "]".repeat(1000))),
        (
            "objects a hundred deep",
            format!("{}1{}", "{\"requestContext\":".repeat(100), "}".repeat(100)),
        ),
    ]
}

/// Bodies that claim to be something else, with the same endpoint.
fn bodies(world: &World) -> Vec<Attack> {
    let event = || world.to("resend-magic-auth");
    let good = "{\"email\":\"jane.doe@example.com\"}";
    let base64 = |text: &str, body: &str| {
        event()
            .body("application/json", body)
            .with("/body", json!(text))
            .with("/isBase64Encoded", json!(true))
    };
    let encoded = BASE64_STANDARD.encode(good);
    let mut attacks = Vec::new();
    let mut refused = |tried: &str, event: &Event, (status, message): (u64, &str)| {
        attacks.push(Attack::new(tried, event).refused(status, message));
    };
    refused("base64 without its padding", &base64(encoded.trim_end_matches('='), good), NO_BODY);
    refused("base64 of another alphabet", &base64("eyJl-_8=", good), NO_BODY);
    refused(
        "base64 with a line break",
        &base64(&format!("{}\n{}", &encoded[..8], &encoded[8..]), good),
        NO_BODY,
    );
    refused("base64 cut short", &base64(&encoded[..encoded.len() - 3], good), NO_BODY);
    refused("base64 of bytes that are no text", &base64("/////w==", good), NOT_JSON);
    refused("base64 of UTF-16", &base64("//57AH0A", good), NOT_JSON);
    refused("base64 that is not said to be", &event().body("application/json", &encoded), NOT_JSON);
    for content_type in [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-patch+json",
        "application/xml",
        "*/*",
        "application/json, text/plain",
        "text/plain; application/json",
        "application/json\u{0}",
        "application /json",
    ] {
        refused(
            &format!("the content type `{content_type}`"),
            &event().body(content_type, good),
            NO_TYPE,
        );
    }
    refused(
        "two content types",
        &event()
            .body("application/json", good)
            .with("/headers/Content-Type", json!("application/json")),
        NO_TYPE,
    );
    refused(
        "a list of content types",
        &event()
            .body("application/json", good)
            .with("/headers/content-type", json!(["application/json"])),
        NO_TYPE,
    );
    refused("a body without a content type", &event().untyped_body(good), NO_TYPE);
    for (tried, body) in [
        ("a byte order mark before the body", format!("\u{feff}{good}")),
        ("two bodies", format!("{good}{good}")),
        ("a comma behind the body", format!("{good},")),
        ("a comment in the body", good.replace('{', "{/**/")),
        ("quotation marks of JavaScript", good.replace('"', "'")),
        ("a name without quotation marks", good.replace("\"email\"", "email")),
        ("a line break in a text", good.replace("doe", "d\noe")),
        ("half an escape", good.replace("doe", "\\u00")),
        ("not a number", "{\"email\":NaN}".to_owned()),
        ("a form's body", "email=jane.doe@example.com".to_owned()),
        ("a query of a database", "{\"email\":{\"$gt\":\"\"}".to_owned()),
        ("lists ten thousand deep", "[".repeat(10_000)),
        ("objects a thousand deep", "{\"a\":".repeat(1_000)),
    ] {
        refused(tried, &event().body("application/json", &body), NOT_JSON);
    }
    refused(
        "half a surrogate pair",
        &event().body("application/json", &good.replace("doe", "\\ud83d")),
        (400, "`email` is not valid"),
    );
    for (tried, body) in [
        ("a list as the body", "[]"),
        ("a list with an address as the body", "[\"jane.doe@example.com\"]"),
        ("a text as the body", "\"jane.doe@example.com\""),
        ("null as the body", "null"),
        ("a number as the body", "1e999"),
    ] {
        let expected =
            if body == "1e999" { NOT_JSON } else { (400, "The body is not a JSON object") };
        refused(tried, &event().body("application/json", body), expected);
    }
    for (tried, body) in [
        ("a name twice", "{\"email\":\"eve@example.com\",\"email\":\"jane.doe@example.com\"}"),
        (
            "a name twice, once escaped",
            "{\"email\":\"eve@example.com\",\"\\u0065mail\":\"jane.doe@example.com\"}",
        ),
        (
            "a name twice in an object that nobody reads",
            "{\"email\":\"jane.doe@example.com\",\"x\":{\"a\":1,\"a\":2}}",
        ),
        ("a name with a NUL", "{\"email\":\"jane.doe@example.com\",\"email\\u0000\":1}"),
        ("a name with a line break", "{\"email\":\"jane.doe@example.com\",\"a\\nb\":1}"),
    ] {
        refused(
            tried,
            &event().body("application/json", body),
            (400, "The body has a duplicate or malformed key"),
        );
    }
    refused(
        "a body of 16 KiB and a byte",
        &event()
            .body("application/json", &format!("{{\"email\":\"{}\"}}", "a".repeat(16 * 1024 - 11))),
        (413, "The body is longer than 16 KiB"),
    );
    refused(
        "a body of a megabyte",
        &event().body("application/json", &" ".repeat(1024 * 1024)),
        (413, "The body is longer than 16 KiB"),
    );
    attacks
}

/// Headers and cookies that are doubled, huge or unreadable.
fn headers(world: &World, seal: &str) -> Vec<Attack> {
    let good = || Endpoint::Session.good(world, seal);
    let bare = || world.to("session");
    let nobody =
        |tried: &str, event: &Event| Attack::new(tried, event).refused(401, "Sign in first");
    let invalid = |tried: &str, event: &Event| {
        Attack::new(tried, event)
            .refused(401, "The session is not valid. Sign in again")
            .clearing(COOKIE)
    };
    let served = |tried: &str, event: &Event| Endpoint::Session.served(Attack::new(tried, event));
    let many: Value = (0..30_000)
        .map(|n| (format!("x-{n}"), json!("1")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let cookies: Vec<_> = (0..5_000).map(|n| json!(format!("c{n}=1"))).collect();
    vec![
        nobody(
            "the cookies as one text",
            &bare().with("/cookies", json!(format!("{COOKIE}={seal}"))),
        ),
        nobody("the cookies as an object", &bare().with("/cookies", json!({ COOKIE: seal }))),
        nobody("a cookie without a name", &bare().with("/cookies", json!([format!("={seal}")]))),
        nobody(
            "a cookie with a control character",
            &bare().with("/cookies", json!([format!("{COOKIE}={seal}\u{0}")])),
        ),
        nobody(
            "a cookie with a line break before it",
            &bare().with("/cookies", json!([format!("x=1\r\n{COOKIE}={seal}")])),
        ),
        nobody(
            "a cookie in a list of lists",
            &bare().with("/cookies", json!([[format!("{COOKIE}={seal}")]])),
        ),
        nobody(
            "a cookie in a header of another name",
            &bare().header("cookie2", &format!("{COOKIE}={seal}")),
        ),
        nobody("30,000 headers", &bare().with("/headers", many)),
        invalid(
            "two cookies in one item",
            &bare().with("/cookies", json!([format!("{COOKIE}={seal}; {COOKIE}={seal}")])),
        ),
        invalid("two cookies in two items", &good().cookie(COOKIE, seal)),
        invalid(
            "two cookies joined by a comma",
            &bare().with("/cookies", json!([format!("{COOKIE}={seal},{COOKIE}={seal}")])),
        ),
        invalid("a quotation mark before the cookie", &bare().cookie(COOKIE, &format!("\"{seal}"))),
        served(
            "5,000 other cookies",
            &good().with(
                "/cookies",
                json!([&cookies[..], &[json!(format!("{COOKIE}={seal}"))]].concat()),
            ),
        ),
        served("a cookie that is not ASCII next to it", &good().cookie("theme", "caf\u{e9}")),
        served(
            "a number among the cookies",
            &good().with("/cookies", json!([7, null, format!("{COOKIE}={seal}")])),
        ),
        served("a header of a megabyte", &good().header("x-large", &"a".repeat(1024 * 1024))),
        served("an invalid header name", &good().with("/headers/not a name", json!("1"))),
        served(
            "a header's name of 100,000 letters",
            &good().with(&format!("/headers/{}", "a".repeat(100_000)), json!("1")),
        ),
        Endpoint::Session.served(Attack::text(
            "a path to another endpoint",
            good().with("/rawPath", json!("/auth/sign-out")).as_json().to_string(),
            good().path(),
        )),
        served("a query of 100,000 letters", &good().query(&"a=1&".repeat(25_000))),
        served(
            "a forwarded address that is not an address",
            &good().header("x-forwarded-for", "'; DROP TABLE users; --"),
        ),
        Attack::new("a method in small letters", &good().method("get")).refused(405, "Use GET"),
        Attack::new(
            "an overridden method",
            &good().method("DELETE").header("x-http-method-override", "GET"),
        )
        .refused(405, "Use GET"),
        Attack::new("`TRACE`", &good().method("TRACE")).refused(405, "Use GET"),
        Attack::new("`CONNECT`", &good().method("CONNECT")).refused(405, "Use GET"),
        Attack::new("a method with a line break", &good().method("GET\r\nX: y"))
            .refused(NO_METHOD.0, NO_METHOD.1),
    ]
}
