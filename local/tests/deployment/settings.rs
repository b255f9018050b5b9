//! The settings of each function, and the parameters that they come from.

use std::collections::BTreeSet;
use std::fs;

use anteroom_local::template::FunctionTemplate;
use serde_norway::Value;

use crate::binaries::{Users, asked_for, contains, executable, whose_users, words_in_capitals};
use crate::cloudformation::{
    collect_names, document, entries, reference, reference_in_join, resource, substitution, tagged,
    tagged_value, variables,
};
use crate::{Names, functions};

#[tokio::test]
async fn a_function_gets_every_setting_that_it_requires() {
    let template = document();
    for function in functions() {
        for users in whose_users(&function).await {
            let asked = asked_for(&function, *users).await;
            let given = given(&template, &function, &[*users]);
            let missing: Vec<_> = asked.settings.difference(&given).collect();
            assert!(missing.is_empty(), "{} for {users:?} needs {missing:?}", function.name);
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
        let given = given(&template, function, whose_users(function).await);
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

/// The names of the variables that the function is given for any of these users.
fn given(template: &Value, function: &FunctionTemplate, users: &[Users]) -> Names {
    let own = |users: &Users| variables(template, &function.id, *users);
    let chosen: BTreeSet<_> = users.iter().flat_map(own).map(|(name, _)| name).collect();
    let of_the_others = |name: &String| {
        let variables = &resource(template, &function.id)["Properties"]["Environment"]["Variables"];
        variables.get(name.as_str()).is_some() && !chosen.contains(name.as_str())
    };
    let names = function.environment.iter();
    names.filter(|name| !of_the_others(name)).cloned().collect()
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
