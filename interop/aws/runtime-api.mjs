// The Lambda Runtime API for a single event, as a deployed `bootstrap` uses it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import { once } from "node:events";
import { createServer } from "node:http";

const prefix = "/2018-06-01/runtime";
const requestId = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

export class RuntimeApi {
  #server;
  #event;
  #handedOut = false;
  #deadline;
  #answered;
  /** The function's answer to the event. Rejects if the function reports an error. */
  answer;

  /** Listens, and hands out `event` once, to be answered within that many seconds. */
  static async start(event, seconds) {
    const api = new RuntimeApi();
    api.#event = JSON.stringify(event);
    api.#deadline = Date.now() + seconds * 1000;
    api.answer = new Promise((resolve, reject) => (api.#answered = { resolve, reject }));
    setTimeout(() => api.#answered.reject(new Error("no answer in time")), seconds * 1000).unref();
    api.#server = createServer((request, response) => api.#serve(request, response));
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    return api;
  }

  /** The variables that Lambda sets for a function. */
  get settings() {
    return {
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${this.#server.address().port}`,
      AWS_LAMBDA_FUNCTION_NAME: "interop",
      AWS_LAMBDA_FUNCTION_VERSION: "1",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
    };
  }

  async #serve(request, response) {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (request.url === `${prefix}/invocation/next`) {
      // No second event comes: Lambda lets a function wait indefinitely.
      if (this.#handedOut) return;
      this.#handedOut = true;
      response.writeHead(200, {
        "content-type": "application/json",
        "lambda-runtime-aws-request-id": requestId,
        "lambda-runtime-deadline-ms": String(this.#deadline),
        "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-west-1:123456789012:function:interop:live",
      });
      response.end(this.#event);
      return;
    }
    if (request.url === `${prefix}/invocation/${requestId}/response`) {
      this.#answered.resolve(JSON.parse(body));
    } else {
      this.#answered.reject(new Error(`${request.method} ${request.url}: ${body}`));
    }
    response.writeHead(202).end();
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
