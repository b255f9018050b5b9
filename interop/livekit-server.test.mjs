// The tests that are for a real LiveKit server (shared/tests/loopback/livekit_server.rs), run against the
// stand-in with a door for WebSockets: so they work on the day when somebody has a server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Anteroom, environment, root } from "./programs/anteroom.mjs";
import { LiveKitDoor } from "./programs/livekit-door.mjs";
import { LiveKitStandIn, apiKey, apiSecret } from "./programs/livekit.mjs";
import { run } from "./programs/program.mjs";

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

test("all of them pass against a server that keeps LiveKit's rules", async () => {
  const { passed, failed, code } = await serverTests();
  assert.equal(code, 0);
  assert.deepEqual(failed, []);
  assert.equal(passed.length, 5);
});

test("one fails against a server that lets people into rooms that their token does not name", async () => {
  const { failed } = await serverTests({ door: { mindsToken: false } });
  assert.deepEqual(failed, [ownRoom]);
});

test("those that need the secret fail with another one", async () => {
  const secret = "the secret of somebody else's project, as long as ours";
  const { passed, failed } = await serverTests({ secret });
  assert.ok(failed.includes("livekit_server::lets_somebody_in_with_our_token"), passed.join());
  assert.ok(failed.includes(ownRoom));
  assert.ok(failed.includes("livekit_server::takes_our_calls_about_egresses_and_no_strangers"));
});

/** Runs them, and gives the names of those that passed and of those that failed. */
async function serverTests({ door: options, secret = apiSecret } = {}) {
  const door = await LiveKitDoor.open(livekit, options);
  try {
    const variables = {
      LIVEKIT_TEST_URL: door.url,
      LIVEKIT_TEST_API_KEY: apiKey,
      LIVEKIT_TEST_API_SECRET: secret,
    };
    const args = "test --package anteroom --test loopback -- --ignored livekit_server".split(" ");
    const { code, output } = await run("cargo", args, {
      seconds: 580,
      cwd: root,
      env: { ...environment({}), ...variables },
    });
    const named = (result) =>
      [...output.matchAll(new RegExp(`^test (\\S+) \\.\\.\\. ${result}$`, "gm"))].map(([, name]) => name);
    const [passed, failed] = [named("ok"), named("FAILED")];
    assert.equal(passed.length + failed.length, 5, output);
    return { passed, failed, code };
  } finally {
    await door.close();
  }
}
