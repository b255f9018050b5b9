import { cases, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { follow } from "../signed-in.js";

const result = outcome();
const again = h("div");

/** Where WorkOS sends the browser back to. It is not in the navigation. */
export default {
  id: "callback",
  title: "Back from WorkOS",
  about:
    "WorkOS has sent the browser back with a code. The function redeems it with the verifier from this browser's cookie.",
  functions: ["finalize-oauth"],
  render: () => [result.element, again],
  receive,
};

async function receive(app, { code, state, error, error_description: description }) {
  if (error) {
    result.say("bad", description ?? error);
    again.replaceChildren(h("p", {}, h("a", { href: "#providers" }, "Try again"), "."));
    if (app.isServed("session")) await app.session.refresh({ aside: true });
    return;
  }
  result.say("info", "Redeeming the code …");
  result.show(...(await follow(app, await call("/auth/finalize-oauth", { code, state }))));
  again.replaceChildren(
    cases([
      "Redeem the code again",
      "400: the sign-in of this browser is complete",
      async () => {
        const { status, body } = await call("/auth/finalize-oauth", { code, state });
        again.append(note("bad", `${status}: ${body.message}`));
      },
    ]),
  );
}
