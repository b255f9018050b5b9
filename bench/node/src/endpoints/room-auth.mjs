// POST /api/v1/livekit/room-auth: lets a signed-in user join one LiveKit room.

import { AccessToken } from "livekit-server-sdk";
import { secrets } from "#secrets";
import { endpoint } from "../endpoint.mjs";
import { participant } from "../identity.mjs";
import { text } from "../input.mjs";
import { livekitSecrets } from "../livekit.mjs";
import { ok } from "../reply.mjs";
import { Sessions, workosClient, workosSecrets } from "../workos.mjs";

/** How long a token can be used to join, in seconds. */
const ttl = 10 * 60;

const keys = await secrets({ ...workosSecrets, ...livekitSecrets });
const sessions = await new Sessions(workosClient(keys), keys).prefetch();

export const handler = endpoint("room-auth", async (event, input) => {
  const name = text(input.username, "username");
  const room = text(input.roomId, "roomId");
  const { claims, cookies } = await sessions.of(event);
  const options = { identity: participant(claims), name, ttl };
  const token = new AccessToken(keys.LIVEKIT_API_KEY, keys.LIVEKIT_API_SECRET, options);
  token.addGrant({ roomJoin: true, room, canPublish: true, canSubscribe: true });
  return ok({ token: await token.toJwt() }, cookies);
});
