import { useEffect, useState } from "react";

import { useAttempt } from "./attempt";
import { type ListedRecording, listRecordings, startRecording, stopRecording } from "./recording";

/** Starts, stops, lists and plays the recordings of a room. Its `key` must name the room and the zone. */
export function Recordings({ roomName, zoneId }: { roomName: string; zoneId: string }) {
  const [recordings, setRecordings] = useState<ListedRecording[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [playing, setPlaying] = useState<string>();
  const { attempt, isBusy, problem } = useAttempt();

  async function load(after?: string) {
    const page = await listRecordings(roomName, zoneId, after);
    setRecordings((shown) => (after === undefined ? page.recordings : [...shown, ...page.recordings]));
    setCursor(page.cursor);
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: load once; another room has another `key`.
  useEffect(() => attempt(load), []);

  async function start() {
    await startRecording(roomName, zoneId, "");
    await load();
  }

  async function stop({ egressId = "" }: ListedRecording) {
    await stopRecording(roomName, zoneId, egressId);
    await load();
  }

  return (
    <section>
      <p role="alert">
        {problem !== undefined && (problem instanceof Error ? problem.message : "It failed")}
      </p>
      <button type="button" aria-disabled={isBusy} onClick={() => attempt(start)}>
        Record
      </button>
      <button type="button" aria-disabled={isBusy} onClick={() => attempt(load)}>
        Refresh
      </button>
      <ul>
        {recordings.map((recording) => (
          <li key={recording.key}>
            {new Date((recording.startedAt ?? 0) * 1000).toLocaleString()}: {recording.status}
            {["starting", "active"].includes(recording.status) && (
              <button type="button" aria-disabled={isBusy} onClick={() => attempt(() => stop(recording))}>
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
        <button type="button" aria-disabled={isBusy} onClick={() => attempt(() => load(cursor))}>
          Older
        </button>
      )}
      {/* biome-ignore lint/a11y/useMediaCaption: recordings have no captions. */}
      {playing !== undefined && <video src={playing} controls autoPlay />}
    </section>
  );
}
