// WorkOS's own SDK signs in every way against our stand-in for WorkOS. WorkOS's OpenAPI document allows every
// answer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { WorkOS } from "@workos-inc/node";

import { Anteroom } from "../support/anteroom.mjs";
import { claimsOf } from "../support/jwt.mjs";
import { checkedFetch, violation } from "./contract.mjs";

const clientId = "client_01ANTER00MSTANDIN000000000";
const apiKey = "sk_test_of_the_stand_in_for_workos_and_no_secret";
const redirectUri = "http://localhost:3000/callback";
const cookiePassword = "a cookie password of more than thirty-two characters";

const seen = new Set();
let anteroom;
let url;
let workos;
let users;

before(async () => {
  anteroom = await Anteroom.start({});
  url = new URL(anteroom.standIn("WorkOS"));
  workos = client(apiKey);
  users = workos.userManagement;
});

after(async () => {
  await anteroom?.stop();
});

test("a magic code signs in, once", async () => {
  const email = "jane.doe@example.com";
  const sent = await users.createMagicAuth({ email });
  assert.match(sent.code, /^\d{6}$/);
  await shown(email, sent.code);

  const wrong = sent.code === "000000" ? "000001" : "000000";
  await refused(users.authenticateWithMagicAuth({ email, code: wrong }), "invalid_one_time_code");
  const session = await users.authenticateWithMagicAuth({ email, code: sent.code });
  assert.equal(session.user.email, email);
  assert.equal(session.user.firstName, "Jane");
  assert.equal(session.authenticationMethod, "MagicAuth");
  assert.ok(session.organizationId.startsWith("org_"));
  await refused(users.authenticateWithMagicAuth({ email, code: sent.code }), "one_time_code_previously_used");
});

test("an invitation and the caller go along as the SDK writes them", async () => {
  const email = "invited@example.com";
  const query = new URLSearchParams({ email, organization: "Example" });
  const invitationToken = await (await fetch(new URL(`/dev/invitation?${query}`, url))).text();
  const { code } = await users.createMagicAuth({ email, invitationToken });
  const caller = { ipAddress: "203.0.113.7", userAgent: "Mozilla/5.0" };
  const session = await users.authenticateWithMagicAuth({ email, code, invitationToken, ...caller });
  assert.ok(session.organizationId.startsWith("org_"));
  const callers = await (await fetch(new URL("/dev/callers", url))).json();
  const { ip_address, user_agent } = callers.at(-1);
  assert.deepEqual([ip_address, user_agent], ["203.0.113.7", "Mozilla/5.0"]);

  await refusedByOauth(users.createMagicAuth({ email, invitationToken }), "invitation_invalid");
  const others = users.createMagicAuth({ email: "jane.doe@example.com", invitationToken: "inv_unknown" });
  await refusedByOauth(others, "invitation_invalid");
});

test("the hosted page takes a user through a second factor", async () => {
  const asked = await users.getAuthorizationUrlWithPKCE({
    provider: "authkit",
    clientId,
    redirectUri,
    screenHint: "sign-in",
    loginHint: "challenged@example.com",
  });
  const page = await fetch(`${asked.url}&user=challenged`, { redirect: "manual" });
  assert.equal(page.status, 200);
  const { code } = await signedInAs("challenged&step=mfa_challenge", asked.url);
  const session = await users.authenticateWithCode({ code, codeVerifier: asked.codeVerifier });
  assert.equal(session.user.email, "challenged@example.com");
});

test("too many codes for one address are limited, and the SDK reads for how long", async () => {
  const email = "without.organization@example.com";
  for (let count = 0; count < 3; count += 1) await users.createMagicAuth({ email });
  await assert.rejects(users.createMagicAuth({ email }), (error) => {
    assert.equal(error.name, "RateLimitExceededException");
    assert.ok(error.retryAfter >= 1 && error.retryAfter <= 60, String(error.retryAfter));
    return true;
  });
});

test("a code from the sign-in page is redeemed with its verifier", async () => {
  for (const provider of ["GoogleOAuth", "MicrosoftOAuth", "authkit"]) {
    const asked = await users.getAuthorizationUrlWithPKCE({ provider, clientId, redirectUri });
    const { code, state } = await signedInAs("jane", asked.url);
    assert.equal(state, asked.state);
    const session = await users.authenticateWithCode({ code, codeVerifier: asked.codeVerifier });
    assert.equal(session.user.email, "jane.doe@example.com");
    const again = users.authenticateWithCode({ code, codeVerifier: asked.codeVerifier });
    await refusedByOauth(again, "invalid_grant");
  }
});

test("a code is refused without its verifier, and to a client without the secret", async () => {
  const asked = await users.getAuthorizationUrlWithPKCE({ provider: "authkit", clientId, redirectUri });
  const { code } = await signedInAs("jane", asked.url);
  await refusedByOauth(users.authenticateWithCode({ code }), "invalid_grant");

  const other = await signedInAs("jane", asked.url);
  const stranger = client("sk_test_wrong").userManagement;
  const tried = stranger.authenticateWithCode({ code: other.code, codeVerifier: asked.codeVerifier });
  await refusedByOauth(tried, "invalid_client");
});

test("an organization's connection leads into it", async () => {
  const { data } = await workos.organizations.listOrganizations({ domains: ["sso.example.com"] });
  const [organization] = data;
  assert.equal(data.length, 1);
  assert.equal(organization.domains[0].state, "verified");
  const connections = await workos.sso.listConnections({ organizationId: organization.id });
  assert.equal(connections.data[0].state, "active");

  const asked = users.getAuthorizationUrl({
    connectionId: connections.data[0].id,
    clientId,
    redirectUri,
    state: "s",
  });
  const { code } = await signedInAs("someone", asked);
  const session = await users.authenticateWithCode({ code });
  assert.equal(session.organizationId, organization.id);
  assert.equal(session.authenticationMethod, "SSO");

  const magic = await users.createMagicAuth({ email: "someone@sso.example.com" });
  const { email, code: digits } = magic;
  await refusedByOauth(users.authenticateWithMagicAuth({ email, code: digits }), "sso_required");
});

test("organizations with a pending domain or an inactive connection say so", async () => {
  const pending = await workos.organizations.listOrganizations({ domains: ["pending.example.com"] });
  assert.equal(pending.data[0].domains[0].state, "pending");
  const [inactive] = (await workos.organizations.listOrganizations({ domains: ["inactive.example.com"] }))
    .data;
  const connections = await workos.sso.listConnections({ organizationId: inactive.id });
  assert.equal(connections.data[0].state, "inactive");
  assert.equal((await workos.organizations.getOrganization(inactive.id)).id, inactive.id);
});

test("who has several organizations chooses one, and moves to another", async () => {
  const { pending, organizations } = await choice("123@gmail.com");
  assert.deepEqual(
    organizations.map((each) => each.name),
    ["MASADAS", "TAUNTA SCRE"],
  );
  const [first, second] = organizations;
  const options = { clientId, pendingAuthenticationToken: pending };
  await refused(
    users.authenticateWithOrganizationSelection({ ...options, organizationId: "org_unknown" }),
    "invalid_organization_id",
  );
  const session = await users.authenticateWithOrganizationSelection({
    ...options,
    organizationId: first.id,
  });
  assert.equal(session.organizationId, first.id);
  await refused(
    users.authenticateWithOrganizationSelection({ ...options, organizationId: second.id }),
    "invalid_pending_authentication_token",
  );

  const moved = await users.authenticateWithRefreshToken({
    clientId,
    refreshToken: session.refreshToken,
    organizationId: second.id,
  });
  assert.equal(moved.organizationId, second.id);
  assert.equal(claimsOf(moved.accessToken).sid, claimsOf(session.accessToken).sid);
  // For half a minute, WorkOS answers the same refresh token with the same pair.
  const again = await users.authenticateWithRefreshToken({ clientId, refreshToken: session.refreshToken });
  assert.equal(again.refreshToken, moved.refreshToken);
});

test("a move into an organization that wants more leaves the session alone", async () => {
  const { pending, organizations } = await choice("consultant@example.com");
  const named = (name) => organizations.find((each) => each.name === name).id;
  const { refreshToken } = await users.authenticateWithOrganizationSelection({
    clientId,
    pendingAuthenticationToken: pending,
    organizationId: named("Example"),
  });
  const move = (organizationId) =>
    users.authenticateWithRefreshToken({ clientId, refreshToken, organizationId });
  await refusedByOauth(move(named("Sso Example")), "sso_required");
  await refusedByOauth(move(named("Mfa Example")), "mfa_enrollment");
  await refusedByOauth(move("org_unknown"), "organization_not_found");
  assert.equal((await move(named("Example"))).organizationId, named("Example"));
});

test("a hundred organizations are offered, and listed page by page", async () => {
  const { organizations } = await choice("member.of.hundred@example.com");
  assert.equal(organizations.length, 100);
  const [{ id: userId }] = (await users.listUsers({ email: "member.of.hundred@example.com" })).data;
  const memberships = await users.listOrganizationMemberships({ userId });
  assert.equal((await memberships.autoPagination()).length, 100);
});

test("what a user has to do first comes with a pending token", async () => {
  for (const [name, code] of [
    ["unverified", "email_verification_required"],
    ["enrolling", "mfa_enrollment"],
    ["challenged", "mfa_challenge"],
  ]) {
    const error = await failure(magicSignIn(`${name}@example.com`));
    assert.equal(error.status, 403);
    assert.equal(error.rawData.code, code);
    assert.ok(error.rawData.pending_authentication_token);
  }
});

test("users are found, created once, and not found", async () => {
  const created = await users.createUser({ email: "new.person@example.com", firstName: "New" });
  assert.equal(created.emailVerified, false);
  assert.deepEqual(await users.getUser(created.id), created);
  const error = await failure(users.createUser({ email: "New.Person@example.com" }));
  assert.equal(error.name, "BadRequestException");
  assert.equal(error.code, "user_creation_error");
  assert.equal(error.errors[0].code, "email_not_available");
  assert.equal((await failure(users.getUser("user_unknown"))).name, "NotFoundException");
  assert.equal((await failure(users.createUser({ email: "" }))).name, "UnprocessableEntityException");
  const stranger = client("sk_test_wrong").userManagement;
  assert.equal((await failure(stranger.getUser(created.id))).name, "UnauthorizedException");
});

test("the SDK verifies, refreshes and ends a session in its sealed cookie", async () => {
  const asked = await users.getAuthorizationUrlWithPKCE({ provider: "authkit", clientId, redirectUri });
  const { code } = await signedInAs("jane", asked.url);
  const { sealedSession } = await users.authenticateWithCode({
    code,
    codeVerifier: asked.codeVerifier,
    session: { sealSession: true, cookiePassword },
  });
  const session = users.loadSealedSession({ sessionData: sealedSession, cookiePassword });
  const verified = await session.authenticate();
  assert.equal(verified.authenticated, true, JSON.stringify(verified));
  assert.equal(verified.role, "admin");
  assert.deepEqual(verified.permissions, ["recordings:manage", "guests:invite", "rooms:moderate"]);

  const refreshed = await session.refresh();
  assert.equal(refreshed.authenticated, true, JSON.stringify(refreshed));
  assert.equal(refreshed.sessionId, verified.sessionId);

  const logout = await session.getLogoutUrl({ returnTo: "http://localhost:3000" });
  const answer = await fetch(logout, { redirect: "manual" });
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.get("location"), "http://localhost:3000");
  assert.deepEqual(await session.refresh(), { authenticated: false, reason: "invalid_grant" });
});

test("the published keys are of WorkOS's form", async () => {
  const answer = await fetch(users.getJwksUrl(clientId));
  const body = await answer.json();
  assert.equal(violation("GET", `/sso/jwks/${clientId}`, answer.status, body), undefined);
});

test("a wrong answer would be noticed, and each endpoint has been asked", () => {
  const path = "/user_management/authenticate";
  assert.match(violation("POST", path, 200, { user: {} }), /access_token/);
  assert.match(violation("POST", path, 400, { error: "nonsense" }), /oneOf/);
  assert.match(violation("POST", path, 418, {}), /never answers 418/);
  for (const answered of [
    "POST /user_management/authenticate 200",
    "POST /user_management/authenticate 400",
    "POST /user_management/authenticate 403",
    "POST /user_management/magic_auth 201",
    "POST /user_management/magic_auth 429",
    "POST /user_management/users 201",
    "POST /user_management/users 400",
    "POST /user_management/users 422",
    "GET /user_management/users 200",
    "GET /user_management/users/{id} 200",
    "GET /user_management/users/{id} 401",
    "GET /user_management/users/{id} 404",
    "GET /user_management/organization_memberships 200",
    "GET /organizations 200",
    "GET /organizations/{id} 200",
    "GET /connections 200",
  ]) {
    assert.ok(seen.has(answered), `${answered} is not among ${[...seen].join(", ")}`);
  }
});

function client(key) {
  return new WorkOS(key, {
    clientId,
    apiHostname: url.hostname,
    port: Number(url.port),
    https: false,
    fetchFn: checkedFetch(seen),
  });
}

/** The callback's parameters after a user signs in on the page at `address`. */
async function signedInAs(user, address) {
  const page = await fetch(address);
  assert.equal(page.status, 200);
  const answer = await fetch(`${address}&user=${user}`, { redirect: "manual" });
  assert.equal(answer.status, 302);
  const callback = new URL(answer.headers.get("location"));
  assert.equal(callback.origin + callback.pathname, redirectUri);
  return Object.fromEntries(callback.searchParams);
}

async function magicSignIn(email) {
  const { code } = await users.createMagicAuth({ email });
  return users.authenticateWithMagicAuth({ email, code });
}

/** The organizations that a user can choose from. */
async function choice(email) {
  const { rawData } = await failure(magicSignIn(email));
  assert.equal(rawData.code, "organization_selection_required");
  assert.equal(rawData.user.email, email);
  return { pending: rawData.pending_authentication_token, organizations: rawData.organizations };
}

/** Waits until `dev` has shown the code in its terminal. */
async function shown(email, code) {
  const escaped = email.replace(/[.+*?]/g, "\\$&");
  await anteroom.logged(new RegExp(`^WorkOS \\| the code for ${escaped} is ${code}$`));
}

async function failure(promise) {
  return promise.then(
    (value) => assert.fail(`nothing failed: ${JSON.stringify(value)}`),
    (error) => error,
  );
}

async function refused(promise, code) {
  const error = await failure(promise);
  assert.equal(error.rawData?.code, code, String(error));
}

async function refusedByOauth(promise, code) {
  const error = await failure(promise);
  assert.equal(error.name, "OauthException", String(error));
  assert.equal(error.error, code);
}
