// Writes shared/tests/data/seals.json: sessions sealed by WorkOS's SDK and by iron-session, with their
// content, for shared/src/cookie_seal.rs and shared/src/workos/cookies/session_cookie.rs to open.
//
//     npm install --no-save @workos-inc/node@8.13.0 iron-session@8.0.4
//     node workos/known-seals.mjs > ../shared/tests/data/seals.json
//
// authkit-nextjs seals its sessions with iron-session, without an expiry. Seals contain random parts, so
// every run writes different ones. Keep those in the repository until the format changes.

import { WorkOS } from "@workos-inc/node";
import { sealData } from "iron-session";
import { defaults, seal } from "iron-webcrypto";

import { encode } from "../support/jwt.mjs";

const password = "the password of the known seals, current";
const otherPassword = "the password of the known seals, another";

const accessToken = (claims) => `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}.c2lnbmF0dXJl`;

// WorkOS's answer after a sign-in, reduced to the fields that the SDK reads.
const plainAnswer = {
  user: {
    object: "user",
    id: "user_01PLAIN",
    email: "jane.doe@example.com",
    email_verified: true,
    first_name: null,
    last_name: null,
    profile_picture_url: null,
    last_sign_in_at: null,
    created_at: "2025-01-01T00:00:00.000Z",
    updated_at: "2025-01-02T00:00:00.000Z",
    external_id: null,
  },
  access_token: accessToken({ sub: "user_01PLAIN", sid: "session_01PLAIN" }),
  refresh_token: "refresh-plain",
};
const fullAnswer = {
  user: {
    ...plainAnswer.user,
    id: "user_01FULL",
    first_name: "Zoë",
    last_name: "O’Hara 雪",
    profile_picture_url: "https://images.example.com/zoe.png",
    last_sign_in_at: "2025-02-01T00:00:00.000Z",
    locale: "en-GB",
    external_id: "crm-7",
    metadata: { plan: "free" },
  },
  organization_id: "org_01FULL",
  access_token: accessToken({ sub: "user_01FULL", sid: "session_01FULL", org_id: "org_01FULL" }),
  refresh_token: "refresh-full",
  authentication_method: "MagicAuth",
  impersonator: { email: "support@example.com", reason: "A ticket" },
};

/** The session that the SDK seals for a page when WorkOS answers so, and what it reads in it. */
async function sdkSession(answer, cookiePassword = password) {
  const workos = new WorkOS("sk_test_known_seals", {
    clientId: "client_known_seals",
    fetchFn: async () => Response.json(answer),
  });
  const { sealedSession } = await workos.userManagement.authenticateWithMagicAuth({
    code: "123456",
    email: answer.user.email,
    session: { sealSession: true, cookiePassword },
  });
  const holds = await workos.userManagement.getSessionFromCookie({
    sessionData: sealedSession,
    cookiePassword,
  });
  return { sealed: sealedSession, holds };
}

/** The session that authkit-nextjs seals out of the same answer. */
async function nextSession(answer) {
  const { holds } = await sdkSession(answer);
  const { accessToken, refreshToken, user, impersonator } = holds;
  const session = { accessToken, refreshToken, user, impersonator };
  return { sealed: await sealData(session, { password, ttl: 0 }), holds: session };
}

const content = { text: "content" };
const iron = (secret) => seal(globalThis.crypto, content, secret, defaults);

const seals = [
  { name: "the SDK's session, with all parts", session: true, ...(await sdkSession(fullAnswer)) },
  { name: "the SDK's session, with the least", session: true, ...(await sdkSession(plainAnswer)) },
  { name: "authkit-nextjs's session, with all parts", session: true, ...(await nextSession(fullAnswer)) },
  { name: "authkit-nextjs's session, with the least", session: true, ...(await nextSession(plainAnswer)) },
  // Every number of padding bytes, twice around.
  ...(await Promise.all(
    Array.from({ length: 33 }, async (_, length) => {
      const text = "x".repeat(length);
      const sealed = await sealData(text, { password, ttl: 0 });
      return { name: `a text of ${length} letters`, sealed, holds: text };
    }),
  )),
  {
    name: "iron-session's own default, two weeks",
    sealed: await sealData(content, { password }),
    holds: content,
    lifetime_ms: 14 * 24 * 60 * 60 * 1000,
  },
  {
    name: "ten minutes",
    sealed: await sealData(content, { password, ttl: 600 }),
    holds: content,
    lifetime_ms: 600 * 1000,
  },
  {
    name: "another password",
    sealed: (await sdkSession(plainAnswer, otherPassword)).sealed,
    refused: "NotOurs",
  },
  {
    name: "the second of two passwords",
    sealed: await sealData(content, { password: { 1: otherPassword, 2: password }, ttl: 0 }),
    refused: "Malformed",
  },
  { name: "no version", sealed: await iron({ id: "1", secret: password }), refused: "Malformed" },
  { name: "no number of a password", sealed: `${await iron(password)}~2`, refused: "Malformed" },
];

const stamp = { made_at_ms: Date.now(), password, other_password: otherPassword };
console.log(JSON.stringify({ ...stamp, seals }, null, 1));
