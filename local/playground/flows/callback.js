import { cases, h, outcome } from "../dom.js";
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
  const redeem = () => call("/auth/finalize-oauth", { code, state });
  const repeated = outcome();
  result.say("info", "Redeeming the code …");
  const first = await redeem().finally(() => {
    result.clear();
    again.replaceChildren(
      cases([
        "Redeem the code again",
        "400, once the sign-in of this browser is complete",
        async () => {
          const answer = await redeem();
          repeated.clear();
          (answer.ok ? result : repeated).show(...(await follow(app, answer)));
        },
      ]),
      repeated.element,
    );
  });
  result.show(...(await follow(app, first)));
}
