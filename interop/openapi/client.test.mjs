// The description as a front end uses it: TypeScript's types are made of it, and examples/typed-client/client.ts
// compiles against them, as long as it says what the contract says.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import openapiTypeScript, { astToString } from "openapi-typescript";
import { parse } from "yaml";

import { root } from "../support/anteroom.mjs";
import { run } from "../support/program.mjs";
import { packages } from "../support/tools.mjs";

const description = join(root, "openapi.yaml");
const client = readFileSync(join(root, "examples/typed-client/client.ts"), "utf8");
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "anteroom-client-"));
  const types = astToString(await openapiTypeScript(pathToFileURL(description)));
  writeFileSync(join(folder, "anteroom.d.ts"), types);
});

after(() => rmSync(folder, { recursive: true, force: true }));

test("the client calls every endpoint there is", () => {
  const { paths } = parse(readFileSync(description, "utf8"));
  const called = new Set([...client.matchAll(/anteroom\.[A-Z]+\("([^"]+)"/g)].map(([, path]) => path));
  assert.deepEqual([...called].sort(), Object.keys(paths).sort());
});

test("the client compiles", async () => {
  const { code, output } = await compile(client);
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
    const { code, output } = await compile(client.replace(right, wrong));
    assert.notEqual(code, 0);
    assert.ok(output.includes(complaint), output);
  });
}

/** Compiles a program against the generated types, strictly, and gives what the compiler says. */
function compile(program) {
  writeFileSync(join(folder, "client.ts"), program);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2022",
    lib: ["es2022", "dom", "dom.iterable"],
    types: [],
    paths: { anteroom: ["./anteroom.d.ts"], "*": [join(packages, "*")] },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["client.ts"] }));
  const compiler = join(packages, "typescript", "bin", "tsc");
  return run(process.execPath, [compiler, "--pretty", "false", "--project", folder], { seconds: 60 });
}
