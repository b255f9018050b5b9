// The providers, and the outages that are switched on.

import { h } from "./dom.js";
import { ask } from "./gateway.js";

/** What a stand-in can be told to do, and what Anteroom should make of it. */
export const kinds = [
  { name: "", label: "works" },
  { name: "down", note: "closes every connection" },
  { name: "slow", note: "takes two seconds longer" },
  { name: "rate-limited", note: "answers 429, retry after seven seconds" },
  { name: "failing", note: "answers 503" },
  { name: "garbage", note: "answers with something that is not JSON" },
];

const list = document.getElementById("providers");
const active = new Map();
const listeners = new Set();

/** Learns which outages are on, which outlast the page and end with `cargo dev`. */
export async function load() {
  const outages = Object.entries(await ask("outages"));
  active.clear();
  for (const [word, fault] of outages) active.set(word, fault);
}

/** Calls `listener` whenever the outages have changed until the node is no longer in the page. */
export function watch(node, listener) {
  const once = () => (node.isConnected ? listener() : listeners.delete(once));
  listeners.add(once);
}

/** The outage of a provider, by its word, or "". */
export function of(word) {
  return active.get(word) ?? "";
}

/** Switches an outage on, or with "" off. */
export async function set(overview, word, fault) {
  await ask("faults", { provider: word, fault: fault || null });
  if (fault) active.set(word, fault);
  else active.delete(word);
  draw(overview);
}

/** Runs `action` during an outage. */
export async function during(overview, word, fault, action) {
  const before = of(word);
  await set(overview, word, fault);
  try {
    return await action();
  } finally {
    await set(overview, word, before);
  }
}

export function draw({ providers }) {
  list.replaceChildren(
    ...providers.map(({ name, word, kind }) => {
      const fault = of(word);
      const state =
        kind === "left out" ? "absent" : fault ? "failing" : kind === "real" ? "real" : "stand-in";
      return h("li", { class: `provider ${state}` }, h("b", {}, name), " ", fault || kind);
    }),
  );
  for (const listener of listeners) listener();
}
