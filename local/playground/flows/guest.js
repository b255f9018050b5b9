import { h } from "../dom.js";
import { guestPanel } from "../guest-panel.js";

/** Where a guest's link leads. It is not in the navigation. */
export default {
  id: "guest",
  title: "You are invited",
  about: "The link of this page is an invitation. It needs no session, and uses none.",
  functions: ["guest-auth"],
  render,
};

function render(app) {
  const panel = guestPanel(app);
  panel.invitation.value = app.argument ?? "";
  return [
    panel.element,
    h("p", { class: "hint" }, h("a", { href: "#guests" }, "Invite somebody yourself"), "."),
  ];
}
