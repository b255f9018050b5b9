import { DisconnectReason, Room, RoomEvent } from "livekit-client";

import { call } from "./anteroom";

/** Joins a room and rejoins after long breaks. `url` is LiveKit's, such as wss://example.livekit.cloud. */
export async function join(
  url: string,
  roomId: string,
  username: string,
  onEnded: () => void,
): Promise<Room> {
  const room = new Room();
  const enter = async () => {
    const input = { username, roomId };
    const { token } = await call<{ token: string }>("/api/v1/livekit/room-auth", input, { attempts: 3 });
    await room.connect(url, token);
  };
  room.on(RoomEvent.Disconnected, (reason) => {
    // LiveKit's client has given up reconnecting, and its token may have expired: get a new one.
    const isOver = [
      DisconnectReason.CLIENT_INITIATED,
      DisconnectReason.DUPLICATE_IDENTITY,
      DisconnectReason.PARTICIPANT_REMOVED,
      DisconnectReason.ROOM_DELETED,
    ];
    if (reason !== undefined && isOver.includes(reason)) onEnded();
    else enter().catch(onEnded);
  });
  await enter();
  return room;
}
