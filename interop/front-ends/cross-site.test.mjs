// Attacks of other sites in a real browser: Chromium decides what it sends, with which cookies and headers.
// A user is signed in at a page of app.localhost; the API is at api.app.localhost. The attackers are pages of
// another site (evil.localhost), of an address (127.0.0.1) and of a sibling (evil.app.localhost).
//
//   interop/run front-ends/cross-site.test.mjs

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { Anteroom } from "../support/anteroom.mjs";
import { suite } from "../support/suite.mjs";
import { Chromium, executable } from "./chromium.mjs";

const jane = "jane.doe@example.com";

// Requests that would change something, each with a body that the endpoint accepts.
const targets = [
  ["/auth/sign-out", {}],
  ["/auth/dev-sign-in", {}],
  ["/auth/switch-organization", { email: jane, organizationId: "org_1" }],
  ["/api/v1/livekit/room-auth", { username: "Eve", roomId: "daily" }],
];

// The line with which a function's log tells of a request.
const told = /"message":"(?:answered|refused)"/;

// Ways in which a page sends a `POST`. The page runs each with the address and the body.
const posts = {
  "a form": (url, body) => submit(url, { json: body }, "application/x-www-form-urlencoded"),
  "a form whose text is JSON": (url, body) =>
    submit(url, { [`${body.slice(0, -1)},"x":"`]: '"}' }, "text/plain"),
  "a form of parts": (url, body) => submit(url, { json: body }, "multipart/form-data"),
  "a fetch without CORS": (url, body) =>
    fetch(url, { method: "POST", body, mode: "no-cors", credentials: "include" }).then(() => "sent", String),
  "a fetch of text": (url, body) =>
    fetch(url, { method: "POST", body, credentials: "include" }).then((answer) => answer.text(), String),
  "a fetch of JSON": (url, body) =>
    fetch(url, {
      method: "POST",
      body,
      credentials: "include",
      headers: { "content-type": "application/json" },
    }).then((answer) => answer.text(), String),
  "a beacon": (url, body) => navigator.sendBeacon(url, body),
};

// Ways in which a page makes the browser read `GET /auth/session`.
const gets = {
  "an image": (url) => element("img", url),
  "a script": (url) => element("script", url),
  "a style sheet": (url) => element("link", url),
  "a frame": (url) => element("iframe", url),
  "a fetch without CORS": (url) =>
    fetch(url, { mode: "no-cors", credentials: "include" }).then((answer) => answer.text(), String),
  "a fetch": (url) => fetch(url, { credentials: "include" }).then((answer) => answer.text(), String),
};

// What the attackers' pages have. `submit` sends a form into a frame; both wait until the answer is there.
const page = `<!doctype html><meta charset="utf-8"><title>page</title><script>
  const done = (node) => new Promise((resolve) => {
    node.onload = node.onerror = () => resolve("done");
    setTimeout(() => resolve("late"), 3000);
  });
  window.submit = (url, fields, enctype) => {
    const frame = Object.assign(document.createElement("iframe"), { name: "f" + Math.random() });
    document.body.append(frame);
    const form = Object.assign(document.createElement("form"), { action: url, method: "POST", enctype, target: frame.name });
    for (const [name, value] of Object.entries(fields))
      form.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(form);
    const wait = done(frame);
    form.submit();
    return wait;
  };
  window.element = (name, url) => {
    const node = Object.assign(document.createElement(name), { src: url, href: url, rel: "stylesheet" });
    const wait = done(node);
    document.body.append(node);
    return wait;
  };
</script><body></body>`;

suite("attacks of other sites", executable ? undefined : "Chromium is not installed", () => {
  let pages;
  let port;
  let anteroom;
  let api;
  let chromium;
  let context;
  let own;

  before(async () => {
    pages = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(page));
    pages.listen(0, "127.0.0.1");
    await once(pages, "listening");
    port = pages.address().port;
    anteroom = await Anteroom.start({
      ALLOWED_ORIGINS: `http://app.localhost:${port}`,
      DEV_SIGN_IN_EMAIL: jane,
    });
    api = anteroom.url.replace("127.0.0.1", "api.app.localhost");
    chromium = await Chromium.start();
    context = await chromium.visitor();
    own = await context.newPage();
    await own.goto(`http://app.localhost:${port}/`);
    const from = anteroom.written;
    const signedIn = await post(own, "/auth/dev-sign-in", {});
    assert.equal(signedIn.status, 200, signedIn.text);
    await anteroom.logged(told, from);
  });

  after(async () => {
    await chromium?.stop();
    await anteroom?.stop();
    pages?.close();
    pages?.closeAllConnections();
  });

  // A call of the application's own page.
  const post = (from, path, body) =>
    from.evaluate(
      async ([url, body]) => {
        const answer = await fetch(url, {
          method: "POST",
          body,
          credentials: "include",
          headers: { "content-type": "application/json" },
        });
        return { status: answer.status, text: await answer.text() };
      },
      [api + path, JSON.stringify(body)],
    );

  const session = (from) =>
    from.evaluate(async (url) => {
      const answer = await fetch(url, { credentials: "include" });
      return { status: answer.status, text: await answer.text() };
    }, `${api}/auth/session`);

  const cookie = async () => {
    const cookies = await context.cookies(api);
    return cookies.filter(({ name }) => name === "wos-session").map(({ value }) => value);
  };

  // The session is still Jane's, and its cookie the same.
  const assertUntouched = async (before, what) => {
    assert.deepEqual(await cookie(), before, what);
    const from = anteroom.written;
    const { status, text } = await session(own);
    await anteroom.logged(told, from);
    assert.equal(status, 200, `${what}: ${text}`);
    assert.equal(JSON.parse(text).user.email, jane, what);
  };

  // The statuses with which the functions answer while a page runs `attack` with these values, and what the
  // page sees. A browser shows little of an answer that it blocks, so the functions' log counts.
  const attacked = async (attacker, requests, attack, url, ...values) => {
    const from = anteroom.written;
    const seen = await attacker.evaluate(`(${attack})(...${JSON.stringify([url, ...values])})`);
    // A request that was not sent leaves no line. So send another one: once its line is there, an earlier
    // one would be, too. It is one that is refused: `dev-sign-in` has few codes.
    const headers = { origin: "http://elsewhere.localhost" };
    if (requests === 0) await fetch(url.replace(api, anteroom.url), { method: "POST", headers });
    await anteroom.logged(told, from, Math.max(requests, 1));
    const lines = anteroom.lines.slice(from).filter((line) => told.test(line));
    const statuses = lines.map((line) => Number(line.match(/"status":(\d+)/)[1]));
    return { seen: String(seen ?? ""), statuses: requests === 0 ? statuses.slice(0, -1) : statuses };
  };

  const openedAt = async (origin) => {
    const page = await context.newPage();
    await page.goto(origin);
    return page;
  };

  const attackers = () => [
    ["another site", `http://evil.localhost:${port}/`],
    ["an address", `http://127.0.0.1:${port}/`],
    ["a sibling", `http://evil.app.localhost:${port}/`],
  ];

  for (const [way, send] of Object.entries(posts)) {
    test(`${way} of another site changes nothing`, async () => {
      const before = await cookie();
      // Of JSON, the browser asks first, and then sends nothing.
      const requests = way === "a fetch of JSON" ? 0 : 1;
      for (const [who, origin] of attackers()) {
        const attacker = await openedAt(origin);
        for (const [path, body] of targets) {
          const { seen, statuses } = await attacked(
            attacker,
            requests,
            send,
            api + path,
            JSON.stringify(body),
          );
          const what = `${who}, ${path}: ${statuses} ${seen}`;
          assert.deepEqual(statuses, Array(requests).fill(403), what);
          assert.doesNotMatch(seen, /token|user|redirectURL/i, what);
        }
        await attacker.close();
        await assertUntouched(before, who);
      }
    });
  }

  for (const [way, load] of Object.entries(gets)) {
    test(`${way} of another site does not read the session`, async () => {
      const before = await cookie();
      for (const [who, origin] of attackers()) {
        const attacker = await openedAt(origin);
        const { seen, statuses } = await attacked(attacker, 1, load, `${api}/auth/session`);
        const what = `${who}: ${statuses} ${seen}`;
        assert.doesNotMatch(seen, /jane/, what);
        // A sibling's requests without an origin pass, and the page cannot read the answer.
        assert.deepEqual(statuses, [who === "a sibling" && way !== "a fetch" ? 200 : 403], what);
        await attacker.close();
        await assertUntouched(before, what);
      }
    });
  }

  test("a navigation from another site is refused, and one from the address bar is not", async () => {
    const before = await cookie();
    // The pages stay open: Chromium does not close one that has just left for the API of its own site.
    for (const [who, origin] of attackers()) {
      const attacker = await openedAt(origin);
      const answered = attacker.waitForResponse(`${api}/auth/session`);
      const from = anteroom.written;
      await attacker.evaluate(
        (url) => void setTimeout(() => window.location.assign(url)),
        `${api}/auth/session`,
      );
      assert.equal((await answered).status(), who === "a sibling" ? 200 : 403, who);
      await anteroom.logged(told, from);
      await assertUntouched(before, who);
    }
    const from = anteroom.written;
    const typed = await context.newPage();
    assert.equal((await typed.goto(`${api}/auth/session`)).status(), 200);
    await anteroom.logged(told, from);
  });

  test("a sandboxed frame, whose origin is null, changes nothing", async () => {
    const before = await cookie();
    const attacker = await openedAt(`http://evil.localhost:${port}/`);
    const frame = (url) => {
      const frame = document.createElement("iframe");
      frame.sandbox = "allow-scripts allow-forms";
      frame.srcdoc = `<form action="${url}" method="POST"></form><script>document.forms[0].submit()</script>`;
      document.body.append(frame);
    };
    const { statuses } = await attacked(attacker, 1, frame, `${api}/auth/sign-out`);
    assert.deepEqual(statuses, [403]);
    await attacker.close();
    await assertUntouched(before, "a sandboxed frame");
  });

  test("cookies that a sibling plants sign nobody else in", async () => {
    const planted = await chromium.visitor();
    const victim = await planted.newPage();
    await victim.goto(`http://app.localhost:${port}/`);
    assert.equal((await post(victim, "/auth/dev-sign-in", {})).status, 200);
    const cookies = await planted.cookies(api);
    const attacker = await planted.newPage();
    await attacker.goto(`http://evil.app.localhost:${port}/`);
    const write = (text) => attacker.evaluate(`document.cookie = ${JSON.stringify(text)}`);
    const [value] = await cookie();
    for (const [name, content] of [
      ["wos-session", "planted"],
      ["wos-session", value],
      ["__session", "planted"],
      ["wos-sign-in-00000000", "planted"],
    ]) {
      await write(`${name}=${content}; domain=app.localhost; path=/auth`);
      const { status, text } = await session(victim);
      // Of two cookies with the session's name, nobody can tell which one is the user's own.
      assert.equal(status, name === "wos-session" ? 401 : 200, `${name}: ${text}`);
      await write(`${name}=; domain=app.localhost; path=/auth; max-age=0`);
      // A 401 for two cookies clears the user's own.
      await planted.addCookies(cookies);
      assert.equal((await session(victim)).status, 200, `without the planted ${name}`);
    }
    await planted.close();
  });
});
