import { useRef, useState } from "react";

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
