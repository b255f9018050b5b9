import { call } from "./anteroom";

interface Invitation {
  invitation: string;
  /** In Unix seconds. */
  expiresAt: number;
}

/** A link that lets anybody join the room as a guest, for this many hours. `page` is the guests' page. */
export async function guestLink(page: string, roomId: string, hours: number): Promise<string> {
  const input = { roomId, hours, canPublish: true };
  const { invitation } = await call<Invitation>("/api/v1/livekit/invite-guest", input, { attempts: 3 });
  // Browsers do not send the fragment, so it is in no server's log.
  return `${page}#${invitation}`;
}

/** A guest's token to join. `fragment` is the guests' page's `location.hash`. */
export async function guestToken(fragment: string, username: string): Promise<string> {
  const input = { invitation: fragment.slice(1), username };
  const { token } = await call<{ token: string }>("/api/v1/livekit/guest-auth", input, { attempts: 3 });
  return token;
}

/** Whether a participant is a guest. Only the identity says so: anybody can choose any name. */
export function isGuest(participant: { identity: string }): boolean {
  return participant.identity.startsWith("guest:");
}
