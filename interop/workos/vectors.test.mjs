// Values that jose and iron-webcrypto make in this run: our functions read them, and the two read ours. The
// passwords, keys and contents are new in every run, unlike those in shared/tests/data/.

import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { defaults, seal, unseal } from "iron-webcrypto";
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  exportJWK,
  importPKCS8,
  jwtVerify,
  SignJWT,
  UnsecuredJWT,
} from "jose";

import { apiSecret } from "../livekit/stand-in.mjs";
import { Anteroom, root } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { bearer, claimsOf, encode, withClaims } from "../support/jwt.mjs";
import { apiKey, clientId, redirectUri, WorkOsStandIn } from "./stand-in.mjs";

const email = "jane.doe@example.com";
const password = randomBytes(33).toString("base64");
const previousPassword = `${randomBytes(20).toString("hex")} ünd 雪 🎉`;

const pem = readFileSync(join(root, "stand-ins", "keys", "workos.pem"), "utf8");
const publicKey = createPublicKey(pem);
const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 });
const now = () => Math.floor(Date.now() / 1000);

let provider;
let anteroom;
let standIn;
/** The header and the claims of an access token as WorkOS makes them. */
let header;
let claims;

before(async () => {
  // The first `dev` is only the provider. The second has the random passwords.
  provider = await Anteroom.start({});
  standIn = new WorkOsStandIn(provider);
  anteroom = await Anteroom.start({
    WORKOS_API_KEY: apiKey,
    WORKOS_CLIENT_ID: clientId,
    WORKOS_API_URL: standIn.url,
    WORKOS_REDIRECT_URI: redirectUri,
    WORKOS_COOKIE_PASSWORD: password,
    WORKOS_COOKIE_PASSWORD_PREVIOUS: previousPassword,
  });
  const token = await standIn.accessToken("jane");
  header = decodeProtectedHeader(token);
  claims = { ...claimsOf(token), iat: now(), exp: now() + 300 };
});

after(async () => {
  await anteroom?.stop();
  await provider?.stop();
});

// iron-webcrypto.

test("our function opens a hundred random seals of iron-webcrypto's, with either password", async () => {
  for (let number = 0; number < 100; number += 1) {
    const user = randomUser(number);
    const secret = number % 2 ? password : previousPassword;
    const { status, body } = await sessionOf(await sealed({ user }, secret));
    assert.equal(status, 200, `${number}: ${JSON.stringify(body)}`);
    const { id, email, firstName, lastName } = body.user;
    assert.deepEqual({ id, email, firstName, lastName }, pick(user), `${number}`);
  }
});

test("our function refuses what iron-webcrypto seals in another way", async () => {
  const user = randomUser(0);
  const { integrity, encryption } = defaults;
  const ways = {
    "another password": await sealed({ user }, randomBytes(33).toString("base64")),
    "two iterations for the MAC": await sealed({ user }, password, {
      integrity: { ...integrity, iterations: 2 },
    }),
    "two iterations for the key": await sealed({ user }, password, {
      encryption: { ...encryption, iterations: 2 },
    }),
    "AES-128-CTR": await sealed({ user }, password, {
      encryption: { ...encryption, algorithm: "aes-128-ctr", saltBits: 256 },
    }),
    "salts of 128 bits": await sealed({ user }, password, { integrity: { ...integrity, saltBits: 128 } }),
    "an expiry two minutes ago": await sealed({ user }, password, {
      ttl: 1000,
      localtimeOffsetMsec: -120_000,
    }),
    "another id of the password": await seal({ user }, { id: "2", secret: password }, defaults).then(
      (text) => `${text}~2`,
    ),
  };
  assert.equal((await sessionOf(await sealed({ user }, password))).status, 200, "the control");
  for (const [name, cookie] of Object.entries(ways)) {
    assert.equal((await sessionOf(cookie)).status, 401, name);
  }
});

test("iron-webcrypto opens every cookie that our functions seal", async () => {
  const browser = new Browser(anteroom);
  const { body } = await browser.post("/auth/continue-with-google");
  const [[, signIn]] = browser.cookiesLike("wos-sign-in-");
  const begun = await opened(signIn);
  assert.equal(begun.content.state, body.authData.state);

  const returned = await standIn.signedInAs("jane", body.authData.redirectURL);
  const finished = await browser.post("/auth/finalize-oauth", returned);
  const session = await opened(browser.cookie("wos-session"));
  assert.equal(session.user.id, finished.body.user.id);
  await jwtVerify(session.accessToken, publicKey, { algorithms: ["RS256"] });
  assert.equal((await sessionOf(await resealed(session))).status, 200, "and ours opens it again");
});

// jose.

/** What jose is told to require, which is what RFC 7519 and the contract have in common. */
const verifying = () => ({ algorithms: ["RS256"], issuer: claims.iss, clockTolerance: 5 });

const accepted = 200;
const refused = 401;
/** We cannot tell: it may be valid later, or with keys that we do not have yet. */
const unclear = 503;

/** Each with our status. jose agrees, unless it is told that it differs. */
const tokens = {
  "as WorkOS makes them": [accepted, () => signed({})],
  "without a type": [accepted, () => signed({}, { typ: undefined })],
  "of RFC 9068's type": [accepted, () => signed({}, { typ: "at+jwt" })],
  "for our client": [accepted, () => signed({ aud: clientId })],
  "for our client and others": [accepted, () => signed({ aud: ["https://api.example.com", clientId] })],
  "with a header field that nobody knows": [accepted, () => signed({}, { jku: "https://evil.example/jwks" })],
  "with a key of its own, signed by WorkOS": [
    accepted,
    async () => signed({}, { jwk: await exportJWK(foreign.publicKey) }),
  ],
  "issued in the future": [accepted, () => signed({ iat: now() + 3600 })],
  "valid in three seconds": [accepted, () => signed({ nbf: now() + 3 })],
  "any Unicode in a claim": [accepted, () => signed({ note: "雪 🎉 \u0000 \ud83d".toWellFormed() })],
  "a lone surrogate in a claim": [accepted, () => raw({}, JSON.stringify({ ...claims, note: "\ud83d" }))],

  "by another key": [refused, () => signed({}, {}, foreign.privateKey)],
  "by another key that it brings along": [
    refused,
    async () => signed({}, { jwk: await exportJWK(foreign.publicKey) }, foreign.privateKey),
  ],
  unsecured: [refused, () => new UnsecuredJWT(claims).encode()],
  "unsecured, with a signature": [refused, () => `${new UnsecuredJWT(claims).encode()}c2lnbmF0dXJl`],
  "HS256 with the public key as its secret": [
    refused,
    () => hs256(publicKey.export({ type: "spki", format: "pem" })),
  ],
  "HS256 with nothing as its secret": [refused, () => hs256("")],
  PS256: [refused, () => signed({}, { alg: "PS256" })],
  RS384: [refused, () => signed({}, { alg: "RS384" })],
  RS512: [refused, () => signed({}, { alg: "RS512" })],
  "RS256 in small letters": [refused, () => raw({ alg: "rs256" })],
  "critical extensions": [refused, () => raw({ crit: ["exp"] })],
  "critical extensions, and none": [refused, () => raw({ crit: [] })],
  "an unencoded payload": [refused, () => raw({ b64: false, crit: ["b64"] })],
  "an encrypted one": [refused, async () => `${(await signed({})).replace(".", "..")}.`],
  "of another issuer": [refused, () => signed({ iss: "https://evil.example" })],
  "of no issuer": [refused, () => signed({ iss: undefined })],
  expired: [refused, () => signed({ exp: now() - 30 })],
  "with an expiry in words": [refused, () => raw({}, JSON.stringify({ ...claims, exp: "tomorrow" }))],
  "with a list for its claims": [refused, () => raw({}, JSON.stringify([claims]))],
  "with another signature's last letter": [refused, async () => altered(await signed({}))],
  "without its signature": [refused, async () => (await signed({})).replace(/[^.]*$/, "")],
  "with another claim": [refused, async () => withClaims(await signed({}), { sub: "user_other" })],
  "valid in a minute": [unclear, () => signed({ nbf: now() + 60 })],

  // RFC 7519 leaves these to the application.
  "without an expiry": [refused, () => signed({ exp: undefined }), "jose"],
  "of no session": [refused, () => signed({ sid: "app_consent_1" }), "jose"],
  "of nobody": [refused, () => signed({ sub: undefined }), "jose"],
  "for another client": [refused, () => signed({ aud: "client_other" }), "jose"],
  "of another type": [refused, () => signed({}, { typ: "dpop+jwt" }), "jose"],
  // RFC 7519, section 4: reject it, or take the last.
  "with a claim twice": [
    refused,
    () => raw({}, JSON.stringify(claims).replace("{", '{"sub":"user_other",')),
    "jose",
  ],
  // jose is given the key, and does not look it up.
  "of a key that nobody knows": [refused, () => signed({}, { kid: "another" }), "jose"],
};

for (const [name, [status, make, joseAccepts]] of Object.entries(tokens)) {
  test(`jose and our function judge a token ${name}`, async () => {
    const token = await make();
    const theirs = await jwtVerify(token, publicKey, verifying()).then(
      () => true,
      () => false,
    );
    assert.equal(theirs, status === accepted || joseAccepts === "jose", `jose says ${theirs}`);
    const ours = await sessionOfToken(token);
    const statuses = name === "of a key that nobody knows" ? [refused, unclear] : [status];
    assert.ok(statuses.includes(ours.status), `${ours.status} ${JSON.stringify(ours.body)}`);
  });
}

test("our function accepts fifty random tokens that jose signs, and reads the same claims", async () => {
  for (let number = 0; number < 50; number += 1) {
    const organization = `org_${randomBytes(6).toString("hex")}`;
    const permissions = Array.from({ length: number % 5 }, () => randomBytes(3).toString("hex"));
    const token = await signed({ org_id: organization, permissions, jti: randomText(number) });
    const { status, body } = await sessionOfToken(token);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.user.id, claims.sub);
    assert.deepEqual([body.organizationId, body.permissions], [organization, permissions]);
  }
});

test("jose verifies our join tokens with the API secret, and with no other", async () => {
  const browser = new Browser(anteroom);
  browser.plant("wos-session", await sealed({ user: randomUser(1) }, password));
  for (let number = 0; number < 20; number += 1) {
    const roomId = `room ${randomText(number)}!`.slice(0, 60);
    const { status, body } = await browser.post("/api/v1/livekit/room-auth", { roomId, username: "Jane" });
    assert.equal(status, 200, JSON.stringify(body));
    const secret = new TextEncoder().encode(apiSecret);
    const { payload, protectedHeader } = await jwtVerify(body.token, secret, { algorithms: ["HS256"] });
    assert.equal(protectedHeader.alg, "HS256");
    assert.deepEqual(payload.video, { roomJoin: true, room: roomId, canPublish: true, canSubscribe: true });
    assert.equal(payload.exp - payload.nbf, 600);
    await assert.rejects(jwtVerify(body.token, randomBytes(32), { algorithms: ["HS256"] }));
    await assert.rejects(jwtVerify(altered(body.token), secret, { algorithms: ["HS256"] }));
  }
});

test("jose computes the thumbprint of the key that our stand-in publishes", async () => {
  const answer = await fetch(`${standIn.url}/sso/jwks/${clientId}`);
  const { keys } = await answer.json();
  const published = keys.find(({ kid }) => kid === header.kid);
  const thumbprints = [published, await exportJWK(publicKey)].map((key) => calculateJwkThumbprint(key));
  const [one, other] = await Promise.all(thumbprints);
  assert.equal(one, other);
});

/** A token of jose's with other claims, header fields or another key. */
async function signed(changes, fields = {}, key = pem) {
  const protectedHeader = JSON.parse(JSON.stringify({ ...header, ...fields }));
  const payload = JSON.parse(JSON.stringify({ ...claims, ...changes }));
  const alg = protectedHeader.alg;
  const signing = typeof key === "string" ? await importPKCS8(key, alg) : key;
  return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(signing);
}

/** A token with WorkOS's RS256 signature that jose would not make. */
function raw(fields, payload = JSON.stringify(claims)) {
  const parts = [JSON.stringify({ ...header, ...fields }), payload];
  const text = parts.map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${text}.${sign("sha256", Buffer.from(text), pem).toString("base64url")}`;
}

function hs256(secret) {
  const text = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** The token with one letter changed in its signature. */
function altered(token) {
  const at = token.length - 20;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

/** A session of iron-webcrypto's with a genuine access token. */
async function sealed(session, secret, options = {}) {
  const content = { accessToken: await signed({}), refreshToken: randomText(20), ...session };
  return `${await seal(content, { id: "1", secret }, { ...defaults, ...options })}~2`;
}

async function resealed(content) {
  return `${await seal(content, { id: "1", secret: password }, defaults)}~2`;
}

function opened(cookie) {
  assert.ok(cookie.endsWith("~2"), cookie);
  return unseal(cookie.slice(0, -2), { 1: password }, defaults);
}

function randomUser(number) {
  return {
    object: "user",
    id: claims.sub,
    email,
    emailVerified: true,
    firstName: randomText(number % 40),
    lastName: randomText((number * 7) % 300),
    metadata: { note: randomText(number * 5) },
  };
}

/** A text of that many characters, from anywhere in Unicode. */
function randomText(length) {
  const character = () => {
    const code = randomBytes(4).readUInt32BE() % 0x110000;
    return code >= 0xd800 && code < 0xe000 ? "\u{fffd}" : String.fromCodePoint(code || 1);
  };
  return `x${Array.from({ length }, character).join("")}`;
}

function pick({ id, email, firstName, lastName }) {
  return { id, email, firstName, lastName };
}

function sessionOf(cookie) {
  const browser = new Browser(anteroom);
  browser.plant("wos-session", cookie);
  return browser.get("/auth/session");
}

async function sessionOfToken(token) {
  const answer = await fetch(`${anteroom.url}/auth/session`, { headers: bearer(token) });
  return { status: answer.status, body: await answer.json() };
}
