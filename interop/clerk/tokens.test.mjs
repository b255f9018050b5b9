// Clerk's own backend SDK and our function judge the same tokens.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createClerkClient } from "@clerk/backend";
import { LiveblocksServer } from "../liveblocks/server.mjs";
import { Anteroom, origin } from "../support/anteroom.mjs";
import { bearer, claimsOf } from "../support/jwt.mjs";
import { ClerkEmulator } from "./emulator.mjs";
import { ada, bob, clerk, requests, secondOrigin, session, tokens } from "./tokens.mjs";

const sdk = createClerkClient({
  secretKey: clerk.secretKey,
  publishableKey: clerk.publishableKey,
  telemetry: { disabled: true },
});
const authorizedParties = [origin, secondOrigin];

let emulator;
let liveblocks;
let anteroom;

before(async () => {
  emulator = await ClerkEmulator.start({ users: [ada, bob] });
  liveblocks = await LiveblocksServer.start();
  anteroom = await Anteroom.start({
    ...clerk.settings(emulator.url),
    ...liveblocks.settings,
    CLERK_AUTHORIZED_PARTIES: authorizedParties.join(","),
  });
});

after(async () => {
  await anteroom?.stop();
  await liveblocks?.stop();
  await emulator?.stop();
});

for (const row of tokens) {
  test(`in the header: ${row.name}`, () => judge(row, bearer(row.token())));
  test(`in the cookie: ${row.name}`, () => judge(inCookie(row), { cookie: session(row.token()) }));
}

for (const row of requests) {
  test(`the request: ${row.name}`, () => judge(row, row.headers()));
}

test("the table holds at least forty tokens", () => {
  assert.ok(tokens.length >= 40, `${tokens.length} tokens`);
});

/** The row of a token when it is sent in the session cookie, where that makes a difference. */
function inCookie(row) {
  return row.cookie ? { ...row, stricter: undefined, ...row.cookie } : row;
}

async function judge(row, headers) {
  const theirs = await verdictOfSdk(headers);
  const ours = await anteroom.liveblocksAuth(headers);

  assert.equal(
    ours.status,
    row.status,
    `our answer: ${JSON.stringify(ours.body)}; the SDK's: ${theirs.reason}`,
  );
  const weAccept = ours.status === 200;
  const differs = row.stricter || row.laxer;
  assert.equal(
    theirs.accepted,
    Boolean(differs) !== weAccept,
    `the SDK's verdict: ${theirs.reason ?? "accepted"}`,
  );
  if (row.stricter) assert.ok(!weAccept, "stricter, and yet accepted");

  if (weAccept) {
    const user = row.user ?? ada;
    assert.equal(claimsOf(ours.body.token).uid, user.email_addresses[0]);
    if (theirs.accepted) assert.equal(theirs.userId, user.clerk_id);
  } else {
    assert.equal(ours.body.code, ours.status);
  }
}

/** What Clerk's SDK says of a request with these headers. It throws for some that are malformed. */
async function verdictOfSdk(headers) {
  const request = new Request("https://api.example.com/api/liveblocks-auth", { method: "POST", headers });
  try {
    const state = await sdk.authenticateRequest(request, { jwtKey: clerk.jwtKey, authorizedParties });
    const userId = state.toAuth()?.userId;
    return { accepted: Boolean(userId), userId, reason: state.reason ?? (userId ? undefined : "no user") };
  } catch (error) {
    return { accepted: false, reason: `it threw ${error.message}` };
  }
}
