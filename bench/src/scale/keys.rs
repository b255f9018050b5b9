//! A provider that publishes many signing keys: the start, which reads all of them, and a request,
//! which needs one.

use anteroom_local::instance::Instance;
use anteroom_stand_ins::workos::{CLIENT_ID, SIGNING_KEY};
use serde_json::{Value, json};

use super::Bench;
use crate::Failure;
use crate::curve::{Curves, Panel, Series};
use crate::process::cpu_ms;
use crate::providers::Providers;
use crate::requests::Requests;
use crate::statistics::Spread;
use crate::subject::{Endpoint, Identity, Subject};

/// The length in Base64 of the certificate that WorkOS publishes with each key.
const CERTIFICATE: usize = 1000;

pub(super) async fn curves(bench: &Bench) -> Result<Curves, Failure> {
    let (mut start, mut warm) = (Series::new("start"), Series::new("warm request"));
    let counts: &[u32] = bench.either(&[1, 100], &[1, 2, 5, 10, 20, 40, 60, 80, 100]);
    for &count in counts {
        let (start_ms, warm_ms) = room_auth(bench, count).await?;
        start.push(count.into(), start_ms);
        warm.push(count.into(), warm_ms);
    }
    Ok(Curves {
        title: "Signing keys of WorkOS: room-auth".to_owned(),
        panels: vec![
            Panel::new("CPU of a start, ms", "keys", vec![start]),
            Panel::new("CPU of a warm request, ms", "keys", vec![warm]),
        ],
    })
}

/// The CPU time of a start and of a warm request.
async fn room_auth(bench: &Bench, keys: u32) -> Result<(f64, f64), Failure> {
    let providers = Providers::start().await?;
    let endpoint = Endpoint::RoomAuth(Identity::WorkOs);
    let environment = providers.environment(Subject::anteroom(endpoint));
    let launch = bench.functions.launch(endpoint.name(), environment);
    let requests = Requests::to(endpoint, &providers).await;
    let (mut starts, mut warm_ms) = (Vec::new(), 0.0);
    for _ in 0..bench.either(2, 9) {
        providers.workos.prescribe(&format!("/sso/jwks/{CLIENT_ID}"), 200, key_set(keys));
        let instance = Instance::launch(&launch).await?;
        starts.push(cpu_ms(instance.pid()).await?);
        let is_right = |answer: &Value| requests.check(answer).is_ok();
        warm_ms = bench.cpu_per_request(&instance, async || Ok(requests.next()), is_right).await?;
        instance.stop().await;
    }
    Ok((Spread::of(starts).median, warm_ms))
}

/// A JWKS of this many keys. The one that signs is the last.
fn key_set(count: u32) -> Value {
    let key = |number: u32| {
        let mut key = SIGNING_KEY.jwk();
        key["x5c"] = json!(["M".repeat(CERTIFICATE)]);
        if number < count {
            key["kid"] = json!(format!("sso_oidc_key_pair_{number:026}"));
        }
        key
    };
    json!({ "keys": (1..=count).map(key).collect::<Vec<_>>() })
}
