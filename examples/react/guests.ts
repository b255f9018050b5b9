import { call } from "./anteroom";

interface Invitation {
  invitation: string;
  /** In Unix seconds. */
  expiresAt: number;
}

/** A link to this page with which anybody can join the room as a guest, for this many hours. */
export async function guestLink(roomId: string, hours: number, canPublish = true): Promise<string> {
  const input = { roomId, hours, canPublish };
  const { invitation } = await call<Invitation>("/api/v1/livekit/invite-guest", input, { attempts: 3 });
  // Browsers do not send the fragment, so it is in no server's log.
  return new URL(`/guest#${invitation}`, location.href).href;
}

/** The token with which the visitor of such a link joins. A 401 means that the invitation is over. */
export async function guestToken(username: string): Promise<string> {
  const input = { invitation: location.hash.slice(1), username };
  const { token } = await call<{ token: string }>("/api/v1/livekit/guest-auth", input, { attempts: 3 });
  return token;
}

/** Whether a participant is a guest. Only the identity says so: anybody can choose any name. */
export function isGuest(participant: { identity: string }): boolean {
  return participant.identity.startsWith("guest:");
}
