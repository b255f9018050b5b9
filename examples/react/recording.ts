import { call, Refusal } from "./anteroom";

export type Recording = { egressId: string; timestamp: number };

/** Starts a recording. Returns `undefined` if the room is already being recorded. */
export async function startRecording(
  roomName: string,
  zoneId: string,
  topic: string,
): Promise<Recording | undefined> {
  try {
    return await call<Recording>("/api/v1/livekit/start-recording", {
      roomName,
      zoneId,
      conferenceTopic: topic,
    });
  } catch (error) {
    if (error instanceof Refusal && error.status === 409) return undefined;
    throw error;
  }
}

/** Stops a recording. Succeeds if it has already ended. */
export async function stopRecording(roomName: string, zoneId: string, egressId: string): Promise<void> {
  await call("/api/v1/livekit/stop-recording", { roomName, zoneId, egressId }).catch((error: unknown) => {
    if (!(error instanceof Refusal && error.status === 409)) throw error;
  });
}
