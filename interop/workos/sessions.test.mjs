// WorkOS's own SDK and our functions share sessions: each opens those of the other, and both refuse forged
// ones.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { WorkOS } from "@workos-inc/node";

import { Anteroom } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { claimsOf } from "../support/jwt.mjs";
import {
  altered,
  apiKey,
  clientId,
  cookiePassword,
  opened,
  redirectUri,
  sealed,
  WorkOsStandIn,
} from "./stand-in.mjs";

const email = "jane.doe@example.com";
const otherPassword = "another password, also of more than thirty-two letters";
const minutes = 60;

let anteroom;
let standIn;
let users;

before(async () => {
  anteroom = await Anteroom.start({});
  standIn = new WorkOsStandIn(anteroom);
  const { hostname, port } = new URL(standIn.url);
  const options = { clientId, apiHostname: hostname, port: Number(port), https: false };
  users = new WorkOS(apiKey, options).userManagement;
});

after(async () => {
  await anteroom?.stop();
});

test("the SDK opens the session that finalize-magic-auth has sealed, and goes on with it", async () => {
  const browser = new Browser(anteroom);
  await browser.post("/auth/sign-in", { email });
  const code = await standIn.magicCode(email);
  const { body } = await browser.post("/auth/finalize-magic-auth", { email, code });
  const session = load(browser.cookie("wos-session"));
  const read = await session.authenticate();
  assert.equal(read.authenticated, true, JSON.stringify(read));
  assert.equal(read.user.id, body.user.id);
  assert.equal(read.user.email, email);
  assert.equal(read.user.firstName, "Jane");
  assert.equal(read.role, "admin");
  assert.deepEqual(read.permissions, ["recordings:manage", "guests:invite", "rooms:moderate"]);
  assert.equal(read.authenticationMethod, "MagicAuth");
  assert.ok(read.organizationId.startsWith("org_"));

  const refreshed = await session.refresh();
  assert.equal(refreshed.authenticated, true, JSON.stringify(refreshed));
  assert.equal(refreshed.sessionId, read.sessionId);
  browser.plant("wos-session", refreshed.sealedSession);
  assert.equal((await switchedTo(browser, read.organizationId)).status, 200);
});

test("what our functions seal is laid out as the SDK lays it out", async () => {
  const browser = new Browser(anteroom);
  const { body } = await browser.post("/auth/continue-with-google");
  const returned = await standIn.signedInAs("jane", body.authData.redirectURL);
  await browser.post("/auth/finalize-oauth", returned);
  const ours = await opened(browser.cookie("wos-session"));
  const theirs = await opened((await sdkSession()).sealedSession);
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
  // What WorkOS gives as null may be absent as well: the SDK reads both alike.
  const present = ({ lastSignInAt, updatedAt, ...user }) =>
    Object.fromEntries(Object.entries(user).filter(([, value]) => value !== null));
  assert.deepEqual(present(ours.user), present(theirs.user));
  assert.equal(ours.organizationId, theirs.organizationId);
});

test("our functions accept the session that the SDK has sealed, and the SDK their answer", async () => {
  const { sealedSession, organizationId, accessToken } = await sdkSession();
  const browser = withSession(sealedSession);
  const switched = await switchedTo(browser, organizationId);
  assert.equal(switched.status, 200, JSON.stringify(switched.body));
  assert.equal(switched.body.user.email, email);

  const { sid } = claimsOf(accessToken);
  const read = await load(browser.cookie("wos-session")).authenticate();
  assert.equal(read.sessionId, sid);
  const left = await browser.post("/auth/sign-out");
  assert.equal(new URL(left.body.authData.redirectURL).searchParams.get("session_id"), sid);
  assert.equal(browser.cookie("wos-session"), undefined);
});

test("an access token that has expired in a seal of the SDK's is refreshed, and the SDK reads the new one", async () => {
  const browser = withSession(await expired(await sdkSession()));
  const stale = await load(browser.cookie("wos-session")).authenticate();
  assert.deepEqual(stale, { authenticated: false, reason: "invalid_jwt" });

  const other = await browser.post("/auth/switch-organization", {
    email: "someone.else@example.com",
    organizationId: "org_01",
  });
  assert.equal(other.status, 403, "the new cookie is sent with a rejection as well");
  const read = await load(browser.cookie("wos-session")).authenticate();
  assert.equal(read.authenticated, true, JSON.stringify(read));
});

test("both refuse a seal that has expired, and accept the one that has not", async () => {
  const content = await opened((await sdkSession()).sealedSession);
  const good = await sealed(content, { ago: 5 * minutes, lifetime: 10 * minutes });
  assert.equal((await load(good).authenticate()).authenticated, true);
  assert.equal((await withSession(good).post("/auth/sign-out")).status, 200);
  await refusedByBoth(await sealed(content, { ago: 15 * minutes, lifetime: 10 * minutes }));
});

test("both refuse a seal of another password, an altered one and what is no session", async () => {
  const session = await sdkSession();
  const content = await opened(session.sealedSession);
  await refusedByBoth(await sealed(content, { password: otherPassword }));
  await refusedByBoth(altered(session.sealedSession));
  await refusedByBoth(await sealed({ hello: "world" }));
});

test("both refuse a token in a genuine seal that another key has signed", async () => {
  const { user, accessToken, refreshToken } = await sdkSession();
  const foreign = standIn.resigned(accessToken, {}, "workos-foreign.pem");
  const [head, body] = foreign.split(".");
  for (const token of [foreign, `${head}.${body}.`]) {
    await refusedByBoth(await sealed({ user, accessToken: token, refreshToken }));
  }
});

test("ours refuses as well what the SDK lets pass", async () => {
  const session = await sdkSession();
  const content = await opened(session.sealedSession);
  const [seal] = session.sealedSession.split("~");
  const cookies = {
    "a seal without its version": seal,
    "a token of another user": await sealed({ ...content, user: { ...content.user, id: "user_other" } }),
    "a token of another issuer": await withToken(content, { iss: "https://api.workos.example" }),
    "a token of no session": await withToken(content, { sid: undefined }),
  };
  for (const [name, cookie] of Object.entries(cookies)) {
    assert.equal((await switchedTo(withSession(cookie), session.organizationId)).status, 401, name);
  }
  const control = withSession(await withToken(content, {}));
  assert.equal((await switchedTo(control, session.organizationId)).status, 200);
});

function load(sessionData) {
  return users.loadSealedSession({ sessionData, cookiePassword });
}

/** A session of Jane's that the SDK has begun and sealed. */
async function sdkSession() {
  const asked = await users.getAuthorizationUrlWithPKCE({ provider: "authkit", clientId, redirectUri });
  const { code } = await standIn.signedInAs("jane", asked.url);
  return users.authenticateWithCode({
    code,
    codeVerifier: asked.codeVerifier,
    session: { sealSession: true, cookiePassword },
  });
}

/** The session, sealed by the SDK with an access token that expired an hour ago. */
async function expired(session) {
  const accessToken = standIn.expiringIn(session.accessToken, -60 * minutes);
  return users.sealSessionDataFromAuthenticationResponse({
    authenticationResponse: { ...session, accessToken },
    cookiePassword,
  });
}

function withToken(content, claims) {
  const accessToken = standIn.resigned(content.accessToken, claims);
  return sealed({ ...content, accessToken });
}

function withSession(cookie) {
  const browser = new Browser(anteroom);
  browser.plant("wos-session", cookie);
  return browser;
}

function switchedTo(browser, organizationId) {
  return browser.post("/auth/switch-organization", { email, organizationId });
}

async function refusedByBoth(cookie) {
  const theirs = await load(cookie).authenticate();
  assert.equal(theirs.authenticated, false, JSON.stringify(theirs));

  const browser = withSession(cookie);
  assert.equal((await switchedTo(browser, "org_01")).status, 401);
  assert.equal(browser.cookie("wos-session"), undefined, "the cookie is cleared");
  assert.equal((await withSession(cookie).post("/auth/sign-out")).status, 401);
}
