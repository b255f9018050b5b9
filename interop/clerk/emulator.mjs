// The Clerk service of the npm package `emulate`: users, sessions and keys. It runs in this process.

import { createEmulator } from "emulate";

import { freePort } from "../support/program.mjs";

export class ClerkEmulator {
  url;
  #emulator;

  /**
   * Starts it with these users (`clerk_id`, `first_name`, `last_name`, `email_addresses`). Its
   * tokens are issued by `issuer`.
   */
  static async start({ users, issuer }) {
    const clerk = new ClerkEmulator();
    const port = await freePort();
    clerk.#emulator = await createEmulator({
      service: "clerk",
      port,
      baseUrl: issuer,
      // Any further bearer passes as well.
      seed: { tokens: { sk_live_emulate: { login: "anteroom", scopes: [] } }, clerk: { users } },
    });
    clerk.url = `http://127.0.0.1:${port}`;
    return clerk;
  }

  /** The secret key that Anteroom is given; of the same kind as the checks' publishable key. */
  secretKey = "sk_live_emulate";

  /** Asks its Backend API, and gives the answer's JSON. */
  async ask(method, path, body) {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.secretKey}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Opens a session and gives a session token for it, as the service signs them. */
  async sessionToken(userId) {
    const session = await this.ask("POST", "/v1/sessions", { user_id: userId });
    return (await this.ask("POST", `/v1/sessions/${session.id}/tokens`, {})).jwt;
  }

  async stop() {
    await this.#emulator.close();
  }
}
