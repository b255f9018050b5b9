//! Which providers a function needs, and why it is not served when one of them is left out.

use std::fmt;

use crate::{environment::Environment, providers::Provider, template::FunctionTemplate};

/// The providers that a function calls or whose tokens it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    providers: Vec<Provider>,
    choice: Option<Choice>,
}

/// Whose users a function serves, if a setting decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    setting: &'static str,
    chosen: Provider,
    other: Provider,
}

/// Why a function is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    provider: Provider,
    /// The setting that could choose another provider, and that provider.
    way_out: Option<(&'static str, Provider)>,
}

impl Needs {
    /// The providers whose secrets the template gives the function. Of Clerk and WorkOS it needs one if it
    /// is given both: the one that the identity setting of its rooms' provider names.
    pub fn of(function: &FunctionTemplate, environment: &Environment) -> Self {
        let has_secret = |provider: &Provider| {
            function.environment.iter().any(|name| name == provider.secret_id())
        };
        let mut providers: Vec<_> = Provider::ALL.into_iter().filter(has_secret).collect();
        let mut choice = None;
        if [Provider::Clerk, Provider::WorkOs].iter().all(|it| providers.contains(it)) {
            let setting = providers.iter().find_map(|provider| provider.identity());
            choice = setting.and_then(|(setting, default)| {
                Some(match environment.value(setting) {
                    None => Choice::of(setting, default),
                    Some("clerk") => Choice::of(setting, Provider::Clerk),
                    Some("workos") => Choice::of(setting, Provider::WorkOs),
                    // The function itself reports any other value.
                    Some(_) => return None,
                })
            });
            providers.retain(|provider| {
                !provider.signs_users_in()
                    || choice.is_some_and(|choice| choice.chosen == *provider)
            });
        }
        Self { providers, choice }
    }

    /// The provider whose users the function serves.
    pub fn identity(&self) -> Option<Provider> {
        self.providers.iter().copied().find(|provider| provider.signs_users_in())
    }

    /// The first provider that is needed and left out.
    pub fn missing(&self, left_out: &[Provider]) -> Option<Missing> {
        let needed = |provider: &&Provider| left_out.contains(provider);
        let provider = *self.providers.iter().find(needed)?;
        let others_are_there =
            self.providers.iter().all(|needed| *needed == provider || !left_out.contains(needed));
        let choice = self.choice.filter(|choice| {
            choice.chosen == provider && others_are_there && !left_out.contains(&choice.other)
        });
        Some(Missing { provider, way_out: choice.map(|choice| (choice.setting, choice.other)) })
    }
}

impl Choice {
    const fn of(setting: &'static str, chosen: Provider) -> Self {
        let other = match chosen {
            Provider::Clerk => Provider::WorkOs,
            _ => Provider::Clerk,
        };
        Self { setting, chosen, other }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, way_out } = self;
        match way_out {
            None => write!(formatter, "{} is left out", provider.name()),
            Some((setting, other)) => write!(
                formatter,
                "{setting} is {}, which is left out; to serve {}'s users, set it to {}",
                provider.word(),
                other.name(),
                other.word()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn function(secrets: &[&str]) -> FunctionTemplate {
        FunctionTemplate {
            id: "SomeFunction".to_owned(),
            name: "some".to_owned(),
            timeout: Duration::from_secs(1),
            memory_mb: 128,
            routes: vec![],
            takes: None,
            environment: secrets.iter().map(|name| format!("{name}_SECRET_ID")).collect(),
        }
    }

    fn needs(secrets: &[&str], settings: &[(&str, &str)]) -> Needs {
        let mut environment = Environment::default();
        for (name, value) in settings {
            environment.set(*name, *value);
        }
        Needs::of(&function(secrets), &environment)
    }

    const ROOM: [&str; 3] = ["CLERK", "LIVEKIT", "WORKOS"];
    const DOCUMENT: [&str; 3] = ["CLERK", "LIVEBLOCKS", "WORKOS"];

    #[test]
    fn a_function_needs_the_providers_whose_secrets_it_is_given() {
        let sign_in = needs(&["WORKOS"], &[("LIVEKIT_IDENTITY", "clerk")]);
        assert_eq!(sign_in.identity(), Some(Provider::WorkOs));
        assert_eq!(sign_in.missing(&[Provider::Clerk, Provider::LiveKit]), None);
        let missing = sign_in.missing(&[Provider::WorkOs]).expect("WorkOS").to_string();
        assert_eq!(missing, "WorkOS is left out");
        assert_eq!(needs(&[], &[]).missing(&Provider::ALL), None);
    }

    #[test]
    fn rooms_are_for_the_users_of_workos_and_documents_for_those_of_clerk_by_default() {
        let (room, document) = (needs(&ROOM, &[]), needs(&DOCUMENT, &[]));
        assert_eq!(room.identity(), Some(Provider::WorkOs));
        assert_eq!(room.missing(&[Provider::Clerk]), None);
        assert_eq!(document.identity(), Some(Provider::Clerk));
        assert_eq!(document.missing(&[Provider::WorkOs]), None);
    }

    #[test]
    fn a_setting_gives_them_to_the_users_of_the_other() {
        let settings = [("LIVEKIT_IDENTITY", "clerk"), ("LIVEBLOCKS_IDENTITY", "workos")];
        let (room, document) = (needs(&ROOM, &settings), needs(&DOCUMENT, &settings));
        assert_eq!(room.identity(), Some(Provider::Clerk));
        assert_eq!(room.missing(&[Provider::WorkOs]), None);
        assert_eq!(document.identity(), Some(Provider::WorkOs));
        assert_eq!(document.missing(&[Provider::Clerk]), None);
    }

    #[test]
    fn says_which_setting_would_help_if_one_would() {
        let room = needs(&ROOM, &[]);
        let missing = |left_out| room.missing(left_out).expect("WorkOS").to_string();
        assert_eq!(
            missing(&[Provider::WorkOs]),
            "LIVEKIT_IDENTITY is workos, which is left out; to serve Clerk's users, set it to clerk"
        );
        let plain = "WorkOS is left out";
        assert_eq!(missing(&[Provider::WorkOs, Provider::Clerk]), plain);
        let livekit = missing(&[Provider::WorkOs, Provider::LiveKit]);
        assert_eq!(livekit, "LiveKit is left out");
    }

    #[test]
    fn leaves_an_unknown_identity_to_the_function_to_report() {
        let room = needs(&ROOM, &[("LIVEKIT_IDENTITY", "auth0")]);
        assert_eq!(room.identity(), None);
        assert_eq!(room.missing(&[Provider::Clerk, Provider::WorkOs]), None);
    }
}
