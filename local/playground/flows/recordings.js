import { button, cases, field, form, h, note, outcome } from "../dom.js";
import { ask, call } from "../gateway.js";
import { identityOf, withoutPermission } from "../identity.js";
import { recordingsList } from "../recordings-list.js";

export default {
  id: "recordings",
  group: "Rooms",
  title: "Recordings",
  about:
    "Starts, stops and lists the recordings of a room. At the stand-in, test-room and room123 have somebody in them.",
  functions: ["start-recording", "stop-recording", "recordings"],
  render,
};

/** More than fit on a page. */
const many = 120;

function render(app) {
  const { missingForRecordings, hasBucket } = app.overview;
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
  const place = () => ({ roomName: room.value, zoneId: zone.value });
  /** What runs, with its button: whatever else is tried leaves it in place. */
  const running = outcome();
  const result = outcome();
  const found = outcome();
  const list = recordingsList();
  /** The recording that was started last and has not been stopped: its place and its id. */
  let started;
  /** The place whose recordings are listed. */
  let listed;

  async function start({ roomName, zoneId } = place()) {
    const answer = await call(
      "/api/v1/livekit/start-recording",
      { roomName, conferenceTopic: topic.value, zoneId, participants: "Jane Doe" },
      { headers: await identity.headers() },
    );
    if (!answer.ok) return result.answer(answer);
    const recording = { roomName, zoneId, egressId: answer.body.egressId };
    started = recording;
    const since = new Date(answer.body.timestamp * 1000).toLocaleTimeString();
    running.show(
      note("good", `Recording since ${since}: ${roomName} in the zone ${zoneId}.`),
      button("Stop", () => stop(recording), { kind: "primary" }),
    );
    result.clear();
    if (listed) await show(listed);
  }

  async function stop(recording) {
    const answer = await call("/api/v1/livekit/stop-recording", recording, {
      headers: await identity.headers(),
    });
    // An ended recording is 409, and one that the stand-in has forgotten is 404. So is another zone's, which is none.
    const isGone = recording === started && [404, 409].includes(answer.status);
    if (isGone || (answer.ok && recording.egressId === started?.egressId)) {
      running.clear();
      started = undefined;
    }
    if (!answer.ok) return result.answer(answer);
    result.say("good", "Stopped. Its link is in the list as soon as its file is in the bucket.");
    if (listed) await show(listed);
  }

  const fetchPage = async (query, headers) =>
    call("/api/v1/livekit/recordings", undefined, {
      method: "GET",
      query,
      headers: headers ?? (await identity.headers()),
    });

  /** Shows the first page of a place's list, or adds the one behind the cursor. */
  async function show(where, cursor) {
    const answer = await fetchPage({ ...where, ...(cursor && { cursor }) });
    if (!answer.ok) return found.answer(answer);
    listed = where;
    list.add(answer.body, {
      isFirst: !cursor,
      stop: (egressId) => stop({ ...where, egressId }),
      more: (next) => show(where, next),
    });
    const number = list.cursor ? `The latest ${counted(list.count)}` : counted(list.count);
    found.say("info", `${number} of ${where.roomName} in the zone ${where.zoneId}.`);
  }

  /** Shows the answer to a question that is an error, or whose answer is empty. */
  async function attempt(query, headers) {
    const answer = await fetchPage(query, headers);
    if (!answer.ok) return found.answer(answer);
    found.say("good", `${answer.status}, with ${counted(answer.body.recordings.length)}.`);
  }

  async function addOlder() {
    if (!list.latest)
      return found.say("bad", "List a recording first: the older ones are added to its folder.");
    await ask("recordings", { key: list.latest.key, count: many });
    await show(listed);
  }

  const changed = () =>
    list.cursor ? list.cursor.slice(0, -1) + (list.cursor.endsWith("A") ? "B" : "A") : "changed";
  const unknown = () => ({ ...place(), egressId: "EG_unknown" });
  const elsewhere = (recording) => ({ ...recording, zoneId: recording.zoneId === "us" ? "eu" : "us" });
  const stranger = withoutPermission(app, "recordings");
  return [
    identity.element,
    form("Start recording", [room.element, zone.element, topic.element], () => start()),
    running.element,
    result.element,
    h(
      "section",
      { class: "step", "aria-labelledby": "recordings-title" },
      h("h3", { id: "recordings-title" }, "What has been recorded"),
      h(
        "div",
        { class: "actions" },
        button("List the recordings", () => show(place())),
        hasBucket && button(`Add ${many} older ones`, addOlder),
      ),
      found.element,
      list.element,
      hasBucket &&
        h(
          "p",
          { class: "hint" },
          "The bucket is a stand-in too. A recording there has the first 24 bytes of a film, so a player opens it and shows nothing.",
        ),
    ),
    cases(
      ["Record a room twice", "409 while it is being recorded", () => start(started)],
      ["Record a room that nobody is in", "404", () => start({ ...place(), roomName: "empty-room" })],
      ["Stop it from another zone", "404", () => stop(elsewhere(started ?? unknown()))],
      ["Stop an unknown recording", "404", () => stop(unknown())],
      ["List another zone", "200, and empty", () => attempt({ ...place(), zoneId: "nowhere" })],
      ["List with a changed cursor", "400", () => attempt({ ...(listed ?? place()), cursor: changed() })],
      [
        "List two rooms at once",
        "400: no parameter is repeated",
        () => attempt([...Object.entries(place()), ["roomName", "test-room"]]),
      ],
      stranger && ["List without the permission", "403", async () => attempt(place(), await stranger())],
    ),
  ];
}

function counted(number) {
  return `${number} ${number === 1 ? "recording" : "recordings"}`;
}
