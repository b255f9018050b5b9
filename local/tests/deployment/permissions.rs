//! What each function may do: the secrets it reads, and nothing else but the bus and the bucket.

use std::collections::BTreeMap;

use serde_norway::Value;

use crate::binaries::{Users, asked_for, whose_users};
use crate::cloudformation::{
    attribute, chosen, document, entries, of_type, reference, resource, tagged, tagged_value,
    variables,
};
use crate::{Names, functions};

#[tokio::test]
async fn a_function_may_read_the_secrets_that_its_code_asks_for_and_no_others() {
    let template = document();
    for function in functions() {
        for users in whose_users(&function).await {
            let name = format!("{} for {users:?}", function.name);
            let asked = asked_for(&function, *users).await;
            let given = variables(&template, &function.id, *users)
                .filter(|(name, _)| name.ends_with("_SECRET_ID"))
                .map(|(name, value)| (name.to_owned(), attribute(value)))
                .collect::<BTreeMap<_, _>>();
            assert_eq!(given.keys().cloned().collect::<Names>(), asked.secrets, "{name}");
            for (variable, secret) in &given {
                let variable = variable.replace('_', "").to_lowercase();
                assert_eq!(secret.to_lowercase(), format!("{variable}.value"), "{name}");
            }

            let readable = readable_secrets(&template, &function.id, *users);
            let readable: Names = readable.into_iter().collect();
            assert_eq!(readable, given.into_values().collect(), "{name}");
        }
    }
}

#[test]
fn functions_that_only_verify_clerks_sessions_have_its_secret_only_without_its_public_key() {
    let template = document();
    let both = tagged_value(&template["Conditions"]["LiveKitCallsClerk"], "And").unwrap();
    assert_eq!(both.as_sequence().unwrap().len(), 2);
    assert_eq!(tagged(&both[0], "Condition"), Some("LiveKitForClerk"));
    let equal = tagged_value(&both[1], "Equals").unwrap();
    assert_eq!((reference(&equal[0]), equal[1].as_str()), (Some("ClerkJwtKey"), Some("")));
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

/// The secrets that a function's policies let it read for these users, as `Resource.Attribute`.
fn readable_secrets(template: &Value, id: &str, users: Users) -> Vec<String> {
    let policies = resource(template, id)["Properties"]["Policies"].as_sequence().unwrap();
    let policies = policies.iter().filter(|policy| policy["Statement"].is_null());
    let policies = policies.filter_map(|policy| chosen(policy, users));
    policies.map(|policy| readable_secret(policy).unwrap()).collect()
}

/// The secret that a policy lets a function read, if it allows nothing else.
fn readable_secret(policy: &Value) -> Option<String> {
    let [(name, arguments)] = entries(policy).collect::<Vec<_>>().try_into().ok()?;
    let is_about_a_secret = name == "AWSSecretsManagerGetSecretValuePolicy";
    is_about_a_secret.then(|| attribute(&arguments["SecretArn"]))
}
