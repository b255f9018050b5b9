import { ApiError, call } from "./anteroom";

type Source = "microphone" | "camera" | "screen_share";

/** Mutes a participant. Returns `false` if there is nothing to mute. */
export function mute(roomId: string, identity: string, source: Source): Promise<boolean> {
  return moderate("/api/v1/livekit/mute-participant", { roomId, identity, source });
}

/** Ends a participant's connection. Returns `false` if the participant has already left. */
export function remove(roomId: string, identity: string): Promise<boolean> {
  return moderate("/api/v1/livekit/remove-participant", { roomId, identity });
}

async function moderate(path: string, input: object): Promise<boolean> {
  try {
    await call(path, input, { attempts: 3 });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
