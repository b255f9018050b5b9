// The deployment, as AWS's tools and cargo-lambda see it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { environment, root } from "./programs/anteroom.mjs";
import { ClerkEmulator } from "./programs/clerk.mjs";
import { claimsOf, LiveblocksServer } from "./programs/liveblocks.mjs";
import { pythonTools } from "./programs/moto.mjs";
import { freePort, Program, run } from "./programs/program.mjs";

const event = JSON.parse(readFileSync(join(root, "events/liveblocks-auth.json"), "utf8"));
const authorization = event.headers.authorization;
const session = claimsOf(authorization.replace("Bearer ", ""));
const user = {
  clerk_id: session.sub,
  first_name: "Jane",
  last_name: "Doe",
  email_addresses: ["jane.doe@example.com"],
};

test("cfn-lint finds nothing", async () => {
  const { code, output } = await tool("cfn-lint", ["template.yaml"]);
  assert.equal(code, 0, output);
});

test("sam validate --lint finds nothing", async () => {
  const { code, output } = await tool("sam", ["validate", "--lint"]);
  assert.equal(code, 0, output);
  assert.match(output, /is a valid SAM Template/);
});

test("CloudFormation gets every origin, with credentials", async () => {
  const { Api } = await transformed();
  const cors = Api.Properties.Body["x-amazon-apigateway-cors"];
  assert.deepEqual(cors.allowOrigins, ["https://a.example", "https://b.example"]);
  assert.equal(cors.allowCredentials, true);
  assert.deepEqual(cors.allowMethods, ["POST"]);
});

test("a function may read its own secrets and nothing else", async () => {
  const { LiveblocksAuthFunctionRole: role } = await transformed();
  const statements = role.Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  assert.deepEqual(statements, [
    {
      Effect: "Allow",
      Action: "secretsmanager:GetSecretValue",
      Resource: [{ Ref: "ClerkSecretArn" }, { Ref: "LiveblocksSecretArn" }],
    },
  ]);
  assert.equal(role.Properties.ManagedPolicyArns.length, 1);
  assert.match(role.Properties.ManagedPolicyArns[0], /AWSLambdaBasicExecutionRole$/);
});

test("cargo-lambda's router has the template's routes", async () => {
  const { Api, ...resources } = await transformed();
  const integrated = Object.entries(Api.Properties.Body.paths).map(([path, methods]) => {
    const any = whereDeployed(whereDeployed(methods)["x-amazon-apigateway-any-method"]);
    const uri = whereDeployed(any["x-amazon-apigateway-integration"].uri)["Fn::Sub"];
    const id = uri.match(/\$\{(\w+)\.Arn\}/)[1];
    assert.equal(resources[id].Type, "AWS::Lambda::Function");
    return { path, function: kebab(id.replace(/Function$/, "")) };
  });
  const { output } = await run("cargo", ["metadata", "--no-deps", "--format-version", "1"], {
    seconds: 60,
    cwd: root,
    env: environment({}),
  });
  const { metadata } = JSON.parse(output.split("\n").find((line) => line.startsWith("{")));
  const inOrder = (routes) => routes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  assert.deepEqual(inOrder(metadata.lambda.watch.router), inOrder(integrated));
});

/** What a route is where its condition holds: one that production does not have is under an `Fn::If`. */
function whereDeployed(value) {
  return value["Fn::If"]?.[1] ?? value;
}

// cargo-lambda builds with cargo, which finds everything built already.
let emulator;
let liveblocks;
let watch;
let address;

before(async () => {
  emulator = await ClerkEmulator.start({ users: [user] });
  liveblocks = await LiveblocksServer.start();
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  watch = new Program(
    "cargo lambda watch",
    `${pythonTools}/cargo-lambda`,
    ["lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1", "--invoke-port", String(port)],
    {
      cwd: root,
      env: environment({
        ...liveblocks.settings,
        CLERK_API_URL: emulator.url,
        CLERK_SECRET_KEY: emulator.secretKey,
        CLERK_PUBLISHABLE_KEY: `pk_test_${Buffer.from(`${new URL(session.iss).host}$`).toString("base64")}`,
        CLERK_JWT_KEY: readFileSync(join(root, "local/keys/clerk-instance.public.pem"), "utf8"),
        CLERK_AUTHORIZED_PARTIES: session.azp,
      }),
    },
  );
  await watch.line(/starting Runtime server/, 60);
});

after(async () => {
  await watch?.stop();
  await liveblocks?.stop();
  await emulator?.stop();
});

test("cargo lambda watch answers a request on the function's route", async () => {
  const answer = await fetch(`${address}/api/liveblocks-auth`, {
    method: "POST",
    headers: { authorization },
    signal: AbortSignal.timeout(300_000),
  });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  assert.equal(claimsOf(body.token).uid, "jane.doe@example.com");
});

test("cargo lambda watch passes a wrong method on, for the function to refuse", async () => {
  const answer = await fetch(`${address}/api/liveblocks-auth`, { signal: AbortSignal.timeout(30_000) });
  assert.equal(answer.status, 405);
});

test("cargo lambda invoke sends the event in events/ and gets 200", async () => {
  const port = new URL(address).port;
  const file = join(root, "events/liveblocks-auth.json");
  const { code, output } = await tool("cargo-lambda", [
    ...["lambda", "invoke", "liveblocks-auth", "--data-file", file],
    ...["--invoke-address", "127.0.0.1", "--invoke-port", port, "--output-format", "json"],
  ]);
  assert.equal(code, 0, output);
  const response = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  assert.equal(response.statusCode, 200, output);
  assert.equal(claimsOf(JSON.parse(response.body).token).uid, "jane.doe@example.com");
});

/** Runs one of the installed tools at the repository's root. */
function tool(name, args) {
  const env = environment({ AWS_DEFAULT_REGION: "eu-west-1", SAM_CLI_TELEMETRY: "0" });
  return run(`${pythonTools}/${name}`, args, { seconds: 120, cwd: root, env });
}

/** The resources that CloudFormation gets. */
async function transformed() {
  const script = fileURLToPath(new URL("programs/transform.py", import.meta.url));
  const { code, output } = await tool("python", [
    script,
    "template.yaml",
    "https://a.example",
    "https://b.example",
  ]);
  assert.equal(code, 0, output);
  return JSON.parse(output.split("\n").find((line) => line.startsWith("{"))).Resources;
}

function kebab(pascal) {
  return pascal.replace(/(?!^)([A-Z])/g, "-$1").toLowerCase();
}
