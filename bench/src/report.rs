//! The results as a JSON file.

use std::fs;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::measurement::Plan;
use crate::results::{Figure, Results, SubjectResults};

/// The results, with what they were measured on and how.
pub(crate) fn report(results: &Results, plan: Plan) -> Value {
    json!({
        "machine": {
            "processor": processor(),
            "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
            "rust": output_of("rustc", "--version"),
            "commit": output_of("git", "describe --always --dirty"),
        },
        "plan": {
            "rounds": plan.rounds,
            "warmUpRequests": plan.warm_up,
            "warmRequests": plan.warm,
        },
        "subjects": results.0.iter().map(subject).collect::<Vec<_>>(),
    })
}

fn subject(results: &SubjectResults) -> Value {
    let subject = results.subject;
    let figures = Figure::ALL.into_iter().map(|figure| {
        let spread = results.spread(figure);
        let spread = json!({
            "lowerQuartile": spread.lower_quartile,
            "median": spread.median,
            "upperQuartile": spread.upper_quartile,
        });
        (figure.key().to_owned(), spread)
    });
    json!({
        "endpoint": subject.endpoint.name(),
        "implementation": subject.implementation.name(),
        "secrets": subject.secrets.name(),
        "figures": figures.collect::<Map<_, _>>(),
    })
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(String::new, |(_, model)| model.to_owned())
}

fn output_of(program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split(' ')).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}
