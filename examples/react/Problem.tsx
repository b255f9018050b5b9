import type { ReactNode } from "react";

import { ApiError } from "./anteroom";
import { useAttempt } from "./attempt";
import { continueWith } from "./sign-in";

type ProblemProps = { error: unknown; email?: string; words?: (error: unknown) => ReactNode };

/** An error in words, with a button to continue if WorkOS's hosted page can help. */
export function Problem({ error, email, words = inWords }: ProblemProps) {
  return (
    <p role="alert">
      {error !== undefined && words(error)}
      {error instanceof ApiError && error.needsHostedPage && <HostedPage email={email} />}
    </p>
  );
}

function HostedPage({ email }: { email?: string }) {
  const { attempt, isBusy, problem } = useAttempt();
  const leave = () => continueWith("authkit", { email: email || undefined });
  return (
    <>
      <button type="button" aria-busy={isBusy} onClick={() => attempt(leave)}>
        Continue
      </button>
      {problem !== undefined && inWords(problem)}
    </>
  );
}

export function inWords(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : "Something went wrong";
  if (error.status === 403) return error.message; // The message says what WorkOS requires.
  if (error.status === 401) return "That code is wrong or has expired. Check it, or send another one.";
  if (error.status === 400) return "Check the e-mail address and the code.";
  if (error.status === 429) return `Too many attempts. Wait ${error.retryAfter ?? 60} seconds.`;
  return error.isTransient
    ? "We cannot reach the service right now. Try again shortly."
    : "Something went wrong on our side.";
}

/** The same where the page has no form to correct, such as after a choice, which works only once. */
export function orStartAgain(error: unknown): ReactNode {
  const isApiError = error instanceof ApiError;
  if (isApiError && (error.isTransient || error.needsHostedPage)) return inWords(error);
  const isOver = isApiError && [400, 401].includes(error.status);
  return (
    <>
      {isOver ? "This sign-in is no longer valid." : inWords(error)} <a href="/">Start again</a>
    </>
  );
}
