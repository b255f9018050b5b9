// The function binaries in AWS's own emulator of the Lambda runtime: one event each, a timeout, a crash, and
// incomplete settings.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { apiKey, apiSecret, bucket, LiveKitStandIn } from "../livekit/stand-in.mjs";
import { Anteroom, environment, root } from "../support/anteroom.mjs";
import { suite } from "../support/suite.mjs";
import { withoutGo } from "../support/tools.mjs";
import * as workosStandIn from "../workos/stand-in.mjs";
import { RuntimeEmulator } from "./runtime-emulator.mjs";

const functions = readdirSync(join(root, "functions"));

suite("AWS's runtime emulator", withoutGo("aws-lambda-rie"), () => {
  let anteroom;
  let settings;
  let workos;

  before(async () => {
    // For its stand-ins.
    anteroom = await Anteroom.start({});
    workos = new workosStandIn.WorkOsStandIn(anteroom);
    settings = {
      CLERK_API_URL: anteroom.standIn("Clerk"),
      CLERK_PUBLISHABLE_KEY: `pk_test_${Buffer.from("clerk.anteroom.localhost$").toString("base64")}`,
      CLERK_SECRET_KEY: "sk_test_of_the_stand_in_and_no_secret",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "AKIAOFNOBODY",
      AWS_SECRET_ACCESS_KEY: "of-nobody-and-no-secret",
      DEV_SIGN_IN_EMAIL: "jane.doe@example.com",
      EVENT_BUS_NAME: "anteroom-dev",
      LIVEBLOCKS_API_URL: anteroom.standIn("Liveblocks"),
      LIVEBLOCKS_SECRET_KEY: "sk_dev_of_the_stand_in_and_no_secret",
      LIVEKIT_API_KEY: apiKey,
      LIVEKIT_API_SECRET: apiSecret,
      LIVEKIT_URL: new LiveKitStandIn(anteroom).url.replace("http", "ws"),
      RECORDINGS_ACCESS_KEY_ID: "AKIAOFNOBODY",
      RECORDINGS_BUCKET: bucket,
      RECORDINGS_REGION: "us-east-1",
      RECORDINGS_SECRET_ACCESS_KEY: "of-nobody-and-no-secret",
      WORKOS_API_KEY: workosStandIn.apiKey,
      WORKOS_API_URL: workos.url,
      WORKOS_CLIENT_ID: workosStandIn.clientId,
      WORKOS_COOKIE_PASSWORD: workosStandIn.cookiePassword,
      WORKOS_REDIRECT_URI: workosStandIn.redirectUri,
    };
  });

  after(async () => {
    await anteroom?.stop();
  });

  for (const name of functions) {
    test(`${name} answers its event`, async () => {
      await inEmulator(name, settings, async (emulator) => {
        const answer = await emulator.invoke(event(name));
        const said = JSON.stringify(answer) + emulator.lines.join("\n");
        assert.ok(answer.statusCode >= 200 && answer.statusCode < 500, said);
        assert.match(answer.headers["content-type"], /^application\/json\b/);
        assert.equal(answer.headers["cache-control"], "no-store");
        assert.equal(typeof JSON.parse(answer.body), "object");
        assert.equal((await emulator.invoke(event(name))).statusCode < 500, true, "once more");
      });
    });
  }

  test("a bearer token of WorkOS gets a token for a room", async () => {
    await inEmulator("room-auth", settings, async (emulator) => {
      const asked = event("room-auth");
      delete asked.cookies;
      asked.headers = { "content-type": "application/json", ...(await workos.bearer("jane")) };
      const answer = await emulator.invoke(asked);
      assert.equal(answer.statusCode, 200, answer.body);
      assert.match(JSON.parse(answer.body).token, /^eyJ/);
    });
  });

  test("invoking a function whose settings are incomplete says which are missing", async () => {
    const { WORKOS_API_KEY, LIVEKIT_URL, ...incomplete } = settings;
    await inEmulator("start-recording", { ...incomplete, RECORDINGS_BUCKET: "" }, async (emulator) => {
      const answer = await emulator.invoke(event("start-recording"));
      assert.equal(answer.errorType, "Runtime.ConfigInvalid", JSON.stringify(answer));
      for (const name of ["WORKOS_API_KEY", "LIVEKIT_URL", "RECORDINGS_BUCKET"]) {
        assert.match(answer.errorMessage, new RegExp(name));
      }
      assert.ok(!JSON.stringify(answer).includes(apiSecret));
    });
  });

  test("a function answers before Lambda ends it, when its provider is silent", async () => {
    await inEmulator("sign-up", { ...settings, AWS_LAMBDA_FUNCTION_TIMEOUT: "2" }, async (emulator) => {
      assert.ok((await emulator.invoke(event("sign-up"))).statusCode < 500);
      const answer = await workos.failing({ fault: "slow", milliseconds: 30_000 }, () =>
        emulator.invoke(event("sign-up")),
      );
      assert.equal(answer.statusCode, 503, JSON.stringify(answer));
    });
  });

  test("a function that hangs is ended, and the next event starts another", async () => {
    await inEmulator(
      "continue-with-google",
      { ...settings, AWS_LAMBDA_FUNCTION_TIMEOUT: "2" },
      async (emulator) => {
        assert.equal((await emulator.invoke(event("continue-with-google"))).statusCode, 200);
        emulator.signalFunction("SIGSTOP");
        assert.match(JSON.stringify(await emulator.invoke(event("continue-with-google"))), /timed out/);
        assert.equal((await emulator.invoke(event("continue-with-google"))).statusCode, 200);
      },
    );
  });

  test("a function that crashes is an error once, and the next event starts another", async () => {
    await inEmulator("continue-with-google", settings, async (emulator) => {
      assert.equal((await emulator.invoke(event("continue-with-google"))).statusCode, 200);
      emulator.signalFunction("SIGKILL");
      const answers = [
        await emulator.invoke(event("continue-with-google")),
        await emulator.invoke(event("continue-with-google")),
      ];
      assert.equal(answers[1].statusCode, 200, JSON.stringify(answers));
    });
  });
});

async function inEmulator(name, settings, check) {
  const emulator = await RuntimeEmulator.start(name, environment(settings));
  try {
    await check(emulator);
  } finally {
    await emulator.stop();
  }
}

function event(name) {
  return JSON.parse(readFileSync(join(root, "events", `${name}.json`), "utf8"));
}
