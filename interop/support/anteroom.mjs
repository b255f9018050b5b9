// Anteroom: the real function binaries behind `dev`, its local gateway.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Program } from "./program.mjs";

/** Where the repository is. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where cargo puts what it builds. */
export const targetDirectory = process.env.CARGO_TARGET_DIR ?? join(root, "target");

/** The origin of the pages that call Anteroom in these checks. */
export const origin = "http://localhost:3000";

// Empty unless a check sets them, which counts as absent: a developer's own .env and shell must not reach
// into a check. A layout test holds that .env.example names every setting.
const example = readFileSync(join(root, ".env.example"), "utf8");
const unset = Object.fromEntries([...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => [name, ""]));

/** The environment of a function or of `dev`. */
export function environment(settings) {
  const cargo = ["CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR"]
    .filter((name) => process.env[name])
    .map((name) => [name, process.env[name]]);
  return { ...Object.fromEntries(cargo), ...unset, STAGE: "dev", ALLOWED_ORIGINS: origin, ...settings };
}

export class Anteroom {
  /** Where the gateway listens. */
  url;
  #program;

  /** Starts `dev` with these settings, and with stand-ins for the providers that they leave out. */
  static async start(settings) {
    const anteroom = new Anteroom();
    anteroom.#program = new Program(
      "dev",
      join(targetDirectory, "debug", "dev"),
      ["--port", "0", "--no-build"],
      { cwd: root, env: environment(settings) },
    );
    try {
      [, anteroom.url] = await anteroom.#program.line(/^Anteroom listens on (http:\S+)$/, 60);
      // The last line of the greeting, so all of it has arrived.
      await anteroom.#program.line(/^Press Ctrl-C to stop/, 10);
      return anteroom;
    } catch (error) {
      await anteroom.stop();
      throw error;
    }
  }

  /** The address of `dev`'s stand-in for a provider, which has one if its settings are absent. */
  standIn(provider) {
    const pattern = new RegExp(`^\\s*${provider}\\s+stand-in at (http:\\S+)`);
    return this.lines.map((line) => line.match(pattern)?.[1]).find(Boolean);
  }

  /** Asks `liveblocks-auth` for a token. */
  async liveblocksAuth(headers, body) {
    const answer = await fetch(`${this.url}/api/liveblocks-auth`, {
      method: "POST",
      headers: { ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }

  /** The output of `dev` and the functions so far. */
  get lines() {
    return this.#program.lines;
  }

  /** How many lines they have written so far, for `logged`. */
  get written() {
    return this.#program.written;
  }

  /**
   * Waits for a line that matches, among those from index `from` on, and gives it; with `times`, for that many
   * such lines, and gives the last. A log line takes another way than its answer and may arrive after it: ask
   * here before you look into `lines`.
   */
  async logged(pattern, from = 0, times = 1) {
    const { input } = await this.#program.line(pattern, 10, from, times);
    return input;
  }

  async stop() {
    await this.#program.stop();
  }
}
