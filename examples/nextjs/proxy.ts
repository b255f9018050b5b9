import { authkitProxy } from "@workos-inc/authkit-nextjs";

// More than Anteroom's 60 seconds, so that a page that has just loaded calls with a fresh token.
export default authkitProxy({ refreshBufferSeconds: 90 });

export const config = { matcher: ["/((?!_next/static|_next/image|favicon.ico).*)"] };
