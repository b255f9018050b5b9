import { cases, form, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { clerkHeaders, identityOf } from "../identity.js";

export default {
  id: "documents",
  group: "Documents",
  title: "Token for documents",
  about:
    "Liveblocks' own token for a user: the id is the verified e-mail address, with name, picture and a color.",
  functions: ["liveblocks-auth"],
  render,
};

function render(app) {
  const identity = identityOf(app, "liveblocks-auth");
  const result = outcome();

  async function show(headers, credentials) {
    const answer = await call("/api/liveblocks-auth", undefined, { headers, credentials });
    if (!answer.ok) return result.answer(answer);
    result.say("good", "The token is decoded on the right.");
  }

  return [
    form("Get a token", [identity.element], async () => show(await identity.headers())),
    result.element,
    cases(
      ["Nobody is signed in", "404, as for a user who does not exist", () => show({}, "omit")],
      ["A forged token", "401", () => show({ authorization: "Bearer a.b.c" })],
      identity.user && ["A banned user", "403", async () => show(await clerkHeaders("banned"))],
      identity.user && ["No primary address", "404", async () => show(await clerkHeaders("mailless"))],
    ),
  ];
}
