// Tokens from `room-auth`, checked by LiveKit's own verifier and by the stand-in.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { TokenVerifier } from "livekit-server-sdk";

import { Anteroom, root } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { claimsOf, withClaims } from "../support/jwt.mjs";
import { run } from "../support/program.mjs";
import { WorkOsStandIn } from "../workos/stand-in.mjs";
import { apiKey, apiSecret, LiveKitStandIn } from "./stand-in.mjs";

const path = "/api/v1/livekit/room-auth";
const example = { username: "Jane Doe", roomId: "room123" };
const verifier = new TokenVerifier(apiKey, apiSecret);
/** No tolerance for clock skew: both sides run on this machine. */
const exactly = 0;

let anteroom;
let livekit;
let workos;
let jane;

before(async () => {
  anteroom = await Anteroom.start({});
  livekit = new LiveKitStandIn(anteroom);
  workos = new WorkOsStandIn(anteroom);
  jane = await Browser.signedIn(anteroom);
});

after(async () => {
  await anteroom?.stop();
});

test("room-auth answers what is documented", async () => {
  const { status, body, setCookies } = await jane.post(path, example);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ["token"]);
  assert.match(body.token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.deepEqual(setCookies, []);
});

test("LiveKit's verifier reads in the token what was asked for, and nothing else", async () => {
  const before = seconds();
  const token = await tokenFor(jane);
  const { iss, nbf, exp, sub, ...claims } = await verifier.verify(token, exactly);
  assert.deepEqual(claims, {
    name: "Jane Doe",
    video: { roomJoin: true, room: "room123", canPublish: true, canSubscribe: true },
  });
  assert.equal(iss, apiKey);
  assert.match(sub, /^user_01ANTER00MJANE000000000000:[0-9a-f]{16}$/);
  assert.ok(nbf >= before && nbf <= seconds(), `${nbf} is not now`);
  assert.equal(exp - nbf, 600, "ten minutes");
});

test("LiveKit's verifier refuses it with another secret, another key, or once it was changed", async () => {
  const token = await tokenFor(jane);
  const stranger = new TokenVerifier(apiKey, "the secret of somebody else's project, as long as ours");
  await assert.rejects(stranger.verify(token), /signature verification failed/);
  await assert.rejects(new TokenVerifier("APIAnother", apiSecret).verify(token), /unexpected "iss"/);
  await assert.rejects(verifier.verify(withRoom(token, "room124")), /signature verification failed/);
  const [header, payload] = token.split(".");
  await assert.rejects(verifier.verify(`${header}.${payload}.`));
});

test("the token opens exactly its room", async () => {
  const token = await tokenFor(jane);
  assert.deepEqual(await livekit.validate(token), { status: 200, text: "success" });
  const elsewhere = await livekit.validate(withRoom(token, "room124"));
  assert.equal(elsewhere.status, 401, elsewhere.text);
  const claims = await verifier.verify(await tokenFor(jane, { ...example, roomId: "room124" }));
  assert.equal(claims.video.room, "room124");
});

test("the token is good for nothing but to join", async () => {
  const token = await tokenFor(jane);
  const options = { token };
  const rooms = livekit.roomClient(apiKey, apiSecret, options);
  const egresses = livekit.egressClient(apiKey, apiSecret, options);
  await assert.rejects(rooms.listRooms(), { status: 401 });
  await assert.rejects(rooms.createRoom({ name: "room125" }), { status: 401 });
  await assert.rejects(rooms.deleteRoom("room123"), { status: 401 });
  await assert.rejects(rooms.listParticipants("room123"), { status: 401 });
  await assert.rejects(egresses.listEgress(), { status: 401 });
  assert.equal((await livekit.validate(token, { publish: "screen" })).status, 200);
  const attributes = Buffer.from('{"role":"host"}').toString("base64url");
  assert.equal((await livekit.validate(token, { attributes })).status, 401);
});

test("nothing that the caller sends adds to the token", async () => {
  const greedy = {
    ...example,
    identity: "user_somebody_else",
    metadata: "boss",
    ttl: 86_400,
    roomAdmin: true,
    video: { roomAdmin: true, roomRecord: true, hidden: true },
    attributes: { role: "host" },
  };
  const plain = await verifier.verify(await tokenFor(jane));
  const { nbf, exp, ...claims } = await verifier.verify(await tokenFor(jane, greedy));
  assert.deepEqual({ ...claims, nbf: plain.nbf, exp: plain.exp }, plain);
  assert.equal(exp - nbf, 600);
});

test("two devices of a user are two people in a room, and a reload is the same one", async () => {
  const identity = async (browser) => (await verifier.verify(await tokenFor(browser))).sub;
  const phone = await Browser.signedIn(anteroom);
  assert.equal(await identity(jane), await identity(jane));
  assert.notEqual(await identity(jane), await identity(phone));
});

test("a bearer token does as well as the cookie", async () => {
  const headers = await workos.bearer("jane");
  const { status, body } = await new Browser(anteroom).post(path, example, headers);
  assert.equal(status, 200, JSON.stringify(body));
  assert.ok(await verifier.verify(body.token));
});

test("without a session there is no token", async () => {
  const nobody = new Browser(anteroom);
  for (const headers of [{}, { authorization: "Bearer a.b.c" }, { cookie: "wos-session=Fe26.2*1" }]) {
    const { status, body } = await nobody.post(path, example, headers);
    assert.equal(status, 401, JSON.stringify(body));
    assert.equal(body.token, undefined);
  }
});

test("bad names are refused, and odd ones arrive as they are", async () => {
  const bad = [
    "",
    " a",
    "a\nb",
    "a\u0000b",
    "a\u202eb",
    "x".repeat(129),
    ["room123"],
    {},
    7,
    null,
    undefined,
  ];
  for (const value of bad) {
    for (const name of ["username", "roomId"]) {
      const { status } = await jane.post(path, { ...example, [name]: value });
      assert.equal(status, 400, `${name}: ${JSON.stringify(value)}`);
    }
  }
  for (const odd of ["../../etc", "{room_name}", "%2e%2e%2f", "a\\b", "<b>🎉</b>", "é".repeat(128)]) {
    const token = await tokenFor(jane, { username: odd, roomId: odd });
    const { name, video } = await verifier.verify(token);
    assert.deepEqual([name, video.room], [odd, odd]);
    assert.equal((await livekit.validate(token)).status, 200, odd);
  }
});

test("the known tokens of the Rust tests are what LiveKit's SDK makes today", async () => {
  const interop = join(root, "interop");
  const args = ["--no-warnings", "livekit/known-join-token.mjs"];
  const { code, output } = await run(process.execPath, args, { seconds: 30, cwd: interop });
  assert.equal(code, 0, output);
  const known = readFileSync(join(root, "shared", "tests", "data", "join-tokens.json"), "utf8");
  assert.equal(output, known);
});

async function tokenFor(browser, input = example) {
  const { status, body } = await browser.post(path, input);
  assert.equal(status, 200, JSON.stringify(body));
  return body.token;
}

/** The token with another room and its original signature. */
function withRoom(token, room) {
  return withClaims(token, { video: { ...claimsOf(token).video, room } });
}

function seconds() {
  return Math.floor(Date.now() / 1000);
}
