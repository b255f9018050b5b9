// Liveblocks' own SDK against our stand-in for Liveblocks.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Liveblocks } from "@liveblocks/node";

import { Anteroom } from "../support/anteroom.mjs";
import { claimsOf } from "../support/jwt.mjs";

const liveblocksKey = "sk_dev_of_the_stand_in_and_no_secret";

let anteroom;

before(async () => {
  anteroom = await Anteroom.start({});
});

after(async () => {
  await anteroom?.stop();
});

test("Liveblocks' SDK gets a token of the user", async () => {
  const liveblocks = new Liveblocks({ baseUrl: anteroom.standIn("Liveblocks"), secret: liveblocksKey });
  const { status, body } = await liveblocks.identifyUser("jane.doe@example.com", {
    userInfo: { name: "Jane Doe" },
  });
  assert.equal(status, 200, body);
  const claims = claimsOf(JSON.parse(body).token);
  assert.equal(claims.uid, "jane.doe@example.com");
  assert.equal(claims.ui.name, "Jane Doe");
});

test("Liveblocks' SDK is refused with another key", async () => {
  const liveblocks = new Liveblocks({ baseUrl: anteroom.standIn("Liveblocks"), secret: "sk_dev_wrong" });
  const { status } = await liveblocks.identifyUser("jane.doe@example.com");
  assert.ok([401, 403].includes(status), String(status));
});
