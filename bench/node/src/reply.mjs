// Replies of an HTTP API, and the errors that become one.

const headers = {
  "content-type": "application/json",
  "cache-control": "no-store",
  vary: "Origin, Cookie",
  "x-content-type-options": "nosniff",
};

/** A request that is refused with this status and message. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function ok(body, cookies) {
  return reply(200, JSON.stringify(body), cookies);
}

export function reply(statusCode, body, cookies) {
  return { statusCode, headers, body, ...(cookies?.length && { cookies }) };
}

/** The reply to a request that failed. A provider's own words do not reach the caller. */
export function failure(error) {
  const status = error instanceof Refusal ? error.status : error.status === 429 ? 503 : 502;
  const message = error instanceof Refusal ? error.message : "A service that we depend on failed";
  return reply(status, JSON.stringify({ code: status, message }));
}
