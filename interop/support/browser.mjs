// A browser as Anteroom sees it: calls from one page, with a cookie jar.

import assert from "node:assert/strict";

import { origin } from "./anteroom.mjs";

export class Browser {
  #anteroom;
  #secrets;
  #cookies = new Map();

  /** A browser in which `dev-sign-in` has signed Jane in. */
  static async signedIn(anteroom) {
    const browser = new Browser(anteroom);
    const { status, body } = await browser.post("/auth/dev-sign-in", {});
    assert.equal(status, 200, JSON.stringify(body));
    return browser;
  }

  /** `secrets`, if given, collects values that no log may contain: those of all cookies. */
  constructor(anteroom, secrets = new Set()) {
    this.#anteroom = anteroom;
    this.#secrets = secrets;
  }

  /**
   * Posts JSON, or nothing where there is no body, and gives status, headers, body and the names of
   * the cookies that were set. What is promised of every answer is checked on each.
   */
  post(path, body, headers = {}) {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const type = text !== undefined && { "content-type": "application/json" };
    return this.#send(path, { method: "POST", headers: { origin, ...type, ...headers }, body: text });
  }

  /** The same for a question, which a page of the API's own site asks without naming its origin. */
  get(path) {
    return this.#send(path, { headers: {} });
  }

  async #send(path, { headers, ...options }) {
    const answer = await fetch(this.#anteroom.url + path, {
      ...options,
      headers: { ...(this.#cookies.size > 0 && { cookie: this.header }), ...headers },
      signal: AbortSignal.timeout(35_000),
    });
    const setCookies = answer.headers.getSetCookie();
    for (const line of setCookies) this.#keep(line);
    const { status } = answer;
    const read = { status, headers: answer.headers, body: await answer.json(), setCookies };
    checkPromises(read);
    return read;
  }

  /** The `Cookie` header. */
  get header() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** The value of a cookie. */
  cookie(name) {
    return this.#cookies.get(name);
  }

  /** The cookies whose names start with a prefix, as pairs of name and value. */
  cookiesLike(prefix) {
    return [...this.#cookies].filter(([name]) => name.startsWith(prefix));
  }

  /** Plants a cookie, as another site could. */
  plant(name, value) {
    this.#cookies.set(name, value);
    this.#secrets.add(value);
  }

  #keep(line) {
    const [pair, ...attributes] = line.split("; ");
    const [, name, value] = pair.match(/^([^=]+)=(.*)$/);
    if (attributes.includes("Max-Age=0")) {
      this.#cookies.delete(name);
      return;
    }
    this.plant(name, value);
  }
}

function checkPromises({ status, headers, body, setCookies }) {
  assert.match(headers.get("content-type"), /^application\/json\b/);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  for (const name of ["Origin", "Cookie"]) assert.match(headers.get("vary"), new RegExp(`\\b${name}\\b`));
  for (const line of setCookies) {
    const attributes = line.split("; ").slice(1);
    for (const wanted of ["HttpOnly", "SameSite=Lax", "Path=/"]) {
      assert.ok(attributes.includes(wanted), `${wanted} is not among ${attributes}`);
    }
  }
  if (status < 400) return;
  const { next, ...others } = body;
  assert.deepEqual(Object.keys(others).sort(), ["code", "message"]);
  if (next !== undefined) assert.deepEqual([status, next], [403, "continue-with-authkit"]);
  assert.equal(body.code, status);
  assert.equal(typeof body.message, "string");
  assert.doesNotMatch(body.message, /@/);
}
