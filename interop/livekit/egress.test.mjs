// Recordings through LiveKit's own server: its list, its message bus, and a recorder that answers on the bus.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { FileOutput, Output, StartEgressRequest, TemplateSource } from "@livekit/protocol";
import { EgressStatus } from "livekit-server-sdk";

import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { suite } from "../support/suite.mjs";
import { bucket, LiveKitServer, missing } from "./server.mjs";

const { EGRESS_ACTIVE, EGRESS_ENDING, EGRESS_COMPLETE, EGRESS_FAILED } = EgressStatus;
const startPath = "/api/v1/livekit/start-recording";
const stopPath = "/api/v1/livekit/stop-recording";
const rounds = 50;

suite("recordings of rooms of LiveKit's own server", missing, () => {
  let server;
  let recorder;
  let anteroom;
  let jane;
  let client;

  before(async () => {
    client = await import("./participant.mjs");
    server = await LiveKitServer.start();
    recorder = await server.startRecorder();
    anteroom = await Anteroom.start(server.settings);
    jane = await Browser.signedIn(anteroom);
  });

  after(async () => {
    await client?.leaveAll();
    await client?.close();
    await anteroom?.stop();
    await server?.stop();
  });

  test("a room is recorded the moment somebody is in it, and an empty one is not", async (t) => {
    assert.equal((await start("nobody")).status, 404);
    await server.rooms.createRoom({ name: "nobody" });
    assert.equal((await start("nobody")).status, 404);
    await enter("somebody");
    const { status, body } = await start("somebody");
    assert.equal(status, 200, JSON.stringify(body));
    // The server's own list may be seconds behind.
    const [{ numParticipants }] = await server.rooms.listRooms(["somebody"]);
    t.diagnostic(`the server's list of rooms has ${numParticipants} participants`);
    assert.deepEqual(await server.egressesOf("nobody"), []);
  });

  test("a recording goes from its start to its end", async () => {
    const room = await enter("whole");
    const started = await start(room);
    assert.equal(started.status, 200, JSON.stringify(started.body));
    const { egressId, timestamp } = started.body;
    const active = await server.reached(egressId, EGRESS_ACTIVE);
    assert.equal(active.startedAt / 1_000_000_000n, BigInt(timestamp));
    const [file] = active.request.value.fileOutputs;
    assert.match(file.filepath, /^recordings\/.*\.mp4$/);
    assert.equal(file.output.value.bucket, bucket);

    assert.equal((await start(room)).status, 409, "a second start");
    assert.equal((await stop(room, egressId, "2")).status, 404, "another zone");
    assert.equal((await stop("somebody", egressId)).status, 404, "another room");
    assert.equal((await stop(room, "EG_absentabsent")).status, 404);
    const { status, body } = await stop(room, egressId);
    assert.deepEqual([status, body.egressId], [200, egressId]);
    const ended = await server.reached(egressId, EGRESS_COMPLETE);
    assert.ok(BigInt(body.timestamp) <= ended.endedAt / 1_000_000_000n);
    assert.equal((await stop(room, egressId)).status, 409, "it has ended");
  });

  test("a recording that is ending may be stopped again, and does not keep another from starting", async () => {
    const room = await enter("ending");
    await recorder.behave({ end: 3000 });
    const { egressId } = (await start(room)).body;
    await server.reached(egressId, EGRESS_ACTIVE);
    assert.equal((await stop(room, egressId)).status, 200);
    await server.reached(egressId, EGRESS_ENDING);
    assert.equal((await stop(room, egressId)).status, 200);
    const next = await start(room);
    assert.equal(next.status, 200, JSON.stringify(next.body));
    assert.deepEqual(await server.runningIn(room), [next.body.egressId]);
    await recorder.behave({});
    await server.reached(egressId, EGRESS_COMPLETE);
    assert.equal((await stop(room, egressId)).status, 409);
  });

  test("a recording that fails has ended, and the room can be recorded again", async () => {
    const room = await enter("failing");
    await recorder.behave({ fail: "the page could not be loaded" });
    const { egressId } = (await start(room)).body;
    await server.reached(egressId, EGRESS_ACTIVE);
    assert.equal((await stop(room, egressId)).status, 200);
    await server.reached(egressId, EGRESS_FAILED);
    assert.equal((await stop(room, egressId)).status, 409);
    await recorder.behave({});
    assert.equal((await start(room)).status, 200);
  });

  test(`three starts at once make one recording, ${rounds} times over`, async (t) => {
    const room = await enter("race");
    let close = 0;
    for (let round = 1; round <= rounds; round++) {
      const before = (await server.egressesOf(room)).length;
      const answers = await Promise.all([start(room), start(room), start(room)]);
      const statuses = answers.map(({ status }) => status).sort();
      assert.deepEqual(
        statuses,
        [200, 409, 409],
        `${round}: ${JSON.stringify(answers.map(({ body }) => body))}`,
      );
      const winner = answers.find(({ status }) => status === 200).body.egressId;
      assert.deepEqual(await server.runningIn(room), [winner], `round ${round}`);
      if ((await server.egressesOf(room)).length - before > 1) close++;
      assert.equal((await stop(room, winner)).status, 200, `round ${round}`);
    }
    t.diagnostic(`more than one had started ${close} times, and all but one were withdrawn`);
  });

  test("starts at once while pages load slowly make one recording", async () => {
    await recorder.behave({ load: 2500 });
    const room = await enter("slow-race");
    const answers = await Promise.all([start(room), start(room), start(room)]);
    await recorder.behave({});
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 409, 409], JSON.stringify(answers.map(({ body }) => body)));
    const winner = answers.find(({ status }) => status === 200).body.egressId;
    assert.deepEqual(await server.runningIn(room), [winner]);
  });

  test("a room that somebody else records by StartEgress is being recorded", async () => {
    const room = await enter("foreign");
    const { egressId } = await startElsewhere(room);
    assert.equal((await start(room)).status, 409);
    assert.equal((await stop(room, egressId)).status, 404, "it is not ours to stop");
    assert.deepEqual(await server.runningIn(room), [egressId]);
  });

  test("a recorder that refuses is an outage, and one that is slow is waited for", async () => {
    const room = await enter("refused");
    await recorder.behave({ refuse: "unknown" });
    const { status } = await start(room);
    await recorder.behave({ delay: 3000 });
    const late = await start(room);
    await recorder.behave({});
    assert.equal(status, 503);
    assert.equal(late.status, 200, JSON.stringify(late.body));
    assert.deepEqual(await server.runningIn(room), [late.body.egressId]);
  });

  test("what a recorder reports and nobody expects is no reason to record a room twice", async () => {
    for (const [what, said] of Object.entries({
      "a negative time": { startedAt: "-1", updatedAt: "-1" },
      "the largest number": { startedAt: "9223372036854775807" },
    })) {
      const room = await enter(`odd: ${what}`);
      const { egressId } = (await start(room)).body;
      await server.reached(egressId, EGRESS_ACTIVE);
      await recorder.report({ egressId, ...said });
      const again = await start(room);
      assert.equal(again.status, 409, `${what}: ${JSON.stringify(again.body)}`);
      assert.equal((await stop(room, egressId)).status, 200, what);
    }
    // The server lists a status that it does not know neither as active nor otherwise.
    const room = await enter("odd: a status");
    const { egressId } = (await start(room)).body;
    await server.reached(egressId, EGRESS_ACTIVE);
    await recorder.report({ egressId, status: 42 });
    assert.deepEqual(await server.egresses.listEgress({ roomName: room, active: true }), []);
  });

  test("a recording whose recorder has died is not said to have stopped", async () => {
    const room = await enter("dead");
    const { egressId } = (await start(room)).body;
    await server.reached(egressId, EGRESS_ACTIVE);
    await recorder.die();
    recorder = await server.startRecorder();
    const { status, body } = await stop(room, egressId);
    assert.equal(status, 503, JSON.stringify(body));
    assert.equal((await start(room)).status, 409, "it may still be at it");
  });

  test("without a recorder the server's own word is heard, within the gateway's time", async () => {
    const room = await enter("unrecorded");
    await recorder.stop();
    const [began, from] = [Date.now(), anteroom.written];
    const { status, body } = await start(room);
    assert.equal(status, 503, JSON.stringify(body));
    assert.ok(Date.now() - began < 29_500);
    assert.deepEqual(await server.egressesOf(room), []);
    // What our own patience says has another detail.
    const line = await anteroom.logged(/"endpoint":"start-recording".*"status":503/, from);
    assert.match(line, /StartRoomCompositeEgress/);
    assert.doesNotMatch(line, /did not say/);
  });

  function start(roomName) {
    const input = { roomName, zoneId: "1", conferenceTopic: "Weekly Sync", participants: "alice,bob" };
    return jane.post(startPath, input);
  }

  function stop(roomName, egressId, zoneId = "1") {
    return jane.post(stopPath, { roomName, egressId, zoneId });
  }

  /** Somebody enters a room, which is all that makes it one to record. */
  async function enter(roomId) {
    const { status, body } = await jane.post("/api/v1/livekit/room-auth", { username: "Jane", roomId });
    assert.equal(status, 200, JSON.stringify(body));
    await client.Participant.join(server, body.token);
    return roomId;
  }

  /** Another application's recording of a room, by the newer of LiveKit's two calls. */
  async function startElsewhere(roomName) {
    const file = new FileOutput({ filepath: "theirs.mp4" });
    const request = {
      roomName,
      source: { case: "template", value: new TemplateSource({ layout: "grid" }) },
      outputs: [new Output({ config: { case: "file", value: file } })],
    };
    return server.egresses.startEgress(new StartEgressRequest(request));
  }
});
