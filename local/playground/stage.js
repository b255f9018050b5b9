// A call: LiveKit's own client, and a tile for everyone in the room. A tile stays as long as its participant does,
// so that the picture does not start again whenever something changes.

import { button, h } from "./dom.js";
import { sources } from "./moderation.js";
import { drawnCamera, drawnScreen, silentMicrophone } from "./picture.js";

const listed = new Intl.ListFormat("en");

/**
 * A place for one call. `tell` gets what happens to it, in words. A `moderator`, if there is one, is what the buttons
 * on each tile do: `mute(identity, source)` and `remove(identity)`.
 */
export function stage({ tell, moderator }) {
  const people = h("ul", { class: "people", "aria-label": "In the room", tabindex: "-1" });
  const own = h("div", { class: "actions" });
  const element = h("div", { class: "stage" }, own, people);
  let seat;

  function leave() {
    seat?.leave();
    seat = undefined;
    people.replaceChildren();
    own.replaceChildren();
  }

  return {
    element,
    leave,
    /**
     * Joins with a token, in place of the call before, and publishes. Says what the picture is, or gives
     * `undefined` if the call or the whole flow was left in the meantime.
     */
    async join(url, token) {
      leave();
      const kit = await import("/playground/vendor/livekit-client.js");
      // In a flow that has been left, there would be no way to hang up.
      if (!element.isConnected) return undefined;
      const onEnd = (reason) => {
        leave();
        tell(inWords(reason, kit.DisconnectReason));
      };
      const taken = seatIn(kit, { people, moderator, onEnd });
      // Before it is entered, so that `leave` also ends a call that is still being joined.
      seat = taken;
      try {
        const camera = await taken.enter(url, token);
        if (seat === taken) {
          own.replaceChildren(
            ...[
              camera !== "none" && shareButton(taken),
              button("Leave", () => {
                leave();
                tell("Left.");
              }),
            ].filter(Boolean),
          );
          return { camera };
        }
      } catch (error) {
        // A user who has left does not need to know why joining failed.
        if (seat === taken) {
          leave();
          throw error;
        }
      }
      taken.leave();
      return undefined;
    },
  };
}

/** Why a call has ended. */
function inWords(reason, { PARTICIPANT_REMOVED, DUPLICATE_IDENTITY, ROOM_DELETED }) {
  return (
    {
      [PARTICIPANT_REMOVED]: "A moderator has removed you. It is not a ban: you can join again.",
      [DUPLICATE_IDENTITY]: "Another tab of this browser has taken your place.",
      [ROOM_DELETED]: "The room has been closed.",
    }[reason] ?? "The connection has ended."
  );
}

/** A seat in a call, to enter once. */
function seatIn(kit, { people, moderator, onEnd }) {
  const { Room, RoomEvent, Track } = kit;
  const room = new Room({ adaptiveStream: false, dynacast: false });
  const tiles = new Map();
  const update = () => {
    const everybody = new Map(
      [room.localParticipant, ...room.remoteParticipants.values()].map((person) => [person.identity, person]),
    );
    for (const [identity, { element }] of tiles) {
      if (everybody.has(identity)) continue;
      const hadFocus = element.contains(document.activeElement);
      element.remove();
      if (hadFocus) people.focus();
      tiles.delete(identity);
    }
    for (const [identity, person] of everybody) {
      if (!tiles.has(identity)) {
        tiles.set(identity, tile(identity, { Track, moderator }));
        people.append(tiles.get(identity).element);
      }
      tiles.get(identity).update(person, person === room.localParticipant);
    }
  };
  for (const event of [
    RoomEvent.ParticipantConnected,
    RoomEvent.ParticipantDisconnected,
    RoomEvent.ParticipantNameChanged,
    RoomEvent.TrackPublished,
    RoomEvent.TrackUnpublished,
    RoomEvent.TrackSubscribed,
    RoomEvent.TrackUnsubscribed,
    RoomEvent.TrackMuted,
    RoomEvent.TrackUnmuted,
    RoomEvent.LocalTrackPublished,
    RoomEvent.LocalTrackUnpublished,
  ]) {
    room.on(event, update);
  }
  const sent = [];
  let hasLeft = false;
  const stay = () => {
    if (hasLeft) throw new Error("The call has been left.");
  };
  /** Has a source stopped at the end of the call. */
  const keep = (source) => {
    sent.push(source);
    stay();
    return source;
  };
  return {
    /** Leaves, also while entering, and has to be called once more when entering has failed. */
    leave() {
      hasLeft = true;
      room.removeAllListeners();
      for (const source of sent.splice(0)) source.stop();
      room.disconnect();
    },
    /** Joins and publishes. Says what the picture is. */
    async enter(url, token) {
      await room.connect(url, token);
      stay();
      room.on(RoomEvent.Disconnected, onEnd);
      update();
      return room.localParticipant.permissions?.canPublish ? publish(room, Track, keep) : "none";
    },
    shareScreen: () => shareScreen(room, Track, keep),
  };
}

/** Publishes a picture and a microphone. What has to be stopped at the end is given to `keep`. */
async function publish(room, Track, keep) {
  const { localParticipant: self } = room;
  const microphone = keep(silentMicrophone());
  await self.publishTrack(microphone.track, { source: Track.Source.Microphone, name: "silence" });
  const camera = await realCamera(self);
  if (camera) {
    await self.publishTrack(keep(camera));
    return "real";
  }
  const drawing = keep(drawnCamera(self.name));
  await self.publishTrack(drawing.track, {
    source: Track.Source.Camera,
    name: "drawing",
    simulcast: false,
  });
  return "drawn";
}

/** The track of the user's camera, if there is one and the user allows it. */
async function realCamera(self) {
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (!devices.some(({ kind }) => kind === "videoinput")) return undefined;
  const [track] = await self.createTracks({ video: true }).catch(() => []);
  return track;
}

/** Shares a drawn screen. Gives a function that ends it. */
async function shareScreen(room, Track, keep) {
  const { localParticipant: self } = room;
  const screen = keep(drawnScreen(self.name));
  await self.publishTrack(screen.track, {
    source: Track.Source.ScreenShare,
    name: "drawn screen",
    simulcast: false,
  });
  return async () => {
    await self.unpublishTrack(screen.track);
    screen.stop();
  };
}

function shareButton(seat) {
  let end;
  const element = button("Share a drawn screen", async () => {
    if (end) await end();
    end = end ? undefined : await seat.shareScreen();
    element.textContent = end ? "Stop sharing the screen" : "Share a drawn screen";
  });
  return element;
}

/** The tile of one participant, which `update` brings up to date. */
function tile(identity, { Track, moderator }) {
  const video = h("video", { autoplay: true, playsinline: true });
  video.muted = true;
  const caption = h("span", { class: "caption" });
  const muted = h("span", { class: "muted-sources" });
  const controls = h("div", { class: "controls" });
  const element = h("li", {}, h("div", { class: "picture" }, video, caption, muted), controls);
  let shown;
  let person;

  const bySource = sources.map(({ name, label }) => ({
    label,
    publication: () => person.getTrackPublication(sourceOf(Track, name)),
    mute: moderator && button(`Mute ${label}`, () => moderator.mute(identity, name), { kind: "small" }),
    unmute: button(`Unmute ${label}`, () => person.getTrackPublication(sourceOf(Track, name))?.unmute(), {
      kind: "small",
    }),
  }));
  const remove = moderator && button("Remove", () => moderator.remove(identity), { kind: "small" });
  controls.append(...bySource.flatMap(({ mute, unmute }) => [mute, unmute]).filter(Boolean));
  if (remove) controls.append(remove);

  function update(updated, isSelf) {
    person = updated;
    const name = person.name || identity;
    // Anybody can choose any name. Only the identity says who is a guest.
    const remarks = [isSelf && "you", identity.startsWith("guest:") && "guest"].filter(Boolean);
    caption.textContent = remarks.length > 0 ? `${name} (${remarks.join(", ")})` : name;
    video.setAttribute("aria-label", `Picture of ${name}`);
    const screen = person.getTrackPublication(Track.Source.ScreenShare);
    const camera = person.getTrackPublication(Track.Source.Camera);
    const track = (screen?.track && !screen.isMuted ? screen : camera)?.track;
    if (track !== shown) {
      shown?.detach(video);
      track?.attach(video);
      shown = track;
    }
    for (const { label, publication, mute, unmute } of bySource) {
      const current = publication();
      if (mute) {
        mute.hidden = !current;
        mute.setAttribute("aria-label", `Mute ${label} of ${name}`);
      }
      unmute.hidden = !(isSelf && current?.isMuted);
    }
    remove?.setAttribute("aria-label", `Remove ${name}`);
    const silent = bySource.filter(({ publication }) => publication()?.isMuted).map(({ label }) => label);
    muted.textContent = silent.length > 0 ? `${listed.format(silent)} muted` : "";
    muted.hidden = silent.length === 0;
    controls.hidden = ![...controls.children].some(({ hidden }) => !hidden);
  }

  return { element, update };
}

/** LiveKit's own name of a source. */
function sourceOf(Track, name) {
  return {
    microphone: Track.Source.Microphone,
    camera: Track.Source.Camera,
    screen_share: Track.Source.ScreenShare,
  }[name];
}
