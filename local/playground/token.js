// A token in words: what each claim means, and how long it is valid.

import { until } from "./countdown.js";
import { h } from "./dom.js";

const times = new Set(["exp", "iat", "nbf"]);

/** LiveKit's grants are claims of the claim `video`. */
const meanings = {
  exp: "when it expires",
  iat: "when it was issued",
  nbf: "when it becomes valid",
  iss: "who issued it: for LiveKit, the API key",
  sub: "whom it is for: at LiveKit, the user's id and a hash of the session, or guest: and random digits",
  jti: "the token's own id",
  name: "the name that others see",
  kind: "what kind of participant this is",
  metadata: "data about the participant, for the others",
  "video.room": "the one room that it opens",
  "video.roomJoin": "may join the room",
  "video.canPublish": "may send audio and video",
  "video.canSubscribe": "may receive the others' audio and video",
  "video.canPublishData": "may send messages",
  "video.canPublishSources": "what may be sent",
  "video.canUpdateOwnMetadata": "may change the own name and attributes",
  "video.roomAdmin": "may remove and mute others",
  "video.roomCreate": "may create rooms",
  "video.roomList": "may list rooms",
  "video.roomRecord": "may record",
  "video.hidden": "is not shown to others",
  "video.recorder": "is a recorder",
  "video.ingressAdmin": "may send streams into rooms",
  room: "the one room that it invites to",
  canPublish: "whether guests may send audio and video",
  inviter: "the id of the user who invites",
  uid: "the user's id at Liveblocks: the e-mail address",
  "ui.name": "the name that others see",
  "ui.color": "the color of the cursor, drawn at random for every token",
  "ui.imageUrl": "the picture",
  gids: "groups whose rooms the user may enter",
  k: "the kind of token: an identity",
  pid: "the Liveblocks project",
  azp: "the page that the session was issued to",
  sid: "the session's id",
  sts: "the session's state",
  fva: "minutes since the first and the second factor were checked",
  v: "the version of the claims",
  org_id: "the active organization",
  role: "the role in that organization",
};

/** The decoded tokens of a response. */
export function tokensIn(response) {
  const found = Object.entries(response).filter(
    ([name, value]) => /(token|invitation)$/i.test(name) && claimsOf(value),
  );
  return found.map(([name, value]) => token(name, value));
}

/** A decoded token. */
export function token(name, value) {
  const claims = claimsOf(value);
  const rows = flattened(claims).map(([claim, content]) => row(claim, content));
  return h(
    "section",
    { class: "part token" },
    h("h4", {}, "Claims of ", h("code", {}, name), claims.exp && [", ", until(claims.exp)]),
    h(
      "div",
      {
        class: "table",
        tabindex: "0",
        role: "region",
        "aria-label": `Claims of ${name}`,
        "data-key": `claims of ${name}`,
      },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Claim", "Value", "Meaning"].map((title) => h("th", { scope: "col" }, title)),
          ),
        ),
        h("tbody", {}, rows),
      ),
    ),
  );
}

/** The claims of a JSON Web Token, or `undefined`. Nothing here verifies it: that is the server's task. */
export function claimsOf(value) {
  if (typeof value !== "string") return undefined;
  const [, payload] = value.split(".");
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (it) =>
      it.charCodeAt(0),
    );
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return claims && typeof claims === "object" ? claims : undefined;
  } catch {
    return undefined;
  }
}

function row(claim, value) {
  const isTime = times.has(claim) && typeof value === "number";
  const shown = isTime ? new Date(value * 1000).toLocaleTimeString() : inWords(value);
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, claim)),
    h(
      "td",
      { class: value === true ? "yes" : value === false ? "no" : "" },
      /^#[0-9a-f]{6}$/i.test(value) && swatch(value),
      shown,
      claim === "exp" && [h("br"), until(value)],
    ),
    h("td", {}, meanings[claim] ?? ""),
  );
}

function inWords(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function swatch(color) {
  const element = h("span", { class: "swatch" });
  element.style.backgroundColor = color;
  return element;
}

function flattened(claims, prefix = "") {
  return Object.entries(claims).flatMap(([name, value]) => {
    const isObject = value && typeof value === "object" && !Array.isArray(value);
    return isObject ? flattened(value, `${prefix}${name}.`) : [[prefix + name, value]];
  });
}
