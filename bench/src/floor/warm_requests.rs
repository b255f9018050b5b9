//! Warm requests.

use anteroom_local::instance::Instance;
use anteroom_stand_ins::jwt;
use serde_json::{Value, json};

use super::{Arguments, Floor, Program, medians, print_head, print_row, variable, workos_keys};
use crate::Failure;
use crate::measurement::{Plan, ask, warm_ms};
use crate::providers::{EMAIL, USER};
use crate::requests::Requests;
use crate::subject::{Endpoint, Identity, Secrets};

/// Endpoints whose requests make no provider call, and two.
pub(super) const ENDPOINTS: [Endpoint; 2] =
    [Endpoint::RoomAuth(Identity::WorkOs), Endpoint::LiveblocksAuth(Identity::Clerk)];

pub(super) async fn print(floor: &Floor, plan: Plan) -> Result<(), Failure> {
    print_head("warm request", "provider calls");
    for endpoint in ENDPOINTS {
        let arguments = work(endpoint, floor)?;
        let launches = floor.launches(endpoint, Secrets::Variables, &arguments);
        let figures = medians(&launches, plan.rounds as usize, async |program, launch| {
            let requests = Requests::to(endpoint, &floor.providers).await?;
            let instance = Instance::launch(launch).await?;
            let figure = warm_ms(instance.pid(), plan, async || match program {
                Program::Hello | Program::Floor => ask_bare(&instance, &requests).await,
                Program::Anteroom | Program::Node => ask(&instance, &requests).await,
            });
            let figure = figure.await?;
            instance.stop().await;
            Ok(figure)
        });
        let calls = arguments.iter().filter(|[kind, _]| kind == "call").count();
        print_row(endpoint, calls, figures.await?);
    }
    Ok(())
}

/// Sends the next request to a program that only says that it has done its work.
async fn ask_bare(instance: &Instance, requests: &Requests<'_>) -> Result<Value, Failure> {
    let answer = instance.invoke(requests.next().await?.as_json()).await?;
    if answer["statusCode"] == 200 { Ok(answer) } else { Err(format!("it is {answer}").into()) }
}

/// What a request cannot do without: the caller's token is verified, and the providers are called.
fn work(endpoint: Endpoint, floor: &Floor) -> Result<Arguments, Failure> {
    let environment = floor.environment(endpoint, Secrets::Variables);
    let variable = |name| variable(&environment, name);
    let argument = |kind: &str, call: Value| [kind.to_owned(), call.to_string()];
    let Endpoint::LiveblocksAuth(_) = endpoint else {
        return Ok(vec![workos_keys(&environment)?]);
    };
    let claims = jwt::claims(&floor.providers.clerk.session_token(USER)).ok_or("no claims")?;
    let user = claims["sub"].as_str().ok_or("no user")?;
    let (clerk, liveblocks) = (variable("CLERK_API_URL")?, variable("LIVEBLOCKS_API_URL")?);
    let clerk_key = format!("Bearer {}", variable("CLERK_SECRET_KEY")?);
    let liveblocks_key = format!("Bearer {}", variable("LIVEBLOCKS_SECRET_KEY")?);
    let of_clerk =
        |path: String| json!({ "url": clerk.to_owned() + &path, "authorization": clerk_key });
    let identify = json!({
        "url": format!("{liveblocks}/v2/identify-user"),
        "authorization": liveblocks_key,
        "body": { "userId": EMAIL, "userInfo": { "name": "Jane Doe", "color": "#D583F0" } },
    });
    Ok(vec![
        argument("keys", of_clerk("/v1/jwks".to_owned())),
        argument("call", of_clerk(format!("/v1/users/{user}"))),
        argument("call", identify),
    ])
}
