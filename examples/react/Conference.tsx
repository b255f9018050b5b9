import { LiveKitRoom, VideoConference } from "@livekit/components-react";
import { useEffect, useState } from "react";

import { call } from "./anteroom";

type Props = { url: string; roomId: string; username: string; onEnded: () => void };

export function Conference({ url, roomId, username, onEnded }: Props) {
  const [token, setToken] = useState<string>();
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let isCurrent = true;
    const input = { username, roomId };
    call<{ token: string }>("/api/v1/livekit/room-auth", input, { attempts: 3 }).then(
      ({ token }) => isCurrent && setToken(token),
      (error: unknown) => isCurrent && setProblem(error instanceof Error ? error.message : "It failed"),
    );
    return () => {
      isCurrent = false;
      setToken(undefined);
    };
  }, [roomId, username]);

  if (!token) return <p role="alert">{problem}</p>;
  return (
    <LiveKitRoom serverUrl={url} token={token} audio video onDisconnected={onEnded}>
      <VideoConference />
    </LiveKitRoom>
  );
}
