// GET /auth/session: who is signed in.

import { secrets } from "#secrets";
import { endpoint } from "../endpoint.mjs";
import { ok } from "../reply.mjs";
import { profile, Sessions, workosClient, workosSecrets } from "../workos.mjs";

const keys = await secrets(workosSecrets);
const sessions = await new Sessions(workosClient(keys), keys).prefetch();

export const handler = endpoint("session", async (event) => {
  const { user, claims, cookies } = await sessions.of(event);
  const body = {
    user: user ? profile(user) : { id: claims.sub },
    organizationId: claims.org_id,
    role: claims.role,
    roles: claims.roles,
    permissions: claims.permissions ?? [],
    entitlements: claims.entitlements,
    featureFlags: claims.feature_flags,
    impersonator: claims.act && { email: claims.act.sub },
    authenticatedAt: claims.auth_time,
    expiresAt: claims.exp,
  };
  return ok(body, cookies);
});
