// Every way to sign in, to choose and switch organizations and to sign out, through the gateway and the real
// functions, with documented requests and a browser's cookies.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Anteroom, origin } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { bearer, claimsOf } from "../support/jwt.mjs";
import { altered, apiKey, clientId, cookiePassword, opened, sealed, WorkOsStandIn } from "./stand-in.mjs";

const jane = "jane.doe@example.com";
const memberOfTwo = "123@gmail.com";
const sso = "someone@sso.example.com";
const janesProfile = {
  email: jane,
  firstName: "Jane",
  lastName: "Doe",
  avatarURL: "https://img.example.com/jane.png",
};
const beginnings = [
  "/auth/continue-with-google",
  "/auth/continue-with-microsoft",
  "/auth/continue-with-authkit",
];

/** Values that no log line may contain; the tests add to them. */
const secrets = new Set([
  apiKey,
  cookiePassword,
  ...Object.values(janesProfile),
  memberOfTwo,
  "Chooser",
  "MASADAS",
]);
const started = [];
let anteroom;
let standIn;

before(async () => {
  ({ anteroom, standIn } = await start({
    DEV_SIGN_IN_EMAIL: jane,
    // The most verbose level: the last test looks for secrets in it.
    AWS_LAMBDA_LOG_LEVEL: "TRACE",
  }));
});

after(async () => {
  await Promise.all(started.map((each) => each.stop()));
});

// The documented pairs of request and answer.

test("sign-in sends a code to a user who has no SSO", async () => {
  const { status, body, setCookies } = await newBrowser().post("/auth/sign-in", { email: jane });
  assert.equal(status, 200);
  assert.deepEqual(body, { authData: { authMethod: "magic_auth" } });
  assert.deepEqual(setCookies, []);
  assert.match(await standIn.magicCode(jane), /^\d{6}$/);
});

test("sign-in sends a user whose organization has SSO there", async () => {
  const { status, body } = await newBrowser().post("/auth/sign-in", { email: sso });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ["authData"]);
  const { authMethod, redirectURL, state, ...others } = body.authData;
  assert.equal(authMethod, "sso");
  assert.deepEqual(others, {});
  const query = authorization(redirectURL, state);
  assert.match(query.connection_id, /^conn_/);
  assert.equal(query.provider, undefined);
  assert.equal(query.login_hint, sso);
});

test("sign-in is a bad request for who has no account, and makes none", async () => {
  const email = fresh("nobody");
  const asked = await standIn.askedBy(async () => {
    const { status, body } = await newBrowser().post("/auth/sign-in", { email });
    assert.equal(status, 400);
    assert.deepEqual(body, { code: 400, message: "Bad request" });
  });
  assert.ok(!asked.includes("POST /user_management/magic_auth"), asked.join(", "));
  assert.equal((await newBrowser().post("/auth/resend-magic-auth", { email })).status, 400);
});

test("dev-sign-in signs the developer in, with a session that counts", async () => {
  const browser = newBrowser();
  const { status, body } = await browser.post("/auth/dev-sign-in", {});
  assert.equal(status, 200);
  assert.deepEqual(body, { user: { id: body.user.id, email: jane } });
  assert.match(body.user.id, /^user_/);
  assert.equal((await browser.post("/auth/sign-out")).status, 200);
});

test("sign-up makes an account, once, and sends nothing", async () => {
  const email = fresh("new.user");
  const asked = await standIn.askedBy(async () => {
    const { status, body } = await newBrowser().post("/auth/sign-up", { email });
    assert.equal(status, 201);
    assert.deepEqual(body, { code: 201, message: "Created" });
  });
  assert.deepEqual(asked, ["POST /user_management/users"]);
  assert.equal((await newBrowser().post("/auth/sign-up", { email: email.toUpperCase() })).status, 409);

  const { body } = await magicSignIn(newBrowser(), email);
  assert.deepEqual(body, { user: { id: body.user.id, email } }, "what there is not is left out");
});

test("finalize-oauth gives the user, with the code alone and with its state", async () => {
  for (const path of beginnings) {
    for (const input of [({ code }) => ({ code }), (both) => both]) {
      const browser = newBrowser();
      const { status, body, setCookies } = await oauthSignIn(browser, "jane", { path, input });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body, { user: { id: body.user.id, ...janesProfile } });
      assert.equal(setCookies.filter((line) => line.startsWith("wos-session=")).length, 1);
      assert.deepEqual(browser.cookiesLike("wos-sign-in"), [], "it has served");
    }
  }
});

test("finalize-oauth completes SSO in the organization", async () => {
  const browser = newBrowser();
  const begun = await browser.post("/auth/sign-in", { email: sso });
  const returned = await standIn.signedInAs("someone", begun.body.authData.redirectURL);
  const { status, body } = await browser.post("/auth/finalize-oauth", { code: returned.code });
  assert.equal(status, 200);
  assert.equal(body.user.email, sso);
  assert.match((await sessionOf(browser)).organizationId, /^org_/);
});

test("resend-magic-auth sends another code, and the first counts no more", async () => {
  const email = await newAccount("resend");
  const browser = newBrowser();
  await browser.post("/auth/sign-in", { email });
  const first = await standIn.magicCode(email);
  const { status, body } = await browser.post("/auth/resend-magic-auth", { email });
  assert.equal(status, 200);
  assert.deepEqual(body, { code: 200, message: "OK" });
  const second = await standIn.magicCode(email);
  if (first !== second) assert.equal((await finalize(browser, email, first)).status, 401);
  assert.equal((await finalize(browser, email, second)).status, 200);
});

test("finalize-magic-auth gives the user of a single organization", async () => {
  const browser = newBrowser();
  const { status, body } = await magicSignIn(browser, jane);
  assert.equal(status, 200);
  assert.deepEqual(body, { user: { id: body.user.id, ...janesProfile } });
  assert.match(browser.cookie("wos-session"), /^Fe26\.2\*1\*.*~2$/);
});

test("continue-with-google, -microsoft and -authkit give the way there", async () => {
  for (const [path, provider] of [
    [beginnings[0], "GoogleOAuth"],
    [beginnings[1], "MicrosoftOAuth"],
    [beginnings[2], "authkit"],
  ]) {
    for (const body of [undefined, {}]) {
      const answer = await newBrowser().post(path, body);
      assert.equal(answer.status, 200);
      assert.deepEqual(Object.keys(answer.body), ["authData"]);
      const { redirectURL, state, ...others } = answer.body.authData;
      assert.deepEqual(others, {});
      assert.equal(authorization(redirectURL, state).provider, provider);
    }
  }
});

test("the hosted page is told the address, the form and the invitation", async () => {
  const input = { email: jane, screenHint: "sign-up", invitationToken: "inv_token_1" };
  const { status, body } = await newBrowser().post("/auth/continue-with-authkit", input);
  assert.equal(status, 200);
  const { searchParams } = new URL(body.authData.redirectURL);
  assert.equal(searchParams.get("login_hint"), jane);
  assert.equal(searchParams.get("screen_hint"), "sign-up");
  assert.equal(searchParams.get("invitation_token"), "inv_token_1");
});

test("WorkOS is told who calls with every grant, and a forged header changes nothing", async () => {
  const before = (await standIn.callers()).length;
  const browser = newBrowser();
  const { body } = await magicSignIn(browser, memberOfTwo);
  const { pendingAuthenticationToken, organizations } = body.user;
  const forged = { "x-forwarded-for": "198.51.100.66", "x-real-ip": "198.51.100.66" };
  const [first, second] = organizations.map(({ id }) => id);
  const choice = { pendingAuthenticationToken, organizationId: first };
  assert.equal((await browser.post("/auth/select-organization", choice, forged)).status, 200);
  const other = { email: memberOfTwo, organizationId: second };
  assert.equal((await browser.post("/auth/switch-organization", other, forged)).status, 200);
  const callers = (await standIn.callers()).slice(before);
  assert.equal(callers.length, 3);
  for (const { grant_type, ip_address, user_agent } of callers) {
    assert.equal(ip_address, "127.0.0.1", grant_type);
    assert.equal(user_agent, "node", grant_type);
  }
});

test("a user of two organizations signs in, chooses, works, changes, leaves and is out", async () => {
  const browser = newBrowser();
  const { status, body } = await magicSignIn(browser, memberOfTwo);
  assert.equal(status, 200);
  const { id, pendingAuthenticationToken, organizations } = body.user;
  assert.deepEqual(body, {
    user: { id, email: memberOfTwo, pendingAuthenticationToken, organizations },
  });
  assert.deepEqual(
    organizations.map(({ name }) => name),
    ["MASADAS", "TAUNTA SCRE"],
  );
  for (const each of organizations) assert.deepEqual(Object.keys(each).sort(), ["id", "name"]);
  assert.equal(browser.cookie("wos-session"), undefined, "there is no session yet");
  secrets.add(pendingAuthenticationToken);
  const [first, second] = organizations;

  const profile = { id, email: memberOfTwo, firstName: "Chris", lastName: "Chooser" };
  const selected = await browser.post("/auth/select-organization", {
    pendingAuthenticationToken,
    organizationId: second.id,
  });
  assert.equal(selected.status, 200);
  assert.deepEqual(selected.body, { user: profile });
  const before = await sessionOf(browser);
  assert.equal(before.organizationId, second.id);

  const switched = await switchTo(browser, memberOfTwo, first.id);
  assert.equal(switched.status, 200);
  assert.deepEqual(switched.body, { user: profile });
  const session = await sessionOf(browser);
  assert.equal(session.organizationId, first.id);
  assert.equal(session.sid, before.sid, "it is still the same session");

  const left = await browser.post("/auth/sign-out");
  assert.equal(left.status, 200);
  assert.deepEqual(Object.keys(left.body), ["authData"]);
  assert.deepEqual(Object.keys(left.body.authData), ["redirectURL"]);
  const logout = new URL(left.body.authData.redirectURL);
  assert.equal(logout.origin + logout.pathname, `${standIn.url}/user_management/sessions/logout`);
  assert.equal(logout.searchParams.get("session_id"), session.sid);
  assert.equal(logout.searchParams.get("return_to"), origin);
  assert.equal(browser.cookie("wos-session"), undefined);
  assert.equal((await switchTo(browser, memberOfTwo, second.id)).status, 401);

  const home = await fetch(logout, { redirect: "manual" });
  assert.equal(new URL(home.headers.get("location")).origin, origin);
  await ageToken(browser, session);
  const gone = await switchTo(browser, memberOfTwo, second.id);
  assert.equal(gone.status, 401, "WorkOS has ended the session that was kept aside");
  assert.equal(browser.cookie("wos-session"), undefined);
});

// Callbacks that are not this browser's.

test("a code without a sign-in begun in this browser is refused before WorkOS is asked", async () => {
  const begun = await newBrowser().post(beginnings[0]);
  const { code, state } = await standIn.signedInAs("jane", begun.body.authData.redirectURL);
  const asked = await standIn.askedBy(async () => {
    for (const input of [{ code }, { code, state }]) {
      assert.equal((await newBrowser().post("/auth/finalize-oauth", input)).status, 400);
    }
  });
  assert.deepEqual(asked, []);
});

test("someone else's code does not sign this browser in, and its own sign-in goes on", async () => {
  const attacker = await newBrowser().post(beginnings[0]);
  const planted = await standIn.signedInAs("without_organization", attacker.body.authData.redirectURL);
  const browser = newBrowser();
  const begun = await browser.post(beginnings[0]);
  const asked = await standIn.askedBy(async () => {
    const { code } = planted;
    for (const state of [planted.state, "wrong", "", 5]) {
      assert.equal((await browser.post("/auth/finalize-oauth", { code, state })).status, 400);
    }
  });
  assert.deepEqual(asked, []);
  const refused = await browser.post("/auth/finalize-oauth", { code: planted.code });
  assert.equal(refused.status, 401);
  assert.equal(browser.cookie("wos-session"), undefined);

  const own = await standIn.signedInAs("jane", begun.body.authData.redirectURL);
  assert.equal((await browser.post("/auth/finalize-oauth", { code: own.code })).status, 200);
});

test("an altered, a foreign and a ten-minute-old sign-in cookie are none, whatever the code", async () => {
  const ten = 10 * 60;
  const content = await signInCookie(newBrowser());
  const made = {
    altered: (value) => altered(value),
    foreign: async (value) => sealed(await opened(value), { password: `foreign ${cookiePassword}` }),
    "of another kind": async (value) => sealed({ ...(await opened(value)), kind: "wos-pending" }),
    "ten minutes old": async (value) => {
      const ticket = await opened(value);
      return sealed({ ...ticket, issued: ticket.issued - ten * 1000 }, { ago: ten, lifetime: ten });
    },
    "a session": () => sealed({ user: content, accessToken: "a", refreshToken: "b" }),
  };
  for (const [name, make] of Object.entries(made)) {
    const browser = newBrowser();
    const begun = await browser.post(beginnings[0]);
    const returned = await standIn.signedInAs("jane", begun.body.authData.redirectURL);
    const [[cookie, value]] = browser.cookiesLike("wos-sign-in");
    browser.plant(cookie, await make(value));
    const asked = await standIn.askedBy(async () => {
      for (const input of [returned, { code: returned.code }]) {
        assert.equal((await browser.post("/auth/finalize-oauth", input)).status, 400, name);
      }
    });
    assert.deepEqual(asked, [], name);
    browser.plant(cookie, await sealed(await opened(value), { lifetime: ten }));
    assert.equal((await browser.post("/auth/finalize-oauth", returned)).status, 200, name);
  }
});

test("a code is redeemed once", async () => {
  const browser = newBrowser();
  const begun = await browser.post(beginnings[0]);
  const returned = await standIn.signedInAs("jane", begun.body.authData.redirectURL);
  const kept = browser.cookiesLike("wos-sign-in");
  assert.equal((await browser.post("/auth/finalize-oauth", returned)).status, 200);
  assert.equal((await browser.post("/auth/finalize-oauth", returned)).status, 400, "the page reloads");
  for (const [name, value] of kept) browser.plant(name, value);
  assert.equal((await browser.post("/auth/finalize-oauth", returned)).status, 401, "it is replayed");
});

test("sign-ins begun in several tabs do not disturb each other", async () => {
  const browser = newBrowser();
  const tabs = [];
  for (const path of [...beginnings, beginnings[0]]) tabs.push((await browser.post(path)).body.authData);
  for (const { redirectURL } of [tabs[2], tabs[0], tabs[3], tabs[1]]) {
    const returned = await standIn.signedInAs("jane", redirectURL);
    assert.equal((await browser.post("/auth/finalize-oauth", returned)).status, 200);
  }
  assert.deepEqual(browser.cookiesLike("wos-sign-in"), []);

  for (let count = 0; count < 6; count += 1) await browser.post(beginnings[0]);
  assert.equal(browser.cookiesLike("wos-sign-in").length, 4, "the oldest are forgotten");
});

// The choice of an organization.

test("a choice is bound to its browser and to what was offered, and made once", async () => {
  const browser = newBrowser();
  const { body } = await oauthSignIn(browser, "member_of_two");
  const { pendingAuthenticationToken, organizations } = body.user;
  secrets.add(pendingAuthenticationToken);
  const organizationId = organizations[0].id;
  const select = (by, input) =>
    by.post("/auth/select-organization", { pendingAuthenticationToken, organizationId, ...input });

  const foreign = (await sessionOf(await signedIn("jane"))).organizationId;
  const asked = await standIn.askedBy(async () => {
    assert.equal((await select(newBrowser())).status, 403, "another browser");
    assert.equal((await select(browser, { organizationId: foreign })).status, 403, "not offered");
    assert.equal((await select(browser, { organizationId: "org_01UNKNOWN" })).status, 403);
    assert.equal((await select(browser, { organizationId: "../users" })).status, 400);
    assert.equal((await select(browser, { organizationId: "" })).status, 400);
    assert.equal((await select(browser, { organizationId: undefined })).status, 400);
    const unknown = { pendingAuthenticationToken: "uMc1tPo4wDjpsnb2mEZlOv8KD" };
    assert.equal((await select(browser, unknown)).status, 403);
  });
  assert.deepEqual(asked, []);
  assert.equal(browser.cookie("wos-session"), undefined);

  assert.equal((await select(browser)).status, 200);
  assert.equal((await select(browser)).status, 401, "the token is spent");
});

test("two tabs can each have a choice open", async () => {
  const browser = newBrowser();
  const choices = [];
  for (let tab = 0; tab < 2; tab += 1) choices.push((await oauthSignIn(browser, "member_of_two")).body.user);
  for (const { pendingAuthenticationToken, organizations } of choices) {
    const organizationId = organizations[1].id;
    const input = { pendingAuthenticationToken, organizationId };
    assert.equal((await browser.post("/auth/select-organization", input)).status, 200);
  }
});

test("a hundred organizations can be chosen from", async () => {
  const browser = newBrowser();
  const { body } = await oauthSignIn(browser, "member_of_hundred");
  const { pendingAuthenticationToken, organizations } = body.user;
  assert.equal(organizations.length, 100);
  const organizationId = organizations[99].id;
  const input = { pendingAuthenticationToken, organizationId };
  assert.equal((await browser.post("/auth/select-organization", input)).status, 200);
  assert.equal((await sessionOf(browser)).organizationId, organizationId);
});

test("who has to do something first is told what", async () => {
  for (const [user, words] of [
    ["unverified", /verify your e-mail address/i],
    ["enrolling", /two-factor/i],
    ["challenged", /second factor/i],
  ]) {
    const { status, body } = await oauthSignIn(newBrowser(), user);
    assert.equal(status, 403);
    assert.match(body.message, words);
  }
});

// Another organization.

test("switch-organization asks for the session's own user, who is a member", async () => {
  const browser = await signedIn("jane");
  const cookie = browser.cookie("wos-session");
  const { organizationId } = await sessionOf(browser);
  const { organizations } = (await oauthSignIn(newBrowser(), "member_of_two")).body.user;
  assert.equal((await switchTo(browser, memberOfTwo, organizationId)).status, 403, "someone else");
  assert.equal((await switchTo(browser, jane, organizations[0].id)).status, 403, "no member");
  assert.equal((await switchTo(browser, jane, "org_01UNKNOWN")).status, 403);
  for (const malformed of ["", "org 01", "org_01\n", "../users", 7, null, undefined]) {
    assert.equal((await switchTo(browser, jane, malformed)).status, 400, String(malformed));
  }
  assert.equal(browser.cookie("wos-session"), cookie, "the session stays");
  assert.equal((await switchTo(browser, jane.toUpperCase(), organizationId)).status, 200);
});

test("an organization that demands SSO or a second factor is not entered, and the session stays", async () => {
  const browser = newBrowser();
  const { body } = await oauthSignIn(browser, "consultant");
  const { email, pendingAuthenticationToken, organizations } = body.user;
  const named = (name) => organizations.find((each) => each.name === name).id;
  const input = { pendingAuthenticationToken, organizationId: named("Example") };
  assert.equal((await browser.post("/auth/select-organization", input)).status, 200);
  const cookie = browser.cookie("wos-session");
  for (const [name, words] of [
    ["Sso Example", /single sign-on/],
    ["Mfa Example", /two-factor/],
  ]) {
    const { status, body: refusal } = await switchTo(browser, email, named(name));
    assert.equal(status, 403, name);
    assert.match(refusal.message, words);
    assert.equal(browser.cookie("wos-session"), cookie);
  }
  assert.equal((await switchTo(browser, email, named("Example"))).status, 200);
});

// Who is signed in.

test("an access token signs out its session and cannot switch", async () => {
  const token = await standIn.accessToken("jane");
  const { sid, org_id: organizationId } = claimsOf(token);
  const headers = bearer(token);
  const browser = newBrowser();
  assert.equal((await switchTo(browser, jane, organizationId, headers)).status, 401);
  const { status, body } = await browser.post("/auth/sign-out", undefined, headers);
  assert.equal(status, 200);
  assert.equal(new URL(body.authData.redirectURL).searchParams.get("session_id"), sid);
});

test("a bad bearer token does not fall back to a good cookie", async () => {
  const browser = await signedIn("jane");
  const { organizationId } = await sessionOf(browser);
  const token = await standIn.accessToken("jane");
  const forged = standIn.resigned(token, {}, "workos-foreign.pem");
  const expired = standIn.resigned(token, { exp: 1_735_689_600 });
  for (const bad of [forged, expired, "x.y.z"]) {
    assert.equal((await switchTo(browser, jane, organizationId, bearer(bad))).status, 401);
  }
  assert.equal((await switchTo(browser, jane, organizationId)).status, 200, "the cookie was good");
});

test("nobody is signed in by headers that claim so", async () => {
  const token = await standIn.accessToken("jane");
  const { sub, sid, org_id: organizationId } = claimsOf(token);
  const headers = {
    "x-workos-middleware": "true",
    "x-workos-session": token,
    "x-workos-session-id": sid,
    "x-workos-user-id": sub,
    "x-workos-organization-id": organizationId,
  };
  assert.equal((await newBrowser().post("/auth/sign-out", undefined, headers)).status, 401);
  assert.equal((await switchTo(newBrowser(), jane, organizationId, headers)).status, 401);
});

test("two session cookies are none, and are cleared", async () => {
  const browser = await signedIn("jane");
  const { organizationId } = await sessionOf(browser);
  const cookie = `${browser.header}; wos-session=${browser.cookie("wos-session")}`;
  assert.equal((await switchTo(browser, jane, organizationId, { cookie })).status, 401);
  assert.equal(browser.cookie("wos-session"), undefined);
});

test("the page of another origin is refused, with a cookie and without, and gets none", async () => {
  const browser = await signedIn("jane");
  const headers = { origin: "https://evil.example" };
  assert.equal((await browser.post("/auth/sign-out", undefined, headers)).status, 403);
  assert.ok(browser.cookie("wos-session"));
  const { status, setCookies } = await newBrowser().post(beginnings[0], undefined, headers);
  assert.deepEqual([status, setCookies], [403, []]);
});

test("signing out without a session is 401 and still clears the cookie", async () => {
  const browser = newBrowser();
  const { status, setCookies } = await browser.post("/auth/sign-out");
  assert.equal(status, 401);
  assert.ok(
    setCookies.some((line) => /^wos-session=;.*Max-Age=0/.test(line)),
    setCookies.join(),
  );
  browser.plant("wos-session", "Fe26.2*nonsense~2");
  assert.equal((await browser.post("/auth/sign-out")).status, 401);
  assert.equal(browser.cookie("wos-session"), undefined);
});

// Bad input.

test("invalid bodies are 400 everywhere, and never reach WorkOS", async () => {
  const paths = [
    "/auth/sign-in",
    "/auth/sign-up",
    "/auth/finalize-oauth",
    "/auth/resend-magic-auth",
    "/auth/finalize-magic-auth",
    "/auth/select-organization",
  ];
  const bodies = ["", "[]", "null", "email=jane", '{"email":', '"jane"', "{}"];
  const asked = await standIn.askedBy(async () => {
    for (const path of paths) {
      for (const body of bodies) {
        const answer = await newBrowser().post(path, body);
        assert.equal(answer.status, 400, `${path} ${body}`);
        if (path === "/auth/sign-in") assert.equal(answer.body.message, "Bad request");
      }
    }
  });
  assert.deepEqual(asked, []);
});

test("what is no e-mail address is 400", async () => {
  const bad = [
    undefined,
    null,
    42,
    [jane],
    { email: jane },
    "",
    "jane",
    "@example.com",
    "jane@example",
    "a@b@example.com",
    "jane@example.com\r\nBcc: mallory@example.com",
    "jane\u0000@example.com",
    "jane doe@example.com",
    `${"a".repeat(243)}@example.com`,
  ];
  const asked = await standIn.askedBy(async () => {
    for (const path of ["/auth/sign-in", "/auth/sign-up", "/auth/resend-magic-auth"]) {
      for (const email of bad) {
        const answer = await newBrowser().post(path, { email });
        assert.equal(answer.status, 400, `${path} ${JSON.stringify(email)}`);
      }
      const twice = `{"email":"${jane}","email":"${memberOfTwo}"}`;
      assert.equal((await newBrowser().post(path, twice)).status, 400, path);
    }
    const code = "123456";
    for (const email of bad) assert.equal((await finalize(newBrowser(), email, code)).status, 400);
  });
  assert.deepEqual(asked, []);
});

test("what is no code is 400, and a wrong, a used and another person's are 401", async () => {
  const email = await newAccount("guesser");
  const other = await newAccount("other");
  const browser = newBrowser();
  await browser.post("/auth/sign-in", { email });
  await browser.post("/auth/sign-in", { email: other });
  const [code, others] = [await standIn.magicCode(email), await standIn.magicCode(other)];
  const asked = await standIn.askedBy(async () => {
    for (const bad of ["12345", "1234567", "abcdef", "１２３４５６", "12345 ", "", 123456, null, undefined]) {
      assert.equal((await finalize(browser, email, bad)).status, 400, JSON.stringify(bad));
    }
  });
  assert.deepEqual(asked, []);

  const wrong = ["000000", "000001", "000002"].find((each) => each !== code && each !== others);
  assert.equal((await finalize(browser, email, wrong)).status, 401);
  if (others !== code) assert.equal((await finalize(browser, email, others)).status, 401);
  assert.equal((await finalize(browser, email, code)).status, 200);
  assert.equal((await finalize(browser, email, code)).status, 401, "it is used");
});

test("other methods, types and sizes are refused", async () => {
  const url = `${anteroom.url}/auth/sign-in`;
  for (const method of ["GET", "PUT", "DELETE"]) {
    assert.equal((await fetch(url, { method })).status, 405, method);
  }
  const body = JSON.stringify({ email: jane });
  const form = { "content-type": "application/x-www-form-urlencoded" };
  assert.equal((await newBrowser().post("/auth/sign-in", body, form)).status, 415);
  const big = JSON.stringify({ email: jane, ignored: "x".repeat(17_000) });
  assert.equal((await newBrowser().post("/auth/sign-in", big)).status, 413);
  const code = { code: "x".repeat(3000) };
  assert.equal((await newBrowser().post("/auth/finalize-oauth", code)).status, 400);
});

// WorkOS is down, limits us, or answers nonsense.

test("while WorkOS is down, live sessions go on, refreshes wait, and all is well when it is back", async () => {
  const browser = await signedIn("jane");
  const { organizationId } = await sessionOf(browser);
  const leaving = await signedIn("jane");
  const late = await signedIn("jane");
  await ageToken(late, await sessionOf(late));
  const lateLeaving = await signedIn("jane");
  await ageToken(lateLeaving, await sessionOf(lateLeaving));
  const headers = await standIn.bearer("jane");
  const kept = [browser.cookie("wos-session"), late.cookie("wos-session")];

  await standIn.failing({ fault: "down" }, async () => {
    // Verified without WorkOS: what is refused is refused for what it is, and not for the outage.
    assert.equal((await switchTo(browser, memberOfTwo, organizationId)).status, 403);
    assert.equal((await leaving.post("/auth/sign-out")).status, 200);
    assert.equal((await lateLeaving.post("/auth/sign-out")).status, 200, "an expired token leaves too");
    assert.equal((await newBrowser().post("/auth/sign-out", undefined, headers)).status, 200);
    for (const each of [browser, late]) {
      assert.equal((await switchTo(each, jane, organizationId)).status, 503);
    }
    assert.equal((await newBrowser().post("/auth/sign-in", { email: jane })).status, 503);
    assert.equal((await newBrowser().post("/auth/sign-up", { email: fresh("down") })).status, 503);
    assert.equal((await newBrowser().post(beginnings[0])).status, 200, "nobody has to be asked");
  });
  assert.deepEqual([browser.cookie("wos-session"), late.cookie("wos-session")], kept);
  for (const each of [browser, late]) {
    assert.equal((await switchTo(each, jane, organizationId)).status, 200);
    assert.ok(!kept.includes(each.cookie("wos-session")));
  }
});

test("a token that is about to expire is refreshed early, and still serves if that fails", async () => {
  const browser = await signedIn("jane");
  const session = await sessionOf(browser);
  await ageToken(browser, session, 30);
  const early = browser.cookie("wos-session");
  const refusedAs = async () => (await switchTo(browser, memberOfTwo, session.organizationId)).status;
  await standIn.failing({ fault: "down", path: "/user_management" }, async () => {
    const asked = await standIn.askedBy(async () => assert.equal(await refusedAs(), 403));
    assert.ok(asked.includes("POST /user_management/authenticate"), asked.join(", "));
  });
  assert.equal(browser.cookie("wos-session"), early);

  await ageToken(browser, session, -60);
  assert.equal(await refusedAs(), 403);
  assert.notEqual(browser.cookie("wos-session"), early, "the new cookie leaves with a refusal as well");
  const refreshed = await sessionOf(browser);
  assert.equal(refreshed.sid, session.sid);
  assert.notEqual(refreshed.content.refreshToken, session.content.refreshToken);
});

test("a session that WorkOS has ended does not move, and its cookie is cleared", async () => {
  const browser = await signedIn("jane");
  const session = await sessionOf(browser);
  const kept = browser.cookie("wos-session");
  const { body } = await browser.post("/auth/sign-out");
  await fetch(body.authData.redirectURL, { redirect: "manual" });
  browser.plant("wos-session", kept);
  assert.equal((await switchTo(browser, jane, session.organizationId)).status, 401);
  assert.equal(browser.cookie("wos-session"), undefined);
});

test("a WorkOS that is too slow is not waited for", async () => {
  const browser = newBrowser();
  const begun = await browser.post(beginnings[0]);
  const returned = await standIn.signedInAs("jane", begun.body.authData.redirectURL);
  await standIn.failing({ fault: "slow", milliseconds: 60_000 }, async () => {
    const answers = await Promise.all([
      newBrowser().post("/auth/sign-in", { email: jane }),
      browser.post("/auth/finalize-oauth", returned),
      newBrowser().post("/auth/dev-sign-in", {}),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [503, 503, 503],
    );
  });
  assert.equal((await newBrowser().post("/auth/sign-up", { email: fresh("later") })).status, 201);
});

test("a sign-in that an outage has interrupted can be completed", async () => {
  const browser = newBrowser();
  const begun = await browser.post(beginnings[0]);
  const returned = await standIn.signedInAs("jane", begun.body.authData.redirectURL);
  await standIn.failing({ fault: "failing", status: 503 }, async () => {
    assert.equal((await browser.post("/auth/finalize-oauth", returned)).status, 503);
  });
  assert.equal((await browser.post("/auth/finalize-oauth", returned)).status, 200);
});

test("what WorkOS fails in is told apart, and a session outlives it", async () => {
  // What cannot be read says nothing about a session, so a refresh answers 503 where others answer 502.
  for (const [order, expected, refresh] of [
    [{ fault: "failing", status: 500 }, 503, 503],
    [{ fault: "failing", status: 503 }, 503, 503],
    [{ fault: "gateway_page" }, 503, 503],
    [{ fault: "garbage" }, 502, 503],
    [{ fault: "wrong_shape" }, 502, 503],
    [{ fault: "refusing" }, 502, 502],
    // WorkOS has refreshed the session and its answer is lost. It gives the same answer for half a minute.
    [{ fault: "truncated" }, 503, 503],
  ]) {
    const browser = await signedIn("jane");
    const { organizationId } = await sessionOf(browser);
    const cookie = browser.cookie("wos-session");
    await standIn.failing({ ...order, path: "/user_management" }, async () => {
      const code = { email: jane, code: "123456" };
      const asked = {
        "sign-in": await newBrowser().post("/auth/sign-in", { email: jane }),
        "sign-up": await newBrowser().post("/auth/sign-up", { email: fresh("fault") }),
        "resend-magic-auth": await newBrowser().post("/auth/resend-magic-auth", { email: jane }),
        "dev-sign-in": await newBrowser().post("/auth/dev-sign-in", {}),
        "switch-organization": await switchTo(browser, jane, organizationId),
        // A refusal that is cut short is not one.
        "finalize-magic-auth": await newBrowser().post("/auth/finalize-magic-auth", code),
      };
      for (const [name, { status }] of Object.entries(asked)) {
        const wanted = name === "switch-organization" ? refresh : expected;
        assert.equal(status, wanted, `${name} when ${JSON.stringify(order)}`);
      }
    });
    assert.equal(browser.cookie("wos-session"), cookie);
    assert.equal((await switchTo(browser, jane, organizationId)).status, 200);
  }
});

test("a limit on what the caller did is 429 with its Retry-After, and any other is 503", async () => {
  const limiting = { fault: "limiting", retry_after: 17 };
  const expectLimit = async (path, body, expected, from) => {
    await standIn.failing({ ...limiting, path: from }, async () => {
      const { status, headers } = await newBrowser().post(path, body);
      assert.equal(status, expected, `${path}, ${from}`);
      assert.equal(headers.get("retry-after"), "17", path);
    });
  };
  const code = "123456";
  await expectLimit("/auth/sign-in", { email: jane }, 429, "/user_management/magic_auth");
  await expectLimit("/auth/resend-magic-auth", { email: jane }, 429, "/user_management/magic_auth");
  await expectLimit("/auth/finalize-magic-auth", { email: jane, code }, 429, "/user_management/authenticate");
  await expectLimit("/auth/sign-in", { email: jane }, 503, "/user_management/users");
  await expectLimit("/auth/sign-in", { email: jane }, 503, "/organizations");
  await expectLimit("/auth/sign-up", { email: jane }, 503, "/user_management/users");
});

test("a fourth code within a minute is refused by WorkOS's own limit", async () => {
  const email = await newAccount("impatient");
  const browser = newBrowser();
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await browser.post("/auth/resend-magic-auth", { email })).status, 200);
  }
  const { status, headers } = await browser.post("/auth/resend-magic-auth", { email });
  assert.equal(status, 429);
  assert.ok(Number(headers.get("retry-after")) >= 1);
});

// Other settings.

test("with CONCEAL_ACCOUNTS nobody learns who has an account, and none is made", async () => {
  const concealing = await start({ CONCEAL_ACCOUNTS: "true" });
  const browser = () => new Browser(concealing.anteroom, secrets);
  const email = fresh("concealed");
  const plain = ({ status, body, setCookies }) => ({ status, body, setCookies });
  for (const path of ["/auth/sign-in", "/auth/resend-magic-auth"]) {
    const known = plain(await browser().post(path, { email: jane }));
    assert.equal(known.status, 200);
    const asked = await concealing.standIn.askedBy(async () => {
      assert.deepEqual(plain(await browser().post(path, { email })), known, path);
    });
    assert.ok(!asked.includes("POST /user_management/magic_auth"), asked.join(", "));
  }
  const known = plain(await browser().post("/auth/sign-up", { email: jane }));
  assert.deepEqual(plain(await browser().post("/auth/sign-up", { email })), known);
  assert.equal(known.status, 201);
});

test("in production dev-sign-in is not there", async () => {
  const page = "https://app.example.com";
  const production = await start({
    STAGE: "prod",
    ALLOWED_ORIGINS: page,
    DEV_SIGN_IN_EMAIL: jane,
    WORKOS_REDIRECT_URI: `${page}/callback`,
    WORKOS_LOGOUT_RETURN_TO: page,
  });
  const browser = new Browser(production.anteroom, secrets);
  assert.equal((await browser.post("/auth/dev-sign-in", {}, { origin: page })).status, 404);
});

test("the name and age of the cookie are as set", async () => {
  const house = await start({ WORKOS_COOKIE_NAME: "house-session", WORKOS_COOKIE_MAX_AGE: "3600" });
  const browser = new Browser(house.anteroom, secrets);
  const begun = await browser.post(beginnings[0]);
  const returned = await house.standIn.signedInAs("jane", begun.body.authData.redirectURL);
  const { status, setCookies } = await browser.post("/auth/finalize-oauth", returned);
  assert.equal(status, 200);
  const line = setCookies.find((each) => each.startsWith("house-session="));
  assert.ok(line.split("; ").includes("Max-Age=3600"), "an hour");
  assert.equal((await browser.post("/auth/sign-out")).status, 200);
  assert.equal(browser.cookie("house-session"), undefined);
});

// Last, because it looks at the logs of everything above.

test("no line of a log has a code, a token, a cookie, a key or an e-mail address", async () => {
  await started.at(-1).logged(/"endpoint":"sign-out"/);
  const lines = started.flatMap((each) => functionLines(each.lines));
  const answered = lines.filter((line) => /"message":"(answered|refused)"/.test(line));
  assert.ok(answered.length > 200, `only ${answered.length} requests were logged`);
  assert.ok(secrets.size > 100, `only ${secrets.size} secrets came up`);
  const text = lines.join("\n");
  for (const secret of secrets) assert.ok(!says(text, secret), "a secret stands in a log");
  assert.deepEqual(
    lines.filter((line) => line.includes("@")),
    [],
  );
  assert.ok(says(text, "finalize-magic-auth"), "what stands there would be found");
});

/** The lines after the greeting, without the stand-in's e-mails. */
function functionLines(lines) {
  const greeted = lines.findIndex((line) => line.startsWith("Press Ctrl-C to stop"));
  return lines.slice(greeted + 1).filter((line) => !line.startsWith("WorkOS | the code for "));
}

/** Whether a text contains a word as such: six digits also occur in the microseconds of a timestamp. */
function says(text, word) {
  if (!text.includes(word)) return false;
  const literal = word.replace(/[^\w]/g, "\\$&");
  return new RegExp(`(?<![\\w.])${literal}(?!\\w)`).test(text);
}

async function start(settings) {
  const anteroom = await Anteroom.start(settings);
  started.push(anteroom);
  return { anteroom, standIn: new WorkOsStandIn(anteroom, secrets) };
}

function newBrowser() {
  return new Browser(anteroom, secrets);
}

let count = 0;

/** An unused address. */
function fresh(name) {
  count += 1;
  return `${name}.${count}@example.com`;
}

/** A user without organizations, with an unused limit of codes. */
async function newAccount(name) {
  const email = fresh(name);
  assert.equal((await newBrowser().post("/auth/sign-up", { email })).status, 201);
  return email;
}

function finalize(browser, email, code) {
  return browser.post("/auth/finalize-magic-auth", { email, code });
}

async function magicSignIn(browser, email) {
  assert.equal((await browser.post("/auth/sign-in", { email })).status, 200);
  return finalize(browser, email, await standIn.magicCode(email));
}

async function oauthSignIn(browser, user, { path = beginnings[0], input = (both) => both } = {}) {
  const begun = await browser.post(path);
  const returned = await standIn.signedInAs(user, begun.body.authData.redirectURL);
  return browser.post("/auth/finalize-oauth", input(returned));
}

async function signedIn(user) {
  const browser = newBrowser();
  assert.equal((await oauthSignIn(browser, user)).status, 200);
  return browser;
}

function switchTo(browser, email, organizationId, headers) {
  return browser.post("/auth/switch-organization", { email, organizationId }, headers);
}

/** The content of a browser's session, and the `sid` of its token. */
async function sessionOf(browser) {
  const content = await opened(browser.cookie("wos-session"));
  secrets.add(content.accessToken).add(content.refreshToken);
  const { sid, org_id: organizationId } = claimsOf(content.accessToken);
  return { content, sid, organizationId };
}

/** Gives the browser that session, with an access token that expires in that many seconds. */
async function ageToken(browser, { content }, seconds = -60) {
  const accessToken = standIn.expiringIn(content.accessToken, seconds);
  browser.plant("wos-session", await sealed({ ...content, accessToken }));
}

/** The content of the cookie of a sign-in that a browser has begun. */
async function signInCookie(browser) {
  await browser.post(beginnings[0]);
  const [[, value]] = browser.cookiesLike("wos-sign-in");
  return (await opened(value)).content;
}

/** The query of a sign-in page's address, after checking the parameters that every one has. */
function authorization(address, state) {
  const url = new URL(address);
  assert.equal(url.origin + url.pathname, `${standIn.url}/user_management/authorize`);
  const query = Object.fromEntries(url.searchParams);
  assert.equal(query.client_id, clientId);
  assert.equal(query.response_type, "code");
  assert.equal(query.state, state);
  assert.ok(state.length >= 32);
  assert.equal(query.code_challenge_method, "S256");
  assert.match(query.code_challenge, /^[\w-]{43}$/);
  return query;
}
