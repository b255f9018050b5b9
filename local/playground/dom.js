// Elements without markup in strings: the page's policy forbids it, and nothing that a server says can become
// markup.

/** An element with properties, `on…` listeners, `data-…` and `aria-…` attributes, and children. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Number.POSITIVE_INFINITY).filter((child) => child || child === 0));
  return element;
}

let fields = 0;

/** A labeled input, with `hint` below it. `element` is what is shown, `value` what was entered. */
export function field(label, properties = {}, hint = "") {
  const id = `field-${++fields}`;
  const { options, list, ...rest } = properties;
  const described = hint && { "aria-describedby": `${id}-hint` };
  const input = options
    ? h("select", { id, ...described, ...rest }, options.map(option))
    : h("input", {
        id,
        autocomplete: "off",
        spellcheck: "false",
        ...described,
        ...(list && { list: `${id}-list` }),
        ...rest,
      });
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    list &&
      h(
        "datalist",
        { id: `${id}-list` },
        list.map(({ name, note }) => h("option", { value: name }, note)),
      ),
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
  );
  return {
    element,
    input,
    get value() {
      return input.value;
    },
    set value(value) {
      input.value = value;
    },
  };
}

/** What is sent is `name`; what is shown is `label`, or else the name with a note. */
function option({ name, note, label, selected }) {
  return h("option", { value: name, selected }, label ?? (note ? `${name}: ${note}` : name));
}

/** A button that is disabled while its action runs. */
export function button(label, action, { kind = "", ...properties } = {}) {
  const element = h("button", { type: "button", class: kind, ...properties }, label);
  element.addEventListener("click", () => during(element, action));
  return element;
}

/** A form whose action runs when it is submitted. */
export function form(label, children, action) {
  const submit = h("button", { type: "submit", class: "primary" }, label);
  const element = h("form", { class: "form" }, children, h("div", { class: "actions" }, submit));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    during(submit, action);
  });
  return element;
}

async function during(element, action) {
  element.setAttribute("aria-busy", "true");
  element.disabled = true;
  const hadFocus = document.activeElement === element || document.activeElement === document.body;
  const home = element.closest("[tabindex]");
  try {
    await action();
  } finally {
    element.removeAttribute("aria-busy");
    element.disabled = false;
    if (hadFocus && document.activeElement === document.body) {
      const heir = home && keyed(home, element.dataset.key);
      (element.isConnected ? element : (heir ?? home))?.focus();
    }
  }
}

/** The element with this `data-key`, which tells what takes the place of what when something is drawn again. */
export function keyed(within, key) {
  return [...within.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === key);
}

/** A list of error cases: each a button and what it should show. */
export function cases(...list) {
  return h(
    "section",
    { class: "cases" },
    h("h3", {}, "Error cases"),
    h(
      "ul",
      {},
      list
        .filter(Boolean)
        .map(([label, expected, action]) =>
          h("li", {}, button(label, action, { kind: "small" }), h("span", { class: "expected" }, expected)),
        ),
    ),
  );
}

/** A place for results, which are replaced and announced. */
export function outcome() {
  const element = h("div", { class: "outcome", role: "status" });
  return {
    element,
    show: (...children) => element.replaceChildren(...children.flat().filter(Boolean)),
    say: (kind, ...text) => element.replaceChildren(note(kind, ...text)),
    /** Shows an answer that has at most a message. */
    answer: (answer) => element.replaceChildren(note(answer.ok ? "good" : "bad", statusAndMessage(answer))),
    clear: () => element.replaceChildren(),
  };
}

/** The status of an answer, and its message if it has one. */
export function statusAndMessage({ status, body }) {
  return body?.message ? `${status}: ${body.message}` : `${status}`;
}

/** A remark: "good", "bad", or "info". */
export function note(kind, ...children) {
  return h("p", { class: `note ${kind}` }, ...children);
}

export function code(text) {
  return h("code", {}, text);
}

const announcer = document.getElementById("announcer");

/** Has screen readers say something. */
export function announce(text) {
  announcer.textContent = text;
}
