import { getTokenClaims } from "@workos-inc/authkit-nextjs";

import { roomToken } from "../../examples/app/room-token";

/** The example for a server of Next.js: it asks Anteroom with the access token. */
export default async function Room() {
  const { sub, name } = await getTokenClaims(await roomToken("room123", "Jane from the server"));
  return (
    <main>
      <p role="status">{`${name} may join as ${sub}`}</p>
    </main>
  );
}
