// The list of recordings and its links, on S3 servers that others wrote: versitygw, which checks signatures, and
// moto, which does not. boto3 signs the same links.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { freePort, Program, run } from "../support/program.mjs";
import { tools, withoutGo } from "../support/tools.mjs";
import { LiveKitStandIn } from "./stand-in.mjs";
import { ObjectStore } from "./storage.mjs";

const bucket = "recordings-of-interop";
const region = "us-east-1";
/** What `ObjectStore` signs with. */
const pair = { id: "interop", secret: "interop" };
const keyPair = { RECORDINGS_ACCESS_KEY_ID: pair.id, RECORDINGS_SECRET_ACCESS_KEY: pair.secret };

const names = [
  "two words",
  "a/b",
  "..",
  "../../etc/passwd",
  "%2F",
  "100 %",
  "a+b",
  "🎉 Ünï字",
  `"quoted" & 'quoted'`,
  "<script>",
  "?a=b#c",
  "*",
];

/** versitygw, with its objects in a folder of its own. */
class VersityGateway extends ObjectStore {
  static async start() {
    const gateway = new VersityGateway();
    const port = await freePort();
    gateway.url = `http://127.0.0.1:${port}`;
    gateway.folder = mkdtempSync(join(tmpdir(), "versitygw-"));
    const [data, attributes] = ["data", "attributes"].map((name) => join(gateway.folder, name));
    for (const folder of [data, attributes]) mkdirSync(folder);
    const args = ["--access", pair.id, "--secret", pair.secret, "--region", region];
    const backend = ["posix", "--sidecar", attributes, data];
    gateway.program = new Program("versitygw", `${tools}/versitygw`, [
      ...args,
      "--port",
      `127.0.0.1:${port}`,
      ...backend,
    ]);
    await gateway.program.answering(gateway.url, 30);
    return gateway;
  }

  async stop() {
    await this.program?.stop();
    rmSync(this.folder, { recursive: true });
  }
}

for (const [name, Store, skip] of [
  ["versitygw", VersityGateway, withoutGo("versitygw")],
  ["moto", ObjectStore, false],
]) {
  test(`on ${name}, a recording of any name is listed, and its link gives the bytes`, { skip }, async (t) => {
    const store = await Store.start();
    t.after(() => store.stop());
    const anteroom = await withBucket(store, keyPair);
    t.after(() => anteroom.stop());
    const jane = await Browser.signedIn(anteroom);
    const livekit = new LiveKitStandIn(anteroom);
    for (const name of names) {
      await livekit.openRoom(name);
      const recording = { roomName: name, zoneId: name };
      const { body: started } = await jane.post("/api/v1/livekit/start-recording", recording);
      const running = await list(jane, recording);
      assert.deepEqual(
        running.recordings.map(({ egressId, status }) => [egressId, status]),
        [[started.egressId, "active"]],
        name,
      );
      const [{ key }] = running.recordings;
      const [put] = await store.put(bucket, [{ key, metadata: {} }]);
      assert.equal(put.key, key);
      const stop = { ...recording, egressId: started.egressId };
      assert.equal((await jane.post("/api/v1/livekit/stop-recording", stop)).status, 200);
      const { recordings, cursor } = await list(jane, recording);
      assert.equal(cursor, undefined);
      assert.equal(recordings.length, 1, name);
      assert.deepEqual([recordings[0].key, recordings[0].status], [key, "complete"]);
      assert.equal(recordings[0].sizeBytes, "a recording".length);
      const opened = await fetch(recordings[0].url);
      assert.equal(opened.status, 200, name);
      assert.equal(await opened.text(), "a recording");
      assert.equal(opened.headers.get("content-type"), "video/mp4");
    }
  });

  test(`on ${name}, pages of many days are complete and newest first`, { skip }, async (t) => {
    const store = await Store.start();
    t.after(() => store.stop());
    const anteroom = await withBucket(store, keyPair);
    t.after(() => anteroom.stop());
    const jane = await Browser.signedIn(anteroom);
    const livekit = new LiveKitStandIn(anteroom);
    await livekit.openRoom("many");
    const recording = { roomName: "many", zoneId: "1" };
    await jane.post("/api/v1/livekit/start-recording", recording);
    const [{ key: running }] = (await list(jane, recording)).recordings;
    const folder = running.split("/").slice(0, 3).join("/");
    const number = (value, digits) => String(value).padStart(digits, "0");
    const keys = Array.from({ length: 1020 }, (_, at) => {
      const day = `2025-${number(1 + Math.floor(at / 100), 2)}-${number(1 + (at % 28), 2)}`;
      return `${folder}/${day}/${number(at % 24, 2)}${number(at % 60, 2)}00-${number(at, 16)}.mp4`;
    });
    for (let at = 0; at < keys.length; at += 255) {
      const part = keys.slice(at, at + 255);
      await store.put(
        bucket,
        part.map((key) => ({ key, metadata: {} })),
      );
    }
    const found = [];
    let cursor;
    do {
      const page = await list(jane, { ...recording, ...(cursor && { cursor }) });
      found.push(...page.recordings.map(({ key }) => key));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(found, [running, ...keys.sort().reverse()]);
  });
}

test("a changed, cut or expired link opens nothing", { skip: withoutGo("versitygw") }, async (t) => {
  const store = await VersityGateway.start();
  t.after(() => store.stop());
  const place = await bucketOn(store);
  // The links end with the keys.
  const expires = new Date(Date.now() + 90_000).toISOString();
  const anteroom = await Anteroom.start({
    ...place,
    AWS_ACCESS_KEY_ID: pair.id,
    AWS_SECRET_ACCESS_KEY: pair.secret,
    AWS_CREDENTIAL_EXPIRATION: expires,
  });
  t.after(() => anteroom.stop());
  const jane = await Browser.signedIn(anteroom);
  const { url, urlExpiresAt, key } = await recorded(anteroom, jane, store, "link");
  assert.equal((await fetch(url)).status, 200);
  const other = key.replace(/.\.mp4$/, (end) => (end[0] === "0" ? "1.mp4" : "0.mp4"));
  await store.put(bucket, [{ key: other, metadata: {} }]);
  const [, life] = url.match(/X-Amz-Expires=(\d+)/);
  for (const changed of [
    url.replace(key, other),
    url.replace(`X-Amz-Expires=${life}`, `X-Amz-Expires=${Number(life) + 600}`),
    url.replace("video%2Fmp4", "text%2Fhtml"),
    url.replace(/X-Amz-Date=\d{8}/, "X-Amz-Date=20990101"),
    url.slice(0, -1),
    url.split("&X-Amz-Signature=")[0],
    url.split("?")[0],
    url.split("?")[0].replace(key, ""),
  ]) {
    assert.notEqual(changed, url);
    const { status } = await fetch(changed);
    assert.ok([400, 403].includes(status), `${status}: ${changed}`);
  }
  assert.equal((await fetch(url)).status, 200, "the unchanged link still opens");
  assert.ok(urlExpiresAt * 1000 <= Date.parse(expires), `${urlExpiresAt} is after ${expires}`);
  await sleep(Math.max(0, urlExpiresAt * 1000 - Date.now()) + 2000);
  assert.equal((await fetch(url)).status, 403, "it has expired");
});

test("a key that the server does not know is 502, not an empty list", {
  skip: withoutGo("versitygw"),
}, async (t) => {
  const store = await VersityGateway.start();
  t.after(() => store.stop());
  for (const wrong of [
    { ...keyPair, RECORDINGS_ACCESS_KEY_ID: "somebody-else" },
    { ...keyPair, RECORDINGS_SECRET_ACCESS_KEY: "another" },
    { ...keyPair, RECORDINGS_BUCKET: "there-is-none" },
  ]) {
    const anteroom = await withBucket(store, wrong);
    try {
      const jane = await Browser.signedIn(anteroom);
      const answer = await get(jane, { roomName: "test-room", zoneId: "1" });
      assert.equal(answer.status, 502, JSON.stringify(wrong));
    } finally {
      await anteroom.stop();
    }
  }
});

let anteroom;
let jane;

before(async () => {
  anteroom = await Anteroom.start({});
  jane = await Browser.signedIn(anteroom);
});

after(async () => {
  await anteroom?.stop();
});

test("boto3 signs the same link at the same time", async () => {
  const livekit = new LiveKitStandIn(anteroom);
  await livekit.openRoom("signed");
  const recording = { roomName: "signed", zoneId: "1" };
  const { body } = await jane.post("/api/v1/livekit/start-recording", recording);
  await jane.post("/api/v1/livekit/stop-recording", { ...recording, egressId: body.egressId });
  await list(jane, recording);
  const { recordings } = await list(jane, recording);
  const ours = new URL(recordings[0].url);
  const parameter = (name) => ours.searchParams.get(name);
  const [id, , region] = parameter("X-Amz-Credential").split("/");
  const asked = {
    endpoint: ours.origin,
    region,
    bucket: ours.pathname.split("/")[1],
    key: recordings[0].key,
    id,
    secret: "of-the-stand-in-bucket-and-no-secret",
    token: null,
    date: parameter("X-Amz-Date"),
    expires: Number(parameter("X-Amz-Expires")),
    type: "video/mp4",
  };
  const script = fileURLToPath(new URL("signed_link.py", import.meta.url));
  const { code, output } = await run(`${tools}/python`, [script, JSON.stringify(asked)], { seconds: 60 });
  assert.equal(code, 0, output);
  const theirs = new URL(output.trim());
  assert.equal(theirs.origin + theirs.pathname, ours.origin + ours.pathname);
  assert.deepEqual(Object.fromEntries(theirs.searchParams), Object.fromEntries(ours.searchParams));
  const opened = await fetch(theirs);
  assert.equal(opened.status, 200, "the stand-in takes boto3's link, too");
  assert.equal(opened.headers.get("x-amz-meta-zone"), "1");
});

/** `dev` with this bucket, which exists. */
async function withBucket(store, settings) {
  return Anteroom.start({ ...(await bucketOn(store)), ...settings });
}

/** Makes the bucket, and gives the settings that lead to it. */
async function bucketOn(store) {
  await store.put(bucket, []);
  return { RECORDINGS_BUCKET: bucket, RECORDINGS_REGION: region, RECORDINGS_ENDPOINT: store.url };
}

function get(browser, query) {
  return browser.get(`/api/v1/livekit/recordings?${new URLSearchParams(query)}`);
}

async function list(browser, query) {
  const { status, body } = await get(browser, query);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** A recording of a room, in the bucket, as it is listed. */
async function recorded(anteroom, browser, store, room) {
  await new LiveKitStandIn(anteroom).openRoom(room);
  const recording = { roomName: room, zoneId: "1" };
  await browser.post("/api/v1/livekit/start-recording", recording);
  const [{ key }] = (await list(browser, recording)).recordings;
  await store.put(bucket, [{ key, metadata: {} }]);
  return (await list(browser, recording)).recordings[0];
}
