use std::time::Duration;

use anteroom_stand_ins::{
    faults::Fault,
    jwt,
    liveblocks::Liveblocks,
    livekit::{self, EgressStatus, LiveKit, STOP_PATIENCE, Seat},
};
use prost::Message;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{client, send};

const FAR_FUTURE: u64 = 4_102_444_800;
const START: &str = "Egress/StartRoomCompositeEgress";

/// A LiveKit with the room `daily`, in which there are two people.
async fn start() -> LiveKit {
    let livekit = LiveKit::start().await.expect("it starts");
    livekit.open_room("daily", 2);
    livekit
}

fn claims(livekit: &LiveKit, video: &Value) -> Value {
    json!({"iss": livekit.api_key(), "exp": FAR_FUTURE, "sub": "jane", "video": video})
}

fn sign(livekit: &LiveKit, claims: &Value) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    jwt::hmac_signed(&header, claims, livekit.api_secret().as_bytes())
}

fn token(livekit: &LiveKit, video: &Value) -> String {
    sign(livekit, &claims(livekit, video))
}

fn post(livekit: &LiveKit, method: &str) -> RequestBuilder {
    client().post(format!("{}/twirp/livekit.{method}", livekit.url()))
}

async fn call(livekit: &LiveKit, method: &str, video: Value, body: Value) -> (u16, Value) {
    let request = post(livekit, method).bearer_auth(token(livekit, &video));
    send(request.json(&body)).await
}

/// A call of the egress API, as one who may record.
async fn record(livekit: &LiveKit, method: &str, body: Value) -> (u16, Value) {
    call(livekit, &format!("Egress/{method}"), json!({"roomRecord": true}), body).await
}

fn composite(filepath: &str) -> Value {
    let s3 = json!({"bucket": "recordings", "region": "eu-west-1"});
    json!({"room_name": "daily", "file_outputs": [{"filepath": filepath, "s3": s3}]})
}

/// The id of a new egress.
async fn begin(livekit: &LiveKit) -> String {
    let (status, info) = record(livekit, "StartRoomCompositeEgress", composite("a.mp4")).await;
    assert_eq!(status, 200, "{info}");
    info["egress_id"].as_str().expect("an id").to_owned()
}

async fn list(livekit: &LiveKit, body: Value) -> Vec<Value> {
    let (status, list) = record(livekit, "ListEgress", body).await;
    assert_eq!(status, 200, "{list}");
    list["items"].as_array().expect("a list").clone()
}

fn refusal(body: &Value) -> (&str, &str) {
    (body["code"].as_str().unwrap_or_default(), body["msg"].as_str().unwrap_or_default())
}

async fn text(request: RequestBuilder) -> (StatusCode, String) {
    let answer = request.send().await.expect("an answer");
    (answer.status(), answer.text().await.expect("text"))
}

fn nanoseconds(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number in a text")
}

#[tokio::test]
async fn records_a_room_from_start_to_end() {
    let livekit = start().await;
    let (status, begun) =
        record(&livekit, "StartRoomCompositeEgress", composite("recordings/a.mp4")).await;
    assert_eq!((status, &begun["status"]), (200, &json!("EGRESS_STARTING")));
    let id = begun["egress_id"].as_str().expect("an id");
    assert!(id.starts_with("EG_") && id.len() == 15, "{id}");
    assert!(nanoseconds(&begun["started_at"]) > 1_700_000_000_000_000_000);
    assert_eq!(begun["file_results"][0]["started_at"], "0", "nothing is recorded yet");

    let [active] = &list(&livekit, json!({"room_name": "daily"})).await[..] else { panic!("one") };
    assert_eq!((&active["egress_id"], &active["status"]), (&json!(id), &json!("EGRESS_ACTIVE")));
    assert_eq!(active["started_at"], begun["started_at"]);
    assert_ne!(active["file_results"][0]["started_at"], "0");

    let (status, ending) = record(&livekit, "StopEgress", json!({"egress_id": id})).await;
    assert_eq!((status, &ending["status"]), (200, &json!("EGRESS_ENDING")));
    assert_eq!(ending["details"], "End reason: StopEgress API");
    assert_eq!(ending["ended_at"], "0");

    let [complete] = &list(&livekit, json!({})).await[..] else { panic!("one") };
    assert_eq!((&complete["status"], &complete["error"]), (&json!("EGRESS_COMPLETE"), &json!("")));
    assert!(nanoseconds(&complete["ended_at"]) > nanoseconds(&complete["started_at"]));
    let location = "https://recordings.s3.amazonaws.com/recordings/a.mp4";
    assert_eq!(complete["file_results"][0]["location"], location);
    assert_eq!(complete["file"], complete["file_results"][0]);
}

#[tokio::test]
async fn reads_json_in_every_spelling_and_writes_it_in_the_servers() {
    let livekit = start().await;
    let sent = json!({
        "roomName": "daily", "layout": "grid", "audioMixing": 0, "advanced": {"width": "1280"},
        "videoOnly": false, "aFieldOfTomorrow": [1], "customBaseUrl": null,
        "fileOutputs": [{"fileType": "MP4", "filepath": "a.mp4", "disableManifest": true,
            "s3": {"bucket": "b", "forcePathStyle": true, "metadata": {"startedBy": "Jane"}}}],
    });
    let (status, info) = record(&livekit, "StartRoomCompositeEgress", sent).await;
    assert_eq!(status, 200, "{info}");
    let request = &info["room_composite"];
    assert_eq!(request["file_outputs"][0]["s3"]["metadata"], json!({"startedBy": "Jane"}));
    assert_eq!(request["file_outputs"][0]["file_type"], "MP4");
    assert_eq!(request["audio_mixing"], "DEFAULT_MIXING");
    assert_eq!(request["advanced"]["width"], 1280);
    // What is not set: null where it is a message, absent where it is one of several.
    assert_eq!(request["file_outputs"][0]["s3"].get("proxy"), Some(&Value::Null));
    assert_eq!((request.get("preset"), info.get("egress")), (None, None));
    assert_eq!(info["retry_count"], 0);
    let (_, list) = record(&livekit, "ListEgress", json!({})).await;
    assert_eq!(list.get("next_page_token"), Some(&Value::Null));
}

#[tokio::test]
async fn refuses_a_body_that_is_no_such_message() {
    let livekit = start().await;
    for body in ["", "null", "[]", "{", r#"{"room_name":5}"#, r#"{"preset":true}"#] {
        let request = post(&livekit, START).header("content-type", "application/json");
        let (status, body_of) = send(request.body(body)).await;
        let expected = ("malformed", "the json request could not be decoded");
        assert_eq!((status, refusal(&body_of)), (400, expected), "{body}");
    }
}

#[derive(Clone, PartialEq, Message)]
struct OneText {
    #[prost(string, tag = "2")]
    second: String,
}

#[derive(Clone, PartialEq, Message)]
struct Info {
    #[prost(string, tag = "1")]
    egress_id: String,
    #[prost(int32, tag = "3")]
    status: i32,
    #[prost(int64, tag = "10")]
    started_at: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Infos {
    #[prost(message, repeated, tag = "1")]
    items: Vec<Info>,
}

#[tokio::test]
async fn speaks_protobuf_as_well() {
    let livekit = start().await;
    let id = begin(&livekit).await;
    let wanted = OneText { second: id.clone() }.encode_to_vec();
    let request = post(&livekit, "Egress/ListEgress")
        .bearer_auth(token(&livekit, &json!({"roomRecord": true})))
        .header("content-type", "application/protobuf");
    let answer = request.body(wanted).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/protobuf");
    let answer = Infos::decode(answer.bytes().await.expect("a body")).expect("a message");
    let [info] = &answer.items[..] else { panic!("one egress") };
    assert_eq!((info.egress_id.as_str(), info.status), (id.as_str(), 1));
    assert!(info.started_at > 1_700_000_000_000_000_000);

    let request =
        post(&livekit, "Egress/ListEgress").header("content-type", "application/protobuf");
    let (status, body) = send(request.body(vec![0xff])).await;
    let expected = ("malformed", "the protobuf request could not be decoded");
    assert_eq!((status, refusal(&body)), (400, expected));
}

#[tokio::test]
async fn refuses_a_token_in_the_servers_own_words() {
    let livekit = start().await;
    let good = claims(&livekit, &json!({"roomRecord": true}));
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(&livekit, &claims)
    };
    let header = json!({"alg": "HS256"});
    let mut endless = good.clone();
    endless.as_object_mut().expect("an object").remove("exp");
    let cases = [
        (
            format!("Basic {}", sign(&livekit, &good)),
            "authorization header. Must start with Bearer ",
        ),
        ("Bearer not-a-token".to_owned(), "authorization token"),
        (bearer(&jwt::unsigned(&json!({"alg": "ours"}), &good)), "authorization token"),
        (bearer(&with("iss", json!("APIother"))), "API key"),
        (
            bearer(&jwt::unsigned(&json!({"alg": "none"}), &good)),
            "authorization token: token signature is invalid: signing method none is invalid",
        ),
        (
            bearer(&jwt::hmac_signed(&header, &good, b"another secret")),
            "authorization token: token signature is invalid: signature is invalid",
        ),
        (
            bearer(&with("exp", json!(1))),
            "authorization token: token has invalid claims: token is expired",
        ),
        (
            bearer(&with("nbf", json!(FAR_FUTURE))),
            "authorization token: token has invalid claims: token is not valid yet",
        ),
        (
            bearer(&sign(&livekit, &endless)),
            "authorization token: token has invalid claims: token is missing required claim: \
             exp claim is required",
        ),
    ];
    for (authorization, problem) in cases {
        let request = post(&livekit, "Egress/ListEgress").header("authorization", authorization);
        let (status, text) = text(request.json(&json!({}))).await;
        assert_eq!((status.as_u16(), text), (401, format!("invalid {problem}")));
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn forgives_a_minute_and_a_token_in_the_query() {
    let livekit = start().await;
    let mut claims = claims(&livekit, &json!({"roomRecord": true}));
    claims["exp"] = json!(now() - 30);
    claims["nbf"] = json!(now() + 30);
    let token = sign(&livekit, &claims);
    let request = post(&livekit, &format!("Egress/ListEgress?access_token={token}"));
    assert_eq!(send(request.json(&json!({}))).await.0, 200);
}

#[allow(clippy::disallowed_methods, reason = "the token must be as old as it says")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a time after 1970").as_secs()
}

#[tokio::test]
async fn asks_for_the_grant_of_each_method() {
    let livekit = start().await;
    let all = json!({"roomRecord": true, "roomCreate": true, "roomList": true, "roomAdmin": true,
        "room": "daily"});
    for (method, grant, body) in [
        (START, "roomRecord", composite("a.mp4")),
        ("Egress/ListEgress", "roomRecord", json!({})),
        ("Egress/StopEgress", "roomRecord", json!({"egress_id": "EG_none"})),
        ("RoomService/CreateRoom", "roomCreate", json!({"name": "a"})),
        ("RoomService/DeleteRoom", "roomCreate", json!({"room": "a"})),
        ("RoomService/ListRooms", "roomList", json!({})),
        ("RoomService/ListParticipants", "roomAdmin", json!({"room": "daily"})),
        ("RoomService/ListParticipants", "room", json!({"room": "daily"})),
    ] {
        let mut others = all.clone();
        others.as_object_mut().expect("an object").remove(grant);
        let (status, refused) = call(&livekit, method, others, body.clone()).await;
        assert_eq!((status, refusal(&refused)), (401, ("unauthenticated", "permissions denied")));
        let (status, answer) = call(&livekit, method, all.clone(), body.clone()).await;
        assert_ne!(status, 401, "{method}: {answer}");
        let (status, refused) = send(post(&livekit, method).json(&body)).await;
        assert_eq!((status, refusal(&refused)), (401, ("unauthenticated", "permissions denied")));
    }
}

#[tokio::test]
async fn lists_by_id_whatever_else_is_asked() {
    let livekit = start().await;
    livekit.open_room("other", 1);
    let id = begin(&livekit).await;
    livekit.set_egress_status(&id, EgressStatus::Failed);
    let by_id = json!({"egress_id": id, "room_name": "other", "active": true});
    assert_eq!(list(&livekit, by_id).await[0]["status"], "EGRESS_FAILED");
    assert!(list(&livekit, json!({"room_name": "other"})).await.is_empty());
    assert!(list(&livekit, json!({"room_name": "never opened"})).await.is_empty());

    let (status, refused) = record(&livekit, "ListEgress", json!({"egress_id": "EG_none"})).await;
    let expected = ("not_found", "twirp error unknown: egress does not exist");
    assert_eq!((status, refusal(&refused)), (404, expected));
}

#[tokio::test]
async fn takes_starting_active_and_ending_for_active() {
    let livekit = start().await;
    let id = begin(&livekit).await;
    for (status, is_active) in [
        (EgressStatus::Starting, true),
        (EgressStatus::Active, true),
        (EgressStatus::Ending, true),
        (EgressStatus::Complete, false),
        (EgressStatus::Failed, false),
        (EgressStatus::Aborted, false),
        (EgressStatus::LimitReached, false),
    ] {
        livekit.set_egress_status(&id, status);
        for room in ["", "daily"] {
            let found = list(&livekit, json!({"room_name": room, "active": true})).await;
            assert_eq!(!found.is_empty(), is_active, "{status:?} in {room:?}");
        }
        assert_eq!(livekit.egress(&id).status, status, "it stays there");
        assert_eq!(list(&livekit, json!({})).await.len(), 1);
    }
}

#[tokio::test]
async fn stops_each_egress_according_to_how_far_it_is() {
    let livekit = start().await;
    for (status, stopped) in [
        (EgressStatus::Starting, "EGRESS_ABORTED"),
        (EgressStatus::Active, "EGRESS_ENDING"),
        (EgressStatus::Ending, "EGRESS_ENDING"),
    ] {
        let id = begin(&livekit).await;
        livekit.set_egress_status(&id, status);
        let (status, info) = record(&livekit, "StopEgress", json!({"egress_id": id})).await;
        assert_eq!((status, info["status"].as_str()), (200, Some(stopped)));
    }
    let id = begin(&livekit).await;
    for (status, name) in [
        (EgressStatus::Complete, "EGRESS_COMPLETE"),
        (EgressStatus::Failed, "EGRESS_FAILED"),
        (EgressStatus::Aborted, "EGRESS_ABORTED"),
        (EgressStatus::LimitReached, "EGRESS_LIMIT_REACHED"),
    ] {
        livekit.set_egress_status(&id, status);
        let (status, refused) = record(&livekit, "StopEgress", json!({"egress_id": id})).await;
        let problem = format!("egress with status {name} cannot be stopped");
        let expected = ("failed_precondition", problem.as_str());
        assert_eq!((status, refusal(&refused)), (412, expected));
    }
    let (status, refused) = record(&livekit, "StopEgress", json!({"egress_id": "EG_none"})).await;
    let expected = ("not_found", "twirp error unknown: egress does not exist");
    assert_eq!((status, refusal(&refused)), (404, expected));
}

#[tokio::test]
async fn keeps_egresses_where_they_are_held() {
    let livekit = start().await;
    livekit.hold_starting();
    livekit.hold_ending();
    let id = begin(&livekit).await;
    assert_eq!(list(&livekit, json!({})).await[0]["status"], "EGRESS_STARTING");
    assert!(livekit.egress(&id).is_running());
    livekit.set_egress_status(&id, EgressStatus::Active);
    record(&livekit, "StopEgress", json!({"egress_id": id})).await;
    assert_eq!(list(&livekit, json!({})).await[0]["status"], "EGRESS_ENDING");
    livekit.release();
    assert_eq!(list(&livekit, json!({})).await[0]["status"], "EGRESS_COMPLETE");
    assert!(!livekit.egress(&id).is_running());
}

#[tokio::test]
async fn an_egress_can_be_older_than_it_is_and_a_recorder_too() {
    let livekit = start().await;
    let id = begin(&livekit).await;
    let before = nanoseconds(&livekit.egress(&id).info["started_at"]);
    livekit.age_egress(&id, Duration::from_hours(1));
    let after = nanoseconds(&livekit.egress(&id).info["started_at"]);
    assert_eq!(before - after, 3_600_000_000_000);

    livekit.report_start_times_late();
    let id = begin(&livekit).await;
    assert_eq!(livekit.egress(&id).info["started_at"], "0");
    list(&livekit, json!({})).await;
    assert_ne!(livekit.egress(&id).info["started_at"], "0");
}

#[tokio::test]
async fn refuses_to_record_what_cannot_be_recorded() {
    let livekit = start().await;
    let cases = [
        (json!({"room_name": "absent"}), 404, "not_found", "requested room does not exist"),
        (json!({"room_name": ""}), 400, "invalid_argument", "token or api key/secret"),
        (json!({"file_outputs": []}), 400, "invalid_argument", "invalid field: output"),
        (json!({"file_outputs": [{}, {}]}), 400, "invalid_argument", "multiple file outputs"),
        (
            json!({"audio_only": true, "video_only": true}),
            400,
            "invalid_argument",
            "audio_only and video_only",
        ),
        (json!({"custom_base_url": "ftp://a"}), 400, "invalid_argument", "template base url"),
        (json!({"preset": "PASSTHROUGH"}), 400, "invalid_argument", "invalid field: preset"),
        (json!({"advanced": {"width": 7}}), 400, "invalid_argument", "invalid field: width"),
        (
            json!({"file_outputs": [{"filepath": "a", "file_type": "MP3"}]}),
            400,
            "invalid_argument",
            "no supported codec",
        ),
        (
            json!({"file_outputs": [{"s3": {"assume_role_arn": "arn:aws:iam::1:role/a"}}]}),
            403,
            "permission_denied",
            "S3 upload using AssumeRole is disabled for this account",
        ),
        (json!({"stream_outputs": [{}]}), 501, "unimplemented", "does not imitate"),
    ];
    for (change, status, code, problem) in cases {
        let mut request = composite("a.mp4");
        for (name, value) in change.as_object().expect("an object") {
            request[name] = value.clone();
        }
        let (found, refused) = record(&livekit, "StartRoomCompositeEgress", request).await;
        assert_eq!((found, refusal(&refused).0), (status, code), "{change}: {refused}");
        assert!(refusal(&refused).1.contains(problem), "{change}: {refused}");
    }
    assert!(livekit.egresses().is_empty());
}

#[tokio::test]
async fn shows_a_request_without_its_secrets() {
    let livekit = start().await;
    livekit.let_recorders_assume_roles();
    let mut request = composite("a.mp4");
    let s3 = &mut request["file_outputs"][0]["s3"];
    s3["assume_role_arn"] = json!("arn:aws:iam::1:role/a");
    let (status, info) = record(&livekit, "StartRoomCompositeEgress", request.clone()).await;
    assert_eq!(
        (status, &info["room_composite"]["file_outputs"][0]["s3"]["secret"]),
        (200, &json!(""))
    );

    let s3 = &mut request["file_outputs"][0]["s3"];
    for name in ["access_key", "secret", "session_token", "assume_role_external_id"] {
        s3[name] = json!("hidden");
    }
    record(&livekit, "StartRoomCompositeEgress", request).await;
    let info = list(&livekit, json!({})).await[1].to_string();
    assert!(!info.contains("hidden") && info.contains("arn:aws:iam::1:role/a"), "{info}");
    assert!(info.contains(r#""assume_role_external_id":"{external_id}""#), "{info}");
}

#[tokio::test]
async fn fills_in_the_templates_of_a_path_after_it_has_been_cleaned() {
    let livekit = start().await;
    livekit.open_room("../../{room_id}", 1);
    let mut request = composite("a/../b/{room_name}.mp4");
    request["room_name"] = json!("../../{room_id}");
    let (_, info) = record(&livekit, "StartRoomCompositeEgress", request).await;
    let name = info["file_results"][0]["filename"].as_str().expect("a name");
    let stem = name.strip_suffix(".mp4").expect("the ending");
    assert!(stem.starts_with("b/../../RM_"), "{name}");
}

#[tokio::test]
async fn loses_a_recording_whose_metadata_s3_does_not_take() {
    let livekit = start().await;
    for (topic, status) in [("Caf%C3%A9", EgressStatus::Complete), ("Café", EgressStatus::Failed)]
    {
        let mut request = composite("a.mp4");
        request["file_outputs"][0]["s3"]["metadata"] = json!({"topic": topic});
        let (_, info) = record(&livekit, "StartRoomCompositeEgress", request).await;
        let id = info["egress_id"].as_str().expect("an id");
        list(&livekit, json!({})).await;
        record(&livekit, "StopEgress", json!({"egress_id": id})).await;
        list(&livekit, json!({})).await;
        assert_eq!(livekit.egress(id).status, status, "{topic}");
    }
}

#[tokio::test]
async fn records_by_the_later_request_too() {
    let livekit = start().await;
    let storage = json!({"s3": {"bucket": "recordings", "secret": "hidden"}});
    let sent = json!({"room_name": "daily", "template": {"layout": "grid"}, "storage": storage,
        "outputs": [{"file": {"filepath": "a"}}]});
    let (status, info) = record(&livekit, "StartEgress", sent.clone()).await;
    assert_eq!((status, &info["file_results"][0]["filename"]), (200, &json!("a.mp4")));
    assert_eq!(info["egress"]["storage"]["s3"]["secret"], "{secret}");
    assert_eq!(info["source_type"], "EGRESS_SOURCE_TYPE_WEB");

    for (field, problem) in
        [("template", "invalid field: source"), ("outputs", "invalid field: output")]
    {
        let mut lacking = sent.clone();
        lacking.as_object_mut().expect("an object").remove(field);
        let (status, refused) = record(&livekit, "StartEgress", lacking).await;
        assert_eq!((status, refusal(&refused).1.contains(problem)), (400, true), "{refused}");
    }
}

#[tokio::test]
async fn says_when_no_recorder_takes_a_request() {
    let livekit = start().await;
    livekit.without_recorder(Duration::from_millis(1));
    let (status, refused) = record(&livekit, "StartRoomCompositeEgress", composite("a")).await;
    let expected = ("unavailable", "twirp error unknown: no response from servers");
    assert_eq!((status, refusal(&refused)), (503, expected));
    livekit.without_capacity(Duration::from_millis(1));
    let (status, refused) = record(&livekit, "StartRoomCompositeEgress", composite("a")).await;
    assert_eq!((status, refusal(&refused)), (503, expected));
    assert!(livekit.egresses().is_empty());
    livekit.with_recorder();
    begin(&livekit).await;
}

#[tokio::test]
async fn knows_no_egress_without_redis() {
    let livekit = start().await;
    livekit.without_redis(Duration::from_millis(1));
    let expected = ("internal", "twirp error unknown: egress not connected (redis required)");
    for (method, message) in
        [("ListEgress", json!({})), ("StopEgress", json!({"egress_id": "EG_absent123456"}))]
    {
        let (status, refused) = record(&livekit, method, message).await;
        assert_eq!((status, refusal(&refused)), (500, expected), "{method}");
    }
    let (status, refused) = record(&livekit, "StartRoomCompositeEgress", composite("a")).await;
    assert_eq!((status, refusal(&refused).0), (503, "unavailable"));
}

#[tokio::test]
async fn obeys_a_stop_later_than_it_answers_where_the_page_loads_slowly() {
    let livekit = start().await;
    livekit.load_pages_for(STOP_PATIENCE + Duration::from_millis(500));
    let id = begin(&livekit).await;
    let (status, refused) = record(&livekit, "StopEgress", json!({"egress_id": id})).await;
    let expected = ("deadline_exceeded", "twirp error unknown: request timed out");
    assert_eq!((status, refusal(&refused)), (408, expected));
    tokio::time::sleep(Duration::from_millis(600)).await;
    let all = list(&livekit, json!({"egress_id": id})).await;
    assert_eq!(all[0]["status"], "EGRESS_ABORTED");
}

#[tokio::test]
async fn leaves_egresses_as_they_are_when_their_recorder_is_gone() {
    let livekit = start().await;
    let id = begin(&livekit).await;
    livekit.without_recorder(Duration::from_millis(1));
    assert_eq!(list(&livekit, json!({})).await[0]["status"], "EGRESS_STARTING");
    let (status, refused) = record(&livekit, "StopEgress", json!({"egress_id": id})).await;
    let expected = ("deadline_exceeded", "twirp error unknown: request timed out");
    assert_eq!((status, refusal(&refused)), (408, expected));
    livekit.set_egress_status(&id, EgressStatus::Ending);
    let (status, refused) = record(&livekit, "StopEgress", json!({"egress_id": id})).await;
    assert_eq!((status, refusal(&refused).0), (412, "failed_precondition"));
}

#[tokio::test]
async fn can_lose_the_answer_to_a_start_or_bring_it_late() {
    let livekit = start().await;
    livekit.lose_next_start_answer();
    let token = token(&livekit, &json!({"roomRecord": true}));
    let request = post(&livekit, START).bearer_auth(&token).json(&composite("a.mp4"));
    request.send().await.expect_err("the connection ends");
    assert_eq!(livekit.egresses().len(), 1, "it has started");

    livekit.delay_next_start_answer(Duration::from_hours(1));
    let request = post(&livekit, START).bearer_auth(&token).json(&composite("a.mp4"));
    let answer = tokio::spawn(request.send());
    while livekit.egresses().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!answer.is_finished());
    answer.abort();
    begin(&livekit).await;
}

#[tokio::test]
async fn lets_starts_wait_for_each_other() {
    let livekit = start().await;
    livekit.hold_starts_until(2);
    let token = token(&livekit, &json!({"roomRecord": true}));
    let first = post(&livekit, START).bearer_auth(token).json(&composite("a.mp4"));
    let first = tokio::spawn(first.send());
    while livekit.hits("POST", "/twirp/livekit.Egress/StartRoomCompositeEgress") == 0 {
        tokio::task::yield_now().await;
    }
    assert!(list(&livekit, json!({})).await.is_empty(), "the first waits");
    begin(&livekit).await;
    first.await.expect("no panic").expect("an answer");
    assert_eq!(livekit.egresses().len(), 2);
}

#[tokio::test]
async fn lets_in_whom_a_token_lets_in() {
    let livekit = start().await;
    let join = json!({"roomJoin": true, "room": "daily"});
    let mut named = claims(&livekit, &join);
    named["name"] = json!("Jane Doe");
    let seat = Seat { room: "daily".into(), identity: "jane".into(), name: "Jane Doe".into() };
    assert_eq!(livekit.seat(&sign(&livekit, &named)), Ok(seat));

    let with = |name: &str, value: Value| {
        let mut claims = claims(&livekit, &join);
        claims[name] = value;
        sign(&livekit, &claims)
    };
    let good = token(&livekit, &join);
    let mut with_id = claims(&livekit, &join);
    with_id["sub"] = json!("");
    with_id["jti"] = json!("device-1");
    let cases = [
        ("validate", good.clone(), 200, "success"),
        ("validate", sign(&livekit, &with_id), 200, "success"),
        ("validate", with("sub", json!("")), 400, "identity cannot be empty"),
        (
            "validate",
            with("sub", json!("x".repeat(257))),
            400,
            "participant identity length exceeds limits: max length 256",
        ),
        ("validate", with("video", json!({"room": "daily"})), 401, "permissions denied"),
        ("validate", with("video", Value::Null), 401, "no permissions to access the room"),
        ("validate", with("video", json!({"roomJoin": true})), 400, "no room name"),
        (
            "validate",
            with("video", json!({"roomJoin": true, "room": "x".repeat(257)})),
            400,
            "room name length exceeds limits: max length 256",
        ),
        ("validate", String::new(), 401, "no permissions to access the room"),
        ("validate", "nonsense".to_owned(), 401, "invalid authorization token"),
        (
            "validate?attributes=eyJhIjoiYiJ9",
            good.clone(),
            401,
            "no permissions to access the room",
        ),
        ("validate?attributes=nonsense", good.clone(), 400, "cannot decode attributes"),
        ("validate?publish=screen", good.clone(), 200, "success"),
        ("v1/validate", good.clone(), 400, "join_request is required"),
        ("v1/validate?join_request=CAA=", good, 200, "success"),
    ];
    for (path, token, status, said) in cases {
        let joint = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/rtc/{path}{joint}access_token={token}", livekit.url());
        let found = text(client().get(url)).await;
        assert_eq!((found.0.as_u16(), found.1.as_str()), (status, said), "{path}");
    }
}

#[tokio::test]
async fn manages_rooms() {
    let livekit = start().await;
    let create = json!({"roomCreate": true});
    let wanted = json!({"name": "weekly", "emptyTimeout": 60, "metadata": "m"});
    let (status, room) = call(&livekit, "RoomService/CreateRoom", create.clone(), wanted).await;
    assert_eq!((status, &room["empty_timeout"], &room["metadata"]), (200, &json!(60), &json!("m")));
    assert_eq!(room["departure_timeout"], 20);
    assert_eq!(nanoseconds(&room["creation_time_ms"]) / 1000, nanoseconds(&room["creation_time"]));

    let all = json!({"roomList": true});
    let (_, found) = call(&livekit, "RoomService/ListRooms", all.clone(), json!({})).await;
    let counts = found["rooms"].as_array().expect("rooms").iter();
    let counts: Vec<_> = counts.map(|room| (&room["name"], &room["num_participants"])).collect();
    assert_eq!(counts, [(&json!("daily"), &json!(2)), (&json!("weekly"), &json!(0))]);
    let names = json!({"names": ["weekly", "absent"]});
    let (_, found) = call(&livekit, "RoomService/ListRooms", all, names).await;
    assert_eq!(found["rooms"].as_array().map(Vec::len), Some(1));

    for (status, code) in [(200, ""), (404, "not_found")] {
        let gone = json!({"room": "weekly"});
        let (found, answer) = call(&livekit, "RoomService/DeleteRoom", create.clone(), gone).await;
        assert_eq!((found, refusal(&answer).0), (status, code));
    }
    let long = json!({"name": "x".repeat(257)});
    let (status, refused) = call(&livekit, "RoomService/CreateRoom", create, long).await;
    let problem = "twirp error unknown: room name length exceeds limits: max length 256";
    assert_eq!((status, refusal(&refused)), (400, ("invalid_argument", problem)));
}

#[tokio::test]
async fn shows_the_recorder_among_the_participants_and_does_not_count_it() {
    let livekit = start().await;
    let id = begin(&livekit).await;
    let admin = json!({"roomAdmin": true, "room": "daily"});
    let (_, found) =
        call(&livekit, "RoomService/ListParticipants", admin, json!({"room": "daily"})).await;
    let participants = found["participants"].as_array().expect("participants");
    let kinds: Vec<_> = participants.iter().map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("STANDARD"), Some("STANDARD"), Some("EGRESS")]);
    assert_eq!(participants[2]["identity"], json!(id));
    assert_eq!(participants[2]["permission"]["hidden"], true);

    let (_, found) =
        call(&livekit, "RoomService/ListRooms", json!({"roomList": true}), json!({})).await;
    assert_eq!(found["rooms"][0]["num_participants"], 2);
    assert_eq!(found["rooms"][0]["active_recording"], true);
}

#[tokio::test]
async fn ends_the_recordings_of_a_room_that_closes() {
    let livekit = start().await;
    let (recorded, begun) = (begin(&livekit).await, begin(&livekit).await);
    livekit.set_egress_status(&recorded, EgressStatus::Active);
    livekit.set_egress_status(&begun, EgressStatus::Starting);
    livekit.close_room("daily");
    list(&livekit, json!({})).await;
    assert_eq!(livekit.egress(&recorded).status, EgressStatus::Complete);
    assert_eq!(livekit.egress(&recorded).info["details"], "End reason: Source closed");
    assert_eq!(livekit.egress(&begun).status, EgressStatus::Aborted);
}

#[tokio::test]
async fn opens_rooms_for_people_with_curl() {
    let livekit = start().await;
    let order =
        |body: &'static str| client().post(format!("{}/dev/rooms", livekit.url())).body(body);
    assert_eq!(text(order(r#"{"name":"weekly","participants":3}"#)).await.0, 200);
    assert_eq!(text(order(r#"{"name":"weekly"}"#)).await.0, 200);
    let (_, found) =
        call(&livekit, "RoomService/ListRooms", json!({"roomList": true}), json!({})).await;
    assert_eq!(found["rooms"][1]["num_participants"], 1, "one unless it is said otherwise");
    assert_eq!(text(order(r#"{"room":"weekly"}"#)).await.0, 400);

    begin(&livekit).await;
    let egresses = client().get(format!("{}/dev/egresses", livekit.url()));
    assert_eq!(send(egresses).await.1[0]["status"], "EGRESS_STARTING", "it is no look");
}

#[tokio::test]
async fn has_the_servers_answers_for_what_is_no_call() {
    let livekit = start().await;
    let get = client().get(format!("{}/twirp/livekit.Egress/ListEgress", livekit.url()));
    let (status, refused) = send(get).await;
    let problem = "unsupported method \"GET\" (only POST is allowed)";
    assert_eq!((status, refusal(&refused)), (404, ("bad_route", problem)));
    let route = "GET /twirp/livekit.Egress/ListEgress";
    assert_eq!(refused["meta"]["twirp_invalid_route"], route);

    let (status, refused) = send(post(&livekit, "Egress/Nothing").json(&json!({}))).await;
    let problem = "no handler for path \"/twirp/livekit.Egress/Nothing\"";
    assert_eq!((status, refusal(&refused)), (404, ("bad_route", problem)));

    let form = post(&livekit, "Egress/ListEgress").header("content-type", "text/plain");
    let (status, refused) = send(form.body("{}")).await;
    let problem = "unexpected Content-Type: \"text/plain\"";
    assert_eq!((status, refusal(&refused)), (404, ("bad_route", problem)));

    let (status, refused) = send(post(&livekit, "Egress/UpdateLayout").json(&json!({}))).await;
    assert_eq!((status, refusal(&refused).0), (501, "unimplemented"));
    let (status, page) = text(post(&livekit, "SIP/ListSIPTrunk")).await;
    assert_eq!((status.as_u16(), page.as_str()), (404, "404 page not found\n"));
    assert_eq!(text(client().get(livekit.url())).await.1, "OK");
}

#[tokio::test]
async fn fails_as_livekit_fails() {
    let livekit = start().await;
    for (fault, status, code) in [
        (Fault::Limiting { retry_after: None }, 429, "resource_exhausted"),
        (Fault::Failing(500), 500, "internal"),
        (Fault::Failing(503), 503, "unavailable"),
    ] {
        livekit.inject(fault.once());
        let (found, refused) = record(&livekit, "ListEgress", json!({})).await;
        assert_eq!((found, refusal(&refused).0), (status, code));
    }
    livekit.inject(Fault::Refusing.once());
    let (status, said) = text(post(&livekit, "Egress/ListEgress").json(&json!({}))).await;
    assert_eq!((status.as_u16(), said.as_str()), (401, "invalid API key"));
}

#[tokio::test]
async fn refuses_the_old_keys_after_a_rotation() {
    let livekit = start().await;
    let old = token(&livekit, &json!({"roomRecord": true}));
    livekit.rotate_keys("APInew", "another secret of thirty-two letters");
    let request = post(&livekit, "Egress/ListEgress").bearer_auth(old).json(&json!({}));
    assert_eq!(text(request).await.1, "invalid API key");
    assert!(list(&livekit, json!({})).await.is_empty());
    let settings = livekit.settings();
    assert!(settings.contains(&("LIVEKIT_API_KEY".to_owned(), "APInew".to_owned())));
    assert!(settings.contains(&("LIVEKIT_URL".to_owned(), livekit.url().replace("http", "ws"))));
}

/// The events that have arrived at `sink`, once there are `count`.
async fn webhooks(sink: &Liveblocks, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let requests = sink.requests();
        if requests.len() >= count {
            return requests.iter().map(|request| request.json().expect("JSON")).collect();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("only {:?}", sink.requests())
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().expect("a name")).collect()
}

/// Liveblocks answers 404 to all of them, which LiveKit takes for an answer.
#[tokio::test]
async fn tells_of_rooms_people_and_recordings_in_signed_webhooks() {
    let sink = Liveblocks::start().await.expect("it starts");
    let livekit = start().await;
    livekit.send_webhooks_to(&format!("{}/hook", sink.url()));
    let joined = ["room_started", "participant_joined", "participant_joined"];
    assert_eq!(names(&webhooks(&sink, 3).await), joined);
    let id = begin(&livekit).await;
    let started = ["egress_started", "egress_updated"];
    assert_eq!(names(&webhooks(&sink, 5).await)[3..], started);
    record(&livekit, "StopEgress", json!({ "egress_id": id })).await;
    let seen = webhooks(&sink, 6).await;
    // Whether it is seen ending is a matter of time.
    let count = if seen[5]["event"] == "egress_updated" { 7 } else { 6 };
    webhooks(&sink, count).await;
    livekit.open_room("daily", 1);
    livekit.close_room("daily");
    let events = webhooks(&sink, count + 3).await;
    assert_eq!(events[count - 1]["event"], "egress_ended");
    let gone = ["participant_left", "participant_left", "room_finished"];
    assert_eq!(names(&events[count..]), gone);

    let egress = &events[count - 1]["egressInfo"];
    assert_eq!((&egress["egressId"], &egress["status"]), (&json!(id), &json!("EGRESS_COMPLETE")));
    assert_eq!(egress["roomComposite"]["fileOutputs"][0]["filepath"], "a.mp4");
    assert_eq!(events[3]["egressInfo"].get("status"), None, "zero, as protobuf has it");
    let room = &events[0]["room"];
    assert_eq!(room["name"], "daily");
    let password = room["turnPassword"].as_str().expect("a password");
    assert_eq!(events[count + 2]["room"]["turnPassword"], password);
    let ids: std::collections::BTreeSet<_> =
        events.iter().map(|event| event["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), events.len());
    for request in sink.requests() {
        let token = request.header("authorization").expect("a token").to_owned();
        let expected = livekit::webhook_claims(&livekit.api_key(), &request.body, 0);
        let claims = jwt::claims(&token).expect("claims");
        assert_eq!(claims["sha256"], expected["sha256"]);
        assert_eq!(request.header("content-type"), Some("application/webhook+json"));
    }
}

#[tokio::test]
async fn a_webhook_that_fails_is_sent_again_with_the_same_id() {
    let sink = Liveblocks::start().await.expect("it starts");
    sink.inject(Fault::Failing(503).times(2));
    let livekit = LiveKit::start().await.expect("it starts");
    livekit.open_room("daily", 0);
    livekit.send_webhooks_to(&format!("{}/hook", sink.url()));
    let ids: Vec<_> = webhooks(&sink, 3).await.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, vec![ids[0].clone(); 3]);
}
