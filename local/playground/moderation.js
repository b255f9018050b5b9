// What a moderator does to a participant, by an identity that LiveKit's client or a list shows.

import { call } from "./gateway.js";

/** What can be muted, and what it is called on the page. */
export const sources = [
  { name: "microphone", label: "microphone" },
  { name: "camera", label: "camera" },
  { name: "screen_share", label: "screen" },
];

/** Mutes one source of a participant. */
export function mute(roomId, identity, source, headers) {
  return call("/api/v1/livekit/mute-participant", { roomId, identity, source }, { headers });
}

/** Ends a participant's connection. */
export function remove(roomId, identity, headers) {
  return call("/api/v1/livekit/remove-participant", { roomId, identity }, { headers });
}
