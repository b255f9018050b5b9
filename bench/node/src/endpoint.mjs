// What all endpoints share: the origin's check, the JSON body, errors, the log line and the metrics.

import { answered } from "./log.mjs";
import { failure, Refusal } from "./reply.mjs";

const allowedOrigins = new Set(process.env.ALLOWED_ORIGINS.split(",").map((origin) => origin.trim()));

/** The largest body that is read, in characters. */
const maxBody = 16 * 1024;

/** A Lambda handler that answers with `handle`, which gets the event and its JSON body. */
export function endpoint(name, handle) {
  return async (event) => {
    const began = performance.now();
    let reply;
    try {
      checkOrigin(event.headers);
      reply = await handle(event, readBody(event));
    } catch (error) {
      reply = failure(error);
      if (!(error instanceof Refusal)) console.error(error);
    }
    answered(name, reply.statusCode, performance.now() - began);
    return reply;
  };
}

function checkOrigin({ origin, "sec-fetch-site": site }) {
  const isForeign = origin === undefined ? site === "cross-site" : !allowedOrigins.has(origin);
  if (isForeign) throw new Refusal(403, "This origin is not allowed");
}

function readBody({ body, headers, isBase64Encoded }) {
  if (!body) return {};
  if (!headers["content-type"]?.startsWith("application/json")) {
    throw new Refusal(415, "The body must be JSON");
  }
  const text = isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
  if (text.length > maxBody) throw new Refusal(413, "The body is too large");
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new Refusal(400, "The body is not JSON");
  }
}
