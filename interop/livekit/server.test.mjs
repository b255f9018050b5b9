// The tests in shared/tests/loopback/livekit_server.rs, which need a LiveKit server: they pass against
// LiveKit's own, and fail against a stand-in that misbehaves.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Anteroom, environment, root } from "../support/anteroom.mjs";
import { run } from "../support/program.mjs";
import { RtcEndpoint } from "./rtc-endpoint.mjs";
import * as own from "./server.mjs";
import { apiKey, apiSecret, LiveKitStandIn } from "./stand-in.mjs";

const ownRoom = "livekit_server::a_token_opens_its_own_room_whatever_room_is_asked_for";

let anteroom;
let livekit;

before(async () => {
  anteroom = await Anteroom.start({});
  livekit = new LiveKitStandIn(anteroom);
});

after(async () => {
  await anteroom?.stop();
});

test("all of them pass against LiveKit's own server", { skip: own.missing }, async () => {
  const server = await own.LiveKitServer.start();
  try {
    const { passed, failed, code } = await testsOf(server.url, own.apiKey, own.apiSecret);
    assert.equal(code, 0);
    assert.deepEqual(failed, []);
    assert.equal(passed.length, 5);
  } finally {
    await server.stop();
  }
});

test("all of them pass against a server that keeps LiveKit's rules", async () => {
  const { passed, failed, code } = await serverTests();
  assert.equal(code, 0);
  assert.deepEqual(failed, []);
  assert.equal(passed.length, 5);
});

test("one fails against a server that lets people into rooms that their token does not name", async () => {
  const { failed } = await serverTests({ endpoint: { mindsToken: false } });
  assert.deepEqual(failed, [ownRoom]);
});

test("those that need the secret fail with another one", async () => {
  const secret = "the secret of somebody else's project, as long as ours";
  const { passed, failed } = await serverTests({ secret });
  assert.ok(failed.includes("livekit_server::lets_somebody_in_with_our_token"), passed.join());
  assert.ok(failed.includes(ownRoom));
  assert.ok(failed.includes("livekit_server::takes_our_calls_about_egresses_and_no_strangers"));
});

/** Runs them against the stand-in behind such an endpoint, and gives the names of those that passed and that failed. */
async function serverTests({ endpoint: options, secret = apiSecret } = {}) {
  const endpoint = await RtcEndpoint.open(livekit, options);
  try {
    return await testsOf(endpoint.url, apiKey, secret);
  } finally {
    await endpoint.close();
  }
}

async function testsOf(url, key, secret) {
  const variables = { LIVEKIT_TEST_URL: url, LIVEKIT_TEST_API_KEY: key, LIVEKIT_TEST_API_SECRET: secret };
  // The whole workspace, so that it selects the features for which everything is built already.
  const args = "test --workspace --test loopback -- --ignored livekit_server".split(" ");
  const options = { seconds: 580, cwd: root, env: { ...environment({}), ...variables } };
  const { code, output } = await run("cargo", args, options);
  const named = (result) =>
    [...output.matchAll(new RegExp(`^test (\\S+) \\.\\.\\. ${result}$`, "gm"))].map(([, name]) => name);
  const [passed, failed] = [named("ok"), named("FAILED")];
  assert.equal(passed.length + failed.length, 5, output);
  return { passed, failed, code };
}
