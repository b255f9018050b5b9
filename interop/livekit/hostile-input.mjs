// Hostile names in recordings, and the object keys and metadata that the endpoints make of them. Run this to
// update the table in docs/recordings.md:
//
//     node livekit/hostile-input.mjs

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

import { EgressStatus } from "livekit-server-sdk";

import { Anteroom, root } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { LiveKitStandIn } from "./stand-in.mjs";

const page = join(root, "docs", "recordings.md");
const begin = "<!-- Written by interop/livekit/hostile-input.mjs from real answers. -->\n";
const end = "<!-- The end of what is written. -->\n";

/** What is sent where a row does not say otherwise. */
const ordinary = { roomName: "daily", zoneId: "1" };

const crowd = Array.from({ length: 2000 }, (_, index) => index.toString(36)).join(",");

/** Each row is what is sent, and nothing else of it is hostile. */
export const rows = [
  { roomName: "../../etc/passwd" },
  { zoneId: ".." },
  { roomName: "{room_name}", zoneId: "{time}" },
  { roomName: "%2e%2e%2f" },
  { roomName: "..\\..\\windows" },
  { roomName: "https://evil.example/?a=b#c", zoneId: "http://169.254.169.254/" },
  { zoneId: "169.254.169.254" },
  { roomName: "<img src=x onerror=alert(1)>" },
  { roomName: "$(id);`id`|*?\"'" },
  { roomName: "🎉 Ünï字" },
  { roomName: "two words" },
  { roomName: "two_words" },
  { roomName: "two_words-f00f00f00f00f00f" },
  { roomName: "é".repeat(128), zoneId: "é".repeat(64) },
  { roomName: "x".repeat(64), zoneId: "9".repeat(64) },
  { roomName: "x".repeat(65) },
  { conferenceTopic: "Weekly\r\nx-amz-meta-zone: 2\r\n\r\n" },
  { conferenceTopic: "\u0000 \u202egpj.exe" },
  { conferenceTopic: '<script>alert("1 & 2")</script>' },
  { conferenceTopic: "🎉".repeat(200) },
  { conferenceTopic: "", participants: "" },
  { participants: " alice,,b%2Cob , +3,<b>,\r\n,🎉" },
  { participants: crowd },
  { participants: `bob,${"é".repeat(4000)},alice` },
  {
    roomName: "字".repeat(85),
    zoneId: "字".repeat(64),
    conferenceTopic: "🎉".repeat(200),
    participants: crowd,
  },
  { roomName: "a\r\nb" },
  { roomName: "a\u0000b" },
  { roomName: "room\u202e123" },
  { roomName: " daily" },
  { roomName: "" },
  { roomName: ["daily"] },
  { roomName: "x".repeat(129) },
  { zoneId: "1\n" },
  { zoneId: "9".repeat(65) },
  { conferenceTopic: "x".repeat(201) },
  { conferenceTopic: "\ud83c" },
  { participants: "x".repeat(8193) },
];

/**
 * Sends every row to start-recording, and gives the input, the answer's status, and where it was 200
 * the key and the metadata of the object that the recorder would write.
 */
export async function recordAll(anteroom) {
  const livekit = new LiveKitStandIn(anteroom);
  const jane = new Browser(anteroom);
  assert.equal((await jane.post("/auth/dev-sign-in", {})).status, 200);
  const records = [];
  for (const row of rows) records.push(await record(row, livekit, jane));
  return records;
}

async function record(row, livekit, jane) {
  const input = { ...ordinary, ...row };
  if (typeof input.roomName === "string") await livekit.openRoom(input.roomName);
  const { status, body } = await jane.post("/api/v1/livekit/start-recording", input);
  if (status !== 200) return { row, input, status };

  const { roomName, zoneId } = input;
  const stop = { roomName, zoneId, egressId: body.egressId };
  assert.equal((await jane.post("/api/v1/livekit/stop-recording", stop)).status, 200);
  const [info] = await livekit.egressClient().listEgress({ egressId: body.egressId });
  assert.equal(info.status, EgressStatus.EGRESS_COMPLETE, info.error);
  const [file] = info.request.value.fileOutputs;
  assert.equal(info.fileResults[0].filename, file.filepath, "the recorder has changed the key");
  return { row, input, status, key: file.filepath, metadata: file.output.value.metadata };
}

/** The table of these records, in Markdown. */
export function table(records) {
  const lines = records.map(({ row, status, key, metadata }) => {
    const made = key ? [code(masked(key)), pairs(fromInput(metadata))] : ["", ""];
    return `| ${[pairs(row, inQuotes), status, ...made].join(" | ")} |\n`;
  });
  return `| sent | answer | object key | metadata |\n|---|---|---|---|\n${lines.join("")}`;
}

/** The table that the page has. */
export function tableOfPage() {
  const [, rest] = readFileSync(page, "utf8").split(begin);
  return rest.split(end)[0];
}

/** A key with what is different each time taken out. */
function masked(key) {
  const pattern = /\/\d{4}-\d\d-\d\d\/\d{6}-[0-9a-f]{16}\.mp4$/;
  assert.match(key, pattern);
  return key.replace(pattern, "/<date>/<time>-<random>.mp4");
}

/** What is in the metadata because somebody sent it; the rest is of the session. */
function fromInput(metadata) {
  const { "started-by": startedBy, organization, ...others } = metadata;
  assert.ok(startedBy && organization);
  return others;
}

function pairs(values, show = shortened) {
  const lines = Object.entries(values).map(([name, value]) => `${name} ${code(show(value))}`);
  return lines.join("<br>");
}

/** A value as JSON has it, with what is long or would not show told in another way. */
function inQuotes(value) {
  return JSON.stringify(value)
    .replace(crowd, "2,000 names")
    .replace(/(.)\1{39,}/gu, (run, character) => `${character}×${[...run].length}`)
    .replace(/\u202e/g, "\\u202e");
}

/** Beginning and end of a text with its length, where it is long. */
function shortened(text) {
  return text.length <= 64 ? text : `${text.slice(0, 24)} … ${text.slice(-24)} (${text.length} bytes)`;
}

/** Code in a table's cell. */
function code(text) {
  const fence = text.includes("`") ? "``" : "`";
  return fence + text.replaceAll("|", "\\|") + fence;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const anteroom = await Anteroom.start({});
  try {
    const made = table(await recordAll(anteroom));
    const text = readFileSync(page, "utf8");
    assert.ok(text.includes(begin) && text.includes(end), `${page} has no place for the table`);
    writeFileSync(
      page,
      text.replace(begin + tableOfPage() + end, () => begin + made + end),
    );
  } finally {
    await anteroom.stop();
  }
}
