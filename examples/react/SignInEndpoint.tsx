import { useEffect, useState } from "react";
import { Problem } from "./SignIn";
import { continueWith } from "./sign-in";

/** The page that WorkOS's setting "Sign-in endpoint" names: it starts a sign-in at once. */
export function SignInEndpoint() {
  const [problem, setProblem] = useState<unknown>();
  useEffect(() => {
    continueWith("authkit").catch(setProblem);
  }, []);
  return <Problem error={problem} />;
}
