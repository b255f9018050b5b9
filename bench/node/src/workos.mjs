// WorkOS's SDK, and the sessions of its users.

import { WorkOS } from "@workos-inc/node";
import { decodeJwt, jwtVerify } from "jose";

import { Refusal } from "./reply.mjs";

const cookieName = "wos-session";
/** 400 days, in seconds: browsers keep no cookie for longer. */
const cookieMaxAge = 34_560_000;

export const workosSecrets = { WORKOS_SECRET_ID: ["WORKOS_API_KEY", "WORKOS_COOKIE_PASSWORD"] };

const clientId = process.env.WORKOS_CLIENT_ID;
const api = new URL(process.env.WORKOS_API_URL ?? "https://api.workos.com");
const issuers = [api.origin, `${api.origin}/`, `${api.origin}/user_management/${clientId}`];

/** The client, made once per process. */
export function workosClient({ WORKOS_API_KEY }) {
  const address = { apiHostname: api.hostname, ...(api.port && { port: Number(api.port) }) };
  return new WorkOS(WORKOS_API_KEY, { clientId, ...address });
}

/** Sessions: a sealed cookie, or an access token as a bearer token. */
export class Sessions {
  #users;
  #password;
  #keys;

  constructor(workos, { WORKOS_COOKIE_PASSWORD }) {
    this.#users = workos.userManagement;
    this.#password = WORKOS_COOKIE_PASSWORD;
  }

  /** Fetches WorkOS's public keys, so that the first request does not wait for them. */
  async prefetch() {
    this.#keys = await this.#users.getJWKS();
    await this.#keys.reload();
    return this;
  }

  /** The session of a request, and the cookie to send if it was refreshed. */
  async of({ headers, cookies }) {
    const bearer = /^Bearer +(.+)$/i.exec(headers.authorization ?? "")?.[1];
    if (bearer) return { claims: await this.#verified(bearer) };
    const sealed = cookies?.find((cookie) => cookie.startsWith(`${cookieName}=`));
    if (!sealed) throw new Refusal(401, "There is no session");
    return this.#unsealed(sealed.slice(cookieName.length + 1));
  }

  async #verified(token) {
    try {
      const { payload } = await jwtVerify(token, this.#keys, { issuer: issuers, algorithms: ["RS256"] });
      return payload;
    } catch (error) {
      if (error.code?.startsWith("ERR_J")) throw new Refusal(401, "The access token is not valid");
      throw error;
    }
  }

  async #unsealed(sessionData) {
    const session = this.#users.loadSealedSession({ sessionData, cookiePassword: this.#password });
    const read = await session.authenticate();
    if (read.authenticated) return { user: read.user, claims: decodeJwt(read.accessToken) };
    if (read.reason !== "invalid_jwt") throw new Refusal(401, "There is no session");
    const refreshed = await session.refresh();
    if (!refreshed.authenticated) throw new Refusal(401, "The session has ended");
    const claims = decodeJwt(refreshed.session.accessToken);
    return { user: refreshed.user, claims, cookies: [sessionCookie(refreshed.sealedSession)] };
  }
}

export function sessionCookie(sealed) {
  const secure = process.env.WORKOS_REDIRECT_URI?.startsWith("https:") ? "; Secure" : "";
  return `${cookieName}=${sealed}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${cookieMaxAge}${secure}`;
}

/** The user as callers see it. */
export function profile({ id, email, firstName, lastName, profilePictureUrl }) {
  const optional = { firstName, lastName, avatarURL: profilePictureUrl };
  const present = Object.entries(optional).filter(([, value]) => value !== null && value !== undefined);
  return { id, email, ...Object.fromEntries(present) };
}

/** The user with an address, if there is one. */
export async function userByEmail(workos, email) {
  const { data } = await workos.userManagement.listUsers({ email, limit: 100 });
  return data.find((user) => user.email.toLowerCase() === email.toLowerCase());
}
