// The description as a front end uses it: TypeScript's types are made of it, and examples/typed-client/client.ts
// compiles against them, as long as it says what the contract says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";

import openapiTypeScript, { astToString } from "openapi-typescript";
import { parse } from "yaml";

import { root } from "../support/anteroom.mjs";
import { compile } from "../support/typescript.mjs";

const description = join(root, "openapi.yaml");
const client = readFileSync(join(root, "examples/typed-client/client.ts"), "utf8");
let types;

before(async () => {
  types = astToString(await openapiTypeScript(pathToFileURL(description)));
});

test("the client calls every endpoint there is", () => {
  const { paths } = parse(readFileSync(description, "utf8"));
  const called = new Set([...client.matchAll(/anteroom\.[A-Z]+\("([^"]+)"/g)].map(([, path]) => path));
  assert.deepEqual([...called].sort(), Object.keys(paths).sort());
});

test("the client compiles", async () => {
  const { code, output } = await compileClient(client);
  assert.equal(code, 0, output);
});

for (const [what, right, wrong, complaint] of [
  ["a field of another name", "{ body: { email } }", "{ body: { mail: email } }", "'mail' does not exist"],
  ["an optional field of another name", "conferenceTopic:", "topic:", "'topic' does not exist"],
  ["a field that is missing", "{ username, roomId }", "{ username }", "Property 'roomId' is missing"],
  ["a field of another type", 'query.get("code") ?? ""', "1", "'number' is not assignable to type 'string'"],
  [
    "a part of an answer that is not there",
    "authData.authMethod",
    "authData.method",
    "'method' does not exist",
  ],
  ["a path that is not there", '"/auth/sign-out"', '"/auth/log-out"', '"/auth/log-out"'],
]) {
  test(`${what} does not compile`, async () => {
    assert.ok(client.includes(right), right);
    const { code, output } = await compileClient(client.replace(right, wrong));
    assert.notEqual(code, 0);
    assert.ok(output.includes(complaint), output);
  });
}

/** Compiles a program against the generated types, and gives what the compiler says. */
function compileClient(program) {
  const sources = new Map([
    ["anteroom.d.ts", types],
    ["client.ts", program],
  ]);
  return compile(sources, { options: { paths: { anteroom: ["./anteroom.d.ts"] } } });
}
