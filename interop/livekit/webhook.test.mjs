// LiveKit's own server sends its events to `livekit-webhook`, which puts them on a bus (moto's EventBridge).
// A relay in between keeps what was sent, for LiveKit's own receiver to judge.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { AccessToken, WebhookReceiver } from "livekit-server-sdk";

import { EventBus } from "../aws/moto.mjs";
import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { encode } from "../support/jwt.mjs";
import { until } from "../support/program.mjs";
import { suite } from "../support/suite.mjs";
import { eventsOf } from "./events.mjs";
import { Relay } from "./relay.mjs";
import { apiKey, apiSecret, bucket, LiveKitServer, missing } from "./server.mjs";

const path = "/api/v1/livekit/webhook";
const previous = { key: "APIOfLastYear", secret: "the secret of last year, which still counts for a while" };
const uploads = { id: "AKIAUPLOADS", secret: "of-the-uploads-and-not-for-readers" };

suite("events of LiveKit's own server", missing, () => {
  let relay;
  let server;
  let bus;
  let anteroom;
  let jane;
  let client;

  before(async () => {
    client = await import("./participant.mjs");
    relay = await Relay.start();
    server = await LiveKitServer.start({ webhooks: [relay.url] });
    await server.startRecorder();
    bus = await EventBus.start();
    anteroom = await Anteroom.start({
      ...server.settings,
      ...bus.settings,
      LIVEKIT_API_KEY_PREVIOUS: previous.key,
      LIVEKIT_API_SECRET_PREVIOUS: previous.secret,
      RECORDINGS_ACCESS_KEY_ID: uploads.id,
      RECORDINGS_SECRET_ACCESS_KEY: uploads.secret,
    });
    relay.target = anteroom.url + path;
    jane = await Browser.signedIn(anteroom);
  });

  after(async () => {
    await client?.close();
    await anteroom?.stop();
    await server?.stop();
    await bus?.stop();
    relay?.stop();
  });

  test("events about people who join and leave are on the bus, and so is a room that has finished", async () => {
    const participant = await enter("daily");
    const joined = await arrived("participant_joined", "daily");
    assert.equal(joined.source, "anteroom.livekit");
    assert.equal(joined.detail.event, "participant_joined");
    assert.equal(joined.detail.participant.identity, participant.identity);
    assert.equal(joined.detail.participant.name, "Jane Doe");
    await arrived("room_started", "daily");
    await participant.leave();
    await arrived("participant_left", "daily");
    await server.rooms.deleteRoom("daily");
    const finished = await arrived("room_finished", "daily");
    assert.equal(finished.detail.recording, undefined);
  });

  test("a recording's life is on the bus, with its organization, room, zone and key", async () => {
    const room = "weekly / 100 %";
    const participant = await enter(room);
    const zoneId = "Nörd";
    const started = await jane.post("/api/v1/livekit/start-recording", { roomName: room, zoneId });
    assert.equal(started.status, 200, JSON.stringify(started.body));
    const { egressId } = started.body;
    const of = eventsOf(egressId);
    await bus.arrived(of("egress_updated", "EGRESS_ACTIVE"));
    const stopped = await jane.post("/api/v1/livekit/stop-recording", { roomName: room, zoneId, egressId });
    assert.equal(stopped.status, 200, JSON.stringify(stopped.body));
    const ended = await bus.arrived(of("egress_ended", "EGRESS_COMPLETE"));
    const [{ filepath, s3 }] = ended.detail.egressInfo.roomComposite.fileOutputs;
    const organization = decodeURIComponent(s3.metadata.organization);
    assert.match(organization, /^org_/);
    assert.deepEqual(ended.detail.recording, { organization, room, zone: zoneId, key: filepath });
    for (const name of ["egress_started", "egress_updated"]) {
      const { detail } = await bus.arrived(of(name));
      assert.deepEqual(detail.recording, ended.detail.recording, name);
    }
    assert.equal(s3.bucket, bucket);
    await participant.leave();
  });

  test("credentials are in what LiveKit sends and not in what arrives", () => {
    const sent = relay.received.map(({ body }) => body).join("\n");
    assert.match(sent, /"turnPassword":"[^"]+"/);
    assert.match(sent, /"accessKey":"/);
    const arrived = JSON.stringify(bus.events);
    assert.ok(bus.events.length >= 7, arrived);
    for (const secret of [uploads.id, uploads.secret, apiSecret]) assert.ok(!arrived.includes(secret));
    for (const [name] of arrived.matchAll(/"(\w+)":/g))
      assert.doesNotMatch(name, /password|secret|token|credential|access_?key|proxy/i);
  });

  test("nothing but credentials is missing", () => {
    for (const { detail } of bus.events) {
      const sent = relay.received.map(({ body }) => JSON.parse(body)).find(({ id }) => id === detail.id);
      const { recording, ...event } = detail;
      delete sent.room?.turnPassword;
      for (const { s3 } of sent.egressInfo?.roomComposite?.fileOutputs ?? []) {
        delete s3.accessKey;
        delete s3.secret;
      }
      assert.deepEqual(event, sent);
    }
  });

  test("LiveKit's own receiver and ours agree on what is genuine", async () => {
    const receiver = new WebhookReceiver(apiKey, apiSecret);
    const genuine = relay.received.filter(({ status }) => status === 200);
    assert.ok(genuine.length >= 7);
    for (const { body, authorization } of genuine) assert.ok(await receiver.receive(body, authorization));

    const { body } = genuine[0];
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: apiKey, nbf: now, exp: now + 300, sha256: digest(body) };
    const good = signed(claims);
    const join = new AccessToken(apiKey, apiSecret, { identity: "user_1" });
    join.addGrant({ roomJoin: true, room: "daily" });
    for (const [what, sent, authorization, isGenuine] of [
      ["a genuine one", body, good, true],
      ["one that is valid a little longer", body, signed({ ...claims, exp: now + 350 }), true],
      ["another body", body.replace("{", "{ "), good, false],
      ["a body with a line break", `${body}\n`, good, false],
      ["no signature", body, undefined, false],
      ["an empty signature", body, "", false],
      ["a scheme", body, `Bearer ${good}`, false],
      ["another secret", body, signed(claims, "another secret of more than thirty-two bytes"), false],
      ["another key", body, signed({ ...claims, iss: "APIOther" }), false],
      ["an old signature", body, signed({ ...claims, nbf: now - 1000, exp: now - 700 }), false],
      ["a signature of tomorrow", body, signed({ ...claims, nbf: now + 86_400, exp: now + 86_700 }), false],
      ["a signature without an end", body, signed({ ...claims, exp: undefined }), false],
      ["no digest", body, signed({ ...claims, sha256: undefined }), false],
      ["a token to join a room", body, await join.toJwt(), false],
      ["no algorithm", body, `${encode({ alg: "none" })}.${encode(claims)}.`, false],
      ["rubbish", body, "a.b.c", false],
    ]) {
      const theirs = await receiver.receive(sent, authorization).then(
        () => true,
        () => false,
      );
      assert.equal(theirs, isGenuine, `LiveKit's receiver: ${what}`);
      assert.equal(await statusOf(sent, authorization), isGenuine ? 200 : 401, what);
    }
    // Where we are stricter: a signature ends soon, and there is one algorithm.
    for (const authorization of [
      signed({ ...claims, exp: now + 86_400 }),
      signed(claims, apiSecret, "HS512", "sha512"),
    ]) {
      assert.ok(await receiver.receive(body, authorization));
      assert.equal(await statusOf(body, authorization), 401, authorization);
    }
  });

  test("an event signed by the previous pair is accepted", async () => {
    const [{ body }] = relay.received;
    const token = new AccessToken(previous.key, previous.secret, { ttl: 300 });
    token.sha256 = digest(body);
    assert.equal(await statusOf(body, await token.toJwt()), 200);
  });

  test("what could not be put on the bus is sent again, with the same id", async () => {
    let refusals = 2;
    // Late events of other rooms must not use the refusals up.
    relay.refuses = (body) => JSON.parse(body).room?.name === "again" && refusals-- > 0;
    const participant = await enter("again");
    await arrived("room_started", "again", 60);
    await arrived("participant_joined", "again", 60);
    const idOf = ({ body }) => JSON.parse(body).id;
    const refused = relay.received.filter(({ status }) => status === 503);
    assert.ok(refused.length >= 2, `${refused.length}`);
    for (const entry of refused) {
      const id = idOf(entry);
      await bus.arrived(({ detail }) => detail.id === id, 60);
      const later = relay.received.slice(relay.received.indexOf(entry) + 1);
      const accepted = () => later.some((next) => idOf(next) === id && next.status === 200);
      // The relay hears of it only after the bus has it.
      await until(accepted, `another attempt with the id ${id}`);
    }
    await participant.leave();
  });

  async function enter(room) {
    const entry = await jane.post("/api/v1/livekit/room-auth", { username: "Jane Doe", roomId: room });
    assert.equal(entry.status, 200, JSON.stringify(entry.body));
    return client.Participant.join(server, entry.body.token);
  }

  function arrived(name, room, seconds) {
    const is = (event) => event["detail-type"] === name && event.detail.room?.name === room;
    return bus.arrived(is, seconds);
  }

  async function statusOf(body, authorization) {
    const headers = { "content-type": "application/webhook+json", ...(authorization && { authorization }) };
    const answer = await fetch(anteroom.url + path, { method: "POST", headers, body });
    await answer.text();
    return answer.status;
  }
});

function digest(body) {
  return createHash("sha256").update(body).digest("base64");
}

function signed(claims, secret = apiSecret, alg = "HS256", hash = "sha256") {
  const message = `${encode({ alg, typ: "JWT" })}.${encode(claims)}`;
  return `${message}.${createHmac(hash, secret).update(message).digest("base64url")}`;
}
