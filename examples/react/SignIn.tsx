import { type FormEvent, useState } from "react";

import { useAttempt } from "./attempt";
import { orStartAgain, Problem } from "./Problem";
import {
  type Choice,
  continueWith,
  finalizeMagicAuth,
  isChoice,
  resendCode,
  selectOrganization,
  signIn,
  type User,
} from "./sign-in";

export function SignIn({ onSignedIn }: { onSignedIn: (user: User) => void }) {
  const [email, setEmail] = useState("");
  const [code, setCode] = useState<string>();
  const [choice, setChoice] = useState<Choice>();
  const { attempt, isBusy, problem } = useAttempt();

  const take = (user: User | Choice) => (isChoice(user) ? setChoice(user) : onSignedIn(user));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt(async () => {
      if (code !== undefined) take(await finalizeMagicAuth(email, code));
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
    const user = await selectOrganization(choice, id);
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
