// The whole life of a recording: it is started and stopped, LiveKit's event about its end reaches the bus, the
// list includes it, and its link returns the file. This runs once on software that others wrote (LiveKit's
// server with a recorder on its bus, moto's S3 and EventBridge) and once on the stand-ins of `cargo dev` alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { EventBus } from "../aws/moto.mjs";
import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { pause } from "../support/program.mjs";
import { suite } from "../support/suite.mjs";
import { eventsOf } from "./events.mjs";
import { Relay } from "./relay.mjs";
import { bucket, LiveKitServer, missing } from "./server.mjs";
import { LiveKitStandIn } from "./stand-in.mjs";
import { ObjectStore } from "./storage.mjs";

const path = "/api/v1/livekit";
const permission = { RECORDING_PERMISSION: "recordings:manage" };
const uploads = { RECORDINGS_ACCESS_KEY_ID: "interop", RECORDINGS_SECRET_ACCESS_KEY: "interop" };
const room = "weekly / 100 % 🎉";
const zoneId = "Nörd";

/** LiveKit's server, its recorder, and moto's bucket and bus. */
class RealWorld {
  anteroom;
  #bus;
  #client;
  #relay;
  #server;
  #store;

  async start() {
    this.#client = await import("./participant.mjs");
    this.#relay = await Relay.start();
    this.#server = await LiveKitServer.start({ webhooks: [this.#relay.url] });
    await this.#server.startRecorder();
    this.#store = await ObjectStore.start();
    await this.#store.put(bucket, []);
    this.#bus = await EventBus.start();
    this.anteroom = await Anteroom.start({
      ...this.#server.settings,
      ...this.#bus.settings,
      ...permission,
      ...uploads,
      RECORDINGS_ENDPOINT: this.#store.url,
    });
    this.#relay.target = `${this.anteroom.url}${path}/webhook`;
  }

  /** Lets a participant into the room, who is there until the world stops. */
  async enter(token) {
    await this.#client.Participant.join(this.#server, token);
  }

  /** Waits for an event on the bus. */
  arrived(is) {
    return this.#bus.arrived(is);
  }

  async stop() {
    await this.#client?.close();
    await this.anteroom?.stop();
    await this.#server?.stop();
    await this.#store?.stop();
    await this.#bus?.stop();
    this.#relay?.stop();
  }
}

/** `cargo dev` without any account. */
class StandIns {
  anteroom;

  async start() {
    this.anteroom = await Anteroom.start(permission);
  }

  async enter(token) {
    await new LiveKitStandIn(this.anteroom).join(token);
  }

  async arrived(is) {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const answer = await fetch(`${this.anteroom.standIn("EventBridge")}/dev/events`);
      const events = await answer.json();
      const found = events.find(is);
      if (found) return found;
      assert.ok(Date.now() < deadline, `no such event among ${events.map((event) => event["detail-type"])}`);
      await pause(100);
    }
  }

  async stop() {
    await this.anteroom?.stop();
  }
}

for (const [name, World, skip] of [
  ["LiveKit's server, with moto's bucket and bus", RealWorld, missing],
  ["the stand-ins", StandIns, false],
]) {
  suite(`on ${name}`, skip, () => {
    const world = new World();

    before(() => world.start());
    after(() => world.stop());

    test("a recording is started, announced, listed and played", async () => {
      const jane = await Browser.signedIn(world.anteroom);
      const entry = await jane.post(`${path}/room-auth`, { username: "Jane Doe", roomId: room });
      await world.enter(entry.body.token);

      const recording = { roomName: room, zoneId };
      const started = await jane.post(`${path}/start-recording`, { ...recording, conferenceTopic: "Größe" });
      assert.equal(started.status, 200, JSON.stringify(started.body));
      const { egressId } = started.body;
      const of = eventsOf(egressId);
      await world.arrived(of("egress_updated", "EGRESS_ACTIVE"));
      const list = async () => {
        const answer = await jane.get(`${path}/recordings?${new URLSearchParams(recording)}`);
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        return answer.body.recordings;
      };
      const [running] = await list();
      assert.deepEqual([running.egressId, running.status], [egressId, "active"]);
      assert.equal(running.url, undefined, "there is nothing to play yet");

      const stopped = await jane.post(`${path}/stop-recording`, { ...recording, egressId });
      assert.equal(stopped.status, 200, JSON.stringify(stopped.body));
      const ended = await world.arrived(of("egress_ended", "EGRESS_COMPLETE"));
      assert.equal(ended.source, "anteroom.livekit");
      const { organization, ...named } = ended.detail.recording;
      assert.match(organization, /^org_/);
      assert.deepEqual(named, { room, zone: zoneId, key: running.key });

      const recordings = await list();
      assert.equal(recordings.length, 1);
      const [{ url, urlExpiresAt, ...listed }] = recordings;
      assert.deepEqual([listed.egressId, listed.status, listed.key], [egressId, "complete", running.key]);
      assert.ok(listed.startedAt <= listed.endedAt, JSON.stringify(listed));
      const now = Date.now() / 1000;
      assert.ok(urlExpiresAt > now && urlExpiresAt <= now + 601, `${urlExpiresAt}`);

      const file = await fetch(url);
      assert.equal(file.status, 200);
      assert.equal(file.headers.get("content-type"), "video/mp4");
      assert.equal(file.headers.get("x-amz-meta-organization"), organization);
      assert.equal(file.headers.get("x-amz-meta-topic"), encodeURIComponent("Größe"));
      const bytes = Buffer.from(await file.arrayBuffer());
      assert.equal(bytes.length, listed.sizeBytes);
      assert.equal(bytes.subarray(4, 12).toString(), "ftypisom", "an MP4");
    });
  });
}
