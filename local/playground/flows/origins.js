import { button, h, outcome } from "../dom.js";

export default {
  id: "origins",
  group: "Session",
  title: "A foreign origin",
  about:
    "A page of another origin is open in the same browser, in a frame below. It calls the endpoints the way a forged form would.",
  functions: ["session", "sign-out", "sign-in"],
  render,
};

function render(app) {
  const result = outcome();
  const frame = h("iframe", {
    src: "/playground/foreign.html",
    sandbox: "allow-scripts",
    title: "A page of another origin",
    tabindex: "-1",
  });

  const isLoaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));

  async function send(method, path) {
    await isLoaded;
    const answer = new Promise((resolve) => {
      addEventListener("message", function listen({ source, data }) {
        if (source !== frame.contentWindow || data.path !== path) return;
        removeEventListener("message", listen);
        resolve(data.outcome);
      });
    });
    frame.contentWindow.postMessage({ method, path }, "*");
    result.say(
      "info",
      `${method} ${path}: ${await answer}. The gateway's record on the right has the status.`,
    );
  }

  return [
    frame,
    h(
      "div",
      { class: "choices" },
      button("Sign the user out", () => send("POST", "/auth/sign-out"), { kind: "primary" }),
      button("Read the session", () => send("GET", "/auth/session")),
      button("Start a sign-in", () => send("POST", "/auth/continue-with-google")),
    ),
    result.element,
    h(
      "p",
      {},
      "Each is 403 before anything else is called, and sets no cookie. ",
      h("code", {}, "SameSite=Lax"),
      " alone would not do: it keeps the cookie out of the request, and yet the browser would store the answer's.",
    ),
    button("Am I still signed in?", () => app.session.refresh(), { kind: "small" }),
  ];
}
