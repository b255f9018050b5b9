// Who is signed in, as `GET /auth/session` says.

import { until } from "./countdown.js";
import { button, h, statusAndMessage } from "./dom.js";
import { call } from "./gateway.js";

export const element = h("div", { class: "session" });
// Never drawn again: a new button would not have the focus of the old one.
const again = button("Ask again", () => refresh(), { kind: "quiet" });
const listeners = new Set();

/** The latest answer, or `undefined` if nobody is signed in. */
export let current;

/** Asks again, and gives the answer. Of an exchange `aside`, only the first line is shown. */
export async function refresh({ aside = false } = {}) {
  const answer = await call("/auth/session", undefined, { method: "GET", aside });
  if (answer.ok) current = answer.body;
  // Only 401 means that nobody is signed in. During an outage, nobody knows.
  else if (answer.status === 401) current = undefined;
  draw(answer);
  for (const listener of listeners) listener(current);
  return answer;
}

/** Nobody is signed in: the browser has no cookie of a session. */
export function nobody() {
  draw({ status: 401 });
}

/** Calls `listener` with every later answer until it is no longer in the page. */
export function watch(node, listener) {
  const once = (session) => (node.isConnected ? listener(session) : listeners.delete(once));
  listeners.add(once);
  return node;
}

export function nameOf({ user }) {
  return [user.firstName, user.lastName].filter(Boolean).join(" ") || user.email;
}

function draw(answer) {
  element.classList.toggle("unknown", !answer.ok && answer.status !== 401);
  if (!current) {
    const text = answer.status === 401 ? "Nobody is signed in" : `Unknown: ${statusAndMessage(answer)}`;
    if (document.activeElement === again) element.closest("[tabindex]").focus();
    element.replaceChildren(h("span", { class: "name" }, text));
    return;
  }
  const name = nameOf(current);
  for (const part of [...element.children]) if (part !== again) part.remove();
  element.prepend(
    h("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase()),
    h("span", { class: "name" }, name, h("br"), until(current.expiresAt, { past: "due for a refresh" })),
  );
  if (!element.contains(again)) element.append(again);
}
