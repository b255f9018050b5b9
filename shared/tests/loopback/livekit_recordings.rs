//! Existing recordings: who may stop one, and how they are listed. Denials first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::caller::Caller;
use anteroom::clock::Clock;
use anteroom::livekit::{Recorder, Recording, RecordingList, Recordings, RoomName, Rooms};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::livekit::{EgressStatus, LiveKit};
use anteroom_stand_ins::s3::S3;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use serde_json::{Value, json};
use time::{Date, Month};
use tokio::time::timeout;

use crate::{Pairs, configured, read, status, store_keys, with_keys_in, within};

const PATIENCE: Duration = Duration::from_secs(9);

const LIST: &str = "/twirp/livekit.Egress/ListEgress";
const STOP: &str = "/twirp/livekit.Egress/StopEgress";

/// A refusal of LiveKit's, with another status than its server gives it.
fn refusal(status: u16, body: &'static str) -> Fault {
    Fault::Between { status, content_type: "application/json", body }
}

struct World {
    livekit: LiveKit,
    s3: S3,
    rooms: Rooms,
    recorder: Recorder,
    recordings: Recordings,
    list: RecordingList,
}

impl World {
    /// With a room called `room` and somebody in it.
    async fn start() -> Self {
        let (livekit, s3) = (LiveKit::start().await.unwrap(), S3::start().await.unwrap());
        livekit.open_room("room", 1);
        livekit.record_to(&s3);
        let (rooms, recorder, recordings, list) = configured(settings(&livekit, &s3), |settings| {
            Ok((
                Rooms::to_record(settings)?,
                Recorder::configure(settings)?,
                Recordings::configure(settings)?,
                RecordingList::configure(settings)?,
            ))
        })
        .await;
        Self { livekit, s3, rooms, recorder, recordings, list }
    }

    fn room(&self, organization: Option<&str>, name: &str) -> RoomName {
        self.rooms.room(&caller(organization), &read(json!(name))).unwrap()
    }

    /// Starts a recording of the room in zone 1 for the organization `org_1`, and gives its id.
    async fn record(&self) -> String {
        let room = self.room(Some("org_1"), "room");
        let new = read(json!({ "roomName": "room", "zoneId": "1" }));
        let caller = caller(Some("org_1"));
        let started = within(PATIENCE, self.recorder.start(&caller, &room, &new)).await;
        started.unwrap().egress_id.to_string()
    }

    async fn stop(
        &self,
        organization: Option<&str>,
        room: &str,
        zone: &str,
        id: &str,
    ) -> Result<Recording, ApiError> {
        let (room, zone, id) = (self.room(organization, room), read(json!(zone)), read(json!(id)));
        within(PATIENCE, self.recordings.stop(&room, &zone, &id)).await
    }

    /// The folder of the recordings that [`record`](Self::record) starts, with its `/`. One that
    /// has failed goes there.
    async fn folder(&self) -> String {
        let id = self.record().await;
        self.livekit.set_egress_status(&id, EgressStatus::Failed);
        folder_of(&self.livekit.egress(&id).filename)
    }

    async fn page(
        &self,
        organization: Option<&str>,
        room: &str,
        cursor: Option<&str>,
    ) -> Result<Value, ApiError> {
        let query = read(json!({ "roomName": room, "zoneId": "1", "cursor": cursor }));
        let page = self.list.page(&self.room(organization, room), &query).await?;
        Ok(serde_json::to_value(page).unwrap())
    }

    /// The first pages of `org_1`.
    async fn pages(&self, count: usize) -> Vec<Vec<Value>> {
        let (mut pages, mut cursor) = (Vec::new(), None::<String>);
        while pages.len() < count {
            let page = self.page(Some("org_1"), "room", cursor.as_deref()).await.unwrap();
            pages.push(page["recordings"].as_array().unwrap().clone());
            match page["cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        pages
    }
}

fn settings(livekit: &LiveKit, s3: &S3) -> Pairs {
    livekit.settings().into_iter().chain(s3.settings()).collect()
}

fn caller(organization: Option<&str>) -> Caller {
    Caller {
        user_id: "user_jane".to_owned(),
        session_id: "session_1".to_owned(),
        organization_id: organization.map(str::to_owned),
        permissions: Vec::new(),
        impersonator: None,
    }
}

/// The folder of a key, with its `/`.
fn folder_of(key: &str) -> String {
    key.rsplitn(3, '/').nth(2).unwrap().to_owned() + "/"
}

/// A key's part after its folder: the recording of this minute of the day.
fn own_part(day: &str, minute: usize) -> String {
    format!("{day}/{:02}{:02}00-{minute:016x}.mp4", minute / 60, minute % 60)
}

fn keys(pages: &[Vec<Value>]) -> Vec<&str> {
    pages.iter().flatten().map(|recording| recording["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_recording_is_stopped_in_its_own_organization_room_and_zone_alone() {
    let world = World::start().await;
    world.livekit.open_room("room2", 1);
    let id = world.record().await;
    for (organization, room, zone) in [
        (None, "room", "1"),
        (Some("org_2"), "room", "1"),
        (Some("org_1"), "room2", "1"),
        (Some("org_1"), "room", "2"),
    ] {
        let stopped = world.stop(organization, room, zone, &id).await;
        assert_eq!(status(&stopped), 404, "{organization:?}, {room}, {zone}");
    }
    assert_eq!(status(&world.stop(Some("org_1"), "room", "1", "EG_absent").await), 404);
    assert!(world.livekit.egress(&id).is_running());

    world.livekit.hold_ending();
    for _ in 0..2 {
        let before = Clock::system().now().whole_seconds();
        let stopped = world.stop(Some("org_1"), "room", "1", &id).await.unwrap();
        assert_eq!(stopped.egress_id.as_str(), id);
        let now = Clock::system().now().whole_seconds();
        assert!((before..=now).contains(&stopped.timestamp), "{}", stopped.timestamp);
        assert_eq!(world.livekit.egress(&id).status, EgressStatus::Ending);
    }
    world.livekit.set_egress_status(&id, EgressStatus::Complete);
    assert_eq!(status(&world.stop(Some("org_1"), "room", "1", &id).await), 409);
}

#[tokio::test]
async fn a_stop_that_livekit_refuses_is_retried_while_it_lists_the_recording_as_running() {
    let world = World::start().await;
    let id = world.record().await;
    world.livekit.refuse_stops(2);
    assert_eq!(status(&world.stop(Some("org_1"), "room", "1", &id).await), 200);
    assert!(!world.livekit.egress(&id).is_running());
}

#[tokio::test]
async fn a_stop_whose_response_is_lost_or_late_succeeds() {
    let slow = Fault::Slow(Duration::from_millis(4500));
    for (fault, times, stops) in [(Fault::Truncated, 1, 2), (Fault::Truncated, 2, 2), (slow, 1, 1)]
    {
        let world = World::start().await;
        let id = world.record().await;
        world.livekit.hold_ending();
        world.livekit.inject(fault.on(STOP).times(times));
        assert_eq!(status(&world.stop(Some("org_1"), "room", "1", &id).await), 200, "{fault:?}");
        assert_eq!(world.livekit.egress(&id).status, EgressStatus::Ending, "{fault:?}");
        assert_eq!(world.livekit.hits("POST", STOP), stops, "{fault:?}");
    }
}

#[tokio::test]
async fn a_stop_that_has_ended_the_recording_is_a_success_even_if_its_answer_was_lost() {
    let world = World::start().await;
    let id = world.record().await;
    world.livekit.inject(Fault::Truncated.on(STOP).once());
    assert_eq!(status(&world.stop(Some("org_1"), "room", "1", &id).await), 200);
    assert_eq!(status(&world.stop(Some("org_1"), "room", "1", &id).await), 409, "and only once");
}

#[tokio::test]
async fn a_stop_that_fails_is_503_and_not_retried_like_a_refused_one() {
    for is_still_listed in [true, false] {
        let world = World::start().await;
        let id = world.record().await;
        world.livekit.inject(Fault::Failing(500).on(STOP));
        let is_first = AtomicBool::new(true);
        world.livekit.edit_answers("ListEgress", move |answer| {
            if !is_first.swap(false, Ordering::Relaxed) && !is_still_listed {
                answer["items"] = json!([]);
            }
        });
        let stopped = world.stop(Some("org_1"), "room", "1", &id).await;
        assert_eq!(status(&stopped), 503, "{is_still_listed}");
        assert_eq!(world.livekit.hits("POST", STOP), 1, "{is_still_listed}");
    }
}

#[tokio::test]
async fn a_recording_that_livekit_no_longer_knows_when_it_refuses_to_stop_it_is_404() {
    let world = World::start().await;
    let id = world.record().await;
    world.livekit.refuse_stops(1);
    let is_first = AtomicBool::new(true);
    world.livekit.edit_answers("ListEgress", move |answer| {
        if !is_first.swap(false, Ordering::Relaxed) {
            answer["items"] = json!([]);
        }
    });
    assert_eq!(status(&world.stop(Some("org_1"), "room", "1", &id).await), 404);
    assert_eq!(world.livekit.hits("POST", STOP), 1);
}

#[tokio::test]
async fn a_stop_that_comes_too_late_is_409() {
    let world = World::start().await;
    let id = world.record().await;
    world.livekit.inject(Fault::Slow(Duration::from_millis(500)).on(STOP).once());
    let (stopped, ()) = tokio::join!(world.stop(Some("org_1"), "room", "1", &id), async {
        while world.livekit.hits("POST", STOP) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.livekit.set_egress_status(&id, EgressStatus::Complete);
    });
    assert_eq!(status(&stopped), 409);
}

#[tokio::test]
async fn twirps_code_counts_whatever_its_status_is() {
    let world = World::start().await;
    let id = world.record().await;
    let of_state = refusal(429, r#"{"code":"failed_precondition","msg":"no"}"#);
    world.livekit.inject(of_state.on(STOP).once());
    assert_eq!(status(&world.stop(Some("org_1"), "room", "1", &id).await), 200);
}

#[tokio::test]
async fn a_newer_key_pair_is_read_once_ours_is_refused() {
    let (world, secrets) = (World::start().await, SecretsManager::start().await.unwrap());
    let id = world.record().await;
    store_keys(&secrets, &world.livekit);
    let recordings = configured(
        with_keys_in(&secrets, settings(&world.livekit, &world.s3)),
        Recordings::configure,
    )
    .await;
    world.livekit.rotate_keys("APINewer", "a-newer-secret-of-thirty-two-bytes-and-more");
    store_keys(&secrets, &world.livekit);
    // Other versions of Twirp answer with this status.
    world.livekit.inject(refusal(403, r#"{"code":"unauthenticated","msg":"no"}"#).on(LIST).once());
    let (room, zone, id) = (world.room(Some("org_1"), "room"), read(json!("1")), read(json!(id)));
    let stopped = within(PATIENCE, recordings.stop(&room, &zone, &id)).await;
    assert_eq!(status(&stopped), 200);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_retried_and_may_be_long() {
    let world = World::start().await;
    let id = world.record().await;
    world.livekit.inject(Fault::Truncated.on(LIST).once());
    let page = world.page(Some("org_1"), "room", None).await.unwrap();
    assert_eq!(page["recordings"][0]["egressId"], id);
    for (mebibytes, expected) in [(2, 200), (9, 502)] {
        world.livekit.edit_answers("ListEgress", move |answer| {
            answer["padding"] = json!("x".repeat(mebibytes * 1024 * 1024));
        });
        let page = world.page(Some("org_1"), "room", None).await;
        assert_eq!(status(&page), expected, "{mebibytes} MiB");
    }
}

#[tokio::test]
async fn another_organizations_recordings_are_not_listed_and_its_cursors_are_400() {
    let world = World::start().await;
    let folder = world.folder().await;
    for minute in 0..101 {
        world.s3.put(&format!("{folder}{}", own_part("2026-01-01", minute)), "");
    }
    let page = world.page(Some("org_1"), "room", None).await.unwrap();
    let cursor = page["cursor"].as_str().unwrap();
    for (organization, room) in [(None, "room"), (Some("org_2"), "room"), (Some("org_1"), "room2")]
    {
        let page = world.page(organization, room, None).await.unwrap();
        assert_eq!(page, json!({ "recordings": [] }), "{organization:?}, {room}");
        let page = world.page(organization, room, Some(cursor)).await;
        assert_eq!(status(&page), 400, "{organization:?}, {room}");
    }
}

#[tokio::test]
async fn a_cursor_that_another_process_has_signed_with_a_newer_key_is_valid() {
    let (world, secrets) = (World::start().await, SecretsManager::start().await.unwrap());
    let folder = world.folder().await;
    for minute in 0..150 {
        world.s3.put(&format!("{folder}{}", own_part("2026-01-01", minute)), "");
    }
    store_keys(&secrets, &world.livekit);
    let list = configured(
        with_keys_in(&secrets, settings(&world.livekit, &world.s3)),
        RecordingList::configure,
    )
    .await;
    world.livekit.rotate_keys("APINewer", "a-newer-secret-of-thirty-two-bytes-and-more");
    store_keys(&secrets, &world.livekit);
    let another = configured(
        with_keys_in(&secrets, settings(&world.livekit, &world.s3)),
        RecordingList::configure,
    )
    .await;
    let room = world.room(Some("org_1"), "room");
    let query =
        |cursor: Option<&str>| read(json!({ "roomName": "room", "zoneId": "1", "cursor": cursor }));
    let first = serde_json::to_value(another.page(&room, &query(None)).await.unwrap()).unwrap();
    let query = query(first["cursor"].as_str());
    let second = serde_json::to_value(list.page(&room, &query).await.unwrap()).unwrap();
    assert_eq!(second["recordings"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn a_cursor_is_valid_as_long_as_the_pair_that_has_signed_it_is_the_previous_one() {
    let world = World::start().await;
    let folder = world.folder().await;
    for minute in 0..101 {
        world.s3.put(&format!("{folder}{}", own_part("2026-01-01", minute)), "");
    }
    let page = world.page(Some("org_1"), "room", None).await.unwrap();
    let (key, secret) = (world.livekit.api_key(), world.livekit.api_secret());
    world.livekit.rotate_keys("APINewer", "a-newer-secret-of-thirty-two-bytes-and-more");
    let mut pairs = settings(&world.livekit, &world.s3);
    let room = world.room(Some("org_1"), "room");
    let query =
        || read(json!({ "roomName": "room", "zoneId": "1", "cursor": page["cursor"].as_str() }));
    let list = configured(pairs.clone(), RecordingList::configure).await;
    assert_eq!(status(&list.page(&room, &query()).await), 400);
    pairs.push(("LIVEKIT_API_KEY_PREVIOUS".to_owned(), key));
    pairs.push(("LIVEKIT_API_SECRET_PREVIOUS".to_owned(), secret));
    let list = configured(pairs, RecordingList::configure).await;
    assert_eq!(status(&list.page(&room, &query()).await), 200);
}

#[tokio::test]
async fn pages_are_newest_first_and_complete_however_many_recordings_there_are() {
    for (days, per_day, pages) in
        [(1, 100, 3), (2, 120, 3), (1, 1000, 2), (1, 1001, 2), (28, 40, 12), (2, 1300, 14)]
    {
        let world = World::start().await;
        let folder = world.folder().await;
        let mut expected = Vec::new();
        for day in 1..=days {
            for minute in 0..per_day {
                let own_part = own_part(&format!("2020-01-{day:02}"), minute);
                expected.push(format!("{folder}{own_part}"));
            }
        }
        for key in &expected {
            world.s3.put(key, "a film");
        }
        expected.reverse();
        expected.truncate(pages * 100);

        let listed = world.pages(pages).await;
        assert_eq!(listed.len(), expected.len().div_ceil(100), "{days} {per_day}");
        // The failed one, which only LiveKit lists, comes first.
        assert_eq!(keys(&listed)[1..], expected, "{days} {per_day}");
    }
}

#[tokio::test]
async fn a_recording_is_listed_once_with_what_livekit_and_the_bucket_know_of_it() {
    let world = World::start().await;
    let id = world.record().await;
    let key = world.livekit.egress(&id).filename;
    for (egress, expected) in [
        (EgressStatus::Starting, "starting"),
        (EgressStatus::Active, "active"),
        (EgressStatus::Ending, "ending"),
        (EgressStatus::Failed, "failed"),
        (EgressStatus::Aborted, "failed"),
        (EgressStatus::LimitReached, "complete"),
    ] {
        world.livekit.hold_starting();
        world.livekit.hold_ending();
        world.livekit.set_egress_status(&id, egress);
        let pages = world.pages(2).await;
        let [recording] = &pages[0][..] else { panic!("{egress:?}: {pages:?}") };
        assert_eq!((&recording["key"], &recording["egressId"]), (&json!(key), &json!(id)));
        assert_eq!(recording["status"], expected, "{egress:?}");
        assert_eq!(recording.get("url"), None, "{egress:?}");
    }

    world.s3.put(&key, "a film");
    world.livekit.set_egress_status(&id, EgressStatus::Failed);
    let older = folder_of(&key) + &own_part("2020-01-01", 0);
    world.s3.put_at(&older, "another", 1_577_836_860);
    let pages = world.pages(2).await;
    assert_eq!(keys(&pages), [&key, &older]);
    let (newest, oldest) = (&pages[0][0], &pages[0][1]);
    assert_eq!((&newest["status"], &newest["egressId"]), (&json!("failed"), &json!(id)));
    assert_eq!((&newest["sizeBytes"], newest["url"].is_string()), (&json!(6), true));
    assert_eq!(oldest.get("egressId"), None);
    assert_eq!(oldest["status"], "complete");
    let times = [&oldest["startedAt"], &oldest["endedAt"]];
    assert_eq!(times, [&json!(1_577_836_800), &json!(1_577_836_860)]);
}

#[tokio::test]
async fn an_egress_without_an_object_is_on_the_page_of_its_time() {
    let world = World::start().await;
    let running = world.record().await;
    let folder = folder_of(&world.livekit.egress(&running).filename);
    for minute in 0..150 {
        world.s3.put(&format!("{folder}{}", own_part("2020-01-02", minute)), "a film");
    }
    let mut failed = Vec::new();
    for own_part in ["2020-01-01/000000", "2020-01-02/004930", "2020-01-02/005030"] {
        let metadata = json!({ "started-by": "user_jane", "organization": "org_1" });
        let output = json!({
            "filepath": format!("{folder}{own_part}-ffffffffffffffff.mp4"),
            "s3": { "bucket": "a-bucket", "metadata": metadata },
        });
        let request = json!({ "room_name": "room", "file_outputs": [output] });
        let id = world.livekit.start_egress("StartRoomCompositeEgress", request);
        world.livekit.set_egress_status(&id, EgressStatus::Failed);
        failed.push(id);
    }
    let pages = world.pages(3).await;
    let ids = |page: &[Value]| -> Vec<String> {
        let ids = page.iter().filter_map(|recording| recording["egressId"].as_str());
        ids.map(str::to_owned).collect()
    };
    assert_eq!(ids(&pages[0]), [&*running, &failed[2]]);
    assert_eq!(ids(&pages[1]), [&*failed[1], &failed[0]]);
    assert_eq!((pages[0].len(), pages[1].len(), pages.len()), (102, 52, 2));
}

#[tokio::test]
async fn a_page_takes_few_calls_however_many_recordings_there_are() {
    for (per_day, first, second) in [
        (vec![1000], 1, 1),
        // The list from its beginning, the days, and the last eight of them.
        (vec![40; 28], 3, 3),
        // Eight days do not fit into one call, and two do.
        (vec![300; 12], 4, 4),
        // Neither do two, and of the last day there are two calls.
        (vec![1300; 2], 5, 5),
        // Of eight days, the last two have too little for a page.
        ([vec![301; 7], vec![20; 5]].concat(), 8, 4),
        // Two calls for the days, then 8, 32 and 128 of them.
        (vec![1; 1500], 6, 6),
    ] {
        let world = World::start().await;
        let folder = world.folder().await;
        let begin = Date::from_calendar_date(2020, Month::January, 1).unwrap();
        for (day, recordings) in (0..).zip(&per_day) {
            let day = (begin + time::Duration::days(day)).to_string();
            for minute in 0..*recordings {
                world.s3.put(&format!("{folder}{}", own_part(&day, minute)), "");
            }
        }
        let mut cursor = None::<String>;
        for calls in [first, second] {
            world.s3.forget_requests();
            let page = world.page(Some("org_1"), "room", cursor.as_deref()).await.unwrap();
            let days = per_day.len();
            let is_first = usize::from(cursor.is_none());
            assert_eq!(page["recordings"].as_array().unwrap().len(), 100 + is_first, "{days} days");
            assert_eq!(world.s3.requests().len(), calls, "{days} days, {is_first}");
            cursor = page["cursor"].as_str().map(str::to_owned);
        }
    }
}

#[tokio::test]
async fn other_objects_in_the_folder_are_skipped_however_many_there_are() {
    let world = World::start().await;
    let folder = world.folder().await;
    for other in 0..1500 {
        world.s3.put(&format!("{folder}2026-01-01/other-{other}"), "");
    }
    world.s3.put(&format!("{folder}{}", own_part("2026-01-01", 0)), "a film");
    let page = timeout(PATIENCE, world.page(Some("org_1"), "room", None)).await.unwrap().unwrap();
    assert_eq!(page["recordings"].as_array().unwrap().len(), 2, "it, and the one that has failed");
}

#[tokio::test]
async fn a_bucket_that_repeats_a_page_keeps_nobody_waiting() {
    let world = World::start().await;
    let folder = world.folder().await;
    let body = format!(
        "<ListBucketResult><IsTruncated>true</IsTruncated>\
         <CommonPrefixes><Prefix>{folder}2026-01-01/</Prefix></CommonPrefixes>\
         </ListBucketResult>"
    );
    let body = Box::leak(body.into_boxed_str());
    world.s3.inject(Fault::Between { status: 200, content_type: "application/xml", body });
    let page = timeout(PATIENCE, world.page(Some("org_1"), "room", None)).await.unwrap().unwrap();
    assert_eq!(page["recordings"].as_array().unwrap().len(), 1, "the one that has failed");
}

#[tokio::test]
async fn recordings_of_a_bucket_that_lists_in_any_order_are_newest_first_and_each_once() {
    for is_truncated in [false, true] {
        let world = World::start().await;
        let folder = world.folder().await;
        let days = ["2026-01-03", "2026-01-01", "2026-01-02"];
        let objects = days.map(|day| {
            let (key, date) = (own_part(day, 0), "2026-01-04T00:00:00.000Z");
            format!(
                "<Contents><Key>{folder}{key}</Key><LastModified>{date}</LastModified>\
                 <Size>7</Size></Contents>"
            )
        });
        let prefixes = days
            .map(|day| format!("<CommonPrefixes><Prefix>{folder}{day}/</Prefix></CommonPrefixes>"));
        let (objects, prefixes) = (objects.concat(), prefixes.concat());
        let body = format!(
            "<ListBucketResult><IsTruncated>{is_truncated}</IsTruncated>{objects}{prefixes}\
             </ListBucketResult>"
        );
        let body = Box::leak(body.into_boxed_str());
        world.s3.inject(Fault::Between { status: 200, content_type: "application/xml", body });
        let page = world.page(Some("org_1"), "room", None);
        let page = timeout(PATIENCE, page).await.unwrap().unwrap();
        let recordings = page["recordings"].as_array().unwrap().iter();
        let complete = recordings.filter(|recording| recording["status"] == "complete");
        let keys: Vec<_> = complete.filter_map(|recording| recording["key"].as_str()).collect();
        let expected = ["2026-01-03", "2026-01-02", "2026-01-01"]
            .map(|day| format!("{folder}{}", own_part(day, 0)));
        assert_eq!(keys, expected, "truncated: {is_truncated}");
    }
}
