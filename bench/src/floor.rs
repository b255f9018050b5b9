//! Compares starts and warm requests with the floor: what their provider calls, and the check of the
//! caller's signature, cost on the same crates without any other code. No change to a function's own
//! code can bring it below that.

mod starts;
mod warm_requests;

use std::collections::BTreeSet;
use std::path::Path;

use anteroom_local::instance::Launch;
use serde_json::json;

use crate::Failure;
use crate::awake::Awake;
use crate::functions::{BARE_CALLS, BARE_HELLO, Functions};
use crate::measurement::Plan;
use crate::programs::Programs;
use crate::providers::{Environment, Providers};
use crate::statistics::Spread;
use crate::subject::{Endpoint, Implementation, Secrets, Subject};
use crate::table::number;

/// How often each program is started, and how many warm requests it gets.
#[derive(Clone, Copy)]
struct Extent {
    starts: usize,
    warm: Plan,
}

const FULL: Extent = Extent { starts: 25, warm: Plan { rounds: 9, warm_up: 300, warm: 700 } };
const SHORT: Extent = Extent { starts: 5, warm: Plan { rounds: 3, warm_up: 100, warm: 200 } };

/// The programs that are compared, in the order of the columns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Hello,
    Floor,
    Anteroom,
    Node,
}

/// What the bare program does, as its arguments.
type Arguments = Vec<[String; 2]>;

/// Prints a table of starts and one of warm requests, with a row per endpoint.
pub(crate) async fn print(
    root: &Path,
    mut arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let extent = match arguments.next().as_deref() {
        None => FULL,
        Some("--short") => SHORT,
        Some(other) => return Err(format!("{other} is not an option").into()),
    };
    let endpoints = [starts::ENDPOINTS.as_slice(), &warm_requests::ENDPOINTS].concat();
    let node: Vec<_> = endpoints.iter().copied().map(in_node).collect();
    let names = endpoints.iter().map(|endpoint| endpoint.name());
    let names: BTreeSet<_> = names.chain([BARE_HELLO, BARE_CALLS]).collect();
    let floor = Floor {
        functions: Functions::build(root, &Vec::from_iter(names))?,
        programs: Programs::build(root, &node)?,
        providers: Providers::start().await?,
    };
    let _awake = Awake::start()?;
    starts::print(&floor, extent.starts).await?;
    println!();
    warm_requests::print(&floor, extent.warm).await
}

const fn in_node(endpoint: Endpoint) -> Subject {
    Subject { endpoint, implementation: Implementation::Node, secrets: Secrets::Variables }
}

/// The built programs and the stand-ins.
struct Floor {
    functions: Functions,
    programs: Programs,
    providers: Providers,
}

impl Floor {
    fn environment(&self, endpoint: Endpoint, secrets: Secrets) -> Environment {
        self.providers.environment(Subject::anteroom(endpoint).with_secrets_in(secrets))
    }

    /// How each program is started.
    fn launches(
        &self,
        endpoint: Endpoint,
        secrets: Secrets,
        floor: &Arguments,
    ) -> [(Program, Launch); 4] {
        let function = |name| self.functions.launch(name, self.environment(endpoint, secrets));
        let node = in_node(endpoint).with_secrets_in(secrets);
        let node = self.programs.launch(node, self.providers.environment(node));
        [
            (Program::Hello, function(BARE_HELLO)),
            (Program::Floor, Launch { arguments: floor.concat(), ..function(BARE_CALLS) }),
            (Program::Anteroom, function(endpoint.name())),
            (Program::Node, node),
        ]
    }
}

/// The median of what is measured of each program. They take turns, in reverse order every other time.
async fn medians(
    launches: &[(Program, Launch); 4],
    rounds: usize,
    measure: impl AsyncFn(Program, &Launch) -> Result<f64, Failure>,
) -> Result<[f64; 4], Failure> {
    let mut figures = [const { Vec::new() }; 4];
    for round in 0..rounds {
        let mut order = [0, 1, 2, 3];
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let (program, launch) = &launches[at];
            figures[at].push(measure(*program, launch).await?);
        }
    }
    Ok(figures.map(|figures| Spread::of(figures).median))
}

/// Prints the head of a table.
fn print_head(figure: &str, count: &str) {
    println!(
        "| {figure}, ms CPU | {count} | `hello` | the floor | to `hello` | Anteroom | to the floor | Node 24 \
         | to Anteroom | to the floor |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
}

fn print_row(endpoint: Endpoint, count: usize, [hello, floor, ours, node]: [f64; 4]) {
    println!(
        "| `{}` | {count} | {} | {} | {:.2}× | {} | {:.2}× | {} | {:.1}× | {:.1}× |",
        endpoint.name(),
        number(hello),
        number(floor),
        floor / hello,
        number(ours),
        ours / floor,
        number(node),
        node / ours,
        node / floor,
    );
}

/// The argument with which the bare program fetches WorkOS's keys.
fn workos_keys(environment: &Environment) -> Result<[String; 2], Failure> {
    let api = variable(environment, "WORKOS_API_URL")?;
    let client = variable(environment, "WORKOS_CLIENT_ID")?;
    let call = json!({ "url": format!("{api}/sso/jwks/{client}") });
    Ok(["keys".to_owned(), call.to_string()])
}

/// The value of a variable.
fn variable<'e>(environment: &'e Environment, name: &str) -> Result<&'e str, Failure> {
    let found = environment.iter().find(|(other, _)| other == name);
    Ok(found.map(|(_, value)| value.as_str()).ok_or(format!("{name} is not set"))?)
}
