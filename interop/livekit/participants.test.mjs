// People join rooms on LiveKit's own server through LiveKit's own client, with tokens from `room-auth`.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, afterEach, before, test } from "node:test";

import { TokenSource } from "livekit-client";

import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { bearer, claimsOf, withClaims } from "../support/jwt.mjs";
import { pause, until } from "../support/program.mjs";
import { suite } from "../support/suite.mjs";
import { WorkOsStandIn } from "../workos/stand-in.mjs";
import { apiSecret, LiveKitServer, missing } from "./server.mjs";

/** Names in many scripts, right to left, and with emoji of several code points. */
const names = ["Jane Doe", "Łukasz Żółć", "山田太郎", "עדי כהן", "நிலா", "👩‍👩‍👧 & 🇯🇵", "é".repeat(128)];

suite("people in rooms of LiveKit's own server", missing, () => {
  let server;
  let anteroom;
  let workos;
  let client;

  before(async () => {
    // It loads a native library, which a skipped suite should not do.
    client = await import("./participant.mjs");
    server = await LiveKitServer.start({ redis: false });
    anteroom = await Anteroom.start({ ...server.settings, RECORDINGS_BUCKET: "" });
    workos = new WorkOsStandIn(anteroom);
  });

  afterEach(async () => {
    await client?.leaveAll();
  });

  after(async () => {
    await client?.close();
    await anteroom?.stop();
    await server?.stop();
  });

  test("two people see each other's name and identity, and hear each other", async () => {
    const jane = await join(await tokenFor(await signedIn("jane"), "Jane Doe", "daily"));
    const guest = await join(await tokenFor(await signedIn("without_organization"), "Лоне́р 🎉", "daily"));
    await jane.sees(guest.identity);
    assert.deepEqual(jane.others, { [guest.identity]: "Лоне́р 🎉" });
    assert.deepEqual(guest.others, { [jane.identity]: "Jane Doe" });
    assert.match(jane.identity, /^user_\w+:[0-9a-f]{16}$/);
    await Promise.all([jane.speak(), guest.speak()]);
    await Promise.all([jane.hears(guest.identity), guest.hears(jane.identity)]);
  });

  test("a token from LiveKit's own token request opens the room that its answer names", async () => {
    const headers = await workos.bearer("jane");
    const source = TokenSource.endpoint(`${anteroom.url}/api/v1/livekit/token`, { headers });
    const { serverUrl, participantToken } = await source.fetch({ roomName: "from-a-source" });
    assert.equal(serverUrl, server.url);
    const jane = await join(participantToken);
    assert.deepEqual([jane.name, jane.roomName], ["Jane Doe", "from-a-source"]);
  });

  test("names and rooms of any script arrive as they were written", async () => {
    const browser = await signedIn("jane");
    for (const name of names) {
      const participant = await join(await tokenFor(browser, name, name));
      assert.deepEqual([participant.name, participant.roomName], [name, name]);
    }
  });

  test("two devices of a user are both there", async () => {
    const phone = await join(await tokenFor(await signedIn("jane"), "Jane Doe", "devices"));
    const laptop = await join(await tokenFor(await signedIn("jane"), "Jane Doe", "devices"));
    await phone.sees(laptop.identity);
    await laptop.sees(phone.identity);
    assert.equal(phone.ended, undefined);
  });

  test("a page that is loaded again takes its seat over, and the old one is told so", async () => {
    const browser = await signedIn("jane");
    const witness = await join(await tokenFor(await signedIn("without_organization"), "Loner", "reload"));
    const before = await join(await tokenFor(browser, "Jane Doe", "reload"));
    const reloaded = await join(await tokenFor(browser, "Jane Doe", "reload"));
    assert.equal(await before.end(), "DUPLICATE_IDENTITY");
    assert.equal(reloaded.identity, before.identity);
    await witness.sees(reloaded.identity);
    assert.equal(reloaded.ended, undefined);
  });

  test("a token leads into its own room and into no other", async () => {
    const token = await tokenFor(await signedIn("jane"), "Jane Doe", "own");
    assert.equal((await join(token)).roomName, "own");
    await refused(resigned(token, grant(token, { room: "another" }), "another signature"));
    assert.deepEqual(await server.rooms.listRooms(["another"]), []);
  });

  test("a token is refused that has expired, was changed, or is another server's", async () => {
    const token = await tokenFor(await signedIn("jane"), "Jane Doe", "closed");
    const seconds = Math.floor(Date.now() / 1000);
    const [header, payload] = token.split(".");
    // LiveKit allows clocks to differ by a minute.
    await refused(resigned(token, { exp: seconds - 61 }));
    await refused(resigned(token, { nbf: seconds + 120 }));
    await refused(resigned(token, { iss: "APIAnother" }));
    await refused(resigned(token, {}, "the secret of somebody else's server, long enough"));
    await refused(`${header}.${payload}.`);
    await refused("a.b.c");
    assert.deepEqual(await server.rooms.listRooms(["closed"]), []);
  });

  test("a participant who may not publish hears the others and is not heard", async () => {
    const token = await tokenFor(await signedIn("jane"), "Jane Doe", "stage");
    const speaker = await join(token);
    const other = await tokenFor(await signedIn("without_organization"), "Loner", "stage");
    const viewer = await join(resigned(other, grant(other, { canPublish: false })));
    await speaker.speak();
    await viewer.hears(speaker.identity);
    // The server ignores what is not allowed, and the client would wait ten seconds.
    viewer.speak().catch(() => {});
    // A track that was asked for later is there, and after another second the viewer's would be, too.
    await speaker.speak();
    const onStage = async ({ identity }) => server.rooms.getParticipant("stage", identity);
    await until(async () => (await onStage(speaker)).tracks.length === 2, "the speaker's second track");
    await pause(1000);
    const { tracks, permission } = await onStage(viewer);
    assert.deepEqual(tracks, []);
    assert.equal(permission.canPublish, false);
  });

  test("without a bucket, dev says at its start that recordings are off and why", async () => {
    assert.ok(
      anteroom.lines.some((line) => /^\s*Recordings\s+off: RECORDINGS_BUCKET is not set$/.test(line)),
    );
    // Like API Gateway, the gateway gives no reason; the log has the function's report.
    const answer = await fetch(`${anteroom.url}/api/v1/livekit/start-recording`, { method: "POST" });
    assert.equal(answer.status, 500);
    await anteroom.logged(/Runtime\.ConfigInvalid.*RECORDINGS_BUCKET/);
  });

  test("a token to join with is no token for the server's API", async () => {
    const token = await tokenFor(await signedIn("jane"), "Jane Doe", "api");
    for (const method of ["RoomService/ListRooms", "RoomService/CreateRoom", "Egress/ListEgress"]) {
      const answer = await fetch(`${server.url.replace("ws", "http")}/twirp/livekit.${method}`, {
        method: "POST",
        headers: { ...bearer(token), "content-type": "application/json" },
        body: '{"name":"api"}',
      });
      assert.equal(answer.status, 401, method);
    }
  });

  /** A browser in which a user has a session of its own. */
  async function signedIn(user) {
    const headers = await workos.bearer(user);
    const browser = new Browser(anteroom);
    return { post: (path, body) => browser.post(path, body, headers) };
  }

  async function tokenFor(browser, username, roomId) {
    const { status, body } = await browser.post("/api/v1/livekit/room-auth", { username, roomId });
    assert.equal(status, 200, JSON.stringify(body));
    return body.token;
  }

  function join(token) {
    return client.Participant.join(server, token);
  }

  async function refused(token) {
    await assert.rejects(client.Participant.join(server, token), /401 Unauthorized/);
  }
});

/** The token with other claims, signed with the server's secret or another. */
function resigned(token, changes, secret = apiSecret) {
  const [header, claims] = withClaims(token, changes).split(".");
  const signed = `${header}.${claims}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** The token's grant, with some of it changed. */
function grant(token, changes) {
  return { video: { ...claimsOf(token).video, ...changes } };
}
