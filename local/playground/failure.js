// Why an action has stopped without an answer to show: `cargo dev` does not run, or the playground itself refuses.

import { note } from "./dom.js";

const place = document.getElementById("failure");

/** An error for the user to read. The browser's console has the others, which are mistakes of this page. */
export class Failure extends Error {}

export function clear() {
  place.replaceChildren();
}

// Wherever the action has begun: a button, a form, a list, or the page itself.
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Failure)) return;
  event.preventDefault();
  place.replaceChildren(note("bad", event.reason.message));
});

// The next action, which has an outcome of its own. Reading what happened is none.
for (const type of ["click", "change"]) {
  addEventListener(type, ({ target }) => target.closest("#flow, #flows, #who") && clear(), { capture: true });
}
