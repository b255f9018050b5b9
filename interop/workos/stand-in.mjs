// `dev`'s stand-in for WorkOS, through its own `/dev` routes; tokens and seals for it.

import assert from "node:assert/strict";
import { createSign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { defaults, seal, unseal } from "iron-webcrypto";

import { root } from "../support/anteroom.mjs";
import { bearer, withClaims } from "../support/jwt.mjs";

/** The stand-in's settings; none of them is secret. */
export const clientId = "client_01ANTER00MSTANDIN000000000";
export const apiKey = "sk_test_of_the_stand_in_for_workos_and_no_secret";
export const cookiePassword = "the stand-in's own cookie password, which is no secret";
export const redirectUri = "http://localhost:3000/callback";

export class WorkOsStandIn {
  url;
  #secrets;

  /** The stand-in of a running `dev`. `secrets`, if given, collects values that no log may contain. */
  constructor(anteroom, secrets = new Set()) {
    this.url = anteroom.standIn("WorkOS");
    this.#secrets = secrets;
  }

  /** The last code sent to an address. */
  async magicCode(email) {
    const code = await this.#text(`/dev/magic-code?email=${encodeURIComponent(email)}`);
    this.#secrets.add(code);
    return code;
  }

  /** An access token of a new session. */
  async accessToken(user) {
    const token = await this.#text(`/dev/access-token?user=${user}`);
    this.#secrets.add(token);
    return token;
  }

  /** The `Authorization` header with an access token of a new session. */
  async bearer(user) {
    return bearer(await this.accessToken(user));
  }

  /** The requests to WorkOS so far, such as `POST /user_management/users`, without queries. */
  async requests() {
    const answer = await fetch(`${this.url}/dev/requests`);
    return (await answer.json()).map(({ method, path }) => `${method} ${path.split("?")[0]}`);
  }

  /** The requests to WorkOS that `action` caused. */
  async askedBy(action) {
    const before = (await this.requests()).length;
    await action();
    return (await this.requests()).slice(before);
  }

  /** Runs `action` while the stand-in fails as `order` says. */
  async failing(order, action) {
    await this.#order(order);
    try {
      return await action();
    } finally {
      await this.#order({ fault: "none" });
    }
  }

  /** The callback's parameters after a user signs in on the page at `address`. */
  async signedInAs(user, address) {
    return this.#returned(await fetch(`${address}&user=${user}`, { redirect: "manual" }));
  }

  /** The callback's parameters after a user takes a step on the hosted page at `address`. */
  async goneThrough(user, address) {
    const asks = await fetch(`${address}&user=${user}`, { redirect: "manual" });
    const page = await asks.text();
    assert.equal(asks.status, 200, page);
    const [, link] = page.match(/href="(\/user_management\/authorize[^"]*&amp;step=[^"]*)"/);
    const answer = await fetch(this.url + link.replaceAll("&amp;", "&"), { redirect: "manual" });
    return this.#returned(answer);
  }

  /**
   * A sign-in that begins at WorkOS: `path` is `/dev/impersonate?…` or `/dev/identity-provider?…`. Gives where
   * the browser is sent, and the cookie that it has of WorkOS from then on.
   */
  async begun(path) {
    const answer = await fetch(this.url + path, { redirect: "manual" });
    assert.equal(answer.status, 302, await answer.text());
    const [cookie] = answer.headers.getSetCookie();
    return { address: new URL(answer.headers.get("location")), cookie: cookie?.split(";")[0] };
  }

  /** The callback's parameters after a browser with that cookie of WorkOS comes to the page at `address`. */
  async completed(address, cookie) {
    return this.#returned(await fetch(address, { redirect: "manual", headers: { cookie } }));
  }

  /** The client of each grant so far, as Anteroom named it to WorkOS. */
  async callers() {
    return (await fetch(`${this.url}/dev/callers`)).json();
  }

  /** The token of a new invitation. */
  async invitation(email, organization) {
    const query = new URLSearchParams({ email, organization });
    const token = await this.#text(`/dev/invitation?${query}`);
    this.#secrets.add(token);
    return token;
  }

  /** The access token, expiring in that many seconds; a negative number is in the past. */
  expiringIn(token, seconds) {
    const exp = Math.floor(Date.now() / 1000) + seconds;
    return this.resigned(token, { iat: exp - 300, exp });
  }

  /** The access token with other claims, signed by the stand-in's key or another of its folder. */
  resigned(token, changes, key = "workos.pem") {
    const [header, claims] = withClaims(token, changes).split(".");
    const signed = `${header}.${claims}`;
    const pem = readFileSync(join(root, "stand-ins", "keys", key));
    const signature = createSign("RSA-SHA256").update(signed).sign(pem, "base64url");
    const made = `${signed}.${signature}`;
    this.#secrets.add(made);
    return made;
  }

  async #returned(answer) {
    assert.equal(answer.status, 302, await answer.text());
    const callback = new URL(answer.headers.get("location"));
    assert.equal(callback.origin + callback.pathname, redirectUri);
    const returned = Object.fromEntries(callback.searchParams);
    this.#secrets.add(returned.code).add(returned.state);
    return returned;
  }

  async #order(order) {
    const options = { method: "POST", body: JSON.stringify(order) };
    const answer = await fetch(`${this.url}/dev/faults`, options);
    assert.equal(answer.status, 200, await answer.text());
  }

  async #text(path) {
    const answer = await fetch(this.url + path);
    const text = (await answer.text()).trim();
    assert.equal(answer.status, 200, text);
    return text;
  }
}

/** Seals content as our cookie, `ago` seconds in the past, for `lifetime` seconds or without an expiry. */
export async function sealed(content, { password = cookiePassword, ago = 0, lifetime = 0 } = {}) {
  const options = { ...defaults, ttl: lifetime * 1000, localtimeOffsetMsec: -ago * 1000 };
  return `${await seal(content, { id: "1", secret: password }, options)}~2`;
}

/** The content of our cookie. */
export function opened(value) {
  return unseal(value.replace(/~2$/, ""), { 1: cookiePassword }, defaults);
}

/** The seal with one letter changed in the middle of its ciphertext. */
export function altered(seal) {
  const parts = seal.split("*");
  const middle = Math.floor(parts[4].length / 2);
  const letter = parts[4][middle] === "A" ? "B" : "A";
  parts[4] = parts[4].slice(0, middle) + letter + parts[4].slice(middle + 1);
  return parts.join("*");
}
