// Secrets in AWS Secrets Manager, imitated by `moto_server`: read with the AWS SDK inside the function,
// written with the one for Python. Gates in front of Liveblocks' own server and `emulate`'s Clerk service
// check the keys, which change while everything runs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ClerkEmulator } from "../clerk/emulator.mjs";
import { ClerkInstance } from "../clerk/instance.mjs";
import { LiveblocksServer } from "../liveblocks/server.mjs";
import { Anteroom } from "../support/anteroom.mjs";
import { bearer } from "../support/jwt.mjs";
import { KeyProxy } from "../support/key-proxy.mjs";
import { SecretsManager } from "./moto.mjs";

const clerk = new ClerkInstance();
const ada = {
  clerk_id: "user_ada",
  first_name: "Ada",
  last_name: "Lovelace",
  email_addresses: ["ada@example.com"],
};

let emulator;
let liveblocks;
let clerkProxy;
let liveblocksProxy;
let secrets;
let anteroom;

before(async () => {
  emulator = await ClerkEmulator.start({ users: [ada] });
  liveblocks = await LiveblocksServer.start();
  clerkProxy = await KeyProxy.start({
    target: emulator.url,
    targetKey: emulator.secretKey,
    key: "sk_live_first",
    acceptsAny: true,
  });
  liveblocksProxy = await KeyProxy.start({
    target: liveblocks.url,
    targetKey: liveblocks.secretKey,
    key: "sk_first",
  });
  secrets = await SecretsManager.start();
  await putKeys(secrets, "first");
  anteroom = await Anteroom.start(settings(secrets));
});

after(async () => {
  await anteroom?.stop();
  await secrets?.stop();
  await liveblocksProxy?.stop();
  await clerkProxy?.stop();
  await liveblocks?.stop();
  await emulator?.stop();
});

test("the keys are read from the secrets", async () => {
  await succeeds(anteroom);
  assert.equal(clerkProxy.tried.at(-1), "sk_live_first");
  assert.equal(liveblocksProxy.tried.at(-1), "sk_first");
});

test("the secrets are read once, not with every request", async () => {
  await succeeds(anteroom);
  const calls = secrets.calls;
  for (let request = 0; request < 10; request++) await succeeds(anteroom);
  assert.equal(secrets.calls, calls);
});

test("a secret that has changed is not read as long as its old key is good", async () => {
  await secrets.put("liveblocks", { LIVEBLOCKS_SECRET_KEY: "sk_second" });
  const calls = secrets.calls;
  await succeeds(anteroom);
  assert.equal(liveblocksProxy.tried.at(-1), "sk_first");
  assert.equal(secrets.calls, calls);
});

test("the request that meets Liveblocks' new key succeeds", async () => {
  liveblocksProxy.key = "sk_second";
  liveblocksProxy.tried = [];
  const calls = secrets.calls;
  await succeeds(anteroom);
  assert.deepEqual(liveblocksProxy.tried, ["sk_first", "sk_second"]);
  assert.equal(secrets.calls, calls + 1);
});

test("the request that meets Clerk's new key succeeds", async () => {
  await secrets.put("clerk", { CLERK_SECRET_KEY: "sk_live_second" });
  clerkProxy.key = "sk_live_second";
  clerkProxy.tried = [];
  await succeeds(anteroom);
  assert.deepEqual(clerkProxy.tried, ["sk_live_first", "sk_live_second"]);
});

test("requests at the same moment all survive a rotation of both keys", async () => {
  await putKeys(secrets, "third");
  clerkProxy.key = "sk_live_third";
  liveblocksProxy.key = "sk_third";
  await Promise.all(Array.from({ length: 8 }, () => succeeds(anteroom)));
});

test("a key that is refused while the secret has no other is our failure, and not the caller's", async () => {
  liveblocksProxy.key = "sk_fourth";
  const answer = await ask(anteroom);
  assert.equal(answer.status, 502, JSON.stringify(answer.body));
});

test("without Secrets Manager at the start it answers 503, and 200 once it is there", async () => {
  const late = await SecretsManager.reserve();
  const waiting = await Anteroom.start({
    ...settings(late),
    CLERK_API_URL: emulator.url,
    LIVEBLOCKS_API_URL: liveblocks.url,
  });
  try {
    const early = await ask(waiting);
    assert.equal(early.status, 503, JSON.stringify(early.body));
    assert.equal(early.body.code, 503);

    await late.start();
    await late.put("clerk", { CLERK_SECRET_KEY: emulator.secretKey });
    await late.put("liveblocks", { LIVEBLOCKS_SECRET_KEY: liveblocks.secretKey });
    await succeeds(waiting);

    const handled = /"message":"(answered|refused)".*"endpoint":"liveblocks-auth"/;
    await waiting.logged(handled, 0, 2);
    const starts = waiting.lines.filter((line) => handled.test(line) && line.includes('"cold":true'));
    assert.equal(starts.length, 1, "one process answered both");
  } finally {
    await waiting.stop();
    await late.stop();
  }
});

function settings(manager) {
  return {
    ...clerk.settings(clerkProxy.url),
    ...manager.settings,
    CLERK_SECRET_KEY: "",
    CLERK_SECRET_ID: "clerk",
    LIVEBLOCKS_API_URL: liveblocksProxy.url,
    LIVEBLOCKS_SECRET_ID: "liveblocks",
  };
}

async function putKeys(manager, name) {
  await manager.put("clerk", { CLERK_SECRET_KEY: `sk_live_${name}` });
  await manager.put("liveblocks", { LIVEBLOCKS_SECRET_KEY: `sk_${name}` });
}

function ask(anteroom) {
  return anteroom.liveblocksAuth(bearer(clerk.token({ sub: ada.clerk_id })));
}

async function succeeds(anteroom) {
  const answer = await ask(anteroom);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}
