// `/rtc`, where participants join over a WebSocket, in front of the stand-in, which has no such endpoint. The
// stand-in decides who may join and answers everything else; the WebSocket speaks LiveKit's own messages.

import { once } from "node:events";
import { createServer, STATUS_CODES } from "node:http";

import { JoinResponse, SignalResponse } from "@livekit/protocol";
import { WebSocketServer } from "ws";

import { claimsOf } from "../support/jwt.mjs";

export class RtcEndpoint {
  #server;
  #sockets = new WebSocketServer({ noServer: true });
  #livekit;
  #minds;

  /**
   * Starts an endpoint in front of `livekit`. One that does not mind the token leads into whatever room the query
   * names, as no LiveKit server does.
   */
  static async open(livekit, { mindsToken = true } = {}) {
    const endpoint = new RtcEndpoint();
    endpoint.#livekit = livekit;
    endpoint.#minds = mindsToken;
    endpoint.#server = createServer((request, response) => endpoint.#pass(request, response));
    endpoint.#server.on("upgrade", (request, socket, head) => endpoint.#letIn(request, socket, head));
    endpoint.#server.listen(0, "127.0.0.1");
    await once(endpoint.#server, "listening");
    return endpoint;
  }

  get url() {
    return `ws://127.0.0.1:${this.#server.address().port}`;
  }

  async close() {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #pass(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { authorization, "content-type": type } = request.headers;
    const answer = await fetch(this.#livekit.url + request.url, {
      method: request.method,
      headers: { ...(authorization && { authorization }), ...(type && { "content-type": type }) },
      body: chunks.length > 0 ? Buffer.concat(chunks) : undefined,
    });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") });
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  async #letIn(request, socket, head) {
    const { searchParams } = new URL(request.url, this.url);
    const token = searchParams.get("access_token");
    const { status, text } = await this.#livekit.validate(token);
    if (status !== 200) return refuse(socket, status, text);
    const claims = claimsOf(token);
    const name = this.#minds ? claims.video.room : searchParams.get("room");
    const join = new JoinResponse({ room: { name }, participant: { identity: claims.sub } });
    const message = new SignalResponse({ message: { case: "join", value: join } });
    this.#sockets.handleUpgrade(request, socket, head, (inside) => inside.send(message.toBinary()));
  }
}

/** Answers in plain text, and the connection does not become a WebSocket. */
function refuse(socket, status, text) {
  const length = `content-length: ${Buffer.byteLength(text)}`;
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, "connection: close", length];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
}
