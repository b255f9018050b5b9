import { until } from "../countdown.js";
import { button, cases, field, form, h, note, outcome } from "../dom.js";
import { ask, call } from "../gateway.js";
import { leave } from "../leave.js";
import { rememberedOrganizations } from "../signed-in.js";

export default {
  id: "session",
  group: "Session",
  title: "State and sign-out",
  about: "The session is sealed into a cookie. A page asks an endpoint who is signed in.",
  functions: ["session", "switch-organization", "sign-out"],
  render,
};

const meanings = {
  organizationId: "the organization that the user acts in",
  role: "the role there",
  permissions: "what the user may do there",
  authenticatedAt: "when the user proved who they are",
  expiresAt: "when the access token expires; the next call then refreshes it",
};

function render(app) {
  const state = h("div");
  const result = outcome();
  const targets = h("fieldset");
  /** Whose organizations the fieldset offers. Only another user's replace what was entered. */
  let owner;

  const draw = (session) => {
    state.replaceChildren(
      session
        ? facts(session)
        : note("info", "Nobody is signed in. ", h("a", { href: "#code" }, "Sign in"), " first."),
    );
    const id = session?.user.id ?? "nobody";
    if (id === owner) return;
    owner = id;
    targets.replaceChildren(...switcher(session ? rememberedOrganizations(session.user) : [], switchTo));
  };

  async function switchTo(organizationId, email = app.session.current?.user.email ?? "jane.doe@example.com") {
    const answer = await call("/auth/switch-organization", { email, organizationId });
    if (!answer.ok) return result.answer(answer);
    await app.session.refresh({ aside: true });
    result.say("good", "Switched: the cookie holds a new session in that organization.");
  }

  async function signOut() {
    const answer = await call("/auth/sign-out");
    if (!answer.ok) return result.answer(answer);
    await app.session.refresh({ aside: true });
    result.show(
      note("good", "The cookie is cleared. The URL that came back ends the session at WorkOS too:"),
      button("Go there and come back", () => leave(answer.body.authData.redirectURL)),
    );
  }

  app.session.watch(state, draw);
  draw(app.session.current);
  return [
    state,
    h(
      "div",
      { class: "actions" },
      button("Ask again", () => app.session.refresh()),
      button("Sign out", signOut),
    ),
    targets,
    result.element,
    cases(
      [
        "Switch to a stranger's organization",
        "403, and the session stays",
        () => switchTo("org_01ANTER00MSSOEXAMPLE000000"),
      ],
      [
        "Switch for another user",
        "403",
        () => switchTo("org_01ANTER00MEXAMPLE000000000", "somebody.else@example.com"),
      ],
      [
        "Try to read the cookie from a script",
        "it is HttpOnly",
        () => {
          const { cookieName } = app.overview;
          const isReadable = document.cookie.includes(`${cookieName}=`);
          result.say(
            isReadable ? "bad" : "good",
            `document.cookie has ${isReadable ? "" : "no "}${cookieName}.`,
          );
        },
      ],
      [
        "Show the cookie",
        "only the gateway of this machine can",
        async () => {
          const { cookies } = await ask("cookies");
          const names = cookies.map(({ name, value }) => `${name} (${value.length} bytes)`);
          result.say("info", names.join(", ") || "The browser has no cookies of this host.");
        },
      ],
    ),
  ];
}

/** What a fieldset has to switch to one of these organizations, or else to any. */
function switcher(organizations, switchTo) {
  const target = field("Organization", {
    name: "organization",
    ...(organizations.length > 0
      ? { options: organizations.map(({ id, name }) => ({ name: id, label: name })) }
      : { placeholder: "org_…" }),
  });
  return [
    h("legend", {}, "Switch the organization"),
    ...(organizations.length > 0
      ? []
      : [h("p", { class: "hint" }, "Sign in as 123@gmail.com to have two to switch between.")]),
    form("Switch", [target.element], () => switchTo(target.value)),
  ];
}

function facts({ user, ...rest }) {
  const rows = [
    ["user", `${user.firstName ?? ""} ${user.lastName ?? ""}`.trim() || user.id, user.email],
    ...Object.entries(rest).map(([name, value]) => [name, shown(name, value), meanings[name] ?? ""]),
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.map(([name, value, meaning]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value, meaning && h("span", { class: "hint" }, meaning))),
    ),
  );
}

function shown(name, value) {
  if (name === "expiresAt")
    return h("span", {}, new Date(value * 1000).toLocaleTimeString(), ", ", until(value));
  if (name === "authenticatedAt") return new Date(value * 1000).toLocaleTimeString();
  return typeof value === "string" ? value : JSON.stringify(value);
}
