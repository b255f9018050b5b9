// What follows a redeemed code: a session, the choice of an organization, or a refusal that WorkOS's hosted
// page can resolve.

import { button, cases, h, note, outcome, statusAndMessage } from "./dom.js";
import { call } from "./gateway.js";
import { leave } from "./leave.js";
import * as session from "./session.js";

/**
 * What to show for the answer of `finalize-magic-auth`, `finalize-oauth` or `select-organization`. The
 * `organizations` are those that the user has chosen from.
 */
export async function follow(app, answer, { email, organizations } = {}) {
  const { user } = answer.body ?? {};
  if (!answer.ok) return refused(answer, email);
  if (user.pendingAuthenticationToken) return choice(app, user);
  if (organizations) rememberOrganizations(user, organizations);
  await session.refresh({ aside: true });
  return [
    note(
      "good",
      "Signed in as ",
      h("b", {}, session.nameOf(session.current ?? { user })),
      ". The session is in a cookie that no script can read.",
    ),
    h(
      "p",
      {},
      h("a", { href: "#session" }, "Look at the session"),
      " or ",
      h("a", { href: "#room" }, "enter a room"),
      ".",
    ),
  ];
}

function refused(answer, email) {
  const canContinue = answer.body?.next === "continue-with-authkit";
  return [
    note("bad", statusAndMessage(answer)),
    canContinue &&
      button("Continue on WorkOS's hosted page", async () => {
        const answer = await call("/auth/continue-with-authkit", email ? { email } : {});
        if (answer.ok) leave(answer.body.authData.redirectURL);
      }),
  ].filter(Boolean);
}

function choice(app, user) {
  const chosen = outcome();
  const { pendingAuthenticationToken, organizations } = user;
  const select = async (input) => {
    const answer = await call("/auth/select-organization", { pendingAuthenticationToken, ...input });
    chosen.show(await follow(app, answer, { organizations }));
  };
  return [
    note(
      "info",
      "This user is in ",
      h("b", {}, `${organizations.length} organizations`),
      ". There is no session before one is chosen.",
    ),
    h(
      "div",
      { class: "organizations", role: "group", "aria-label": "Organizations" },
      organizations.map((organization) =>
        button(organization.name, () => select({ organizationId: organization.id }), {
          kind: "organization",
        }),
      ),
    ),
    chosen.element,
    cases(
      [
        "An organization that was not offered",
        "403",
        () => select({ organizationId: "org_01SOMEBODYELSES0000000000" }),
      ],
      [
        "Choose a second time",
        "401, once one is chosen",
        () => select({ organizationId: organizations[0].id }),
      ],
      [
        "Another pending token",
        "403: it is bound to this browser",
        () =>
          select({
            pendingAuthenticationToken: "of-another-browser",
            organizationId: organizations[0].id,
          }),
      ],
    ),
  ];
}

/** The organizations that were offered to a user, to switch between them later. */
export function rememberedOrganizations(user) {
  return JSON.parse(sessionStorage.getItem(key(user)) ?? "[]");
}

function rememberOrganizations(user, organizations) {
  sessionStorage.setItem(key(user), JSON.stringify(organizations.slice(0, 10)));
}

/** Several users may sign in one after the other. */
function key({ id }) {
  return `organizations of ${id}`;
}
