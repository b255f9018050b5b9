// checkov, which looks for insecure settings in templates.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import { run } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";

const config = fileURLToPath(new URL("checkov/config.yaml", import.meta.url));

/**
 * Checks templates, which are given by name, in one run. Gives what failed and what the templates themselves
 * skip, by the same names, as `CKV_AWS_149 WorkOsSecret`.
 */
export async function checkov(templates) {
  const folder = mkdtempSync(join(tmpdir(), "anteroom-checkov-"));
  try {
    const files = Object.entries(templates).map(([name, template]) => {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(template, null, 1));
      return file;
    });
    const args = ["--config-file", config, "--output", "json", "--file", ...files];
    const { code, output } = await run(`${tools}/../checkov/bin/checkov`, args, {
      seconds: 300,
      cwd: folder,
    });
    const start = output.search(/^[[{]/m);
    if (![0, 1].includes(code) || start < 0) throw new Error(`checkov exited with ${code}:\n${output}`);
    const { results, summary } = JSON.parse(output.slice(start));
    if (summary.parsing_errors > 0 || summary.passed === 0)
      throw new Error(`checkov read nothing:\n${output}`);
    const byTemplate = (checks) =>
      Object.fromEntries(
        Object.keys(templates).map((name) => {
          const own = checks.filter(({ file_path }) => basename(file_path) === `${name}.json`);
          return [name, own.map(({ check_id, resource }) => `${check_id} ${resource.split(".").at(-1)}`)];
        }),
      );
    return { failed: byTemplate(results.failed_checks), skipped: byTemplate(results.skipped_checks) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
