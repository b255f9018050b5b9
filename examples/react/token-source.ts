import { TokenSource } from "livekit-client";

import { api } from "./anteroom";

/** Fetches tokens, and the address of the server, for LiveKit's client and its React components. */
export const tokens = TokenSource.endpoint(`${api}/api/v1/livekit/token`, { credentials: "include" });
