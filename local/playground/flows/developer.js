import { button, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { follow } from "../signed-in.js";

export default {
  id: "developer",
  group: "Sign in",
  title: "As the developer",
  about:
    "One click, for development only: a real session of the user in DEV_SIGN_IN_EMAIL. The template never deploys it to production.",
  functions: ["dev-sign-in"],
  render,
};

function render(app) {
  const { devSignIn } = app.overview;
  const result = outcome();
  if (!devSignIn)
    return note("info", "Set ", h("code", {}, "DEV_SIGN_IN_EMAIL"), " to a user of your WorkOS environment.");
  return [
    button(
      `Sign in as ${devSignIn}`,
      async () => result.show(...(await follow(app, await call("/auth/dev-sign-in", {})))),
      {
        kind: "primary",
      },
    ),
    result.element,
  ];
}
