import { field, form, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { identityOf } from "../identity.js";
import { whyNoCalls } from "../livekit-server.js";
import { mute, remove } from "../moderation.js";
import { stage } from "../stage.js";

export default {
  id: "call",
  group: "Rooms",
  title: "Join a call",
  about:
    "The proof: LiveKit's own client joins a room on LiveKit's server with the token. The buttons on each tile are a moderator's: they mute and remove people.",
  functions: ["livekit-token", "mute-participant", "remove-participant"],
  render,
};

/** What is said about the own picture. */
const pictures = {
  real: "",
  drawn: ", with a drawn picture because there is no camera",
  none: ", to watch and listen only",
};

function render(app) {
  const reasons = whyNoCalls(app.overview);
  if (reasons) return reasons;

  const identity = identityOf(app, "livekit-token");
  const username = field("Name in the room", { name: "username", value: "Jane Doe", required: true });
  const room = field("Room", { name: "room", value: "room123", required: true });
  const result = outcome();
  const moderated = outcome();
  let joined;

  const place = stage({
    tell: (text) => result.say("info", text),
    moderator: {
      mute: async (person, source) =>
        moderated.answer(await mute(joined, person, source, await identity.headers())),
      remove: async (person) => moderated.answer(await remove(joined, person, await identity.headers())),
    },
  });
  app.leave = place.leave;

  async function join() {
    moderated.clear();
    const answer = await call(
      "/api/v1/livekit/token",
      { room_name: room.value, participant_name: username.value },
      { headers: await identity.headers() },
    );
    if (!answer.ok) return result.answer(answer);
    const { server_url: url, participant_token: token } = answer.body;
    joined = room.value;
    try {
      const call = await place.join(url, token);
      if (call) result.show(note("good", `Joined ${joined} on ${url}${pictures[call.camera]}.`));
    } catch (error) {
      result.say("bad", `LiveKit: ${error.message}`);
    }
  }

  return [
    identity.element,
    form("Join", [username.element, room.element], join),
    result.element,
    place.element,
    moderated.element,
    h(
      "p",
      { class: "hint" },
      "To join as a second person, open this page in another browser or a private window, or ",
      h("a", { href: "#guests" }, "invite a guest"),
      ".",
    ),
  ];
}
