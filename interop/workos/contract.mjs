// WorkOS's own OpenAPI document, to check answers against.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";

const file = fileURLToPath(import.meta.resolve("@workos/openapi-spec/spec"));
const contract = parse(readFileSync(file, "utf8"));

// Not strict: OpenAPI adds keywords to those of JSON Schema.
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(contract, "workos");

// Statuses of the real API that the document does not list for each operation.
const everywhere = {
  401: ["message"],
  429: ["message"],
};

/** Why the document does not allow an answer to a request, or `undefined` if it does. */
export function violation(method, path, status, body) {
  const operation = operationOf(method, path);
  if (!operation) return `${method} ${path} is not in the document`;
  const { name, item } = operation;
  const content = item.responses[status]?.content?.["application/json"];
  // A limit that is not the daily quota has no schema.
  const isListed = content && !(status === 429 && body.code === "rate_limit_exceeded");
  if (!isListed) {
    const needed = everywhere[status];
    if (!needed) return `${method} ${name} never answers ${status}: ${JSON.stringify(body)}`;
    const missing = needed.filter((field) => typeof body[field] !== "string");
    return missing.length ? `a ${status} lacks ${missing}: ${JSON.stringify(body)}` : undefined;
  }
  const pointer = [
    "paths",
    name,
    method.toLowerCase(),
    "responses",
    String(status),
    "content",
    "application/json",
    "schema",
  ]
    .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
    .join("/");
  const validate = ajv.getSchema(`workos#/${pointer}`);
  if (validate(body)) return undefined;
  return `${method} ${name} ${status}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(body)}`;
}

function operationOf(method, path) {
  const parts = path.split("/");
  const fits = (name) => {
    const wanted = name.split("/");
    return (
      wanted.length === parts.length &&
      wanted.every((part, index) => part.startsWith("{") || part === parts[index])
    );
  };
  // A path without parameters before one with them, as OpenAPI says.
  const names = Object.keys(contract.paths).filter(fits);
  const name = names.find((found) => !found.includes("{")) ?? names[0];
  const item = contract.paths[name]?.[method.toLowerCase()];
  return item && { name, item };
}

/**
 * A `fetch` that throws when an answer is not one that the document allows. `seen` collects what was
 * answered, as `POST /user_management/authenticate 200`.
 */
export function checkedFetch(seen = new Set()) {
  return async (url, options) => {
    const answer = await fetch(url, options);
    const { pathname } = new URL(url);
    const body = await answer.clone().json();
    const method = options?.method ?? "GET";
    const problem = violation(method, pathname, answer.status, body);
    if (problem) throw new Error(problem);
    seen.add(`${method} ${operationOf(method, pathname).name} ${answer.status}`);
    return answer;
  };
}
