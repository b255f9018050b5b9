import { button, h, note, outcome } from "../dom.js";
import { ask, call } from "../gateway.js";
import { clerkHeaders } from "../identity.js";
import { missing } from "../vendor.js";

export default {
  id: "cursors",
  group: "Documents",
  title: "Two in a document",
  about:
    "The proof: two of Liveblocks' own clients meet in a room with Anteroom's tokens. Move the pointer, or use the arrow keys, in one pane, and the cursor shows in the other.",
  functions: ["liveblocks-auth"],
  render,
};

const local = `npx liveblocks dev --port 1153
LIVEBLOCKS_API_URL=http://127.0.0.1:1153 LIVEBLOCKS_SECRET_KEY=sk_localdev cargo dev`;

const room = "playground";
const users = ["jane", "member"];

function render(app) {
  const { liveblocks, vendor, endpoints } = app.overview;
  const { identity } = endpoints.find((endpoint) => endpoint.function === "liveblocks-auth");
  if (!liveblocks.isReal) {
    return [
      note(
        "info",
        "Liveblocks is only the stand-in here. It issues tokens, but has no rooms. Run Liveblocks' own development server, and no account is needed:",
      ),
      h("pre", { tabindex: "0", "aria-label": "Commands" }, local),
    ];
  }
  if (!vendor.liveblocks) return missing("@liveblocks/client");
  if (identity !== "clerk" || !app.isStandIn("clerk")) {
    return note("info", "This needs two users at once, whom the stand-in for Clerk has.");
  }

  const result = outcome();
  const panes = users.map(pane);
  const stops = [];
  app.leave = () => {
    for (const stop of stops.splice(0)) stop();
  };

  async function open() {
    app.leave();
    try {
      if (liveblocks.isLocal) await ask("document", { id: room });
      const { createClient } = await import("/playground/vendor/liveblocks-client.js");
      // In a flow that has been left, nothing would leave the rooms.
      if (!result.element.isConnected) return;
      for (const one of panes) stops.push(enter(createClient, liveblocks.url, one));
      result.say("good", "Both are in the room.");
    } catch (error) {
      result.say("bad", error.message);
    }
  }

  return [
    button("Open the document twice", open, { kind: "primary" }),
    result.element,
    h(
      "div",
      { class: "panes" },
      panes.map(({ element }) => element),
    ),
    !liveblocks.isLocal &&
      h("p", { class: "hint" }, `At Liveblocks itself, the room “${room}” must exist and admit both users.`),
  ];
}

function pane(user) {
  const title = h("h3", {}, user);
  const others = h("p", { class: "hint" }, "Not connected");
  const surface = h("div", {
    class: "surface",
    tabindex: "0",
    role: "application",
    "aria-label": `Document of ${user}: arrow keys move the cursor`,
  });
  return { user, title, others, surface, element: h("section", { class: "pane" }, title, surface, others) };
}

/** Enters the room as the pane's user. Gives a function that leaves it. */
function enter(createClient, baseUrl, { user, title, others, surface }) {
  const client = createClient({
    baseUrl,
    authEndpoint: async () => {
      const { ok, status, body } = await call("/api/liveblocks-auth", undefined, {
        headers: await clerkHeaders(user),
      });
      if (ok) return body;
      if (status < 500 && status !== 429) return { error: "forbidden", reason: body.message };
      throw new Error(body.message);
    },
  });
  const { room: joined, leave } = client.enterRoom(room, { initialPresence: { cursor: null } });
  let position = { x: 0.5, y: 0.5 };
  const move = (x, y) => {
    position = { x: clamped(x), y: clamped(y) };
    joined.updatePresence({ cursor: position });
  };
  const onPointer = ({ clientX, clientY }) => {
    const { left, top, width, height } = surface.getBoundingClientRect();
    move((clientX - left) / width, (clientY - top) / height);
  };
  const onKey = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(position.x + step[0] / 20, position.y + step[1] / 20);
  };
  surface.addEventListener("pointermove", onPointer);
  surface.addEventListener("keydown", onKey);
  const stop = [
    joined.subscribe("status", (status) => {
      const self = joined.getSelf();
      title.textContent = self?.info?.name ?? user;
      if (status !== "connected") others.textContent = status;
    }),
    joined.subscribe("others", (present) => {
      title.textContent = joined.getSelf()?.info?.name ?? user;
      const names = present.map(({ info }) => info?.name).join(", ");
      others.textContent = names ? `Sees ${names}` : "Nobody else is here";
      surface.replaceChildren(...present.filter(({ presence }) => presence.cursor).map(cursor));
    }),
    joined.subscribe("error", (error) => {
      others.textContent = error.message;
    }),
  ];
  return () => {
    for (const unsubscribe of stop) unsubscribe();
    surface.removeEventListener("pointermove", onPointer);
    surface.removeEventListener("keydown", onKey);
    leave();
  };
}

function cursor({ info, presence }) {
  const element = h("span", { class: "cursor" }, h("span", { class: "cursor-name" }, info?.name ?? "?"));
  // Properties of a style object are allowed by the policy; style attributes are not.
  element.style.left = `${presence.cursor.x * 100}%`;
  element.style.top = `${presence.cursor.y * 100}%`;
  element.classList.toggle("at-the-right", presence.cursor.x > 0.4);
  element.style.setProperty("--color", info?.color ?? "gray");
  return element;
}

function clamped(part) {
  return Math.min(1, Math.max(0, part));
}
