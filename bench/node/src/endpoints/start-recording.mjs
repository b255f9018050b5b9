// POST /api/v1/livekit/start-recording: records a LiveKit room to an S3 bucket.

import { randomBytes } from "node:crypto";
import {
  EgressClient,
  EgressStatus,
  EncodedFileOutput,
  EncodedFileType,
  EncodingOptionsPreset,
  RoomServiceClient,
  S3Upload,
} from "livekit-server-sdk";
import { secrets } from "#secrets";
import { endpoint } from "../endpoint.mjs";
import { text } from "../input.mjs";
import { livekitSecrets } from "../livekit.mjs";
import { ok, Refusal } from "../reply.mjs";
import { Sessions, workosClient, workosSecrets } from "../workos.mjs";

const { LIVEKIT_URL, RECORDINGS_BUCKET, RECORDINGS_REGION } = process.env;
const running = new Set([EgressStatus.EGRESS_STARTING, EgressStatus.EGRESS_ACTIVE]);

const keys = await secrets({ ...workosSecrets, ...livekitSecrets });
const sessions = await new Sessions(workosClient(keys), keys).prefetch();
const egresses = new EgressClient(LIVEKIT_URL, keys.LIVEKIT_API_KEY, keys.LIVEKIT_API_SECRET);
const rooms = new RoomServiceClient(LIVEKIT_URL, keys.LIVEKIT_API_KEY, keys.LIVEKIT_API_SECRET);

export const handler = endpoint("start-recording", async (event, input) => {
  const room = text(input.roomName, "roomName");
  const zone = text(input.zoneId, "zoneId");
  const { claims, cookies } = await sessions.of(event);
  const [recorded, [found]] = await Promise.all([recordingsOf(room), rooms.listRooms([room])]);
  if (recorded.length > 0) throw new Refusal(409, "This room is already being recorded");
  if (!found?.numParticipants) throw new Refusal(404, "There is nobody in this room");
  const started = await egresses.startRoomCompositeEgress(
    room,
    { file: output(room, zone, metadata(room, zone, input, claims)) },
    { encodingOptions: EncodingOptionsPreset.H264_720P_30 },
  );
  await withdrawUnlessAlone(room, started);
  const timestamp = Number(started.startedAt / 1_000_000_000n) || Math.floor(Date.now() / 1000);
  return ok({ egressId: started.egressId, timestamp }, cookies);
});

async function recordingsOf(roomName) {
  const listed = await egresses.listEgress({ roomName, active: true });
  return listed.filter(({ status }) => running.has(status));
}

/** LiveKit has no lock: of two recordings that were started at once, one must give way. */
async function withdrawUnlessAlone(room, { egressId }) {
  const others = (await recordingsOf(room)).filter((egress) => egress.egressId !== egressId);
  if (others.length === 0) return;
  await egresses.stopEgress(egressId);
  throw new Refusal(409, "This room is already being recorded");
}

function output(room, zone, objectMetadata) {
  const safe = (part) => part.replaceAll(/[^\w-]/g, "_");
  const [day, time] = new Date().toISOString().replaceAll(":", "").split(/[T.]/);
  const name = `${day}/${time}-${randomBytes(8).toString("hex")}.mp4`;
  const upload = new S3Upload({
    bucket: RECORDINGS_BUCKET,
    region: RECORDINGS_REGION,
    metadata: objectMetadata,
  });
  return new EncodedFileOutput({
    fileType: EncodedFileType.MP4,
    filepath: `recordings/${safe(zone)}/${safe(room)}/${name}`,
    disableManifest: true,
    output: { case: "s3", value: upload },
  });
}

function metadata(room, zone, { conferenceTopic = "", participants = "" }, { sub, org_id = "" }) {
  const all = { room, zone, "started-by": sub, organization: org_id, topic: conferenceTopic, participants };
  const encoded = Object.entries(all).map(([name, value]) => [name, encodeURI(value)]);
  return Object.fromEntries(encoded.filter(([, value]) => value !== ""));
}
