import { ApiError, call } from "./anteroom";

/** A recording in a list. Fields that are not known are absent; times are in Unix seconds. */
export type ListedRecording = {
  egressId?: string;
  status: "starting" | "active" | "ending" | "complete" | "failed";
  startedAt?: number;
  endedAt?: number;
  sizeBytes?: number;
  key: string;
  url?: string;
  urlExpiresAt?: number;
};

type RecordingsPage = { recordings: ListedRecording[]; cursor?: string };

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
    if (error instanceof ApiError && error.status === 409) return undefined;
    throw error;
  }
}

/** Stops a recording. Succeeds if it has already ended. */
export async function stopRecording(roomName: string, zoneId: string, egressId: string): Promise<void> {
  await call("/api/v1/livekit/stop-recording", { roomName, zoneId, egressId }).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
  });
}

/** A page of the recordings of a room, newest first. Pass the `cursor` of a page to get the next one. */
export function listRecordings(roomName: string, zoneId: string, cursor?: string): Promise<RecordingsPage> {
  const query = new URLSearchParams({ roomName, zoneId, ...(cursor !== undefined && { cursor }) });
  return call<RecordingsPage>(`/api/v1/livekit/recordings?${query}`, {}, { method: "GET", attempts: 3 });
}
