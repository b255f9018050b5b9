// The template, checked by AWS's tools, checkov and cargo-lambda.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ClerkEmulator } from "../clerk/emulator.mjs";
import { claimsOf, LiveblocksServer } from "../liveblocks/server.mjs";
import { environment, root } from "../support/anteroom.mjs";
import { freePort, Program, run } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";
import { checkov } from "./checkov.mjs";
import { RuntimeApi } from "./runtime-api.mjs";

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

test("checkov finds nothing in what CloudFormation gets, and would find an open door", async () => {
  const good = await transformed();
  const bad = structuredClone(good);
  delete bad.Resources.WorkOsSecret.Metadata;
  const url = { TargetFunctionArn: { "Fn::GetAtt": ["SignInFunction", "Arn"] }, AuthType: "NONE" };
  bad.Resources.OpenDoor = { Type: "AWS::Lambda::Url", Properties: url };
  const { failed, skipped } = await checkov({ good, bad });
  assert.deepEqual(failed.good, []);
  assert.deepEqual(failed.bad.sort(), ["CKV_AWS_149 WorkOsSecret", "CKV_AWS_258 OpenDoor"]);
  assert.equal(skipped.good.length, 7, skipped.good.join(", "));
});

test("sam validate --lint finds nothing", async () => {
  const { code, output } = await tool("sam", ["validate", "--lint"]);
  assert.equal(code, 0, output);
  assert.match(output, /is a valid SAM Template/);
});

test("CloudFormation gets every origin, with credentials", async () => {
  const { Api } = await resources();
  const cors = Api.Properties.Body["x-amazon-apigateway-cors"];
  assert.deepEqual(cors.allowOrigins, ["https://a.example", "https://b.example"]);
  assert.equal(cors.allowCredentials, true);
  assert.deepEqual(cors.allowMethods, ["GET", "POST"]);
});

test("a function may read its own secrets and nothing else", async () => {
  const { LiveblocksAuthFunctionRole: role } = await resources();
  const statements = role.Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  const secret = (id) => ({
    Effect: "Allow",
    Action: ["secretsmanager:GetSecretValue"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in.
    Resource: { "Fn::Sub": ["${secretArn}", { secretArn: { "Fn::GetAtt": [id, "Value"] } }] },
  });
  assert.deepEqual(statements, [secret("ClerkSecretId"), secret("LiveblocksSecretId")]);
  const managed = role.Properties.ManagedPolicyArns.map((arn) => arn.split("/").at(-1));
  assert.deepEqual(managed, ["AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"]);
  assert.deepEqual(role.Properties.PermissionsBoundary, { Ref: "FunctionBoundary" });
});

test("no resource waits for itself, the updates of aliases included", async () => {
  const all = await resources();
  const done = new Set();
  const visit = (id, path) => {
    assert.ok(!path.includes(id), [...path.slice(path.indexOf(id)), id].join(" → "));
    if (done.has(id)) return;
    for (const next of namesIn(all[id])) if (next in all) visit(next, [...path, id]);
    done.add(id);
  };
  for (const id of Object.keys(all)) visit(id, []);
  // CloudFormation takes five hundred.
  assert.ok(done.size > 100 && done.size < 400, `${done.size} resources`);
});

test("in production every function is rolled out gradually, guarded by the alarm", async () => {
  const all = await resources();
  const aliases = Object.entries(all).filter(([, { Type }]) => Type === "AWS::Lambda::Alias");
  assert.ok(aliases.length > 14, `${aliases.length} aliases`);
  for (const [id, { UpdatePolicy, Condition }] of aliases) {
    // Absent whenever the rollout is gradual.
    if (Condition === "DevSignIn") continue;
    const { DeploymentGroupName } = UpdatePolicy.CodeDeployLambdaAliasUpdate;
    const { DeploymentConfigName, AlarmConfiguration } = all[DeploymentGroupName.Ref].Properties;
    const [condition, gradual] = DeploymentConfigName["Fn::If"];
    assert.equal(condition, "Gradual", id);
    assert.equal(gradual["Fn::Sub"][1].ConfigName, "Canary10Percent10Minutes");
    assert.deepEqual(AlarmConfiguration["Fn::If"].slice(0, 2), [
      "Gradual",
      { Enabled: true, Alarms: [{ Name: { Ref: "FailuresInRollout" } }] },
    ]);
  }
});

// SAM has always ignored it, and the template's `Settings` are there for that. When this fails, they
// have become superfluous.
test("the value of a parameter does not reach the names of versions", async () => {
  const versions = async (parameter) =>
    Object.keys(await resources(parameter)).filter((id) => id.includes("FunctionVersion"));
  const before = await versions("WorkOsRedirectUri=https://before.example");
  assert.deepEqual(before, await versions("WorkOsRedirectUri=https://after.example"));
  assert.ok(before.length > 14);
});

test("samconfig.toml has every parameter that a stage must have, and what is to be filled in is refused", async () => {
  const program = "import json, tomllib; print(json.dumps(tomllib.load(open('samconfig.toml', 'rb'))))";
  const { code, output } = await tool("python", ["-c", program]);
  assert.equal(code, 0, output);
  const { version, ...stages } = JSON.parse(output);
  assert.equal(version, 0.1);
  const { Parameters } = await transformed();
  const required = Object.keys(Parameters).filter((name) => Parameters[name].Default === undefined);
  assert.deepEqual(Object.keys(stages), ["default", "staging", "prod"]);
  for (const [stage, { global, deploy }] of Object.entries(stages)) {
    const { stack_name, parameter_overrides: given } = global.parameters;
    assert.equal(given.Stage, stage === "default" ? "dev" : stage);
    assert.equal(stack_name, `anteroom-${given.Stage}`);
    assert.equal(deploy.parameters.capabilities, "CAPABILITY_IAM");
    for (const name of required) assert.ok(name in given, `${stage} lacks ${name}`);
    for (const [name, value] of Object.entries(given)) {
      const { AllowedPattern, AllowedValues } = Parameters[name] ?? assert.fail(`no parameter ${name}`);
      const allowed = AllowedPattern ? new RegExp(AllowedPattern).test(value) : AllowedValues.includes(value);
      assert.equal(allowed, !value.endsWith("..."), `${stage}: ${name}=${value}`);
    }
  }
});

test("cargo-lambda's router has the template's routes", async () => {
  const { Api, ...others } = await resources();
  const integrated = Object.entries(Api.Properties.Body.paths).map(([path, methods]) => {
    const any = whereDeployed(whereDeployed(methods)["x-amazon-apigateway-any-method"]);
    const uri = whereDeployed(any["x-amazon-apigateway-integration"].uri)["Fn::Sub"];
    const alias = others[uri.match(/functions\/\$\{(\w+)\}\/invocations$/)[1]];
    assert.equal(alias.Type, "AWS::Lambda::Alias");
    const id = alias.Properties.FunctionName.Ref;
    assert.equal(others[id].Type, "AWS::Lambda::Function");
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

/** A route as it is if its condition holds; one that production lacks is inside an `Fn::If`. */
function whereDeployed(value) {
  return value["Fn::If"]?.[1] ?? value;
}

/** Everything that a value refers to. */
function* namesIn(value) {
  if (Array.isArray(value)) {
    for (const item of value) yield* namesIn(item);
  } else if (value && typeof value === "object") {
    for (const [key, inner] of Object.entries(value)) {
      if (key === "Ref" || key === "DependsOn") yield* [inner].flat();
      else if (key === "Fn::GetAtt") yield [inner].flat()[0].split(".")[0];
      else if (key === "Fn::Sub") {
        const [text, ...rest] = [inner].flat();
        for (const [, name] of text.matchAll(/\$\{(\w+)(?:\.\w+)?\}/g)) yield name;
        yield* namesIn(rest);
      } else yield* namesIn(inner);
    }
  }
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
    `${tools}/cargo-lambda`,
    ["lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1", "--invoke-port", String(port)],
    { cwd: root, env: environment(settings()) },
  );
  await watch.line(/starting Runtime server/, 60);
});

/** Settings for liveblocks-auth. */
function settings() {
  return {
    ...liveblocks.settings,
    CLERK_API_URL: emulator.url,
    CLERK_SECRET_KEY: emulator.secretKey,
    CLERK_PUBLISHABLE_KEY: `pk_live_${Buffer.from(`${new URL(session.iss).host}$`).toString("base64")}`,
    CLERK_JWT_KEY: readFileSync(join(root, "stand-ins/keys/clerk-instance.public.pem"), "utf8"),
    CLERK_AUTHORIZED_PARTIES: session.azp,
  };
}

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

// For this machine's processor, which needs neither Docker nor a cross compiler, and without
// optimisation, which changes nothing of what is tried here and takes minutes.
test("sam build makes a bootstrap of one function that answers an event", async () => {
  const folder = mkdtempSync(join(tmpdir(), "anteroom-"));
  let runtime;
  let bootstrap;
  try {
    const architecture = process.arch === "arm64" ? "arm64" : "x86_64";
    const { code, output } = await tool(
      "sam",
      [
        ...["build", "LiveblocksAuthFunction", "--build-dir", folder],
        ...["--parameter-overrides", `Architecture=${architecture}`],
      ],
      {
        seconds: 580,
        settings: {
          PATH: `${tools}:${process.env.PATH}`,
          SAM_BUILD_MODE: "debug",
          CARGO_LAMBDA_COMPILER: "cargo",
        },
      },
    );
    assert.equal(code, 0, output);
    runtime = await RuntimeApi.start(event, 60);
    bootstrap = new Program("bootstrap", join(folder, "LiveblocksAuthFunction", "bootstrap"), [], {
      env: environment({ ...settings(), ...runtime.settings }),
    });
    const answer = await runtime.answer;
    assert.equal(answer.statusCode, 200, answer.body);
    assert.equal(claimsOf(JSON.parse(answer.body).token).uid, "jane.doe@example.com");
  } finally {
    await bootstrap?.stop();
    runtime?.stop();
    rmSync(folder, { recursive: true });
  }
});

/** Runs one of the installed tools at the repository's root. */
function tool(name, args, { seconds = 120, settings = {} } = {}) {
  const region = { AWS_DEFAULT_REGION: "eu-west-1", AWS_REGION: "eu-west-1" };
  const env = environment({ ...region, SAM_CLI_TELEMETRY: "0", ...settings });
  return run(`${tools}/${name}`, args, { seconds, cwd: root, env });
}

/** The resources that CloudFormation gets. */
async function resources(...parameters) {
  return (await transformed(...parameters)).Resources;
}

/** The template that CloudFormation gets, with these parameters (`Name=value`) besides the origins. */
async function transformed(...parameters) {
  const script = fileURLToPath(new URL("transform.py", import.meta.url));
  const { code, output } = await tool("python", [
    script,
    "template.yaml",
    "AllowedOrigins=https://a.example,https://b.example",
    ...parameters,
  ]);
  assert.equal(code, 0, output);
  return JSON.parse(output.split("\n").find((line) => line.startsWith("{")));
}

function kebab(pascal) {
  return pascal.replace(/(?!^)([A-Z])/g, "-$1").toLowerCase();
}
