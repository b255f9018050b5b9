// The recordings bucket: S3 as imitated by `moto_server`, written with AWS's own SDK for Python. LiveKit's
// recorder uses the one for Go.

import { fileURLToPath } from "node:url";

import { freePort, Program, run } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";

const script = fileURLToPath(new URL("objects.py", import.meta.url));

export class ObjectStore {
  url;
  #program;

  static async start() {
    const store = new ObjectStore();
    const port = await freePort();
    store.url = `http://127.0.0.1:${port}`;
    const args = ["-H", "127.0.0.1", "-p", String(port)];
    store.#program = new Program("moto", `${tools}/moto_server`, args);
    try {
      await store.#program.answering(`${store.url}/moto-api/`, 60);
      return store;
    } catch (error) {
      await store.stop();
      throw error;
    }
  }

  /**
   * Puts objects with these keys and exactly this metadata into a bucket. Gives for each what S3 has
   * then: its key and metadata, or why it was refused.
   */
  async put(bucket, objects) {
    const args = [script, this.url, bucket, JSON.stringify(objects)];
    const { code, output } = await run(`${tools}/python`, args, { seconds: 120 });
    if (code !== 0) throw new Error(`putting objects: ${output}`);
    return JSON.parse(output);
  }

  async stop() {
    await this.#program.stop();
  }
}
