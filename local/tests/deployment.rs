//! `template.yaml` against the code: that each function gets the settings and the secrets that it
//! asks for, and what every function must have. What the code asks for is taken from the binaries
//! themselves: from what they say when they are started with nothing, and from the names in them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    array,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anteroom_local::{
    template::{FunctionTemplate, Template},
    workspace::Workspace,
};
use serde_json::Value as Json;
use serde_norway::Value;
use tokio::{process::Command, sync::OnceCell, time::timeout};

type Names = BTreeSet<String>;

#[tokio::test]
async fn a_function_may_read_the_secrets_that_its_code_asks_for_and_no_others() {
    let template = document();
    for function in functions() {
        for identity in identities(&function).await {
            let name = format!("{} for {identity}", function.name);
            let asked = asked_for(&function, identity).await;
            let given = variables(&template, &function.id, identity)
                .filter(|(name, _)| name.ends_with("_SECRET_ID"))
                .map(|(name, value)| (name.to_owned(), attribute(value)))
                .collect::<BTreeMap<_, _>>();
            assert_eq!(given.keys().cloned().collect::<Names>(), asked.secrets, "{name}");
            for (variable, secret) in &given {
                let variable = variable.replace('_', "").to_lowercase();
                assert_eq!(secret.to_lowercase(), format!("{variable}.value"), "{name}");
            }

            let readable = readable_secrets(&template, &function.id, identity);
            let readable: Names = readable.into_iter().collect();
            assert_eq!(readable, given.into_values().collect(), "{name}");
        }
    }
}

#[test]
fn a_secret_is_the_given_one_or_a_new_empty_one_that_is_retained() {
    let template = document();
    for provider in ["WorkOs", "Clerk", "Liveblocks", "LiveKit"] {
        let counts = &resource(&template, &format!("{provider}SecretId"))["Properties"]["Value"];
        let counts = tagged_value(counts, "If").unwrap();
        assert_eq!(counts[0].as_str().unwrap(), format!("Make{provider}Secret"));
        assert_eq!(reference(&counts[1]).unwrap(), format!("{provider}Secret"));
        assert_eq!(reference(&counts[2]).unwrap(), format!("{provider}SecretArn"));

        let made = resource(&template, &format!("{provider}Secret"));
        assert_eq!(made["Condition"], counts[0], "{provider}");
        let used = Value::from(format!("With{provider}"));
        let condition = &template["Conditions"][counts[0].as_str().unwrap()];
        let only_if = tagged_value(&tagged_value(condition, "And").unwrap()[0], "Condition");
        assert_eq!(only_if, Some(&used), "{provider}");
        assert_eq!(resource(&template, &format!("{provider}SecretId"))["Condition"], used);
        assert_eq!(made["DeletionPolicy"].as_str(), Some("RetainExceptOnCreate"), "{provider}");
        assert_eq!(made["UpdateReplacePolicy"].as_str(), Some("Retain"), "{provider}");
        let made = &made["Properties"];
        assert!(made["SecretString"].is_null() && made["GenerateSecretString"].is_null());
        let name = format!("anteroom/${{Stage}}/{}", provider.to_lowercase());
        assert_eq!(tagged(&made["Name"], "Sub"), Some(name.as_str()));
    }
}

#[test]
fn functions_have_no_other_permissions() {
    let template = document();
    let global = &template["Globals"]["Function"];
    for key in ["Role", "Policies", "AssumeRolePolicyDocument"] {
        assert!(global[key].is_null(), "Globals: {key}");
    }
    assert_eq!(reference(&global["PermissionsBoundary"]), Some("FunctionBoundary"));
    for function in functions() {
        let own = &resource(&template, &function.id)["Properties"];
        for key in ["Role", "PermissionsBoundary", "AssumeRolePolicyDocument", "VpcConfig"] {
            assert!(own[key].is_null(), "{}: {key}", function.id);
        }
        let secrets = |policy| readable_secret(policy).unwrap_or_else(|| panic!("{}", function.id));
        let has_statements = |policy: &&Value| !policy["Statement"].is_null();
        let policies = own["Policies"].as_sequence().unwrap();
        for policy in policies.iter().filter(has_statements) {
            if function.name == READS_THE_BUCKET {
                assert_reads_recordings_only(&policy["Statement"]);
                continue;
            }
            assert_eq!(function.name, "livekit-webhook");
            let statements = policy["Statement"].as_sequence().unwrap();
            assert_eq!((policy.as_mapping().unwrap().len(), statements.len()), (1, 1));
            assert_is_for_the_bus(&statements[0]);
        }
        for policy in policies.iter().filter(|policy| !has_statements(policy)) {
            match tagged_value(policy, "If") {
                Some(branches) => {
                    secrets(&branches[1]);
                    assert_eq!(reference(&branches[2]), Some("AWS::NoValue"), "{}", function.id);
                }
                None => drop(secrets(policy)),
            }
        }
    }
}

/// The one function that may do more than read secrets.
const READS_THE_BUCKET: &str = "recordings";

fn assert_reads_recordings_only(statements: &Value) {
    let statements = statements.as_sequence().unwrap();
    let bucket = "arn:${AWS::Partition}:s3:::${RecordingsBucket}";
    let expected = [
        ("s3:ListBucket", bucket.to_owned(), Some("recordings/*")),
        ("s3:GetObject", format!("{bucket}/recordings/*"), None),
    ];
    assert_eq!(statements.len(), expected.len());
    for (statement, (action, resource, prefix)) in statements.iter().zip(expected) {
        assert_eq!(statement["Effect"].as_str(), Some("Allow"));
        assert_eq!(statement["Action"].as_str(), Some(action));
        assert_eq!(tagged(&statement["Resource"], "Sub"), Some(resource.as_str()));
        let condition = &statement["Condition"]["StringLike"]["s3:prefix"];
        assert_eq!(condition.as_str(), prefix, "{action}");
    }
}

/// Whether a statement allows events to be put on the stack's bus, and nothing else.
fn assert_is_for_the_bus(statement: &Value) {
    let names: Names = entries(statement).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["Effect", "Action", "Resource"].map(str::to_owned).into());
    assert_eq!(statement["Action"].as_str(), Some("events:PutEvents"));
    assert_eq!(attribute(&statement["Resource"]), "EventBusArn.Value");
}

#[test]
fn the_bus_is_the_given_one_or_one_of_the_stacks_own() {
    let template = document();
    let arn = &resource(&template, "EventBusArn")["Properties"]["Value"];
    let arn = tagged_value(arn, "If").unwrap();
    assert_eq!(arn[0].as_str(), Some("MakeEventBus"));
    assert_eq!(attribute(&arn[1]), "OwnEventBus.Arn");
    assert_eq!(reference(&arn[2]), Some("EventBus"));
}

#[test]
fn the_queue_of_ended_recordings_is_encrypted_and_a_lost_event_raises_an_alarm() {
    let template = document();
    let queues: Vec<_> = of_type(&template, "AWS::SQS::Queue").collect();
    assert_eq!(queues.len(), 2);
    for (id, queue) in &queues {
        assert_eq!(queue["Condition"].as_str(), Some("WithRecordingQueue"), "{id}");
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"].as_bool(), Some(true), "{id}");
    }
    let target = &resource(&template, "EndedRecordingsRule")["Properties"]["Targets"][0];
    assert_eq!(attribute(&target["Arn"]), "EndedRecordings.Arn");
    let redrive = &resource(&template, "EndedRecordings")["Properties"]["RedrivePolicy"];
    for lost in [&target["DeadLetterConfig"]["Arn"], &redrive["deadLetterTargetArn"]] {
        assert_eq!(attribute(lost), "LostEvents.Arn");
    }
    let alarm = &resource(&template, "EventsLost")["Properties"];
    assert_eq!(attribute(&alarm["Dimensions"][0]["Value"]), "LostEvents.QueueName");
    // Only this rule may send to them.
    let policy = &resource(&template, "EndedRecordingsPolicy")["Properties"];
    let statements = policy["PolicyDocument"]["Statement"].as_sequence().unwrap();
    assert_eq!(statements.len(), 1);
    let source = &statements[0]["Condition"]["ArnEquals"]["aws:SourceArn"];
    assert_eq!(attribute(source), "EndedRecordingsRule.Arn");
}

#[test]
fn the_boundary_allows_logs_traces_secrets_events_and_recordings() {
    let template = document();
    let boundary = &resource(&template, "FunctionBoundary")["Properties"]["PolicyDocument"];
    let statements = boundary["Statement"].as_sequence().unwrap().iter();
    // The one for the bus is there if events are used.
    let statements: Vec<_> = statements
        .map(|statement| tagged_value(statement, "If").map_or(statement, |branches| &branches[1]))
        .collect();
    assert_is_for_the_bus(statements.last().unwrap());
    let actions = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::Sequence(actions) => actions.clone(),
        action => vec![action.clone()],
    });
    let actions: Vec<_> = actions.map(|action| action.as_str().unwrap().to_owned()).collect();
    assert_eq!(
        actions,
        [
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "secretsmanager:GetSecretValue",
            "s3:ListBucket",
            "s3:GetObject",
            "events:PutEvents",
        ]
    );
    let anything =
        statements.iter().filter(|statement| statement["Resource"].as_str() == Some("*"));
    let anything: Vec<_> = anything.map(|statement| &statement["Action"]).collect();
    assert_eq!(anything.len(), 1, "only X-Ray has no narrower resource");
    assert!(anything[0][0].as_str().unwrap().starts_with("xray:"));
}

#[tokio::test]
async fn a_function_gets_every_setting_that_it_requires() {
    let template = document();
    for function in functions() {
        for identity in identities(&function).await {
            let asked = asked_for(&function, identity).await;
            let given = given(&template, &function, &[identity]);
            let missing: Vec<_> = asked.settings.difference(&given).collect();
            assert!(missing.is_empty(), "{} for {identity} needs {missing:?}", function.name);
        }
    }
}

#[tokio::test]
async fn a_function_gets_only_the_settings_that_it_reads() {
    let template = document();
    let functions = functions();
    let everything: Names =
        functions.iter().flat_map(|function| function.environment.iter().cloned()).collect();
    for function in &functions {
        let program = fs::read(executable(&function.name).await).unwrap();
        let words = words_in_capitals(&program);
        let read = everything.iter().filter(|name| contains(&words, name));
        let read = read.filter(|name| matters(name, &function.name));
        let given = given(&template, function, identities(function).await);
        assert_eq!(given, read.cloned().collect(), "{}", function.name);
    }
}

/// The value of a parameter is no part of a version's logical id: see the comment on `Settings`.
#[test]
fn changing_any_parameter_makes_a_new_version_of_every_function() {
    let template = document();
    let parts = &resource(&template, "Settings")["Properties"]["Content"];
    let parts = tagged_value(parts, "Join").unwrap()[1].as_sequence().unwrap();
    let mut listed = Names::new();
    for part in parts {
        // Those of a provider are there if it is used.
        let part = tagged_value(part, "If").map_or(part, |branches| &branches[1]);
        let (lines, own) = substitution(part).unwrap();
        for line in lines.lines() {
            let (name, value) = line.split_once('=').unwrap();
            match value.trim_start_matches("${").trim_end_matches('}') {
                "Origins" => listed.insert(reference_in_join(&own["Origins"]).to_owned()),
                value => {
                    assert_eq!(value.trim_end_matches(".Value"), name);
                    listed.insert(name.to_owned())
                }
            };
        }
    }

    let mut given = Names::new();
    for key in ["Environment", "MemorySize", "Architectures", "LoggingConfig"] {
        collect_names(&template["Globals"]["Function"][key], &mut given);
    }
    for function in functions() {
        let own = &resource(&template, &function.id)["Properties"];
        collect_names(&own["Environment"], &mut given);

        let version = tagged(&own["VersionDescription"], "Sub").unwrap();
        assert_eq!(version, "settings ${Settings}", "{}", function.id);
        // A version is only published of a function that has changed.
        let description = tagged(&own["Description"], "Sub").unwrap();
        let end = format!(" {}, settings ${{Settings}}", function.routes[0].path);
        assert!(description.ends_with(&end), "{}: {description}", function.id);
        // Not one of the globals: cfn-lint knows it of functions only.
        assert_eq!(own["AutoPublishAliasAllProperties"].as_bool(), Some(true), "{}", function.id);
    }
    given.remove("Logs");
    given.remove("AWS::NoValue");
    assert_eq!(listed, given);
}

#[test]
fn no_parameter_is_unused_ungrouped_or_undescribed() {
    let template = document();
    let mut used = Names::new();
    for section in ["Conditions", "Globals", "Resources", "Outputs"] {
        collect_names(&template[section], &mut used);
    }
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let groups = groups.as_sequence().unwrap().iter();
    let grouped = groups.flat_map(|group| group["Parameters"].as_sequence().unwrap());
    let grouped: Vec<_> = grouped.map(|name| name.as_str().unwrap()).collect();

    let parameters: Vec<_> = entries(&template["Parameters"]).collect();
    assert!(parameters.len() > 40, "only {} parameters", parameters.len());
    for (name, parameter) in &parameters {
        assert!(used.contains(*name), "{name} is not used");
        let times = grouped.iter().filter(|grouped| *grouped == name).count();
        assert_eq!(times, 1, "{name} is in {times} groups");
        let description = parameter["Description"].as_str().unwrap_or_default();
        assert!(description.ends_with('.'), "{name} is not described");
        let pattern = parameter["AllowedPattern"].as_str();
        assert!(
            pattern.is_none() || parameter["ConstraintDescription"].is_string(),
            "{name}: say in words what {} means",
            pattern.unwrap_or_default()
        );
    }
    assert_eq!(grouped.len(), parameters.len());
}

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
fn the_origins_of_apps_reach_the_functions_and_not_the_gateway() {
    let template = document();
    let cors = &resource(&template, "Api")["Properties"]["CorsConfiguration"]["AllowOrigins"];
    assert_eq!(reference(cors), Some("AllowedOrigins"), "a list that the gateway takes");
    let mut names = Names::new();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    collect_names(&variables["ALLOWED_ORIGINS"], &mut names);
    assert_eq!(names, ["AllowedOrigins", "AppOrigins"].map(str::to_owned).into());
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
fn dev_sign_in_is_not_in_production() {
    let template = document();
    let condition = resource(&template, "DevSignInFunction")["Condition"].as_str();
    assert_eq!(condition, Some("DevSignIn"));
    let all = tagged_value(&template["Conditions"]["DevSignIn"], "And").unwrap();
    let not = tagged_value(&all[1], "Not").unwrap();
    let equal = tagged_value(&not[0], "Equals").unwrap();
    assert_eq!((reference(&equal[0]), equal[1].as_str()), (Some("Stage"), Some("prod")));
}

#[test]
fn a_function_exists_only_with_its_providers() {
    let template = document();
    for function in functions() {
        let own = resource(&template, &function.id);
        let expected = match function.name.as_str() {
            "dev-sign-in" => "DevSignIn",
            "start-recording" | "stop-recording" => "WithRecordings",
            "invite-guest" | "guest-auth" => "WithGuests",
            "remove-participant" | "mute-participant" => "WithModeration",
            "recordings" => "WithRecordingsList",
            "liveblocks-auth" => "WithLiveblocks",
            "livekit-webhook" => "WithEvents",
            _ if function.routes[0].path.starts_with("/auth/") => "WithWorkOs",
            _ => "WithLiveKit",
        };
        assert_eq!(own["Condition"].as_str(), Some(expected), "{}", function.name);
    }
}

#[test]
fn every_function_logs_json_to_a_group_with_retention_and_is_traced() {
    let template = document();
    let global = &template["Globals"]["Function"];
    let group = reference(&global["LoggingConfig"]["LogGroup"]).unwrap();
    assert_eq!(resource(&template, group)["Type"].as_str(), Some("AWS::Logs::LogGroup"));
    assert_eq!(global["LoggingConfig"]["LogFormat"].as_str(), Some("JSON"));
    assert_eq!(global["Tracing"].as_str(), Some("Active"));
    for function in functions() {
        let own = &resource(&template, &function.id)["Properties"];
        assert!(own["LoggingConfig"].is_null() && own["Tracing"].is_null(), "{}", function.id);
    }
    let groups: Vec<_> = of_type(&template, "AWS::Logs::LogGroup").collect();
    assert_eq!(groups.len(), 2, "the functions' and the gateway's");
    for (id, group) in groups {
        let days = reference(&group["Properties"]["RetentionInDays"]);
        assert_eq!(days, Some("LogRetentionDays"), "{id}");
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

#[test]
fn every_alarm_names_a_first_step_notifies_somebody_and_ignores_missing_data() {
    let template = document();
    let alarms: Vec<_> = of_type(&template, "AWS::CloudWatch::Alarm").collect();
    assert!(alarms.len() > 7, "only {} alarms", alarms.len());
    for (id, alarm) in &alarms {
        let alarm = &alarm["Properties"];
        let text = &alarm["AlarmDescription"];
        let text = text.as_str().or_else(|| Some(substitution(text)?.0)).unwrap();
        let text = text.replace('\n', " ");
        assert!(text.to_lowercase().contains("look first"), "{id}: {text}");
        assert_eq!(alarm["TreatMissingData"].as_str(), Some("notBreaching"), "{id}");
        // CodeDeploy hears of that one; a person hears of the same requests by RequestsFail.
        if *id != "FailuresInRollout" {
            let to = tagged_value(&alarm["AlarmActions"], "If").unwrap();
            assert_eq!(to[0].as_str(), Some("AlarmByEmail"), "{id}");
            assert_eq!(reference(&to[1][0]), Some("AlarmTopic"), "{id}");
        }
    }
}

#[test]
fn a_key_that_a_provider_rejects_raises_an_alarm_for_each_provider() {
    let template = document();
    let alarms =
        of_type(&template, "AWS::CloudWatch::Alarm").map(|(_, alarm)| &alarm["Properties"]);
    let watched = alarms.filter(|alarm| alarm["MetricName"].as_str() == Some("ProviderCalls"));
    let watched: Names = watched
        .map(|alarm| {
            let dimensions = alarm["Dimensions"].as_sequence().unwrap();
            let names: Vec<_> =
                dimensions.iter().map(|one| one["Name"].as_str().unwrap()).collect();
            assert_eq!(names, ["Stage", "Provider", "Outcome"]);
            assert_eq!(dimensions[2]["Value"].as_str(), Some("key_refused"));
            dimensions[1]["Value"].as_str().unwrap().to_owned()
        })
        .collect();
    let providers = ["clerk", "eventbridge", "liveblocks", "livekit", "s3", "workos"];
    assert_eq!(watched, providers.map(str::to_owned).into());
}

#[test]
fn a_5xx_that_a_stranger_can_cause_rolls_nothing_back() {
    let template = document();
    let alarm = &resource(&template, "FailuresInRollout")["Properties"];
    assert_eq!(alarm["MetricName"], "ServerErrors");
    let filter = &resource(&template, "ServerErrorsFilter")["Properties"];
    assert_eq!(filter["MetricTransformations"][0]["MetricName"], "ServerErrors");
    let pattern = filter["FilterPattern"].as_str().unwrap();
    let conditions = pattern.trim_matches(['{', '}', ' ']).split(" && ").collect::<Vec<_>>();
    assert_eq!(
        conditions,
        [
            r#"$.status = "5*""#,
            r#"$.functionStatus != "503""#,
            r#"$.lambdaStatus != "429""#,
            r#"$.lambdaStatus != "413""#,
        ],
    );
}

#[test]
fn the_dashboard_shows_every_alarm_that_notifies_somebody_and_only_metrics_that_exist() {
    let template = document();
    let body = &resource(&template, "Dashboard")["Properties"]["DashboardBody"];
    let (body, of_providers) = substitution(body).unwrap();
    let mut body = body.to_owned();
    for (name, alarm) in entries(of_providers) {
        let alarm = tagged_value(alarm, "If").unwrap();
        assert_eq!(alarm[0].as_str().unwrap(), format!("With{name}"));
        body = body.replace(&format!("${{{name}}}"), tagged(&alarm[1], "Sub").unwrap());
    }
    let dashboard: Json = serde_json::from_str(&body).unwrap();
    let widgets = dashboard["widgets"].as_array().unwrap();

    let metrics_module = fs::read_to_string(root().join("shared/src/metrics.rs")).unwrap();
    let searches: Vec<_> = body.split("MetricName=\\\"").skip(1).collect();
    assert!(searches.len() > 4, "only {} searches", searches.len());
    for search in searches {
        let metric = search.split("\\\"").next().unwrap();
        let written = format!("name: \"{metric}\"");
        assert!(metrics_module.contains(&written), "nothing writes {metric}");
    }

    let shown = widgets.iter().filter_map(|widget| widget["properties"]["alarms"].as_array());
    let shown: Names = shown.flatten().map(|arn| arn.as_str().unwrap().to_owned()).collect();
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm").map(|(id, _)| id);
    let alarms = alarms.filter(|id| *id != "FailuresInRollout");
    assert_eq!(shown, alarms.map(|id| format!("${{{id}.Arn}}")).collect());
}

/// The settings that say whose users a function serves.
const IDENTITIES: [&str; 2] = ["LIVEBLOCKS_IDENTITY", "LIVEKIT_IDENTITY"];

/// The providers whose users the function can serve. One that has no choice serves the first of them.
async fn identities(function: &FunctionTemplate) -> &'static [&'static str] {
    let program = fs::read(executable(&function.name).await).unwrap();
    let words = words_in_capitals(&program);
    let has_a_choice = IDENTITIES.iter().any(|setting| contains(&words, setting));
    match (has_a_choice, function.name.as_str()) {
        (true, _) => &["workos", "clerk"],
        (false, "liveblocks-auth") => &["clerk"],
        (false, _) => &["workos"],
    }
}

/// The names of the variables that the function is given for users of any of these providers.
fn given(template: &Value, function: &FunctionTemplate, identities: &[&str]) -> Names {
    let own = |identity| variables(template, &function.id, identity);
    let chosen: BTreeSet<_> =
        identities.iter().flat_map(|identity| own(*identity)).map(|(name, _)| name).collect();
    let of_the_others = |name: &String| {
        let variables = &resource(template, &function.id)["Properties"]["Environment"]["Variables"];
        variables.get(name.as_str()).is_some() && !chosen.contains(name.as_str())
    };
    let names = function.environment.iter();
    names.filter(|name| !of_the_others(name)).cloned().collect()
}

/// The function's own variables for users of a provider.
fn variables<'a>(
    template: &'a Value,
    id: &str,
    identity: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let variables = &resource(template, id)["Properties"]["Environment"]["Variables"];
    entries(variables).filter_map(move |(name, value)| Some((name, chosen(value, identity)?)))
}

/// The value for users of a provider, if there is one: most values are the same for all.
fn chosen<'a>(value: &'a Value, identity: &str) -> Option<&'a Value> {
    let Some(branches) = tagged_value(value, "If") else {
        return Some(value);
    };
    let condition = branches[0].as_str().unwrap();
    let (_, provider) = condition.split_once("For").expect(condition);
    assert_eq!(reference(&branches[2]), Some("AWS::NoValue"), "{condition}");
    (provider.to_lowercase() == identity).then_some(&branches[1])
}

/// What a program cannot do without, by its own words.
struct Asked {
    /// Settings, by the names of their variables.
    settings: Names,
    /// Secrets, by the names of the variables that say where they are.
    secrets: Names,
}

/// Starts the program with nothing but whose users it serves, and reads what it says is missing.
async fn asked_for(function: &FunctionTemplate, identity: &str) -> Asked {
    let mut program = Command::new(executable(&function.name).await);
    program
        .env_clear()
        // Without a developer there is no dev-sign-in, which then needs nothing.
        .envs([("STAGE", "dev"), ("DEV_SIGN_IN_EMAIL", "dev@example.com")])
        // Lambda sets these.
        .envs(["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, "x")))
        .envs(IDENTITIES.map(|setting| (setting, identity)))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(Duration::from_mins(1), program.output()).await.unwrap().unwrap();
    assert!(!output.status.success(), "{} starts with nothing", function.name);

    let line = String::from_utf8(output.stdout).unwrap();
    let line: Json = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(line["message"], "stopped", "{line}");
    let problems = line["error"].as_str().unwrap().split_once(": ").unwrap().1;
    let mut asked = Asked { settings: Names::new(), secrets: Names::new() };
    for problem in problems.split("; ") {
        let (name, advice) = problem.split_once(" is missing").unwrap();
        match advice.split_once("set it, or set ").and_then(|(_, rest)| rest.split_once(' ')) {
            Some((id, _)) => asked.secrets.insert(id.to_owned()),
            None => asked.settings.insert(name.to_owned()),
        };
    }
    asked
}

/// Where a function's binary is; all are built the first time.
async fn executable(name: &str) -> PathBuf {
    static WORKSPACE: OnceCell<Workspace> = OnceCell::const_new();
    let workspace = WORKSPACE.get_or_init(|| async {
        Workspace::new(root(), functions().into_iter().map(|function| function.name))
    });
    workspace.await.executable(name).await.unwrap()
}

/// The words in capitals among a program's bytes, which the names of variables are part of: literals
/// follow each other without a gap.
fn words_in_capitals(program: &[u8]) -> BTreeSet<&[u8]> {
    // `STAGE` is the shortest of the names, so that looking at every fifth byte meets them all.
    const SHORTEST: usize = 5;
    let in_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    // A program with its line tables is so long that looking a byte up is worth it.
    let in_word: [bool; 256] = array::from_fn(|byte| u8::try_from(byte).is_ok_and(in_word));
    let in_word = |byte: &u8| in_word[usize::from(*byte)];
    let mut words = BTreeSet::new();
    let mut at = 0;
    while at < program.len() {
        if in_word(&program[at]) {
            let before = program[..at].iter().rev().take_while(|byte| in_word(byte)).count();
            let after = program[at..].iter().take_while(|byte| in_word(byte)).count();
            if before + after >= SHORTEST {
                words.insert(&program[at - before..at + after]);
            }
            at += after;
        }
        at += SHORTEST;
    }
    words
}

fn contains(words: &BTreeSet<&[u8]>, name: &str) -> bool {
    let name = name.as_bytes();
    words.iter().any(|word| word.windows(name.len()).any(|part| part == name))
}

/// Whether a variable that the function's code reads changes anything of what it does. Types that
/// are used for more than one thing read more than each of their uses needs.
fn matters(variable: &str, function: &str) -> bool {
    match variable {
        "CONCEAL_ACCOUNTS" => {
            matches!(function, "sign-in" | "sign-up" | "resend-magic-auth" | "finalize-magic-auth")
        }
        "WORKOS_LOGOUT_RETURN_TO" => function == "sign-out",
        // Only these are shown access tokens.
        "WORKOS_ISSUER" => matches!(
            function,
            "invite-guest"
                | "liveblocks-auth"
                | "livekit-token"
                | "mute-participant"
                | "remove-participant"
                | "room-auth"
                | "session"
                | "sign-out"
                | "start-recording"
                | "stop-recording"
                | "recordings"
                | "switch-organization"
        ),
        // These begin a sign-in, and have nothing to do with the session's cookie yet.
        "WORKOS_COOKIE_NAME" | "WORKOS_COOKIE_DOMAIN" | "WORKOS_COOKIE_MAX_AGE" => {
            function != "sign-in" && !function.starts_with("continue-with-")
        }
        _ => true,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn functions() -> Vec<FunctionTemplate> {
    let functions = Template::read(&root().join("template.yaml")).unwrap().functions;
    assert!(functions.len() > 14, "only {} functions", functions.len());
    functions
}

fn document() -> Value {
    let text = fs::read_to_string(root().join("template.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

fn resource<'a>(template: &'a Value, id: &str) -> &'a Value {
    let resource = &template["Resources"][id];
    assert!(resource.is_mapping(), "there is no {id}");
    resource
}

fn of_type<'a>(template: &'a Value, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    entries(&template["Resources"])
        .filter(move |(_, resource)| resource["Type"].as_str() == Some(kind))
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().into_iter().flatten().map(|(key, value)| (key.as_str().unwrap(), value))
}

/// The secrets that a function's policies let it read for users of a provider, as `Resource.Attribute`.
fn readable_secrets(template: &Value, id: &str, identity: &str) -> Vec<String> {
    let policies = resource(template, id)["Properties"]["Policies"].as_sequence().unwrap();
    let policies = policies.iter().filter(|policy| policy["Statement"].is_null());
    let policies = policies.filter_map(|policy| chosen(policy, identity));
    policies.map(|policy| readable_secret(policy).unwrap()).collect()
}

/// The secret that a policy lets a function read, if it allows nothing else.
fn readable_secret(policy: &Value) -> Option<String> {
    let [(name, arguments)] = entries(policy).collect::<Vec<_>>().try_into().ok()?;
    let is_about_a_secret = name == "AWSSecretsManagerGetSecretValuePolicy";
    is_about_a_secret.then(|| attribute(&arguments["SecretArn"]))
}

/// What is behind a tag, such as `!Sub`.
fn tagged_value<'a>(value: &'a Value, tag: &str) -> Option<&'a Value> {
    match value {
        Value::Tagged(tagged) if tagged.tag == tag => Some(&tagged.value),
        _ => None,
    }
}

fn tagged<'a>(value: &'a Value, tag: &str) -> Option<&'a str> {
    tagged_value(value, tag)?.as_str()
}

/// The text of a `!Sub` and its own variables, which are null if it has none.
fn substitution(value: &Value) -> Option<(&str, &Value)> {
    let value = tagged_value(value, "Sub")?;
    Some((value.as_str().or_else(|| value[0].as_str())?, &value[1]))
}

fn reference(value: &Value) -> Option<&str> {
    tagged(value, "Ref")
}

fn attribute(value: &Value) -> String {
    tagged(value, "GetAtt").unwrap().to_owned()
}

fn reference_in_join(value: &Value) -> &str {
    reference(&tagged_value(value, "Join").unwrap()[1]).unwrap()
}

/// The names behind `!Ref`, `!GetAtt` and `${…}`, anywhere in a value.
fn collect_names(value: &Value, names: &mut Names) {
    match value {
        Value::Tagged(tagged) => match (tagged.tag.to_string().as_str(), &tagged.value) {
            ("!Ref" | "!GetAtt", Value::String(name)) => {
                names.extend(name.split('.').next().map(str::to_owned));
            }
            ("!Sub", Value::String(text)) => collect_substituted(text, names),
            ("!Sub", Value::Sequence(parts)) => {
                collect_substituted(parts[0].as_str().unwrap(), names);
                collect_names(&parts[1], names);
            }
            (_, value) => collect_names(value, names),
        },
        Value::Sequence(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Mapping(_) => entries(value).for_each(|(_, value)| collect_names(value, names)),
        _ => {}
    }
}

fn collect_substituted(text: &str, names: &mut Names) {
    let inside = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
    names.extend(inside.map(|name| name.split('.').next().unwrap_or(name).to_owned()));
}
