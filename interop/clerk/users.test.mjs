// Users, sessions and keys from `emulate`'s Clerk service.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createClerkClient } from "@clerk/backend";
import { LiveblocksServer } from "../liveblocks/server.mjs";
import { Anteroom } from "../support/anteroom.mjs";
import { bearer, claimsOf, withClaims } from "../support/jwt.mjs";
import { ClerkEmulator } from "./emulator.mjs";
import { ClerkInstance } from "./instance.mjs";

const ada = {
  clerk_id: "user_ada",
  first_name: "Ada",
  last_name: "Lovelace",
  email_addresses: ["ada@example.com", "countess@example.com"],
};
const nameless = {
  clerk_id: "user_nameless",
  first_name: "",
  last_name: "",
  email_addresses: ["nameless@example.com"],
};
const unreachable = { clerk_id: "user_unreachable", first_name: "Una", last_name: "Reach" };

const clerk = new ClerkInstance();

let emulator;
let liveblocks;
// Verifies with the keys that it fetches from the emulator.
let fetching;
// Verifies with our own key.
let networkless;

before(async () => {
  emulator = await ClerkEmulator.start({ users: [ada, nameless, unreachable], issuer: clerk.issuer });
  liveblocks = await LiveblocksServer.start();
  const settings = {
    ...clerk.settings(emulator.url),
    ...liveblocks.settings,
    CLERK_SECRET_KEY: emulator.secretKey,
  };
  networkless = await Anteroom.start(settings);
  fetching = await Anteroom.start({ ...settings, CLERK_JWT_KEY: "" });
});

after(async () => {
  await networkless?.stop();
  await fetching?.stop();
  await liveblocks?.stop();
  await emulator?.stop();
});

test("a user of the emulator gets a token with their name and primary address", async () => {
  const answer = await networkless.liveblocksAuth(bearer(clerk.token({ sub: ada.clerk_id })));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const claims = claimsOf(answer.body.token);
  assert.equal(claims.uid, "ada@example.com");
  assert.equal(claims.ui.name, "Ada Lovelace");
});

test("a user without a name is an unnamed user", async () => {
  const answer = await networkless.liveblocksAuth(bearer(clerk.token({ sub: nameless.clerk_id })));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(claimsOf(answer.body.token).ui.name, "Unnamed User");
});

test("a user without an address is told so", async () => {
  const answer = await networkless.liveblocksAuth(bearer(clerk.token({ sub: unreachable.clerk_id })));
  assert.deepEqual([answer.status, answer.body], [404, { code: 404, message: "Email not set" }]);
});

test("a user whom the emulator does not know is not found", async () => {
  const answer = await networkless.liveblocksAuth(bearer(clerk.token({ sub: "user_deleted" })));
  assert.deepEqual([answer.status, answer.body], [404, { code: 404, message: "User not found" }]);
});

test("the emulator's own token is genuine, and refused because it names no party", async () => {
  const token = await emulator.sessionToken(ada.clerk_id);
  assert.equal(claimsOf(token).azp, undefined);

  // Clerk's SDK accepts it with the emulator's keys, as long as it is not asked about parties.
  const sdk = createClerkClient({
    apiUrl: emulator.url,
    secretKey: emulator.secretKey,
    publishableKey: clerk.publishableKey,
    telemetry: { disabled: true },
  });
  const request = new Request("https://api.example.com/", { headers: bearer(token) });
  const state = await sdk.authenticateRequest(request);
  assert.equal(state.toAuth().userId, ada.clerk_id);

  assert.match(await refusal(fetching, token), /party|azp/);
});

test("an altered token of the emulator is refused for its signature", async () => {
  const altered = withClaims(await emulator.sessionToken(ada.clerk_id), { sub: "user_eve" });
  assert.match(await refusal(fetching, altered), /signature/);
});

test("a token of a key that the emulator does not publish is refused", async () => {
  const answer = await fetching.liveblocksAuth(bearer(clerk.token({ sub: ada.clerk_id })));
  assert.equal(answer.status, 401);
});

test("the public key may be written in one line, as environment files have it", async () => {
  const oneLine = await Anteroom.start({
    ...clerk.settings(emulator.url),
    ...liveblocks.settings,
    CLERK_JWT_KEY: clerk.jwtKey.trim().replaceAll("\n", " "),
  });
  try {
    const answer = await oneLine.liveblocksAuth(bearer(clerk.token({ sub: ada.clerk_id })));
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  } finally {
    await oneLine.stop();
  }
});

/** Sends a token that is refused, and gives the line with which the function logs why. */
async function refusal(anteroom, token) {
  const from = anteroom.written;
  const answer = await anteroom.liveblocksAuth(bearer(token));
  assert.equal(answer.status, 401);
  return anteroom.logged(/"message":"refused".*"status":401/, from);
}
