import { button, cases, field, form, h, note, outcome } from "../dom.js";
import { call } from "../gateway.js";
import { identityOf } from "../identity.js";

export default {
  id: "recordings",
  group: "Rooms",
  title: "Recordings",
  about:
    "Starts and stops the recording of a room. At the stand-in, test-room and room123 have somebody in them.",
  functions: ["start-recording", "stop-recording"],
  render,
};

function render(app) {
  const { missingForRecordings } = app.overview;
  if (missingForRecordings)
    return note("info", "Recordings are off: ", h("code", {}, missingForRecordings), " is not set.");
  const identity = identityOf(app, "start-recording");
  const room = field("Room", { name: "room", value: "room123", required: true });
  const zone = field(
    "Zone",
    { name: "zone", value: "eu", required: true },
    "A part of the object's key, for you to choose.",
  );
  const topic = field("Topic", { name: "topic", value: "Weekly" });
  const result = outcome();
  let egressId;

  async function start(roomName) {
    const { ok, status, body } = await call(
      "/api/v1/livekit/start-recording",
      { roomName, conferenceTopic: topic.value, zoneId: zone.value, participants: "Jane Doe" },
      { headers: await identity.headers() },
    );
    if (!ok) return result.say("bad", `${status}: ${body.message}`);
    egressId = body.egressId;
    result.show(
      note("good", "Recording since ", new Date(body.timestamp * 1000).toLocaleTimeString(), "."),
      button("Stop", () => stop(), { kind: "primary" }),
    );
  }

  async function stop(zoneId = zone.value, id = egressId) {
    const { ok, status, body } = await call(
      "/api/v1/livekit/stop-recording",
      { roomName: room.value, egressId: id ?? "EG_unknown", zoneId },
      { headers: await identity.headers() },
    );
    result.say(ok ? "good" : "bad", ok ? "Stopped." : `${status}: ${body.message}`);
  }

  return [
    identity.element,
    form("Start recording", [room.element, zone.element, topic.element], () => start(room.value)),
    result.element,
    cases(
      ["Record a room twice", "409 while it is being recorded", () => start(room.value)],
      ["A room that nobody is in", "404", () => start("empty-room")],
      ["Stop it from another zone", "404", () => stop("us")],
      ["Stop an unknown recording", "404", () => stop(zone.value, "EG_unknown")],
    ),
  ];
}
