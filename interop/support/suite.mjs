// Tests that need a program which not every machine has.

import { describe, test } from "node:test";

/** A suite or, if a program is missing, one skipped test that names it. */
export function suite(name, missing, body) {
  if (missing) test(name, { skip: missing }, () => {});
  else describe(name, body);
}
