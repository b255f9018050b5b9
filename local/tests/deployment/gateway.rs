//! The HTTP API: CORS, rate limits, its domain and its log.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::cloudformation::{
    document, entries, of_type, reference, resource, tagged, tagged_value,
};
use crate::{Names, functions};

#[test]
fn cors_allows_only_the_methods_of_the_endpoints() {
    let template = document();
    let cors = &resource(&template, "Api")["Properties"]["CorsConfiguration"]["AllowMethods"];
    let allowed: Names =
        cors.as_sequence().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect();
    let methods = functions().into_iter().map(|function| {
        let own = &resource(&template, &function.id)["Properties"]["Description"];
        let description = tagged(own, "Sub").unwrap();
        description.split(' ').next().unwrap().to_owned()
    });
    assert_eq!(allowed, methods.collect());
}

#[test]
fn cors_allows_the_headers_of_pages_with_tracing() {
    let template = document();
    let cors = &resource(&template, "Api")["Properties"]["CorsConfiguration"]["AllowHeaders"];
    let allowed: Vec<_> =
        cors.as_sequence().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let tracing = ["traceparent", "tracestate", "baggage", "sentry-trace"];
    assert_eq!(allowed, [&["authorization", "content-type"][..], &tracing].concat());
}

#[test]
fn with_a_custom_domain_the_default_endpoint_is_disabled() {
    let template = document();
    let api = &resource(&template, "Api")["Properties"];
    let closed = tagged_value(&api["DisableExecuteApiEndpoint"], "If").unwrap();
    assert_eq!(closed[0].as_str(), Some("OwnDomain"));
    assert_eq!((closed[1].as_bool(), closed[2].as_bool()), (Some(true), Some(false)));
}

#[test]
fn every_route_has_a_rate_limit_and_public_or_slow_routes_a_much_lower_one() {
    let template = document();
    let api = &resource(&template, "Api")["Properties"];
    let usual = &api["DefaultRouteSettings"];
    assert_eq!(reference(&usual["ThrottlingRateLimit"]), Some("RequestsPerSecond"));
    assert_eq!(reference(&usual["ThrottlingBurstLimit"]), Some("RequestBurst"));
    let default = |name: &str| template["Parameters"][name]["Default"].as_u64().unwrap();
    assert!(default("SignInsPerSecond") * 10 <= default("RequestsPerSecond"));
    assert!(default("SignInBurst") * 10 <= default("RequestBurst"));

    let low: Names = entries(&api["RouteSettings"]).map(|(route, _)| route.to_owned()).collect();
    let expected = [
        "sign-in",
        "dev-sign-in",
        "sign-up",
        "resend-magic-auth",
        "finalize-magic-auth",
        "finalize-oauth",
        "select-organization",
        "guest-auth",
        "start-recording",
    ];
    let functions = functions();
    let routes = functions.iter().filter(|function| expected.contains(&function.name.as_str()));
    assert_eq!(low, routes.map(|function| function.routes[0].key()).collect());
    for (route, limits) in entries(&api["RouteSettings"]) {
        // A limit for a route that is not there fails the deployment.
        let function = functions.iter().find(|function| function.routes[0].key() == route).unwrap();
        let condition = resource(&template, &function.id)["Condition"].as_str();
        let only_if = tagged_value(limits, "If").map(|limits| limits[0].as_str().unwrap());
        assert_eq!(only_if, condition, "{route}");
    }
}

#[test]
fn the_gateways_log_does_not_identify_the_caller() {
    const HARMLESS: [&str; 11] = [
        "requestId",
        "requestTime",
        "routeKey",
        "status",
        "responseLatency",
        "responseLength",
        "error.responseType",
        "integration.status",
        "integration.latency",
        "integration.integrationStatus",
        "integration.requestId",
    ];
    let template = document();
    let format = &resource(&template, "Api")["Properties"]["AccessLogSettings"]["Format"];
    let line: Json = serde_json::from_str(tagged(format, "Sub").unwrap()).unwrap();
    let line = line.as_object().unwrap();
    let variables = line.values().filter_map(|value| value.as_str()?.strip_prefix("$context."));
    assert_eq!(variables.collect::<BTreeSet<_>>(), HARMLESS.into());
    assert_eq!(line.len(), HARMLESS.len() + 1, "and the stage");
    for (id, filter) in of_type(&template, "AWS::Logs::MetricFilter") {
        let pattern = filter["Properties"]["FilterPattern"].as_str().unwrap();
        for field in pattern.split("$.").skip(1) {
            let field = field.split(' ').next().unwrap();
            assert!(line.contains_key(field), "{id}: the log has no {field}");
        }
    }
}
