// POST /auth/finalize-magic-auth: completes a sign-in with the code from an e-mail.

import { secrets } from "#secrets";
import { endpoint } from "../endpoint.mjs";
import { emailAddress } from "../input.mjs";
import { ok, Refusal } from "../reply.mjs";
import { profile, sessionCookie, userByEmail, workosClient, workosSecrets } from "../workos.mjs";

const keys = await secrets(workosSecrets);
const workos = workosClient(keys);
const session = { sealSession: true, cookiePassword: keys.WORKOS_COOKIE_PASSWORD };

export const handler = endpoint("finalize-magic-auth", async (event, input) => {
  const email = emailAddress(input.email);
  const code = String(input.code).replaceAll(/[\s-]/g, "");
  if (!/^\d{6}$/.test(code)) throw new Refusal(400, "code must have six digits");
  const user = await userByEmail(workos, email);
  const { sourceIp: ipAddress, userAgent } = event.requestContext.http;
  try {
    const signedIn = await workos.userManagement.authenticateWithMagicAuth({
      email: user?.email ?? email,
      code,
      invitationToken: input.invitationToken,
      ipAddress,
      userAgent,
      session,
    });
    return ok({ user: profile(signedIn.user) }, [sessionCookie(signedIn.sealedSession)]);
  } catch (error) {
    return refused(error);
  }
});

function refused(error) {
  const {
    code,
    user,
    organizations,
    pending_authentication_token: pendingAuthenticationToken,
  } = error.rawData ?? {};
  if (code === "organization_selection_required") {
    const { id, email } = user;
    return ok({ user: { id, email, pendingAuthenticationToken, organizations } });
  }
  if (error.status === 400) throw new Refusal(401, "The code is wrong, expired or used");
  throw error;
}
