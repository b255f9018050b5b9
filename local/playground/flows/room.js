import { button, cases, field, form, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { identityOf } from "../identity.js";

export default {
  id: "room",
  group: "Rooms",
  title: "Token for a room",
  about:
    "A LiveKit token for exactly one room, for ten minutes: join, speak, listen. Who somebody is comes from the session, never from the request.",
  functions: ["room-auth", "livekit-token"],
  render,
};

function render(app) {
  const identity = identityOf(app, "room-auth");
  const username = field("Name in the room", { name: "username", value: "Jane Doe", required: true });
  const room = field("Room", { name: "room", value: "room123", required: true });
  const result = outcome();

  async function show(pending) {
    const answer = await pending;
    if (!answer.ok) return result.answer(answer);
    result.show(
      note("good", "The token is decoded on the right."),
      h("p", {}, "Use it: ", h("a", { href: "#call" }, "join the call"), "."),
    );
  }
  const roomAuth = async (body) =>
    call("/api/v1/livekit/room-auth", body, { headers: await identity.headers() });

  return [
    identity.element,
    form("Get a token", [username.element, room.element], () =>
      show(roomAuth({ username: username.value, roomId: room.value })),
    ),
    button("The same for LiveKit's TokenSource", async () =>
      show(
        call(
          "/api/v1/livekit/token",
          { room_name: room.value, participant_name: username.value },
          { headers: await identity.headers() },
        ),
      ),
    ),
    result.element,
    cases(
      [
        "A name with a control character",
        "400",
        () => show(roomAuth({ username: "Jane\u202eDoe", roomId: room.value })),
      ],
      ["No room", "400", () => show(roomAuth({ username: username.value, roomId: "" }))],
      [
        "A forged bearer token",
        "401, and no fallback to the cookie",
        () =>
          show(
            call(
              "/api/v1/livekit/room-auth",
              { username: "Jane", roomId: "room123" },
              { headers: { authorization: "Bearer a.b.c" } },
            ),
          ),
      ],
    ),
  ];
}
