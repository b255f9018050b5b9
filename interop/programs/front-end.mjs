// The modules of docs/front-end.md as a page would have them: compiled by TypeScript, and run in a page as
// far as they can tell. What they import from packages that are not installed here is stood in for by the
// few lines below.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import ts from "typescript";

import { origin } from "./anteroom.mjs";
import { blocks } from "./guide.mjs";
import { run } from "./program.mjs";

const packages = fileURLToPath(new URL("../node_modules", import.meta.url));

/** Where the guide says that the API is. */
const documentedApi = "https://api.example.com";

const types = `
declare module "react" {
  export type FormEvent = { preventDefault(): void };
  export function useState<T>(initial: T): [T, (next: T) => void];
  export function useState<T>(): [T | undefined, (next: T | undefined) => void];
  export function useEffect(effect: () => void, dependencies: unknown[]): void;
}
declare namespace JSX {
  interface Element {}
  interface Attributes { key?: string; [name: string]: unknown; onChange?(event: { target: { value: string } }): void }
  interface IntrinsicElements { [tag: string]: Attributes }
}
declare module "livekit-client" {
  export enum DisconnectReason { CLIENT_INITIATED, DUPLICATE_IDENTITY, PARTICIPANT_REMOVED, ROOM_DELETED }
  export enum RoomEvent { Disconnected }
  export class Room {
    connect(url: string, token: string): Promise<void>;
    on(event: RoomEvent.Disconnected, listener: (reason?: DisconnectReason) => void): this;
  }
}
declare module "@workos-inc/authkit-nextjs" {
  export function authkitProxy(options: { refreshBufferSeconds?: number }): unknown;
  export function withAuth(options: { ensureSignedIn: true }): Promise<{ accessToken: string }>;
}
`;

const standIns = {
  "livekit-client": `
    export const DisconnectReason = { CLIENT_INITIATED: 1, DUPLICATE_IDENTITY: 2, PARTICIPANT_REMOVED: 4, ROOM_DELETED: 5 };
    export const RoomEvent = { Disconnected: "disconnected" };
    export class Room {
      connections = [];
      async connect(url, token) { this.connections.push({ url, token }); }
      on(event, listener) { this[event] = listener; return this; }
    }`,
  // Gives back what it is given.
  "@liveblocks/client": "export const createClient = (options) => options;",
  "@workos-inc/authkit-nextjs": `
    export const withAuth = async () => ({ accessToken: globalThis.accessToken });`,
};

/** The modules of the guide, by their file names. */
export function modules() {
  const named = blocks("front-end.md").map(({ notes, code }) => [notes.match(/^file=(\S+)$/)?.[1], code]);
  return new Map(named.filter(([name]) => name));
}

/** Compiles modules strictly, and gives the compiler's exit status and what it says. */
export async function compile(sources) {
  const folder = mkdtempSync(join(tmpdir(), "anteroom-page-"));
  try {
    for (const [name, code] of sources) put(folder, name, code);
    put(folder, "packages.d.ts", types);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      jsx: "preserve",
      module: "esnext",
      moduleResolution: "bundler",
      target: "es2022",
      lib: ["es2022", "dom", "dom.iterable"],
      types: [],
      skipLibCheck: true,
      paths: { "@liveblocks/client": [join(packages, "@liveblocks/client")] },
    };
    const files = [...sources.keys(), "packages.d.ts"];
    put(folder, "tsconfig.json", JSON.stringify({ compilerOptions, files }));
    const compiler = join(packages, "typescript", "bin", "tsc");
    return await run(process.execPath, [compiler, "--pretty", "false", "--project", folder], { seconds: 60 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
    for (const [name, code] of modules()) put(this.#folder, name.replace(/\.tsx?$/, ".js"), runnable(code, api));
    for (const [name, code] of Object.entries(standIns)) {
      const folder = join(this.#folder, "node_modules", name);
      put(folder, "package.json", '{ "type": "module", "main": "index.js" }');
      put(folder, "index.js", code);
    }
    globalThis.fetch = (address, options) => this.#request(address, options);
    globalThis.window = { location: { assign: (address) => void (this.address = address) } };
  }

  /** A module of the guide. */
  load(name) {
    return import(pathToFileURL(join(this.#folder, name)).href);
  }

  close() {
    globalThis.fetch = this.#fetch;
    delete globalThis.window;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** As a browser does it: cookies go along, and are kept, where the page asks for it. */
  async #request(address, options = {}) {
    if (!String(address).startsWith(this.#api)) return this.#fetch(address, options);
    const withCookies = options.credentials === "include";
    const headers = { ...options.headers, origin };
    if (withCookies && this.cookies.size > 0) {
      headers.cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    }
    const answer = await this.#fetch(address, { ...options, headers });
    if (withCookies) answer.headers.getSetCookie().forEach((line) => this.#keep(line));
    return answer;
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
  // Node wants the whole name of a file.
  return outputText.replaceAll(documentedApi, api).replace(/from "(\.[^"]+)"/g, 'from "$1.js"');
}

function put(folder, name, text) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
