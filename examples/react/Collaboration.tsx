"use client";

import { useAuth } from "@clerk/nextjs";
import { LiveblocksProvider, RoomProvider } from "@liveblocks/react";
import type { ReactNode } from "react";

import { authorize } from "./liveblocks";

export function Collaboration({ roomId, children }: { roomId: string; children: ReactNode }) {
  const { isSignedIn, userId, orgId, getToken } = useAuth();
  if (!isSignedIn) return null;
  return (
    // Liveblocks' client keeps its token, so another user or organization needs another client.
    <LiveblocksProvider key={`${userId} ${orgId}`} authEndpoint={authorize(getToken)}>
      <RoomProvider id={roomId}>{children}</RoomProvider>
    </LiveblocksProvider>
  );
}
