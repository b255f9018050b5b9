import { useEffect } from "react";

import { useAttempt } from "./attempt";
import { Problem } from "./Problem";
import { continueWith } from "./sign-in";

/** The page that WorkOS's setting "Sign-in endpoint" names: it starts a sign-in at once. */
export function SignInEndpoint() {
  const { attempt, problem } = useAttempt();
  const start = () => attempt(() => continueWith("authkit"));
  // biome-ignore lint/correctness/useExhaustiveDependencies: start only once.
  useEffect(start, []);
  return (
    <>
      <Problem error={problem} />
      {problem !== undefined && (
        <button type="button" onClick={start}>
          Try again
        </button>
      )}
    </>
  );
}
