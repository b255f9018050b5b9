// Calls every endpoint through `openapi-fetch`, with types generated from openapi.yaml. Generate them with
//
//     npx openapi-typescript openapi.yaml --output anteroom.d.ts
//
// and copy the calls that your page needs.

import type { components, paths } from "anteroom";
import createClient from "openapi-fetch";

type User = components["schemas"]["User"];
type Organization = components["schemas"]["Organization"];
type Problem = components["schemas"]["Error"];
type NewRecording = components["requestBodies"]["NewRecording"]["content"]["application/json"];

/** The result of a sign-in: a user, or organizations to choose from. */
type Outcome = { user: User } | { token: string; choice: Organization[] };

/** Any response that the caller does not handle itself. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    problem: Problem | undefined,
  ) {
    super(problem?.message);
    this.next = problem?.next;
  }

  /** The endpoint to call next, if the response names one. */
  readonly next?: Problem["next"];
}

const anteroom = createClient<paths>({ baseUrl: "https://api.example.com", credentials: "include" });

/** The data of a response; throws an `ApiError` otherwise. */
function success<T>({ data, error, response }: { data?: T; error?: Problem; response: Response }): T {
  if (data === undefined) throw new ApiError(response.status, error);
  return data;
}

/** Starts a sign-in: leaves the page, or tells it to ask for the code. */
export async function signIn(email: string): Promise<"leaving" | "code sent"> {
  const { authData } = success(await anteroom.POST("/auth/sign-in", { body: { email } }));
  switch (authData.authMethod) {
    case "sso":
      sessionStorage.setItem("state", authData.state);
      location.assign(authData.redirectURL);
      return "leaving";
    case "magic_auth":
      return "code sent";
  }
}

export async function signUp(email: string): Promise<"created" | "already exists"> {
  const { error, response } = await anteroom.POST("/auth/sign-up", { body: { email } });
  if (error === undefined) return "created";
  if (response.status === 409) return "already exists";
  throw new ApiError(response.status, error);
}

export async function continueWith(provider: "google" | "microsoft"): Promise<void> {
  leave(
    provider === "google"
      ? success(await anteroom.POST("/auth/continue-with-google"))
      : success(await anteroom.POST("/auth/continue-with-microsoft")),
  );
}

/** Sends the browser to WorkOS's hosted page, if this error says that the page can help. */
export async function continueWithAuthKit(error: unknown, email?: string): Promise<void> {
  if (!(error instanceof ApiError) || error.next !== "continue-with-authkit") throw error;
  leave(success(await anteroom.POST("/auth/continue-with-authkit", { body: { email } })));
}

function leave({ authData }: { authData: { redirectURL: string; state: string } }): void {
  sessionStorage.setItem("state", authData.state);
  location.assign(authData.redirectURL);
}

/** Finishes a sign-in on the callback page. */
export async function finalizeOauth(query: URLSearchParams): Promise<Outcome> {
  const body = { code: query.get("code") ?? "", state: query.get("state") };
  return outcome(success(await anteroom.POST("/auth/finalize-oauth", { body })));
}

export async function resendCode(email: string): Promise<void> {
  success(await anteroom.POST("/auth/resend-magic-auth", { body: { email } }));
}

export async function finalizeMagicAuth(email: string, code: string): Promise<Outcome> {
  return outcome(success(await anteroom.POST("/auth/finalize-magic-auth", { body: { email, code } })));
}

function outcome(
  answer: components["schemas"]["SignedIn"] | components["schemas"]["ChooseOrganization"],
): Outcome {
  if ("organizations" in answer.user) {
    return { token: answer.user.pendingAuthenticationToken, choice: answer.user.organizations };
  }
  return { user: answer.user };
}

export async function selectOrganization(token: string, { id }: Organization): Promise<User> {
  const body = { pendingAuthenticationToken: token, organizationId: id };
  return success(await anteroom.POST("/auth/select-organization", { body })).user;
}

export async function switchOrganization(user: User, { id }: Organization): Promise<User> {
  const body = { email: user.email, organizationId: id };
  return success(await anteroom.POST("/auth/switch-organization", { body })).user;
}

/** The signed-in user, for a page that has just loaded. */
export async function signedIn(): Promise<User | undefined> {
  const { data, error, response } = await anteroom.GET("/auth/session");
  if (response.status === 401) return undefined;
  const { user } = success({ data, error, response });
  // Only calls with a bearer token get just the id; pages send the cookie.
  return "email" in user ? user : undefined;
}

export async function signOut(): Promise<void> {
  const { authData } = success(await anteroom.POST("/auth/sign-out"));
  location.assign(authData.redirectURL);
}

export async function signInAsDeveloper(): Promise<Pick<User, "id" | "email">> {
  return success(await anteroom.POST("/auth/dev-sign-in", { body: {} })).user;
}

/** A token to join a room with LiveKit's client. */
export async function roomToken(username: string, roomId: string): Promise<string> {
  const body = { username, roomId };
  return success(await anteroom.POST("/api/v1/livekit/room-auth", { body })).token;
}

/** An invitation to a room for guests, for a day. */
export async function inviteGuests(roomId: string, canPublish: boolean): Promise<string> {
  const body = { roomId, hours: 24, canPublish };
  return success(await anteroom.POST("/api/v1/livekit/invite-guest", { body })).invitation;
}

/** A guest's token to join the room of an invitation. */
export async function guestToken(invitation: string, username: string): Promise<string> {
  const body = { invitation, username };
  return success(await anteroom.POST("/api/v1/livekit/guest-auth", { body })).token;
}

export async function muteMicrophone(roomId: string, identity: string): Promise<void> {
  const body = { roomId, identity, source: "microphone" as const };
  success(await anteroom.POST("/api/v1/livekit/mute-participant", { body }));
}

export async function removeParticipant(roomId: string, identity: string): Promise<void> {
  const body = { roomId, identity };
  success(await anteroom.POST("/api/v1/livekit/remove-participant", { body }));
}

/** For LiveKit's `TokenSource.custom`, if `TokenSource.endpoint` does not fit. */
export async function connection(
  roomName: string,
): Promise<{ server_url: string; participant_token: string }> {
  return success(await anteroom.POST("/api/v1/livekit/token", { body: { room_name: roomName } }));
}

/** Records a room until the promise settles, and returns the duration in seconds. */
export async function record(roomName: string, until: Promise<void>): Promise<number> {
  // Typed explicitly: `POST` itself accepts unknown fields as long as none is missing.
  const body: NewRecording = {
    roomName,
    zoneId: "1",
    conferenceTopic: "Weekly Sync Meeting",
    participants: "alice,bob,charlie",
  };
  const started = success(await anteroom.POST("/api/v1/livekit/start-recording", { body }));
  // Whatever comes of it, the recording has to stop.
  await Promise.allSettled([until]);
  const { egressId } = started;
  const stopped = success(
    await anteroom.POST("/api/v1/livekit/stop-recording", { body: { roomName, zoneId: "1", egressId } }),
  );
  return stopped.timestamp - started.timestamp;
}

/** The links to all recordings of a room that can be played, newest first. */
export async function films(roomName: string): Promise<string[]> {
  const links: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { roomName, zoneId: "1", ...(cursor !== undefined && { cursor }) };
    const page = success(await anteroom.GET("/api/v1/livekit/recordings", { params: { query } }));
    links.push(...page.recordings.flatMap(({ url }) => url ?? []));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return links;
}

/** For the `authEndpoint` of Liveblocks' client, which stops on `forbidden` and retries if this throws. */
export async function liveblocksAuthEndpoint(): Promise<
  { token: string } | { error: "forbidden"; reason: string }
> {
  const { data, error, response } = await anteroom.POST("/api/liveblocks-auth");
  if (data !== undefined) return data;
  if (response.status >= 500 || response.status === 429) throw new ApiError(response.status, error);
  return { error: "forbidden", reason: error.message };
}
