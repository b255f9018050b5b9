import { TokenSource } from "livekit-client";

import { api } from "./anteroom";

/**
 * Fetches tokens, and the address of the server, for LiveKit's client and its React components. It keeps a
 * token for minutes, so create another source when the user or the organization changes.
 */
export function tokenSource() {
  return TokenSource.endpoint(`${api}/api/v1/livekit/token`, { credentials: "include" });
}
