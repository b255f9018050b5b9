// The guides in docs/: their code blocks, and the steps that their info strings describe.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { root } from "./anteroom.mjs";

/** The code blocks of a page of docs/, in their order: `{ language, notes, code }`. */
export function blocks(page) {
  const text = readFileSync(join(root, "docs", page), "utf8");
  const fenced = text.matchAll(/^```(\w+)[^\S\n]*(.*)\n([\s\S]*?)^```$/gm);
  return [...fenced].map(([, language, notes, code]) => ({ language, notes, code }));
}

/** Copies the repository without build output, installed packages and local settings. */
export function copyOfTheRepository(folder) {
  const left = new Set([".git", ".env", "target", "node_modules", ".next", ".tools"]);
  cpSync(root, folder, { recursive: true, filter: (path) => !left.has(basename(path)) });
}

/**
 * Does in `folder` what a block says: `file=…` is a file of its own, `insert=…` goes into one, before or
 * after the one line that begins as it says.
 */
export function carryOut({ notes, code }, folder) {
  const file = notes.match(/^file=(\S+)$/)?.[1];
  if (file) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
    return;
  }
  const [, path, where, start] = notes.match(/^insert=(\S+) (before|after)=(.+)$/) ?? [];
  if (!path) return;
  const lines = readFileSync(join(folder, path), "utf8").split("\n");
  const found = lines.flatMap((line, at) => (begins(line, start) ? [at] : []));
  if (found.length !== 1) throw new Error(`${path} has ${found.length} lines that begin so: ${start}`);
  lines.splice(found[0] + (where === "after" ? 1 : 0), 0, ...code.split("\n").slice(0, -1));
  writeFileSync(join(folder, path), lines.join("\n"));
}

function begins(line, start) {
  return line.trimStart().startsWith(start.trimStart());
}
