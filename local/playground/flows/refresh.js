import { until } from "../countdown.js";
import { button, cases, h, note, outcome } from "../dom.js";
import { ask, call } from "../gateway.js";

export default {
  id: "refresh",
  group: "Session",
  title: "Expiry and refresh",
  about:
    "An access token is valid for five minutes. Once it has expired, the next call to any endpoint refreshes the session and returns a new cookie.",
  functions: ["session", "dev-sign-in", "switch-organization"],
  render,
};

/** How long the access tokens of this flow live, in seconds. */
const lifetime = 2;

function render(app) {
  if (!app.isStandIn("workos")) {
    return note(
      "info",
      "WorkOS is real here, and its access tokens live as long as its dashboard says. Wait, and ask for the session again.",
    );
  }
  const result = outcome();

  /** Gets a token that expires soon, and waits until it has. */
  async function expire() {
    await ask("access-tokens", { seconds: lifetime });
    const answer = await shortSession().finally(() => ask("access-tokens", {}));
    if (!answer.ok) {
      result.answer(answer);
      return false;
    }
    result.show(
      note("info", "This session has a short token: ", until(Math.ceil(Date.now() / 1000) + lifetime)),
    );
    await new Promise((resolve) => setTimeout(resolve, (lifetime + 1) * 1000));
    return true;
  }

  /** The same session with a new token, or else a new one. A switch to the session's own organization refreshes at once. */
  function shortSession() {
    const { user, organizationId } = app.session.current ?? {};
    if (!organizationId) return call("/auth/dev-sign-in", {});
    return call("/auth/switch-organization", { email: user.email, organizationId });
  }

  async function refresh() {
    if (!(await expire())) return;
    const { ok, status } = await app.session.refresh();
    result.say(
      ok ? "good" : "bad",
      ok ? "The token had expired. The call refreshed it: 200, and a new cookie." : `${status}`,
    );
  }

  async function twoTabs() {
    if (!(await expire())) return;
    const ask = () => call("/auth/session", undefined, { method: "GET" });
    const statuses = (await Promise.all([ask(), ask()])).map(({ status }) => status);
    const both = statuses.every((status) => status === 200);
    result.say(
      both ? "good" : "bad",
      `Two calls met the expired token at the same moment: ${statuses.join(" and ")}. `,
      both && "WorkOS gives both the same new tokens, and nobody is signed out.",
    );
    await app.session.refresh();
  }

  async function duringOutage() {
    if (!(await expire())) return;
    const { status } = await app.outages.during(app.overview, "workos", "failing", () =>
      app.session.refresh(),
    );
    const after = await app.session.refresh();
    result.say(
      status === 503 && after.ok ? "good" : "bad",
      `While WorkOS was down: ${status}, and the cookie stayed. Now that it is back: ${after.status}. An outage signs nobody out.`,
    );
  }

  return [
    h("p", { class: "hint" }, `To keep this short, the stand-in issues a token for ${lifetime} seconds.`),
    button("Let it expire, then ask for the session", refresh, { kind: "primary" }),
    result.element,
    cases(
      ["Two tabs refresh at once", "both 200", twoTabs],
      ["WorkOS is down when it expires", "503, then 200: nobody is signed out", duringOutage],
    ),
  ];
}
