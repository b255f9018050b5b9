// A participant in a LiveKit room, on LiveKit's own client: it can speak, and hears the others.

import {
  AudioFrame,
  AudioSource,
  AudioStream,
  DisconnectReason,
  dispose,
  LocalAudioTrack,
  Room,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
} from "@livekit/rtc-node";

import { until } from "../support/program.mjs";

const rate = 48_000;
/** The participants that have joined and have not been told to leave. */
const inside = new Set();

/** Ends the client's library, which would keep the process. */
export const close = dispose;

/** Disconnects every participant that is still inside. */
export async function leaveAll() {
  await Promise.all([...inside].map((participant) => participant.leave()));
}

export class Participant {
  #room = new Room();
  #heard = new Map();
  /** Why the server has ended the connection, when it has. */
  ended;

  /** Joins with a token. */
  static async join(server, token) {
    const participant = new Participant();
    await participant.#join(server.url, token);
    inside.add(participant);
    return participant;
  }

  get identity() {
    return this.#room.localParticipant.identity;
  }

  get name() {
    return this.#room.localParticipant.name;
  }

  /** The room that it is in. */
  get roomName() {
    return this.#room.name;
  }

  /** The others, by identity: their names. */
  get others() {
    const others = [...this.#room.remoteParticipants.values()];
    return Object.fromEntries(others.map(({ identity, name }) => [identity, name]));
  }

  /** Publishes a track with a tone, and speaks as long as it is there. */
  async speak() {
    const source = new AudioSource(rate, 1);
    const track = LocalAudioTrack.createAudioTrack("tone", source);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
    await this.#room.localParticipant.publishTrack(track, options);
    this.#sound(source);
  }

  /** Waits until it hears somebody: not the track, which may be silent, but a tone in it. */
  async hears(identity) {
    await until(() => (this.#heard.get(identity) ?? 0) > 1000, `a sound of ${identity}`);
  }

  /** Waits until it sees somebody, or nobody but these. */
  async sees(...identities) {
    const wanted = identities.sort().join();
    await until(
      () => Object.keys(this.others).sort().join() === wanted,
      `${wanted || "nobody"} to be the others`,
    );
  }

  /** Waits until it is told that all that somebody publishes is muted. */
  async seesMuted(identity) {
    const isMuted = () => {
      const tracks = [...this.#room.remoteParticipants.get(identity).trackPublications.values()];
      return tracks.length > 0 && tracks.every(({ muted }) => muted);
    };
    await until(isMuted, `${identity} to be muted`);
  }

  /** Waits for the end, and says why it was. */
  async end() {
    await until(() => this.ended !== undefined, "the end");
    return this.ended;
  }

  async leave() {
    inside.delete(this);
    await this.#room.disconnect();
  }

  async #join(url, token) {
    this.#room.on(RoomEvent.Disconnected, (reason) => (this.ended = DisconnectReason[reason]));
    this.#room.on(RoomEvent.TrackSubscribed, (track, _, { identity }) => this.#listen(track, identity));
    await this.#room.connect(url, token, { autoSubscribe: true, dynacast: false });
  }

  async #listen(track, identity) {
    for await (const { data } of new AudioStream(track, rate, 1)) {
      const loudest = data.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      this.#heard.set(identity, Math.max(this.#heard.get(identity) ?? 0, loudest));
    }
  }

  async #sound(source) {
    const length = rate / 100;
    for (let frame = 0; this.ended === undefined && this.#room.isConnected; frame++) {
      const sample = (_, index) => 8000 * Math.sin((2 * Math.PI * 440 * (frame * length + index)) / rate);
      const samples = Int16Array.from({ length }, sample);
      await source.captureFrame(new AudioFrame(samples, rate, 1, length));
    }
    await source.close();
  }
}
