// schemathesis: generates valid and invalid requests from an OpenAPI description, and checks the answers
// against it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";

/**
 * Asks every endpoint at `url` that `description` has. `config` is a file of schemathesis' settings;
 * `keys` are the security schemes that it has credentials for, the others are made up.
 *
 * Gives the exit status, what it printed, its report, and each request with its answer's status.
 */
export async function schemathesis({ description, url, config, seed, examples, keys, seconds }) {
  const folder = mkdtempSync(join(tmpdir(), "anteroom-requests-"));
  const file = (name) => join(folder, name);
  try {
    writeFileSync(file("config.toml"), readFileSync(config, "utf8") + credentials(keys));
    const { code, output } = await run(
      `${tools}/st`,
      [
        ...["--no-color", "--config-file", file("config.toml"), "run", description, "--url", url],
        ...["--seed", String(seed), "--max-examples", String(examples), "--workers", "1"],
        ...["--report", "json,ndjson"],
        ...["--report-json-path", file("report.json"), "--report-ndjson-path", file("events.ndjson")],
      ],
      { seconds, cwd: folder, env: keys },
    );
    const report = JSON.parse(readFileSync(file("report.json"), "utf8"));
    return { code, output, report, requests: requestsOf(readFileSync(file("events.ndjson"), "utf8")) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function credentials(keys) {
  const schemes = Object.keys(keys).map((scheme) => {
    return `\n[auth.openapi.${scheme}]\napi_key = "\${${scheme}}"\n`;
  });
  return schemes.join("");
}

function requestsOf(events) {
  const lines = events.split("\n").filter((line) => line !== "");
  const finished = lines.map((line) => JSON.parse(line).ScenarioFinished).filter(Boolean);
  return finished.flatMap(({ recorder }) =>
    // A phase that was skipped, as that of examples is without input, has sent nothing.
    Object.values(recorder.interactions ?? {}).map(({ request, response }) => ({
      endpoint: new URL(request.uri).pathname,
      method: request.method,
      status: response?.status_code,
    })),
  );
}
