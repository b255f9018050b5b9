// LiveKit's own server on 127.0.0.1, with Redis and a recorder on its message bus (recorder/main.go) if
// egresses are tested.

import { execFileSync } from "node:child_process";

import { EgressClient, EgressStatus, RoomServiceClient } from "livekit-server-sdk";

import { freePort, freeUdpPort, Program, pause } from "../support/program.mjs";
import { tools, withoutGo } from "../support/tools.mjs";

export const apiKey = "APIAnteroomServer";
export const apiSecret = "the secret of a server that ends with its test";
export const bucket = "anteroom-recordings";

/** Why a check that needs these programs is skipped, or false. */
export const missing = whyMissing();

function whyMissing() {
  const reason = withoutGo("livekit-server");
  if (reason) return reason;
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs Redis: apt-get install redis-server";
  }
}

export class LiveKitServer {
  port;
  #redisAddress;
  #programs = [];

  /** Starts a server, with Redis by default, that sends its events to these addresses. */
  static async start({ redis = true, webhooks = [] } = {}) {
    const server = new LiveKitServer();
    try {
      if (redis) await server.#startRedis();
      await server.#startServer(webhooks);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The address that people connect to. */
  get url() {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Anteroom's settings for it. */
  get settings() {
    return {
      LIVEKIT_URL: this.url,
      LIVEKIT_API_KEY: apiKey,
      LIVEKIT_API_SECRET: apiSecret,
      RECORDINGS_BUCKET: bucket,
      RECORDINGS_REGION: "us-east-1",
    };
  }

  /** LiveKit's own client for rooms. */
  get rooms() {
    return new RoomServiceClient(this.url, apiKey, apiSecret);
  }

  /** LiveKit's own client for egresses. */
  get egresses() {
    return new EgressClient(this.url, apiKey, apiSecret, { requestTimeout: 60 });
  }

  /** All egresses of a room. */
  egressesOf(roomName) {
    return this.egresses.listEgress({ roomName });
  }

  /** The ids of those that are active or starting. */
  async runningIn(roomName) {
    const { EGRESS_STARTING, EGRESS_ACTIVE } = EgressStatus;
    const all = await this.egressesOf(roomName);
    const running = all.filter(({ status }) => [EGRESS_STARTING, EGRESS_ACTIVE].includes(status));
    return running.map(({ egressId }) => egressId);
  }

  /** Waits until an egress has a status. */
  async reached(egressId, status, seconds = 10) {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const [info] = await this.egresses.listEgress({ egressId });
      if (info.status === status) return info;
      if (Date.now() > deadline) {
        throw new Error(`${egressId} is ${EgressStatus[info.status]}, not ${EgressStatus[status]}`);
      }
      await pause(20);
    }
  }

  /** Starts a recorder on the server's bus. */
  async startRecorder() {
    const recorder = new Recorder();
    this.#programs.push(recorder);
    await recorder.start(this.#redisAddress);
    return recorder;
  }

  async stop() {
    // In reverse order, so that the users of Redis stop before it.
    for (const program of this.#programs.reverse()) await program.stop();
  }

  async #startRedis() {
    const port = await freePort();
    const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const redis = new Program("redis-server", "redis-server", args.map(String));
    this.#programs.push(redis);
    await redis.line(/Ready to accept connections/, 10);
    this.#redisAddress = `127.0.0.1:${port}`;
  }

  async #startServer(webhooks) {
    this.port = await freePort();
    const config = {
      port: this.port,
      bind_addresses: ["127.0.0.1"],
      keys: { [apiKey]: apiSecret },
      rtc: {
        node_ip: "127.0.0.1",
        use_external_ip: false,
        enable_loopback_candidate: true,
        interfaces: { includes: ["lo"] },
        ips: { includes: ["127.0.0.1/32"] },
        udp_port: await freeUdpPort(),
        tcp_port: 0,
        // By default these are public servers.
        stun_servers: ["127.0.0.1:1"],
      },
      ...(this.#redisAddress && { redis: { address: this.#redisAddress } }),
      ...(webhooks.length > 0 && { webhook: { api_key: apiKey, urls: webhooks } }),
    };
    // Every JSON document is a YAML document.
    const args = ["--config-body", JSON.stringify(config)];
    const server = new Program("livekit-server", `${tools}/livekit-server`, args);
    this.#programs.push(server);
    await server.answering(`http://127.0.0.1:${this.port}`, 20);
  }
}

/** A recorder that records nothing. */
class Recorder {
  #program;
  #url;

  async start(redisAddress) {
    const args = ["--redis", redisAddress];
    this.#program = new Program("livekit-recorder", `${tools}/livekit-recorder`, args);
    [, this.#url] = await this.#program.line(/^recorder listens on (http:\S+)$/, 10);
  }

  /** Sets how it behaves from now on; the default for each option that is left out. */
  async behave(behavior) {
    await this.#ask("/behavior", { method: "PUT", body: JSON.stringify(behavior) });
  }

  /** Sends an arbitrary report about an egress. */
  async report(info) {
    await this.#ask("/report", { method: "POST", body: JSON.stringify(info) });
  }

  /** The ids of the egresses that it was told to stop. */
  async stopped() {
    return (await this.#ask("/stopped")).json();
  }

  /** Kills it, like a power failure. */
  async die() {
    this.#program.signal("SIGKILL");
    await this.stop();
  }

  async stop() {
    await this.#program?.stop();
  }

  async #ask(path, options) {
    const answer = await fetch(this.#url + path, options);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
