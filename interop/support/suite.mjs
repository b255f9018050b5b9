// Tests that need a program which is not on every machine.

import { describe, test } from "node:test";

/** A suite, or, where something is missing, one test that is skipped and says what. */
export function suite(name, missing, body) {
  if (missing) test(name, { skip: missing }, () => {});
  else describe(name, body);
}
