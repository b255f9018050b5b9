/** The API's address: the stack's output `ApiUrl`, or http://localhost:8787 with `cargo dev`. */
export const api = "https://api.example.com";

/** Any response other than success. */
export class ApiError extends Error {
  constructor(
    /** The HTTP status, or 0 if there was no response. */
    readonly status: number,
    message: string,
    /** Seconds to wait before another attempt, if the response has `Retry-After`. */
    readonly retryAfter?: number,
    /** The endpoint to call next, if the response names one. */
    readonly next?: string,
  ) {
    super(message);
  }

  /** Nobody is signed in or, during a sign-in, the code was rejected. No other status means this. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }

  /** WorkOS asks for something that its hosted page can handle, such as a second factor. */
  get needsHostedPage(): boolean {
    return this.next === "continue-with-authkit";
  }

  /** A later attempt may succeed. */
  get isTransient(): boolean {
    return [0, 429, 503].includes(this.status);
  }
}

type Options = {
  method?: "GET" | "POST";
  /** Use more than one only for calls that are safe to repeat. */
  attempts?: number;
};

/** Calls an endpoint and returns its response. Makes up to `attempts` attempts while something is down. */
export async function call<Output>(path: string, input: object = {}, options: Options = {}): Promise<Output> {
  const { method = "POST", attempts = 1 } = options;
  try {
    return await callOnce<Output>(method, path, input);
  } catch (error) {
    if (attempts <= 1 || !(error instanceof ApiError) || !error.isTransient) throw error;
    const seconds = error.retryAfter ?? 1;
    // Too long for a page to wait: let the user decide.
    if (seconds > 10) throw error;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return call<Output>(path, input, { method, attempts: attempts - 1 });
  }
}

async function callOnce<Output>(method: string, path: string, input: object): Promise<Output> {
  const json = { headers: { "content-type": "application/json" }, body: JSON.stringify(input) };
  const answer = await fetch(api + path, {
    method,
    credentials: "include",
    ...(method === "POST" && json),
  }).catch(() => {
    throw new ApiError(0, "No connection");
  });
  const body = await answer.json().catch(() => undefined);
  if (answer.ok && body) return body as Output;
  // The response broke off, or something other than the API sent it.
  if (answer.ok) throw new ApiError(0, "No connection");
  const seconds = Number.parseInt(answer.headers.get("retry-after") ?? "", 10);
  throw new ApiError(
    answer.status,
    body?.message ?? answer.statusText,
    Number.isNaN(seconds) ? undefined : seconds,
    body?.next,
  );
}
