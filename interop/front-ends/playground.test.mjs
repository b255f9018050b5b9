// The playground of `cargo dev` in a browser: every flow and every error case, with the stand-ins, and the live
// rooms on LiveKit's and Liveblocks' own servers. Each state is checked by axe, in both color schemes and at
// phone width.
//
//   interop/run front-ends/playground.test.mjs
//   PICTURES=/tmp/pictures interop/run front-ends/playground.test.mjs     # keeps the pictures of every state
//   README_PICTURES=true interop/run front-ends/playground.test.mjs       # makes those in docs/images

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { LiveblocksServer } from "../liveblocks/server.mjs";
import { LiveKitServer } from "../livekit/server.mjs";
import { Anteroom, environment, root, targetDirectory } from "../support/anteroom.mjs";
import { freePort, Program, pause, run, until } from "../support/program.mjs";
import { suite } from "../support/suite.mjs";
import { withoutGo } from "../support/tools.mjs";
import { Chromium, executable } from "./chromium.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const wide = { width: 1360, height: 860 };
const narrow = { width: 390, height: 844 };
const jane = "jane.doe@example.com";
const away = "cargo dev does not answer. Is it running?";

let chromium;
let anteroom;
let livekit;
let context;
let page;
let pictures;
/** The windows of the running test, and the problems that each has reported. */
const windows = [];

before(async () => {
  assert.ok(executable, "this needs Chromium: interop/install brings Debian's, CHROMIUM names another one");
  pictures = process.env.PICTURES ?? mkdtempSync(join(tmpdir(), "playground-"));
  mkdirSync(pictures, { recursive: true });
  chromium = await Chromium.start();
});

after(async () => {
  await chromium?.stop();
  if (!process.env.PICTURES) rmSync(pictures, { recursive: true, force: true });
});

describe("with the stand-ins", () => {
  before(async () => {
    anteroom = await Anteroom.start({});
  });

  after(() => anteroom?.stop());

  beforeEach(() => open("/"));

  afterEach(close);

  test("a code by e-mail signs in, and the session is out of every script's reach", async () => {
    await sendCode(jane);
    await useCode();
    await check("code-sent");
    await press("Sign in with the code");
    await says("Signed in as Jane Doe");
    await latest("/auth/finalize-magic-auth").getByText("WorkOS: ").first().waitFor();
    await check("signed-in");

    const [session] = (await context.cookies()).filter(({ name }) => name === "wos-session");
    assert.equal(session.httpOnly, true);
    assert.equal(session.sameSite, "Lax");
    assert.ok(!(await page.evaluate(() => document.cookie)).includes("wos-session"));
    const exchange = latest("/auth/finalize-magic-auth");
    for (const flag of ["HttpOnly", "SameSite=Lax", "Path=/"]) {
      assert.ok(await exchange.getByText(flag, { exact: true }).first().isVisible(), flag);
    }
    assert.ok(!(await page.content()).includes(session.value), "the value is not in the page");
    await exchange.getByRole("button", { name: "Show the browser's cookies" }).click();
    await exchange.getByText(session.value.slice(0, 40)).waitFor();

    await flow("State and sign-out");
    await press("Try to read the cookie from a script");
    await says("document.cookie has no wos-session");
  });

  test("a code that is wrong, expired, used or none is refused, and says why", async () => {
    await sendCode("pending@pending.example.com");
    await press("Send another code");
    await says("200: OK");
    await refuses({
      "Wrong code": 401,
      "Not a code": 400,
      "Expired code": 401,
      "Unknown address": 400,
      "Resend to an address with single sign-on": 403,
    });
    await page.getByLabel("E-mail address").fill("inactive@inactive.example.com");
    await refuses({ "Used code": 401 });
    await header().getByText("inactive@inactive.example.com").waitFor();
    await check("refused-codes");
  });

  test("an error case that needs a code says why none is sent", async () => {
    await page.getByLabel("E-mail address").fill("unverified@example.com");
    for (let sent = 0; sent < 3; sent += 1) await refuses({ "Expired code": 401 });
    await refuses({ "Expired code": 429, "Used code": 429 });
    await page.getByLabel("E-mail address").fill("someone@sso.example.com");
    for (const name of ["Expired code", "Used code"]) {
      await press(name);
      await says("200, and no code is sent. This domain has single sign-on.");
      await press("Not a code");
      await says(/^400: /);
    }
  });

  test("single sign-on goes to the identity provider and comes back", async () => {
    await page.getByLabel("E-mail address").fill("someone@sso.example.com");
    await press("Sign in");
    await says("This domain has single sign-on");
    await check("sso");
    await press("Continue at WorkOS");
    await page.getByRole("heading", { name: "Sign in to Sso Example" }).waitFor();
    await check("sso-stand-in");
    await page.getByRole("link", { name: /someone@sso/ }).click();
    await says("Signed in as Some One");
    assert.equal(new URL(page.url()).search, "", "the code is not in the address any more");
    await check("sso-back");
    await refuses({ "Redeem the code again": 400 });
  });

  test("a code that could not be redeemed in an outage is redeemed after it", async () => {
    await flow("Google and Microsoft");
    await press("Continue with Google");
    const held = await holding("**/auth/finalize-oauth");
    await page.getByRole("link", { name: jane }).click();
    await held.reached;
    await fault("workos", "failing");
    held.release();
    await says(/^503: /);
    await refuses({ "Redeem the code again": 503 });
    await fault("workos", "rate-limited");
    await refuses({ "Redeem the code again": 429 });
    await fault("workos", null);
    await press("Redeem the code again");
    await says("Signed in as Jane Doe");
    await header().getByText("Jane Doe").waitFor();
    assert.equal(await page.locator("#flow .note.bad").count(), 0);
    await check("redeemed-again");
    await refuses({ "Redeem the code again": 400 });
  });

  for (const [name, user] of [
    ["Continue with Google", jane],
    ["Continue with Microsoft", "123@gmail.com"],
  ]) {
    test(`${name.toLowerCase()} and come back`, async () => {
      await flow("Google and Microsoft");
      await check("providers");
      await press(name);
      await page.getByRole("link", { name: user }).click();
      if (user === jane) await says("Signed in as Jane Doe");
      else await page.getByRole("button", { name: "MASADAS" }).waitFor();
    });
  }

  test("the hosted page takes a user through the second factor", async () => {
    await signInWithCode("challenged@example.com");
    await says(/^403: Sign in with your second factor/);
    await check("second-factor");
    await press("Continue on WorkOS's hosted page");
    await page.getByRole("link", { name: "challenged@example.com" }).click();
    await check("second-factor-stand-in");
    await page.getByRole("link", { name: "This is its code" }).click();
    await says("Signed in as challenged@example.com");
  });

  test("a sign-in that the user cancels, and one that this browser has not begun, are refused", async () => {
    await flow("Google and Microsoft");
    await page.getByLabel("Address for the hosted page").fill(jane);
    await page.getByLabel("Screen").selectOption("sign-up");
    await press("Continue on the hosted page");
    await page.getByRole("link", { name: "Nobody: cancel" }).click();
    await says("The user denied the request.");
    await flow("Google and Microsoft");
    await refuses({ "A code without a sign-in": 400, "A screen that does not exist": 400 });
  });

  test("a user of two organizations chooses one, once, and switches to the other", async () => {
    await signInWithCode("123@gmail.com");
    await page.getByRole("button", { name: "MASADAS" }).waitFor();
    await check("organizations");
    await refuses({ "An organization that was not offered": 403, "Another pending token": 403 });
    await press("MASADAS");
    await says("Signed in as Chris Chooser");
    await refuses({ "Choose a second time": 401 });

    await flow("State and sign-out");
    await page.locator("#flow").getByLabel("Organization").selectOption({ label: "TAUNTA SCRE" });
    await press("Switch");
    await says(/^Switched/);
    await page.getByText("org_01ANTER00MTAUNTASCRE000000").first().waitFor();
    await check("session");
    await refuses({ "Switch to a stranger's organization": 403 });
    await latest("/auth/switch-organization")
      .getByText("workos does not admit the user: organization_membership_not_found")
      .waitFor({ state: "attached" });
    await refuses({ "Switch for another user": 403 });
    await press("Show the cookie");
    await says(/wos-session \(\d+ bytes\)/);
  });

  test("a second choice that is pressed first signs in, and the next user is not offered its organizations", async () => {
    await flow("Google and Microsoft");
    await press("Continue with Microsoft");
    await page.getByRole("link", { name: "123@gmail.com" }).click();
    await press("Choose a second time");
    await says("Signed in as Chris Chooser");
    await header().getByText("Chris Chooser").waitFor();
    await refuses({ "Choose a second time": 401 });

    await flow("State and sign-out");
    const target = page.locator("#flow").getByLabel("Organization");
    assert.deepEqual(await target.locator("option").allTextContents(), ["MASADAS", "TAUNTA SCRE"]);
    await page.reload(); // The session arrives after the flow.
    await target.locator("option").first().waitFor({ state: "attached" });
    await press("Sign out");
    await says(/^The cookie is cleared/);
    assert.equal(await target.locator("option").count(), 0, "nobody is signed in");
    await signIn();
    await flow("State and sign-out");
    assert.equal(await target.getAttribute("placeholder"), "org_…");
  });

  test("signing out ends the session at WorkOS too and comes back", async () => {
    await signIn();
    await flow("State and sign-out");
    await press("Sign out");
    await says(/^The cookie is cleared/);
    assert.ok(!(await context.cookies()).some(({ name }) => name === "wos-session"));
    await check("signed-out");
    await press("Go there and come back");
    await page.waitForURL(`${anteroom.url}/`);
    await page.getByText("Nobody is signed in").first().waitFor();
  });

  test("an account is created once", async () => {
    await flow("Sign up");
    await check("sign-up");
    await press("Sign up");
    await says("201: Created");
    await refuses({ "An address that has an account": 409, "Not an address": 400 });
  });

  test("an expired session is refreshed, also by two tabs at once, and an outage does not end it", async () => {
    await flow("Expiry and refresh");
    await press("Let it expire, then ask for the session");
    await says(/^The token had expired\. The call refreshed it/);
    const refreshed = latest("/auth/session");
    await refreshed.getByText("wos-session", { exact: true }).first().waitFor();
    await check("refreshed");
    await press("Two tabs refresh at once");
    await says("200 and 200");
    await press("WorkOS is down when it expires");
    await says(/^While WorkOS was down: 503, .* Now that it is back: 200/);
  });

  test("a page of another origin can do nothing", async () => {
    await signIn();
    await flow("A foreign origin");
    for (const [name, path] of [
      ["Sign the user out", "/auth/sign-out"],
      ["Read the session", "/auth/session"],
      ["Start a sign-in", "/auth/continue-with-google"],
    ]) {
      await press(name);
      await says(/the browser keeps the response/);
      await answered(path, 403);
      assert.equal(await latest(path).getByText("Cookies", { exact: true }).count(), 0, path);
    }
    await check("foreign-origin");
    await press("Am I still signed in?");
    await answered("/auth/session", 200);
  });

  test("a room's token is decoded, and the values are hidden until somebody asks", async () => {
    await flow("Token for a room");
    await refuses({ "Get a token": 401 });
    await signIn();
    await flow("Token for a room");
    await press("Get a token");
    await says("The token is decoded on the right");
    const exchange = latest("/api/v1/livekit/room-auth");
    await exchange.getByRole("rowheader", { name: "video.roomJoin" }).waitFor();
    await exchange
      .getByText(/^9:\d\d left$/)
      .first()
      .waitFor();
    await check("room-token");
    await readmePictures();

    const text = () => exchange.textContent();
    assert.ok(!(await text()).includes("eyJ"), "the token is hidden");
    await exchange.getByRole("button", { name: "Show the values" }).click();
    assert.ok((await text()).includes("eyJ"));
    await exchange.getByText("The same with curl").click();
    assert.match(
      await text(),
      /curl -sS -b jar -c jar -X POST 'http:\/\/127\.0\.0\.1:\d+\/api\/v1\/livekit\/room-auth'/,
    );
    await exchange.getByText(/^\d+ log lines?$/).click();
    assert.match(await text(), /"message":"answered"/);

    await press("The same for LiveKit's TokenSource");
    await answered("/api/v1/livekit/token", 201);
    await refuses({ "A name with a control character": 400, "No room": 400, "A forged bearer token": 401 });
  });

  test("a room is recorded once, and its recording is stopped, listed and opened", async () => {
    await signIn();
    await flow("Recordings");
    await press("List the recordings");
    await says("0 recordings of room123");
    await press("Start recording");
    await says(/^Recording since/);
    await recordings().getByText("active", { exact: true }).waitFor();
    await check("recording");
    await refuses({
      "Stop it from another zone": 404,
      "Record a room twice": 409,
      "Record a room that nobody is in": 404,
      "Stop an unknown recording": 404,
    });
    await page.locator("#flow").getByRole("button", { name: "Stop", exact: true }).waitFor();
    await check("recording-and-refused");
    // What is listed is stopped, whatever the fields say now.
    await enterPlace("another-room", "another-zone");
    await recordings()
      .getByRole("button", { name: /^Stop the recording of / })
      .click();
    await says(/^Stopped/);
    await says(/^1 recording of room123 in the zone eu/);
    assert.equal(await page.getByText(/^Recording since/).count(), 0);
    await enterPlace("room123", "eu");

    const play = await listed();
    await recordings()
      .getByText(/^9:\d\d left$/)
      .first()
      .waitFor();
    assert.equal(
      await recordings()
        .getByText(/, 24 bytes, EG_/)
        .count(),
      1,
    );
    await check("recordings");
    const exchange = latest("/api/v1/livekit/recordings");
    assert.ok(!/X-Amz-Signature=[0-9a-f]/.test(await exchange.textContent()), "the signature is hidden");
    const opened = context.waitForEvent("page");
    await play.click();
    const film = await opened;
    await film.waitForURL(/X-Amz-Signature=/);
    const response = await fetch(film.url());
    assert.deepEqual([response.status, response.headers.get("content-type")], [200, "video/mp4"]);
    assert.match(Buffer.from(await response.arrayBuffer()).toString("latin1"), /ftypisom/);
    await film.close();
  });

  test("a list of many recordings has pages, whose cursor cannot be changed", async () => {
    await signIn();
    await flow("Recordings");
    await page.locator("#flow").getByLabel("Room").fill("test-room");
    await press("Add 120 older ones");
    await says("List a recording first");
    await press("Start recording");
    await says(/^Recording since .*: test-room in the zone eu/);
    await refuses({ "Record a room twice": 409 });
    await enterPlace("another-room", "another-zone");
    await press("Stop");
    await says(/^Stopped/);
    await enterPlace("test-room", "eu");
    await listed();
    await press("Add 120 older ones");
    await says("100 recordings of test-room");
    const starts = () => recordings().locator("code").allTextContents();
    const first = await starts();
    await refuses({ "List with a changed cursor": 400, "List two rooms at once": 400 });
    await press("List another zone");
    await says(/^200, with 0 recordings/);
    await refuses({ "List without the permission": 403 });
    await enterPlace("another-room", "another-zone");
    await press("Next page");
    await says("121 recordings of test-room");
    const all = await starts();
    assert.deepEqual(all.slice(0, 100), first);
    assert.deepEqual(all, [...all].sort().reverse(), "newest first");
    assert.equal(await page.getByRole("button", { name: "Next page" }).count(), 0, "it was the last");
    await check("recordings-in-pages");
  });

  test("guests come by an invitation, which nobody can change", async () => {
    await flow("Guests");
    await refuses({ Invite: 401 });
    await signIn();
    await flow("Guests");
    await press("Invite");
    await says(/^Whoever has this link can join room123 as a guest: 2[34] h \d+ min left/);
    const exchange = latest("/api/v1/livekit/invite-guest");
    for (const claim of ["room", "canPublish", "inviter", "exp"]) {
      await exchange.getByRole("rowheader", { name: claim, exact: true }).waitFor();
    }
    assert.ok(!(await exchange.textContent()).includes("eyJ"), "the invitation is hidden");
    await check("invitation");
    await press("Get a guest's token");
    await says(/^A token to join room123\. The identity is guest:\d{20}, .* The guest may publish\./);
    const token = latest("/api/v1/livekit/guest-auth");
    await token.getByRole("rowheader", { name: "video.roomJoin" }).waitFor();
    assert.ok(!(await token.textContent()).includes("eyJ"), "both are hidden");
    await check("guest-token");
    await refuses({
      "A changed invitation": 401,
      "A guest's token as an invitation": 401,
      "A name with a control character": 400,
      "Invite for 169 hours": 400,
      "Invite for half an hour": 400,
      "Invite without the permission": 403,
    });

    await page.getByLabel("Valid for").fill("1");
    await page.getByLabel("Guests may").selectOption("watch");
    await press("Invite");
    await says(/ (1 h 0|0 h 59|59:\d\d).* left/);
    const link = await page.getByLabel("Link for guests").inputValue();
    assert.ok(link.startsWith(`${anteroom.url}/#guest/ey`), link);
    // Somebody else's browser.
    await open(new URL(link).pathname + new URL(link).hash);
    assert.equal(new URL(page.url()).hash, "#guest", "the invitation is not in the address any more");
    await check("guest");
    await press("Get a guest's token");
    await says(/The guest may only watch and listen\./);
    assert.deepEqual(await context.cookies(), []);
  });

  test("a moderator mutes and removes guests, and no recorder", async () => {
    await signIn();
    await flow("Moderation");
    await says(/LiveKit is only the stand-in here/);
    const present = page.getByRole("region", { name: "In the room" });
    await present.getByText("participant-1", { exact: true }).waitFor();
    await press("Let a guest in");
    await says("Gus Guest is in the room");
    await present.getByText("microphone on, camera on").waitFor();
    await refuses({
      "Mute a screen that nobody shares": 404,
      "Mute a source that does not exist": 400,
      "Remove a recorder": 404,
      "Remove an agent": 404,
      "Remove somebody who has left": 404,
      "Remove without the permission": 403,
    });
    for (const words of ["microphone muted, camera on", "microphone muted, camera muted"]) {
      await press("Mute");
      await says("200: OK");
      await present.getByText(words).waitFor();
      await page.getByLabel("Source").selectOption("camera");
    }
    await check("moderation");
    await press("Remove");
    await says("200: OK");
    await present.getByText("Gus Guest").waitFor({ state: "detached" });
    await refuses({ Remove: 404 });
    await present.getByRole("button", { name: "Use it: participant-1" }).click();
    await refuses({ Remove: 404, Mute: 404 });
  });

  test("a document's token is Liveblocks' own, and refusals have their status", async () => {
    await flow("Token for documents");
    await press("Get a token");
    await says("The token is decoded on the right");
    await latest("/api/liveblocks-auth").getByRole("rowheader", { name: "ui.color" }).waitFor();
    await check("document-token");
    await refuses({
      "Nobody is signed in": 404,
      "A forged token": 401,
      "A banned user": 403,
      "No primary address": 404,
    });
  });

  test("an outage of each provider is 503 and ends no session", async () => {
    await signIn();
    for (const [provider, link, action] of [
      ["WorkOS", "Code or single sign-on", "Sign in"],
      ["Clerk", "Token for documents", "Get a token"],
      ["Liveblocks", "Token for documents", "Get a token"],
      ["LiveKit", "Recordings", "Start recording"],
    ]) {
      await flow("Outages");
      await page.locator("#flow").getByLabel(provider).selectOption("failing");
      await says(`${provider} fails now`);
      if (provider === "WorkOS") await check("outages");
      await flow(link);
      await refuses({ [action]: 503 });
      if (provider === "WorkOS") await check("outage");
      await page.reload(); // The page's memory goes, and the outage stays.
      await flow("Outages");
      assert.equal(await page.locator("#flow").getByLabel(provider).inputValue(), "failing");
      await press("End every outage");
      await says("Everything works again");
    }
    assert.ok((await context.cookies()).some(({ name }) => name === "wos-session"));
  });

  test("where LiveKit and Liveblocks are stand-ins, the page says so", async () => {
    await flow("Join a call");
    await says(/LiveKit is only the stand-in here/);
    await check("call-stand-in");
    await flow("Two in a document");
    await says(/Liveblocks is only the stand-in here/);
  });

  test("a call that another program makes is shown, and the list can be cleared", async () => {
    await fetch(`${anteroom.url}/auth/sign-in`, { method: "POST", body: "{}" });
    await answered("/auth/sign-in", 415);
    await press("Clear", page);
    assert.equal(await page.locator(".exchange").count(), 0);
  });

  test("asking for the session again keeps the keyboard's place", async () => {
    await signIn();
    const session = page.getByRole("region", { name: "Session" });
    await press("Ask again", session);
    await page.waitForFunction(() => document.activeElement.textContent === "Ask again");
    await context.clearCookies();
    await press("Ask again", session);
    await session.getByText("Nobody is signed in").waitFor();
    await page.waitForFunction(() => document.activeElement.id === "who");
  });

  test("the browser's cookies get the focus of the button that showed them", async () => {
    await signIn();
    await press("Show the browser's cookies", latest("/auth/finalize-oauth"));
    await page.waitForFunction(
      () => document.activeElement.getAttribute("aria-label") === "The browser's cookies",
    );
  });

  test("an exchange that is drawn again or closed keeps the keyboard's place", async () => {
    await flow("Sign up");
    // What the gateway knows of the second call arrives when the user is already reading.
    const held = await holding("**/playground/exchanges?*");
    await press("Sign up");
    await says("201: Created");
    await held.reached;
    await press("Not an address");
    const refused = latest("/auth/sign-up");
    const summary = refused.locator("summary", { hasText: "The same with curl" });
    await summary.click();
    assert.equal(await refused.getByText("Work", { exact: true }).count(), 0);
    held.release();
    await refused.getByText("Work", { exact: true }).waitFor();
    await page.waitForFunction(() => document.activeElement.textContent === "The same with curl");
    assert.ok(await refused.getByLabel("curl command").isVisible(), "it is still open");

    // Another program's call closes the entry.
    await fetch(`${anteroom.url}/auth/sign-in`, { method: "POST", body: "{}" });
    await answered("/auth/sign-in", 415);
    await page.waitForFunction(() => document.activeElement.matches(".exchange [data-key=title]"));
    assert.match(await page.evaluate(() => document.activeElement.textContent), /\/auth\/sign-up/);
  });

  test("the link to the flow keeps the flow and what was entered", async () => {
    await flow("Recordings");
    const room = page.getByLabel("Room", { exact: true });
    await room.fill("entered");
    await page.locator(".skip").focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "flow");
    // A change of the address arrives later: give it the time of two frames.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    assert.equal(new URL(page.url()).hash, "#recordings");
    assert.equal(await room.inputValue(), "entered");
  });

  test("everything is within reach of the keyboard", async () => {
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "flow");
    for (let press = 0; press < 2; press += 1) await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Sign in");
    await page.keyboard.press("Enter");
    await page.getByLabel("Code", { exact: true }).waitFor();
    await page.waitForFunction(() => document.activeElement.name === "code");
  });
});

describe("when cargo dev is restarted", () => {
  let port;
  let program;

  before(async () => {
    port = await freePort();
    anteroom = { url: `http://127.0.0.1:${port}` };
    await start();
  });

  after(() => program?.stop());

  beforeEach(() => open("/"));

  afterEach(close);

  async function start() {
    const args = ["--port", String(port), "--no-build"];
    program = new Program("dev", join(targetDirectory, "debug", "dev"), args, {
      cwd: root,
      env: environment({}),
    });
    await program.line(/^Press Ctrl-C to stop/, 60);
  }

  test("the page says that it does not answer, and learns the outages anew", async () => {
    windows.at(-1).isCutOff = true;
    await flow("Outages");
    await page.locator("#flow").getByLabel("LiveKit").selectOption("failing");
    await says("LiveKit fails now");
    const provider = page.getByRole("list", { name: "Providers" }).getByText("LiveKit");
    assert.match(await provider.locator("..").textContent(), /failing/);

    await program.stop();
    await press("End every outage");
    await failure().getByText(away).waitFor();
    await flow("Sign up");
    assert.equal(await failure().textContent(), "", "another flow, another action");
    await press("Sign up");
    await failure().getByText(away).waitFor();
    await check("no-answer");
    await flow("Outages");
    await page.locator("#flow").getByLabel("Clerk").selectOption("down");
    await failure().getByText(away).waitFor();
    assert.equal(await page.locator("#flow").getByLabel("Clerk").inputValue(), "", "it is not switched on");

    await start();
    await page.waitForFunction(() => document.getElementById("failure").textContent === "");
    assert.match(await provider.locator("..").textContent(), /stand-in/);
    assert.equal(await page.locator("#flow").getByLabel("LiveKit").inputValue(), "");
    await flow("Sign up");
    await press("Sign up");
    await says("201: Created");
    await latest("/auth/sign-up").getByText("Work", { exact: true }).waitFor();
  });

  test("a page that could not begin says so and tries again", async () => {
    windows.at(-1).isCutOff = true;
    await page.route("**/playground/outages", (route) => route.abort("connectionrefused"));
    await page.reload();
    await failure().getByText(away).waitFor();
    assert.equal(await page.getByText("Loading …").count(), 0);
    await check("not-begun");
    await page.unroute("**/playground/outages");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".flow-title").waitFor();

    // As long as nothing answers, the page stays, and then it begins by itself.
    await page.route(/\/playground\/(exchanges|overview|outages)(\?|$)/, (route) =>
      route.abort("connectionrefused"),
    );
    await page.reload();
    await failure().getByText(away).waitFor();
    await page.waitForTimeout(2500);
    await failure().getByText(away).waitFor();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.locator(".flow-title").waitFor();
  });

  test("a recording that a restart has made cargo dev forget is not shown as running for ever", async () => {
    windows.at(-1).isCutOff = true;
    await signIn();
    await flow("Recordings");
    await press("Start recording");
    await says(/^Recording since/);
    await program.stop();
    await start();
    await page.locator("#flow").getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByText(/^Recording since/).waitFor({ state: "detached" });
  });

  test("a code that nobody answers is not being redeemed for ever", async () => {
    windows.at(-1).isCutOff = true;
    await page.route("**/auth/finalize-oauth", (route) => route.abort("connectionrefused"));
    await flow("Google and Microsoft");
    await press("Continue with Google");
    await page.getByRole("link", { name: jane }).click();
    await failure().getByText(away).waitFor();
    assert.equal(await page.getByText("Redeeming the code").count(), 0);
    await check("not-redeemed");
    await page.unroute("**/auth/finalize-oauth");
    await press("Redeem the code again");
    await says("Signed in as Jane Doe");
  });
});

describe("with settings of its own", () => {
  afterEach(() => close().finally(() => anteroom.stop()));

  test("where accounts are concealed, an unknown address is answered like any other", async () => {
    anteroom = await Anteroom.start({ CONCEAL_ACCOUNTS: "true" });
    await open("/");
    await press("Unknown address");
    await says("200, as for an address that has an account");
    await page.getByLabel("E-mail address").fill("nobody@example.com");
    await press("Used code");
    await says("200, and no code is sent. CONCEAL_ACCOUNTS hides the reason.");
  });

  test("a function that does not start has no answer, and the page says so", async () => {
    anteroom = await Anteroom.start({ STAGE: "nonsense" });
    await open("/");
    await refuses({ "Unknown address": 500 });
    await latest("/auth/sign-in")
      .getByText(/^sign-in (cannot start|exited during startup)/)
      .waitFor();
    await check("did-not-start");
  });
});

suite("with LiveKit's and Liveblocks' own servers", withoutGo("livekit-server"), () => {
  let liveblocks;

  before(async () => {
    const install = join(root, "local", "playground", "install");
    const { code, output } = await run(install, [], { seconds: 300 });
    assert.equal(code, 0, output);
    livekit = await LiveKitServer.start({ redis: false });
    liveblocks = await LiveblocksServer.start();
    anteroom = await Anteroom.start({ ...livekit.settings, ...liveblocks.settings });
  });

  after(async () => {
    await anteroom?.stop();
    await liveblocks?.stop();
    await livekit?.stop();
  });

  beforeEach(() => open("/"));

  afterEach(close);

  test("two people join a call and see each other's picture and name", async () => {
    const first = await inCall("Jane Doe");
    await inCall("Max Muster");
    await sees(first, "Max Muster");
    await sees(page, "Jane Doe");
    await check("call");

    // The picture that is shown stays the same element while everything around it changes.
    const video = tile(first, "Max Muster").locator("video");
    const element = await video.elementHandle();
    await press("Share a drawn screen");
    await tile(first, "Max Muster").getByRole("button", { name: "Mute screen" }).waitFor();
    await press("Stop sharing the screen");
    await tile(first, "Max Muster").getByRole("button", { name: "Mute screen" }).waitFor({ state: "hidden" });
    const isSame = await video.evaluate((now, before) => now === before, element);
    assert.ok(isSame, "the tile was not drawn again");
    await press("Leave");
    await says("Left.");
    await tile(first, "Max Muster").waitFor({ state: "detached" });
  });

  test("a moderator mutes each source and removes people, who can come back", async () => {
    const other = await inCall("Max Muster");
    await other.getByRole("button", { name: "Share a drawn screen" }).click();
    await inCall("Jane Doe");
    const theirs = tile(page, "Max Muster");
    for (const source of ["microphone", "camera", "screen"]) {
      await theirs.getByRole("button", { name: `Mute ${source} of Max Muster` }).click();
      await says("200: OK");
      await tile(other, "Max Muster (you)")
        .getByRole("button", { name: `Unmute ${source}` })
        .waitFor();
      await theirs.getByText(new RegExp(`${source} muted$`)).waitFor();
    }
    await check("call-muted");
    await tile(other, "Max Muster (you)").getByRole("button", { name: "Unmute microphone" }).click();
    await theirs.getByText("camera and screen muted").waitFor();
    await theirs.getByRole("button", { name: "Remove Max Muster" }).focus();
    await page.keyboard.press("Enter");
    await theirs.waitFor({ state: "detached" });
    await other.getByText("A moderator has removed you").waitFor();
    await page.waitForFunction(() => document.activeElement.matches(".people"));
    await other.getByRole("button", { name: "Join", exact: true }).click();
    await sees(page, "Max Muster");
  });

  for (const [moment, hold] of Object.entries({
    "LiveKit's code arrives": () => holding("**/playground/vendor/livekit-client.js"),
    "the camera is allowed": holdingCamera,
  })) {
    test(`someone who leaves the flow before ${moment} is not in the call`, async () => {
      const username = `Early Leaver, ${moment}`;
      await signIn();
      await flow("Join a call");
      await page.getByLabel("Name in the room").fill(username);
      const held = await hold();
      const join = await page.getByRole("button", { name: "Join", exact: true }).elementHandle();
      await join.click();
      await held.reached;
      await flow("Token for a room");
      await held.release();
      // The flow is not in the page any more, and its button is enabled once joining has come to its end.
      await page.waitForFunction((button) => !button.disabled, join);
      await until(async () => !(await names()).includes(username), `${username} to be out of the call`);
      await page.waitForFunction(() => window.camera?.readyState !== "live");
    });
  }

  test("leaving a call ends the drawings, including the screen's", async () => {
    await context.addInitScript(() => {
      window.fills = 0;
      const { fillRect } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillRect = function (...place) {
        window.fills += 1;
        fillRect.apply(this, place);
      };
    });
    await signIn(); // It loads the page again.
    await flow("Join a call");
    await press("Join");
    await says(/^Joined room123/);
    await press("Share a drawn screen");
    await page.waitForFunction(() => window.fills > 10);
    await press("Leave");
    const fills = () => page.evaluate(() => window.fills);
    const before = await fills();
    // Each drawing paints ten times a second.
    await pause(500);
    assert.equal(await fills(), before);
  });

  test("a guest joins by a link, is marked as one, and is removed", async () => {
    await signIn();
    await flow("Guests");
    await press("Invite");
    const link = await page.getByLabel("Link for guests").inputValue();
    const member = await inCall("Jane Doe");
    await open(new URL(link).pathname + new URL(link).hash);
    await press("Join as a guest");
    await says(/^A token to join room123/);
    await sees(member, "Gus Guest (guest)");
    await sees(page, "Jane Doe");
    assert.equal(await tile(page, "Jane Doe").getByRole("button").count(), 0, "a guest does not moderate");
    await check("guest-in-call");
    await tile(member, "Gus Guest (guest)").getByRole("button", { name: "Remove Gus Guest" }).click();
    await says("A moderator has removed you");
  });

  test("with a real server, a moderator enters the identity", async () => {
    await signIn();
    await flow("Moderation");
    await says("In a call, each tile has these buttons");
    await refuses({ "Remove somebody who has left": 404, "Remove a recorder": 404 });
    await check("moderation-real");
  });

  test("someone who leaves the flow before Liveblocks' code arrives is not in the document", async () => {
    await flow("Two in a document");
    const held = await holding("**/playground/vendor/liveblocks-client.js");
    const open = await page.getByRole("button", { name: "Open the document twice" }).elementHandle();
    await open.click();
    await held.reached;
    await flow("Token for a room");
    held.release();
    await page.waitForFunction((button) => !button.disabled, open);
    // Liveblocks' client would ask for a token at once.
    await pause(500);
    assert.equal(await latest("/api/liveblocks-auth").count(), 0);
  });

  test("two people in a document see each other's cursor, name and color", async () => {
    await flow("Two in a document");
    await press("Open the document twice");
    await says("Both are in the room");
    const [hers, his] = [page.locator(".surface").nth(0), page.locator(".surface").nth(1)];
    await page
      .getByText(/^Sees /)
      .nth(1)
      .waitFor();
    // A cursor that moves on: one single move right after entering can get lost between the two.
    for (let step = 0; step < 100 && (await his.locator(".cursor").count()) === 0; step += 1) {
      await hers.press("ArrowRight");
    }
    for (let step = 0; step < 100 && (await hers.locator(".cursor").count()) === 0; step += 1) {
      await his.press("ArrowUp");
    }
    await his.getByText("Jane Doe").waitFor();
    const color = await his
      .locator(".cursor")
      .evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.notEqual(color, "rgba(0, 0, 0, 0)");
    await check("cursors");
  });
});

/** The names of everybody in a room of LiveKit's server. */
async function names() {
  const rooms = await livekit.rooms.listRooms();
  const people = await Promise.all(rooms.map(({ name }) => livekit.rooms.listParticipants(name)));
  return people.flat().map(({ name }) => name);
}

/** Holds the page's requests for this address. `reached` is when the first has come, and `release` lets all go on. */
async function holding(address) {
  let release;
  let reach;
  const released = new Promise((resolve) => (release = resolve));
  const reached = new Promise((resolve) => (reach = resolve));
  await page.route(address, async (route) => {
    reach();
    await released;
    await route.continue();
  });
  return { reached, release };
}

/** Gives the page a camera, which is the drawing `camera`, and holds the user's permission to use it. */
async function holdingCamera() {
  await page.evaluate(() => {
    navigator.mediaDevices.enumerateDevices = async () => [{ kind: "videoinput", deviceId: "", label: "" }];
    navigator.mediaDevices.getUserMedia = async () => {
      await new Promise((resolve) => (window.allow = resolve));
      const stream = document.createElement("canvas").captureStream(1);
      [window.camera] = stream.getVideoTracks();
      return stream;
    };
  });
  return {
    reached: page.waitForFunction(() => window.allow !== undefined),
    release: () => page.evaluate(() => window.allow()),
  };
}

/** A new window with the playground. */
async function open(path) {
  context = await chromium.window({ viewport: wide, reducedMotion: "reduce" });
  await context.addInitScript({ path: axe });
  page = await context.newPage();
  const problems = [];
  const window = { context, problems, isCutOff: false };
  windows.push(window);
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // The browser itself reports every response from 400 on, which the error cases are about.
    const isStatus = message
      .text()
      .startsWith("Failed to load resource: the server responded with a status of");
    // LiveKit's client reports its channels, if the server closes them because somebody was removed.
    const isClosed = /^(DataChannel error on|publisher data channel '\w+' closed)/.test(message.text());
    const isEndpoint = /\/(auth|api)\//.test(message.location().url);
    const isLost = window.isCutOff && message.text().startsWith("Failed to load resource: net::ERR_");
    const isExpected = isClosed || isLost || (isStatus && isEndpoint);
    if (message.type() === "error" && !isExpected) problems.push(message.text());
  });
  await page.goto(anteroom.url + path);
  await page.locator(".flow-title").waitFor();
}

async function close() {
  for (const { context, problems } of windows.splice(0)) {
    await context.close();
    assert.deepEqual(problems, [], "console errors");
  }
  assert.deepEqual(chromium.strangers, [], "requests to other machines");
}

async function signIn() {
  // Not by e-mail: WorkOS sends three codes a minute.
  await flow("Google and Microsoft");
  await press("Continue with Google");
  await page.getByRole("link", { name: jane }).click();
  await says("Signed in as Jane Doe");
}

/** Has a code sent to an address. */
async function sendCode(email) {
  await page.getByLabel("E-mail address").fill(email);
  await press("Sign in");
  await code().waitFor();
}

/** Enters the latest code. */
function useCode() {
  return code().click();
}

function code() {
  return page.getByRole("button", { name: /^Use it/ }).first();
}

async function signInWithCode(email) {
  await sendCode(email);
  await useCode();
  await press("Sign in with the code");
}

/** Joins a call in a window of its own, which is `page` from then on, and gives it. */
async function inCall(name) {
  if (page.url() !== `${anteroom.url}/`) await open("/");
  await signIn();
  await flow("Join a call");
  await page.getByLabel("Name in the room").fill(name);
  await press("Join");
  await says(/^Joined room123/);
  return page;
}

/** Has a provider's stand-in fail, or with `null` work again. */
async function fault(provider, fault) {
  const response = await fetch(`${anteroom.url}/playground/faults`, {
    method: "POST",
    headers: { "x-playground": "1", "content-type": "application/json" },
    body: JSON.stringify({ provider, fault }),
  });
  assert.equal(response.status, 200);
}

/** Who is signed in, as the header says. */
function header() {
  return page.getByRole("region", { name: "Session" });
}

/** Why an action has had no answer. */
function failure() {
  return page.locator("#failure");
}

/** Enters the room and the zone of recordings. */
async function enterPlace(room, zone) {
  await page.locator("#flow").getByLabel("Room", { exact: true }).fill(room);
  await page.locator("#flow").getByLabel("Zone", { exact: true }).fill(zone);
}

/** The list of recordings. */
function recordings() {
  return page.getByRole("region", { name: "Recordings" });
}

/** Lists the recordings until the newest has a link, which comes with its file, and gives the link. */
async function listed() {
  const play = recordings().locator("li").first().getByRole("link", { name: /^Play/ });
  for (let attempt = 0; attempt < 50 && (await play.count()) === 0; attempt += 1) {
    await press("List the recordings");
  }
  await play.waitFor();
  return play;
}

/** Someone's tile in a window. */
function tile(window, caption) {
  const people = window.getByRole("list", { name: "In the room" });
  return people.getByRole("listitem").filter({ has: window.getByText(caption, { exact: true }) });
}

/** Waits until somebody's picture moves in a window. */
async function sees(window, caption) {
  const video = await tile(window, caption).locator("video").elementHandle();
  await window.waitForFunction((video) => video.videoWidth > 0 && video.currentTime > 0, video);
}

async function flow(title) {
  await page.getByRole("navigation", { name: "Flows" }).getByRole("link", { name: title }).click();
  await page.locator(".flow-title", { hasText: title }).waitFor();
}

/** Presses a button of the flow, and waits until it is done. */
async function press(name, within = page.locator("#flow")) {
  const button = within.getByRole("button", { name, exact: true });
  await button.click();
  await page.waitForFunction(() => document.querySelector("[aria-busy]") === null);
}

/** Presses each of these buttons, whose call is refused with that status. */
async function refuses(cases) {
  for (const [name, status] of Object.entries(cases)) {
    await press(name);
    await says(new RegExp(`^${status}: `));
    // LiveKit's events about what was done before come whenever they come.
    await page
      .locator(".exchange")
      .filter({ hasNotText: "/livekit/webhook" })
      .first()
      .locator(".badge", { hasText: String(status) })
      .waitFor();
  }
}

/** Waits until the latest exchange with that path has that status. */
function answered(path, status) {
  return latest(path).getByText(String(status), { exact: true }).waitFor();
}

/** Waits until the flow says this. */
async function says(text) {
  const pattern = typeof text === "string" ? new RegExp(text.replace(/[.?*+()]/g, "\\$&")) : text;
  await page.locator("#flow .note").filter({ hasText: pattern }).last().waitFor();
}

/** The latest exchange with that path. */
function latest(path) {
  return page.locator(".exchange").filter({ hasText: path }).first();
}

/** Has axe look at this state in both color schemes and widths, and takes its pictures. */
async function check(name) {
  for (const [size, viewport] of Object.entries({ wide, narrow })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const violations = await page.evaluate(async () => {
        const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
        return violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}\n${failureSummary}`),
        );
      });
      assert.deepEqual(violations, [], `${name}, ${size}, ${colorScheme}`);
      const path = join(pictures, `${name}-${size}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: size === "narrow" });
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name} is ${overflow} px too wide at ${viewport.width} px`);
  }
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

async function readmePictures() {
  if (!process.env.README_PICTURES) return;
  const folder = join(root, "docs", "images");
  mkdirSync(folder, { recursive: true });
  await page.setViewportSize({ width: 1280, height: 760 });
  const devTools = await context.newCDPSession(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Playwright itself writes no WebP, which is a third of the size.
    const { data } = await devTools.send("Page.captureScreenshot", { format: "webp", quality: 88 });
    writeFileSync(join(folder, `playground-${colorScheme}.webp`), Buffer.from(data, "base64"));
  }
  await page.setViewportSize(wide);
}
