// The same call as a command. The browser's cookies stay in the browser: curl keeps its own in a jar.

import { hidden, masked } from "./masking.js";
import { withQuery } from "./query.js";

export function curl({ method, path, query, headers, body }, withSecrets) {
  const lines = [`curl -sS -b jar -c jar -X ${method} ${quoted(location.origin + withQuery(path, query))}`];
  for (const [name, value] of Object.entries(headers)) {
    const isSecret = name === "authorization" && !withSecrets;
    lines.push(`-H ${quoted(`${name}: ${isSecret ? hidden(value) : value}`)}`);
  }
  if (body !== undefined) lines.push(`-d ${quoted(JSON.stringify(withSecrets ? body : masked(body)))}`);
  return lines.join(" \\\n  ");
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
