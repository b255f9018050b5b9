import { type FormEvent, useState } from "react";

import { Refusal } from "./anteroom";
import {
  type Choice,
  chooseOrganization,
  continueWith,
  finishCode,
  isChoice,
  signIn,
  type User,
} from "./sign-in";

export function SignIn({ onSignedIn }: { onSignedIn: (user: User) => void }) {
  const [email, setEmail] = useState("");
  const [code, setCode] = useState<string>();
  const [choice, setChoice] = useState<Choice>();
  const [problem, setProblem] = useState<unknown>();

  const attempt = async (action: () => Promise<void>) => {
    setProblem(undefined);
    await action().catch(setProblem);
  };
  const take = (user: User | Choice) => (isChoice(user) ? setChoice(user) : onSignedIn(user));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void attempt(async () => {
      if (code !== undefined) take(await finishCode(email, code));
      else if ((await signIn(email)) === "code sent") setCode("");
    });
  };

  if (choice) return <Organizations choice={choice} onSignedIn={onSignedIn} />;
  return (
    <form onSubmit={submit}>
      <input
        type="email"
        aria-label="E-mail"
        autoComplete="email"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      {code !== undefined && (
        <input
          inputMode="numeric"
          aria-label="Code"
          autoComplete="one-time-code"
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
      )}
      <button type="submit">Continue</button>
      <button type="button" onClick={() => void attempt(() => continueWith("google"))}>
        Google
      </button>
      <button type="button" onClick={() => void attempt(() => continueWith("microsoft"))}>
        Microsoft
      </button>
      <Problem error={problem} email={email} />
    </form>
  );
}

export function Organizations({ choice, onSignedIn }: { choice: Choice; onSignedIn: (user: User) => void }) {
  const [problem, setProblem] = useState<unknown>();
  const choose = (id: string) =>
    chooseOrganization(choice, id).then((user) => !isChoice(user) && onSignedIn(user), setProblem);
  return (
    <>
      <ul>
        {choice.organizations.map(({ id, name }) => (
          <li key={id}>
            <button type="button" onClick={() => void choose(id)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      <Problem error={problem} email={choice.email} />
    </>
  );
}

/** An error in words, with a button to continue if WorkOS's hosted page can help. */
export function Problem({ error, email }: { error: unknown; email?: string }) {
  const needsHostedPage = error instanceof Refusal && error.needsHostedPage;
  return (
    <p role="alert">
      {error !== undefined && inWords(error)}
      {needsHostedPage && (
        <button type="button" onClick={() => void continueWith("authkit", { email: email || undefined })}>
          Continue
        </button>
      )}
    </p>
  );
}

export function inWords(error: unknown): string {
  if (!(error instanceof Refusal)) return error instanceof Error ? error.message : "Something went wrong";
  if (error.status === 403) return error.message; // The message says what WorkOS requires.
  if (error.status === 401) return "That code is wrong or has expired. Ask for another one.";
  if (error.status === 400) return "Check the e-mail address and the code.";
  if (error.status === 429) return `Too many attempts. Wait ${error.retryAfter ?? 60} seconds.`;
  return error.isPassing
    ? "We cannot reach the service right now. Try again shortly."
    : "Something went wrong on our side.";
}
