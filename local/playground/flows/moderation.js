import { button, cases, field, form, h, note, outcome } from "../dom.js";
import { ask, call } from "../gateway.js";
import { identityOf, withoutPermission } from "../identity.js";
import { mute, remove, sources } from "../moderation.js";

export default {
  id: "moderation",
  group: "Rooms",
  title: "Moderation",
  about:
    "A user with the permission to moderate mutes and removes people. It is not a ban: a muted participant can unmute, and a removed one can join again.",
  functions: ["mute-participant", "remove-participant", "invite-guest", "guest-auth"],
  render,
};

/** What a guest of the stand-in publishes, by LiveKit's names. */
const published = ["MICROPHONE", "CAMERA"];

function render(app) {
  const isStandIn = app.isStandIn("livekit");
  const identity = identityOf(app, "remove-participant");
  const room = field("Room", { name: "room", value: "room123", required: true });
  const person = field(
    "Identity",
    { name: "identity", placeholder: "guest:… or user_…", required: true },
    "LiveKit's client exposes the identity of each participant.",
  );
  const source = field("Source", { name: "source", options: sources });
  const result = outcome();
  const present = presence(room, (chosen) => {
    person.value = chosen;
  });

  async function show(pending) {
    result.answer(await pending);
    if (isStandIn) await present.refresh();
  }
  const doRemove = async (who = person.value, headers = undefined) =>
    show(remove(room.value, who, headers ?? (await identity.headers())));
  const doMute = async (what = source.value, who = person.value) =>
    show(mute(room.value, who, what, await identity.headers()));

  /** Lets a guest into the stand-in's room, as LiveKit's client would. */
  async function seatGuest() {
    const headers = await identity.headers();
    const invited = await call("/api/v1/livekit/invite-guest", { roomId: room.value }, { headers });
    if (!invited.ok) {
      result.answer(invited);
      return undefined;
    }
    const { invitation } = invited.body;
    const admitted = await call("/api/v1/livekit/guest-auth", { invitation, username: "Gus Guest" });
    if (!admitted.ok) {
      result.answer(admitted);
      return undefined;
    }
    const seat = await ask("participant", { token: admitted.body.token, publish: published });
    person.value = seat.identity;
    result.say("good", "Gus Guest is in the room, with microphone and camera.");
    await present.refresh();
    return seat.identity;
  }
  const someone = async () => person.value || (isStandIn ? await seatGuest() : "guest:1");

  if (isStandIn) present.refresh();
  const stranger = withoutPermission(app, "remove-participant");
  const remover = button("Remove", () => person.input.reportValidity() && doRemove());
  const muteForm = form("Mute", [room.element, person.element, source.element], () => doMute());
  muteForm.querySelector(".actions").append(remover);
  return [
    identity.element,
    isStandIn
      ? note(
          "info",
          "LiveKit is only the stand-in here. It keeps who is in a room and what is muted, but nobody is connected and nothing is heard.",
        )
      : note(
          "info",
          "In a call, each tile has these buttons: ",
          h("a", { href: "#call" }, "join a call"),
          ". Here, enter any identity.",
        ),
    isStandIn && present.element,
    isStandIn && button("Let a guest in", seatGuest),
    muteForm,
    result.element,
    cases(
      ["Remove a recorder", "404, and LiveKit is not asked", () => doRemove("EG_recorder12345")],
      ["Remove an agent", "404, and LiveKit is not asked", () => doRemove("agent-AJ_transcriber")],
      ["Remove somebody who has left", "404", () => doRemove("guest:00000000000000000000")],
      ["Mute a screen that nobody shares", "404", async () => doMute("screen_share", await someone())],
      ["Mute a source that does not exist", "400", async () => doMute("keyboard", await someone())],
      stranger && [
        "Remove without the permission",
        "403",
        async () => doRemove(await someone(), await stranger()),
      ],
    ),
  ];
}

/** Who is in a room of the stand-in. `choose` gets an identity. */
function presence(room, choose) {
  const list = h("ul", { class: "entries" });
  const element = h(
    "section",
    { class: "panel", "aria-label": "In the room" },
    h("h3", {}, "In the room"),
    list,
  );
  room.input.addEventListener("change", refresh);
  return { element, refresh };

  async function refresh() {
    const { participants } = await ask(`participants?room=${encodeURIComponent(room.value)}`);
    list.replaceChildren(...participants.map(row));
    if (participants.length === 0) list.append(h("li", { class: "hint" }, "Nobody."));
  }

  function row({ identity, name, tracks }) {
    return h(
      "li",
      { class: "entry" },
      h(
        "span",
        {},
        h("b", {}, name),
        h("br"),
        h("code", {}, identity),
        h("br"),
        h("small", {}, inWords(tracks)),
      ),
      button("Use it", () => choose(identity), { kind: "small", "aria-label": `Use it: ${identity}` }),
    );
  }
}

function inWords(tracks) {
  const each = tracks.map(
    ({ source, muted }) => `${source.toLowerCase().replaceAll("_", " ")} ${muted ? "muted" : "on"}`,
  );
  return each.join(", ") || "publishes nothing";
}
