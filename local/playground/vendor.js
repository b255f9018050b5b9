// The rooms' own browser code, which is not part of this repository.

import { h, note } from "./dom.js";

/** Says how to get it. */
export function missing(name) {
  return note(
    "info",
    h("b", {}, name),
    " is not installed here. Run ",
    h("code", {}, "local/playground/install"),
    " (it needs npm), and reload this page.",
  );
}
