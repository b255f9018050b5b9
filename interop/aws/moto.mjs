// AWS Secrets Manager and EventBridge, imitated by `moto_server`.

import { fileURLToPath } from "node:url";

import { freePort, Program, run } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";

const putSecret = fileURLToPath(new URL("put_secret.py", import.meta.url));

const credentials = {
  AWS_ACCESS_KEY_ID: "interop",
  AWS_SECRET_ACCESS_KEY: "interop",
  AWS_REGION: "eu-west-1",
};

export class SecretsManager {
  #port;
  #program;

  /** Reserves a port, without starting the server. */
  static async reserve() {
    const manager = new SecretsManager();
    manager.#port = await freePort();
    return manager;
  }

  static async start() {
    const manager = await SecretsManager.reserve();
    await manager.start();
    return manager;
  }

  async start() {
    const program = new Program("moto", `${tools}/moto_server`, [
      "-H",
      "127.0.0.1",
      "-p",
      String(this.#port),
    ]);
    this.#program = program;
    await program.answering(`${this.url}/moto-api/`, 60);
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The settings with which Anteroom finds it. */
  get settings() {
    return { ...credentials, AWS_ENDPOINT_URL_SECRETS_MANAGER: this.url };
  }

  /** Creates a secret or gives it a new version, with AWS's own SDK for Python. */
  async put(id, values) {
    const { code, output } = await run(`${tools}/python`, [putSecret, this.url, id, JSON.stringify(values)], {
      seconds: 30,
      env: credentials,
    });
    if (code !== 0) throw new Error(`putting ${id}: ${output}`);
  }

  /** The number of calls answered, including those of `put`; each has a log line. */
  get calls() {
    return this.#program.lines.filter((line) => line.includes("POST / HTTP")).length;
  }

  async stop() {
    await this.#program?.stop();
  }
}

const eventBus = fileURLToPath(new URL("event_bus.py", import.meta.url));

/** A bus, whose events a rule sends to a queue. */
export class EventBus {
  /** All events that have arrived so far, in the order of their arrival. */
  events = [];
  #name = "interop";
  #program;
  #url;

  static async start() {
    const bus = new EventBus();
    const port = await freePort();
    bus.#url = `http://127.0.0.1:${port}`;
    bus.#program = new Program("moto", `${tools}/moto_server`, ["-H", "127.0.0.1", "-p", String(port)]);
    try {
      await bus.#program.answering(`${bus.#url}/moto-api/`, 60);
      await bus.#ask("create");
      return bus;
    } catch (error) {
      await bus.stop();
      throw error;
    }
  }

  /** The settings with which Anteroom finds it. */
  get settings() {
    return { ...credentials, AWS_ENDPOINT_URL_EVENTBRIDGE: this.#url, EVENT_BUS_NAME: this.#name };
  }

  /** Waits until an event arrives that `is` accepts, or has arrived. */
  async arrived(is, seconds = 20) {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const found = this.events.find(is);
      if (found) return found;
      if (Date.now() > deadline) {
        const types = this.events.map((event) => event["detail-type"]);
        throw new Error(`no such event among ${types.join(", ")}`);
      }
      const output = await this.#ask("receive");
      this.events.push(...JSON.parse(output.split("\n").find((line) => line.startsWith("["))));
    }
  }

  async #ask(command) {
    const args = [eventBus, this.#url, this.#name, command];
    const { code, output } = await run(`${tools}/python`, args, { seconds: 30, env: credentials });
    if (code !== 0) throw new Error(`${command}: ${output}`);
    return output;
  }

  async stop() {
    await this.#program?.stop();
  }
}
