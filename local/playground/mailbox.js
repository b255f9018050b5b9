// The e-mails that the stand-in for WorkOS would have sent.

import { button, h, note } from "./dom.js";
import { ask } from "./gateway.js";

/** The latest code for an address. */
export async function latestCode(email) {
  const { mail } = await ask("mailbox");
  return mail.filter(({ to }) => isSame(to, email)).at(-1)?.code;
}

function isSame(address, other) {
  return address.toLowerCase() === other.trim().toLowerCase();
}

/** A panel; `take` gets a code. */
export function panel(app, take) {
  if (!app.isStandIn("workos")) return note("info", "WorkOS is real: the code is in your own mailbox.");
  const list = h("ul", { class: "entries" });
  const element = h("section", { class: "panel", "aria-label": "Mailbox" }, h("h3", {}, "Mailbox"), list);
  return { element, refresh };

  /** Shows the latest e-mails to an address. */
  async function refresh(email) {
    const { mail } = await ask("mailbox");
    const letters = mail
      .filter(({ to }) => isSame(to, email))
      .slice(-2)
      .reverse();
    list.replaceChildren(
      ...letters.map(({ to, code, at }) =>
        h(
          "li",
          { class: "entry" },
          h(
            "span",
            {},
            "To ",
            h("b", {}, to),
            h("br"),
            `Your code is ${code}`,
            h("br"),
            h("small", {}, new Date(at).toLocaleTimeString()),
          ),
          button("Use it", () => take(code), { kind: "small", "aria-label": `Use it: ${code}` }),
        ),
      ),
    );
    if (letters.length === 0) list.append(h("li", { class: "hint" }, "No mail yet."));
  }
}
