// LiveKit's own server SDK against our stand-in for LiveKit. The SDK speaks JSON; the same messages are sent
// in protobuf too.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  ListEgressRequest,
  ListEgressResponse,
  RoomCompositeEgressRequest,
  StopEgressRequest,
} from "@livekit/protocol";
import {
  AccessToken,
  EgressInfo,
  EgressStatus,
  EncodedFileOutput,
  EncodedFileType,
  EncodingOptionsPreset,
  ParticipantInfo_State,
  S3Upload,
  TrackSource,
  TrackType,
} from "livekit-server-sdk";

import { Anteroom } from "../support/anteroom.mjs";
import { apiKey, apiSecret, bucket, LiveKitStandIn } from "./stand-in.mjs";

/** Another secret of valid length. */
const otherSecret = "the secret of somebody else's project, as long as ours";
/** A minute in nanoseconds. */
const minute = 60_000_000_000n;

let anteroom;
let livekit;
let rooms;
let egresses;

before(async () => {
  anteroom = await Anteroom.start({});
  livekit = new LiveKitStandIn(anteroom);
  rooms = livekit.roomClient();
  egresses = livekit.egressClient();
});

after(async () => {
  await anteroom?.stop();
});

test("a room that the SDK creates has what was asked for, and is listed", async () => {
  const created = await rooms.createRoom({
    name: "created",
    emptyTimeout: 60,
    maxParticipants: 7,
    metadata: "a note",
  });
  assert.match(created.sid, /^RM_\w{12}$/);
  assert.equal(created.emptyTimeout, 60);
  assert.equal(created.maxParticipants, 7);
  assert.equal(created.metadata, "a note");
  assert.equal(typeof created.creationTime, "bigint");
  assert.deepEqual([created.numParticipants, created.activeRecording], [0, false]);

  assert.deepEqual(await rooms.listRooms(["created", "absent"]), [created]);
  assert.ok((await rooms.listRooms()).some(({ name }) => name === "created"));
  assert.deepEqual(await rooms.listRooms(["absent"]), []);
});

test("a room that the SDK creates twice stays the same", async () => {
  const first = await rooms.createRoom({ name: "twice" });
  assert.equal((await rooms.createRoom({ name: "twice" })).sid, first.sid);
});

test("the SDK sees who is in a room", async () => {
  await livekit.openRoom("people", 2);
  const people = await rooms.listParticipants("people");
  assert.equal(people.length, 2);
  assert.notEqual(people[0].identity, people[1].identity);
  for (const { sid, state, joinedAt, permission } of people) {
    assert.match(sid, /^PA_\w{12}$/);
    assert.equal(state, ParticipantInfo_State.ACTIVE);
    assert.equal(typeof joinedAt, "bigint");
    assert.equal(permission.canPublish, true);
  }
  assert.deepEqual(await rooms.listParticipants("absent"), []);
});

test("the SDK finds, mutes and removes a participant", async () => {
  const token = new AccessToken(apiKey, apiSecret, { identity: "jane", name: "Jane" });
  token.addGrant({ roomJoin: true, room: "moderated" });
  await livekit.join(await token.toJwt(), "MICROPHONE", "CAMERA");
  const { name, tracks } = await rooms.getParticipant("moderated", "jane");
  assert.equal(name, "Jane");
  const sources = tracks.map(({ source, type, muted }) => [source, type, muted]);
  assert.deepEqual(sources, [
    [TrackSource.MICROPHONE, TrackType.AUDIO, false],
    [TrackSource.CAMERA, TrackType.VIDEO, false],
  ]);
  const muted = await rooms.mutePublishedTrack("moderated", "jane", tracks[0].sid, true);
  assert.deepEqual([muted.sid, muted.muted], [tracks[0].sid, true]);
  const unmute = rooms.mutePublishedTrack("moderated", "jane", tracks[0].sid, false);
  await assert.rejects(unmute, refusal(412, "failed_precondition"));
  const now = (await rooms.getParticipant("moderated", "jane")).tracks.map(({ muted }) => muted);
  assert.deepEqual(now, [true, false]);
  await rooms.removeParticipant("moderated", "jane");
  assert.deepEqual(await rooms.listParticipants("moderated"), []);
  for (const again of ["getParticipant", "removeParticipant"])
    await assert.rejects(rooms[again]("moderated", "jane"), refusal(404, "not_found"));
});

test("a room that the SDK deletes is gone, and its recording ends", async () => {
  await livekit.openRoom("deleted");
  const { egressId } = await egresses.startRoomCompositeEgress("deleted", output("deleted.mp4"));
  await egresses.listEgress({ egressId });
  await rooms.deleteRoom("deleted");
  assert.deepEqual(await rooms.listRooms(["deleted"]), []);
  const [info] = await egresses.listEgress({ egressId });
  assert.equal(info.status, EgressStatus.EGRESS_COMPLETE);
  await assert.rejects(rooms.deleteRoom("deleted"), refusal(404, "not_found"));
});

test("a recording goes from its start to its end by the SDK's types", async () => {
  await livekit.openRoom("recorded");
  const before = now();
  const started = await egresses.startRoomCompositeEgress("recorded", output("recorded.mp4"), {
    encodingOptions: EncodingOptionsPreset.H264_1080P_30,
  });
  assert.match(started.egressId, /^EG_\w{12}$/);
  assert.equal(started.status, EgressStatus.EGRESS_STARTING);
  assert.equal(started.roomName, "recorded");
  assert.equal(typeof started.startedAt, "bigint");
  // Nanoseconds, and neither seconds nor milliseconds.
  assert.ok(started.startedAt > before - minute && started.startedAt < before + minute);
  assert.equal(started.endedAt, 0n);

  assert.equal(started.request.case, "roomComposite");
  const { value } = started.request;
  assert.deepEqual(value.options, { case: "preset", value: EncodingOptionsPreset.H264_1080P_30 });
  assert.equal(value.fileOutputs[0].fileType, EncodedFileType.MP4);
  assert.equal(value.fileOutputs[0].output.case, "s3");
  const upload = value.fileOutputs[0].output.value;
  assert.equal(upload.bucket, bucket);
  assert.deepEqual(upload.metadata, { topic: "Weekly%20Sync" });
  // The secret is hidden in both places where the SDK puts it.
  assert.deepEqual([upload.accessKey, upload.secret], ["{access_key}", "{secret}"]);
  assert.doesNotMatch(started.toJsonString(), /its secret/);

  const [active] = await egresses.listEgress({ egressId: started.egressId });
  assert.equal(active.status, EgressStatus.EGRESS_ACTIVE);
  assert.equal((await rooms.listRooms(["recorded"]))[0].activeRecording, true);

  const ending = await egresses.stopEgress(started.egressId);
  assert.equal(ending.egressId, started.egressId);
  assert.equal(ending.status, EgressStatus.EGRESS_ENDING);
  const [ended] = await egresses.listEgress({ egressId: started.egressId });
  assert.equal(ended.status, EgressStatus.EGRESS_COMPLETE);
  assert.ok(ended.endedAt >= ended.startedAt);
  assert.equal(ended.fileResults[0].filename, "recorded.mp4");
  assert.equal(typeof ended.fileResults[0].duration, "bigint");

  await assert.rejects(egresses.stopEgress(started.egressId), (error) => {
    refusal(412, "failed_precondition")(error);
    assert.match(error.message, /EGRESS_COMPLETE cannot be stopped/);
    return true;
  });
});

test("the SDK finds recordings by room, by id and by whether they go on", async () => {
  await livekit.openRoom("found");
  const start = () => egresses.startRoomCompositeEgress("found", output("found.mp4"));
  const [ended, active] = [await start(), await start()];
  await egresses.listEgress();
  await egresses.stopEgress(ended.egressId);
  await egresses.listEgress();

  const ids = async (filter) => (await egresses.listEgress(filter)).map(({ egressId }) => egressId);
  assert.deepEqual(await ids({ roomName: "found" }), [ended.egressId, active.egressId]);
  assert.deepEqual(await ids({ roomName: "found", active: true }), [active.egressId]);
  assert.deepEqual(await ids({ roomName: "absent" }), []);
  const everywhere = await ids();
  assert.ok([ended, active].every(({ egressId }) => everywhere.includes(egressId)));
  // If there is an id, LiveKit ignores the other filters.
  const another = { egressId: ended.egressId, roomName: "absent", active: true };
  assert.deepEqual(await ids(another), [ended.egressId]);
});

test("what is not there is not found", async () => {
  const absent = "EG_absent123456";
  await assert.rejects(egresses.listEgress({ egressId: absent }), refusal(404, "not_found"));
  await assert.rejects(egresses.stopEgress(absent), refusal(404, "not_found"));
  const start = egresses.startRoomCompositeEgress("absent", output("absent.mp4"));
  await assert.rejects(start, refusal(404, "not_found"));
});

test("a start without anything to write to is refused", async () => {
  await livekit.openRoom("bare");
  const start = egresses.startRoomCompositeEgress("bare", {});
  await assert.rejects(start, refusal(400, "invalid_argument"));
});

test("metadata that S3 does not take fails the recording, and only at its end", async () => {
  await livekit.openRoom("lost");
  for (const metadata of [{ topic: "x".repeat(2048) }, { topic: "Café" }]) {
    const file = output("lost.mp4", metadata);
    const { egressId } = await egresses.startRoomCompositeEgress("lost", file);
    const [{ status }] = await egresses.listEgress({ egressId });
    assert.equal(status, EgressStatus.EGRESS_ACTIVE);
    await egresses.stopEgress(egressId);
    const [info] = await egresses.listEgress({ egressId });
    assert.equal(info.status, EgressStatus.EGRESS_FAILED);
    assert.match(info.error, /S3 upload failed/);
  }
});

test("another secret and another key are refused in plain text, with 401", async () => {
  for (const pair of [
    [apiKey, otherSecret],
    ["APIAnother", apiSecret],
  ]) {
    await assert.rejects(livekit.egressClient(...pair).listEgress(), refusal(401));
    await assert.rejects(livekit.roomClient(...pair).listRooms(), refusal(401));
  }
});

test("a token that grants something else is refused", async () => {
  const grants = {
    "nothing at all": {},
    "to join": { roomJoin: true, room: "recorded" },
    "to administer": { roomAdmin: true, room: "recorded" },
    "to list and to create rooms": { roomList: true, roomCreate: true },
  };
  for (const [what, grant] of Object.entries(grants)) {
    const client = livekit.egressClient(apiKey, apiSecret, { token: await tokenFor(grant) });
    await assert.rejects(client.listEgress(), refusal(401, "unauthenticated"), what);
    await assert.rejects(client.stopEgress("EG_absent123456"), refusal(401, "unauthenticated"), what);
  }
  const recorder = { token: await tokenFor({ roomRecord: true }) };
  const client = livekit.roomClient(apiKey, apiSecret, recorder);
  await assert.rejects(client.listRooms(), refusal(401, "unauthenticated"));
  await assert.rejects(client.createRoom({ name: "x" }), refusal(401, "unauthenticated"));
  await assert.rejects(client.listParticipants("recorded"), refusal(401, "unauthenticated"));
  assert.ok(await livekit.egressClient(apiKey, apiSecret, recorder).listEgress());
});

test("a call without a token is refused by Twirp", async () => {
  const answer = await fetch(`${livekit.url}/twirp/livekit.Egress/ListEgress`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  assert.equal(answer.status, 401);
  assert.deepEqual(await answer.json(), { code: "unauthenticated", msg: "permissions denied" });
});

test("protobuf says the same as JSON", async () => {
  await livekit.openRoom("binary");
  const request = new RoomCompositeEgressRequest({
    roomName: "binary",
    fileOutputs: [output("binary.mp4")],
    // The first of them is 0, which the SDK itself leaves out.
    options: { case: "preset", value: EncodingOptionsPreset.H264_720P_30 },
  });
  const started = EgressInfo.fromBinary(await binaryCall("StartRoomCompositeEgress", request));
  assert.equal(started.status, EgressStatus.EGRESS_STARTING);
  const { egressId } = started;

  const list = new ListEgressRequest({ egressId });
  const { items } = ListEgressResponse.fromBinary(await binaryCall("ListEgress", list));
  assert.deepEqual(items, await egresses.listEgress({ egressId }));
  assert.deepEqual(items[0].request.value.options, request.options);

  const stop = new StopEgressRequest({ egressId });
  const stopped = EgressInfo.fromBinary(await binaryCall("StopEgress", stop));
  assert.equal(stopped.status, EgressStatus.EGRESS_ENDING);
  await egresses.listEgress({ egressId });
  // Errors are always JSON.
  await assert.rejects(binaryCall("StopEgress", stop), /^Error: 412 .*"failed_precondition"/);
});

/** Calls a method of the egress service with a message in protobuf, and gives the answer's bytes. */
async function binaryCall(method, message) {
  const answer = await fetch(`${livekit.url}/twirp/livekit.Egress/${method}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await tokenFor({ roomRecord: true })}`,
      "content-type": "application/protobuf",
    },
    body: message.toBinary(),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  assert.equal(answer.headers.get("content-type"), "application/protobuf");
  return new Uint8Array(await answer.arrayBuffer());
}

/** A file in the bucket. */
function output(filepath, metadata = { topic: "Weekly%20Sync" }) {
  const upload = { bucket, region: "us-east-1", accessKey: "a key", secret: "its secret", metadata };
  return new EncodedFileOutput({
    fileType: EncodedFileType.MP4,
    filepath,
    output: { case: "s3", value: new S3Upload(upload) },
  });
}

function tokenFor(grant) {
  const token = new AccessToken(apiKey, apiSecret, { identity: "interop", ttl: 60 });
  token.addGrant(grant);
  return token.toJwt();
}

/** What is thrown for an answer with this status and Twirp's code; without one it was plain text. */
function refusal(status, code) {
  return (error) => {
    assert.equal(error.status, status, error.message);
    assert.equal(error.code, code);
    return true;
  };
}

function now() {
  return BigInt(Date.now()) * 1_000_000n;
}
