// examples/react and examples/nextjs: the modules compile, work in a page against the real functions, and
// match their quotations in docs/front-end.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { LiveKitStandIn } from "../livekit/stand-in.mjs";
import { Anteroom, root } from "../support/anteroom.mjs";
import { blocks } from "../support/guide.mjs";
import { claimsOf } from "../support/jwt.mjs";
import { until } from "../support/program.mjs";
import { opened, sealed, WorkOsStandIn } from "../workos/stand-in.mjs";
import { compileWith, modules, Page } from "./page.mjs";

const guide = join(root, "docs", "front-end");
const pages = readdirSync(guide);

const jane = "jane.doe@example.com";
const memberOfTwo = "123@gmail.com";
const sso = "someone@sso.example.com";

let anteroom;
let standIn;
let page;
let signIn;

before(async () => {
  anteroom = await Anteroom.start({});
  standIn = new WorkOsStandIn(anteroom);
});

after(() => anteroom?.stop());

beforeEach(async () => {
  // As the guide says: use localhost for both.
  page = new Page(anteroom.url.replace("127.0.0.1", "localhost"));
  signIn = await page.load("sign-in.js");
});

afterEach(() => page.close());

for (const version of ["3", "4"]) {
  test(`every module compiles, with version ${version} of authkit-nextjs`, async () => {
    const { code, output } = await compileWith(version, modules());
    assert.equal(code, 0, output);
  });
}

const mistakes = [
  ["sign-in.ts", "authData.authMethod ===", "authData.method ===", "'method' does not exist"],
  ["Callback.tsx", "onSignedIn(user)", "onSignedIn(search)", "Cannot find name 'search'"],
  ["SignIn.tsx", "choice={choice} ", "", "'choice' is missing"],
  ["SignInEndpoint.tsx", '"authkit"', '"hosted"', "'\"hosted\"' is not assignable"],
  ["session.ts", "error.isSignedOut", "error.signedOut", "'signedOut' does not exist"],
  ["room.ts", "ROOM_DELETED", "ROOM_GONE", "'ROOM_GONE' does not exist"],
  ["guests.ts", "participant.identity.", "participant.id.", "'id' does not exist"],
  ["moderation.ts", "error.status ===", "error.code ===", "'code' does not exist"],
  ["token-source.ts", "credentials:", "credential:", "'credential' does not exist"],
  ["Conference.tsx", "serverUrl={url}", "server={url}", "'server' does not exist"],
  ["liveblocks.ts", "authEndpoint:", "authEndPoint:", "'authEndPoint'"],
  ["Collaboration.tsx", "{ isSignedIn,", "{ signedIn,", "'signedIn' does not exist"],
  ["proxy.ts", "refreshBufferSeconds", "refreshBuffer", "'refreshBuffer' does not exist"],
  ["app/room-token.ts", "{ accessToken }", "{ token }", "'token' does not exist"],
];

test("what is wrong in a module does not compile", async () => {
  const sources = modules();
  for (const [file, right, wrong] of mistakes) {
    assert.ok(sources.get(file).includes(right), `${file} has no ${right}`);
    sources.set(file, sources.get(file).replace(right, wrong));
  }
  const { code, output } = await compileWith("4", sources);
  assert.notEqual(code, 0);
  for (const [file, , , complaint] of mistakes) {
    const complaints = output.split(/\n(?=\S)/).filter((text) => text.startsWith(`${file}(`));
    assert.ok(
      complaints.some((text) => text.includes(complaint)),
      `${file}: ${output}`,
    );
  }
});

test("what the guide quotes is what the examples say", () => {
  let quoted = 0;
  for (const page of pages) {
    for (const { notes, code } of blocks(`front-end/${page}`)) {
      const file = notes.match(/^file=(\S+)$/)?.[1];
      if (!file) continue;
      const text = `\n${readFileSync(join(root, file), "utf8")}`;
      assert.ok(text.includes(`\n${code}`), `${page} does not quote ${file} as it is:\n${code}`);
      quoted += 1;
    }
  }
  assert.ok(quoted > 15, `only ${quoted} quotations`);
});

test("the guide leads to every example", () => {
  const text = pages.map((page) => readFileSync(join(guide, page), "utf8")).join("");
  for (const folder of ["react", "nextjs", "typed-client"]) {
    const entries = readdirSync(join(root, "examples", folder), { recursive: true, withFileTypes: true });
    for (const { name } of entries.filter((entry) => entry.isFile())) {
      assert.ok(text.includes(`/${name}`), `no page names ${name} of examples/${folder}`);
    }
  }
});

test("a code by e-mail signs in, and signing out leaves the page for WorkOS", async () => {
  assert.equal(await signIn.signIn(jane), "code sent");
  const user = await signIn.finalizeMagicAuth(jane, await standIn.magicCode(jane));
  assert.equal(user.email, jane);
  assert.equal(signIn.isChoice(user), false);
  assert.ok(page.cookies.has("wos-session"));

  await signIn.signOut();
  assert.match(page.address, /\/user_management\/sessions\/logout\?session_id=/);
  assert.ok(!page.cookies.has("wos-session"));
});

test("signing out a session that is already over leaves the page too, and an outage does not", async () => {
  await signIn.signOut();
  assert.equal(page.address, "/");

  page.address = undefined;
  await answeringWith(
    () => Promise.reject(new TypeError("fetch failed")),
    () => assert.rejects(signIn.signOut(), { status: 0, isTransient: true }),
  );
  assert.equal(page.address, undefined);
});

test("single sign-on, Google and Microsoft leave the page and come back to the callback", async () => {
  for (const [begin, as] of [
    [async () => assert.equal(await signIn.signIn(sso), "leaving"), "someone"],
    [() => signIn.continueWith("google"), "jane"],
    [() => signIn.continueWith("microsoft"), "jane"],
  ]) {
    await begin();
    const { code, state } = await standIn.signedInAs(as, page.address);
    const user = await signIn.finalizeOauth(`?${new URLSearchParams({ code, state })}`);
    assert.match(user.id, /^user_/);
    assert.ok(page.cookies.has("wos-session"));
    page.cookies.clear();
  }
});

test("a user of whom WorkOS asks for a second factor or a verified address gets in by the hosted page", async () => {
  for (const [user, message] of [
    ["challenged", "Sign in with your second factor"],
    ["unverified", "Verify your e-mail address first, then sign in again"],
  ]) {
    const email = `${user}@example.com`;
    await signIn.signIn(email);
    const refused = { status: 403, needsHostedPage: true, message };
    await assert.rejects(signIn.finalizeMagicAuth(email, await standIn.magicCode(email)), refused);
    assert.ok(!page.cookies.has("wos-session"));

    await signIn.continueWith("authkit", { email });
    assert.equal(new URL(page.address).searchParams.get("login_hint"), email);
    const { code, state } = await standIn.goneThrough(user, page.address);
    const { email: signedIn } = await signIn.finalizeOauth(`?${new URLSearchParams({ code, state })}`);
    assert.equal(signedIn, email);
    assert.ok(page.cookies.has("wos-session"));
    page.cookies.clear();
  }
});

test("a refusal that the hosted page cannot resolve does not lead there", async () => {
  const email = "without.organization@example.com";
  await signIn.signIn(email);
  const refused = signIn.finalizeMagicAuth(email, await standIn.magicCode(email), "inv_unknown");
  await assert.rejects(refused, { status: 403, needsHostedPage: false });
});

test("a sign-in that begins at WorkOS needs the sign-in endpoint", async () => {
  const { currentSession } = await page.load("session.js");
  const impersonate = `/dev/impersonate?${new URLSearchParams({ user: "jane", by: "admin@example.com", reason: "Ticket 17" })}`;
  for (const [path, impersonator] of [
    [impersonate, { email: "admin@example.com", reason: "Ticket 17" }],
    ["/dev/identity-provider?user=someone", undefined],
  ]) {
    const callback = await standIn.begun(path);
    assert.equal(callback.address.searchParams.has("state"), false);
    await assert.rejects(signIn.finalizeOauth(callback.address.search), { status: 400 });
    assert.equal(page.cookies.size, 0);

    const endpoint = "http://localhost:3000/sign-in-endpoint";
    const { address, cookie } = await standIn.begun(`${path}&sign_in_endpoint=${endpoint}`);
    assert.equal(address.href, endpoint);
    // What SignInEndpoint.tsx does.
    await signIn.continueWith("authkit");
    const returned = await standIn.completed(page.address, cookie);
    await signIn.finalizeOauth(`?${new URLSearchParams(returned)}`);
    const session = await currentSession();
    assert.deepEqual(session.impersonator, impersonator);
    assert.ok(Math.abs(session.authenticatedAt - Date.now() / 1000) < 60);
    page.cookies.clear();
  }
});

test("an invitation is accepted with the code, and on the way through a provider", async () => {
  const email = `invited-${Date.now()}@example.com`;
  await signIn.signUp(email);
  const first = await standIn.invitation(email, "Example");
  await signIn.signIn(email, first);
  await signIn.finalizeMagicAuth(email, await standIn.magicCode(email), first);
  const joined = (await sessionNow()).organizationId;
  assert.match(joined, /^org_/);
  page.cookies.clear();

  for (const provider of ["google", "microsoft", "authkit"]) {
    const invitationToken = await standIn.invitation(email, "Pending Example");
    await signIn.continueWith(provider, { invitationToken });
    const { code, state } = await standIn.signedInAs(email, page.address);
    await signIn.finalizeOauth(`?${new URLSearchParams({ code, state })}`);
    assert.notEqual((await sessionNow()).organizationId, joined, provider);
    page.cookies.clear();
  }
});

test("a callback that brings no code, or that this browser has not begun, does not sign in", async () => {
  const denied = signIn.finalizeOauth("?error=access_denied&error_description=Not+today");
  await assert.rejects(denied, { message: "Not today" });
  await signIn.continueWith("google");
  const { code } = await standIn.signedInAs("jane", page.address);
  page.cookies.clear();
  await assert.rejects(signIn.finalizeOauth(`?code=${code}`), { status: 400 });
  assert.equal(page.cookies.size, 0);
});

test("a user of several organizations chooses one, once, and goes over to another", async () => {
  await signIn.signIn(memberOfTwo);
  const choice = await signIn.finalizeMagicAuth(memberOfTwo, await standIn.magicCode(memberOfTwo));
  assert.ok(signIn.isChoice(choice));
  assert.ok(!page.cookies.has("wos-session"), "not yet");
  const [first, second] = choice.organizations;
  const user = await signIn.selectOrganization(choice, first.id);
  assert.equal((await sessionNow()).organizationId, first.id);
  await assert.rejects(signIn.selectOrganization(choice, first.id), { status: 401 });
  await signIn.switchOrganization(user, second.id);
  assert.equal((await sessionNow()).organizationId, second.id);
});

test("an account is made, has its code sent again, and is made once", async () => {
  const email = `page-${Date.now()}@example.com`;
  await signIn.signUp(email);
  await assert.rejects(signIn.signUp(email), { status: 409 });
  await signIn.signIn(email);
  await signIn.resendCode(email);
  assert.equal((await signIn.finalizeMagicAuth(email, await standIn.magicCode(email))).email, email);
});

test("a wrong code is 401, and an outage is not", async () => {
  await signIn.signIn(jane);
  const code = await standIn.magicCode(jane);
  const wrong = code === "000000" ? "000001" : "000000";
  await assert.rejects(signIn.finalizeMagicAuth(jane, wrong), {
    status: 401,
    isSignedOut: true,
    isTransient: false,
  });
  await standIn.failing(
    { fault: "limiting", path: "/user_management/authenticate", retry_after: 17 },
    async () => {
      const limited = { status: 429, isSignedOut: false, isTransient: true, retryAfter: 17 };
      await assert.rejects(signIn.finalizeMagicAuth(jane, code), limited);
    },
  );
  await standIn.failing({ fault: "failing", status: 503 }, async () => {
    await assert.rejects(signIn.signIn(jane), { status: 503, isSignedOut: false, isTransient: true });
  });
});

test("a call that may be repeated is, and one that may not is not", async () => {
  const { call } = await page.load("anteroom.js");
  await standIn.failing({ fault: "failing", status: 503, times: 1 }, async () => {
    await assert.rejects(call("/auth/sign-in", { email: jane }), { status: 503 });
  });
  await standIn.failing({ fault: "failing", status: 503, times: 1 }, async () => {
    const { authData } = await call("/auth/sign-in", { email: jane }, { attempts: 2 });
    assert.equal(authData.authMethod, "magic_auth");
  });
});

test("a call is not repeated if its Retry-After is too long to wait", async () => {
  const { call } = await page.load("anteroom.js");
  await standIn.failing({ fault: "limiting", retry_after: 60, times: 1 }, async () => {
    const refusal = { status: 503, retryAfter: 60, isTransient: true };
    await assert.rejects(call("/auth/sign-in", { email: jane }, { attempts: 3 }), refusal);
  });
});

test("a success without the API's body is a broken connection", async () => {
  const { call } = await page.load("anteroom.js");
  await signInAs("jane");
  const broken = () => new ReadableStream({ pull: (stream) => stream.error(new TypeError("terminated")) });
  for (const body of [() => "<!doctype html>", () => '{"user":', () => "", broken]) {
    let answers = 0;
    await answeringWith(
      (address, options, pageFetch) => (answers++ === 0 ? new Response(body()) : pageFetch(address, options)),
      async () => {
        const { user } = await call("/auth/session", {}, { method: "GET", attempts: 2 });
        assert.equal(user.email, jane);
      },
    );
    assert.equal(answers, 2);
    const once = answeringWith(
      () => new Response(body()),
      () => call("/auth/session", {}, { method: "GET" }),
    );
    await assert.rejects(once, { status: 0, isTransient: true });
  }
});

test("a GET carries no body, and its refusal is read like any other", async () => {
  const { call } = await page.load("anteroom.js");
  const refusal = { status: 405, message: "Use POST", isTransient: false };
  await assert.rejects(call("/auth/sign-out", {}, { method: "GET" }), refusal);
});

test("a page that loads learns who is signed in, and nobody is no failure", async () => {
  const { currentSession } = await page.load("session.js");
  assert.equal(await currentSession(), undefined);
  await signInAs("jane");
  const { user, organizationId, role, permissions, expiresAt } = await currentSession();
  assert.equal(user.email, jane);
  assert.equal(user.firstName, "Jane");
  assert.match(organizationId, /^org_/);
  assert.equal(role, "admin");
  assert.deepEqual(permissions, ["recordings:manage", "guests:invite", "rooms:moderate"]);
  assert.equal(expiresAt, claimsOf((await sessionNow()).accessToken).exp);

  page.cookies.clear();
  await signInAs("without_organization");
  const guest = await currentSession();
  assert.deepEqual(Object.keys(guest), ["user", "authenticatedAt", "expiresAt"]);
});

test("a page that loads late has its session refreshed by that one call", async () => {
  const { currentSession } = await page.load("session.js");
  const { call } = await page.load("anteroom.js");
  await signInAs("jane");
  await expire();
  const { expiresAt } = await currentSession();
  const refreshed = page.cookies.get("wos-session");
  assert.equal(expiresAt, claimsOf((await sessionNow()).accessToken).exp);
  assert.ok(expiresAt > Date.now() / 1000);
  await call("/api/v1/livekit/room-auth", { username: "Jane", roomId: "room123" });
  assert.equal(page.cookies.get("wos-session"), refreshed);
});

test("a page that loads during an outage is not signed out, and asks again", async () => {
  const { currentSession } = await page.load("session.js");
  await signInAs("jane");
  await expire();
  const cookie = page.cookies.get("wos-session");
  await standIn.failing({ fault: "failing", status: 503 }, async () => {
    await assert.rejects(currentSession(), { status: 503, isSignedOut: false, isTransient: true });
  });
  assert.equal(page.cookies.get("wos-session"), cookie);
  await standIn.failing({ fault: "failing", status: 503, times: 2 }, async () => {
    assert.equal((await currentSession()).user.email, jane);
  });
  assert.notEqual(page.cookies.get("wos-session"), cookie);
});

test("no answer at all is no sign-out either", async () => {
  const { call } = await page.load("anteroom.js");
  await answeringWith(
    () => Promise.reject(new TypeError("fetch failed")),
    () => assert.rejects(call("/auth/sign-out"), { status: 0, isSignedOut: false, isTransient: true }),
  );
});

test("a room is joined with its token, and with a new one after a long break", async () => {
  await signInAs("jane");
  const { join } = await page.load("room.js");
  const { options, seen } = inCall();
  await join("wss://rooms.example.com", "room123", "Jane Doe", options);
  const { room } = seen;
  const [{ url, token }] = room.connections;
  assert.equal(url, "wss://rooms.example.com");
  const claims = claimsOf(token);
  assert.equal(claims.video.room, "room123");
  assert.equal(claims.name, "Jane Doe");
  assert.equal(claims.exp - claims.nbf, 600);
  assert.match(claims.sub, /^user_\w+:[0-9a-f]{16}$/);

  room.drop(); // As LiveKit's client says it when it has given up.
  await until(() => seen.joined === 2, "another connection");
  room.drop(2); // Another tab has taken over.
  assert.deepEqual([seen.joined, seen.ended, room.connections.length], [2, 1, 2]);
});

test("a connection that fails is reported once, and tried again only from inside a call", async () => {
  await signInAs("jane");
  const { join } = await page.load("room.js");
  const { Room } = await page.load("node_modules/livekit-client/index.js");
  Room.failures = 1;
  const first = inCall();
  const joining = join("wss://rooms.example.com", "room123", "Jane Doe", first.options);
  await assert.rejects(joining, { message: "could not establish a connection" });
  assert.deepEqual([first.seen.joined, first.seen.ended, Room.failures], [0, 0, 0]);

  const { options, seen } = inCall();
  await join("wss://rooms.example.com", "room123", "Jane Doe", options);
  Room.failures = 1;
  seen.room.drop();
  await until(() => seen.joined === 2, "a connection after one that has failed");
  assert.deepEqual([seen.ended, seen.room.connections.length], [0, 3]);
});

test("leaving works at any moment, while a token is fetched too", async () => {
  await signInAs("jane");
  const { join } = await page.load("room.js");
  const joinedNot = inCall();
  const joining = join("wss://rooms.example.com", "room123", "Jane Doe", joinedNot.options);
  joinedNot.leave();
  await assert.rejects(joining, { name: "AbortError" });
  assert.equal(joinedNot.seen.joined, 0);

  const { options, seen, leave } = inCall();
  await join("wss://rooms.example.com", "room123", "Jane Doe", options);
  seen.room.drop();
  leave();
  await until(() => seen.ended === 1, "the end");
  assert.deepEqual([seen.joined, seen.room.connections.length], [1, 1]);

  const third = inCall();
  await join("wss://rooms.example.com", "room123", "Jane Doe", third.options);
  third.leave();
  await until(() => third.seen.ended === 1, "the end");
});

test("LiveKit's client fetches a token with the session's cookie", async () => {
  await signInAs("jane");
  const { tokenSource } = await page.load("token-source.js");
  const { serverUrl, participantToken } = await tokenSource().fetch({ roomName: "room123" });
  assert.match(serverUrl, /^ws:/);
  const claims = claimsOf(participantToken);
  assert.deepEqual([claims.name, claims.video.room], ["Jane Doe", "room123"]);
});

test("a guest comes in by a link, is told by the identity, and is muted and removed", async () => {
  const { guestLink, guestToken, isGuest } = await page.load("guests.js");
  const { mute, remove } = await page.load("moderation.js");
  await signInAs("jane");
  const link = new URL(await guestLink("https://app.example.com/guest", "guests", 1));
  assert.equal(link.pathname, "/guest");

  page.cookies.clear();
  const token = await guestToken(link.hash, "Jane Doe");
  assert.equal(claimsOf(token).name, "Jane Doe");
  const livekit = new LiveKitStandIn(anteroom);
  const identity = await livekit.join(token, "MICROPHONE");
  assert.equal(isGuest({ identity }), true);
  assert.equal(isGuest({ identity: "user_guest:0123456789abcdef" }), false);
  await assert.rejects(mute("guests", identity, "microphone"), { status: 401 });
  await assert.rejects(guestToken(`${link.hash}x`, "Gus"), { status: 401 });

  await signInAs("jane");
  assert.equal(await mute("guests", identity, "microphone"), true);
  assert.equal(await mute("guests", identity, "camera"), false);
  assert.equal(await remove("guests", identity), true);
  assert.equal(await remove("guests", identity), false);
  assert.deepEqual(await livekit.roomClient().listParticipants("guests"), []);

  page.cookies.clear();
  await signInAs("without_organization");
  await assert.rejects(guestLink("/guest", "guests", 1), { status: 403 });
  await assert.rejects(remove("guests", identity), { status: 403 });
});

test("a recording is started by one, and stopped, once or twice", async () => {
  await signInAs("jane");
  const { startRecording, stopRecording } = await page.load("recording.js");
  const { egressId } = await startRecording("test-room", "1", "Weekly");
  assert.equal(await startRecording("test-room", "1", "Weekly"), undefined);
  await stopRecording("test-room", "1", egressId);
  await stopRecording("test-room", "1", egressId);
  await assert.rejects(startRecording("nowhere", "1", "Weekly"), { status: 404 });
  await assert.rejects(stopRecording("test-room", "2", egressId), { status: 404 });
});

test("Liveblocks gets its token with Clerk's, and is told to stop without one", async () => {
  const { collaborate } = await page.load("liveblocks.js");
  const answer = await fetch(`${anteroom.standIn("Clerk")}/dev/session-token?user=jane`);
  const token = (await answer.text()).trim();
  assert.match((await collaborate(async () => token).authEndpoint()).token, /^ey/);
  const stopped = { error: "forbidden", reason: "User not found" };
  assert.deepEqual(await collaborate(async () => null).authEndpoint(), stopped);
});

test("Liveblocks gets its token with WorkOS's cookie where the deployment says so", async () => {
  const another = await Anteroom.start({ LIVEBLOCKS_IDENTITY: "workos" });
  const itsPage = new Page(another.url.replace("127.0.0.1", "localhost"));
  try {
    const { authorizeWithCookie } = await itsPage.load("liveblocks.js");
    const stopped = { error: "forbidden", reason: "User not found" };
    assert.deepEqual(await authorizeWithCookie(), stopped);
    const { call } = await itsPage.load("anteroom.js");
    await call("/auth/dev-sign-in");
    assert.match((await authorizeWithCookie()).token, /^ey/);
  } finally {
    itsPage.close();
    await another.stop();
  }
});

test("a server of Next.js asks with the access token, and no cookie is refreshed", async () => {
  const { roomToken } = await page.load("app/room-token.js");
  globalThis.accessToken = await standIn.accessToken("jane");
  try {
    assert.equal(claimsOf(await roomToken("room123", "Jane")).video.room, "room123");
    assert.equal(page.cookies.size, 0);
    globalThis.accessToken = "forged";
    await assert.rejects(roomToken("room123", "Jane"), { message: "room-auth returned 401" });
    delete globalThis.accessToken;
    await assert.rejects(roomToken("room123", "Jane"), { message: "to /sign-in" });
  } finally {
    delete globalThis.accessToken;
  }
});

test("a session as authkit-nextjs seals it is one here, with and without a minute left", async () => {
  await signInAs("jane");
  const { call } = await page.load("anteroom.js");
  const { accessToken, refreshToken, user, impersonator, authenticationMethod } = await sessionNow();
  const asNextHasIt = { accessToken, refreshToken, user, impersonator, authenticationMethod };
  for (const left of [300, 30]) {
    const exp = Math.floor(Date.now() / 1000) + left;
    const content = { ...asNextHasIt, accessToken: standIn.resigned(accessToken, { iat: exp - 300, exp }) };
    const cookie = await sealed(content);
    page.cookies.set("wos-session", cookie);
    await call("/api/v1/livekit/room-auth", { username: "Jane", roomId: "room123" });
    assert.equal(page.cookies.get("wos-session") === cookie, left > 60, `with ${left} seconds left`);
  }
  const refreshed = await sessionNow();
  assert.notEqual(refreshed.refreshToken, refreshToken);
  for (const part of ["accessToken", "refreshToken", "user"]) assert.ok(refreshed[part], part);
});

/** Signs in without an e-mail: WorkOS limits those to a few per minute. */
async function signInAs(user) {
  await signIn.continueWith("google");
  const { code } = await standIn.signedInAs(user, page.address);
  await signIn.finalizeOauth(`?code=${code}`);
}

/** Runs `action` while `answer`, which gets the page's `fetch` as well, answers the page's requests. */
async function answeringWith(answer, action) {
  const pageFetch = globalThis.fetch;
  globalThis.fetch = async (address, options) => answer(address, options, pageFetch);
  try {
    return await action();
  } finally {
    globalThis.fetch = pageFetch;
  }
}

/** Replaces the access token in the page's cookie with one that expired a minute ago. */
async function expire() {
  const session = await sessionNow();
  const exp = Math.floor(Date.now() / 1000) - 60;
  const accessToken = standIn.resigned(session.accessToken, { exp });
  page.cookies.set("wos-session", await sealed({ ...session, accessToken }));
}

/** The options of a call, what becomes of it, and how to leave it. */
function inCall() {
  const leaving = new AbortController();
  const seen = { joined: 0, ended: 0 };
  const onJoined = (room) => Object.assign(seen, { room, joined: seen.joined + 1 });
  const onEnded = () => Object.assign(seen, { ended: seen.ended + 1 });
  return { options: { signal: leaving.signal, onJoined, onEnded }, seen, leave: () => leaving.abort() };
}

/** The content of the page's session cookie. */
function sessionNow() {
  return opened(page.cookies.get("wos-session"));
}
