"use client";

import { useRouter } from "next/navigation";

import { Callback } from "../../examples/Callback";

/** The examples' callback page. WorkOS sends the browser to AuthKit's own, so a test has to come here itself. */
export default function Returned() {
  const { push } = useRouter();
  return (
    <main>
      <Callback onSignedIn={() => push("/")} />
    </main>
  );
}
