// The modules of examples/ as a page has them: compiled by TypeScript against the packages that they import,
// and run in an imitated page, with short replacements for those packages.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import ts from "typescript";

import { origin, root } from "../support/anteroom.mjs";
import { compile, put } from "../support/typescript.mjs";

// Packages for pages are installed with the app.
const pagePackages = fileURLToPath(new URL("nextjs-app/node_modules", import.meta.url));

/** The two proxies of examples/nextjs, each for one version of AuthKit's SDK. */
export const proxies = { 3: "middleware.ts", 4: "proxy.ts" };

// The package of each version.
const authkits = { 3: "@workos-inc/authkit-nextjs", 4: "authkit-nextjs-4" };

/** The API's address in the examples. */
export const documentedApi = "https://api.example.com";

const standIns = {
  // Its token source needs no browser, and is its own.
  "livekit-client": `
    export { TokenSource } from "${import.meta.resolve("livekit-client")}";
    export const DisconnectReason = { CLIENT_INITIATED: 1, DUPLICATE_IDENTITY: 2, PARTICIPANT_REMOVED: 4, ROOM_DELETED: 5 };
    export const RoomEvent = { Disconnected: "disconnected" };
    export class Room {
      /** How many of the next connections fail. */
      static failures = 0;
      connections = [];
      #isInside = false;
      async connect(url, token) {
        this.connections.push({ url, token });
        if (Room.failures > 0) {
          Room.failures -= 1;
          this.disconnected(7); // JOIN_FAILURE
          throw new Error("could not establish a connection");
        }
        this.#isInside = true;
      }
      /** Does nothing and says nothing, if there is no connection. */
      async disconnect() { if (this.#isInside) this.drop(1); }
      /** Ends the connection for this reason. */
      drop(reason) { this.#isInside = false; this.disconnected(reason); }
      on(event, listener) { this[event] = listener; return this; }
    }`,
  // Returns its argument.
  "@liveblocks/client": "export const createClient = (options) => options;",
  "@workos-inc/authkit-nextjs": `
    export const withAuth = async () => ({ accessToken: globalThis.accessToken });`,
  next: "export const redirect = (path) => { throw new Error('to ' + path); };",
};

/** The modules of examples/, by the names of their files in examples/react and examples/nextjs. */
export function modules() {
  return new Map(["react", "nextjs"].flatMap((name) => modulesIn(join(root, "examples", name))));
}

function modulesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return files.sort().map((file) => [relative(folder, file), readFileSync(file, "utf8")]);
}

/** Compiles modules with that version of AuthKit's SDK for Next.js. */
export function compileWith(version, sources) {
  const others = Object.values(proxies).filter((name) => name !== proxies[version]);
  return compile(new Map([...sources].filter(([name]) => !others.includes(name))), {
    from: pagePackages,
    options: {
      skipLibCheck: true,
      paths: { "@workos-inc/authkit-nextjs": [`./node_modules/${authkits[version]}`] },
    },
  });
}

/**
 * A page of `origin` that has the modules and calls the API at `api`. There is one at a time: it takes the
 * place of `fetch` and `window`, as the modules know them.
 */
export class Page {
  /** The cookies of the API, by name. */
  cookies = new Map();
  /** Where the browser was sent last. */
  address;
  #api;
  #folder;
  #fetch = globalThis.fetch;

  constructor(api) {
    this.#api = api;
    this.#folder = mkdtempSync(join(tmpdir(), "anteroom-page-"));
    put(this.#folder, "package.json", '{ "type": "module" }');
    for (const [name, code] of modules())
      put(this.#folder, name.replace(/\.tsx?$/, ".js"), runnable(code, api));
    for (const [name, code] of Object.entries(standIns)) {
      const folder = join(this.#folder, "node_modules", name);
      put(
        folder,
        "package.json",
        '{ "type": "module", "exports": { ".": "./index.js", "./*": "./index.js" } }',
      );
      put(folder, "index.js", code);
    }
    globalThis.fetch = (address, options) => this.#request(address, options);
    globalThis.window = { location: { assign: (address) => this.#leave(address) } };
  }

  /** A module of the examples. */
  load(name) {
    return import(pathToFileURL(join(this.#folder, name)).href);
  }

  close() {
    globalThis.fetch = this.#fetch;
    delete globalThis.window;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Sends and stores cookies if the page asks for it, as a browser does. */
  async #request(address, options = {}) {
    if (!String(address).startsWith(this.#api)) return this.#fetch(address, options);
    const withCookies = options.credentials === "include";
    const headers = { ...options.headers, origin };
    if (withCookies && this.cookies.size > 0) {
      headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    }
    const answer = await this.#fetch(address, { ...options, headers });
    if (withCookies) for (const line of answer.headers.getSetCookie()) this.#keep(line);
    return answer;
  }

  #leave(address) {
    this.address = address;
  }

  #keep(line) {
    const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
    if (/; Max-Age=0(;|$)/.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

function runnable(code, api) {
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    jsx: ts.JsxEmit.ReactJSX,
  };
  const { outputText } = ts.transpileModule(code, { compilerOptions });
  // Node needs file extensions.
  return outputText.replaceAll(documentedApi, api).replace(/from "(\.[^"]+)"/g, 'from "$1.js"');
}
