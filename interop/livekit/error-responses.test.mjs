// LiveKit's own server and our stand-in refuse the same calls with the same status, in the same words, and
// after the same time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { AccessToken } from "livekit-server-sdk";

import { Anteroom } from "../support/anteroom.mjs";
import { suite } from "../support/suite.mjs";
import * as own from "./server.mjs";
import { apiKey, apiSecret, LiveKitStandIn } from "./stand-in.mjs";

const all = { roomRecord: true, roomList: true, roomCreate: true, roomAdmin: true, room: "words" };
const file_outputs = [{ filepath: "words.mp4" }];

/** Calls that both refuse, and the seconds that it takes. */
const refused = [
  ["Egress/ListEgress", { egress_id: "EG_absentabsent" }, all, 0],
  ["Egress/ListEgress", {}, { roomList: true }, 0],
  ["Egress/StopEgress", { egress_id: "EG_absentabsent" }, all, 3],
  ["Egress/StartRoomCompositeEgress", { room_name: "absent", file_outputs }, all, 0],
  ["Egress/StartRoomCompositeEgress", { room_name: "absent", file_outputs }, {}, 0],
  ["Egress/Nothing", {}, all, 0],
  ["RoomService/ListRooms", {}, { roomRecord: true }, 0],
  ["RoomService/ListParticipants", { room: "another" }, all, 0],
  ["RoomService/DeleteRoom", { room: "absent" }, all, 0],
  ["RoomService/GetParticipant", { room: "words", identity: "guest:1" }, all, 0],
  ["RoomService/GetParticipant", { room: "another", identity: "guest:1" }, all, 0],
  ["RoomService/GetParticipant", { room: "words", identity: "guest:1" }, { roomList: true }, 0],
  ["RoomService/RemoveParticipant", { room: "words", identity: "guest:1" }, all, 0],
  ["RoomService/RemoveParticipant", { room: "another", identity: "guest:1" }, all, 0],
  ["RoomService/RemoveParticipant", { room: "words" }, all, 0],
  ["RoomService/MutePublishedTrack", { room: "another", identity: "guest:1" }, all, 0],
  [
    "RoomService/MutePublishedTrack",
    { room: "words", identity: "guest:1", track_sid: "TR_1", muted: true },
    all,
    3,
  ],
];

suite("LiveKit's own server and our stand-in", own.missing, () => {
  let server;
  let recorder;
  let anteroom;
  let standIn;

  before(async () => {
    server = await own.LiveKitServer.start();
    recorder = await server.startRecorder();
    anteroom = await Anteroom.start({});
    standIn = new LiveKitStandIn(anteroom);
    for (const call of [onServer, onStandIn]) {
      assert.equal((await call("RoomService/CreateRoom", { name: "words" }, all)).status, 200);
    }
  });

  after(async () => {
    await anteroom?.stop();
    await server?.stop();
  });

  for (const [method, message, grant, seconds] of refused) {
    test(`${method} ${JSON.stringify(message)} with ${Object.keys(grant).join() || "nothing"}`, async () => {
      const [theirs, ours] = await Promise.all([
        onServer(method, message, grant),
        onStandIn(method, message, grant),
      ]);
      assert.ok(theirs.status >= 400, JSON.stringify(theirs.body));
      assert.deepEqual([ours.status, ours.body], [theirs.status, theirs.body]);
      for (const { took } of [theirs, ours])
        assert.equal(Math.floor(took / 1000) >= seconds, true, `${took} ms`);
    });
  }

  test("a stop of an egress that has ended", async () => {
    const [theirs, ours] = await Promise.all(
      [onServer, onStandIn].map(async (call) => {
        const { body } = await call(
          "Egress/StartRoomCompositeEgress",
          { room_name: "words", file_outputs },
          all,
        );
        const egress_id = body.egress_id;
        if (call === onServer) await server.reached(egress_id, 1);
        else await call("Egress/ListEgress", {}, all);
        const stopped = await call("Egress/StopEgress", { egress_id }, all);
        assert.deepEqual([stopped.status, stopped.body.status], [200, "EGRESS_ENDING"]);
        if (call === onServer) await server.reached(egress_id, 3);
        else await call("Egress/ListEgress", {}, all);
        return call("Egress/StopEgress", { egress_id }, all);
      }),
    );
    assert.equal(theirs.status, 412);
    assert.deepEqual([ours.status, ours.body], [theirs.status, theirs.body]);
    for (const { took } of [theirs, ours]) assert.ok(took >= 3000, `${took} ms`);
  });

  test("what the server says where no recorder has room, or there is no Redis, is what the stand-in says", async () => {
    // The words of the stand-in, as its own tests have them: `dev` cannot be told to lose its recorder.
    const start = ["Egress/StartRoomCompositeEgress", { room_name: "words", file_outputs }, all];
    await recorder.behave({ busy: true });
    const bare = await own.LiveKitServer.start({ redis: false });
    try {
      const onBare = (method, message) => call(bare.url, own.apiKey, own.apiSecret, method, message, all);
      const [busy, list, stop] = await Promise.all([
        onServer(...start),
        onBare("Egress/ListEgress", {}),
        onBare("Egress/StopEgress", { egress_id: "EG_absentabsent" }),
      ]);
      const internal = {
        code: "internal",
        msg: "twirp error unknown: egress not connected (redis required)",
      };
      const unavailable = { code: "unavailable", msg: "twirp error unknown: no response from servers" };
      assert.deepEqual([list.status, list.body], [500, internal]);
      assert.deepEqual([stop.status, stop.body], [500, internal]);
      assert.deepEqual([busy.status, busy.body], [503, unavailable]);
      assert.ok(busy.took >= 18_000 && busy.took < 28_000, `${busy.took} ms`);
    } finally {
      await bare.stop();
    }
  });

  function onServer(method, message, grant) {
    return call(server.url, own.apiKey, own.apiSecret, method, message, grant);
  }

  function onStandIn(method, message, grant) {
    return call(standIn.url, apiKey, apiSecret, method, message, grant);
  }
});

async function call(url, key, secret, method, message, grant) {
  const token = new AccessToken(key, secret, { identity: "words", ttl: 60 });
  token.addGrant(grant);
  const began = performance.now();
  const answer = await fetch(`${url.replace("ws:", "http:")}/twirp/livekit.${method}`, {
    method: "POST",
    headers: { authorization: `Bearer ${await token.toJwt()}`, "content-type": "application/json" },
    body: JSON.stringify(message),
  });
  const body = await answer.json();
  return { status: answer.status, body, took: performance.now() - began };
}
