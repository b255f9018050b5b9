// What a guest has: an invitation and a name, and no session.

import { code, field, form, h, note, outcome } from "./dom.js";
import { call } from "./gateway.js";
import { whyNoCalls } from "./livekit-server.js";
import { stage } from "./stage.js";
import { claimsOf } from "./token.js";

/** A panel to enter as a guest. It takes `app.leave`. */
export function guestPanel(app) {
  const result = outcome();
  const invitation = field(
    "Invitation",
    { name: "invitation", type: "password", required: true },
    "The part of the link after the #.",
  );
  const username = field("Name in the room", { name: "username", value: "Gus Guest", required: true });
  const reasons = whyNoCalls(app.overview);
  const place = reasons ? undefined : stage({ tell: (text) => result.say("info", text) });
  app.leave = place?.leave;

  /** Exchanges an invitation for a token, and gives it. */
  async function enter(text = invitation.value, name = username.value) {
    const answer = await call("/api/v1/livekit/guest-auth", { invitation: text, username: name });
    if (!answer.ok) {
      result.answer(answer);
      return undefined;
    }
    const { sub, video } = claimsOf(answer.body.token);
    result.show(
      note(
        "good",
        "A token to join ",
        h("b", {}, video.room),
        ". The identity is ",
        code(sub),
        ", and a new one each time. ",
        video.canPublish ? "The guest may publish." : "The guest may only watch and listen.",
      ),
    );
    return answer.body.token;
  }

  async function join() {
    const token = await enter();
    if (!token) return;
    try {
      await place.join(app.overview.livekit.url, token);
    } catch (error) {
      result.say("bad", `LiveKit: ${error.message}`);
    }
  }

  const element = h(
    "fieldset",
    {},
    h("legend", {}, "As a guest"),
    form(place ? "Join as a guest" : "Get a guest's token", [invitation.element, username.element], () =>
      place ? join() : enter(),
    ),
    result.element,
    place?.element,
    !place &&
      h(
        "p",
        { class: "hint" },
        "LiveKit's client would join with this token. ",
        h("a", { href: "#call" }, "What a call needs"),
        ".",
      ),
  );
  return { element, invitation, enter };
}
