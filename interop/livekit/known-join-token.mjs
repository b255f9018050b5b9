// Writes shared/tests/data/join-tokens.json: tokens that LiveKit's SDK makes at a fixed time, with their
// inputs, for shared/tests/loopback/livekit_join.rs to compare ours with.
//
//     node livekit/known-join-token.mjs > ../shared/tests/data/join-tokens.json
//
// Its output is always the same.

import { createHash } from "node:crypto";
import { mock } from "node:test";

import { AccessToken } from "livekit-server-sdk";

const madeAt = 1_752_486_896;
const key = {
  api_key: "APIKnownJoinTokens",
  api_secret: "the secret of the known join tokens, which is none",
};

/** Who joins where. The identity says which of the user's sessions it is, and not its id. */
const joins = [
  {
    name: "plain names",
    user_id: "user_01PLAIN",
    session_id: "session_01PLAIN",
    room: "room123",
    username: "Jane Doe",
  },
  {
    name: "names of any writing",
    user_id: "user_01FULL",
    session_id: "session_01FULL",
    room: 'Büro 雪 / "7" <b>{room_name}</b> 🎉',
    username: "Zoë O’Hara \\ 🏳️‍🌈",
  },
];

mock.timers.enable({ apis: ["Date"], now: madeAt * 1000 });
const tokens = await Promise.all(
  joins.map(async (join) => {
    const session = createHash("sha256").update(join.session_id).digest("hex").slice(0, 16);
    const options = { identity: `${join.user_id}:${session}`, name: join.username, ttl: "10m" };
    const token = new AccessToken(key.api_key, key.api_secret, options);
    token.addGrant({ roomJoin: true, room: join.room, canPublish: true, canSubscribe: true });
    return { ...join, token: await token.toJwt() };
  }),
);
console.log(JSON.stringify({ made_at: madeAt, ...key, tokens }, null, 1));
