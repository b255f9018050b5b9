// A Next.js app on AuthKit's own SDK and Anteroom share one session in a real browser, whichever side starts,
// refreshes, switches or ends it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { Anteroom } from "../support/anteroom.mjs";
import { claimsOf } from "../support/jwt.mjs";
import { freePort } from "../support/program.mjs";
import { altered, opened, sealed, WorkOsStandIn } from "../workos/stand-in.mjs";
import { Chromium, executable } from "./chromium.mjs";
import { NextApp } from "./nextjs.mjs";

const jane = "jane.doe@example.com";
const memberOfTwo = "123@gmail.com";
const sides = ["Next.js", "Anteroom"];

let anteroom;
let api;
let standIn;
let app;
let chromium;
let window;
let page;

before(async () => {
  assert.ok(executable, "this needs Chromium: interop/install brings Debian's, CHROMIUM names another one");
  chromium = await Chromium.start();
});

after(() => chromium?.stop());

// 3 is the last one for Node 20. 4 is the newest; it asks for Node 22, and what it does here it does on 20.
for (const version of ["3", "4"]) {
  describe(`with version ${version} of authkit-nextjs`, () => withVersion(version));
}

function withVersion(version) {
  before(() => start(version));

  after(async () => {
    await app?.stop();
    await anteroom?.stop();
  });

  beforeEach(async () => {
    window = await chromium.window();
    page = await window.newPage();
  });

  afterEach(() => window?.close());

  test("a user who signs in through Anteroom is signed in on the page of Next.js", async () => {
    await page.goto(app.url);
    for (const side of sides) await says(side, "Nobody is signed in");
    await signInByCode(jane);
    for (const side of sides) await says(side, "Jane Doe");
    const { sid } = await claims();
    const facts = {
      "E-mail": jane,
      User: (await session()).user.id,
      Organization: (await claims()).org_id,
      Role: "admin",
    };
    assert.deepEqual(await read("Next.js"), { ...facts, Session: sid });
    assert.deepEqual(await read("Anteroom"), facts);
    if (process.env.PICTURES)
      await page.screenshot({ path: join(process.env.PICTURES, "nextjs-signed-in.png") });
  });

  test("the examples' form sends one e-mail for two clicks, and another one when asked", async () => {
    await page.goto(app.url);
    const form = region("Anteroom");
    const email = form.getByRole("textbox", { name: "E-mail" });
    const code = form.getByRole("textbox", { name: "Code" });
    await email.fill(memberOfTwo);
    const asked = await standIn.askedBy(() =>
      standIn.failing({ fault: "slow", milliseconds: 500 }, async () => {
        await form.getByRole("button", { name: "Continue" }).dblclick();
        await form.locator("[aria-label=Code]:focus").waitFor();
      }),
    );
    assert.equal(asked.filter((request) => request === "POST /user_management/magic_auth").length, 1);
    await says("Anteroom", "If 123@gmail.com has an account, a code is on its way.");

    await email.fill(jane);
    await code.waitFor({ state: "detached" });
    await form.getByRole("button", { name: "Continue" }).click();
    await code.fill("000000");
    await form.getByRole("button", { name: "Continue" }).click();
    await form.getByRole("alert").filter({ hasText: "send another one" }).waitFor();
    assert.equal(
      await page.evaluate(() => document.activeElement.textContent),
      "Continue",
      "the focus stays",
    );
    const first = await standIn.magicCode(jane);
    await form.getByRole("button", { name: "Send another code" }).click();
    await form.locator("[aria-label=Code][value='']").waitFor();
    const second = await standIn.magicCode(jane);
    assert.notEqual(first, second);
    await code.fill(second);
    await form.getByRole("button", { name: "Continue" }).click();
    for (const side of sides) await says(side, "Jane Doe");
  });

  test("the examples show that the hosted page cannot be reached", async () => {
    await page.goto(app.url);
    await signInByCode("challenged@example.com");
    const alert = region("Anteroom").getByRole("alert").first();
    await alert.filter({ hasText: "Sign in with your second factor" }).waitFor();
    await unreachable("continue-with-authkit", async () => {
      await alert.getByRole("button", { name: "Continue" }).click();
      await alert.filter({ hasText: "We cannot reach the service right now" }).waitFor();
    });
    await alert.getByRole("button", { name: "Continue" }).click();
    await page.waitForURL(/\/user_management\/authorize/);

    await unreachable("continue-with-authkit", async () => {
      await page.goto(`${app.url}/sign-in-endpoint`);
      await page.getByText("We cannot reach the service right now").waitFor();
    });
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForURL(/\/user_management\/authorize/);
  });

  test("the examples' callback page keeps its code during an outage, and leads back from a used one", async () => {
    await page.goto(app.url);
    await button("Anteroom", "Google").click();
    const link = await page.getByRole("link", { name: jane }).getAttribute("href");
    const answer = await window.request.get(new URL(link, page.url()).href, { maxRedirects: 0 });
    const address = answer.headers().location.replace("/callback?", "/returned?");
    await unreachable("finalize-oauth", async () => {
      await page.goto(address);
      await page.getByText("We cannot reach the service right now").waitFor();
      assert.equal(page.url(), address);
    });
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForURL(`${app.url}/`);
    for (const side of sides) await says(side, "Jane Doe");

    await page.goto(address);
    await page.getByText("This sign-in is no longer valid.").waitFor();
    assert.equal(page.url(), `${app.url}/returned`);
    await page.getByRole("link", { name: "Start again" }).click();
    await page.waitForURL(`${app.url}/`);
  });

  test("a user who signs in by AuthKit's callback in Next.js is signed in at Anteroom", async () => {
    await page.goto(app.url);
    await button("Next.js", "Sign in with AuthKit").click();
    await page.getByRole("link", { name: jane }).click();
    await page.waitForURL(`${app.url}/`);
    for (const side of sides) await says(side, "Jane Doe");

    const answer = await sessionAnswer();
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).user.email, jane);
    assert.deepEqual(answer.headers.getSetCookie(), [], "nothing has to be refreshed");
  });

  test("either side refreshes, the other goes on, and it stays one session", async () => {
    await signInByAuthKit(jane);
    const { sid } = await claims();
    for (const refreshing of ["Next.js", "Anteroom", "Anteroom", "Next.js", "Next.js", "Anteroom"]) {
      const before = await expire();
      const asked = await standIn.askedBy(async () => {
        if (refreshing === "Next.js") await page.goto(app.url);
        else await askAgain();
        const refreshed = await cookie();
        assert.notEqual(refreshed, before, refreshing);
        await page.goto(app.url);
        await askAgain();
        assert.equal(await cookie(), refreshed, `${refreshing} has refreshed it for both`);
      });
      for (const side of sides) await says(side, "Jane Doe");
      assert.equal(
        asked.filter((request) => request === "POST /user_management/authenticate").length,
        1,
        refreshing,
      );
      assert.equal((await claims()).sid, sid);
    }
  });

  test("a page load and calls to the API that refresh at the same moment leave everybody signed in", async () => {
    await signInByAuthKit(jane);
    const { sid } = await claims();
    for (let round = 0; round < 3; round += 1) {
      const before = await expire();
      const answers = await Promise.all([
        window.request.get(app.url, { headers: { accept: "text/html" } }),
        ...Array.from({ length: 3 }, () => window.request.get(`${api}/auth/session`)),
      ]);
      assert.deepEqual(
        answers.map((answer) => answer.status()),
        [200, 200, 200, 200],
      );
      assert.match(await answers[0].text(), /Jane Doe/);
      assert.notEqual(await cookie(), before);
      await page.goto(app.url);
      for (const side of sides) await says(side, "Jane Doe");
      assert.equal((await claims()).sid, sid);
    }
  });

  test("near its end a session is refreshed by the side that is to be the first", async () => {
    await signInByAuthKit(jane);
    const before = await expire(45);
    await loadAlone();
    const isFirst = version !== "3"; // Which has no early refresh: Anteroom has, with a minute left.
    assert.equal((await cookie()) !== before, isFirst);
    const loaded = await cookie();
    await askAgain();
    assert.equal((await cookie()) !== loaded, !isFirst);
    await page.goto(app.url);
    for (const side of sides) await says(side, "Jane Doe");
  });

  test("an organization that is switched at one is seen by the other", async () => {
    await page.goto(app.url);
    await signInByCode(memberOfTwo);
    await button("Anteroom", "MASADAS").click();
    for (const side of sides) await says(side, "Chris Chooser");
    const { sid } = await claims();

    for (const [switching, name, other] of [
      ["Anteroom", "TAUNTA SCRE", "MASADAS"],
      ["Next.js", "MASADAS", "TAUNTA SCRE"],
      ["Next.js", "TAUNTA SCRE", "MASADAS"],
      ["Anteroom", "MASADAS", "TAUNTA SCRE"],
    ]) {
      await button(switching, name).click();
      for (const side of sides) await acts(side, name, other);
      const { org_id: organization, sid: now } = await claims();
      for (const side of sides) assert.equal((await read(side)).Organization, organization, side);
      assert.equal(now, sid);
      assert.equal((await (await sessionAnswer()).json()).organizationId, organization);
    }

    // The switched organization survives a refresh by the other side.
    const { org_id: organization } = await claims();
    await expire();
    await page.goto(app.url);
    assert.equal((await claims()).org_id, organization);
  });

  for (const leaving of sides) {
    test(`signing out at ${leaving} ends the session of both`, async () => {
      await signInByAuthKit(jane);
      const before = await session();
      await button(leaving, "Sign out").click();
      for (const side of sides) await says(side, "Nobody is signed in");
      assert.equal(page.url(), `${app.url}/`, "WorkOS has sent the browser back");
      assert.equal(await cookie(), undefined);

      // The session has ended at WorkOS too: a copy of it cannot be refreshed.
      for (const asking of [() => page.goto(app.url), askAgain]) {
        await plant(await sealed({ ...before, accessToken: standIn.expiringIn(before.accessToken, -60) }));
        await asking();
        for (const side of sides) await says(side, "Nobody is signed in");
        assert.equal(await cookie(), undefined);
      }
    });
  }

  test("what neither has sealed is no session of either, and goes", async () => {
    await signInByAuthKit(jane);
    const good = await session();
    const foreign = standIn.resigned(good.accessToken, {}, "workos-foreign.pem");
    const cookies = {
      "an altered seal": altered(await cookie()),
      "another password": await sealed(good, {
        password: "another password, also of more than thirty-two letters",
      }),
      "a token that another key has signed, and an invalid refresh token": await sealed({
        ...good,
        accessToken: foreign,
        refreshToken: "none",
      }),
    };
    for (const [name, value] of Object.entries(cookies)) {
      for (const asking of [() => page.goto(app.url), askAgain]) {
        await plant(value);
        await asking();
        for (const side of sides) await says(side, "Nobody is signed in");
        assert.equal(await cookie(), undefined, name);
      }
    }
  });

  test("a server of Next.js asks Anteroom with the access token, as the same participant", async () => {
    await signInByAuthKit(jane);
    const kept = await cookie();
    await page.goto(`${app.url}/room`);
    const seen = await page.getByRole("status").textContent();
    const token = await anteroomPost("/api/v1/livekit/room-auth", { roomId: "room123", username: "Jane" });
    assert.equal(seen, `Jane from the server may join as ${claimsOf(token.token).sub}`);
    assert.equal(await cookie(), kept);

    await expire();
    await page.goto(`${app.url}/room`);
    assert.equal(
      await page.getByRole("status").textContent(),
      seen,
      "refreshed by the proxy of Next.js, sent on",
    );
  });

  test("a server of Next.js sends to the sign-in whom it does not know", async () => {
    await page.goto(`${app.url}/room`);
    await page.getByRole("link", { name: jane }).click();
    for (const side of sides) await says(side, "Jane Doe");

    const good = await session();
    const over = { accessToken: standIn.expiringIn(good.accessToken, -60), refreshToken: "none" };
    for (const path of ["room", "sign-in"]) {
      await plant(await sealed({ ...good, ...over }));
      await page.goto(`${app.url}/${path}`);
      await page.getByRole("link", { name: jane }).waitFor();
      assert.equal(await cookie(), undefined);
    }
  });

  const left = version === "3" ? "a cookie each" : "five cookies at most";
  test(`the pages that a signed-out visitor loads leave ${left}`, async () => {
    const loads = 12;
    for (let load = 0; load < loads; load += 1) await loadAlone();
    const verifiers = (await window.cookies(app.url)).filter(({ name }) =>
      name.startsWith("wos-auth-verifier"),
    );
    if (version === "3") assert.equal(verifiers.length, loads);
    else assert.ok(verifiers.length <= 5, `there are ${verifiers.length}`);
  });

  const keeps = version === "3" ? "and this version of the SDK does not" : "and so does Next.js";
  test(`while WorkOS is down Anteroom keeps the session, ${keeps}`, async () => {
    await signInByAuthKit(jane);
    const kept = await expire();
    await standIn.failing({ fault: "failing", status: 503 }, async () => {
      assert.equal((await sessionAnswer()).status, 503);
      await loadAlone();
      assert.equal(await cookie(), version === "3" ? undefined : kept);
      // Whoever still has the cookie is not sent to the sign-in.
      const answer = await window.request.get(`${app.url}/sign-in`, { maxRedirects: 0 });
      assert.equal(answer.status(), version === "3" ? 307 : 503);
      const anyway = await window.request.get(`${app.url}/sign-in?anyway`, { maxRedirects: 0 });
      assert.equal(anyway.status(), 307);
      assert.equal(await cookie(), version === "3" ? undefined : kept);
    });
    await plant(kept);
    await page.goto(app.url);
    for (const side of sides) await says(side, "Jane Doe");
  });

  test("nothing in the browser fails, and nothing is asked of another machine", () => {
    assert.deepEqual(chromium.strangers, []);
    assert.deepEqual(
      app.lines.filter((line) => /error/i.test(line)),
      [],
    );
  });
}

async function start(version) {
  await NextApp.build(version);
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  anteroom = await Anteroom.start({
    ALLOWED_ORIGINS: origin,
    WORKOS_REDIRECT_URI: `${origin}/callback`,
    WORKOS_LOGOUT_RETURN_TO: origin,
  });
  standIn = new WorkOsStandIn(anteroom);
  // As the guide says: use localhost for both.
  api = anteroom.url.replace("127.0.0.1", "localhost");
  app = await NextApp.start({ version, port, anteroom: api, workos: standIn.url });
}

async function signInByAuthKit(email) {
  await page.goto(`${app.url}/sign-in`);
  await page.getByRole("link", { name: email }).click();
  await page.waitForURL(`${app.url}/`);
  for (const side of sides) await button(side, "Sign out").waitFor();
}

async function signInByCode(email) {
  const form = region("Anteroom");
  await form.getByRole("textbox").fill(email);
  await form.getByRole("button", { name: "Continue" }).click();
  const code = form.locator("[autocomplete=one-time-code]");
  await code.waitFor();
  await code.fill(await standIn.magicCode(email));
  await form.getByRole("button", { name: "Continue" }).click();
}

/** Runs `action` while the browser cannot reach that endpoint. */
async function unreachable(endpoint, action) {
  const address = new RegExp(`/auth/${endpoint}$`);
  await page.route(address, (route) => route.abort());
  await action();
  await page.unroute(address);
}

/** Lets Anteroom answer once more, in the browser. */
async function askAgain() {
  await button("Anteroom", "Ask again").click();
  await page.locator("[aria-label=Anteroom][aria-busy=false]").waitFor();
}

/** Loads the page's HTML, without running its scripts. */
async function loadAlone() {
  const answer = await window.request.get(app.url, { headers: { accept: "text/html" } });
  assert.equal(answer.status(), 200);
}

function region(side) {
  return page.getByRole("region", { name: side });
}

function button(side, name) {
  return region(side).locator("button, .button").filter({ hasText: name });
}

async function says(side, text) {
  await region(side).getByRole("status").filter({ hasText: text }).waitFor();
}

/** Waits until a side has the one organization chosen and the other not. */
async function acts(side, name, other) {
  await region(side).locator("button:disabled").filter({ hasText: name }).waitFor();
  await region(side).locator("button:enabled").filter({ hasText: other }).waitFor();
}

/** What a side shows of the session. */
async function read(side) {
  const [names, values] = await Promise.all(
    ["dt", "dd"].map((tag) => region(side).locator(tag).allTextContents()),
  );
  return Object.fromEntries(names.map((name, at) => [name, values[at]]));
}

/** The session cookie as the browser has it. */
async function cookie() {
  const found = (await window.cookies(app.url)).filter(({ name }) => name === "wos-session");
  assert.ok(found.length <= 1, "there are two cookies of one name");
  return found[0]?.value;
}

async function plant(value) {
  const old = { name: "wos-session", path: "/", httpOnly: true, sameSite: "Lax" };
  await window.addCookies([{ ...old, value, domain: "localhost" }]);
}

async function session() {
  return opened(await cookie());
}

async function claims() {
  return claimsOf((await session()).accessToken);
}

/** Makes the access token expire in that many seconds, or a minute ago, and returns its cookie. */
async function expire(left = -60) {
  const now = await session();
  const accessToken = standIn.expiringIn(now.accessToken, left);
  const value = await sealed({ ...now, accessToken });
  await plant(value);
  return value;
}

/** `GET /auth/session` with the browser's cookie, without storing the cookies of the answer. */
async function sessionAnswer() {
  return fetch(`${anteroom.url}/auth/session`, { headers: { cookie: `wos-session=${await cookie()}` } });
}

async function anteroomPost(path, input) {
  const headers = { "content-type": "application/json", cookie: `wos-session=${await cookie()}` };
  const answer = await fetch(anteroom.url + path, { method: "POST", headers, body: JSON.stringify(input) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}
