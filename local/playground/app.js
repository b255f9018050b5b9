// The page: the session on top, the flows on the left, what happened on the right.

import { announce, button, h, note } from "./dom.js";
import * as exchanges from "./exchanges.js";
import * as failure from "./failure.js";
import { flows } from "./flows/index.js";
import { ask } from "./gateway.js";
import * as mailbox from "./mailbox.js";
import * as outages from "./outages.js";
import * as session from "./session.js";

const main = document.getElementById("flow");
const nav = document.getElementById("flows");

/** What every flow gets. A flow sets `leave`, to be called at its end; `argument` is what follows its name in the address. */
const app = { overview: undefined, session, mailbox, outages, isServed, isStandIn };

start();

async function start() {
  // First, so that what led to this page is listed below what it does.
  exchanges.follow(onReturn);
  await learn().catch((error) => {
    main.replaceChildren(button("Try again", () => location.reload()));
    throw error;
  });
  document.getElementById("who").append(session.element);
  drawNavigation();
  const returned = takeCallback();
  addEventListener("hashchange", show);
  document.getElementById("skip").addEventListener("click", skip);
  show();
  if (returned) flows.find(({ id }) => id === "callback").receive(app, returned);
  else if (await hasSession()) await session.refresh({ aside: true });
  else session.nobody();
}

/** Learns which providers there are and which of them fail, and shows it on top. */
async function learn() {
  app.overview = await ask("overview");
  await outages.load();
  outages.draw(app.overview);
}

/** `cargo dev` answers again, perhaps with other settings. */
async function onReturn() {
  const overview = await ask("overview");
  if (!nav.hasChildNodes()) return location.reload(); // The page could not begin.
  const isOther = JSON.stringify(overview) !== JSON.stringify(app.overview);
  await learn();
  if (isOther) show();
  failure.clear();
}

/** Goes to the flow. Following the link itself would replace the flow's name in the address, and so the flow. */
function skip(event) {
  event.preventDefault();
  main.focus();
}

/** Whether the browser has the session's cookie, which this page cannot see but the gateway can. */
async function hasSession() {
  const { cookies } = await ask("cookies");
  return isServed("session") && cookies.some(({ name }) => name === app.overview.cookieName);
}

/** What WorkOS has sent the browser back with. The address must not keep it. */
function takeCallback() {
  const parameters = new URLSearchParams(location.search);
  if (!parameters.has("code") && !parameters.has("error")) return undefined;
  history.replaceState(null, "", "/#callback");
  return Object.fromEntries(parameters);
}

/** Whether the gateway serves a function. */
function isServed(name) {
  return app.overview.endpoints.some((endpoint) => endpoint.function === name);
}

/** Whether a provider, by its word, is a stand-in. */
function isStandIn(word) {
  return app.overview.providers.some((provider) => provider.word === word && provider.kind === "stand-in");
}

function drawNavigation() {
  const groups = Map.groupBy
    ? Map.groupBy(listed(), ({ group }) => group)
    : listed().reduce((map, flow) => map.set(flow.group, [...(map.get(flow.group) ?? []), flow]), new Map());
  for (const [group, members] of groups) {
    const id = `group-${group.toLowerCase().replaceAll(" ", "-")}`;
    nav.append(
      h("h2", { id }, group),
      h(
        "ul",
        { "aria-labelledby": id },
        members.map((flow) => h("li", {}, h("a", { href: `#${flow.id}` }, flow.title))),
      ),
    );
  }
}

function listed() {
  return flows.filter(({ group }) => group);
}

function show() {
  const [id, argument] = location.hash.slice(1).split("/");
  const flow = flows.find((flow) => flow.id === id) ?? flows[0];
  for (const link of nav.querySelectorAll("a")) {
    if (link.hash === `#${flow.id}`) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "center" });
    } else link.removeAttribute("aria-current");
  }
  app.leave?.();
  app.leave = undefined;
  app.argument = argument;
  // An invitation, for example. The address must not keep it.
  if (argument !== undefined) history.replaceState(null, "", `#${flow.id}`);
  const missing = (flow.functions ?? []).filter((name) => !isServed(name));
  document.title = `${flow.title} · Anteroom playground`;
  main.replaceChildren(
    h("h2", { class: "flow-title" }, flow.title),
    flow.about && h("p", { class: "about" }, flow.about),
    ...(missing.length > 0 ? [whyNot(missing)] : [flow.render(app)].flat().filter(Boolean)),
  );
  if (document.activeElement?.closest("nav")) {
    main.focus({ preventScroll: true });
    announce(flow.title);
  }
}

function whyNot(missing) {
  const reasons = missing.map((name) => {
    const reason = app.overview.notServed.find((entry) => entry.function === name)?.reason;
    return h("li", {}, h("code", {}, name), reason ? `: ${reason}` : " is not deployed by this project");
  });
  return h("div", {}, note("info", "This flow needs endpoints that are not served:"), h("ul", {}, reasons));
}
