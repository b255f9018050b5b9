//! Users with metadata up to WorkOS's limit, which is far more than a session's cookie holds.
//! <https://workos.com/docs/metadata>

use anteroom_local::instance::Instance;
use anteroom_testing::Event;
use serde_json::{Map, Value, json};

use super::{Bench, body};
use crate::Failure;
use crate::curve::{Curves, Panel, Series};
use crate::providers::Providers;
use crate::sessions::{self, EMAIL, USER};
use crate::subject::{Endpoint, Subject};

const AUTHENTICATE: &str = "/user_management/authenticate";

/// The length of each entry: the longest that WorkOS accepts.
const ENTRY: usize = 600;

/// The largest cookie that browsers keep, in bytes.
const MAX_COOKIE: usize = 4096;

pub(super) async fn curves(bench: &Bench) -> Result<Curves, Failure> {
    let counts: &[u32] = bench.either(&[0, 50], &[0, 1, 2, 5, 10, 20, 30, 40, 50]);
    let mut signing_in = Series::new("finalize-magic-auth");
    let mut short = Series::new("session, short entries");
    let providers = Providers::start().await?;
    let instance = launch(bench, &providers, Endpoint::FinalizeMagicAuth).await?;
    for &count in counts {
        let next = async || {
            let session = with_metadata(providers.workos.sign_in(USER, None), count, ENTRY);
            providers.workos.prescribe(AUTHENTICATE, 200, session);
            let input = json!({ "email": EMAIL, "code": providers.workos.magic_code(USER) });
            Ok(Event::documented("finalize-magic-auth.json").json(&input))
        };
        let cpu = bench.cpu_per_request(&instance, next, is_signed_in).await?;
        signing_in.push(count.into(), cpu);
    }
    instance.stop().await;
    let instance = launch(bench, &providers, Endpoint::Session).await?;
    for &count in counts {
        let session = with_metadata(providers.workos.sign_in(USER, None), count, 2);
        let event = sessions::with_session(&providers, &session).await;
        let is_right =
            |answer: &Value| body(answer).is_some_and(|body| body["user"]["email"] == EMAIL);
        let cpu = bench.cpu_per_request(&instance, async || Ok(event.clone()), is_right).await?;
        short.push(count.into(), cpu);
    }
    instance.stop().await;
    Ok(Curves {
        title: "Metadata of a user".to_owned(),
        panels: vec![
            Panel::new("CPU, entries of 600 characters, ms", "entries", vec![signing_in]),
            Panel::new("CPU, entries that fit into the cookie, ms", "entries", vec![short]),
        ],
    })
}

async fn launch(
    bench: &Bench,
    providers: &Providers,
    endpoint: Endpoint,
) -> Result<Instance, Failure> {
    let environment = providers.environment(Subject::anteroom(endpoint));
    Ok(Instance::launch(&bench.functions.launch(endpoint.name(), environment)).await?)
}

/// A session of a user with this many entries of metadata.
fn with_metadata(mut session: Value, count: u32, length: usize) -> Value {
    let entry = |number| (format!("key_{number:02}"), json!("m".repeat(length)));
    session["user"]["metadata"] = Value::Object((0..count).map(entry).collect::<Map<_, _>>());
    session
}

/// Whether the user is signed in by a cookie that browsers keep.
fn is_signed_in(answer: &Value) -> bool {
    let cookie = answer["cookies"][0].as_str().unwrap_or_default();
    let pair = cookie.split(';').next().unwrap_or_default();
    let is_kept = pair.starts_with("wos-session=Fe26.2") && cookie.len() <= MAX_COOKIE;
    body(answer).is_some_and(|body| body["user"]["email"] == EMAIL) && is_kept
}
