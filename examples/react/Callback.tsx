import { useEffect, useState } from "react";
import { Organizations, Problem } from "./SignIn";
import { type Choice, finishRedirect, isChoice, type User } from "./sign-in";

/** Keyed by query string, because `StrictMode` runs effects twice and a code works only once. */
const finished = new Map<string, Promise<User | Choice>>();

function finishOnce(search: string): Promise<User | Choice> {
  const finish = finished.get(search) ?? finishRedirect(search).finally(() => forgetQuery(search));
  finished.set(search, finish);
  return finish;
}

/** Removes the used code from the URL, and so from the browser history. */
function forgetQuery(search: string): void {
  if (window.location.search === search) window.history.replaceState(null, "", window.location.pathname);
}

export function Callback({ onSignedIn }: { onSignedIn: (user: User) => void }) {
  const [choice, setChoice] = useState<Choice>();
  const [problem, setProblem] = useState<unknown>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new `onSignedIn` is no reason to finish again.
  useEffect(() => {
    finishOnce(window.location.search).then(
      (user) => (isChoice(user) ? setChoice(user) : onSignedIn(user)),
      setProblem,
    );
  }, []);

  if (choice) return <Organizations choice={choice} onSignedIn={onSignedIn} />;
  return <Problem error={problem} />;
}
