"use client";

import { useAuth } from "@clerk/nextjs";
import { LiveblocksProvider, RoomProvider } from "@liveblocks/react";
import type { ReactNode } from "react";

import { authorize } from "./liveblocks";

export function Collaboration({ roomId, children }: { roomId: string; children: ReactNode }) {
  const { isSignedIn, getToken } = useAuth();
  if (!isSignedIn) return null;
  return (
    <LiveblocksProvider authEndpoint={authorize(getToken)}>
      <RoomProvider id={roomId}>{children}</RoomProvider>
    </LiveblocksProvider>
  );
}
