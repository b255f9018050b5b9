import { ApiError, call } from "./anteroom";
import type { User } from "./sign-in";

export type Session = {
  user: User;
  /** Absent, like the roles and entitlements, if the session has no organization. */
  organizationId?: string;
  role?: string;
  roles?: string[];
  permissions?: string[];
  entitlements?: string[];
  featureFlags?: string[];
  /** The administrator who is impersonating the user, if any. */
  impersonator?: { email: string; reason?: string };
  /** When the user signed in, in Unix seconds. */
  authenticatedAt?: number;
  /** When the access token expires, in Unix seconds. The next call refreshes it. */
  expiresAt: number;
};

/** This browser's session, or `undefined` if nobody is signed in. Throws if something is down. */
export async function currentSession(): Promise<Session | undefined> {
  try {
    return await call<Session>("/auth/session", {}, { method: "GET", attempts: 3 });
  } catch (error) {
    if (error instanceof ApiError && error.isSignedOut) return undefined;
    throw error;
  }
}
