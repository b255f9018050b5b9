// S3 accepts the objects of all hostile names and returns their keys and metadata unchanged. The table in the
// docs is current.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Anteroom } from "../support/anteroom.mjs";
import { recordAll, table, tableOfPage } from "./hostile-input.mjs";
import { bucket } from "./stand-in.mjs";
import { ObjectStore } from "./storage.mjs";

/** S3's limit, in bytes of names and values. */
const mostMetadata = 2048;

let anteroom;
let store;
let records;
let taken;

before(async () => {
  [anteroom, store] = await Promise.all([Anteroom.start({}), ObjectStore.start()]);
  records = await recordAll(anteroom);
  taken = records.filter(({ status }) => status === 200);
});

after(async () => {
  await Promise.all([anteroom?.stop(), store?.stop()]);
});

test("every input is recorded or refused", () => {
  const statuses = new Set(records.map(({ status }) => status));
  assert.deepEqual([...statuses].sort(), [200, 400]);
});

test("a key has five parts, and nothing in them but letters, digits, - and _", () => {
  for (const { key, input } of taken) {
    const harmless = /^recordings\/[\w-]{1,65}\/[\w-]{1,65}\/[\d-]{10}\/[\w-]{23}\.mp4$/;
    assert.match(key, harmless, JSON.stringify(input.roomName));
  }
});

test("no two rooms or zones share a folder", () => {
  const folders = new Map();
  for (const { key, input } of taken) {
    const folder = key.split("/").slice(0, 3).join("/");
    const place = JSON.stringify([input.zoneId, input.roomName]);
    assert.equal(folders.get(folder) ?? place, place, folder);
    folders.set(folder, place);
  }
  assert.ok(folders.size > 10);
});

test("the metadata is short and plain enough for S3", () => {
  for (const { metadata, input } of taken) {
    const size = sizeOf(metadata);
    assert.ok(size <= mostMetadata, `${size} bytes for ${JSON.stringify(input).slice(0, 80)}`);
    for (const value of Object.values(metadata)) assert.match(value, /^[\x21-\x7e]+$/);
  }
  // It counts as S3 documents it, and with the beginning of the headers' names on top.
  assert.equal(sizeOf({ topic: "x".repeat(2032) }), mostMetadata);
});

test("decodeURIComponent gives back what was sent, as far as there was room", () => {
  let whole = 0;
  for (const { metadata, input } of taken) {
    assert.equal(decodeURIComponent(metadata.room), input.roomName);
    assert.equal(decodeURIComponent(metadata.zone), input.zoneId);
    const topic = decodeURIComponent(metadata.topic ?? "");
    assertTopic(topic, input.conferenceTopic ?? "");
    const names = (input.participants ?? "").split(",").map((name) => name.trim());
    assertParticipants(
      metadata.participants,
      names.filter((name) => name !== ""),
    );
    if (topic === input.conferenceTopic) whole++;
  }
  assert.ok(whole >= 3, "nothing was there whole");
});

test("S3 takes each object, and gives back its key and metadata as they were", async () => {
  const objects = taken.map(({ key, metadata }) => ({ key, metadata }));
  assert.ok(objects.length >= 20);
  assert.deepEqual(await store.put(bucket, objects), objects);
});

test("what has not been made harmless is refused by AWS's own SDK or by the server", async () => {
  const raw = [
    { key: "recordings/topic.mp4", metadata: { topic: "Café 🎉" } },
    { key: "recordings/lines.mp4", metadata: { topic: "Weekly\r\nx-amz-meta-zone: 2" } },
    { key: "", metadata: {} },
    // The server minds no metadata between 2 KB, which is too much for S3, and 64 KB.
    { key: "recordings/size.mp4", metadata: { topic: "x".repeat(65_536) } },
  ];
  const [topic, lines, key, size] = await store.put("raw", raw);
  assert.match(topic.error, /Non ascii characters/);
  assert.match(lines.error, /Invalid header value/);
  assert.match(key.error, /ParamValidationError/);
  assert.match(size.error, /\(431\).*Too Large/);
});

test("the table in the docs is what becomes of it today", () => {
  assert.equal(tableOfPage(), table(records), "run node livekit/hostile-input.mjs");
});

/** The metadata has the whole topic, or its beginning and an ellipsis. */
function assertTopic(kept, sent) {
  if (kept === sent) return;
  assert.ok(kept.endsWith("…") && kept.length > 1, kept);
  assert.ok(sent.startsWith(kept.slice(0, -1)), kept);
}

/** The metadata has all participants, or the first ones and the number of the rest. */
function assertParticipants(value, sent) {
  const kept = value === undefined ? [] : value.split(",");
  const more = kept.length > 0 && /^\+\d+$/.test(kept.at(-1)) ? Number(kept.pop()) : 0;
  assert.equal(kept.length + more, sent.length);
  assert.deepEqual(kept.map(decodeURIComponent), sent.slice(0, kept.length));
}

function sizeOf(metadata) {
  const sizes = Object.entries(metadata).map(([name, value]) => `x-amz-meta-${name}${value}`.length);
  return sizes.reduce((sum, size) => sum + size, 0);
}
