import { DisconnectReason, Room, RoomEvent } from "livekit-client";

import { ApiError, call } from "./anteroom";

type Options = {
  /** Abort it to leave, or to give up joining. */
  signal: AbortSignal;
  /** Runs after each join. Publish microphone and camera here: they are lost when the connection drops. */
  onJoined: (room: Room) => void;
  /** Runs once, after the call is over. */
  onEnded: () => void;
};

/** Joins a room, and rejoins after long breaks. `url` is LiveKit's, such as wss://example.livekit.cloud. */
export async function join(url: string, roomId: string, username: string, options: Options): Promise<void> {
  const { signal, onJoined, onEnded } = options;
  const room = new Room();
  let isInside = false;

  async function enter() {
    const input = { username, roomId };
    const { token } = await call<{ token: string }>("/api/v1/livekit/room-auth", input, { attempts: 3 });
    signal.throwIfAborted();
    await room.connect(url, token);
    isInside = true;
    onJoined(room);
  }

  // LiveKit's client has given up reconnecting, and its token may have expired: get a new one.
  async function rejoin(attempts: number): Promise<void> {
    try {
      await enter();
    } catch (error) {
      const isFinal = error instanceof ApiError && !error.isTransient;
      if (signal.aborted || isFinal || attempts <= 1) return onEnded();
      await new Promise((resolve) => setTimeout(resolve, 5000));
      return rejoin(attempts - 1);
    }
  }

  room.on(RoomEvent.Disconnected, (reason) => {
    // A failed `connect` emits this, too.
    if (!isInside) return;
    isInside = false;
    if (signal.aborted || (reason !== undefined && isOver.includes(reason))) onEnded();
    else rejoin(5);
  });
  signal.addEventListener("abort", () => room.disconnect());
  await enter();
}

const isOver = [
  DisconnectReason.CLIENT_INITIATED,
  DisconnectReason.DUPLICATE_IDENTITY,
  DisconnectReason.PARTICIPANT_REMOVED,
  DisconnectReason.ROOM_DELETED,
];
