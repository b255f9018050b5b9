import { useEffect, useState } from "react";

import { ApiError } from "./anteroom";
import { useAttempt } from "./attempt";
import { orStartAgain, Problem } from "./Problem";
import { Organizations } from "./SignIn";
import { type Choice, finalizeOauth, isChoice, type User } from "./sign-in";

/** Keyed by query string, because `StrictMode` runs effects twice and a code works only once. */
const finished = new Map<string, Promise<User | Choice>>();

function finishOnce(search: string): Promise<User | Choice> {
  const finish = finished.get(search) ?? finishOrKeep(search);
  finished.set(search, finish);
  return finish;
}

/** Forgets the code, unless another attempt with it may succeed. */
async function finishOrKeep(search: string): Promise<User | Choice> {
  try {
    const user = await finalizeOauth(search);
    forgetQuery(search);
    return user;
  } catch (error) {
    if (error instanceof ApiError && error.isTransient) finished.delete(search);
    else forgetQuery(search);
    throw error;
  }
}

/** Removes the used code from the URL, and so from the browser history. */
function forgetQuery(search: string): void {
  if (window.location.search === search) window.history.replaceState(null, "", window.location.pathname);
}

export function Callback({ onSignedIn }: { onSignedIn: (user: User) => void }) {
  const [choice, setChoice] = useState<Choice>();
  const { attempt, problem } = useAttempt();

  async function finish() {
    const user = await finishOnce(window.location.search);
    isChoice(user) ? setChoice(user) : onSignedIn(user);
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new `onSignedIn` is no reason to finish again.
  useEffect(() => attempt(finish), []);

  if (choice) return <Organizations choice={choice} onSignedIn={onSignedIn} />;
  return (
    <>
      <Problem error={problem} words={orStartAgain} />
      {problem instanceof ApiError && problem.isTransient && (
        <button type="button" onClick={() => attempt(finish)}>
          Try again
        </button>
      )}
    </>
  );
}
