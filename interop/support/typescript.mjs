// TypeScript's compiler.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { run } from "./program.mjs";
import { packages } from "./tools.mjs";

/**
 * Compiles modules strictly, and gives the compiler's exit status and output. `sources` has their texts by
 * name, `from` is the node_modules that they import from, and `options` are further compiler options.
 */
export async function compile(sources, { from = packages, options = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "anteroom-compiled-"));
  try {
    symlinkSync(from, join(folder, "node_modules"));
    for (const [name, text] of sources) put(folder, name, text);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      jsx: "react-jsx",
      module: "esnext",
      moduleResolution: "bundler",
      target: "es2022",
      lib: ["es2022", "dom", "dom.iterable"],
      types: [],
      ...options,
    };
    put(folder, "tsconfig.json", JSON.stringify({ compilerOptions, files: [...sources.keys()] }));
    const compiler = join(packages, "typescript", "bin", "tsc");
    return await run(process.execPath, [compiler, "--pretty", "false"], { cwd: folder, seconds: 120 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a file, in folders that may have to be made. */
export function put(folder, name, text) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
