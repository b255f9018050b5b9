// Participants' identities: the user and one of the user's sessions, so that two devices can join.

import { createHash } from "node:crypto";

export function participant({ sub, sid }) {
  return `${sub}:${createHash("sha256").update(sid).digest("hex").slice(0, 16)}`;
}
