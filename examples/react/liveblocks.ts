import { createClient } from "@liveblocks/client";

import { api } from "./anteroom";

/** A function for Liveblocks' `authEndpoint`. `getToken` is Clerk's `useAuth().getToken`. */
export function authorize(getToken: () => Promise<string | null>) {
  return async () => {
    const token = await getToken();
    return await ask({ headers: token ? { authorization: `Bearer ${token}` } : {} });
  };
}

/** The same for `LIVEBLOCKS_IDENTITY=workos`, with the session's cookie. */
export function authorizeWithCookie() {
  return ask({ credentials: "include" });
}

async function ask(credentials: RequestInit) {
  const answer = await fetch(`${api}/api/liveblocks-auth`, { method: "POST", ...credentials });
  const body = await answer.json();
  if (answer.ok) return body;
  // Liveblocks stops for good on `forbidden`, and retries if this throws.
  if (answer.status < 500 && answer.status !== 429) return { error: "forbidden", reason: body.message };
  throw new Error(body.message);
}

/** Liveblocks' client. Create it once somebody is signed in. */
export function collaborate(getToken: () => Promise<string | null>) {
  return createClient({ authEndpoint: authorize(getToken) });
}
