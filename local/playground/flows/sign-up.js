import { cases, field, form, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";

export default {
  id: "sign-up",
  group: "Sign in",
  title: "Sign up",
  about: "Creates an account and sends nothing. The page then signs in with a code.",
  functions: ["sign-up"],
  render,
};

function render() {
  const email = field("E-mail address", {
    type: "email",
    name: "email",
    value: `new-${Date.now() % 100_000}@example.com`,
    required: true,
  });
  const result = outcome();
  const signUp = async (address) => {
    const answer = await call("/auth/sign-up", { email: address });
    if (!answer.ok) return result.answer(answer);
    result.show(
      note("good", `${answer.status}: ${answer.body.message}`),
      h("p", {}, "Now ", h("a", { href: "#code" }, "sign in with a code"), ` as ${address}.`),
    );
  };
  return [
    form("Sign up", [email.element], () => signUp(email.value)),
    result.element,
    cases(
      ["An address that has an account", "409", () => signUp("jane.doe@example.com")],
      ["Not an address", "400", () => signUp("jane")],
    ),
  ];
}
