import { button, cases, field, h, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { leave } from "../leave.js";
import { returns } from "./code.js";

export default {
  id: "providers",
  group: "Sign in",
  title: "Google and Microsoft",
  about:
    "Each endpoint returns a URL with a new state and PKCE challenge. The browser follows it and comes back with a code, which only this browser can redeem.",
  functions: ["continue-with-google", "continue-with-microsoft", "continue-with-authkit", "finalize-oauth"],
  render,
};

function render(app) {
  const result = outcome();
  const hint = field(
    "Address for the hosted page",
    { type: "email", name: "hint", placeholder: "optional" },
    "Prefills the address on the hosted page.",
  );
  const screen = field("Screen", {
    name: "screen",
    options: [{ name: "", label: "as WorkOS decides" }, { name: "sign-in" }, { name: "sign-up" }],
  });

  async function go(path, body) {
    const answer = await call(path, body);
    if (!answer.ok) return result.answer(answer);
    leave(answer.body.authData.redirectURL);
  }

  return [
    h(
      "div",
      { class: "choices" },
      button("Continue with Google", () => go("/auth/continue-with-google"), { kind: "primary" }),
      button("Continue with Microsoft", () => go("/auth/continue-with-microsoft"), { kind: "primary" }),
    ),
    h(
      "fieldset",
      {},
      h("legend", {}, "Hosted page"),
      hint.element,
      screen.element,
      button("Continue on the hosted page", () =>
        go("/auth/continue-with-authkit", {
          ...(hint.value && { email: hint.value }),
          ...(screen.value && { screenHint: screen.value }),
        }),
      ),
    ),
    returns(app),
    result.element,
    cases(
      [
        "A code without a sign-in",
        "400: this browser has not begun one",
        async () => {
          result.answer(
            await call("/auth/finalize-oauth", {
              code: "01SOMEBODYELSES",
              state: "of-another-browser",
            }),
          );
        },
      ],
      [
        "A screen that does not exist",
        "400",
        async () => {
          result.answer(await call("/auth/continue-with-authkit", { screenHint: "password" }));
        },
      ],
    ),
  ];
}
