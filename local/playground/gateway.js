// Calls to the endpoints, as any front end makes them, and questions to the playground itself.

import { announce } from "./dom.js";
import * as exchanges from "./exchanges.js";
import { withQuery } from "./query.js";

/** Calls an endpoint on this origin, with the browser's cookies unless `credentials` says otherwise, and shows the exchange. */
export async function call(path, body, options = {}) {
  const { method = "POST", query, headers = {}, credentials, aside = false } = options;
  const sent = { ...headers, ...(body !== undefined && { "content-type": "application/json" }) };
  const exchange = exchanges.begin({ method, path, query, headers: sent, body, aside });
  const began = performance.now();
  let response;
  let text;
  try {
    response = await fetch(withQuery(path, query), {
      method,
      headers: sent,
      credentials,
      body: body && JSON.stringify(body),
    });
    text = await response.text();
  } catch (error) {
    exchanges.fail(exchange, error.message);
    throw error;
  }
  const answer = { status: response.status, ok: response.ok, body: parsed(text) };
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
export async function ask(name, body, { signal } = {}) {
  const response = await fetch(`/playground/${name}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-playground": "1", ...(body !== undefined && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
    signal,
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
