// Clerk's own SDK against our stand-in for Clerk.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createClerkClient } from "@clerk/backend";
import { Anteroom, origin } from "../support/anteroom.mjs";
import { bearer, claimsOf } from "../support/jwt.mjs";
import { run } from "../support/program.mjs";

const clerkOptions = {
  telemetry: { disabled: true },
  secretKey: "sk_test_of_the_stand_in_and_no_secret",
  publishableKey: `pk_test_${Buffer.from("clerk.anteroom.localhost$").toString("base64")}`,
};

let anteroom;
let clerk;

before(async () => {
  anteroom = await Anteroom.start({});
  clerk = createClerkClient({ apiUrl: anteroom.standIn("Clerk"), ...clerkOptions });
});

after(async () => {
  await anteroom?.stop();
});

test("Clerk's SDK accepts the session token of the stand-in, by the keys that it publishes", async () => {
  const auth = await authenticated(bearer(await sessionToken("jane")));
  assert.ok(auth.userId.startsWith("user_"));
  assert.ok(auth.sessionId.startsWith("sess_"));
  assert.equal(auth.orgId, undefined);
});

test("Clerk's SDK refuses it for another party, and once it has been altered", async () => {
  const token = await sessionToken("jane");
  assert.equal((await authenticated(bearer(token), ["https://other.example"])).userId, null);
  assert.equal((await authenticated(bearer(`${token.slice(0, -6)}AAAAAA`))).userId, null);
});

test("Clerk's SDK reads the user", async () => {
  const { userId } = await authenticated(bearer(await sessionToken("jane")));
  const user = await clerk.users.getUser(userId);
  assert.equal(user.id, userId);
  assert.equal(user.fullName, "Jane Doe");
  assert.equal(user.primaryEmailAddress.emailAddress, "jane.doe@example.com");
  assert.equal(user.primaryEmailAddress.verification.status, "verified");
  assert.match(user.imageUrl, /^https:/);
  assert.equal(user.banned, false);
});

test("Clerk's SDK sees the errors as Clerk's", async () => {
  await assert.rejects(clerk.users.getUser("user_nobody"), (error) => {
    assert.equal(error.status, 404);
    assert.equal(error.errors[0].code, "resource_not_found");
    return true;
  });
  const stranger = createClerkClient({
    apiUrl: anteroom.standIn("Clerk"),
    ...clerkOptions,
    secretKey: "sk_test_wrong",
  });
  await assert.rejects(stranger.users.getUser("user_nobody"), { status: 401 });
});

test("Clerk's SDK gets a token from a template, which is no session", async () => {
  const { sessionId, userId } = await authenticated(bearer(await sessionToken("jane")));
  const { jwt } = await clerk.sessions.getToken(sessionId, "supabase");
  assert.equal(claimsOf(jwt).sub, userId);
  assert.equal((await authenticated(bearer(jwt))).userId, null);
  await assert.rejects(clerk.sessions.getToken(sessionId, "no-such-template"), { status: 404 });
});

test("Clerk's SDK finds the organization in the token", async () => {
  const auth = await authenticated(bearer(await sessionToken("member")));
  assert.ok(auth.orgId.startsWith("org_"), JSON.stringify(auth));
  assert.match(auth.orgRole, /^org:/);
});

test("what dev prints to be pasted works", async () => {
  const line = anteroom.lines.find((text) => text.trim().startsWith("curl "));
  const { code, output } = await run("sh", ["-c", line], { seconds: 30 });
  assert.equal(code, 0, output);
  assert.ok(JSON.parse(output.trim()).token, output);
});

async function authenticated(headers, authorizedParties = [origin]) {
  const request = new Request("https://api.example.com/", { method: "POST", headers });
  const state = await clerk.authenticateRequest(request, { authorizedParties });
  return state.toAuth();
}

/** A session token of a user, by the stand-in's short name. */
async function sessionToken(user) {
  const answer = await fetch(`${anteroom.standIn("Clerk")}/dev/session-token?user=${user}`);
  const token = await answer.text();
  assert.equal(answer.status, 200, token);
  return token.trim();
}
