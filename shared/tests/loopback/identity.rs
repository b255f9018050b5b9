//! Whose sessions an endpoint accepts, and how each provider's become a caller and a person.

use anteroom::api::{ApiError, Request, with_cookies};
use anteroom::caller::Person;
use anteroom::clock::Clock;
use anteroom::identity::IdentityProvider;
use anteroom::settings::{Incomplete, Settings};
use anteroom_stand_ins as stand_ins;
use anteroom_stand_ins::clerk::User;
use anteroom_stand_ins::faults::Fault;

use crate::{bearer, configured, pairs, request};

type Configure = fn(&mut Settings) -> Result<IdentityProvider, Incomplete>;

/// Both settings, with the provider that each has by default.
const SETTINGS: [(&str, &str, Configure); 2] = [
    ("LIVEKIT_IDENTITY", "workos", IdentityProvider::for_livekit),
    ("LIVEBLOCKS_IDENTITY", "clerk", IdentityProvider::for_liveblocks),
];

/// The first word of the settings that each provider asks for.
const PROVIDERS: [(&str, &str); 2] = [("workos", "WORKOS_"), ("clerk", "CLERK_")];

#[tokio::test]
async fn only_the_settings_of_the_chosen_provider_are_required() {
    for (setting, default, configure) in SETTINGS {
        for value in ["", "workos", "clerk"] {
            let mut settings = Settings::from_pairs([(setting, value)], Clock::system()).unwrap();
            let provider = configure(&mut settings);
            let problems = settings.complete(provider).await.unwrap_err().to_string();
            let chosen = if value.is_empty() { default } else { value };
            for (name, prefix) in PROVIDERS {
                let asks = problems.contains(prefix);
                assert_eq!(asks, name == chosen, "{setting}={value}: {problems}");
            }
        }
        for value in ["Clerk", "WorkOS", "auth0", "clerk,workos", "none"] {
            let mut settings = Settings::from_pairs([(setting, value)], Clock::system()).unwrap();
            let provider = configure(&mut settings);
            let problems = settings.complete(provider).await.unwrap_err().to_string();
            assert!(problems.contains(setting) && !problems.contains("auth0"), "{problems}");
        }
    }
}

#[tokio::test]
async fn a_clerk_session_is_a_caller_and_a_person() {
    let clerk = stand_ins::clerk::Clerk::start().await.unwrap();
    let provider = configured(pairs(clerk.settings()), IdentityProvider::for_liveblocks).await;
    let session = provider.session(&bearer(&clerk.session_token("jane"))).await.unwrap();
    let jane = clerk.user("jane");
    assert_eq!(session.caller().user_id, jane.id);
    let person = session.person().await.unwrap();
    let picture = jane.picture.as_deref();
    let expected = Person::new(Some("jane.doe@example.com"), [Some("Jane Doe"), None], picture);
    assert!(person == Some(expected));

    for (user, status) in [("banned", 403), ("locked", 403)] {
        let session = provider.session(&bearer(&clerk.session_token(user))).await.unwrap();
        let refused = session.person().await.map(drop).unwrap_err();
        assert_eq!(refused.status().as_u16(), status, "{user}");
    }
    clerk.add_user(User::new("gone"));
    let token = clerk.session_token("gone");
    clerk.remove_user("gone");
    let session = provider.session(&bearer(&token)).await.unwrap();
    assert!(session.person().await.unwrap().is_none());
}

#[tokio::test]
async fn a_workos_session_is_a_caller_and_a_person() {
    let workos = stand_ins::workos::WorkOs::start().await.unwrap();
    let provider = configured(workos.settings(), IdentityProvider::for_livekit).await;
    let token = workos.access_token("jane");
    let session = provider.session(&bearer(&token)).await.unwrap();
    assert_eq!(session.caller().user_id, workos.user("jane").id);
    let person = session.person().await.unwrap().unwrap();
    assert_eq!(person.email.as_deref(), Some("jane.doe@example.com"));
    assert_eq!(person.name.as_deref(), Some("Jane Doe"));

    workos.inject(Fault::Down.on("/user_management/users/"));
    let unknown = session.person().await.map(drop).unwrap_err();
    assert_eq!(unknown.status().as_u16(), 503);
}

#[tokio::test]
async fn no_session_is_the_given_error_and_a_bad_credential_is_401() {
    let (workos, clerk) = (
        stand_ins::workos::WorkOs::start().await.unwrap(),
        stand_ins::clerk::Clerk::start().await.unwrap(),
    );
    let workos_tokens = {
        let mut expired = workos.claims_for("jane");
        expired["exp"] = serde_json::json!(1_700_000_000);
        let header = workos.header();
        let foreign = workos.sign_foreign(&header, &workos.claims_for("jane"));
        (workos.sign(&header, &expired), foreign)
    };
    let clerk_tokens = {
        let mut expired = clerk.claims_for("jane");
        expired["exp"] = serde_json::json!(1_700_000_000);
        let header = clerk.header();
        let foreign = clerk.sign_foreign(&header, &clerk.claims_for("jane"));
        (clerk.sign(&header, &expired), foreign)
    };
    let with_workos = configured(workos.settings(), IdentityProvider::for_livekit).await;
    let with_clerk = configured(pairs(clerk.settings()), IdentityProvider::for_liveblocks).await;
    for (provider, (expired, foreign)) in
        [(&with_workos, workos_tokens), (&with_clerk, clerk_tokens)]
    {
        let status = async |request: &Request| {
            let nobody = || ApiError::not_found("Nobody");
            let (asked, _) = with_cookies(provider.session_or(request, nobody)).await;
            asked.map_or_else(|error| error.status().as_u16(), |_| 200)
        };
        assert_eq!(status(&request(&[])).await, 404);
        assert_eq!(status(&request(&[("authorization", "")])).await, 404);
        assert_eq!(status(&bearer(&expired)).await, 404);
        assert_eq!(status(&bearer(&foreign)).await, 401);
        assert_eq!(status(&bearer("not-a-token")).await, 401);
    }
}
