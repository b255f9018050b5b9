// examples/typed-client compiles against types generated from openapi.yaml, and mistakes in it do not.

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
const mistakes = [
  ["a field of another name", "{ body: { email } }", "{ body: { mail: email } }", "'mail' does not exist"],
  ["an optional field of another name", "conferenceTopic:", "topic:", "'topic' does not exist"],
  ["a field that is missing", "{ username, roomId }", "{ username }", "Property 'roomId' is missing"],
  ["a field of another type", 'query.get("code") ?? ""', "1", "'number' is not assignable to type 'string'"],
  ["a part of an answer that is not there", "Data.authMethod", "Data.method", "'method' does not exist"],
  ["a path that is not there", '"/auth/sign-out"', '"/auth/log-out"', '"/auth/log-out"'],
];

/** What the compiler says, by file: the client, and the client with each of the mistakes. */
const complaints = new Map();

before(async () => {
  const sources = new Map([["client.ts", client]]);
  for (const [at, [, right, wrong]] of mistakes.entries()) {
    assert.ok(client.includes(right), right);
    sources.set(`mistake-${at}.ts`, client.replace(right, wrong));
  }
  for (const file of sources.keys()) complaints.set(file, "");
  sources.set("anteroom.d.ts", astToString(await openapiTypeScript(pathToFileURL(description))));
  const paths = { anteroom: ["./anteroom.d.ts"] };
  const { output } = await compile(sources, { options: { paths } });
  for (const complaint of output.split(/\n(?=\S)/).filter(Boolean)) {
    const file = complaint.match(/^[^(]+/)[0];
    complaints.set(file, (complaints.get(file) ?? "") + complaint);
  }
});

test("the client calls every endpoint that pages call", () => {
  const { paths } = parse(readFileSync(description, "utf8"));
  // A provider's server calls these.
  for (const [path, { post }] of Object.entries(paths))
    if (post?.tags.includes("Webhooks")) delete paths[path];
  const called = new Set([...client.matchAll(/anteroom\.[A-Z]+\("([^"]+)"/g)].map(([, path]) => path));
  assert.deepEqual([...called].sort(), Object.keys(paths).sort());
});

test("the client compiles, and so do the types", () => {
  const ours = [...complaints].filter(([file]) => !file.startsWith("mistake-"));
  assert.deepEqual(ours, [["client.ts", ""]]);
});

for (const [at, [what, , , complaint]] of mistakes.entries()) {
  test(`${what} does not compile`, () => {
    const said = complaints.get(`mistake-${at}.ts`);
    assert.ok(said.includes(complaint), said);
  });
}
