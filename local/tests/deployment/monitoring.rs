//! Logs, alarms and the dashboard.

use std::fs;

use serde_json::Value as Json;

use crate::cloudformation::{
    document, entries, of_type, reference, resource, substitution, tagged, tagged_value,
};
use crate::{Names, functions, root};

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
