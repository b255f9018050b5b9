// A linter checks openapi.yaml. The functions' own tests and requests.test.mjs check that the endpoints
// follow it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { lintFromString, loadConfig } from "@redocly/openapi-core";

import { root } from "../support/anteroom.mjs";

const file = join(root, "openapi.yaml");
const text = readFileSync(file, "utf8");
const rules = fileURLToPath(new URL("rules.yaml", import.meta.url));

test("the linter finds nothing in openapi.yaml", async () => {
  assert.deepEqual(await findings(text), []);
});

test("the linter would find what is wrong", async () => {
  for (const [right, wrong, rule] of [
    ["operationId: signIn", "x-nothing: signIn", "operation-operationId"],
    ["{code: 405, message: Use POST}", "{code: 405}", "no-invalid-media-type-examples"],
    ["tags: [Rooms]", "tags: [Halls]", "operation-tag-defined"],
    ['schemas/Jwt"', 'schemas/Nothing"', "no-unresolved-refs"],
  ]) {
    assert.ok(text.includes(right), right);
    const found = await findings(text.replace(right, wrong));
    assert.ok(
      found.some((finding) => finding.startsWith(rule)),
      `${rule}: ${found}`,
    );
  }
});

/** The linter's findings, one per line. */
async function findings(source) {
  const config = await loadConfig({ configPath: rules });
  const problems = await lintFromString({ source, absoluteRef: file, config });
  return problems.map(({ ruleId, message, location: [place] }) => {
    return `${ruleId} at ${place?.pointer}: ${message}`;
  });
}
