// LiveKit's own client asks `livekit-token` for a token, as a page does, with either provider's sessions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TokenSource } from "livekit-client";
import { TokenVerifier } from "livekit-server-sdk";

import { Anteroom, origin } from "../support/anteroom.mjs";
import { Browser } from "../support/browser.mjs";
import { bearer } from "../support/jwt.mjs";
import { WorkOsStandIn } from "../workos/stand-in.mjs";
import { apiKey, apiSecret, LiveKitStandIn } from "./stand-in.mjs";

const path = "/api/v1/livekit/token";
const verifier = new TokenVerifier(apiKey, apiSecret);

let withWorkOs;
let withClerk;

before(async () => {
  withWorkOs = await Anteroom.start({});
  withClerk = await Anteroom.start({ LIVEKIT_IDENTITY: "clerk" });
});

after(async () => {
  await withWorkOs?.stop();
  await withClerk?.stop();
});

test("TokenSource.endpoint gets a token with WorkOS's access token", async () => {
  const workos = new WorkOsStandIn(withWorkOs);
  const source = endpoint(withWorkOs, await workos.bearer("jane"));
  const { serverUrl, participantToken } = await source.fetch({
    roomName: "room123",
    participantName: "Jane D.",
  });
  const livekit = new LiveKitStandIn(withWorkOs);
  assert.equal(serverUrl, withWorkOs.standIn("LiveKit").replace("http", "ws"));
  const claims = await verifier.verify(participantToken);
  assert.equal(claims.name, "Jane D.");
  assert.match(claims.sub, /^user_01ANTER00MJANE000000000000:[0-9a-f]{16}$/);
  assert.deepEqual(claims.video, {
    roomJoin: true,
    room: "room123",
    canPublish: true,
    canSubscribe: true,
  });
  assert.equal((await livekit.validate(participantToken)).status, 200);
});

test("TokenSource.endpoint gets a token with the session's cookie", async () => {
  const browser = await Browser.signedIn(withWorkOs);
  const source = endpoint(withWorkOs, { cookie: browser.header });
  const { participantToken } = await source.fetch({ roomName: "room123" });
  assert.equal((await verifier.verify(participantToken)).video.room, "room123");
});

test("TokenSource.endpoint gets a token with Clerk's session token", async () => {
  const source = endpoint(withClerk, bearer(await clerkToken("jane")));
  const { serverUrl, participantToken } = await source.fetch({ roomName: "room123" });
  assert.equal(serverUrl, withClerk.standIn("LiveKit").replace("http", "ws"));
  const claims = await verifier.verify(participantToken);
  assert.equal(claims.name, "Jane Doe", "Clerk's name for the user, since the page gave none");
  assert.match(claims.sub, /^user_\w+:[0-9a-f]{16}$/);
});

test("nothing else that the client can ask for is granted", async () => {
  const source = endpoint(withWorkOs, await new WorkOsStandIn(withWorkOs).bearer("jane"));
  const plain = { roomName: "room123", participantName: "Jane" };
  const greedy = {
    ...plain,
    participantIdentity: "user_eve",
    participantMetadata: '{"role":"admin"}',
    participantAttributes: { role: "admin" },
    agentName: "spy",
    agentMetadata: "listens",
  };
  const read = async (options) => {
    const { participantToken } = await source.fetch(options, true);
    const { nbf, exp, ...claims } = await verifier.verify(participantToken);
    assert.equal(exp - nbf, 600);
    return claims;
  };
  assert.deepEqual(await read(greedy), await read(plain));
});

test("without a session TokenSource.endpoint fails, and with the other provider's token too", async () => {
  const clerks = bearer(await clerkToken("jane"));
  const workos = await new WorkOsStandIn(withWorkOs).bearer("jane");
  for (const [anteroom, headers] of [
    [withWorkOs, {}],
    [withWorkOs, clerks],
    [withClerk, {}],
    [withClerk, workos],
  ]) {
    const source = endpoint(anteroom, headers);
    await assert.rejects(source.fetch({ roomName: "room123" }), /401/);
  }
});

/** The client's token source, as a page at `origin` makes it. */
function endpoint(anteroom, headers) {
  return TokenSource.endpoint(anteroom.url + path, { headers: { origin, ...headers } });
}

async function clerkToken(user) {
  const answer = await fetch(`${withClerk.standIn("Clerk")}/dev/session-token?user=${user}`);
  assert.equal(answer.status, 200);
  return answer.text();
}
