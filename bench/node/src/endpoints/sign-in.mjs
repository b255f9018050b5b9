// POST /auth/sign-in: starts a sign-in by SSO or one-time code, depending on the e-mail domain.

import { secrets } from "#secrets";
import { endpoint } from "../endpoint.mjs";
import { emailAddress } from "../input.mjs";
import { ok, Refusal } from "../reply.mjs";
import { userByEmail, workosClient, workosSecrets } from "../workos.mjs";

const workos = workosClient(await secrets(workosSecrets));
const redirectUri = process.env.WORKOS_REDIRECT_URI;

export const handler = endpoint("sign-in", async (_event, input) => {
  const email = emailAddress(input.email);
  const connection = await ssoConnection(email.split("@")[1].toLowerCase());
  if (connection) return redirect(connection, email);
  const user = await userByEmail(workos, email);
  if (!user) throw new Refusal(400, "Bad request");
  await workos.userManagement.createMagicAuth({
    email: user.email,
    invitationToken: input.invitationToken,
  });
  return ok({ authData: { authMethod: "magic_auth" } });
});

async function ssoConnection(domain) {
  const organizations = await workos.organizations.listOrganizations({ domains: [domain], limit: 100 });
  const isVerified = (entry) => entry.domain === domain && entry.state === "verified";
  for (const { id } of organizations.data.filter(({ domains }) => domains.some(isVerified))) {
    const { data } = await workos.sso.listConnections({ organizationId: id });
    const active = data.find(({ state }) => state === "active");
    if (active) return active;
  }
}

async function redirect({ id }, loginHint) {
  const { url, state, codeVerifier } = await workos.userManagement.getAuthorizationUrlWithPKCE({
    connectionId: id,
    redirectUri,
    loginHint,
  });
  const cookie = `sign-in=${state}.${codeVerifier}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600`;
  return ok({ authData: { authMethod: "sso", redirectURL: url, state } }, [cookie]);
}
