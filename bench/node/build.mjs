// Bundles each endpoint as a team would deploy it: one minified file, with the AWS SDK only where the secrets
// are in Secrets Manager.

import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";

/** Where the secrets come from, and the import condition that chooses it. */
const sources = { variables: [], "secrets-manager": ["secrets-manager"] };

const files = await readdir("src/endpoints");
const bundles = files.flatMap((file) => Object.keys(sources).map((source) => ({ file, source })));
await Promise.all(bundles.map(bundle));

function bundle({ file, source }) {
  return build({
    entryPoints: [`src/endpoints/${file}`],
    outfile: `dist/${source}/${basename(file, ".mjs")}/index.mjs`,
    conditions: sources[source],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // The packages' ES modules, of which unused parts can be left out.
    mainFields: ["module", "main"],
    legalComments: "none",
    // Some packages are CommonJS and call `require` for Node's own modules.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
}
