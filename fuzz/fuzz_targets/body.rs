//! A JSON body: what is accepted is JSON that a strict parser reads the same way, and what is rejected is
//! never quoted.

#![no_main]

use anteroom::api::{ApiError, Empty, Reply, Request};
use anteroom::lambda::{Endpoint, Route};
use anteroom::livekit::{Cursor, InvitationToken, Participants, RoomId, Topic, Username, Zone};
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Email, MagicCode, OneTimeToken, OrganizationId};
use anteroom_fuzz::{json, script, world};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;

/// The fields of all endpoints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "some are only parsed")]
struct Input {
    email: Email,
    room_id: Option<RoomId>,
    username: Option<Username>,
    zone_id: Option<Zone>,
    code: Option<MagicCode>,
    token: Option<OneTimeToken>,
    organization_id: Option<OrganizationId>,
    invitation: Option<InvitationToken>,
    conference_topic: Option<Topic>,
    participants: Option<Participants>,
    cursor: Option<Cursor>,
}

const FIELDS: [&str; 11] = [
    "email",
    "roomId",
    "username",
    "zoneId",
    "code",
    "token",
    "organizationId",
    "invitation",
    "conferenceTopic",
    "participants",
    "cursor",
];

struct Probe;

impl Endpoint for Probe {
    const NAME: &'static str = "probe";
    const ROUTE: Route = Route::post("/");
    type Input = Input;
    type Output = ();

    fn configure(_: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self)
    }

    async fn handle(&self, _: &Request, _: Input) -> Result<Reply<()>, ApiError> {
        Ok(Reply::ok(()))
    }
}

struct Nothing;

impl Endpoint for Nothing {
    const NAME: &'static str = "nothing";
    const ROUTE: Route = Route::post("/");
    type Input = Empty;
    type Output = ();

    fn configure(_: &mut Settings) -> Result<Self, Incomplete> {
        Ok(Self)
    }

    async fn handle(&self, _: &Request, _: Empty) -> Result<Reply<()>, ApiError> {
        Ok(Reply::ok(()))
    }
}

// The first line is the content type.
fuzz_target!(|data: &[u8]| {
    let (content_type, body) = script::split_at_line(data);
    let mut request = world::request("POST", "/", &[], "");
    let mut declares_json = false;
    if let Ok(value) = http::HeaderValue::from_bytes(content_type)
        && !content_type.is_empty()
    {
        let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
        declares_json =
            text.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
        request.headers_mut().insert("content-type", value);
    }
    *request.body_mut() = body.to_vec();
    // In fields that nobody reads, halves of surrogate pairs are no obstacle.
    let value = json::strict(&json::with_whole_characters(body));
    let is_empty = body.is_empty() || body.trim_ascii() == b"{}";

    let nothing = Nothing::read(&request).map(drop);
    let probe = Probe::read(&request);
    for error in [nothing.as_ref().err(), probe.as_ref().err()].into_iter().flatten() {
        check_refusal(error, value.as_ref(), declares_json, body);
    }
    if nothing.is_ok() {
        assert!(is_empty || (declares_json && value.as_ref().is_some_and(Value::is_object)));
    } else {
        assert!(probe.is_err(), "an endpoint with input accepts more than one without");
    }
    if let Ok(input) = probe {
        check_input(&input, &value.expect("JSON without duplicate keys"));
    }
});

fn check_refusal(error: &ApiError, value: Option<&Value>, declares_json: bool, body: &[u8]) {
    let message = error.message();
    match error.status().as_u16() {
        400 => {}
        413 => return assert!(body.len() > 16 * 1024),
        415 => return assert!(!declares_json),
        status => panic!("{status} {message}"),
    }
    let Some((field, problem)) = message.strip_prefix('`').and_then(|text| text.split_once('`'))
    else {
        let is_fixed = [
            "The body has a duplicate or malformed key",
            "The body is not valid JSON",
            "The body is not a JSON object",
        ]
        .contains(&message);
        return assert!(is_fixed, "{message}");
    };
    assert!(FIELDS.contains(&field), "{message}");
    let given = value.and_then(|value| value.get(field));
    match problem {
        " is missing" => assert!(given.is_none() && field == "email", "{message}"),
        " is not valid" => {
            assert!(given.is_some_and(|given| field == "email" || !given.is_null()), "{message}");
        }
        _ => panic!("{message}"),
    }
}

fn check_input(input: &Input, value: &Value) {
    let text = |field: &str| value[field].as_str();
    let email = input.email.as_str();
    let own = text("email").expect("an address");
    assert_eq!(email.matches('@').count(), 1);
    assert!(email.len() <= 254 && input.email.domain().is_ascii());
    assert!(!email.chars().any(|c| c.is_control() || c.is_whitespace()), "{email:?}");
    assert_eq!(Email::parse(email).as_ref(), Some(&input.email), "normalizing twice changes it");
    assert!(input.email.is(own) && !email.chars().any(|c| c.is_ascii_uppercase()));
    assert!(!own.is_ascii() || own.trim().eq_ignore_ascii_case(email));

    let lines = [
        (input.room_id.as_ref().map(RoomId::as_str), "roomId", 128),
        (input.username.as_ref().map(Username::as_str), "username", 128),
        (input.zone_id.as_ref().map(Zone::as_str), "zoneId", 64),
    ];
    for (line, field, characters) in lines {
        assert_eq!(line, text(field), "{field}");
        let Some(line) = line else { continue };
        assert!((1..=256).contains(&line.len()) && line.chars().count() <= characters);
        assert!(line.trim() == line && !line.chars().any(char::is_control), "{line:?}");
    }
    if input.code.is_some() {
        let code = text("code").expect("a code");
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let digits = digits.chars().filter(char::is_ascii_digit).count();
        assert_eq!(digits, 6, "{code}");
    }
}
