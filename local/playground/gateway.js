// Calls to the endpoints, as any front end makes them, and questions to the playground itself.

import { announce } from "./dom.js";
import * as exchanges from "./exchanges.js";
import { Failure } from "./failure.js";
import { withQuery } from "./query.js";

/** Calls an endpoint on this origin, with the browser's cookies unless `credentials` says otherwise, and shows the exchange. */
export async function call(path, body, options = {}) {
  const { method = "POST", query, headers = {}, credentials, aside = false } = options;
  const sent = { ...headers, ...(body !== undefined && { "content-type": "application/json" }) };
  const exchange = exchanges.begin({ method, path, query, headers: sent, body, aside });
  const began = performance.now();
  let received;
  try {
    const sending = { method, headers: sent, credentials, body: body && JSON.stringify(body) };
    received = await send(withQuery(path, query), sending);
  } catch (error) {
    exchanges.fail(exchange, error.cause?.message ?? error.message);
    throw error;
  }
  const { response, content } = received;
  const answer = { status: response.status, ok: response.ok, body: content };
  exchanges.end(exchange, {
    ...answer,
    requestId: response.headers.get("apigw-requestid"),
    retryAfter: response.headers.get("retry-after"),
    milliseconds: performance.now() - began,
  });
  announce(`${method} ${path}: ${response.status}${answer.body?.message ? `, ${answer.body.message}` : ""}`);
  return answer;
}

/** Asks the playground. A `body` makes it an order. */
export async function ask(name, body) {
  const { response, content } = await send(`/playground/${name}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-playground": "1", ...(body !== undefined && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Failure(`The playground refuses: ${content.message ?? response.status}.`);
  return content;
}

/** Sends a request, and reads the response to its end. */
async function send(address, options) {
  const request = new Request(address, options); // Fails for a header that cannot be sent.
  try {
    const response = await fetch(request);
    return { response, content: parsed(await response.text()) };
  } catch (cause) {
    throw new Failure("cargo dev does not answer. Is it running?", { cause });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
