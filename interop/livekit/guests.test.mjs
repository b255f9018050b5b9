// Guests and moderators on LiveKit's own server, through LiveKit's own client.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { TrackSource } from "livekit-server-sdk";

import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { pause, until } from "../support/program.mjs";
import { suite } from "../support/suite.mjs";
import { WorkOsStandIn } from "../workos/stand-in.mjs";
import { LiveKitServer, missing } from "./server.mjs";

const path = (name) => `/api/v1/livekit/${name}`;

suite("guests and moderators on LiveKit's own server", missing, () => {
  let server;
  let anteroom;
  let client;
  let jane;
  let loner;
  let guest;

  before(async () => {
    // It loads a native library, which a skipped suite should not do.
    client = await import("./participant.mjs");
    server = await LiveKitServer.start();
    await server.startRecorder();
    anteroom = await Anteroom.start(server.settings);
    const workos = new WorkOsStandIn(anteroom);
    const signedIn = async (user) => {
      const headers = await workos.bearer(user);
      const browser = new Browser(anteroom);
      return { post: (name, body) => browser.post(path(name), body, headers) };
    };
    [jane, loner] = await Promise.all([signedIn("jane"), signedIn("without_organization")]);
    const browser = new Browser(anteroom);
    guest = { post: (name, body) => browser.post(path(name), body) };
  });

  afterEach(async () => {
    await client?.leaveAll();
  });

  after(async () => {
    await client?.close();
    await anteroom?.stop();
    await server?.stop();
  });

  test("a guest comes in by an invitation, and others see by the identity that it is one", async () => {
    const member = await memberIn("lobby");
    const invitation = await invited("lobby");
    const [first, second] = [await guestWith(invitation), await guestWith(invitation)];
    await member.sees(first.identity, second.identity);
    assert.deepEqual(member.others, { [first.identity]: "Jane Doe", [second.identity]: "Jane Doe" });
    for (const { identity } of [first, second]) assert.match(identity, /^guest:\d{20}$/);
    assert.match(member.identity, /^user_\w+:[0-9a-f]{16}$/);
    await first.speak();
    await member.hears(first.identity);
  });

  test("a guest who may only watch hears the others and is not heard", async () => {
    const member = await memberIn("stage");
    const viewer = await guestWith(await invited("stage", { canPublish: false }));
    await member.speak();
    await viewer.hears(member.identity);
    // The server ignores what is not allowed, and the client would wait ten seconds.
    viewer.speak().catch(() => {});
    // A track that was asked for later is there, and after another second the viewer's would be, too.
    await member.speak();
    const tracks = async ({ identity }) => tracksOf("stage", identity);
    await until(async () => (await tracks(member)).length === 2, "the member's second track");
    await pause(1000);
    assert.deepEqual(await tracks(viewer), []);
    const { permission } = await server.rooms.getParticipant("stage", viewer.identity);
    assert.equal(permission.canPublish, false);
  });

  test("a removed participant is out, is told so, and can come back", async () => {
    const member = await memberIn("removal");
    const invitation = await invited("removal");
    const unwanted = await guestWith(invitation);
    await member.sees(unwanted.identity);
    const removal = { roomId: "removal", identity: unwanted.identity };
    assert.equal((await loner.post("remove-participant", removal)).status, 403);
    const { status, body } = await jane.post("remove-participant", removal);
    assert.deepEqual([status, body], [200, { code: 200, message: "OK" }]);
    assert.equal(await unwanted.end(), "PARTICIPANT_REMOVED");
    await member.sees();
    assert.equal((await jane.post("remove-participant", removal)).status, 404);
    const back = await guestWith(invitation);
    assert.notEqual(back.identity, unwanted.identity);
    await member.sees(back.identity);
  });

  test("a user is removed like a guest, and so is the one who asks", async () => {
    const [self, other] = [await memberIn("users", jane), await memberIn("users", loner)];
    for (const { identity } of [other, self])
      assert.equal((await jane.post("remove-participant", { roomId: "users", identity })).status, 200);
    assert.equal(await other.end(), "PARTICIPANT_REMOVED");
    assert.equal(await self.end(), "PARTICIPANT_REMOVED");
  });

  test("a muted participant is silent for the others, and can unmute", async () => {
    const member = await memberIn("noise");
    const speaker = await guestWith(await invited("noise"));
    const muting = { roomId: "noise", identity: speaker.identity, source: "microphone" };
    const message = async () => (await jane.post("mute-participant", muting)).body.message;
    assert.equal(await message(), "The participant does not publish this source");
    await speaker.speak();
    await member.hears(speaker.identity);
    assert.deepEqual(await tracksOf("noise", speaker.identity), [[TrackSource.MICROPHONE, false]]);
    for (const attempt of ["unmuted", "muted already"]) {
      assert.equal(await message(), "OK", attempt);
      await until(async () => (await tracksOf("noise", speaker.identity))[0][1], "the muted track");
    }
    await member.seesMuted(speaker.identity);
    const camera = { ...muting, source: "camera" };
    assert.equal((await jane.post("mute-participant", camera)).status, 404);
  });

  test("a recorder is no participant to mute or remove, and records on", async () => {
    await memberIn("recorded");
    const recording = { roomName: "recorded", zoneId: "1" };
    const { status, body } = await jane.post("start-recording", recording);
    assert.equal(status, 200, JSON.stringify(body));
    for (const [name, more] of [
      ["remove-participant", {}],
      ["mute-participant", { source: "camera" }],
    ]) {
      const answer = await jane.post(name, { roomId: "recorded", identity: body.egressId, ...more });
      assert.equal(answer.status, 404, name);
    }
    assert.deepEqual(await server.runningIn("recorded"), [body.egressId]);
    await jane.post("stop-recording", { ...recording, egressId: body.egressId });
  });

  test("an invitation is no token to join with, and a join token is no invitation", async () => {
    const invitation = await invited("doors");
    await assert.rejects(client.Participant.join(server, invitation), /401 Unauthorized/);
    const { body } = await jane.post("room-auth", { username: "Jane Doe", roomId: "doors" });
    const answer = await guest.post("guest-auth", { invitation: body.token, username: "Gus" });
    assert.equal(answer.status, 401);
  });

  test("somebody who is not there is 404, and a server that is down is 503", async () => {
    const nobody = { roomId: "nowhere", identity: "guest:1" };
    for (const [name, more] of [
      ["remove-participant", {}],
      ["mute-participant", { source: "camera" }],
    ]) {
      assert.equal((await jane.post(name, { ...nobody, ...more })).status, 404, name);
    }
    await server.stop();
    assert.equal((await jane.post("remove-participant", nobody)).status, 503);
  });

  async function invited(roomId, more = {}) {
    const { status, body } = await jane.post("invite-guest", { roomId, ...more });
    assert.equal(status, 200, JSON.stringify(body));
    return body.invitation;
  }

  /** A guest who has the name of a member. */
  async function guestWith(invitation) {
    const { status, body } = await guest.post("guest-auth", { invitation, username: "Jane Doe" });
    assert.equal(status, 200, JSON.stringify(body));
    return client.Participant.join(server, body.token);
  }

  async function memberIn(roomId, user = loner) {
    const { status, body } = await user.post("room-auth", { username: "A member", roomId });
    assert.equal(status, 200, JSON.stringify(body));
    return client.Participant.join(server, body.token);
  }

  /** The source of each track, and whether it is muted. */
  async function tracksOf(room, identity) {
    const { tracks } = await server.rooms.getParticipant(room, identity);
    return tracks.map(({ source, muted }) => [source, muted]);
  }
});
