// A Next.js app on AuthKit's SDK that contains the code of examples/. It is built once and started by each
// test.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program, run } from "../support/program.mjs";
import { put } from "../support/typescript.mjs";
import { apiKey, clientId, cookiePassword } from "../workos/stand-in.mjs";
import { documentedApi, modules, proxies } from "./page.mjs";

const folder = fileURLToPath(new URL("nextjs-app", import.meta.url));
const next = join(folder, "node_modules", "next", "dist", "bin", "next");
const quietly = { NEXT_TELEMETRY_DISABLED: "1", CI: "true", NO_COLOR: "1" };

// Written by `build`; not sources.
const written = new Set(["node_modules", ".next", "examples", "middleware.ts", "next-env.d.ts"]);

export class NextApp {
  /** The origin of its pages. */
  url;
  #program;

  /** Builds the app on that version of the SDK, unless its sources have not changed since the last build. */
  static async build(version) {
    const sources = exampleSources(version);
    const digest = digestOf(sources);
    const built = join(folder, ".next", `authkit-${version}`);
    const stamp = join(built, ".built-from");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
    for (const path of [join(folder, "examples"), built]) rmSync(path, { recursive: true, force: true });
    for (const [name, code] of sources) put(folder, name, code);
    const env = { ...quietly, AUTHKIT: version };
    const { code, output } = await run(process.execPath, [next, "build"], { cwd: folder, env, seconds: 400 });
    if (code !== 0) throw new Error(`next build failed:\n${output}`);
    writeFileSync(stamp, digest);
  }

  /** Starts it on `port`, with an Anteroom and the stand-in for WorkOS that both use. */
  static async start({ version, port, anteroom, workos }) {
    const app = new NextApp();
    app.url = `http://localhost:${port}`;
    const { hostname, port: workosPort } = new URL(workos);
    const env = {
      ...quietly,
      AUTHKIT: version,
      WORKOS_API_KEY: apiKey,
      WORKOS_CLIENT_ID: clientId,
      WORKOS_COOKIE_PASSWORD: cookiePassword,
      WORKOS_API_HOSTNAME: hostname,
      WORKOS_API_PORT: workosPort,
      WORKOS_API_HTTPS: "false",
      NEXT_PUBLIC_WORKOS_REDIRECT_URI: `${app.url}/callback`,
      ANTEROOM_URL: anteroom,
      PAGE_URL: app.url,
    };
    const args = [next, "start", "--hostname", "localhost", "--port", String(port)];
    app.#program = new Program("next", process.execPath, args, { cwd: folder, env });
    try {
      await app.#program.line(/Ready in/, 60);
      return app;
    } catch (error) {
      await app.stop();
      throw error;
    }
  }

  /** The lines of its output so far. */
  get lines() {
    return this.#program.lines;
  }

  async stop() {
    await this.#program.stop();
  }
}

/** The examples, changed to read the API's address when the server starts. */
function exampleSources(version) {
  const sources = new Map();
  for (const [name, code] of modules()) {
    if (!Object.values(proxies).includes(name)) sources.set(`examples/${name}`, withLateAddress(code));
    // Next.js 15 uses this name for both versions.
    if (name === proxies[version]) sources.set("middleware.ts", code);
  }
  return sources;
}

function withLateAddress(code) {
  return code
    .replace(`"${documentedApi}"`, 'globalThis.document?.documentElement.dataset.api ?? ""')
    .replace(`"${documentedApi}/`, 'process.env.ANTEROOM_URL + "/');
}

function digestOf(sources) {
  const hash = createHash("sha256").update(process.version);
  for (const [name, code] of sources) hash.update(`${name}\n${code}\n`);
  for (const path of files(folder, written)) hash.update(`${path}\n`).update(readFileSync(path));
  return hash.digest("hex");
}

function files(folder, left = new Set()) {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !left.has(name));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}
