import { until } from "../countdown.js";
import { announce, button, cases, field, form, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { guestPanel } from "../guest-panel.js";
import { identityOf, withoutPermission } from "../identity.js";

export default {
  id: "guests",
  group: "Rooms",
  title: "Guests",
  about:
    "A user with the permission to invite gets an invitation for one room. Whoever has its link joins as a guest, without an account.",
  functions: ["invite-guest", "guest-auth"],
  render,
};

/** The link that `guestLink` of the examples would make. Browsers do not send what is behind the `#`. */
function linkOf(invitation) {
  return `${location.origin}/#guest/${invitation}`;
}

function render(app) {
  const identity = identityOf(app, "invite-guest");
  const guest = guestPanel(app);
  const room = field("Room", { name: "room", value: "room123", required: true });
  const hours = field(
    "Valid for",
    { name: "hours", type: "number", min: 1, max: 168, step: 1, value: 24, required: true },
    "In hours: a whole number from 1 to 168, which is a week.",
  );
  const rights = field("Guests may", {
    name: "rights",
    options: [
      { name: "publish", label: "speak, and show their camera and screen" },
      { name: "watch", label: "only watch and listen" },
    ],
  });
  const invited = outcome();
  const shared = h("div", { class: "step" });

  /** Asks for an invitation, and shows the answer. */
  async function invite(input, headers) {
    const answer = await call(
      "/api/v1/livekit/invite-guest",
      { roomId: room.value, ...input },
      { headers: headers ?? (await identity.headers()) },
    );
    if (!answer.ok) {
      invited.answer(answer);
      return undefined;
    }
    const { invitation, expiresAt } = answer.body;
    guest.invitation.value = invitation;
    invited.show(
      note("good", `Whoever has this link can join ${room.value} as a guest: `, until(expiresAt), "."),
    );
    shared.replaceChildren(link(linkOf(invitation)));
    return invitation;
  }

  const asked = () => ({ hours: Number(hours.value), canPublish: rights.value === "publish" });
  /** The invitation of the guest's panel, or a new one. */
  const current = async () => guest.invitation.value || (await invite(asked()));
  const stranger = withoutPermission(app, "invite-guest");

  return [
    identity.element,
    form("Invite", [room.element, hours.element, rights.element], () => invite(asked())),
    invited.element,
    shared,
    guest.element,
    cases(
      [
        "A changed invitation",
        "401, as for one that has expired",
        async () => {
          const invitation = await current();
          if (invitation) await guest.enter(changed(invitation));
        },
      ],
      [
        "A guest's token as an invitation",
        "401: it is of another kind",
        async () => {
          const invitation = await current();
          const token = invitation && (await guest.enter(invitation));
          if (token) await guest.enter(token);
        },
      ],
      ["A name with a control character", "400", async () => guest.enter(await current(), "Gus\u202eT")],
      ["Invite for 169 hours", "400", () => invite({ hours: 169 })],
      ["Invite for half an hour", "400", () => invite({ hours: 0.5 })],
      stranger && ["Invite without the permission", "403", async () => invite({}, await stranger())],
    ),
  ];
}

/** The link, to copy or to open. */
function link(url) {
  const shown = field("Link for guests", { name: "link", value: url, readonly: true });
  shown.input.addEventListener("focus", () => shown.input.select());
  return h(
    "div",
    { class: "form" },
    shown.element,
    h(
      "div",
      { class: "actions" },
      button("Copy the link", async () => {
        await navigator.clipboard.writeText(url);
        announce("Copied");
      }),
      h("a", { class: "button", href: url, target: "_blank", rel: "noreferrer" }, "Open it in a new tab"),
    ),
    h(
      "p",
      { class: "hint" },
      "Nobody can revoke a single invitation, so let it end soon. Its claims are on the right: the room as LiveKit names it, and who invited.",
    ),
  );
}

/** The same with another last character of its payload. */
function changed(invitation) {
  const [header, payload, signature] = invitation.split(".");
  const other = payload.at(-1) === "A" ? "B" : "A";
  return [header, payload.slice(0, -1) + other, signature].join(".");
}
