//! Recording rooms: the calls to LiveKit, one recording per room, and starts that are rejected, lost
//! or fail.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::caller::Caller;
use anteroom::clock::Clock;
use anteroom::livekit::{NewRecording, Recorder, Recording, RoomId, Rooms};
use anteroom::settings::Settings;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::livekit::{EgressStatus, EgressView, LiveKit};
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::log_lines::LogLines;
use crate::{Pairs, configured, status, store_keys, with_keys_in, within};

const START: &str = "/twirp/livekit.Egress/StartRoomCompositeEgress";
const LIST: &str = "/twirp/livekit.Egress/ListEgress";
const STOP: &str = "/twirp/livekit.Egress/StopEgress";
const PARTICIPANTS: &str = "/twirp/livekit.RoomService/ListParticipants";

/// How long a request has in these tests, where it is not said otherwise.
const PATIENCE: Duration = Duration::from_secs(28);

struct World {
    livekit: LiveKit,
    recorder: Recorder,
}

impl World {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With a room called `room` and somebody in it.
    async fn start_with(more: &[(&str, &str)]) -> Self {
        let livekit = LiveKit::start().await.unwrap();
        livekit.open_room("room", 1);
        let recorder = recorder(settings(&livekit, more)).await;
        Self { livekit, recorder }
    }

    async fn record(&self) -> Result<Recording, ApiError> {
        record(&self.recorder, &json!({ "roomName": "room", "zoneId": "1" }), PATIENCE).await
    }

    /// Starts to record in zone 1 as [`record`](Self::record) does, and returns once LiveKit has
    /// been told to, half a second before it does so.
    async fn begin(&self, patience: Duration) -> JoinHandle<u16> {
        self.livekit.inject(Fault::Slow(Duration::from_millis(500)).on(START).once());
        let recorder = self.recorder.clone();
        let start = tokio::spawn(async move {
            let input = json!({ "roomName": "room", "zoneId": "1" });
            status(&record(&recorder, &input, patience).await)
        });
        self.until_asked(START).await;
        start
    }

    /// Starts an egress like another program, in this file.
    fn start_elsewhere(&self, filepath: &str) -> String {
        let output = json!({ "filepath": filepath, "s3": { "bucket": "a-bucket" } });
        let request = json!({ "room_name": "room", "file_outputs": [output] });
        self.livekit.start_egress("StartRoomCompositeEgress", request)
    }

    async fn until_asked(&self, path: &str) {
        while self.livekit.hits("POST", path) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Our own egress, and not another program's.
    fn own(&self, other: &str) -> EgressView {
        self.livekit.egresses().into_iter().find(|egress| egress.id != other).unwrap()
    }

    fn running(&self) -> usize {
        self.livekit.egresses().iter().filter(|egress| egress.is_running()).count()
    }
}

fn settings(livekit: &LiveKit, more: &[(&str, &str)]) -> Pairs {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    livekit.settings().into_iter().chain(more).collect()
}

async fn recorder(pairs: Pairs) -> Recorder {
    configured(pairs, Recorder::configure).await
}

async fn record(
    recorder: &Recorder,
    input: &Value,
    patience: Duration,
) -> Result<Recording, ApiError> {
    let new: NewRecording = serde_json::from_value(input.clone()).unwrap();
    let caller = Caller {
        user_id: "user_jane".to_owned(),
        session_id: "session_1".to_owned(),
        organization_id: Some("org_1".to_owned()),
        permissions: Vec::new(),
        impersonator: None,
    };
    let mut settings = Settings::from_pairs(Pairs::new(), Clock::system()).unwrap();
    let rooms = Rooms::to_record(&mut settings).unwrap();
    let room = rooms.room(&caller, &RoomId::parse(new.room_name.as_str()).unwrap()).unwrap();
    within(patience, recorder.start(&caller, &room, &new)).await
}

#[tokio::test]
async fn livekit_is_asked_for_one_file_with_all_its_metadata() {
    let world = World::start_with(&[
        ("RECORDINGS_BUCKET", "a-bucket"),
        ("RECORDINGS_REGION", "eu-north-1"),
        ("RECORDING_PRESET", "H264_1080P_30"),
    ])
    .await;
    let input = json!({
        "roomName": "room", "zoneId": "1", "conferenceTopic": "Weekly <b>sync</b>",
        "participants": " alice, bob,,charlie",
    });
    let recording = record(&world.recorder, &input, PATIENCE).await.unwrap();
    assert_eq!(recording.egress_id.as_str(), world.livekit.egresses()[0].id);

    let requests = world.livekit.requests();
    let start = requests.iter().find(|request| request.path() == START).unwrap();
    let asked = start.json().unwrap();
    let key = asked["file_outputs"][0]["filepath"].as_str().unwrap().to_owned();
    assert!(key.starts_with("recordings/1/org_1_room-"), "{key}");
    let expected = json!({
        "room_name": "room",
        "preset": "H264_1080P_30",
        "file_outputs": [{
            "file_type": "MP4",
            "filepath": key,
            "disable_manifest": true,
            "s3": {
                "bucket": "a-bucket",
                "region": "eu-north-1",
                "metadata": {
                    "room": "room",
                    "zone": "1",
                    "topic": "Weekly%20%3Cb%3Esync%3C%2Fb%3E",
                    "participants": "alice,bob,charlie",
                    "started-by": "user_jane",
                    "organization": "org_1",
                },
            },
        }],
    });
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn the_upload_is_signed_as_it_is_configured() {
    let arn = "arn:aws:iam::123456789012:role/recorder";
    let world = World::start_with(&[
        ("RECORDINGS_ENDPOINT", "https://minio.example:9000"),
        ("RECORDINGS_ASSUME_ROLE_ARN", arn),
        ("RECORDINGS_ASSUME_ROLE_EXTERNAL_ID", "anteroom"),
        ("RECORDINGS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("RECORDINGS_SECRET_ACCESS_KEY", "a-secret-access-key"),
    ])
    .await;
    assert_eq!(status(&world.record().await), 200);
    let requests = world.livekit.requests();
    let start = requests.iter().find(|request| request.path() == START).unwrap();
    let s3 = start.json().unwrap()["file_outputs"][0]["s3"].clone();
    for (name, value) in [
        ("endpoint", json!("https://minio.example:9000/")),
        ("force_path_style", json!(true)),
        ("assume_role_arn", json!(arn)),
        ("assume_role_external_id", json!("anteroom")),
        ("access_key", json!("AKIDEXAMPLE")),
        ("secret", json!("a-secret-access-key")),
    ] {
        assert_eq!(s3[name], value, "{name}");
    }
}

#[tokio::test]
async fn tokens_grant_what_their_call_needs_and_nothing_else() {
    let world = World::start().await;
    world.livekit.open_room("room", 0);
    assert_eq!(status(&world.record().await), 404, "nobody is in the room");
    world.livekit.open_room("room", 1);
    assert_eq!(status(&world.record().await), 200);
    let mut calls = 0;
    for request in world.livekit.requests() {
        let claims = anteroom_stand_ins::jwt::claims(request.bearer().unwrap()).unwrap();
        let grant = match request.path().rsplit_once('/').unwrap().1 {
            "ListRooms" => json!({ "roomList": true }),
            "ListParticipants" => json!({ "roomAdmin": true, "room": "room" }),
            _ => json!({ "roomRecord": true }),
        };
        assert_eq!(claims["video"], grant, "{}", request.path());
        let lifetime = claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap();
        assert_eq!(lifetime, 60);
        assert!(claims["sub"].is_null());
        calls += 1;
    }
    assert!(calls >= 6, "only {calls} calls");
}

#[tokio::test]
async fn a_room_is_409_while_it_is_recorded() {
    let world = World::start().await;
    let id = world.record().await.unwrap().egress_id;
    for (state, expected) in
        [(EgressStatus::Starting, 409), (EgressStatus::Active, 409), (EgressStatus::Ending, 200)]
    {
        world.livekit.set_egress_status(id.as_str(), state);
        let result = world.record().await;
        assert_eq!(status(&result), expected, "{state:?}");
        if let Ok(second) = result {
            world.livekit.set_egress_status(second.egress_id.as_str(), EgressStatus::Complete);
        }
    }
}

#[tokio::test]
async fn a_stuck_recording_does_not_block_the_room_forever() {
    let world = World::start_with(&[("RECORDING_MAX_AGE", "3600")]).await;
    let id = world.record().await.unwrap().egress_id;
    world.livekit.set_egress_status(id.as_str(), EgressStatus::Active);
    world.livekit.age_egress(id.as_str(), Duration::from_secs(3500));
    assert_eq!(status(&world.record().await), 409);
    world.livekit.age_egress(id.as_str(), Duration::from_secs(200));
    assert_eq!(status(&world.record().await), 200);
}

#[tokio::test]
async fn of_simultaneous_starts_one_stays_whichever_is_slow() {
    for contenders in [2_usize, 3, 5] {
        for delay in [Duration::ZERO, Duration::from_millis(400), Duration::from_secs(2)] {
            let world = World::start().await;
            world.livekit.hold_starts_until(contenders);
            if !delay.is_zero() {
                world.livekit.delay_next_start_answer(delay);
            }
            let mut starts = tokio::task::JoinSet::new();
            for _ in 0..contenders {
                let recorder = recorder(settings(&world.livekit, &[])).await;
                let input = json!({ "roomName": "room", "zoneId": "1" });
                starts.spawn(async move { status(&record(&recorder, &input, PATIENCE).await) });
            }
            let mut answers = starts.join_all().await;
            answers.sort_unstable();
            let mut expected = vec![409; contenders];
            expected[0] = 200;
            assert_eq!(answers, expected, "{contenders} contenders, {delay:?}");
            assert_eq!(world.livekit.egresses().len(), contenders, "all of them had started");
            assert_eq!(world.running(), 1, "{contenders} contenders, {delay:?}");
        }
    }
}

#[tokio::test]
async fn a_recorder_that_is_deaf_until_its_page_has_loaded_changes_nothing() {
    for (load, contenders) in [(1, 3), (7, 2), (12, 2)] {
        let world = World::start().await;
        world.livekit.hold_starts_until(contenders);
        world.livekit.load_pages_for(Duration::from_secs(load));
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..contenders {
            let recorder = recorder(settings(&world.livekit, &[])).await;
            let input = json!({ "roomName": "room", "zoneId": "1" });
            starts.spawn(async move { status(&record(&recorder, &input, PATIENCE).await) });
        }
        let mut answers = starts.join_all().await;
        answers.sort_unstable();
        let mut expected = vec![409; contenders];
        expected[0] = 200;
        assert_eq!(answers, expected, "a page that loads in {load} s");
        assert_eq!(world.running(), 1, "a page that loads in {load} s");
    }
}

#[tokio::test]
async fn a_failed_listing_is_retried() {
    let world = World::start().await;
    world.livekit.lose_next_start_answer();
    world.livekit.inject(Fault::Slow(Duration::ZERO).on(LIST).once());
    world.livekit.inject(Fault::Failing(500).on(LIST).times(2));
    let recording = world.record().await.unwrap();
    assert_eq!(recording.egress_id.as_str(), world.livekit.egresses()[0].id);
}

#[tokio::test]
async fn a_start_that_loses_the_last_recorder_to_another_is_409() {
    let world = World::start().await;
    world.livekit.inject(Fault::Slow(Duration::from_secs(2)).on(START).once());
    let late = recorder(settings(&world.livekit, &[])).await;
    let late = tokio::spawn(async move {
        let input = json!({ "roomName": "room", "zoneId": "1" });
        status(&record(&late, &input, PATIENCE).await)
    });
    while world.livekit.hits("POST", START) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(status(&world.record().await), 200);
    world.livekit.without_capacity(Duration::ZERO);
    assert_eq!(late.await.unwrap(), 409);
    assert_eq!(world.livekit.egresses().len(), 1, "the late one did not start");
    assert_eq!(world.running(), 1);
}

#[tokio::test]
async fn a_recording_that_ends_at_once_is_not_a_success() {
    let world = World::start().await;
    world.livekit.inject(Fault::Slow(Duration::from_millis(500)).on(LIST).times(2));
    let recorder = recorder(settings(&world.livekit, &[])).await;
    let start = tokio::spawn(async move {
        let input = json!({ "roomName": "room", "zoneId": "1" });
        status(&record(&recorder, &input, PATIENCE).await)
    });
    while world.livekit.egresses().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let id = world.livekit.egresses()[0].id.clone();
    world.livekit.set_egress_status(&id, EgressStatus::Ending);
    assert_eq!(start.await.unwrap(), 503);
}

#[tokio::test]
async fn livekit_that_falls_silent_after_a_start_keeps_nobody_waiting() {
    let world = World::start().await;
    world.livekit.inject(Fault::Slow(Duration::ZERO).on(LIST).once());
    world.livekit.inject(Fault::Slow(Duration::from_mins(1)).on(LIST));
    let input = json!({ "roomName": "room", "zoneId": "1" });
    let result = record(&world.recorder, &input, Duration::from_secs(11)).await;
    assert_eq!(status(&result), 503);
    assert_eq!(world.running(), 0, "it was stopped, since nobody was told of it");
}

#[tokio::test]
async fn a_later_start_does_not_stop_the_winning_recording() {
    // Whose key is less comes first among those who start at once, and waits for the others in vain.
    for late_zone in ["0", "2"] {
        let world = World::start().await;
        world.livekit.inject(Fault::Slow(Duration::from_secs(1)).on(START).once());
        let late = recorder(settings(&world.livekit, &[])).await;
        let late = tokio::spawn(async move {
            let input = json!({ "roomName": "room", "zoneId": late_zone });
            status(&record(&late, &input, PATIENCE).await)
        });
        while world.livekit.hits("POST", START) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let winner = world.record().await.unwrap();
        assert_eq!(late.await.unwrap(), 409, "zone {late_zone}");
        assert_eq!(world.livekit.egresses().len(), 2, "both had started");
        assert_eq!(world.running(), 1);
        assert!(world.livekit.egress(winner.egress_id.as_str()).is_running());
    }
}

#[tokio::test]
async fn a_start_whose_response_is_lost_is_found_and_never_retried() {
    let world = World::start().await;
    world.livekit.lose_next_start_answer();
    let recording = world.record().await.unwrap();
    assert_eq!(world.livekit.egresses().len(), 1);
    assert_eq!(recording.egress_id.as_str(), world.livekit.egresses()[0].id);
    assert_eq!(world.livekit.hits("POST", START), 1);
}

#[tokio::test]
async fn a_start_that_takes_too_long_is_looked_up_in_time() {
    let world = World::start().await;
    world.livekit.delay_next_start_answer(Duration::from_secs(30));
    let input = json!({ "roomName": "room", "zoneId": "1" });
    let result = record(&world.recorder, &input, Duration::from_secs(4)).await;
    assert_eq!(status(&result), 200);
    assert_eq!(world.livekit.hits("POST", START), 1);
}

#[tokio::test]
async fn without_a_recorder_it_is_503_and_nothing_runs() {
    let world = World::start().await;
    world.livekit.without_recorder(Duration::from_millis(50));
    assert_eq!(status(&world.record().await), 503);
    world.livekit.without_capacity(Duration::from_millis(50));
    assert_eq!(status(&world.record().await), 503);
    world.livekit.without_recorder(Duration::from_secs(30));
    let input = json!({ "roomName": "room", "zoneId": "1" });
    let result = record(&world.recorder, &input, Duration::from_secs(4)).await;
    assert_eq!(status(&result), 503);
    assert_eq!(world.livekit.hits("POST", START), 3, "none was repeated");
    assert_eq!(world.livekit.egresses().len(), 0);
}

#[tokio::test]
async fn a_start_that_cannot_list_again_leaves_no_recording_behind() {
    let world = World::start().await;
    // The look before the start passes; those after it fail.
    world.livekit.inject(Fault::Slow(Duration::ZERO).on(LIST).once());
    world.livekit.inject(Fault::Failing(500).on(LIST));
    let input = json!({ "roomName": "room", "zoneId": "1" });
    let result = record(&world.recorder, &input, Duration::from_secs(4)).await;
    assert_eq!(status(&result), 503);
    assert_eq!(world.livekit.egresses().len(), 1, "it had started");
    assert_eq!(world.running(), 0);
}

#[tokio::test]
async fn a_rotated_key_pair_is_used_and_a_wrong_one_is_502() {
    let world = World::start().await;
    world.livekit.rotate_keys("APIanother", "another-secret-of-thirty-two-bytes-and-more");
    assert_eq!(status(&world.record().await), 502);

    let secrets = SecretsManager::start().await.unwrap();
    store_keys(&secrets, &world.livekit);
    let recorder = recorder(with_keys_in(&secrets, settings(&world.livekit, &[]))).await;
    world.livekit.rotate_keys("APIThird", "the-third-secret-of-thirty-two-bytes-and-more");
    store_keys(&secrets, &world.livekit);
    let input = json!({ "roomName": "room", "zoneId": "1" });
    assert_eq!(status(&record(&recorder, &input, PATIENCE).await), 200);
}

#[tokio::test]
async fn settings_that_are_missing_or_malformed_are_named_together() {
    let pairs = [
        ("LIVEKIT_URL", "ws://livekit.example.com"),
        ("LIVEKIT_API_KEY", "a key with blanks"),
        ("LIVEKIT_API_SECRET", "too-little"),
        ("RECORDINGS_BUCKET", "A_Bucket"),
        ("RECORDINGS_ENDPOINT", "ftp://s3.example.com"),
        ("RECORDINGS_ASSUME_ROLE_ARN", "arn:aws:iam::1:role/x"),
        ("RECORDINGS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("RECORDING_PRESET", "720p"),
        ("RECORDING_MAX_AGE", "never"),
    ];
    let mut settings = Settings::from_pairs(pairs, Clock::system()).unwrap();
    let recorder = Recorder::configure(&mut settings);
    let problems = settings.complete(recorder).await.unwrap_err().to_string();
    for (name, value) in pairs {
        assert!(problems.contains(name), "{name} is not in {problems}");
        assert!(!problems.contains(value), "{value} is in {problems}");
    }
    assert!(problems.contains("RECORDINGS_REGION is missing"), "{problems}");
}

#[tokio::test]
async fn an_external_id_without_its_role_has_no_effect_and_is_logged() {
    let livekit = LiveKit::start().await.unwrap();
    let pairs = settings(&livekit, &[("RECORDINGS_ASSUME_ROLE_EXTERNAL_ID", "anteroom")]);
    let mut settings = Settings::from_pairs(pairs, Clock::system()).unwrap();
    let recorder = Recorder::configure(&mut settings);
    let problems = settings.complete(recorder).await.unwrap_err().to_string();
    assert!(problems.contains("RECORDINGS_ASSUME_ROLE_EXTERNAL_ID has no effect"), "{problems}");
}

#[tokio::test]
async fn the_participants_are_listed_only_if_the_list_of_rooms_shows_nobody() {
    let world = World::start().await;
    assert_eq!(status(&world.record().await), 200);
    assert_eq!(world.livekit.hits("POST", PARTICIPANTS), 0);
    world.livekit.edit_answers("ListRooms", |answer| answer["rooms"] = json!([]));
    for egress in world.livekit.egresses() {
        world.livekit.set_egress_status(&egress.id, EgressStatus::Complete);
    }
    assert_eq!(status(&world.record().await), 200);
    assert_eq!(world.livekit.hits("POST", PARTICIPANTS), 1);
}

#[tokio::test]
async fn a_start_that_livekit_refuses_is_not_looked_for() {
    let odd = Fault::Between {
        status: 400,
        content_type: "application/json",
        body: r#"{"code":"invalid_argument","msg":"no"}"#,
    };
    for (fault, expected) in [(odd, 502), (Fault::Limiting { retry_after: None }, 503)] {
        let world = World::start().await;
        world.livekit.inject(fault.on(START));
        assert_eq!(status(&world.record().await), expected, "{fault:?}");
        assert_eq!(world.livekit.hits("POST", LIST), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_start_that_may_have_taken_effect_is_logged() {
    for (fault, logged) in [(Fault::Failing(500), 0), (Fault::Down, 1)] {
        let world = World::start().await;
        world.livekit.inject(fault.on(START));
        let lines = LogLines::start();
        assert_eq!(status(&world.record().await), 503, "{fault:?}");
        assert_eq!(lines.with("it may be running"), logged, "{fault:?}");
    }
}

#[tokio::test]
async fn a_start_that_takes_longer_than_other_calls_is_waited_for() {
    let world = World::start().await;
    world.livekit.delay_next_start_answer(Duration::from_millis(4500));
    assert_eq!(status(&world.record().await), 200);
    assert_eq!(world.livekit.hits("POST", LIST), 2, "one look before it, and one after it");
}

#[tokio::test]
async fn another_programs_recording_stays_even_if_it_ends_soon() {
    let world = World::start().await;
    let start = world.begin(PATIENCE).await;
    let other = world.start_elsewhere("zoo/film.mp4");
    world.livekit.set_egress_status(&other, EgressStatus::Active);
    let (id, is_first) = (other.clone(), AtomicBool::new(true));
    world.livekit.edit_answers("ListEgress", move |answer| {
        let items = answer["items"].as_array_mut().unwrap();
        if !is_first.swap(false, Ordering::Relaxed) {
            items.retain(|item| item["egress_id"] != id);
        }
    });
    assert_eq!(start.await.unwrap(), 409);
    assert!(!world.own(&other).is_running());
}

#[tokio::test]
async fn the_first_in_rank_waits_only_until_its_deadline() {
    let world = World::start().await;
    world.livekit.hold_starting();
    let start = world.begin(Duration::from_secs(8)).await;
    let other = world.start_elsewhere("recordings/2/room/2020-01-01/000000-0000000000000000.mp4");
    assert_eq!(start.await.unwrap(), 409);
    assert!(!world.own(&other).is_running() && world.livekit.egress(&other).is_running());
}

#[tokio::test]
async fn a_losing_recording_is_stopped_whatever_livekit_says_first() {
    for refusal in [None, Some(Fault::Failing(500)), Some(Fault::Down)] {
        let world = World::start().await;
        let start = world.begin(PATIENCE).await;
        let other = world.start_elsewhere("zoo/film.mp4");
        world.livekit.set_egress_status(&other, EgressStatus::Active);
        match refusal {
            None => world.livekit.refuse_stops(2),
            Some(fault) => world.livekit.inject(fault.on(STOP).times(4)),
        }
        assert_eq!(start.await.unwrap(), 409, "{refusal:?}");
        assert!(!world.own(&other).is_running(), "{refusal:?}");
        assert!(world.livekit.egress(&other).is_running(), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_losing_recording_may_end_by_itself() {
    let world = World::start().await;
    let start = world.begin(Duration::from_secs(10)).await;
    let other = world.start_elsewhere("zoo/film.mp4");
    world.livekit.set_egress_status(&other, EgressStatus::Active);
    world.livekit.inject(Fault::Slow(Duration::from_millis(500)).on(STOP).once());
    world.until_asked(STOP).await;
    world.livekit.set_egress_status(&world.own(&other).id, EgressStatus::Complete);
    assert_eq!(start.await.unwrap(), 409);
    assert_eq!(world.livekit.hits("POST", STOP), 1);
}
