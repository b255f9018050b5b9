"use client";

import { SignInEndpoint } from "../../examples/SignInEndpoint";

export default function Page() {
  return (
    <main>
      <SignInEndpoint />
    </main>
  );
}
