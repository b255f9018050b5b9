import { button, field, form, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { identityOf } from "../identity.js";
import { missing } from "../vendor.js";

export default {
  id: "call",
  group: "Rooms",
  title: "Join a call",
  about: "The proof: LiveKit's own client joins a room on LiveKit's server with the token.",
  functions: ["livekit-token"],
  render,
};

const local = `livekit-server --dev
LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_API_KEY=devkey LIVEKIT_API_SECRET=secret cargo dev`;

function render(app) {
  const { livekit, vendor } = app.overview;
  if (!livekit.isReal) {
    return [
      note(
        "info",
        "LiveKit is only the stand-in here. It has LiveKit's server API, but no media: nobody can join. Run LiveKit's own server, and no account is needed:",
      ),
      h("pre", { tabindex: "0", "aria-label": "Commands" }, local),
    ];
  }
  if (!vendor.livekit) return missing("livekit-client");

  const identity = identityOf(app, "livekit-token");
  const username = field("Name in the room", { name: "username", value: "Jane Doe", required: true });
  const room = field("Room", { name: "room", value: "room123", required: true });
  const result = outcome();
  const people = h("ul", { class: "people", "aria-label": "In the room" });
  const seats = [];
  app.leave = () => {
    for (const seat of seats.splice(0)) seat.leave();
  };

  async function join(name) {
    const { ok, status, body } = await call(
      "/api/v1/livekit/token",
      { room_name: room.value, participant_name: name },
      { headers: await identity.headers() },
    );
    if (!ok) return result.say("bad", `${status}: ${body.message}`);
    try {
      const seat = await enter(body, people, (text) => result.say("info", text));
      seats.push(seat);
      result.show(
        note(
          "good",
          `Joined ${room.value} on ${body.server_url}${seat.hasCamera ? "" : ", with a drawn picture: there is no camera"}.`,
        ),
        button("Leave", () => {
          app.leave();
          people.replaceChildren();
          result.say("info", "Left.");
        }),
      );
    } catch (error) {
      result.say("bad", `LiveKit: ${error.message}`);
    }
  }

  return [
    identity.element,
    form("Join", [username.element, room.element], () => join(username.value)),
    result.element,
    people,
    h("p", { class: "hint" }, "Open this page in another browser, or in a private window, to be two."),
  ];
}

/** Joins with a token, publishes a picture, and shows everyone in the room. */
async function enter({ server_url: url, participant_token: token }, list, tell) {
  const { Room, RoomEvent, Track } = await import("/playground/vendor/livekit-client.js");
  const room = new Room({ adaptiveStream: false, dynacast: false });
  const draw = () => {
    const everybody = [room.localParticipant, ...room.remoteParticipants.values()];
    list.replaceChildren(...everybody.map((person) => tile(person, person === room.localParticipant, Track)));
  };
  for (const event of [
    RoomEvent.ParticipantConnected,
    RoomEvent.ParticipantDisconnected,
    RoomEvent.TrackSubscribed,
    RoomEvent.TrackUnsubscribed,
    RoomEvent.LocalTrackPublished,
  ]) {
    room.on(event, draw);
  }
  room.on(RoomEvent.Disconnected, () => tell("The connection has ended."));
  await room.connect(url, token);
  draw();
  const picture = await publish(room, Track);
  draw();
  return {
    hasCamera: picture.isCamera,
    leave() {
      room.removeAllListeners();
      picture.stop();
      room.disconnect();
    },
  };
}

async function publish(room, Track) {
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (devices.some(({ kind }) => kind === "videoinput")) {
    try {
      await room.localParticipant.setCameraEnabled(true);
      return { isCamera: true, stop() {} };
    } catch {
      // The user has not allowed the camera.
    }
  }
  const drawing = drawnPicture(room.localParticipant.name);
  await room.localParticipant.publishTrack(drawing.track, {
    source: Track.Source.Camera,
    name: "drawing",
    simulcast: false,
  });
  return { isCamera: false, stop: drawing.stop };
}

/** A picture that moves a little, unless the user prefers less motion. */
function drawnPicture(name) {
  const canvas = h("canvas", { width: 640, height: 360 });
  const context = canvas.getContext("2d");
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0) * 7, 0) % 360;
  let step = 0;
  const draw = () => {
    const sky = context.createLinearGradient(0, 0, 640, 360);
    sky.addColorStop(0, `hsl(${hue} 55% 38%)`);
    sky.addColorStop(1, `hsl(${(hue + 50) % 360} 60% 24%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, 640, 360);
    context.fillStyle = "rgb(255 255 255 / 15%)";
    context.beginPath();
    context.arc(320, 180, 96 + (isStill ? 0 : 10 * Math.sin(step / 9)), 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = "#fff";
    context.font = "600 84px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(name.slice(0, 1).toUpperCase(), 320, 186);
    step += 1;
  };
  draw();
  // A stream has frames only while something is drawn.
  const timer = setInterval(draw, 100);
  const [track] = canvas.captureStream(10).getVideoTracks();
  return {
    track,
    stop() {
      clearInterval(timer);
      track.stop();
    },
  };
}

function tile(person, isSelf, Track) {
  const video = h("video", { autoplay: true, playsinline: true, "aria-label": `Picture of ${person.name}` });
  video.muted = true;
  const track = person.getTrackPublication(Track.Source.Camera)?.track;
  track?.attach(video);
  return h(
    "li",
    {},
    video,
    h("span", { class: "caption" }, person.name || person.identity, isSelf && " (you)"),
  );
}
