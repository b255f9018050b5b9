// A relay between LiveKit's server, whose webhook address is fixed when it starts, and Anteroom, which starts
// after it.

import { createServer } from "node:http";

import { pause } from "../support/program.mjs";

/** Passes requests on to its target, byte for byte, and keeps them. */
export class Relay {
  url;
  target;
  /** Whether to answer a request with this body with 503 instead. */
  refuses = () => false;
  received = [];
  #server;

  static async start() {
    const relay = new Relay();
    // Events that arrive while the test ends reach nobody.
    relay.#server = createServer((request, response) =>
      relay.#pass(request, response).catch(() => response.destroy()),
    );
    await new Promise((listens) => relay.#server.listen(0, "127.0.0.1", listens));
    relay.url = `http://127.0.0.1:${relay.#server.address().port}/`;
    return relay;
  }

  async #pass(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { authorization } = request.headers;
    const entry = { body: body.toString(), authorization, status: undefined };
    this.received.push(entry);
    if (this.refuses(entry.body)) {
      entry.status = 503;
      response.writeHead(503).end();
      return;
    }
    while (!this.target) await pause(20);
    const headers = { authorization, "content-type": request.headers["content-type"] };
    const answer = await fetch(this.target, { method: "POST", headers, body });
    entry.status = answer.status;
    response.writeHead(answer.status).end(await answer.text());
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
