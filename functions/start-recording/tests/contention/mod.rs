//! Simultaneous starts of a recording of one room, each in a process of its own: one gets 200, the others
//! 409, and one recording continues.

use std::time::Duration;

use anteroom_local::instance::Instance;
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::livekit::{EgressStatus, LiveKit};
use anteroom_testing::livekit::{foreign_recording, path_of, recording, running};
use anteroom_testing::{Answer, Event, RoomWorld};
use serde_json::json;

use super::{BINARY, LIST_EGRESS, STOP};

/// LiveKit, and three processes that are ready for a request.
struct Contenders {
    world: RoomWorld,
    processes: [Instance; 3],
}

impl Contenders {
    async fn start() -> Self {
        let world = RoomWorld::start(BINARY).await;
        let processes = [world.another().await, world.another().await, world.another().await];
        Self { world, processes }
    }

    fn event(&self, room: &str) -> Event {
        self.world.livekit.open_room(room, 2);
        self.world.event_of("jane", &json!({ "roomName": room, "zoneId": "1" }))
    }

    async fn two(&self, room: &str) -> Vec<Answer> {
        let (event, [first, second, _]) = (self.event(room), &self.processes);
        let (first, second) = tokio::join!(Answer::of(first, &event), Answer::of(second, &event));
        vec![first, second]
    }

    async fn three(&self, room: &str) -> Vec<Answer> {
        let (event, [first, second, third]) = (self.event(room), &self.processes);
        let (first, second, third) = tokio::join!(
            Answer::of(first, &event),
            Answer::of(second, &event),
            Answer::of(third, &event)
        );
        vec![first, second, third]
    }

    /// One has 200 and is the only one that goes on; the others have 409.
    fn assert_one_has_won(&self, room: &str, answers: &[Answer]) {
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status() == 200);
        let texts: Vec<_> = answers.iter().map(Answer::text).collect();
        assert_eq!(won.len(), 1, "{room}: {texts:?}");
        assert!(lost.iter().all(|answer| answer.refusal().0 == 409), "{room}: {texts:?}");
        let (id, _) = recording(won[0]);
        assert_eq!(running(&self.world.livekit, room), [id], "{room}");
    }
}

/// Starts somebody else's recording of a room at the instant of the others' starts, and gives its id.
async fn start_foreign(livekit: &LiveKit, room: &str) -> String {
    let request = foreign_recording(room, "archive/daily.mp4");
    livekit.start_egress_with_others("StartRoomCompositeEgress", request).await
}

#[tokio::test]
async fn of_two_simultaneous_starts_one_records_in_each_of_twenty_rounds() {
    let contenders = Contenders::start().await;
    contenders.world.livekit.hold_starts_until(2);
    for round in 0..20 {
        let room = format!("room-{round}");
        let answers = contenders.two(&room).await;
        contenders.assert_one_has_won(&room, &answers);
    }
    let starts = contenders.world.told("StartRoomCompositeEgress").len();
    assert_eq!(starts, 40, "both had started in every round");
}

#[tokio::test]
async fn of_two_nearly_simultaneous_starts_one_records_in_each_of_twenty_rounds() {
    let contenders = Contenders::start().await;
    for round in 0..20 {
        let room = format!("room-{round}");
        let answers = contenders.two(&room).await;
        contenders.assert_one_has_won(&room, &answers);
    }
}

#[tokio::test]
async fn of_three_simultaneous_starts_one_records() {
    let contenders = Contenders::start().await;
    for round in 0..5 {
        let room = format!("room-{round}");
        let answers = contenders.three(&room).await;
        contenders.assert_one_has_won(&room, &answers);
    }
    contenders.world.livekit.hold_starts_until(3);
    for round in 5..10 {
        let room = format!("room-{round}");
        let answers = contenders.three(&room).await;
        contenders.assert_one_has_won(&room, &answers);
    }
}

#[tokio::test]
async fn one_records_while_egresses_take_their_time_to_start_and_to_end() {
    let contenders = Contenders::start().await;
    contenders.world.livekit.hold_starts_until(3);
    contenders.world.livekit.hold_starting();
    contenders.world.livekit.hold_ending();
    for round in 0..5 {
        let room = format!("room-{round}");
        let answers = contenders.three(&room).await;
        contenders.assert_one_has_won(&room, &answers);
    }
}

/// The first of the two, by key, waits five seconds for the other to be gone. That may be one that does
/// not even know yet that it has started.
#[tokio::test]
async fn one_records_when_the_response_to_a_start_is_late() {
    let (soon, late) = (Duration::from_secs(2), Duration::from_secs(8));
    // Which of the two is the first is up to chance.
    tokio::join!(
        answered_after(soon),
        answered_after(soon),
        answered_after(late),
        answered_after(late)
    );
}

async fn answered_after(delay: Duration) {
    let (contenders, room) = (Contenders::start().await, "daily");
    contenders.world.livekit.hold_starts_until(2);
    contenders.world.livekit.delay_next_start_answer(delay);
    let answers = contenders.two(room).await;
    contenders.assert_one_has_won(room, &answers);
}

#[tokio::test]
async fn one_records_when_the_response_to_a_start_is_lost() {
    let contenders = Contenders::start().await;
    contenders.world.livekit.hold_starts_until(2);
    for round in 0..5 {
        let room = format!("room-{round}");
        contenders.world.livekit.lose_next_start_answer();
        let answers = contenders.two(&room).await;
        contenders.assert_one_has_won(&room, &answers);
    }
    let starts = contenders.world.told("StartRoomCompositeEgress").len();
    assert_eq!(starts, 10, "each was started once");
}

#[tokio::test]
async fn one_records_when_some_listings_and_some_stops_fail() {
    let contenders = Contenders::start().await;
    let livekit = &contenders.world.livekit;
    livekit.hold_starts_until(2);
    let (look, stop) = (path_of(LIST_EGRESS), path_of(STOP));
    for (round, fault) in [Fault::Down, Fault::Failing(500), Fault::Garbage].into_iter().enumerate()
    {
        // The looks before the starts succeed.
        livekit.inject(Fault::Slow(Duration::ZERO).on(&look).times(2));
        livekit.inject(fault.on(&look).times(5));
        livekit.inject(fault.on(&stop).times(3));
        let room = format!("room-{round}");
        let answers = contenders.two(&room).await;
        contenders.assert_one_has_won(&room, &answers);
        livekit.clear_faults();
    }
}

#[tokio::test]
async fn another_programs_concurrent_recording_is_kept() {
    let contenders = Contenders::start().await;
    let (livekit, room) = (&contenders.world.livekit, "daily");
    let event = contenders.event(room);
    livekit.hold_starts_until(2);
    let (answer, id) =
        tokio::join!(Answer::of(&contenders.processes[0], &event), start_foreign(livekit, room));
    assert_eq!(answer.refusal().0, 409);
    assert_eq!(running(livekit, room), [id.as_str()]);
    livekit.set_egress_status(&id, EgressStatus::Complete);
    livekit.hold_starts_until(1);
    assert_eq!(Answer::of(&contenders.processes[1], &event).await.status(), 200);
}

#[tokio::test]
async fn a_losing_contender_stops_its_recording_even_if_livekit_refuses_at_first() {
    let contenders = Contenders::start().await;
    let (livekit, room) = (&contenders.world.livekit, "daily");
    let event = contenders.event(room);
    livekit.hold_starts_until(2);
    livekit.refuse_stops(3);
    let (answer, id) =
        tokio::join!(Answer::of(&contenders.processes[0], &event), start_foreign(livekit, room));
    assert_eq!(answer.refusal().0, 409);
    assert_eq!(running(livekit, room), [id.as_str()]);
    assert_eq!(contenders.world.told("StopEgress").len(), 4);
}

#[tokio::test]
async fn a_contender_that_cannot_stop_its_recording_is_503_and_logs_it() {
    let world = RoomWorld::start(BINARY).await;
    let (livekit, room) = (&world.livekit, "daily");
    livekit.open_room(room, 2);
    let event = world.event_of("jane", &json!({ "roomName": room, "zoneId": "1" }));
    let process = world.another_within(Duration::from_secs(11)).await;
    livekit.hold_starts_until(2);
    livekit.refuse_stops(u32::MAX);
    let (answer, _) = tokio::join!(Answer::of(&process, &event), start_foreign(livekit, room));
    assert_eq!(answer.refusal().0, 503);
    assert_eq!(running(livekit, room).len(), 2, "both go on");
    assert!(world.told("StopEgress").len() > 2, "it was told again");
    let logs = process.stop().await.join("\n");
    assert!(logs.contains("failed to stop a recording; it may still be running"), "{logs}");
}
