// POST /api/liveblocks-auth: a Liveblocks token for the user who is signed in at Clerk.

import { createClerkClient } from "@clerk/backend";
import { Liveblocks } from "@liveblocks/node";
import { secrets } from "#secrets";
import { endpoint } from "../endpoint.mjs";
import { Refusal, reply } from "../reply.mjs";

const palette = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#7E57C2"];
const { ALLOWED_ORIGINS, CLERK_API_URL, CLERK_JWT_KEY, CLERK_PUBLISHABLE_KEY } = process.env;

const keys = await secrets({
  CLERK_SECRET_ID: ["CLERK_SECRET_KEY"],
  LIVEBLOCKS_SECRET_ID: ["LIVEBLOCKS_SECRET_KEY"],
});
const clerk = createClerkClient({
  secretKey: keys.CLERK_SECRET_KEY,
  publishableKey: CLERK_PUBLISHABLE_KEY,
  jwtKey: CLERK_JWT_KEY,
  apiUrl: CLERK_API_URL,
  telemetry: { disabled: true },
});
const liveblocks = new Liveblocks({
  secret: keys.LIVEBLOCKS_SECRET_KEY,
  baseUrl: process.env.LIVEBLOCKS_API_URL,
});
const sessionOptions = { authorizedParties: ALLOWED_ORIGINS.split(","), jwtKey: CLERK_JWT_KEY };

export const handler = endpoint("liveblocks-auth", async (event) => {
  const user = await clerk.users.getUser(await userId(event));
  if (user.banned || user.locked) throw new Refusal(403, "This user is banned or locked");
  const address = user.primaryEmailAddress;
  if (address?.verification?.status !== "verified") throw new Refusal(404, "Email not set");
  const userInfo = {
    name: user.fullName ?? "Unnamed User",
    imageUrl: user.imageUrl,
    color: palette[Math.floor(Math.random() * palette.length)],
  };
  const { status, body, error } = await liveblocks.identifyUser(address.emailAddress, { userInfo });
  if (error) throw error;
  return reply(status, body);
});

async function userId({ headers, cookies, rawPath }) {
  const withCookies = cookies ? { ...headers, cookie: cookies.join("; ") } : headers;
  const request = new Request(`https://${headers.host}${rawPath}`, { method: "POST", headers: withCookies });
  const state = await clerk.authenticateRequest(request, sessionOptions);
  const auth = state.toAuth();
  if (!auth?.userId) throw new Refusal(state.token ? 401 : 404, "User not found");
  return auth.userId;
}
