// A proxy that checks the secret key for a provider that accepts only one key, or any. Its own key can change
// while everything runs. The provider itself answers requests with a wrong key.

import { once } from "node:events";
import { createServer } from "node:http";

export class KeyProxy {
  /** The key that it accepts. */
  key;
  /** The keys of the requests, in order. */
  tried = [];
  #server;

  /**
   * Starts a proxy in front of `target`. A request with `key` reaches it with `targetKey`; one with
   * another key reaches it as it is, or, for a target that accepts every key, without any.
   */
  static async start({ target, targetKey, key, acceptsAny = false }) {
    const proxy = new KeyProxy();
    proxy.key = key;
    proxy.#server = createServer(async (request, response) => {
      const tried = request.headers.authorization?.replace("Bearer ", "");
      proxy.tried.push(tried);
      const authorization =
        tried === proxy.key ? `Bearer ${targetKey}` : acceptsAny ? undefined : request.headers.authorization;
      const answer = await pass(request, target, authorization);
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
      response.end(Buffer.from(await answer.arrayBuffer()));
    }).listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function pass(request, target, authorization) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return fetch(target + request.url, {
    method: request.method,
    headers: {
      ...(authorization && { authorization }),
      ...(request.headers["content-type"] && { "content-type": request.headers["content-type"] }),
    },
    body: chunks.length > 0 ? Buffer.concat(chunks) : undefined,
  });
}
