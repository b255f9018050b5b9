// Signing in against WorkOS's own emulator. It never asks for an organization, ignores the client secret, and
// starts a new session with every refresh; our stand-in covers those parts.

import assert from "node:assert/strict";
import { Server } from "node:net";
import { after, before, test } from "node:test";

import { createEmulator } from "workos/emulate";

import { Anteroom, origin } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { claimsOf } from "../support/jwt.mjs";
import { freePort } from "../support/program.mjs";
import { cookiePassword, opened, redirectUri } from "./stand-in.mjs";

const apiKey = "sk_test_of_the_emulator_and_no_secret";
const jane = "jane.doe@example.com";
const sso = "someone@sso.example.com";
const profile = { email: jane, firstName: "Jane", lastName: "Doe" };

let port;
let emulator;
let anteroom;

before(async () => {
  port = await freePort();
  emulator = await startEmulator();
  anteroom = await startAnteroom(apiKey);
});

after(async () => {
  await anteroom?.stop();
  await emulator?.close();
});

test("a magic code signs in, once", async () => {
  const browser = new Browser(anteroom);
  const begun = await browser.post("/auth/sign-in", { email: jane });
  assert.equal(begun.status, 200);
  assert.deepEqual(begun.body, { authData: { authMethod: "magic_auth" } });

  const code = await magicCode();
  const wrong = code === "000000" ? "000001" : "000000";
  assert.equal((await finalize(browser, wrong)).status, 401);
  const { status, body } = await finalize(browser, code);
  assert.equal(status, 200);
  assert.deepEqual(body, { user: { id: body.user.id, ...profile } });
  assert.equal((await opened(browser.cookie("wos-session"))).user.id, body.user.id);
  assert.equal((await finalize(browser, code)).status, 401);
});

test("an unknown address is a bad request, signs up once, and has a code sent then", async () => {
  const browser = new Browser(anteroom);
  const email = "new.user@example.com";
  for (const [path, status] of [
    ["/auth/sign-in", 400],
    ["/auth/resend-magic-auth", 400],
    ["/auth/sign-up", 201],
    ["/auth/sign-up", 409],
    ["/auth/sign-in", 200],
    ["/auth/resend-magic-auth", 200],
  ]) {
    assert.equal((await browser.post(path, { email })).status, status, path);
  }
});

test("the way to Google and Microsoft and back carries its state and its verifier", async () => {
  for (const path of ["/auth/continue-with-google", "/auth/continue-with-microsoft"]) {
    const browser = new Browser(anteroom);
    const { redirectURL, state } = (await browser.post(path)).body.authData;
    const returned = await back(redirectURL);
    assert.equal(returned.state, state);
    const { status, body } = await browser.post("/auth/finalize-oauth", returned);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body, { user: { id: body.user.id, ...profile } });
  }
});

test("a code that another browser asked for is refused", async () => {
  const other = await new Browser(anteroom).post("/auth/continue-with-google");
  const { code } = await back(other.body.authData.redirectURL);
  const browser = new Browser(anteroom);
  assert.equal((await browser.post("/auth/finalize-oauth", { code })).status, 400);
  await browser.post("/auth/continue-with-google");
  assert.equal((await browser.post("/auth/finalize-oauth", { code })).status, 401);
  assert.equal(browser.cookie("wos-session"), undefined);
});

test("a domain with SSO leads to its connection", async () => {
  const browser = new Browser(anteroom);
  const { status, body } = await browser.post("/auth/sign-in", { email: sso });
  assert.equal(status, 200);
  assert.equal(body.authData.authMethod, "sso");
  const { searchParams } = new URL(body.authData.redirectURL);
  const connections = await asked("GET", "/connections");
  assert.equal(searchParams.get("connection_id"), connections.data[0].id);
  const { code } = await back(body.authData.redirectURL);
  const signedIn = await browser.post("/auth/finalize-oauth", { code });
  assert.equal(signedIn.body.user.email, sso);
});

test("signing out leads to where the emulator ends the session", async () => {
  const browser = await signedIn();
  const { sub, sid } = await sessionOf(browser);
  const isLive = async () => {
    const { data } = await asked("GET", `/user_management/users/${sub}/sessions`);
    return data.some(({ id }) => id === sid);
  };
  assert.equal(await isLive(), true);
  const { status, body } = await browser.post("/auth/sign-out");
  assert.equal(status, 200);
  const answer = await fetch(body.authData.redirectURL, { redirect: "manual" });
  assert.equal(answer.status, 302);
  assert.equal(new URL(answer.headers.get("location")).origin, origin);
  assert.equal(await isLive(), false);
  assert.equal((await browser.post("/auth/sign-out")).status, 401);
});

test("a refresh that comes back as another session is not taken for the user's", async () => {
  const browser = await signedIn();
  const { id: organizationId } = (await asked("GET", "/organizations")).data[0];
  const input = { email: jane, organizationId };
  assert.equal((await browser.post("/auth/switch-organization", input)).status, 502);
});

test("dev-sign-in is not there unless an address is named, and signs that one in", async () => {
  const answer = await new Browser(anteroom).post("/auth/dev-sign-in", {});
  assert.deepEqual(answer.body, { code: 404, message: "Not found" });

  const other = await startAnteroom(apiKey, { DEV_SIGN_IN_EMAIL: jane });
  try {
    const browser = new Browser(other);
    const { status, body } = await browser.post("/auth/dev-sign-in", {});
    assert.equal(status, 200);
    assert.deepEqual(body, { user: { id: body.user.id, email: jane } });
    assert.equal((await sessionOf(browser)).sub, body.user.id);
  } finally {
    await other.stop();
  }
});

test("a key that is refused is our own fault", async () => {
  const other = await startAnteroom("sk_test_of_nobody");
  try {
    const { status } = await new Browser(other).post("/auth/sign-in", { email: jane });
    assert.equal(status, 502);
  } finally {
    await other.stop();
  }
});

// Last, because the emulator forgets everything when it stops, including its signing key.
test("when WorkOS is gone, live sessions go on; when it is back, so do the same processes", async () => {
  const [browser, leaving] = [await signedIn(), await signedIn()];
  const { id: organizationId } = (await asked("GET", "/organizations")).data[0];
  const cookie = browser.cookie("wos-session");
  const switchAs = (email) => browser.post("/auth/switch-organization", { email, organizationId });
  const from = anteroom.written;
  assert.equal((await switchAs("other@example.com")).status, 403);
  await anteroom.logged(/"endpoint":"switch-organization".*"status":403/, from);
  const processes = startedProcesses();
  assert.ok(processes > 0);

  await emulator.close();
  emulator = undefined;
  assert.equal((await switchAs("other@example.com")).status, 403, "the session is still verified");
  assert.equal((await switchAs(jane)).status, 503);
  assert.equal(browser.cookie("wos-session"), cookie);
  assert.equal((await leaving.post("/auth/sign-out")).status, 200);
  const { status } = await new Browser(anteroom).post("/auth/sign-in", { email: jane });
  assert.equal(status, 503);

  emulator = await startEmulator();
  assert.equal((await new Browser(anteroom).post("/auth/sign-in", { email: jane })).status, 200);
  const begun = anteroom.written;
  await signedIn();
  await anteroom.logged(/"endpoint":"finalize-magic-auth"/, begun);
  assert.equal(startedProcesses(), processes);
});

/** WorkOS with Jane, who is in no organization, and an organization that signs in by SSO. */
async function startEmulator() {
  return onLoopback(() =>
    createEmulator({
      port,
      seed: {
        apiKeys: { [apiKey]: { environment: "test" } },
        users: [
          { email: jane, first_name: "Jane", last_name: "Doe", email_verified: true },
          { email: sso, email_verified: true },
        ],
        organizations: [{ name: "Sso Example", domains: [{ domain: "sso.example.com", state: "verified" }] }],
        connections: [{ name: "Sso Example", organization: "Sso Example", domains: ["sso.example.com"] }],
      },
    }),
  );
}

/** Runs `start`, which asks for a port on every interface, and lets it have that of the loopback. */
async function onLoopback(start) {
  const { listen } = Server.prototype;
  let listening;
  Server.prototype.listen = function (wanted, _, then) {
    listening = new Promise((resolve) => this.once("listening", resolve));
    return listen.call(this, wanted, "127.0.0.1", then);
  };
  try {
    const started = await start();
    await listening;
    return started;
  } finally {
    Server.prototype.listen = listen;
  }
}

function startAnteroom(key, settings) {
  return Anteroom.start({
    ...settings,
    WORKOS_API_KEY: key,
    WORKOS_API_URL: emulator.url,
    WORKOS_CLIENT_ID: "client_01EMULATOR",
    WORKOS_COOKIE_PASSWORD: cookiePassword,
    WORKOS_REDIRECT_URI: redirectUri,
    WORKOS_LOGOUT_RETURN_TO: origin,
  });
}

/** The number of processes started: each logs its first request as cold. */
function startedProcesses() {
  return anteroom.lines.filter((line) => /"cold":\s*true/.test(line)).length;
}

async function asked(method, path, body) {
  const answer = await fetch(emulator.url + path, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** A code for Jane, which the e-mail would contain. */
async function magicCode() {
  return (await asked("POST", "/user_management/magic_auth", { email: jane })).code;
}

function finalize(browser, code) {
  return browser.post("/auth/finalize-magic-auth", { email: jane, code });
}

async function signedIn() {
  const browser = new Browser(anteroom);
  assert.equal((await finalize(browser, await magicCode())).status, 200);
  return browser;
}

/** The claims of the token in a browser's session. */
async function sessionOf(browser) {
  const { accessToken } = await opened(browser.cookie("wos-session"));
  return claimsOf(accessToken);
}

/** The callback's parameters from the sign-in page, which lets everybody in. */
async function back(address) {
  const answer = await fetch(address, { redirect: "manual" });
  assert.equal(answer.status, 302, await answer.text());
  const callback = new URL(answer.headers.get("location"));
  assert.equal(callback.origin + callback.pathname, redirectUri);
  return Object.fromEntries(callback.searchParams);
}
