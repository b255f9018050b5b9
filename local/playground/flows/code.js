import { button, cases, field, form, h, note, outcome } from "../dom.js";
import { ask, call } from "../gateway.js";
import { leave, returnTo } from "../leave.js";
import { follow } from "../signed-in.js";

export default {
  id: "code",
  group: "Sign in",
  title: "Code or single sign-on",
  about:
    "The address decides: a domain with a connection goes to its identity provider, everyone else gets six digits by e-mail.",
  functions: ["sign-in", "resend-magic-auth", "finalize-magic-auth"],
  render,
};

function render(app) {
  const { users } = app.overview;
  const email = field(
    "E-mail address",
    {
      type: "email",
      name: "email",
      value: users.workos[0].name,
      list: app.isStandIn("workos") ? users.workos : undefined,
      required: true,
    },
    "The list has a user for each outcome.",
  );
  const step = h("div", { class: "step" });
  const result = outcome();
  const code = field(
    "Code",
    { name: "code", inputmode: "numeric", maxlength: 12 },
    "Spaces and hyphens do not matter.",
  );
  const mailbox = app.mailbox.panel(app, (digits) => {
    code.value = digits;
    code.input.focus();
  });
  const redeem = (digits) => call("/auth/finalize-magic-auth", { email: email.value, code: digits });

  async function signIn() {
    result.clear();
    step.replaceChildren();
    const answer = await call("/auth/sign-in", { email: email.value });
    if (!answer.ok) return result.answer(answer);
    const { authMethod, redirectURL } = answer.body.authData;
    if (authMethod === "sso") return offerRedirect(redirectURL);
    await offerCode();
  }

  function offerRedirect(url) {
    const remarks = [
      note(
        "info",
        "This domain has single sign-on. ",
        h("b", {}, "state"),
        " and the PKCE verifier are sealed into a cookie of this browser.",
      ),
      returns(app),
    ];
    step.replaceChildren(
      ...remarks.filter(Boolean),
      form("Continue at WorkOS", [], () => leave(url)),
    );
    step.querySelector("button").focus();
  }

  async function offerCode() {
    code.value = "";
    step.replaceChildren(
      mailbox.element ?? mailbox,
      form("Sign in with the code", [code.element], async () => {
        const answer = await attempt(code.value);
        if (answer.ok) step.replaceChildren();
      }),
      button("Send another code", async () => {
        result.answer(await call("/auth/resend-magic-auth", { email: email.value }));
        await mailbox.refresh?.(email.value);
      }),
    );
    await mailbox.refresh?.(email.value);
    code.input.focus();
  }

  /** A code that is sent now. If none is, shows why. */
  async function freshCode() {
    const before = await app.mailbox.latestCode(email.value);
    const answer = await call("/auth/sign-in", { email: email.value });
    if (!answer.ok) {
      result.answer(answer);
      return undefined;
    }
    const isSso = answer.body.authData.authMethod === "sso";
    const latest = isSso ? undefined : await app.mailbox.latestCode(email.value);
    const sent = latest === before ? undefined : latest;
    if (!sent) {
      const reason = isSso ? "This domain has single sign-on" : "CONCEAL_ACCOUNTS hides the reason";
      result.say("info", `${answer.status}, and no code is sent. ${reason}.`);
    }
    return sent;
  }

  /** Redeems a code, shows the answer and gives it. */
  async function attempt(digits) {
    const answer = await redeem(digits);
    result.show(...(await follow(app, answer, { email: email.value })));
    return answer;
  }

  return [
    form("Sign in", [email.element], signIn),
    step,
    result.element,
    cases(
      [
        "Unknown address",
        "400, as for any bad request; 200 with CONCEAL_ACCOUNTS",
        async () => {
          const answer = await call("/auth/sign-in", { email: "nobody@example.com" });
          if (!answer.ok) return result.answer(answer);
          result.say("info", `${answer.status}, as for an address that has an account.`);
        },
      ],
      app.isStandIn("workos") && [
        "Wrong code",
        "401",
        async () => {
          const sent = await app.mailbox.latestCode(email.value);
          await attempt(sent === "000000" ? "000001" : "000000");
        },
      ],
      app.isStandIn("workos") && [
        "Expired code",
        "401",
        async () => {
          const sent = await freshCode();
          if (!sent) return;
          await ask("codes", {});
          await attempt(sent);
        },
      ],
      app.isStandIn("workos") && [
        "Used code",
        "the first works, the second is 401",
        async () => {
          const sent = await freshCode();
          if (!sent) return;
          const first = await attempt(sent);
          if (first.ok) await attempt(sent);
        },
      ],
      ["Not a code", "400, WorkOS is not asked", () => attempt("12345")],
      [
        "Resend to an address with single sign-on",
        "403",
        async () => {
          result.answer(
            await call("/auth/resend-magic-auth", {
              email: "someone@sso.example.com",
            }),
          );
        },
      ],
    ),
  ];
}

/** Where the redirect comes back to, if that is not the application's address. */
export function returns(app) {
  if (app.overview.redirectUri === returnTo) return undefined;
  return h(
    "p",
    { class: "hint" },
    "The URL leads back to your application at ",
    h("code", {}, app.overview.redirectUri),
    ". The playground asks for ",
    h("code", {}, returnTo),
    app.isStandIn("workos")
      ? " instead."
      : " instead, which must be among the redirect URIs in WorkOS's dashboard.",
  );
}
