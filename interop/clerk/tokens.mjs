// Tokens and requests for Clerk's own SDK and our function, each with the answer that the contract requires.
// The two must agree on every row, except those marked `stricter` or `laxer`, which say why they differ.

import { constants, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { origin } from "../support/anteroom.mjs";
import { bearer, encode, withClaims } from "../support/jwt.mjs";
import { ClerkInstance } from "./instance.mjs";

export const ada = {
  clerk_id: "user_ada",
  first_name: "Ada",
  last_name: "Lovelace",
  email_addresses: ["ada@example.com"],
};
export const bob = {
  clerk_id: "user_bob",
  first_name: "Bob",
  last_name: "Stone",
  email_addresses: ["bob@example.com"],
};

/** The application whose sessions are accepted. */
export const clerk = new ClerkInstance();

/** A second origin whose sessions are accepted. */
export const secondOrigin = "https://app.example.com";

const stranger = new ClerkInstance("clerk.example.com");
const neighbour = new ClerkInstance("clerk.neighbour.example");
const now = () => Math.floor(Date.now() / 1000);

const accepted = 200;
const signedOut = 404;
const refused = 401;

/** Tokens; each is sent in the header and, once more, in the session cookie. */
export const tokens = [
  // What Clerk mints, or has minted.
  { name: "a session token as Clerk mints it today", token: () => clerk.token(), status: accepted },
  {
    name: "a session in an organization, claims of version 2",
    token: () =>
      clerk.token({ o: { id: "org_1", rol: "admin", slg: "one", per: "read,manage", fpm: "3" }, fea: "o:a" }),
    status: accepted,
  },
  {
    name: "claims of version 1",
    token: () => clerk.token({ v: undefined, sts: undefined, fva: undefined }),
    status: accepted,
  },
  {
    name: "a session in an organization, claims of version 1",
    token: () =>
      clerk.token({
        v: undefined,
        org_id: "org_1",
        org_role: "org:admin",
        org_slug: "one",
        org_permissions: ["org:a:read"],
      }),
    status: accepted,
  },
  {
    name: "a token from before categories",
    token: () => clerk.token({}, { cat: undefined }),
    status: accepted,
  },
  {
    name: "the category that is to be ignored",
    token: () => clerk.token({}, { cat: "cl_I7d4PD111III" }),
    status: accepted,
  },
  { name: "no type in the header", token: () => clerk.token({}, { typ: undefined }), status: accepted },
  {
    name: "an impersonated session",
    token: () => clerk.token({ act: { sub: "user_bob" } }),
    status: accepted,
  },
  {
    name: "claims that somebody added",
    token: () => clerk.token({ metadata: { a: [1] }, email: "eve@example.com" }),
    status: accepted,
  },
  { name: "an audience", token: () => clerk.token({ aud: "https://api.example.com" }), status: accepted },
  { name: "several audiences", token: () => clerk.token({ aud: ["a", "b"] }), status: accepted },
  { name: "the second authorized party", token: () => clerk.token({ azp: secondOrigin }), status: accepted },
  { name: "no nbf", token: () => clerk.token({ nbf: undefined }), status: accepted },
  {
    name: "no iat",
    token: () => clerk.token({ iat: undefined }),
    status: accepted,
    cookie: { status: signedOut, stricter: "nobody can tell that it is newer than the last sign-out" },
  },
  { name: "no key id", token: () => clerk.token({}, { kid: undefined }), status: accepted },
  { name: "seconds with a fraction", token: () => clerk.token({ exp: now() + 30.5 }), status: accepted },

  // Clocks that differ by a little.
  { name: "expired two seconds ago", token: () => clerk.token({ exp: now() - 2 }), status: accepted },
  { name: "valid in three seconds", token: () => clerk.token({ nbf: now() + 3 }), status: accepted },
  { name: "issued in three seconds", token: () => clerk.token({ iat: now() + 3 }), status: accepted },

  // Signed out.
  { name: "expired ten seconds ago", token: () => clerk.token({ exp: now() - 10 }), status: signedOut },
  { name: "expired at the beginning of time", token: () => clerk.token({ exp: 0 }), status: signedOut },
  { name: "a pending session", token: () => clerk.token({ sts: "pending" }), status: signedOut },

  {
    name: "a status that nobody knows",
    token: () => clerk.token({ sts: "revoked" }),
    status: signedOut,
    stricter: "only an active session is one; the SDK knows pending, and takes everything else as active",
  },

  // Times.
  { name: "no exp", token: () => clerk.token({ exp: undefined }), status: refused },
  { name: "exp as text", token: () => clerk.token({ exp: String(now() + 60) }), status: refused },
  { name: "exp that is null", token: () => clerk.token({ exp: null }), status: refused },
  { name: "valid in ten seconds", token: () => clerk.token({ nbf: now() + 10 }), status: refused },
  { name: "nbf as text", token: () => clerk.token({ nbf: "0" }), status: refused },
  { name: "issued in ten seconds", token: () => clerk.token({ iat: now() + 10 }), status: refused },
  { name: "iat as text", token: () => clerk.token({ iat: "0" }), status: refused },

  // Whose it is.
  {
    name: "the party of another site",
    token: () => clerk.token({ azp: "https://evil.example" }),
    status: refused,
  },
  {
    name: "a party that begins like ours",
    token: () => clerk.token({ azp: `${origin}.evil.example` }),
    status: refused,
  },
  { name: "no party", token: () => clerk.token({ azp: undefined }), status: refused },
  { name: "an empty party", token: () => clerk.token({ azp: "" }), status: refused },
  { name: "a list of parties", token: () => clerk.token({ azp: [origin] }), status: refused },
  { name: "no subject", token: () => clerk.token({ sub: undefined }), status: refused },
  { name: "a subject that is a number", token: () => clerk.token({ sub: 1 }), status: refused },
  { name: "an empty subject", token: () => clerk.token({ sub: "" }), status: refused },
  {
    name: "a subject that no id is",
    token: () => clerk.token({ sub: "../sessions" }),
    status: refused,
    stricter: "it becomes part of an address",
  },
  {
    name: "two subjects",
    token: () => clerk.sign(encode(clerk.header()), twice("sub", "user_eve", clerk.claims())),
    status: refused,
    stricter: "RFC 7519, 4: claim names are unique; the SDK takes the last",
  },
  { name: "a machine as the subject", token: () => clerk.token({ sub: "mch_1" }), status: refused },
  {
    name: "no session id",
    token: () => clerk.token({ sid: undefined }),
    status: refused,
    stricter: "a token without a session outlives the sign-out; Clerk's session tokens always name theirs",
  },
  {
    name: "the issuer of another application",
    token: () => clerk.token({ iss: "https://clerk.evil.example" }),
    status: refused,
    stricter: "the SDK trusts the key alone; the issuer costs nothing to check",
    // In an unsuffixed cookie it is another application's session, which both pass by.
    cookie: { status: signedOut },
  },
  {
    name: "no issuer",
    token: () => clerk.token({ iss: undefined }),
    status: refused,
    stricter: "the SDK trusts the key alone",
  },
  {
    name: "a list of issuers",
    token: () => clerk.token({ iss: [clerk.issuer] }),
    status: refused,
    stricter: "the SDK trusts the key alone",
    cookie: { status: refused },
  },

  // What kind of token it is.
  {
    name: "a token from a JWT template",
    token: () => clerk.token({ sid: undefined }, { cat: "cl_B7d4PD222AAA" }),
    status: refused,
  },
  { name: "a machine's token", token: () => clerk.token({}, { cat: "cl_B7d4PD333AAA" }), status: refused },
  {
    name: "a category that nobody knows",
    token: () => clerk.token({}, { cat: "cl_other" }),
    status: refused,
  },
  { name: "an OAuth access token", token: () => clerk.token({}, { typ: "at+jwt" }), status: refused },
  { name: "a type in small letters", token: () => clerk.token({}, { typ: "jwt" }), status: refused },
  {
    name: "a critical extension",
    token: () => clerk.token({}, { crit: ["exp"], exp: 0 }),
    status: refused,
    stricter: "RFC 7515, 4.1.11: who does not understand it must refuse; the SDK ignores it",
  },

  // How it is signed.
  { name: "signed by somebody else", token: () => stranger.token(), status: refused },
  {
    name: "signed by somebody else, who sends the key along",
    token: () =>
      stranger.token({}, { jwk: { kty: "RSA", n: "AQAB", e: "AQAB" }, jku: "https://evil.example/jwks" }),
    status: refused,
  },
  {
    name: "claims altered after signing",
    token: () => withClaims(clerk.token(), { sub: "user_bob" }),
    status: refused,
  },
  {
    name: "a header altered after signing",
    token: () => withHeader(clerk.token(), clerk.header({ kid: "ins_other" })),
    status: refused,
  },
  { name: "a signature altered", token: () => withSignature(clerk.token(), flip), status: refused },
  {
    name: "half a signature",
    token: () => withSignature(clerk.token(), (text) => text.slice(0, 170)),
    status: refused,
  },
  { name: "an empty signature", token: () => withSignature(clerk.token(), () => ""), status: refused },
  {
    name: "alg none without a signature",
    token: () => `${encode(clerk.header({ alg: "none" }))}.${encode(clerk.claims())}.`,
    status: refused,
  },
  { name: "alg none with a good signature", token: () => clerk.token({}, { alg: "none" }), status: refused },
  { name: "HS256 with the public key as the secret", token: () => hs256(), status: refused },
  { name: "RS384", token: () => rsa("RS384", "sha384"), status: refused },
  { name: "RS512", token: () => rsa("RS512", "sha512"), status: refused },
  { name: "PS256", token: () => ps256(), status: refused },
  { name: "ES256", token: () => es256(), status: refused },
  { name: "no alg", token: () => clerk.token({}, { alg: undefined }), status: refused },
  { name: "a digest that the header does not tell", token: () => rsa("RS256", "sha512"), status: refused },

  // How it is written.
  { name: "no token at all but a word", token: () => "word", status: refused },
  { name: "two parts", token: () => clerk.token().split(".").slice(0, 2).join("."), status: refused },
  { name: "four parts", token: () => `${clerk.token()}.AAAA`, status: refused },
  {
    name: "a header that is not JSON",
    token: () => clerk.sign(Buffer.from("{").toString("base64url"), encode(clerk.claims())),
    status: refused,
  },
  {
    name: "claims that are not JSON",
    token: () => clerk.sign(encode(clerk.header()), "AAAA"),
    status: refused,
  },
  {
    name: "claims that are a list",
    token: () => clerk.sign(encode(clerk.header()), encode([clerk.claims()])),
    status: refused,
  },
  {
    name: "padding",
    token: () => clerk.sign(encode(clerk.header()), padded(clerk.claims())),
    status: refused,
    stricter: "RFC 7515, 2: base64url without padding; the SDK reads it loosely",
  },
  {
    name: "base64 of the other alphabet",
    token: () => clerk.sign(encode(clerk.header()), otherAlphabet()),
    status: refused,
  },
];

/** Whole requests: which credentials count, and whose they are. */
export const requests = [
  { name: "nothing at all", headers: () => ({}), status: signedOut },
  { name: "an empty Authorization", headers: () => ({ authorization: "" }), status: signedOut },
  { name: "another scheme", headers: () => ({ authorization: "Basic YWRhOnB3" }), status: signedOut },
  {
    name: "a scheme in small letters",
    headers: () => ({ authorization: `bearer ${clerk.token()}` }),
    status: signedOut,
  },
  {
    name: "a token without a scheme",
    headers: () => ({ authorization: clerk.token() }),
    status: signedOut,
    stricter: "a token needs its scheme; the SDK takes the whole header for one",
  },
  { name: "a word without a scheme", headers: () => ({ authorization: "word" }), status: signedOut },
  {
    name: "a scheme without a token, beside a session cookie",
    headers: () => ({ authorization: "Bearer", cookie: session(clerk.token()) }),
    status: signedOut,
  },
  {
    name: "two blanks behind the scheme",
    headers: () => ({ authorization: `Bearer  ${clerk.token()}` }),
    status: accepted,
    user: ada,
    laxer: "RFC 9110, 11.4: one blank or more; the SDK reads an empty token",
  },
  {
    name: "another scheme and a session cookie",
    headers: () => ({ authorization: "Basic YWRhOnB3", cookie: session(clerk.token()) }),
    status: accepted,
    user: ada,
  },
  {
    name: "a header and a cookie of different users: the header counts",
    headers: () => ({ ...bearer(clerk.token({ sub: bob.clerk_id })), cookie: session(clerk.token()) }),
    status: accepted,
    user: bob,
  },
  {
    name: "a bad header does not fall back to a good cookie",
    headers: () => ({ ...bearer(stranger.token()), cookie: session(clerk.token()) }),
    status: refused,
  },
  {
    name: "an expired header does not fall back to a good cookie",
    headers: () => ({ ...bearer(clerk.token({ exp: now() - 10 })), cookie: session(clerk.token()) }),
    status: signedOut,
  },
  {
    name: "a good header beside a bad cookie",
    headers: () => ({ ...bearer(clerk.token()), cookie: session(stranger.token()) }),
    status: accepted,
    user: ada,
  },
  {
    name: "a header beside a cookie that says signed out",
    headers: () => ({ ...bearer(clerk.token()), cookie: "__client_uat=0" }),
    status: accepted,
    user: ada,
  },

  {
    name: "an empty session cookie",
    headers: () => ({ cookie: "__session=; __client_uat=1600000000" }),
    status: signedOut,
  },
  {
    name: "a session cookie among others",
    headers: () => ({ cookie: `a=1; ${session(clerk.token())}; theme=dark` }),
    status: accepted,
    user: ada,
  },
  {
    name: "a session cookie in percent encoding",
    headers: () => ({ cookie: session(clerk.token().replaceAll(".", "%2E")) }),
    status: refused,
    stricter:
      "a token has no character that needs it, and Clerk never writes it so; the SDK decodes all cookies",
  },
  {
    name: "the same session cookie twice",
    headers: () => twiceInCookies(clerk.token()),
    status: accepted,
    user: ada,
  },
  {
    name: "two different session cookies",
    headers: () => ({ cookie: `${session(clerk.token())}; __session=${clerk.token({ sub: bob.clerk_id })}` }),
    status: refused,
    stricter: "one of them may have been planted by a sibling subdomain; the SDK takes the first",
  },
  {
    name: "signed out since the token was issued",
    headers: () => ({ cookie: session(clerk.token({ iat: now() - 30 }), now() - 5) }),
    status: signedOut,
  },
  {
    name: "signed in at the moment the token was issued",
    headers: () => {
      const iat = now();
      return { cookie: session(clerk.token({ iat }), iat) };
    },
    status: accepted,
    user: ada,
  },
  {
    name: "a client that says it is signed out",
    headers: () => ({ cookie: session(clerk.token(), 0) }),
    status: signedOut,
  },
  {
    name: "no word of the client at all",
    headers: () => ({ cookie: `__session=${clerk.token()}` }),
    status: accepted,
    user: ada,
    laxer:
      "the API may be another subdomain, which the client's cookie does not reach; the SDK wants to redirect",
  },

  {
    name: "a suffixed session",
    headers: () => ({ cookie: suffixed(clerk.token()) }),
    status: accepted,
    user: ada,
  },
  {
    name: "a suffixed session without a word of the client",
    headers: () => ({ cookie: `__session_${clerk.cookieSuffix}=${clerk.token()}` }),
    status: accepted,
    user: ada,
    laxer:
      "the client's cookie does not reach other subdomains; the SDK looks for the unsuffixed session instead",
  },
  {
    name: "both, of one user",
    headers: () => ({ cookie: `${session(clerk.token())}; ${suffixed(clerk.token())}` }),
    status: accepted,
    user: ada,
  },
  {
    name: "two applications on one domain: the suffixed session is ours",
    headers: () => ({
      cookie: `${session(neighbour.token({ sub: bob.clerk_id }))}; ${suffixed(clerk.token())}`,
    }),
    status: accepted,
    user: ada,
  },
  {
    name: "only the other application's session",
    headers: () => ({ cookie: session(neighbour.token()) }),
    status: signedOut,
  },
  {
    name: "only the other application's suffixed session",
    headers: () => ({ cookie: suffixed(neighbour.token(), 1_600_000_000, neighbour) }),
    status: signedOut,
  },
  {
    name: "the unsuffixed session is the newer one",
    headers: () => ({
      cookie: `${session(clerk.token({ sub: bob.clerk_id }))}; ${suffixed(clerk.token({ iat: now() - 20 }))}`,
    }),
    status: accepted,
    user: bob,
  },
  {
    name: "the suffixed session is the newer one",
    headers: () => ({
      cookie: `${session(clerk.token({ sub: bob.clerk_id, iat: now() - 20 }))}; ${suffixed(clerk.token())}`,
    }),
    status: accepted,
    user: ada,
  },
  {
    name: "signed out by suffix, signed in without",
    headers: () => ({
      cookie: `${session(clerk.token({ sub: bob.clerk_id }))}; ${suffixed(clerk.token(), 0)}`,
    }),
    status: accepted,
    user: bob,
  },
  {
    name: "signed in by suffix, signed out without",
    headers: () => ({ cookie: `__client_uat=0; ${suffixed(clerk.token())}` }),
    status: accepted,
    user: ada,
  },
  {
    name: "signed out both ways",
    headers: () => ({ cookie: `${session(clerk.token(), 0)}; ${suffixed(clerk.token(), 0)}` }),
    status: signedOut,
  },

  {
    name: "a cookie from a page that is allowed",
    headers: () => ({ origin, cookie: session(clerk.token()) }),
    status: accepted,
    user: ada,
  },
  {
    name: "a cookie without a party from a page that is allowed",
    headers: () => ({ origin, cookie: session(clerk.token({ azp: undefined })) }),
    status: accepted,
    user: ada,
    laxer:
      "the page's origin stands in for the party; the SDK accepts it only where no parties are configured",
  },
  {
    name: "a header without a party from a page that is allowed",
    headers: () => ({ origin, ...bearer(clerk.token({ azp: undefined })) }),
    status: refused,
  },
  {
    name: "a cookie from a page that is not allowed",
    headers: () => ({ origin: "https://evil.example", cookie: session(clerk.token()) }),
    status: 403,
    stricter: "a browser sends cookies along from anywhere; the SDK leaves that to its framework",
  },
  {
    name: "a header from a page that is not allowed",
    headers: () => ({ origin: "https://evil.example", ...bearer(clerk.token()) }),
    status: 403,
    stricter:
      "no foreign page may call an endpoint, with or without a cookie; the SDK leaves that to its framework",
  },
];

/** The cookies of a session, as Clerk sets them: its token, and since when the client is signed in. */
export function session(token, signedInAt = 1_600_000_000) {
  return `__session=${token}; __client_uat=${signedInAt}`;
}

function suffixed(token, signedInAt = 1_600_000_000, instance = clerk) {
  const suffix = instance.cookieSuffix;
  return `__session_${suffix}=${token}; __client_uat_${suffix}=${signedInAt}`;
}

function twiceInCookies(token) {
  return { cookie: `${session(token)}; __session=${token}` };
}

/** Claims with a second claim of the same name in front. */
function twice(name, value, claims) {
  return Buffer.from(JSON.stringify(claims).replace("{", `{"${name}":"${value}",`)).toString("base64url");
}

function withHeader(token, header) {
  const [, claims, signature] = token.split(".");
  return `${encode(header)}.${claims}.${signature}`;
}

function withSignature(token, change) {
  const [header, claims, signature] = token.split(".");
  return `${header}.${claims}.${change(signature)}`;
}

function flip(signature) {
  return (signature[0] === "A" ? "B" : "A") + signature.slice(1);
}

function hs256() {
  const signed = `${encode(clerk.header({ alg: "HS256" }))}.${encode(clerk.claims())}`;
  return `${signed}.${createHmac("sha256", clerk.jwtKey).update(signed).digest("base64url")}`;
}

function rsa(alg, digest) {
  return clerk.sign(encode(clerk.header({ alg })), encode(clerk.claims()), digest);
}

function ps256() {
  const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return clerk.sign(encode(clerk.header({ alg: "PS256" })), encode(clerk.claims()), "sha256", options);
}

function es256() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signed = `${encode(clerk.header({ alg: "ES256" }))}.${encode(clerk.claims())}`;
  const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

/** Claims of a length whose base64 needs padding, with it. */
function padded(claims) {
  for (let filler = ""; ; filler += "x") {
    const text = Buffer.from(JSON.stringify({ ...claims, filler })).toString("base64");
    if (text.endsWith("=")) return text.replaceAll("+", "-").replaceAll("/", "_");
  }
}

/** Claims whose base64 has a character of the alphabet that is not for URLs. */
function otherAlphabet() {
  const text = Buffer.from(JSON.stringify(clerk.claims({ filler: "~~~???>>>ÿÿÿ" }))).toString("base64");
  if (!/[+/]/.test(text)) throw new Error("the claims show no difference between the alphabets");
  return text.replace(/=+$/, "");
}
