// Liveblocks' own clients on Liveblocks' own server, with tokens from our function. The users are in
// `emulate`'s Clerk service; a key of our own signs their sessions.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { createClient } from "@liveblocks/client";
import { WebSocket } from "ws";
import { ClerkEmulator } from "../clerk/emulator.mjs";
import { ClerkInstance } from "../clerk/instance.mjs";
import { Anteroom, origin, root } from "../support/anteroom.mjs";
import { bearer, claimsOf, withClaims } from "../support/jwt.mjs";
import { pause, until } from "../support/program.mjs";
import { LiveblocksServer } from "./server.mjs";

const clerk = new ClerkInstance();
const jane = {
  clerk_id: "user_jane",
  first_name: "Jane",
  last_name: "Doe",
  email_addresses: ["jane.doe@example.com"],
};
const max = {
  clerk_id: "user_max",
  first_name: "Max",
  last_name: "Muster",
  email_addresses: ["max@example.com"],
};

let liveblocks;
let emulator;
let anteroom;
const entered = [];

before(async () => {
  liveblocks = await LiveblocksServer.start();
  emulator = await ClerkEmulator.start({ users: [jane, max] });
  anteroom = await Anteroom.start({ ...clerk.settings(emulator.url), ...liveblocks.settings });
  for (const user of [jane, max]) await readFromClerk(user);
  await liveblocks.createRoom("standup", [jane.email, max.email]);
  await liveblocks.createRoom("review", [jane.email, max.email]);
  await liveblocks.createRoom("janes-desk", [jane.email]);
});

after(async () => {
  for (const { leave } of entered) leave();
  await anteroom?.stop();
  await emulator?.stop();
  await liveblocks?.stop();
});

test("two users in one room see each other's name, picture and color", async () => {
  const [hers, his] = [enter("standup", jane), enter("standup", max)];
  const [sheSees] = await others(hers, 1);
  const [heSees] = await others(his, 1);

  assert.equal(sheSees.id, max.email);
  assert.equal(sheSees.info.name, max.name);
  assert.equal(sheSees.info.imageUrl, max.imageUrl);
  assert.equal(heSees.id, jane.email);
  assert.equal(heSees.info.name, jane.name);
  assert.equal(heSees.info.imageUrl, jane.imageUrl);
  for (const { info } of [sheSees, heSees]) {
    assert.ok(palette().includes(info.color), `${info.color} is not of the palette`);
    assert.deepEqual(Object.keys(info).sort(), ["color", "imageUrl", "name"]);
  }

  // Each sees the same about themselves.
  assert.equal(hers.getSelf().id, jane.email);
  assert.deepEqual(hers.getSelf().info, heSees.info);
});

test("what they do in the room reaches the other", async () => {
  const [hers, his] = [enter("review", jane), enter("review", max)];
  await others(hers, 1);
  await others(his, 1);
  // A cursor that moves on: one single move right after entering can get lost between the two.
  let x = 0;
  await until(() => {
    hers.updatePresence({ cursor: { x: ++x, y: 4 } });
    return his.getOthers()[0]?.presence.cursor?.y === 4;
  }, "her cursor");
});

test("nothing that the caller sends changes whose token it is", async () => {
  const forged = {
    userId: jane.email,
    userInfo: { name: "Jane Doe" },
    email: jane.email,
    room: "janes-desk",
    groupIds: ["all"],
  };
  const headers = {
    ...bearer(sessionToken(max)),
    "x-user-id": jane.email,
    "x-forwarded-user": jane.email,
    "x-liveblocks-user": jane.email,
  };
  const answer = await anteroom.liveblocksAuth(headers, forged);
  assert.equal(answer.status, 200);
  const claims = claimsOf(answer.body.token);
  assert.equal(claims.uid, max.email);
  assert.equal(claims.ui.name, max.name);
  assert.equal(claims.gids, undefined);
});

test("a user enters a room of their own", async () => {
  await connected(enter("janes-desk", jane));
});

test("another user is refused there, whatever the client claims to be", async () => {
  const room = enter("janes-desk", max, {
    body: { userId: jane.email },
    headers: { "x-user-id": jane.email },
  });
  assert.match(await refusal(room), /no access/);
});

test("a token that was altered opens no room", async () => {
  // This server's tokens carry no signature, and it refuses one that does, and one that has run
  // out; a forged signature is for the real service to find.
  const signed = (token) => `${token}AAAA`;
  assert.match(await refusal(enter("standup", jane, { alter: signed })), /no access/);
  const expired = (token) => withClaims(token, { iat: 1, exp: 2 });
  assert.match(await refusal(enter("standup", jane, { alter: expired })), /no access|expired/i);
});

test("somebody who is not signed in enters no room", async () => {
  const statuses = [];
  const room = enter("standup", jane, { headers: { authorization: "" }, statuses });
  await until(() => statuses.length > 0, "the function's answer");
  assert.equal(statuses[0], 404);
  await pause(500);
  assert.notEqual(room.getStatus(), "connected");
});

test("a forged session ends the client's attempts", async () => {
  const room = enter("standup", jane, { headers: { authorization: "Bearer a.b.c" } });
  assert.ok(await refusal(room));
});

/**
 * Enters a room with Liveblocks' client, which asks our function for its token. `body` and
 * `headers` are added to what it sends there, `alter` changes the token that it gets, `statuses`
 * collects those of the function's answers.
 */
function enter(roomId, user, { body, headers, alter, statuses } = {}) {
  const authEndpoint = `${anteroom.url}/api/liveblocks-auth`;
  const signedInFetch = async (url, init) => {
    if (String(url) !== authEndpoint) return fetch(url, init);
    const answer = await fetch(url, {
      ...init,
      body: JSON.stringify({ ...JSON.parse(init.body), ...body }),
      headers: { ...init.headers, origin, ...bearer(sessionToken(user)), ...headers },
    });
    statuses?.push(answer.status);
    if (!alter || !answer.ok) return answer;
    return Response.json({ token: alter((await answer.json()).token) });
  };
  const client = createClient({
    baseUrl: liveblocks.url,
    authEndpoint,
    polyfills: { fetch: signedInFetch, WebSocket },
  });
  const { room, leave } = client.enterRoom(roomId, { initialPresence: {} });
  entered.push({ leave });
  return room;
}

async function connected(room) {
  await until(() => room.getStatus() === "connected", "a connection");
}

/** The other users in the room, once they are this many. */
async function others(room, count) {
  await until(() => room.getOthers().length >= count, `${count} others`);
  return room.getOthers();
}

/** The client's message when it gives up. */
async function refusal(room) {
  let message;
  room.subscribe("error", (error) => (message = error.message));
  await until(() => message !== undefined, "a refusal");
  assert.equal(room.getStatus(), "disconnected");
  return message;
}

/** A session token of a user. */
function sessionToken(user) {
  return clerk.token({ sub: user.clerk_id });
}

/** Updates a user at Clerk. */
async function readFromClerk(user) {
  const found = await emulator.ask("GET", `/v1/users/${user.clerk_id}`);
  const primary = found.email_addresses.find(({ id }) => id === found.primary_email_address_id);
  user.email = primary.email_address;
  user.name = `${found.first_name} ${found.last_name}`;
  user.imageUrl = found.image_url;
}

/** The colors that the function draws from. */
function palette() {
  const source = readFileSync(join(root, "functions/liveblocks-auth/src/palette.rs"), "utf8");
  return source.match(/#[0-9A-F]{6}\b/gi);
}
