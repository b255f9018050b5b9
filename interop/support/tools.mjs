// Programs and packages installed by `interop/install`.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** npm packages. */
export const packages = fileURLToPath(new URL("../node_modules", import.meta.url));

/** Programs written in Python and Go. */
export const tools = fileURLToPath(new URL("../.tools/bin", import.meta.url));

/** Why a check that needs a program written in Go is skipped, or false. */
export function withoutGo(program) {
  return existsSync(`${tools}/${program}`) ? false : "needs Go, with which interop/install builds it";
}
