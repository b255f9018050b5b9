// What the endpoints for LiveKit share.

export const livekitSecrets = { LIVEKIT_SECRET_ID: ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"] };
