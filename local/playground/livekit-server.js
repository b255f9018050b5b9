// Whether this page can join calls: that takes LiveKit's own server, and LiveKit's browser code.

import { h, note } from "./dom.js";
import { missing } from "./vendor.js";

const commands = `livekit-server --dev
LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_API_KEY=devkey LIVEKIT_API_SECRET=secret cargo dev`;

/** Why nobody can join a call, as elements to show, or `undefined`. */
export function whyNoCalls({ livekit, vendor }) {
  if (livekit.isReal) return vendor.livekit ? undefined : [missing("livekit-client")];
  return [
    note(
      "info",
      "LiveKit is only the stand-in here. It has LiveKit's server API, but no media: nobody can join a call. Run LiveKit's own server, and no account is needed:",
    ),
    h("pre", { tabindex: "0", "aria-label": "Commands" }, commands),
  ];
}
