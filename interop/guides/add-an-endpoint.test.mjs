// docs/add-an-endpoint.md, followed step by step on a copy of the repository: it is complete and up to date.

import assert from "node:assert/strict";
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";

import { environment, targetDirectory } from "../support/anteroom.mjs";
import { blocks, carryOut, copyOfTheRepository } from "../support/guide.mjs";
import { run } from "../support/program.mjs";

// Apart from what is built of the repository: cargo would take the one for the other, and its tests would look
// for their files in the copy when that is gone.
const apart = join(targetDirectory, "guide");

let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "anteroom-guide-"));
  copyOfTheRepository(folder);
  reuseLibraries();
  for (const block of blocks("add-an-endpoint.md")) {
    carryOut(block, folder);
    // The other commands only check the result.
    const isStep = block.language === "sh" && /^(mkdir|sed) /.test(block.code);
    if (isStep) await succeeds("bash", ["-euo", "pipefail", "-c", block.code], 10);
  }
});

after(() => rmSync(folder, { recursive: true, force: true }));

test("no part is missing", () => cargo("test", "--workspace", "--test", "layout"));

test("its own tests succeed", () => cargo("test", "-p", "greeting"));

test("it is formatted as the rest is", () => cargo("fmt", "--check", "-p", "greeting"));

test("it is short enough to be typed in", () => {
  const lines = readFileSync(join(folder, "functions/greeting/src/main.rs"), "utf8").split("\n");
  assert.ok(lines.length < 60, `${lines.length} lines`);
});

async function cargo(...command) {
  const output = await succeeds("cargo", command, 540);
  if (command[0] === "test") assert.match(output, /^test result: ok\. [1-9]/m);
}

/** Links to what is built for the repository, of which cargo uses the libraries. */
function reuseLibraries() {
  for (const folder of [".fingerprint", "build", "deps"]) {
    const [from, to] = [targetDirectory, apart].map((target) => join(target, "debug", folder));
    if (existsSync(to) || !existsSync(from)) continue;
    const entries = readdirSync(from, { recursive: true, withFileTypes: true });
    for (const { name, parentPath } of entries.filter((entry) => entry.isFile())) {
      const place = join(to, relative(from, parentPath));
      mkdirSync(place, { recursive: true });
      linkSync(join(parentPath, name), join(place, name));
    }
  }
}

/** Runs a program in the copy, and returns its output. */
async function succeeds(program, command, seconds) {
  const small = { CARGO_PROFILE_DEV_DEBUG: "false", CARGO_INCREMENTAL: "0" };
  const env = { ...environment({}), ...small, CARGO_TARGET_DIR: apart };
  const { code, output } = await run(program, command, { cwd: folder, env, seconds });
  assert.equal(code, 0, output);
  return output;
}
