// A Clerk application with keys of our own, which signs every token that a check needs, good or bad.

import { createHash, createPrivateKey, createSign, generateKeyPairSync } from "node:crypto";

import { origin } from "../support/anteroom.mjs";
import { encode } from "../support/jwt.mjs";

export class ClerkInstance {
  publishableKey;
  issuer;
  secretKey = "sk_live_interop";
  /** The public key, as Clerk's dashboard shows it. */
  jwtKey;
  #privateKey;

  constructor(host = "clerk.example.com") {
    this.publishableKey = `pk_live_${base64(`${host}$`)}`;
    this.issuer = `https://${host}`;
    const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.jwtKey = keys.publicKey.export({ type: "spki", format: "pem" });
    this.#privateKey = keys.privateKey;
  }

  /** The settings with which Anteroom verifies its sessions and reads users from `apiUrl`. */
  settings(apiUrl) {
    return {
      CLERK_API_URL: apiUrl,
      CLERK_SECRET_KEY: this.secretKey,
      CLERK_PUBLISHABLE_KEY: this.publishableKey,
      CLERK_JWT_KEY: this.jwtKey,
    };
  }

  /** What is appended to the names of its cookies where several applications share a domain. */
  get cookieSuffix() {
    return createHash("sha1").update(this.publishableKey).digest("base64url").slice(0, 8);
  }

  /** The header of a session token, changed as told; `undefined` takes a field out. */
  header(changes = {}) {
    return { alg: "RS256", cat: "cl_B7d4PD111AAA", kid: "ins_interop", typ: "JWT", ...changes };
  }

  /** The claims of a session token of version 2, changed as told; `undefined` takes one out. */
  claims(changes = {}) {
    const now = Math.floor(Date.now() / 1000);
    return {
      azp: origin,
      exp: now + 60,
      fva: [0, -1],
      iat: now,
      iss: this.issuer,
      jti: "0123456789abcdef0123",
      nbf: now - 10,
      sid: "sess_interop",
      sts: "active",
      sub: "user_ada",
      v: 2,
      ...changes,
    };
  }

  /** A session token. */
  token(claims = {}, header = {}) {
    return this.sign(encode(this.header(header)), encode(this.claims(claims)));
  }

  /** A token of parts that are encoded already. */
  sign(header, claims, digest = "sha256", options = {}) {
    const signature = createSign(digest)
      .update(`${header}.${claims}`)
      .sign({ key: this.#privateKey, ...options }, "base64url");
    return `${header}.${claims}.${signature}`;
  }

  /** Its private key; for tokens that are wrong in a way that `sign` cannot make. */
  get privateKey() {
    return createPrivateKey(this.#privateKey.export({ type: "pkcs8", format: "pem" }));
  }
}

function base64(text) {
  return Buffer.from(text).toString("base64");
}
