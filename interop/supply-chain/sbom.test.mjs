// The SBOMs of release/sbom, made by cargo-cyclonedx, against what cargo says is compiled into each function.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root } from "../support/anteroom.mjs";
import { run } from "../support/program.mjs";

const functions = readdirSync(join(root, "functions"));

// cargo-cyclonedx takes a feature that a crate would turn on in an optional dependency for the dependency itself.
const NOT_COMPILED = ["rand_core 0.6.4"];

let folder;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "anteroom-sbom-"));
});

after(() => rmSync(folder, { recursive: true, force: true }));

for (const target of ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"]) {
  test(`an SBOM lists what is compiled into each function for ${target}`, async () => {
    const into = join(folder, target);
    await succeeds(join(root, "release/sbom"), ["--target", target, into]);
    const checksums = checksumsOfTheLockFile();
    for (const name of functions) {
      const { bomFormat, specVersion, metadata, components } = sbom(into, name);
      assert.deepEqual([bomFormat, specVersion], ["CycloneDX", "1.5"]);
      assert.equal(metadata.component.name, name);

      const listed = components.map(named).sort();
      const compiled = (await packages(name, target)).filter((one) => !one.startsWith(`${name} `));
      assert.ok(compiled.length > 100, `${name}: only ${compiled.length} packages`);
      assert.deepEqual(
        listed.filter((one) => !NOT_COMPILED.includes(one)),
        compiled,
        name,
      );

      for (const component of components.filter((one) => one.name !== "anteroom")) {
        const hashes = component.hashes?.map(({ alg, content }) => `${alg} ${content}`);
        assert.deepEqual(hashes, [`SHA-256 ${checksums.get(named(component))}`], named(component));
        assert.ok(component.licenses?.length > 0, `${named(component)} has no license`);
      }
    }
  });
}

test("an SBOM is the same wherever and whenever it is made", async () => {
  const [name] = functions;
  const texts = [];
  for (const place of ["one", "another"]) {
    await succeeds(join(root, "release/sbom"), [join(folder, place), name]);
    texts.push(readFileSync(join(folder, place, `${name}.cdx.json`), "utf8"));
  }
  assert.equal(texts[0], texts[1]);
  assert.ok(!texts[0].includes(tmpdir()) && !texts[0].includes(root), "it names a folder of this machine");
});

function sbom(into, name) {
  return JSON.parse(readFileSync(join(into, `${name}.cdx.json`), "utf8"));
}

function named({ name, version }) {
  return `${name} ${version}`;
}

/** The packages that are compiled into a function or expand its macros, as cargo lists them from Cargo.lock. */
async function packages(name, target) {
  const tree = ["tree", "--locked", "--package", name, "--edges", "normal", "--target", target];
  const output = await succeeds("cargo", [...tree, "--prefix", "none", "--format", "{p}"]);
  const lines = output.split("\n").filter((line) => / v\d/.test(line));
  return [...new Set(lines.map((line) => line.split(" ", 2).join(" ").replace(" v", " ")))].sort();
}

function checksumsOfTheLockFile() {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const pattern = /name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g;
  return new Map(Array.from(lock.matchAll(pattern), ([, name, version, sum]) => [`${name} ${version}`, sum]));
}

async function succeeds(program, command) {
  const { code, output } = await run(program, command, { cwd: root, seconds: 300 });
  assert.equal(code, 0, output);
  return output;
}
