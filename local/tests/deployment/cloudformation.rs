//! Reads the template: resources, conditions and intrinsic functions.

use std::fs;

use serde_norway::Value;

use crate::binaries::Users;
use crate::{Names, root};

/// The function's own variables for these users.
pub(crate) fn variables<'a>(
    template: &'a Value,
    id: &str,
    users: Users,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let variables = &resource(template, id)["Properties"]["Environment"]["Variables"];
    entries(variables).filter_map(move |(name, value)| Some((name, chosen(value, users)?)))
}

/// The value for these users, if there is one: most values are the same for all.
pub(crate) fn chosen(value: &Value, users: Users) -> Option<&Value> {
    let Some(branches) = tagged_value(value, "If") else {
        return Some(value);
    };
    let condition = branches[0].as_str().unwrap();
    assert_eq!(reference(&branches[2]), Some("AWS::NoValue"), "{condition}");
    let holds = match condition {
        "LiveblocksForWorkOs" | "LiveKitForWorkOs" => users == Users::WorkOs,
        "LiveblocksForClerk" | "LiveKitForClerk" => users != Users::WorkOs,
        "LiveKitCallsClerk" => users == Users::Clerk,
        _ => panic!("{condition} is not about users"),
    };
    holds.then_some(&branches[1])
}

pub(crate) fn document() -> Value {
    let text = fs::read_to_string(root().join("template.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

pub(crate) fn resource<'a>(template: &'a Value, id: &str) -> &'a Value {
    let resource = &template["Resources"][id];
    assert!(resource.is_mapping(), "there is no {id}");
    resource
}

pub(crate) fn of_type<'a>(
    template: &'a Value,
    kind: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    entries(&template["Resources"])
        .filter(move |(_, resource)| resource["Type"].as_str() == Some(kind))
}

pub(crate) fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().into_iter().flatten().map(|(key, value)| (key.as_str().unwrap(), value))
}

/// What is behind a tag, such as `!Sub`.
pub(crate) fn tagged_value<'a>(value: &'a Value, tag: &str) -> Option<&'a Value> {
    match value {
        Value::Tagged(tagged) if tagged.tag == tag => Some(&tagged.value),
        _ => None,
    }
}

pub(crate) fn tagged<'a>(value: &'a Value, tag: &str) -> Option<&'a str> {
    tagged_value(value, tag)?.as_str()
}

/// The text of a `!Sub` and its own variables, which are null if it has none.
pub(crate) fn substitution(value: &Value) -> Option<(&str, &Value)> {
    let value = tagged_value(value, "Sub")?;
    Some((value.as_str().or_else(|| value[0].as_str())?, &value[1]))
}

pub(crate) fn reference(value: &Value) -> Option<&str> {
    tagged(value, "Ref")
}

pub(crate) fn attribute(value: &Value) -> String {
    tagged(value, "GetAtt").unwrap().to_owned()
}

pub(crate) fn reference_in_join(value: &Value) -> &str {
    reference(&tagged_value(value, "Join").unwrap()[1]).unwrap()
}

/// The names behind `!Ref`, `!GetAtt` and `${…}`, anywhere in a value.
pub(crate) fn collect_names(value: &Value, names: &mut Names) {
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
