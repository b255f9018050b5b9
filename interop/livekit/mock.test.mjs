// Every call that our functions make to LiveKit's server API, answered by LiveKit's official mock with and
// without its faults.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { suite } from "../support/suite.mjs";
import { LiveKitMock } from "./mock.mjs";
import { apiKey, apiSecret, bucket, missing } from "./server.mjs";

const room = "mocked";
const egressId = "EG_mockedmocked";
const elsewhere = { egressId: "EG_elsewhereelse", roomName: "elsewhere", status: "EGRESS_ACTIVE" };

/** The mock's faults, and our answer to each, for every call. */
const faults = [
  [{ failStatus: 400 }, 502],
  [{ failStatus: 401 }, 502],
  [{ failStatus: 403 }, 502],
  [{ failStatus: 429 }, 503],
  [{ failStatus: 500 }, 503],
  [{ failStatus: 503 }, 503],
  [{ failMode: "drop" }, 503],
].map(([fault, status]) => [{ failRegions: [0], ...fault }, status]);

suite("LiveKit's official mock", missing, () => {
  let mock;
  let anteroom;
  let jane;
  let started;

  before(async () => {
    mock = await LiveKitMock.start();
    anteroom = await Anteroom.start({
      LIVEKIT_URL: mock.url,
      LIVEKIT_API_KEY: apiKey,
      LIVEKIT_API_SECRET: apiSecret,
      RECORDINGS_BUCKET: bucket,
      RECORDINGS_REGION: "us-east-1",
    });
    jane = await Browser.signedIn(anteroom);
  });

  after(async () => {
    await anteroom?.stop();
    await mock?.stop();
  });

  beforeEach(() => {
    started = undefined;
    mock.calls.length = 0;
    // The mock is stateless: each request tells it what to list.
    mock.orders = {
      ListRooms: { response: { rooms: [{ name: room, numParticipants: 0 }] } },
      ListParticipants: { response: { participants: [{ identity: "jane", state: "ACTIVE" }] } },
      StartRoomCompositeEgress: (message) => {
        started = message;
        return { response: info("EGRESS_STARTING") };
      },
      // It cannot answer an empty list: it leaves out whatever is empty, as the server never does.
      ListEgress: () => ({ response: { items: [elsewhere, ...(started ? [info("EGRESS_ACTIVE")] : [])] } }),
      StopEgress: () => ({ response: info("EGRESS_ENDING") }),
    };
  });

  test("a recording is started and stopped by the calls that the mock knows", async () => {
    const { status, body } = await start();
    assert.deepEqual([status, body.egressId], [200, egressId], JSON.stringify(body));
    assert.deepEqual([...new Set(mock.calls)].sort(), [
      "ListEgress",
      "ListParticipants",
      "ListRooms",
      "StartRoomCompositeEgress",
    ]);
    const stopped = await stop();
    assert.deepEqual([stopped.status, stopped.body.egressId], [200, egressId]);
    assert.equal(mock.calls.at(-1), "StopEgress");
  });

  for (const method of ["ListEgress", "ListRooms", "ListParticipants"]) {
    test(`a start whose ${method} fails starts nothing`, async () => {
      for (const [fault, expected] of faults) {
        mock.orders[method] = fault;
        const { status, body } = await start();
        assert.equal(status, expected, `${JSON.stringify(fault)}: ${JSON.stringify(body)}`);
      }
      assert.equal(started, undefined);
    });
  }

  test("a start that fails is told so, and is not tried again", async () => {
    for (const [fault, expected] of [...faults, [{ failRegions: [0], failStatus: 404 }, 404]]) {
      mock.calls.length = 0;
      mock.orders.StartRoomCompositeEgress = fault;
      const { status, body } = await start();
      assert.equal(status, expected, `${JSON.stringify(fault)}: ${JSON.stringify(body)}`);
      assert.equal(mock.calls.filter((call) => call.startsWith("Start")).length, 1, JSON.stringify(fault));
    }
  });

  test("a stop that fails is never said to have succeeded", async () => {
    assert.equal((await start()).status, 200);
    for (const [fault, expected] of faults) {
      mock.orders.StopEgress = fault;
      const { status, body } = await stop();
      assert.equal(status, expected, `${JSON.stringify(fault)}: ${JSON.stringify(body)}`);
    }
  });

  test("a mock that is slow is an outage, and within ten seconds", async () => {
    mock.orders.ListRooms = { delayMs: 30_000 };
    const began = Date.now();
    assert.equal((await start()).status, 503);
    assert.ok(Date.now() - began < 10_000);
    assert.equal(started, undefined);
  });

  test("a project of another region is no answer of ours to give", async () => {
    mock.orders.ListRooms = { pinnedRegions: ["region-99"] };
    assert.equal((await start()).status, 502);
  });

  function start() {
    return jane.post("/api/v1/livekit/start-recording", { roomName: room, zoneId: "1" });
  }

  function stop() {
    return jane.post("/api/v1/livekit/stop-recording", { roomName: room, zoneId: "1", egressId });
  }

  /** The egress that was started, with its request. */
  function info(status) {
    return { egressId, roomName: room, status, startedAt: "1752486896000000000", roomComposite: started };
  }
});
