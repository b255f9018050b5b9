"use client";

import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState } from "react";
import { inWords } from "../examples/Problem";
import { SignIn } from "../examples/SignIn";
import { currentSession, type Session } from "../examples/session";
import { type Organization, signOut, switchOrganization } from "../examples/sign-in";
import { Facts } from "./Facts";

/** The examples' own code, which calls Anteroom from the browser. */
export function Anteroom({ organizations }: { organizations: Organization[] }) {
  const { refresh } = useRouter();
  const [session, setSession] = useState<Session | "asking" | undefined>("asking");
  const [problem, setProblem] = useState("");

  const fail = useCallback((error: unknown) => {
    setSession(undefined);
    setProblem(inWords(error));
  }, []);
  const ask = useCallback(() => {
    setSession("asking");
    setProblem("");
    currentSession().then(setSession, fail);
  }, [fail]);
  useEffect(ask, [ask]);

  return (
    <section aria-label="Anteroom" aria-busy={session === "asking"}>
      <h2>Anteroom</h2>
      <p className="how">the examples&rsquo; code, in the browser</p>
      {session === undefined && !problem && (
        <>
          <p role="status">Nobody is signed in</p>
          <SignIn onSignedIn={refresh} />
        </>
      )}
      {typeof session === "object" && (
        <>
          <Facts {...session} />
          <nav>
            {organizations.map(({ id, name }) => (
              <button
                type="button"
                key={id}
                disabled={id === session.organizationId}
                onClick={() => void switchOrganization(session.user, id).then(refresh, fail)}
              >
                {name}
              </button>
            ))}
            <button type="button" className="leave" onClick={() => void signOut().catch(fail)}>
              Sign out
            </button>
          </nav>
        </>
      )}
      <p role="alert">{problem}</p>
      <button type="button" className="quiet" onClick={ask}>
        Ask again
      </button>
    </section>
  );
}
