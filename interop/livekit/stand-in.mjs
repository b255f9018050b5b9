// `dev`'s stand-in for LiveKit, through its own `/dev` routes and through LiveKit's server SDK.

import assert from "node:assert/strict";

import { EgressClient, EgressInfo, EgressStatus, RoomServiceClient } from "livekit-server-sdk";

/** The stand-in's settings; none of them is secret. */
export const apiKey = "APIAnteroomLocal";
export const apiSecret = "secret-of-the-stand-in-and-no-secret-at-all";
export const bucket = "anteroom-recordings";

export class LiveKitStandIn {
  url;

  /** The stand-in of a running `dev`. */
  constructor(anteroom) {
    this.url = anteroom.standIn("LiveKit");
  }

  /** LiveKit's own client for egresses. */
  egressClient(key = apiKey, secret = apiSecret, options) {
    return new EgressClient(this.url, key, secret, options);
  }

  /** LiveKit's own client for rooms. */
  roomClient(key = apiKey, secret = apiSecret, options) {
    return new RoomServiceClient(this.url, key, secret, options);
  }

  /** Opens a room with that many people in it. */
  async openRoom(name, participants = 1) {
    const options = { method: "POST", body: JSON.stringify({ name, participants }) };
    const answer = await fetch(`${this.url}/dev/rooms`, options);
    assert.equal(answer.status, 200, await answer.text());
  }

  /** Lets the holder of a token into its room, and publishes from these sources. Returns the identity. */
  async join(token, ...publish) {
    const options = { method: "POST", body: JSON.stringify({ token, publish }) };
    const answer = await fetch(`${this.url}/dev/participants`, options);
    assert.equal(answer.status, 200);
    return (await answer.json()).identity;
  }

  /** All egresses of a room, by the type of LiveKit's SDK. Looking at them here changes nothing. */
  async egressesOf(room) {
    const answer = await fetch(`${this.url}/dev/egresses`);
    const all = (await answer.json()).map((egress) => EgressInfo.fromJson(egress));
    return all.filter(({ roomName }) => roomName === room);
  }

  /** Those that are active or starting. */
  async runningIn(room) {
    const { EGRESS_STARTING, EGRESS_ACTIVE } = EgressStatus;
    const all = await this.egressesOf(room);
    return all.filter(({ status }) => [EGRESS_STARTING, EGRESS_ACTIVE].includes(status));
  }

  /** Whether the server would let the holder of a token in: its status and text. */
  async validate(token, query = {}) {
    const parameters = new URLSearchParams({ access_token: token, ...query });
    const answer = await fetch(`${this.url}/rtc/validate?${parameters}`);
    return { status: answer.status, text: await answer.text() };
  }
}
