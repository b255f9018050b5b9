import { button, field, h, note, outcome } from "../dom.js";
import { kinds } from "../outages.js";

export default {
  id: "outage",
  group: "When things fail",
  title: "Outages",
  about:
    "Each stand-in can fail the way its provider does. Switch an outage on, then use any flow. A call that asks the provider gets 502 or 503, or from some endpoints 429 if WorkOS limits the rate. If the provider is slow, the call only takes longer. Other calls work, and nobody is signed out.",
  render,
};

function render(app) {
  const result = outcome();
  const standIns = app.overview.providers.filter(({ kind }) => kind === "stand-in");
  if (standIns.length === 0)
    return note("info", "All providers are real, so there are no outages to simulate.");
  const fields = standIns.map(({ name, word }) => {
    const active = app.outages.of(word);
    const options = kinds.map((kind) => ({
      ...kind,
      selected: kind.name === active,
    }));
    const choice = field(name, { name: word, options });
    choice.input.addEventListener("change", async () => {
      const fault = choice.value;
      await app.outages.set(app.overview, word, fault).finally(update);
      result.say(fault ? "bad" : "good", fault ? `${name} fails now: ${fault}.` : `${name} works again.`);
    });
    return { ...choice, word };
  });
  const update = () => {
    for (const { input, word } of fields) input.value = app.outages.of(word);
    result.clear();
  };
  app.outages.watch(result.element, update);
  return [
    h(
      "div",
      { class: "form" },
      fields.map(({ element }) => element),
    ),
    result.element,
    h(
      "div",
      { class: "actions" },
      button("End every outage", async () => {
        for (const { word } of standIns) await app.outages.set(app.overview, word, "");
        result.say("good", "Everything works again.");
      }),
    ),
    h(
      "p",
      {},
      "Try: ",
      h("a", { href: "#code" }, "sign in"),
      ", ",
      h("a", { href: "#room" }, "enter a room"),
      ", ",
      h("a", { href: "#documents" }, "open a document"),
      ".",
    ),
  ];
}
