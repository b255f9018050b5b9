// LiveKit's official mock of its server API (`cmd/test-server`), behind a proxy. The proxy adds the header
// `X-Lk-Mock`, which chooses the mock's answer and which our functions do not send.

import { once } from "node:events";
import { createServer, request as send } from "node:http";
import { freePort, Program } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";
import { apiSecret } from "./server.mjs";

export class LiveKitMock {
  /** How methods answer from now on, by name: a function of the message, or a fixed order. */
  orders = {};
  /** The names of the methods that were called, in their order. */
  calls = [];
  #program;
  #server;
  #port;

  static async start() {
    const mock = new LiveKitMock();
    mock.#port = await freePort();
    const args = ["--bind", "127.0.0.1", "--ports", mock.#port, "--api-secret", apiSecret].map(String);
    mock.#program = new Program("livekit-test-server", `${tools}/livekit-test-server`, args);
    await mock.#program.answering(`http://127.0.0.1:${mock.#port}/`, 20);
    mock.#server = createServer((request, response) => mock.#pass(request, response));
    mock.#server.listen(0, "127.0.0.1");
    await once(mock.#server, "listening");
    return mock;
  }

  get url() {
    return `ws://127.0.0.1:${this.#server.address().port}`;
  }

  async stop() {
    this.#server?.close();
    this.#server?.closeAllConnections();
    await this.#program.stop();
  }

  async #pass(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const message = Buffer.concat(chunks);
    const method = request.url.split("/").at(-1);
    this.calls.push(method);
    const order = this.orders[method] ?? {};
    const told = typeof order === "function" ? order(JSON.parse(message)) : order;
    const headers = { ...request.headers, "x-lk-mock": JSON.stringify(told) };
    const options = {
      host: "127.0.0.1",
      port: this.#port,
      path: request.url,
      method: request.method,
      headers,
    };
    const passed = send(options, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    // The mock drops a connection, and so does the proxy.
    passed.on("error", () => request.socket.destroy());
    response.on("close", () => passed.destroy());
    passed.end(message);
  }
}
