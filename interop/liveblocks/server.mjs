// Liveblocks' own development server from the npm package `liveblocks`, which runs on bun. It accepts one
// secret key, and its tokens are unsigned.

import { tmpdir } from "node:os";

import { freePort, Program } from "../support/program.mjs";
import { packages } from "../support/tools.mjs";

export class LiveblocksServer {
  /** The one secret key that it accepts. */
  secretKey = "sk_localdev";
  url;
  #program;

  static async start() {
    const server = new LiveblocksServer();
    const port = await freePort();
    server.url = `http://127.0.0.1:${port}`;
    const dev = `dev --host 127.0.0.1 --port ${port} --no-check --no-persist`.split(" ");
    server.#program = new Program(
      "liveblocks",
      `${packages}/.bin/bun`,
      [`${packages}/liveblocks/dist/index.js`, ...dev],
      {
        cwd: tmpdir(),
        env: { DO_NOT_TRACK: "1" },
      },
    );
    try {
      await server.#program.answering(server.url, 60);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The settings with which Anteroom uses it. */
  get settings() {
    return { LIVEBLOCKS_API_URL: this.url, LIVEBLOCKS_SECRET_KEY: this.secretKey };
  }

  /** Creates a room that these users may enter, and nobody else. */
  async createRoom(id, userIds) {
    const usersAccesses = Object.fromEntries(userIds.map((userId) => [userId, ["room:write"]]));
    const answer = await fetch(`${this.url}/v2/rooms`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.secretKey}`, "content-type": "application/json" },
      body: JSON.stringify({ id, defaultAccesses: [], usersAccesses }),
    });
    if (!answer.ok) throw new Error(`creating a room: ${answer.status} ${await answer.text()}`);
  }

  async stop() {
    await this.#program.stop();
  }
}
