// One log line per request, and its metrics in CloudWatch's embedded format.

const stage = process.env.STAGE ?? "dev";
const namespace = "Anteroom";
const byOutcome = [["Stage", "Endpoint", "Outcome"]];
const byEndpoint = [["Stage", "Endpoint"]];
const directives = [
  { Namespace: namespace, Dimensions: byOutcome, Metrics: [{ Name: "Requests", Unit: "Count" }] },
  {
    Namespace: namespace,
    Dimensions: byEndpoint,
    Metrics: [
      { Name: "Duration", Unit: "Milliseconds" },
      { Name: "ColdStarts", Unit: "Count" },
    ],
  },
];

let isCold = true;

export function answered(endpoint, status, milliseconds) {
  console.info({ message: "answered", endpoint, status, milliseconds });
  const metrics = {
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: directives },
    Stage: stage,
    Endpoint: endpoint,
    Outcome: status < 400 ? "ok" : status < 500 ? "refused" : "failed",
    Requests: 1,
    Duration: milliseconds,
    ColdStarts: isCold ? 1 : 0,
  };
  isCold = false;
  // Not through the console, which would wrap it.
  process.stdout.write(`${JSON.stringify(metrics)}\n`);
}
