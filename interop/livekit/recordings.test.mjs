// Recordings that signed-in users start and stop through the endpoints, inspected with LiveKit's own SDK.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { EgressStatus, EncodedFileType, EncodingOptionsPreset } from "livekit-server-sdk";

import { Anteroom, root } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { run } from "../support/program.mjs";
import { bucket, LiveKitStandIn } from "./stand-in.mjs";

const startPath = "/api/v1/livekit/start-recording";
const stopPath = "/api/v1/livekit/stop-recording";
const example = {
  roomName: "test-room",
  conferenceTopic: "Weekly Sync Meeting",
  zoneId: "1",
  participants: "alice,bob,charlie",
};
/** The number of processes of one function that run at once. */
const processes = 8;

let anteroom;
let livekit;
let jane;

before(async () => {
  anteroom = await Anteroom.start({});
  livekit = new LiveKitStandIn(anteroom);
  jane = await Browser.signedIn(anteroom);
});

after(async () => {
  await anteroom?.stop();
});

test("start-recording and stop-recording answer what is documented", async () => {
  const before = seconds();
  const started = await jane.post(startPath, example);
  assert.equal(started.status, 200);
  const { egressId } = started.body;
  assert.deepEqual(started.body, { egressId, timestamp: started.body.timestamp });
  assert.match(egressId, /^EG_\w{12}$/);
  assertBetween(started.body.timestamp, before, seconds());

  const stop = { roomName: "test-room", egressId, zoneId: "1" };
  const stopped = await jane.post(stopPath, stop);
  assert.equal(stopped.status, 200);
  assert.deepEqual(stopped.body, { egressId, timestamp: stopped.body.timestamp });
  assertBetween(stopped.body.timestamp, started.body.timestamp, seconds());

  const again = await jane.post(stopPath, stop);
  assert.equal(again.status, 409);
  assert.deepEqual(again.body, { code: 409, message: "The recording has already ended" });
});

test("LiveKit's SDK sees the recording that was asked for", async () => {
  await livekit.openRoom("seen");
  const { body } = await jane.post(startPath, { ...example, roomName: "seen" });
  const [info] = await livekit.egressClient().listEgress({ egressId: body.egressId });
  assert.equal(info.roomName, "seen");
  assert.equal(info.status, EgressStatus.EGRESS_ACTIVE);
  assert.equal(info.startedAt / 1_000_000_000n, BigInt(body.timestamp));
  const { case: source, value: request } = info.request;
  assert.equal(source, "roomComposite");
  assert.deepEqual(request.options, { case: "preset", value: EncodingOptionsPreset.H264_720P_30 });
  const [file] = request.fileOutputs;
  assert.equal(file.fileType, EncodedFileType.MP4);
  assert.match(
    file.filepath,
    /^recordings\/1\/org_\w+_seen-[0-9a-f]{16}\/\d{4}-\d\d-\d\d\/\d{6}-[0-9a-f]{16}\.mp4$/,
  );
  // The recorder calls the object so, too: it finds nothing to fill in or to clean.
  assert.equal(info.fileResults[0].filename, file.filepath);
  const { bucket: into, accessKey, secret, assumeRoleArn, metadata } = file.output.value;
  // The recorder shows that it was given keys, and not which.
  assert.deepEqual([into, accessKey, secret, assumeRoleArn], [bucket, "{access_key}", "{secret}", ""]);
  assert.deepEqual(metadata, {
    room: "seen",
    zone: "1",
    topic: "Weekly%20Sync%20Meeting",
    participants: "alice,bob,charlie",
    "started-by": "user_01ANTER00MJANE000000000000",
    organization: "org_01ANTER00MEXAMPLE000000000",
  });
});

test("a room that is being recorded is not recorded twice", async () => {
  await livekit.openRoom("twice");
  const first = await jane.post(startPath, { ...example, roomName: "twice" });
  const second = await jane.post(startPath, { ...example, roomName: "twice", zoneId: "2" });
  assert.deepEqual([first.status, second.status], [200, 409]);
  assert.equal(second.body.message, "This room is already being recorded");
  assert.equal((await livekit.egressesOf("twice")).length, 1, "not even for a moment");
});

test("a room is not recorded that is not there, or that nobody is in", async () => {
  await livekit.openRoom("empty", 0);
  for (const roomName of ["absent", "empty"]) {
    assert.equal((await jane.post(startPath, { ...example, roomName })).status, 404, roomName);
    assert.deepEqual(await livekit.egressesOf(roomName), []);
  }
});

test("two who start at the same moment make one recording, twenty times over", async (t) => {
  let close = 0;
  for (let time = 1; time <= 20; time++) {
    const roomName = `race-${time}`;
    await livekit.openRoom(roomName);
    await assertOneWins(roomName, 2);
    if ((await livekit.egressesOf(roomName)).length === 2) close++;
  }
  t.diagnostic(`both had started ${close} times, and one of them stopped its own`);
});

test("as many as there are processes make one recording, too", async () => {
  for (let time = 1; time <= 3; time++) {
    const roomName = `crowd-${time}`;
    await livekit.openRoom(roomName);
    await assertOneWins(roomName, processes);
  }
});

test("only who names its room and its zone stops a recording", async () => {
  await livekit.openRoom("mine");
  const { body } = await jane.post(startPath, { ...example, roomName: "mine" });
  const mine = { roomName: "mine", zoneId: "1", egressId: body.egressId };
  for (const wrong of [
    { roomName: "test-room" },
    { roomName: "min" },
    { zoneId: "2" },
    { zoneId: "1/mine" },
    { egressId: "EG_absent123456" },
  ]) {
    const { status } = await jane.post(stopPath, { ...mine, ...wrong });
    assert.equal(status, 404, JSON.stringify(wrong));
  }
  assert.equal((await livekit.runningIn("mine")).length, 1);
  assert.equal((await jane.post(stopPath, mine)).status, 200);
  assert.deepEqual(await livekit.runningIn("mine"), []);
});

test("a recording that others have stopped has ended, and the room can be recorded again", async () => {
  await livekit.openRoom("again");
  const input = { ...example, roomName: "again" };
  const { body } = await jane.post(startPath, input);
  const client = livekit.egressClient();
  await client.stopEgress(body.egressId);
  await client.listEgress();
  const stop = { roomName: "again", zoneId: "1", egressId: body.egressId };
  assert.equal((await jane.post(stopPath, stop)).status, 409);
  assert.equal((await jane.post(startPath, input)).status, 200);
});

test("without a session nothing is started or stopped", async () => {
  await livekit.openRoom("closed");
  const nobody = new Browser(anteroom);
  const stop = { roomName: "closed", zoneId: "1", egressId: "EG_absent123456" };
  assert.equal((await nobody.post(startPath, { ...example, roomName: "closed" })).status, 401);
  assert.equal((await nobody.post(stopPath, stop)).status, 401);
  assert.deepEqual(await livekit.egressesOf("closed"), []);
});

test("what is too long or no text is refused", async () => {
  for (const wrong of [
    { roomName: "" },
    { roomName: "x".repeat(129) },
    { roomName: ["test-room"] },
    { zoneId: "" },
    { zoneId: "x".repeat(65) },
    { zoneId: 1 },
    { zoneId: "1\n" },
    { conferenceTopic: "x".repeat(10 * 1024) },
    { conferenceTopic: { text: "x" } },
    { participants: "x".repeat(8 * 1024 + 1) },
    { participants: ["alice", "bob"] },
  ]) {
    const { status } = await jane.post(startPath, { ...example, ...wrong });
    assert.equal(status, 400, JSON.stringify(wrong).slice(0, 60));
  }
  for (const egressId of ["", "../EG_1", "EG 1", ["EG_1"], 7]) {
    const { status } = await jane.post(stopPath, { roomName: "test-room", zoneId: "1", egressId });
    assert.equal(status, 400, String(egressId));
  }
});

test("every line of docs/recordings.md answers what it says when it is pasted", async () => {
  const page = readFileSync(join(root, "docs", "recordings.md"), "utf8");
  const [setUp] = blocks(page, "sh");
  const shown = blocks(page, "console").join("");
  const commands = shown.match(/(?<=^\$ ).*$/gm);
  assert.ok(commands.length >= 8);

  const directory = mkdtempSync(join(tmpdir(), "recordings-"));
  // A `dev` of its own, in which nothing has been recorded yet.
  const fresh = await Anteroom.start({});
  try {
    const said = commands.map((command) => `printf '%s\\n' ${quoted(`$ ${command}`)}\n${command}\n`);
    const script = setUp.replaceAll("http://127.0.0.1:8787", fresh.url) + said.join("");
    const { code, output } = await run("bash", ["-c", script], { seconds: 60, cwd: directory });
    assert.equal(code, 0, output);
    assert.equal(withoutChance(output), withoutChance(shown));
  } finally {
    await fresh.stop();
    rmSync(directory, { recursive: true });
  }
});

/** The blocks of code in a language, of a page in Markdown. */
function blocks(page, language) {
  const pattern = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return [...page.matchAll(pattern)].map(([, text]) => text);
}

/** A text as one word of the shell. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The output of commands, without the parts that differ each time. */
function withoutChance(output) {
  return output
    .replace(/EG_\w{12}/g, "EG_")
    .replace(/"timestamp":\d{10}\b/g, '"timestamp":0')
    .replace(/"token":"eyJ[^"]*"/g, '"token":"eyJ"')
    .replace(/"(startedAt|endedAt|urlExpiresAt)":\d{10}\b/g, '"$1":0')
    .replace(/"(key|url)":"[^"]*"/g, '"$1":""')
    .trimEnd();
}

/** Starts a recording of a room from so many sides at once: one succeeds, and its egress goes on alone. */
async function assertOneWins(roomName, count) {
  const start = () => jane.post(startPath, { ...example, roomName });
  const answers = await Promise.all(Array.from({ length: count }, start));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, ...Array(count - 1).fill(409)], roomName);
  const running = await livekit.runningIn(roomName);
  const winner = answers.find(({ status }) => status === 200).body.egressId;
  assert.deepEqual(
    running.map(({ egressId }) => egressId),
    [winner],
    roomName,
  );
}

function assertBetween(timestamp, earliest, latest) {
  assert.ok(Number.isInteger(timestamp), `${timestamp} is no whole number of seconds`);
  assert.ok(timestamp >= earliest && timestamp <= latest, `${timestamp} is not now`);
}

function seconds() {
  return Math.floor(Date.now() / 1000);
}
