// What happened: each exchange with what this page knows of it, joined with what the gateway knows.

import { curl } from "./curl.js";
import { announce, button, h, keyed } from "./dom.js";
import { Failure } from "./failure.js";
import { ask } from "./gateway.js";
import { masked, secretsIn } from "./masking.js";
import { tokensIn } from "./token.js";

const shown = 40;
const list = document.getElementById("exchanges");
const empty = document.getElementById("empty");
const entries = [];
/** The gateway's entries of calls whose response this page has not read yet. */
const unclaimed = new Map();

/** Begins an entry of a call that this page makes. */
export function begin({ method, path, query, headers, body, aside }) {
  const entry = { method, path, query, headers, body, aside, at: Date.now(), isOwn: true, isPending: true };
  add(entry);
  return entry;
}

export function fail(entry, problem) {
  Object.assign(entry, { isPending: false, problem });
  draw(entry);
}

export function end(entry, { status, body, requestId, retryAfter, milliseconds }) {
  Object.assign(entry, { isPending: false, status, response: body, requestId, retryAfter, milliseconds });
  entry.server = unclaimed.get(requestId) ?? entry.server;
  unclaimed.delete(requestId);
  for (const [id, server] of unclaimed) {
    if (isPending(server)) continue;
    unclaimed.delete(id);
    learn(server);
  }
  draw(entry);
}

/**
 * Follows the gateway's record for as long as the page is open. Calls `onReturn` when `cargo dev` answers again,
 * which has then probably been restarted: its record begins anew, and its stand-ins remember nothing.
 */
export async function follow(onReturn) {
  let number = 0;
  let isAway = false;
  for (;;) {
    try {
      if (isAway) {
        await onReturn();
        unclaimed.clear();
        number = 0;
        isAway = false;
      }
      const record = await ask(`exchanges?after=${number}`);
      const isFirst = number === 0;
      isAway = record.number < number;
      number = record.number;
      for (const server of isFirst ? recent(record.exchanges) : record.exchanges) learn(server);
    } catch (error) {
      if (!(error instanceof Failure)) console.error(error);
      else isAway = true;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

/** Those that led to this page, such as the beginning of a sign-in that has just come back. */
function recent(list) {
  return list.filter(({ at }) => at > Date.now() - 60_000).slice(-6);
}

export function clear() {
  entries.length = 0;
  list.replaceChildren();
  empty.hidden = false;
}

const cleared = new Set();

document.getElementById("clear").addEventListener("click", () => {
  for (const { requestId } of entries) cleared.add(requestId);
  clear();
  announce("Cleared");
});

function learn(server) {
  if (cleared.has(server.requestId)) return;
  const entry = entries.find(({ requestId }) => requestId === server.requestId);
  if (entry) {
    entry.server = server;
    entry.status ??= server.status;
    draw(entry);
  } else if (isPending(server)) {
    unclaimed.set(server.requestId, server);
  } else {
    const { method, path, at, status, requestId } = server;
    add({ method, path, at, status, requestId, server, isOwn: false });
  }
}

/** Whether this page may be waiting for the response. */
function isPending({ method, path }) {
  return entries.some((entry) => entry.isPending && entry.method === method && entry.path === path);
}

function add(entry) {
  empty.hidden = true;
  entries.unshift(entry);
  entry.element = h("article", { class: "exchange", tabindex: "-1" });
  // The record may be late: what it brings must not close the call that the user has just made.
  entry.isOpen = !entry.aside && entries.every(({ at }) => at <= entry.at);
  if (entry.isOpen) {
    for (const other of entries.filter(({ isOpen, wasToggled }) => isOpen && !wasToggled)) {
      if (other === entry) continue;
      other.isOpen = false;
      draw(other);
    }
  }
  draw(entry);
  list.prepend(entry.element);
  for (const old of entries.splice(shown)) old.element.remove();
}

function draw(entry) {
  const { activeElement } = document;
  const hadFocus = entry.element.contains(activeElement) && activeElement !== entry.element;
  const opened = new Set(
    [...entry.element.querySelectorAll("details[open]")].map(({ dataset }) => dataset.key),
  );
  const title = h(
    "h3",
    { class: "exchange-title" },
    h(
      "button",
      {
        type: "button",
        "aria-expanded": String(entry.isOpen),
        "data-key": "title",
        onclick: () => {
          entry.isOpen = !entry.isOpen;
          entry.wasToggled = true;
          draw(entry);
        },
      },
      badge(entry),
      h("span", { class: "call" }, h("b", {}, entry.method), " ", entry.path),
      h("span", { class: "time" }, time(entry)),
    ),
  );
  entry.element.replaceChildren(title, ...(entry.isOpen ? [details(entry)] : []));
  for (const element of entry.element.querySelectorAll("details")) {
    if (opened.has(element.dataset.key)) element.open = true;
  }
  if (hadFocus) (keyed(entry.element, activeElement.dataset.key) ?? keyed(entry.element, "title")).focus();
}

function badge({ status, problem, isPending }) {
  if (problem) return h("span", { class: "badge bad" }, "failed");
  if (isPending || !status) return h("span", { class: "badge" }, "…");
  const kind = status < 400 ? "good" : status < 500 ? "refused" : "bad";
  return h("span", { class: `badge ${kind}` }, String(status));
}

function time({ server, milliseconds }) {
  const taken = server?.milliseconds ?? milliseconds;
  return taken === undefined ? "" : duration(taken);
}

export function duration(milliseconds) {
  if (milliseconds < 1) return "<1 ms";
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function details(entry) {
  return h(
    "div",
    { class: "details" },
    !entry.isOwn &&
      h(
        "p",
        { class: "hint" },
        "Sent by something else: this page before a reload, another page or tab, or another program.",
      ),
    entry.problem && h("p", { class: "note bad" }, `The browser reports: ${entry.problem}`),
    work(entry),
    cookies(entry),
    bodies(entry),
    entry.response && tokensIn(entry.response),
    logLines(entry),
    curlOf(entry),
  );
}

function section(title, ...children) {
  return h("section", { class: "part" }, h("h4", {}, title), ...children);
}

/** A text that can be scrolled. */
function text(label, content, key = label) {
  return h("pre", { tabindex: "0", "aria-label": label, "data-key": key }, content);
}

/** What the function asked of which provider, as bars on the time of the request. */
function work({ server, isOwn }) {
  if (!server) return undefined;
  const calls = server.lines.filter(({ message }) => message === "provider call");
  const answered = server.lines.find(({ message }) => ["answered", "refused", "concealed"].includes(message));
  const longest = Math.max(server.milliseconds ?? 0, ...calls.map(({ ms }) => ms), 1);
  const rows = [
    answered &&
      bar(
        `${server.function}${answered.cold ? ", first request of a new process" : ""}`,
        answered.ms,
        longest,
        "own",
      ),
    ...calls.map((line) =>
      bar(
        `${nameOf(line.provider)}: ${line.call}`,
        line.ms,
        longest,
        line.failure || !(line.status < 500) ? "bad" : "",
        outcomeOf(line),
      ),
    ),
  ];
  const none = answered && calls.length === 0;
  const refusal = !isOwn && answered?.error;
  return section(
    "Work",
    rows.some(Boolean) && h("ul", { class: "bars" }, rows),
    none && h("p", { class: "hint" }, "No provider was asked."),
    refusal && h("p", { class: "note bad" }, refusal),
    server.problem && h("p", { class: "note bad" }, server.problem),
    server.status !== undefined &&
      !server.problem &&
      !answered &&
      h("p", { class: "hint" }, "The function has not logged its answer yet."),
  );
}

/** A provider's name, which the log has in lower case. */
function nameOf(provider) {
  return (
    { workos: "WorkOS", clerk: "Clerk", livekit: "LiveKit", liveblocks: "Liveblocks", s3: "S3" }[provider] ??
    provider
  );
}

function outcomeOf({ status, failure, attempts }) {
  const again = attempts > 1 ? `, ${attempts} attempts` : "";
  return `${status ?? failure ?? "no answer"}${again}`;
}

function bar(label, milliseconds, longest, kind, note = "") {
  const share = Math.max(1, Math.min(100, Math.round((milliseconds / longest) * 100)));
  const meter = h("progress", { class: kind, max: 100, value: share, "aria-hidden": "true" });
  return h(
    "li",
    {},
    h("span", { class: "bar-label" }, label, note && h("span", { class: "bar-note" }, ` ${note}`)),
    h("span", { class: "bar-time" }, duration(milliseconds)),
    meter,
  );
}

function cookies(entry) {
  const set = entry.server?.cookies ?? [];
  if (set.length === 0) return undefined;
  return section(
    "Cookies",
    h(
      "ul",
      { class: "cookies" },
      set.map(({ name, length, attributes }) =>
        h(
          "li",
          {},
          h("code", {}, name),
          length > 0 ? ` set, ${length} bytes` : " cleared",
          h(
            "span",
            { class: "flags" },
            attributes.map((attribute) => h("span", { class: "flag" }, attribute)),
          ),
        ),
      ),
    ),
    entry.cookiesShown
      ? text("The browser's cookies", entry.cookiesShown, "cookies")
      : button(
          "Show the browser's cookies",
          async () => {
            const { cookies } = await ask("cookies");
            entry.cookiesShown =
              cookies.map(({ name, value }) => `${name}=${value}`).join("\n\n") || "There are none.";
            draw(entry);
          },
          { kind: "small", "data-key": "cookies" },
        ),
  );
}

function bodies(entry) {
  if (!entry.isOwn) return undefined;
  const show = (value) => JSON.stringify(entry.isRevealed ? value : masked(value), null, 2);
  const hasSecrets = secretsIn(entry.response) || secretsIn(entry.body);
  return section(
    "Request and response",
    entry.query && text("Query", show(entry.query)),
    entry.body !== undefined && text("Request", show(entry.body)),
    entry.response !== undefined && text("Response", show(entry.response)),
    entry.retryAfter && h("p", { class: "hint" }, `Retry-After: ${entry.retryAfter} seconds`),
    hasSecrets &&
      button(
        entry.isRevealed ? "Hide the values" : "Show the values",
        () => {
          entry.isRevealed = !entry.isRevealed;
          draw(entry);
        },
        { kind: "small", "data-key": "values" },
      ),
  );
}

function logLines({ server }) {
  if (!server || server.lines.length === 0) return undefined;
  return h(
    "details",
    { "data-key": "lines" },
    h(
      "summary",
      { "data-key": "lines-summary" },
      `${server.lines.length} log ${server.lines.length === 1 ? "line" : "lines"}`,
    ),
    text("Log lines", server.lines.map((line) => JSON.stringify(line)).join("\n")),
  );
}

function curlOf(entry) {
  if (!entry.isOwn) return undefined;
  const command = curl(entry, entry.isRevealed);
  return h(
    "details",
    { "data-key": "curl" },
    h("summary", { "data-key": "curl-summary" }, "The same with curl"),
    text("curl command", command),
    button(
      "Copy",
      async () => {
        await navigator.clipboard.writeText(curl(entry, true));
        announce("Copied");
      },
      { kind: "small", "data-key": "copy" },
    ),
  );
}
