import { useEffect, useState } from "react";

import { type ListedRecording, listRecordings, startRecording, stopRecording } from "./recording";

/** Starts, stops, lists and plays the recordings of a room. Its `key` must name the room and the zone. */
export function Recordings({ roomName, zoneId }: { roomName: string; zoneId: string }) {
  const [recordings, setRecordings] = useState<ListedRecording[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [playing, setPlaying] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function load(after?: string) {
    const page = await listRecordings(roomName, zoneId, after);
    setRecordings((shown) => (after === undefined ? page.recordings : [...shown, ...page.recordings]));
    setCursor(page.cursor);
  }

  function attempt(action: () => Promise<unknown>) {
    setProblem(undefined);
    setBusy(true);
    action()
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : "It failed"))
      .finally(() => setBusy(false));
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: load once; another room has another `key`.
  useEffect(() => attempt(load), []);

  async function stop({ egressId = "" }: ListedRecording) {
    await stopRecording(roomName, zoneId, egressId);
    await load();
  }

  return (
    <section>
      {problem !== undefined && <p role="alert">{problem}</p>}
      <button
        type="button"
        disabled={isBusy}
        onClick={() => attempt(() => startRecording(roomName, zoneId, "").then(() => load()))}
      >
        Record
      </button>
      <button type="button" disabled={isBusy} onClick={() => attempt(load)}>
        Refresh
      </button>
      <ul>
        {recordings.map((recording) => (
          <li key={recording.key}>
            {new Date((recording.startedAt ?? 0) * 1000).toLocaleString()}: {recording.status}
            {["starting", "active"].includes(recording.status) && (
              <button type="button" disabled={isBusy} onClick={() => attempt(() => stop(recording))}>
                Stop
              </button>
            )}
            {recording.url !== undefined && (
              <button type="button" onClick={() => setPlaying(recording.url)}>
                Play
              </button>
            )}
          </li>
        ))}
      </ul>
      {cursor !== undefined && (
        <button type="button" disabled={isBusy} onClick={() => attempt(() => load(cursor))}>
          Older
        </button>
      )}
      {/* biome-ignore lint/a11y/useMediaCaption: recordings have no captions. */}
      {playing !== undefined && <video src={playing} controls autoPlay />}
    </section>
  );
}
