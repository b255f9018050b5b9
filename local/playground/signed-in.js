// What follows a redeemed code: a session, the choice of an organization, or a refusal that WorkOS's hosted
// page can resolve.

import { button, cases, h, note, outcome } from "./dom.js";
import { call } from "./gateway.js";
import { leave } from "./leave.js";
import * as session from "./session.js";

/** What to show for the answer of `finalize-magic-auth`, `finalize-oauth` or `select-organization`. */
export async function follow(app, answer, { email } = {}) {
  const { user } = answer.body ?? {};
  if (!answer.ok) return refused(answer, email);
  if (user.pendingAuthenticationToken) return choice(app, user);
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

function refused({ status, body }, email) {
  const canContinue = body.next === "continue-with-authkit";
  return [
    note("bad", `${status}: ${body.message}`),
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
  const select = (organizationId) =>
    call("/auth/select-organization", { pendingAuthenticationToken, organizationId });
  rememberOrganizations(organizations);
  const choose = async ({ id }) => chosen.show(await follow(app, await select(id)));
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
        button(organization.name, () => choose(organization), { kind: "organization" }),
      ),
    ),
    chosen.element,
    cases(
      [
        "An organization that was not offered",
        "403",
        async () => chosen.show(refused(await select("org_01SOMEBODYELSES0000000000"))),
      ],
      [
        "Choose a second time",
        "401, once one is chosen",
        async () => chosen.show(refused(await select(organizations[0].id))),
      ],
      [
        "Another pending token",
        "403: it is bound to this browser",
        async () => {
          const stolen = {
            pendingAuthenticationToken: "of-another-browser",
            organizationId: organizations[0].id,
          };
          chosen.show(refused(await call("/auth/select-organization", stolen)));
        },
      ],
    ),
  ];
}

const key = "organizations";

/** The organizations that were offered, to switch between them later. */
export function rememberedOrganizations() {
  return JSON.parse(sessionStorage.getItem(key) ?? "[]");
}

function rememberOrganizations(organizations) {
  sessionStorage.setItem(key, JSON.stringify(organizations.slice(0, 10)));
}
