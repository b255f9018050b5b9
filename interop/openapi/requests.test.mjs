// Thousands of valid and invalid requests to every endpoint in openapi.yaml, signed in and not: every answer
// is described there, and none is a 5xx.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { parse, stringify } from "yaml";

import { Anteroom, root } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { schemathesis } from "./schemathesis.mjs";

/** The least number of requests, in total and to each endpoint. */
const requestsInAll = 5000;
const requestsEach = 200;

const description = join(root, "openapi.yaml");
const config = fileURLToPath(new URL("requests.toml", import.meta.url));
const described = parse(readFileSync(description, "utf8"));
const { paths } = described;
const protectedPaths = Object.keys(paths).filter((path) =>
  Object.values(paths[path]).some(({ security }) => security.length > 0),
);

let anteroom;
let signedIn;
let stranger;

before(async () => {
  anteroom = await Anteroom.start({});
  const keys = { workosCookie: await workosSession(), clerkCookie: await clerkSession() };
  const common = { description, url: anteroom.url, config, examples: 145, seconds: 240 };
  // A processor for each.
  [signedIn, stranger] = await Promise.all([
    schemathesis({ ...common, seed: 1, keys }),
    schemathesis({ ...common, seed: 2, keys: {} }),
  ]);
});

after(() => anteroom?.stop());

async function workosSession() {
  const browser = await Browser.signedIn(anteroom);
  return browser.cookie("wos-session");
}

async function clerkSession() {
  const answer = await fetch(`${anteroom.standIn("Clerk")}/dev/session-token?user=jane&ttl=3600`);
  assert.equal(answer.status, 200);
  return answer.text();
}

for (const [whose, run] of [
  ["a signed-in user's request", () => signedIn],
  ["a request without a session, or with one that is made up,", () => stranger],
]) {
  test(`every answer to ${whose} is one that is described`, () => {
    const { code, output, report } = run();
    assert.equal(code, 0, output);
    assert.deepEqual(report.failures, []);
    assert.deepEqual(report.errors, []);
    assert.equal(report.complete, true);
    assert.equal(report.operations.tested, Object.keys(paths).length);
  });
}

test("people who are signed in are served, and nobody else", () => {
  const served = ({ requests }) => {
    const successes = requests.filter(({ status }) => status < 300);
    return new Set(successes.map(({ endpoint }) => endpoint));
  };
  for (const path of [
    "/auth/session",
    "/auth/sign-out",
    "/api/v1/livekit/room-auth",
    "/api/v1/livekit/recordings",
    "/api/liveblocks-auth",
  ]) {
    assert.ok(served(signedIn).has(path), path);
  }
  for (const path of protectedPaths) assert.ok(!served(stranger).has(path), path);
});

test("there were thousands of requests, and each endpoint had its share", async (t) => {
  const requests = [...signedIn.requests, ...stranger.requests];
  const generated = signedIn.report.test_cases.generated + stranger.report.test_cases.generated;
  t.diagnostic(`${generated} requests`);
  assert.ok(generated >= requestsInAll, `only ${generated}`);
  assert.equal(requests.length, generated);
  for (const path of Object.keys(paths)) {
    const count = requests.filter(({ endpoint }) => endpoint === path).length;
    assert.ok(count >= requestsEach, `only ${count} to ${path}`);
  }
  // The functions' own word: what has not reached one of them has tried nothing.
  await anteroom.logged(/"message":"(answered|refused)"/, 0, requestsInAll);
});

test("no endpoint answered with a 5xx, by its own account", () => {
  const lines = anteroom.lines.filter((line) => /"status":5\d\d/.test(line));
  assert.deepEqual(lines, []);
});

test("an answer that is not described would have been found", async () => {
  const folder = mkdtempSync(join(tmpdir(), "anteroom-description-"));
  try {
    const signUp = structuredClone(paths["/auth/sign-up"]);
    delete signUp.post.responses["409"];
    const lacking = join(folder, "openapi.yaml");
    writeFileSync(lacking, stringify({ ...described, paths: { "/auth/sign-up": signUp } }));
    const run = { description: lacking, url: anteroom.url, config, seed: 1, examples: 10, keys: {} };
    const { code, report } = await schemathesis({ ...run, seconds: 60 });
    assert.notEqual(code, 0);
    assert.deepEqual(
      report.failures.map(({ type }) => type),
      ["UndefinedStatusCode"],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
