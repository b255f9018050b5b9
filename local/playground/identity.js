// Whose sessions a function of the rooms accepts: WorkOS's, by the cookie, or Clerk's, by a token.

import { field, h, note } from "./dom.js";
import { ask } from "./gateway.js";

/** A field for the user, if there is one to choose, and the headers of a call as that user. */
export function identityOf(app, name) {
  const identity = providerOf(app, name);
  if (identity === "workos") {
    const element = h("div");
    const draw = (session) => {
      element.replaceChildren(
        session
          ? note(
              "good",
              "The call is made as ",
              h("b", {}, app.session.nameOf(session)),
              ", by the session's cookie.",
            )
          : note(
              "info",
              "Nobody is signed in: the call will be 401. ",
              h("a", { href: "#developer" }, "Sign in as the developer"),
              ".",
            ),
      );
    };
    app.session.watch(element, draw);
    draw(app.session.current);
    return { element, headers: async () => ({}) };
  }
  if (app.isStandIn("clerk")) {
    const user = field("User at Clerk", { name: "user", options: app.overview.users.clerk });
    return { element: user.element, user, headers: () => clerkHeaders(user.value) };
  }
  const token = field(
    "Clerk's session token",
    { name: "token", type: "password" },
    "In a page that uses Clerk: await Clerk.session.getToken()",
  );
  return { element: token.element, headers: async () => bearer(token.value) };
}

/** The headers of a call as a user without any permission, if a stand-in has one. */
export function withoutPermission(app, name) {
  const identity = providerOf(app, name);
  if (!app.isStandIn(identity)) return undefined;
  if (identity === "clerk") return () => clerkHeaders("jane");
  return async () => bearer((await ask("workos-token", { user: "without_organization" })).token);
}

/** The provider whose sessions a function accepts. */
function providerOf(app, name) {
  return app.overview.endpoints.find((endpoint) => endpoint.function === name).identity;
}

/** The header with a session token of the stand-in, as Clerk's own script would have it. */
export async function clerkHeaders(user) {
  const { token } = await ask("clerk-token", { user });
  return bearer(token);
}

function bearer(token) {
  return { authorization: `Bearer ${token}` };
}
