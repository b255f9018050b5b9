// The template, checked by AWS's tools, checkov and cargo-lambda.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ClerkEmulator } from "../clerk/emulator.mjs";
import { LiveblocksServer } from "../liveblocks/server.mjs";
import { environment, root } from "../support/anteroom.mjs";
import { claimsOf } from "../support/jwt.mjs";
import { freePort, Program, run } from "../support/program.mjs";
import { tools } from "../support/tools.mjs";
import { checkov } from "./checkov.mjs";
import { RuntimeApi } from "./runtime-api.mjs";
import { namesIn, Stack } from "./stack.mjs";

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
  assert.equal(skipped.good.length, 9, skipped.good.join(", "));
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

const traces = {
  workos: /workos|wos-|\/auth\/|sign-?in(?!s)/i,
  clerk: /clerk/i,
  liveblocks: /liveblocks/i,
  livekit: /livekit/i,
  events: /event-?(bus|bridge)|webhook|sqs|putevents/i,
  recordings: /(start|stop)-?recording|livekit\/recordings|"recordings?_|recordingsbucket|"s3:/i,
  guests: /invite-?guest|guest-?auth/i,
  moderation: /(remove|mute)-?participant/i,
};
const workos = { WorkOsClientId: "client_01", WorkOsRedirectUri: "https://a.example/callback" };
const clerk = { ClerkPublishableKey: "pk_test_Y2xlcmsuZXhhbXBsZSQ" };
const livekit = { LiveKitUrl: "wss://livekit.example" };
const recordings = { ...livekit, RecordingsBucket: "our-recordings" };
const events = { EventBus: "own", RecordingQueue: "true" };
const guests = { RoomInvitePermission: "guests:invite" };
const moderation = { RoomModeratePermission: "rooms:moderate" };
const listed = { ...recordings, RecordingPermission: "recordings:manage" };
const documents = { Liveblocks: "true" };
const ofRooms = ["livekit", "recordings", "events", "guests", "moderation"];
/** All parts of rooms but some. */
const without = (...present) => ofRooms.filter((part) => !present.includes(part));
const combinations = {
  "WorkOS alone": { given: workos, absent: ["clerk", "liveblocks", ...ofRooms] },
  "WorkOS and LiveKit": {
    given: { ...workos, ...livekit },
    absent: ["clerk", "liveblocks", ...without("livekit")],
  },
  "WorkOS, LiveKit and guests": {
    given: { ...workos, ...livekit, ...guests },
    absent: ["clerk", "liveblocks", ...without("livekit", "guests")],
  },
  "WorkOS, LiveKit and moderation": {
    given: { ...workos, ...livekit, ...moderation },
    absent: ["clerk", "liveblocks", ...without("livekit", "moderation")],
  },
  "WorkOS, LiveKit and recordings": {
    given: { ...workos, ...recordings },
    absent: ["clerk", "liveblocks", ...without("livekit", "recordings")],
  },
  "WorkOS, LiveKit and events": {
    given: { ...workos, ...livekit, ...events },
    absent: ["clerk", "liveblocks", ...without("livekit", "events")],
  },
  "WorkOS and Liveblocks": {
    given: { ...workos, ...documents, LiveblocksIdentity: "workos" },
    absent: ["clerk", ...ofRooms],
  },
  "Clerk and Liveblocks": {
    given: { ...clerk, ...documents },
    absent: ["workos", ...ofRooms],
  },
  "Clerk, Liveblocks and LiveKit": {
    given: { ...clerk, ...documents, ...recordings, ...guests, ...moderation, LiveKitIdentity: "clerk" },
    absent: ["workos", "events"],
  },
  everything: {
    given: { ...workos, ...clerk, ...documents, ...listed, ...events, ...guests, ...moderation },
    absent: [],
  },
};

test("a stack has no trace of the providers that are not used", async () => {
  const template = await transformed();
  for (const [name, { given, absent }] of Object.entries(combinations)) {
    for (const Stage of ["dev", "prod"]) {
      const { refusals, resources, outputs } = stackOf(template, { Stage, ...given });
      assert.deepEqual(refusals, [], name);
      const stack = JSON.stringify({ resources, outputs }, null, 1);
      for (const [provider, trace] of Object.entries(traces)) {
        const found = stack.split("\n").filter((line) => trace.test(line));
        if (absent.includes(provider)) assert.deepEqual(found, [], name);
        else assert.ok(found.length > 5, `${name}: ${provider}`);
      }
      const known = { ...resources, ...template.Parameters };
      for (const name of namesIn({ resources, outputs }))
        assert.ok(name in known || name.startsWith("AWS::"), `${name}: there is no ${name}`);
    }
  }
});

test("a stack has its endpoints, secrets, alarms and outputs", async () => {
  const template = await transformed();
  const partsOf = ({ resources, outputs }) => {
    const of = (ending, names) =>
      names.filter((id) => id.endsWith(ending)).map((id) => id.replace(ending, ""));
    const ids = Object.keys(resources);
    const { Api, ApiApiGatewayDefaultStage: stage, Dashboard } = resources;
    const dashboard = JSON.parse(Dashboard.Properties.DashboardBody["Fn::Sub"]);
    return {
      paths: Object.keys(Api.Properties.Body.paths).sort(),
      limited: Object.keys(stage.Properties.RouteSettings).sort(),
      functions: ids.filter((id) => resources[id].Type === "AWS::Lambda::Function").length,
      secrets: of("Secret", ids).sort(),
      alarms: of("KeyRefused", ids).sort(),
      shown: dashboard.widgets.at(-1).properties.alarms.length - 4,
      outputs: of("SecretArn", Object.keys(outputs)).sort(),
    };
  };
  const whole = partsOf(stackOf(template, combinations.everything.given));
  const prefixes = {
    WorkOs: /\/auth\//,
    Clerk: /^$/,
    Liveblocks: /\/api\/liveblocks/,
    LiveKit: /\/livekit\/(?!.*(recording|webhook|guest|participant))/,
    EventBridge: /\/livekit\/webhook/,
    Recordings: /\/livekit\/\w+-recording$/,
    RecordingsList: /\/livekit\/recordings$/,
    Guests: /\/livekit\/.*guest/,
    Moderation: /\/livekit\/.*participant/,
  };
  const only = (providers, routes) =>
    routes.filter((route) => providers.some((provider) => prefixes[provider].test(route)));
  const endpoints = {
    WorkOs: 11,
    Clerk: 0,
    Liveblocks: 1,
    LiveKit: 1,
    EventBridge: 1,
    Recordings: 2,
    RecordingsList: 1,
    Guests: 2,
    Moderation: 2,
  };
  for (const [provider, atLeast] of Object.entries(endpoints))
    assert.ok(only([provider], whole.paths).length >= atLeast, provider);

  for (const { given } of Object.values(combinations)) {
    const parts = [
      ...(given.WorkOsClientId ? ["WorkOs"] : []),
      ...(given.ClerkPublishableKey ? ["Clerk"] : []),
      ...(given.Liveblocks ? ["Liveblocks"] : []),
      ...(given.LiveKitUrl ? ["LiveKit"] : []),
    ];
    const providers = parts.toSorted();
    if (given.RecordingsBucket) parts.push("Recordings");
    if (given.LiveKitUrl && given.RoomInvitePermission) parts.push("Guests");
    if (given.LiveKitUrl && given.RoomModeratePermission) parts.push("Moderation");
    if (given.EventBus) parts.push("EventBridge");
    const refusing = [...providers, ...(given.EventBus ? ["EventBridge"] : [])].toSorted();
    const listed = given.RecordingPermission ? ["RecordingsList"] : [];
    parts.push(...listed);
    assert.deepEqual(partsOf(stackOf(template, given)), {
      paths: only(parts, whole.paths),
      limited: only(parts, whole.limited),
      functions: only(parts, whole.paths).length,
      secrets: providers,
      alarms: refusing,
      shown: refusing.length + (given.RecordingQueue ? 1 : 0) + listed.length,
      outputs: providers,
    });
  }
});

test("parameters that cannot work together are refused in words", async () => {
  const template = await transformed();
  for (const [given, reason] of [
    [{}, /no endpoint\. Set WorkOsClientId .*, LiveKitUrl .*, or Liveblocks=true$/],
    [clerk, /no endpoint/],
    [{ WorkOsClientId: "client_01" }, /^WorkOsClientId and WorkOsRedirectUri go together$/],
    [{ ...workos, WorkOsClientId: "", ...clerk, ...documents }, /WorkOsRedirectUri go together$/],
    [documents, /^LiveblocksIdentity=clerk \(the default\) requires ClerkPublishableKey\./],
    [{ ...workos, ...documents }, /set LiveblocksIdentity=workos$/],
    [{ ...clerk, ...documents, LiveblocksIdentity: "workos" }, /^LiveblocksIdentity=workos requires Wor/],
    [livekit, /^LiveKitIdentity=workos \(the default\) requires WorkOsClientId\./],
    [{ ...clerk, ...livekit }, /set LiveKitIdentity=clerk$/],
    [{ ...workos, ...livekit, LiveKitIdentity: "clerk" }, /^LiveKitIdentity=clerk requires ClerkPublish/],
    [{ ...workos, RecordingsBucket: "our-recordings" }, /^RecordingsBucket requires LiveKitUrl$/],
    [{ ...workos, EventBus: "own" }, /^EventBus requires LiveKitUrl$/],
    [{ ...workos, RoomInvitePermission: "rooms:invite" }, /^RoomInvitePermission requires LiveKitUrl$/],
    [{ ...workos, RoomModeratePermission: "rooms:moderate" }, /^RoomModeratePermission requires LiveKitUrl$/],
    [
      { ...workos, ...livekit, RecordingPermission: "recordings:manage" },
      /^RecordingPermission requires RecordingsBucket$/,
    ],
    [{ ...workos, ...livekit, RecordingQueue: "true" }, /^RecordingQueue=true requires EventBus$/],
    [
      { ...workos, ...livekit, EventBus: "my-bus" },
      /^EventBus must be own or the ARN of an event bus, or empty$/,
    ],
    [{ ...workos, ...livekit, LiveKitIdentity: "auth0" }, /^LiveKitIdentity must be one of workos, clerk$/],
  ]) {
    const { refusals } = stackOf(template, given);
    assert.equal(refusals.filter((refusal) => reason.test(refusal)).length, 1, `${reason}: ${refusals}`);
  }
});

test("a function may read the secrets of the chosen identity's provider and its own, and nothing else", async () => {
  const template = await transformed();
  const secret = (id) => ({
    Effect: "Allow",
    Action: ["secretsmanager:GetSecretValue"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in.
    Resource: { "Fn::Sub": ["${secretArn}", { secretArn: { "Fn::GetAtt": [id, "Value"] } }] },
  });
  const whole = combinations.everything.given;
  const moderated = ["InviteGuest", "RemoveParticipant", "MuteParticipant"];
  const rooms = ["RoomAuth", "LivekitToken", "StartRecording", "StopRecording", ...moderated];
  for (const [given, functions, secrets] of [
    [whole, ["LiveblocksAuth"], ["ClerkSecretId", "LiveblocksSecretId"]],
    [
      { ...whole, LiveblocksIdentity: "workos" },
      ["LiveblocksAuth"],
      ["WorkOsSecretId", "LiveblocksSecretId"],
    ],
    [whole, rooms, ["WorkOsSecretId", "LiveKitSecretId"]],
    [{ ...whole, LiveKitIdentity: "clerk" }, rooms, ["ClerkSecretId", "LiveKitSecretId"]],
    [whole, ["GuestAuth"], ["LiveKitSecretId"]],
    [{ ...whole, LiveKitIdentity: "clerk" }, ["SignIn", "Session"], ["WorkOsSecretId"]],
  ]) {
    const { resources } = stackOf(template, given);
    for (const name of functions) {
      const role = resources[`${name}FunctionRole`];
      const statements = role.Properties.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
      assert.deepEqual(statements, secrets.map(secret), name);
      const managed = role.Properties.ManagedPolicyArns.map((arn) => arn.split("/").at(-1));
      assert.deepEqual(managed, ["AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"]);
      assert.deepEqual(role.Properties.PermissionsBoundary, { Ref: "FunctionBoundary" });
      const { Variables } = resources[`${name}Function`].Properties.Environment;
      const named = Object.values(Variables).filter((value) => value?.["Fn::GetAtt"]);
      assert.deepEqual(named.map((value) => value["Fn::GetAtt"][0]).sort(), secrets.toSorted(), name);
    }
  }
});

test("the webhook may put events on the bus and read LiveKit's secret, and nothing else", async () => {
  const template = await transformed();
  const arn = "arn:aws:events:eu-west-1:123456789012:event-bus/of-another-stack";
  for (const [EventBus, own] of [
    ["own", { "Fn::GetAtt": ["OwnEventBus", "Arn"] }],
    [arn, arn],
  ]) {
    const { resources } = stackOf(template, { ...workos, ...livekit, ...events, EventBus });
    assert.equal("OwnEventBus" in resources, EventBus === "own");
    assert.deepEqual(resources.EventBusArn.Properties.Value, own);
    const bus = { "Fn::GetAtt": "EventBusArn.Value" };
    const statement = { Effect: "Allow", Action: "events:PutEvents", Resource: bus };
    const { Policies } = resources.LivekitWebhookFunctionRole.Properties;
    const [secret, ...others] = Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    assert.deepEqual(secret.Action, ["secretsmanager:GetSecretValue"]);
    assert.deepEqual(normalized(others), normalized([statement]));
    const boundary = resources.FunctionBoundary.Properties.PolicyDocument.Statement;
    assert.deepEqual(normalized(boundary.at(-1)), normalized(statement));
    assert.deepEqual(normalized(resources.EndedRecordingsRule.Properties.EventBusName), normalized(bus));
  }
});

/** The same with one spelling of `Fn::GetAtt`. */
function normalized(value) {
  return JSON.parse(JSON.stringify(value).replaceAll('["EventBusArn","Value"]', '"EventBusArn.Value"'));
}

test("the list of recordings may read recordings in the bucket, and no other function may", async () => {
  const { resources } = stackOf(await transformed(), combinations.everything.given);
  const roles = Object.entries(resources).filter(([, { Type }]) => Type === "AWS::IAM::Role");
  const statementsOf = (role) =>
    role.Properties.Policies?.flatMap((policy) => policy.PolicyDocument.Statement);
  const reading = (role) => statementsOf(role)?.filter(({ Action }) => [Action].flat()[0].startsWith("s3:"));
  const readers = roles.filter(([, role]) => reading(role)?.length > 0);
  assert.deepEqual(
    readers.map(([id]) => id),
    ["RecordingsFunctionRole"],
  );
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in.
  const bucket = "arn:${AWS::Partition}:s3:::${RecordingsBucket}";
  const condition = { StringLike: { "s3:prefix": "recordings/*" } };
  assert.deepEqual(reading(readers[0][1]), [
    { Effect: "Allow", Action: "s3:ListBucket", Resource: { "Fn::Sub": bucket }, Condition: condition },
    { Effect: "Allow", Action: "s3:GetObject", Resource: { "Fn::Sub": `${bucket}/recordings/*` } },
  ]);
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

test("samconfig.toml has a working example of each stage and name, and what is to be filled in is refused", async () => {
  const program = "import json, tomllib; print(json.dumps(tomllib.load(open('samconfig.toml', 'rb'))))";
  const { code, output } = await tool("python", ["-c", program]);
  assert.equal(code, 0, output);
  const { version, ...environments } = JSON.parse(output);
  assert.equal(version, 0.1);
  const template = await transformed();
  const everything = ["WorkOs", "Clerk", "Liveblocks", "LiveKit"];
  const providers = {
    default: everything,
    staging: everything,
    prod: everything,
    "workos-livekit": ["WorkOs", "LiveKit"],
    "clerk-liveblocks-livekit": ["Clerk", "Liveblocks", "LiveKit"],
  };
  assert.deepEqual(Object.keys(environments), Object.keys(providers));
  for (const [name, { global, deploy }] of Object.entries(environments)) {
    const { stack_name, parameter_overrides: given } = global.parameters;
    assert.equal(stack_name, `anteroom-${name === "default" ? "dev" : name}`);
    assert.equal(given.Stage, ["staging", "prod"].includes(name) ? name : "dev");
    assert.equal(deploy.parameters.capabilities, "CAPABILITY_IAM");
    // SAM keeps the value of a parameter that is missing, and so would keep `at-once` after one deployment.
    assert.equal(given.Rollout, given.Stage === "prod" ? "gradual" : undefined, name);
    for (const [parameter, value] of Object.entries(given)) {
      if (!value.endsWith("...")) continue;
      const { refusals } = new Stack(template, { ...given, [parameter]: value });
      assert.ok(
        refusals.some((refusal) => refusal.startsWith(`${parameter} `)),
        `${name}: ${parameter}=${value}`,
      );
    }
    const filledIn = Object.entries(given).map(([parameter, value]) => [parameter, filled(parameter, value)]);
    const { refusals, resources } = new Stack(template, Object.fromEntries(filledIn));
    assert.deepEqual(refusals, [], name);
    const used = Object.keys(resources).filter((id) => id.endsWith("KeyRefused"));
    const expected = providers[name].map((provider) => `${provider}KeyRefused`);
    assert.deepEqual(used.sort(), expected.sort(), name);
  }
});

test("the workflow deploys each stage with a section of samconfig.toml that exists", async () => {
  const program =
    "import json, tomllib, yaml; workflow = yaml.safe_load(open('.github/workflows/deploy.yml')); " +
    "print(json.dumps([workflow[True], workflow['jobs'], tomllib.load(open('samconfig.toml', 'rb'))]))";
  const { code, output } = await tool("python", ["-c", program]);
  assert.equal(code, 0, output);
  // YAML 1.1 reads the key `on` as true.
  const [triggers, { deploy }, sections] = JSON.parse(output);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: GitHub fills it in.
  assert.equal(deploy.env.SECTION, "${{ inputs.stage == 'dev' && 'default' || inputs.stage }}");
  const sam = deploy.steps.map(({ run }) => run ?? "").filter((command) => command.startsWith("sam "));
  assert.deepEqual(
    sam.map((command) => command.includes('--config-env "$SECTION"')),
    [true, true],
  );
  for (const stage of triggers.workflow_dispatch.inputs.stage.options) {
    const section = sections[stage === "dev" ? "default" : stage];
    assert.equal(section?.global.parameters.parameter_overrides.Stage, stage);
  }
});

/** A value of samconfig.toml, with something in the place of its `...`. */
function filled(parameter, value) {
  const [start, placeholder] = value.split("...");
  if (placeholder === undefined) return value;
  return { AlarmEmail: "ops@a.example", RecordingsBucket: "our-recordings" }[parameter] ?? `${start}a01`;
}

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

/** The stack with these parameters and an origin. */
function stackOf(template, given) {
  return new Stack(template, { AllowedOrigins: "https://a.example", ...given });
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
