//! Compares starts with the floor: what the provider calls of a start cost on the same crates, without any
//! other code. No change to a function's own code can bring its start below that.

use std::path::Path;

use anteroom_local::instance::{Instance, Launch};

use crate::Failure;
use crate::awake::Awake;
use crate::functions::{BARE_CALLS, BARE_HELLO, Functions};
use crate::process::cpu_ms;
use crate::programs::Programs;
use crate::providers::{Environment, Providers};
use crate::statistics::Spread;
use crate::subject::{Endpoint, Identity, Implementation, Secrets, Subject};
use crate::table::number;

/// Endpoints whose starts open two, three and four connections.
const ENDPOINTS: [Endpoint; 3] = [
    Endpoint::Session,
    Endpoint::RoomAuth(Identity::WorkOs),
    Endpoint::LiveblocksAuth(Identity::Clerk),
];

/// How often each program is started.
const FULL: usize = 25;
const SHORT: usize = 5;

/// Prints a table with a row per endpoint.
pub(crate) async fn print(
    root: &Path,
    mut arguments: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let starts = match arguments.next().as_deref() {
        None => FULL,
        Some("--short") => SHORT,
        Some(other) => return Err(format!("{other} is not an option").into()),
    };
    let mut names = vec![BARE_HELLO, BARE_CALLS];
    names.extend(ENDPOINTS.iter().map(|endpoint| endpoint.name()));
    let functions = Functions::build(root, &names)?;
    let programs = Programs::build(root, &ENDPOINTS.map(in_node))?;
    let providers = Providers::start().await?;
    let _awake = Awake::start()?;
    println!(
        "| start, ms CPU | connections | `hello` | the calls alone | to `hello` | Anteroom | to the calls | Node 24 \
         | to Anteroom | to the calls |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for endpoint in ENDPOINTS {
        let node = in_node(endpoint);
        let ours = Subject { implementation: Implementation::Anteroom, ..node };
        let environment = providers.environment(ours);
        let calls = calls(endpoint, &environment)?;
        let function = |name| functions.launch(name, environment.clone());
        let launches = [
            function(BARE_HELLO),
            Launch { arguments: calls.concat(), ..function(BARE_CALLS) },
            function(endpoint.name()),
            programs.launch(node, providers.environment(node)),
        ];
        let [hello, alone, ours, node] = medians(&launches, starts).await?;
        println!(
            "| {} | {} | {} | {} | {:.2}× | {} | {:.2}× | {} | {:.0}× | {:.0}× |",
            endpoint.name(),
            calls.len(),
            number(hello),
            number(alone),
            alone / hello,
            number(ours),
            ours / alone,
            number(node),
            node / ours,
            node / alone,
        );
    }
    Ok(())
}

const fn in_node(endpoint: Endpoint) -> Subject {
    Subject { endpoint, implementation: Implementation::Node, secrets: Secrets::SecretsManager }
}

/// The calls of a start, as arguments. Each opens a connection.
fn calls(endpoint: Endpoint, environment: &Environment) -> Result<Vec<[String; 2]>, Failure> {
    let variable = |name: &str| {
        let found = environment.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).ok_or(format!("{name} is not set"))
    };
    let call = |kind: &str, what: String| [kind.to_owned(), what];
    let secrets = environment.iter().filter(|(name, _)| name.ends_with("_SECRET_ID"));
    let mut calls: Vec<_> = secrets.map(|(_, id)| call("secret", id.clone())).collect();
    if let Endpoint::LiveblocksAuth(_) = endpoint {
        // Clerk's key is in a variable, so its start only connects to the hosts of its first request.
        calls.push(call("connect", variable("CLERK_API_URL")?));
        calls.push(call("connect", variable("LIVEBLOCKS_API_URL")?));
    } else {
        let (api, client) = (variable("WORKOS_API_URL")?, variable("WORKOS_CLIENT_ID")?);
        calls.push(call("get", format!("{api}/sso/jwks/{client}")));
    }
    Ok(calls)
}

/// The median CPU time of starts in milliseconds. The programs take turns, in reverse order every other time.
async fn medians<const N: usize>(
    launches: &[Launch; N],
    starts: usize,
) -> Result<[f64; N], Failure> {
    let mut figures = [const { Vec::new() }; N];
    for round in 0..starts {
        let mut order: Vec<_> = (0..N).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let instance = Instance::launch(&launches[at]).await?;
            figures[at].push(cpu_ms(instance.pid()).await?);
            instance.stop().await;
        }
    }
    Ok(figures.map(|figures| Spread::of(figures).median))
}
