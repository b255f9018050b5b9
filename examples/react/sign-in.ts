import { ApiError, call } from "./anteroom";

export type User = { id: string; email: string; firstName?: string; lastName?: string; avatarURL?: string };
export type Organization = { id: string; name: string };
/** A user who has to choose an organization first, and is not signed in yet. */
export type Choice = {
  id: string;
  email: string;
  pendingAuthenticationToken: string;
  organizations: Organization[];
};

type Outcome = { user: User | Choice };
/** Google and Microsoft take only the invitation; WorkOS's hosted page takes all three. */
type Hints = { email?: string; screenHint?: "sign-in" | "sign-up"; invitationToken?: string };
type Redirect = { redirectURL: string; state: string };
type Method = { authMethod: "magic_auth" } | ({ authMethod: "sso" } & Redirect);

/** Starts a sign-in: sends the browser to the identity provider, or a code to the address. */
export async function signIn(email: string, invitationToken?: string): Promise<"leaving" | "code sent"> {
  const { authData } = await call<{ authData: Method }>("/auth/sign-in", { email, invitationToken });
  if (authData.authMethod === "magic_auth") return "code sent";
  window.location.assign(authData.redirectURL);
  return "leaving";
}

/** Leaves the page for Google, Microsoft, or WorkOS's hosted page. */
export async function continueWith(
  provider: "google" | "microsoft" | "authkit",
  hints: Hints = {},
): Promise<void> {
  const { authData } = await call<{ authData: Redirect }>(`/auth/continue-with-${provider}`, hints);
  window.location.assign(authData.redirectURL);
}

/** Finishes a sign-in with the code from the e-mail. */
export async function finalizeMagicAuth(
  email: string,
  code: string,
  invitationToken?: string,
): Promise<User | Choice> {
  return (await call<Outcome>("/auth/finalize-magic-auth", { email, code, invitationToken })).user;
}

/** Finishes a sign-in on the callback page; `search` is the query string of its address. */
export async function finalizeOauth(search: string): Promise<User | Choice> {
  const query = new URLSearchParams(search);
  const code = query.get("code");
  // A user who cancels at the identity provider comes back with an `error` and no code.
  if (!code) throw new Error(query.get("error_description") ?? "The sign-in was not completed");
  return (await call<Outcome>("/auth/finalize-oauth", { code, state: query.get("state") })).user;
}

export const isChoice = (user: User | Choice): user is Choice => "organizations" in user;

export async function selectOrganization(choice: Choice, organizationId: string): Promise<User | Choice> {
  const { pendingAuthenticationToken } = choice;
  return (await call<Outcome>("/auth/select-organization", { pendingAuthenticationToken, organizationId }))
    .user;
}

/** Moves a signed-in user to another organization. */
export async function switchOrganization(user: User, organizationId: string): Promise<User> {
  return (await call<{ user: User }>("/auth/switch-organization", { email: user.email, organizationId }))
    .user;
}

export const resendCode = (email: string) => call("/auth/resend-magic-auth", { email });
export const signUp = (email: string) => call("/auth/sign-up", { email });

/** Ends the session here, then leaves the page to end it at WorkOS. */
export async function signOut(): Promise<void> {
  type SignedOut = { authData: { redirectURL: string } };
  try {
    const { authData } = await call<SignedOut>("/auth/sign-out", {}, { attempts: 3 });
    window.location.assign(authData.redirectURL);
  } catch (error) {
    if (!(error instanceof ApiError && error.isSignedOut)) throw error;
    // The session was already over.
    window.location.assign("/");
  }
}
