// AWS's Lambda runtime interface emulator, running one function.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { targetDirectory } from "../support/anteroom.mjs";
import { freePort, Program } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";

export class RuntimeEmulator {
  #program;
  #url;

  /** Starts it; the function itself starts with the first event. */
  static async start(name, env) {
    const emulator = new RuntimeEmulator();
    const [here, runtimeApi] = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`);
    emulator.#program = new Program(
      "aws-lambda-rie",
      `${tools}/aws-lambda-rie`,
      [
        ...["--runtime-interface-emulator-address", here, "--runtime-api-address", runtimeApi],
        join(targetDirectory, "debug", name),
      ],
      { env: { ...env, AWS_LAMBDA_FUNCTION_NAME: name } },
    );
    emulator.#url = `http://${here}/2015-03-31/functions/function/invocations`;
    // It does not report that it is ready, and answers other addresses with 404.
    await emulator.#program.answering(`http://${here}/`, 20);
    return emulator;
  }

  /** Sends an event and returns the function's answer, or Lambda's in its place. */
  async invoke(event) {
    const signal = AbortSignal.timeout(60_000);
    const answer = await fetch(this.#url, { method: "POST", body: JSON.stringify(event), signal });
    const text = await answer.text();
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  /** Sends a signal to the function's process. */
  signalFunction(signal) {
    // Each thread of a process lists its own children.
    const threads = `/proc/${this.#program.pid}/task`;
    const children = readdirSync(threads).map((id) => readFileSync(join(threads, id, "children"), "utf8"));
    const ids = children.join(" ").split(" ").filter(Boolean).map(Number);
    if (ids.length !== 1) throw new Error(`the emulator has ${ids.length} processes`);
    process.kill(ids[0], signal);
  }

  /** The output of the emulator and the function. */
  get lines() {
    return this.#program.lines;
  }

  async stop() {
    await this.#program.stop();
  }
}
