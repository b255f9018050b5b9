//! Starts with secrets from Secrets Manager.

use anteroom_local::instance::Instance;

use super::{Arguments, Floor, medians, print_head, print_row, variable, workos_keys};
use crate::Failure;
use crate::process::cpu_ms;
use crate::providers::Environment;
use crate::subject::{Endpoint, Identity, Secrets};

/// Endpoints whose starts open two, three and four connections.
pub(super) const ENDPOINTS: [Endpoint; 3] = [
    Endpoint::Session,
    Endpoint::RoomAuth(Identity::WorkOs),
    Endpoint::LiveblocksAuth(Identity::Clerk),
];

pub(super) async fn print(floor: &Floor, starts: usize) -> Result<(), Failure> {
    print_head("start", "connections");
    for endpoint in ENDPOINTS {
        let calls = calls(endpoint, &floor.environment(endpoint, Secrets::SecretsManager))?;
        let launches = floor.launches(endpoint, Secrets::SecretsManager, &calls);
        let figures = medians(&launches, starts, async |_, launch| {
            let instance = Instance::launch(launch).await?;
            let figure = cpu_ms(instance.pid()).await?;
            instance.stop().await;
            Ok(figure)
        });
        print_row(endpoint, calls.len(), figures.await?);
    }
    Ok(())
}

/// The calls of a start. Each opens a connection.
fn calls(endpoint: Endpoint, environment: &Environment) -> Result<Arguments, Failure> {
    let variable = |name| variable(environment, name);
    let call = |kind: &str, what: &str| [kind.to_owned(), what.to_owned()];
    let secrets = environment.iter().filter(|(name, _)| name.ends_with("_SECRET_ID"));
    let mut calls: Vec<_> = secrets.map(|(_, id)| call("secret", id)).collect();
    if let Endpoint::LiveblocksAuth(_) = endpoint {
        // Clerk's key is in a variable, so its start only connects to the hosts of its first request.
        calls.push(call("connect", variable("CLERK_API_URL")?));
        calls.push(call("connect", variable("LIVEBLOCKS_API_URL")?));
    } else {
        calls.push(workos_keys(environment)?);
    }
    Ok(calls)
}
