import { type FormEvent, type ReactNode, useRef, useState } from "react";

import { Refusal } from "./anteroom";
import {
  type Choice,
  chooseOrganization,
  continueWith,
  finishCode,
  isChoice,
  resendCode,
  signIn,
  type User,
} from "./sign-in";

/** Runs one action at a time, ignores others meanwhile, and keeps its error. A disabled button would lose the focus. */
export function useAttempt() {
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const running = useRef(false);
  const attempt = (action: () => Promise<void>) => {
    if (running.current) return;
    running.current = true;
    setProblem(undefined);
    setBusy(true);
    action()
      .catch(setProblem)
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  };
  return { attempt, isBusy, problem };
}

export function SignIn({ onSignedIn }: { onSignedIn: (user: User) => void }) {
  const [email, setEmail] = useState("");
  const [code, setCode] = useState<string>();
  const [choice, setChoice] = useState<Choice>();
  const { attempt, isBusy, problem } = useAttempt();

  const take = (user: User | Choice) => (isChoice(user) ? setChoice(user) : onSignedIn(user));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt(async () => {
      if (code !== undefined) take(await finishCode(email, code));
      else if ((await signIn(email)) === "code sent") setCode("");
    });
  };
  const resend = async () => {
    await resendCode(email);
    setCode("");
  };

  if (choice) return <Organizations choice={choice} onSignedIn={onSignedIn} />;
  return (
    <form onSubmit={submit}>
      <fieldset aria-busy={isBusy}>
        <input
          type="email"
          aria-label="E-mail"
          autoComplete="email"
          required
          readOnly={isBusy}
          value={email}
          onChange={(event) => {
            setEmail(event.target.value);
            setCode(undefined); // The code belongs to the other address.
          }}
        />
        {code !== undefined && (
          <>
            <input
              inputMode="numeric"
              aria-label="Code"
              autoComplete="one-time-code"
              required
              readOnly={isBusy}
              // biome-ignore lint/a11y/noAutofocus: the user has just asked for the code.
              autoFocus
              value={code}
              onChange={(event) => setCode(event.target.value)}
            />
            <button type="button" onClick={() => attempt(resend)}>
              Send another code
            </button>
          </>
        )}
        <button type="submit">Continue</button>
        <button type="button" onClick={() => attempt(() => continueWith("google"))}>
          Google
        </button>
        <button type="button" onClick={() => attempt(() => continueWith("microsoft"))}>
          Microsoft
        </button>
      </fieldset>
      <p role="status">
        {code !== undefined && !isBusy && `If ${email} has an account, a code is on its way.`}
      </p>
      <Problem error={problem} email={email} />
    </form>
  );
}

export function Organizations({ choice, onSignedIn }: { choice: Choice; onSignedIn: (user: User) => void }) {
  const { attempt, isBusy, problem } = useAttempt();
  const choose = async (id: string) => {
    const user = await chooseOrganization(choice, id);
    if (!isChoice(user)) onSignedIn(user);
  };
  return (
    <>
      <fieldset aria-busy={isBusy}>
        <ul>
          {choice.organizations.map(({ id, name }) => (
            <li key={id}>
              <button type="button" onClick={() => attempt(() => choose(id))}>
                {name}
              </button>
            </li>
          ))}
        </ul>
      </fieldset>
      <Problem error={problem} email={choice.email} words={orStartAgain} />
    </>
  );
}

type ProblemProps = { error: unknown; email?: string; words?: (error: unknown) => ReactNode };

/** An error in words, with a button to continue if WorkOS's hosted page can help. */
export function Problem({ error, email, words = inWords }: ProblemProps) {
  return (
    <p role="alert">
      {error !== undefined && words(error)}
      {error instanceof Refusal && error.needsHostedPage && <HostedPage email={email} />}
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
  if (!(error instanceof Refusal)) return error instanceof Error ? error.message : "Something went wrong";
  if (error.status === 403) return error.message; // The message says what WorkOS requires.
  if (error.status === 401) return "That code is wrong or has expired. Check it, or send another one.";
  if (error.status === 400) return "Check the e-mail address and the code.";
  if (error.status === 429) return `Too many attempts. Wait ${error.retryAfter ?? 60} seconds.`;
  return error.isPassing
    ? "We cannot reach the service right now. Try again shortly."
    : "Something went wrong on our side.";
}

/** The same where the page has no form to correct, such as after a choice, which works only once. */
export function orStartAgain(error: unknown): ReactNode {
  const isRefusal = error instanceof Refusal;
  if (isRefusal && (error.isPassing || error.needsHostedPage)) return inWords(error);
  const isOver = isRefusal && [400, 401].includes(error.status);
  return (
    <>
      {isOver ? "This sign-in is no longer valid." : inWords(error)} <a href="/">Start again</a>
    </>
  );
}
