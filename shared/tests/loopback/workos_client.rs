//! WorkOS's API: what is sent, what comes back, and what every refusal means.

use std::time::Duration;

use anteroom::api::ApiError;
use anteroom::provider::ProviderError;
use anteroom::workos::{
    Application, AuthenticateError, Authentication, CreateUserError, Email, Grant, MagicCode,
    OrganizationChoice, OrganizationId, Requirement, UserId, WorkOs,
};
use anteroom_stand_ins as stand_ins;
use anteroom_stand_ins::exchange::{Answer, Request};
use anteroom_stand_ins::faults::Fault;
use anteroom_stand_ins::secrets_manager::SecretsManager;
use anteroom_stand_ins::server::{Provider, StandIn};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::configured;

/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

type WorkOsStandIn = stand_ins::workos::WorkOs;

async fn start() -> (WorkOsStandIn, WorkOs) {
    let stand_in = WorkOsStandIn::start().await.unwrap();
    let workos = configured(stand_in.settings(), WorkOs::configure).await;
    (stand_in, workos)
}

fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

fn jane() -> Email {
    email("jane.doe@example.com")
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn organization_id(stand_in: &WorkOsStandIn, name: &str) -> OrganizationId {
    OrganizationId::parse(&stand_in.organization(name).id).unwrap()
}

fn last(stand_in: &WorkOsStandIn) -> Request {
    stand_in.requests().pop().unwrap()
}

/// The status that our caller sees.
fn status<T, E: Into<ApiError>>(result: Result<T, E>) -> u16 {
    result.map_or_else(|error| error.into().status().as_u16(), |_| 200)
}

/// Sends a code and redeems it.
async fn sign_in(
    stand_in: &WorkOsStandIn,
    workos: &WorkOs,
    email: &Email,
) -> Result<Authentication, AuthenticateError> {
    workos.create_magic_auth(email, None).await.unwrap();
    let code = MagicCode::parse(&stand_in.magic_code_for(email.as_str()).unwrap()).unwrap();
    workos.authenticate_with_magic_auth(email, &code, None).await
}

/// The choice of a user who belongs to several organizations.
async fn choice(
    stand_in: &WorkOsStandIn,
    workos: &WorkOs,
    address: &str,
) -> Box<OrganizationChoice> {
    match sign_in(stand_in, workos, &email(address)).await {
        Err(AuthenticateError::OrganizationSelectionRequired(choice)) => choice,
        other => panic!("{address} has no choice: {other:?}"),
    }
}

mod accounts {
    use super::*;

    #[tokio::test]
    async fn finds_a_user_by_email_address_in_any_case() {
        let (stand_in, workos) = start().await;
        for address in ["jane.doe@example.com", "Jane.Doe@Example.com"] {
            let user = workos.user_by_email(&email(address)).await.unwrap().unwrap();
            assert_eq!(user.id.as_str(), stand_in.user("jane").id);
            let expected = json!({
                "id": stand_in.user("jane").id, "email": "jane.doe@example.com",
                "firstName": "Jane", "lastName": "Doe",
                "avatarURL": "https://img.example.com/jane.png",
            });
            assert_eq!(serde_json::to_value(user.profile()).unwrap(), expected);
        }
        let request = last(&stand_in);
        assert_eq!(request.path(), "/user_management/users");
        assert_eq!(request.query("email").as_deref(), Some("jane.doe@example.com"));
        assert_eq!(request.bearer(), Some(stand_in.api_key().as_str()));
    }

    #[tokio::test]
    async fn finds_a_user_by_id_or_says_that_there_is_none() {
        let (stand_in, workos) = start().await;
        let id = |id: &str| UserId::parse(id).unwrap();
        let jane = id(&stand_in.user("jane").id);
        let found = workos.user(&jane).await.unwrap().unwrap();
        assert_eq!((&found.id, found.email.as_str()), (&jane, "jane.doe@example.com"));
        assert!(found.email_verified);
        assert!(workos.user(&id("user_nobody")).await.unwrap().is_none());
        // A 404 that is not WorkOS's says nothing of the user.
        for fault in [Fault::Failing(404), Fault::WrongShape] {
            stand_in.inject(fault.on("/user_management/users/"));
            assert_eq!(status(workos.user(&jane).await), 502, "{fault:?}");
            stand_in.clear_faults();
        }
        // Neither does an answer about somebody else.
        let careless = StandIn::<Careless>::start().await.unwrap();
        let mut pairs = stand_in.settings();
        pairs.retain(|(name, _)| name != "WORKOS_API_URL");
        pairs.push(("WORKOS_API_URL".to_owned(), careless.url()));
        let workos = configured(pairs, WorkOs::configure).await;
        assert_eq!(status(workos.user(&jane).await), 502);
    }

    #[tokio::test]
    async fn an_unknown_address_finds_nobody() {
        let (_stand_in, workos) = start().await;
        for address in ["nobody@example.com", "jane.doe+1@example.com"] {
            assert!(workos.user_by_email(&email(address)).await.unwrap().is_none(), "{address}");
        }
    }

    #[tokio::test]
    async fn a_user_with_another_address_is_not_accepted() {
        let (stand_in, _) = start().await;
        let careless = StandIn::<Careless>::start().await.unwrap();
        let mut pairs = stand_in.settings();
        pairs.retain(|(name, _)| name != "WORKOS_API_URL");
        pairs.push(("WORKOS_API_URL".to_owned(), careless.url()));
        let workos = configured(pairs, WorkOs::configure).await;
        assert!(workos.user_by_email(&email("nobody@example.com")).await.unwrap().is_none());
        let john = workos.user_by_email(&email("john@example.com")).await.unwrap();
        assert_eq!(john.unwrap().id.as_str(), "user_2");
    }

    /// Lists everybody, and ignores the filter.
    #[derive(Default)]
    struct Careless;

    impl Provider for Careless {
        fn answer(&self, _: &Request) -> Answer {
            let users = json!([
                {"id": "user_1", "email": "jane@example.com"},
                {"id": "user_2", "email": "John@example.com"},
            ]);
            Answer::json(200, &json!({ "object": "list", "data": users }))
        }

        fn limiting(&self) -> Answer {
            self.failing(429)
        }

        fn failing(&self, status: u16) -> Answer {
            Answer::json(status, &json!({}))
        }

        fn refusing(&self) -> Answer {
            self.failing(401)
        }

        fn settings(&self, _: &str) -> Vec<(&'static str, String)> {
            vec![]
        }
    }

    #[tokio::test]
    async fn an_address_cannot_add_to_the_query() {
        let (stand_in, workos) = start().await;
        let sly = email("jane&email=jane.doe@example.com");
        assert!(workos.user_by_email(&sly).await.unwrap().is_none());
        assert_eq!(last(&stand_in).query("email").as_deref(), Some(sly.as_str()));
    }

    #[tokio::test]
    async fn creates_an_account_once_and_sends_nothing() {
        let (stand_in, workos) = start().await;
        let new = email("New@example.com");
        let user = workos.create_user(&new).await.unwrap();
        assert_eq!(user.email, "new@example.com");
        assert_eq!(last(&stand_in).json(), Some(json!({"email": "new@example.com"})));
        assert_eq!(stand_in.magic_code_for("new@example.com"), None);
        assert_eq!(workos.user_by_email(&new).await.unwrap(), Some(user));

        for taken in [new, jane()] {
            let error = workos.create_user(&taken).await.unwrap_err();
            assert!(matches!(error, CreateUserError::Exists), "{error}");
            assert_eq!(ApiError::from(error).status(), 409);
        }
    }
}

mod magic_codes {
    use super::*;

    #[tokio::test]
    async fn sends_a_code_and_redeems_it_once() {
        let (stand_in, workos) = start().await;
        let authentication = sign_in(&stand_in, &workos, &jane()).await.unwrap();
        assert_eq!(authentication.user.id.as_str(), stand_in.user("jane").id);
        assert_eq!(authentication.authentication_method.as_deref(), Some("MagicAuth"));
        let organization = organization_id(&stand_in, "Example");
        assert_eq!(authentication.organization_id, Some(organization));
        assert_eq!(authentication.access_token.expose_secret().split('.').count(), 3);

        let code = stand_in.magic_code_for("jane.doe@example.com").unwrap();
        let request = last(&stand_in);
        assert_eq!(request.path(), "/user_management/authenticate");
        assert_eq!(request.header("authorization"), None, "the key is in the body");
        let expected = json!({
            "client_id": stand_in.client_id(), "client_secret": stand_in.api_key(),
            "grant_type": "urn:workos:oauth:grant-type:magic-auth:code",
            "email": "jane.doe@example.com", "code": code,
        });
        assert_eq!(request.json(), Some(expected));

        let code = MagicCode::parse(&code).unwrap();
        let again = workos.authenticate_with_magic_auth(&jane(), &code, None).await;
        assert_eq!(status(again), 401);
    }

    #[tokio::test]
    async fn a_wrong_expired_or_foreign_code_is_401() {
        let (stand_in, workos) = start().await;
        workos.create_magic_auth(&jane(), None).await.unwrap();
        let code = stand_in.magic_code_for("jane.doe@example.com").unwrap();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let wrong = MagicCode::parse(wrong).unwrap();
        let code = MagicCode::parse(&code).unwrap();
        let redeem = async |email: &str, code| {
            let email = Email::parse(email).unwrap();
            let result = workos.authenticate_with_magic_auth(&email, code, None).await;
            match result.unwrap_err() {
                AuthenticateError::NotGood { grant: Grant::MagicCode, .. } => {}
                other => panic!("{other}"),
            }
        };
        redeem("jane.doe@example.com", &wrong).await;
        redeem("123@gmail.com", &code).await;
        redeem("nobody@example.com", &code).await;
        stand_in.expire_codes();
        redeem("jane.doe@example.com", &code).await;
    }

    #[tokio::test]
    async fn guessing_ends_with_429() {
        let (stand_in, workos) = start().await;
        stand_in.lift_limits();
        workos.create_magic_auth(&jane(), None).await.unwrap();
        let code = stand_in.magic_code_for("jane.doe@example.com").unwrap();
        let wrong = MagicCode::parse(if code == "000000" { "000001" } else { "000000" }).unwrap();
        for _ in 0..stand_ins::workos::MAGIC_CODE_GUESSES {
            assert_eq!(
                status(workos.authenticate_with_magic_auth(&jane(), &wrong, None).await),
                401
            );
        }
        let right = MagicCode::parse(&code).unwrap();
        assert_eq!(status(workos.authenticate_with_magic_auth(&jane(), &right, None).await), 429);
    }

    #[tokio::test]
    async fn asking_too_often_is_429_with_the_time_to_wait() {
        let (_stand_in, workos) = start().await;
        for _ in 0..3 {
            workos.create_magic_auth(&jane(), None).await.unwrap();
        }
        let error = ApiError::from(workos.create_magic_auth(&jane(), None).await.unwrap_err());
        assert_eq!(error.status(), 429);
        assert!(format!("{error:?}").contains("RetryAfter"), "{error:?}");
        assert_eq!(status(workos.create_magic_auth(&email("123@gmail.com"), None).await), 200);
    }

    #[tokio::test]
    async fn with_closed_sign_up_an_unknown_address_gets_403() {
        let (stand_in, workos) = start().await;
        stand_in.close_sign_up();
        assert_eq!(status(workos.create_magic_auth(&email("nobody@example.com"), None).await), 403);
        assert_eq!(status(workos.create_magic_auth(&jane(), None).await), 200);
    }

    #[tokio::test]
    async fn signs_in_without_a_mailbox_for_development() {
        let (stand_in, workos) = start().await;
        let authentication = workos.authenticate_without_mailbox(&jane()).await.unwrap();
        assert_eq!(authentication.user.id.as_str(), stand_in.user("jane").id);
        assert_eq!(status(workos.authenticate_without_mailbox(&email("123@gmail.com")).await), 403);
        stand_in.inject(Fault::WrongShape.on("/user_management/magic_auth"));
        assert_eq!(status(workos.authenticate_without_mailbox(&jane()).await), 502);
    }

    #[tokio::test]
    async fn a_required_step_is_403_and_named() {
        let (stand_in, workos) = start().await;
        for (address, expected) in [
            ("unverified@example.com", Requirement::VerifyEmail),
            ("enrolling@example.com", Requirement::EnrollSecondFactor),
            ("challenged@example.com", Requirement::UseSecondFactor),
            ("someone@sso.example.com", Requirement::UseSso),
        ] {
            let error = sign_in(&stand_in, &workos, &email(address)).await.unwrap_err();
            match &error {
                AuthenticateError::Required { requirement, .. } => {
                    assert_eq!(*requirement, expected, "{address}");
                }
                other => panic!("{address}: {other}"),
            }
            assert!(!format!("{error:?} {error}").contains('@'), "{error:?}");
            assert_eq!(ApiError::from(error).status(), 403);
        }
    }
}

mod authorization_codes {
    use super::*;

    async fn redeem(workos: &WorkOs, code: &str, verifier: &str) -> u16 {
        status(workos.authenticate_with_code(&secret(code), &secret(verifier)).await)
    }

    #[tokio::test]
    async fn redeems_a_code_with_its_verifier_once() {
        let (stand_in, workos) = start().await;
        let code = stand_in.authorization_code("jane", Some(CHALLENGE));
        let result = workos.authenticate_with_code(&secret(&code), &secret(VERIFIER)).await;
        assert_eq!(result.unwrap().user.email, "jane.doe@example.com");
        let expected = json!({
            "client_id": stand_in.client_id(), "client_secret": stand_in.api_key(),
            "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER,
        });
        assert_eq!(last(&stand_in).json(), Some(expected));
        assert_eq!(redeem(&workos, &code, VERIFIER).await, 401, "a replay");
    }

    #[tokio::test]
    async fn a_code_of_another_sign_in_is_401() {
        let (stand_in, workos) = start().await;
        let other_verifier = VERIFIER.replace('d', "e");
        let code = stand_in.authorization_code("jane", Some(CHALLENGE));
        assert_eq!(redeem(&workos, &code, &other_verifier).await, 401);
        let code = stand_in.authorization_code("jane", None);
        assert_eq!(redeem(&workos, &code, VERIFIER).await, 401, "begun without a challenge");
        assert_eq!(redeem(&workos, "invented", VERIFIER).await, 401);
        let code = stand_in.authorization_code("jane", Some(CHALLENGE));
        stand_in.expire_codes();
        assert_eq!(redeem(&workos, &code, VERIFIER).await, 401, "expired");
    }
}

mod organizations {
    use super::*;

    #[tokio::test]
    async fn a_user_with_two_organizations_chooses_one() {
        let (stand_in, workos) = start().await;
        let choice = choice(&stand_in, &workos, "123@gmail.com").await;
        let names: Vec<_> = choice.organizations.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["MASADAS", "TAUNTA SCRE"]);
        assert_eq!(choice.user.email, "123@gmail.com");

        let token = &choice.pending_authentication_token;
        let second = &choice.organizations[1].id;
        let result = workos.authenticate_with_organization_selection(token, second).await;
        assert_eq!(result.unwrap().organization_id.as_ref(), Some(second));
        let expected = json!({
            "client_id": stand_in.client_id(), "client_secret": stand_in.api_key(),
            "grant_type": "urn:workos:oauth:grant-type:organization-selection",
            "pending_authentication_token": token.expose_secret(), "organization_id": second,
        });
        assert_eq!(last(&stand_in).json(), Some(expected));

        let again = workos.authenticate_with_organization_selection(token, second).await;
        assert_eq!(status(again), 401, "spent");
    }

    #[tokio::test]
    async fn a_user_with_a_hundred_organizations_chooses_the_last() {
        let (stand_in, workos) = start().await;
        let choice = choice(&stand_in, &workos, "member.of.hundred@example.com").await;
        assert_eq!(choice.organizations.len(), 100);
        let token = &choice.pending_authentication_token;
        let last = &choice.organizations[99].id;
        let result = workos.authenticate_with_organization_selection(token, last).await;
        assert_eq!(result.unwrap().organization_id.as_ref(), Some(last));
    }

    #[tokio::test]
    async fn a_choice_that_cannot_be_made_has_its_status() {
        let (stand_in, workos) = start().await;
        let choice = choice(&stand_in, &workos, "consultant@example.com").await;
        let token = &choice.pending_authentication_token;
        let choose = async |token: &SecretString, id: &str| {
            let id = OrganizationId::parse(id).unwrap();
            status(workos.authenticate_with_organization_selection(token, &id).await)
        };
        let id = |name| stand_in.organization(name).id;
        assert_eq!(choose(token, "org_invented").await, 403);
        assert_eq!(choose(token, &id("MASADAS")).await, 403, "no member");
        assert_eq!(choose(token, &id("Sso Example")).await, 403, "only by SSO");
        assert_eq!(choose(&secret("invented"), &id("Example")).await, 401);
        stand_in.expire_codes();
        assert_eq!(choose(token, &id("Example")).await, 401, "too late");
    }

    #[tokio::test]
    async fn only_a_verified_domain_leads_to_its_organization() {
        let (stand_in, workos) = start().await;
        for (domain, expected) in [
            ("sso.example.com", Some("Sso Example")),
            ("inactive.example.com", Some("Inactive Example")),
            ("pending.example.com", None),
            ("example.com", None),
            ("gmail.com", None),
        ] {
            let found = workos.organizations_by_domain(domain).await.unwrap();
            let names: Vec<_> = found.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(names, Vec::from_iter(expected), "{domain}");
            assert_eq!(last(&stand_in).query("domains").as_deref(), Some(domain));
        }
    }

    #[tokio::test]
    async fn lists_are_read_page_by_page_up_to_a_few_pages() {
        let (stand_in, workos) = start().await;
        let found = async |number: usize| {
            stand_in.forget_requests();
            let domain = format!("shared{number}.example");
            for index in 0..number {
                let name = format!("S{number:03} {index:03}");
                let organization = stand_ins::workos::Organization::new(&name);
                stand_in.add_organization(organization.with_domain(&domain));
            }
            let found = workos.organizations_by_domain(&domain).await.unwrap();
            (found.len(), stand_in.hits("GET", "/organizations"))
        };
        for (number, expected) in
            [(0, (0, 1)), (1, (1, 1)), (100, (100, 1)), (101, (101, 2)), (600, (500, 5))]
        {
            assert_eq!(found(number).await, expected, "{number}");
        }
    }

    #[tokio::test]
    async fn a_domain_of_many_organizations_leads_to_the_one_with_a_connection() {
        let (stand_in, workos) = start().await;
        let organization = |name: &str| stand_ins::workos::Organization::new(name);
        for (number, calls) in [(1, 1), (3, 3), (4, 1), (40, 1)] {
            let domain = format!("many{number}.example");
            for index in 1..number {
                let other = organization(&format!("M{number:03} {index:03}")).with_domain(&domain);
                stand_in.add_organization(other.with_connection(false));
            }
            let claimed = organization(&format!("C{number:03}")).with_pending_domain(&domain);
            stand_in.add_organization(claimed.with_connection(true));
            stand_in.forget_requests();
            assert_eq!(workos.sso_connection(&domain).await.unwrap(), None, "{number}");
            // What only claims the domain is not asked, and its connection is not taken.
            assert!(stand_in.hits("GET", "/connections") <= 3, "{number}");

            let own = organization(&format!("M{number:03} 000")).with_domain(&domain);
            stand_in.add_organization(own.with_connection(true));
            stand_in.forget_requests();
            let connection = workos.sso_connection(&domain).await.unwrap().unwrap();
            let expected = &stand_in.organization(&format!("M{number:03} 000")).connections[0].id;
            assert_eq!(connection.id.as_str(), expected, "{number}");
            assert!(stand_in.hits("GET", "/connections") <= calls, "{number}");
        }
    }

    #[tokio::test]
    async fn only_an_active_connection_counts() {
        let (stand_in, workos) = start().await;
        for (name, expected) in [
            ("Sso Example", true),
            ("Pending Example", true),
            ("Inactive Example", false),
            ("Example", false),
        ] {
            let id = organization_id(&stand_in, name);
            let connection = workos.active_connection(&id).await.unwrap();
            assert_eq!(connection.is_some(), expected, "{name}");
            let own = &stand_in.organization(name).connections;
            if let Some(connection) = connection {
                assert_eq!(connection.id.as_str(), own[0].id);
                assert_eq!(connection.organization_id, Some(id));
            }
            let asked = last(&stand_in).query("organization_id");
            assert_eq!(asked, Some(stand_in.organization(name).id));
        }
    }
}

mod refreshes {
    use super::*;

    fn refresh_token(session: &Value) -> SecretString {
        secret(session["refresh_token"].as_str().unwrap())
    }

    fn session_id(access_token: &str) -> Value {
        stand_ins::jwt::claims(access_token).unwrap()["sid"].clone()
    }

    #[tokio::test]
    async fn a_refresh_token_is_exchanged_for_the_next_and_spent() {
        let (stand_in, workos) = start().await;
        let session = stand_in.sign_in("jane", None);
        let token = refresh_token(&session);
        let refreshed = workos.authenticate_with_refresh_token(&token, None).await.unwrap();
        assert_ne!(refreshed.refresh_token.expose_secret(), token.expose_secret());
        let sid = session_id(refreshed.access_token.expose_secret());
        assert_eq!(sid, session_id(session["access_token"].as_str().unwrap()));
        let expected = json!({
            "client_id": stand_in.client_id(), "client_secret": stand_in.api_key(),
            "grant_type": "refresh_token", "refresh_token": token.expose_secret(),
        });
        assert_eq!(last(&stand_in).json(), Some(expected));

        let same = workos.authenticate_with_refresh_token(&token, None).await.unwrap();
        let next = |of: &Authentication| of.refresh_token.expose_secret().to_owned();
        assert_eq!(next(&same), next(&refreshed), "for half a minute it can be sent again");
        stand_in.end_replays();
        let error = workos.authenticate_with_refresh_token(&token, None).await.unwrap_err();
        assert!(matches!(error, AuthenticateError::AlreadyExchanged), "{error}");
        assert!(!error.ends_session(), "the session goes on, with the other token");
        assert_eq!(ApiError::from(error).status(), 401);
    }

    #[tokio::test]
    async fn an_ended_session_cannot_be_refreshed() {
        let (stand_in, workos) = start().await;
        let session = stand_in.sign_in("jane", None);
        let sid = session_id(session["access_token"].as_str().unwrap());
        assert!(stand_in.revoke_session(sid.as_str().unwrap()));
        let token = refresh_token(&session);
        let error = workos.authenticate_with_refresh_token(&token, None).await.unwrap_err();
        assert!(error.ends_session(), "{error}");

        let token = refresh_token(&stand_in.sign_in("without_organization", None));
        stand_in.remove_user("without_organization");
        let error = workos.authenticate_with_refresh_token(&token, None).await.unwrap_err();
        assert!(error.ends_session(), "{error}");
    }

    #[tokio::test]
    async fn a_refresh_changes_the_organization() {
        let (stand_in, workos) = start().await;
        let token = refresh_token(&stand_in.sign_in("member_of_two", Some("MASADAS")));
        let other = organization_id(&stand_in, "TAUNTA SCRE");
        let refreshed = workos.authenticate_with_refresh_token(&token, Some(&other)).await.unwrap();
        assert_eq!(refreshed.organization_id.as_ref(), Some(&other));
        let claims = stand_ins::jwt::claims(refreshed.access_token.expose_secret()).unwrap();
        assert_eq!(claims["org_id"], other.as_str());
    }

    #[tokio::test]
    async fn an_organization_that_rejects_the_user_is_403_and_the_token_stays_valid() {
        let (stand_in, workos) = start().await;
        let token = refresh_token(&stand_in.sign_in("consultant", Some("Example")));
        let ids = ["MASADAS", "Sso Example", "Mfa Example"].map(|n| organization_id(&stand_in, n));
        let invented = OrganizationId::parse("org_invented").unwrap();
        for id in ids.iter().chain([&invented]) {
            let result = workos.authenticate_with_refresh_token(&token, Some(id)).await;
            assert_eq!(status(result), 403, "{id}");
        }
        assert_eq!(status(workos.authenticate_with_refresh_token(&token, None).await), 200);
    }

    #[tokio::test]
    async fn a_response_about_another_organization_is_502() {
        let (stand_in, workos) = start().await;
        let token = refresh_token(&stand_in.sign_in("member_of_two", Some("MASADAS")));
        stand_in.misplace_refreshes("MASADAS");
        let other = organization_id(&stand_in, "TAUNTA SCRE");
        let result = workos.authenticate_with_refresh_token(&token, Some(&other)).await;
        assert_eq!(status(result), 502);
    }

    #[tokio::test]
    async fn a_failure_never_ends_a_session() {
        let (stand_in, workos) = start().await;
        let token = refresh_token(&stand_in.sign_in("jane", None));
        for (fault, expected) in [
            (Fault::Refusing, 502),
            (Fault::Garbage, 502),
            (Fault::WrongShape, 502),
            (Fault::Failing(400), 502),
            (Fault::Failing(403), 502),
            (Fault::Failing(404), 502),
            (Fault::Down, 503),
            (Fault::GatewayPage, 503),
            (Fault::Failing(500), 503),
            (Fault::Limiting { retry_after: Some(7) }, 503),
            (Fault::Slow(Duration::from_secs(30)), 503),
        ] {
            stand_in.inject(fault);
            let error = workos.authenticate_with_refresh_token(&token, None).await.unwrap_err();
            assert!(!error.ends_session(), "{fault:?}");
            assert_eq!(ApiError::from(error).status(), expected, "{fault:?}");
            stand_in.clear_faults();
        }
    }
}

mod failures {
    use super::*;

    #[tokio::test]
    async fn every_failure_of_a_read_has_its_status() {
        let (stand_in, workos) = start().await;
        let id = organization_id(&stand_in, "Example");
        for (fault, expected) in [
            (Fault::Refusing, 502),
            (Fault::Garbage, 502),
            (Fault::WrongShape, 502),
            (Fault::Failing(400), 502),
            (Fault::Failing(403), 502),
            (Fault::Failing(404), 502),
            (Fault::Failing(302), 502),
            (Fault::Truncated, 503),
            (Fault::Down, 503),
            (Fault::GatewayPage, 503),
            (Fault::Failing(500), 503),
            (Fault::Limiting { retry_after: Some(7) }, 503),
        ] {
            stand_in.inject(fault);
            assert_eq!(status(workos.user_by_email(&jane()).await), expected, "{fault:?}");
            let found = workos.organizations_by_domain("example.com").await;
            let is_refusal = fault == Fault::Failing(400);
            let of_domain = if is_refusal { 200 } else { expected };
            assert_eq!(status(found), of_domain, "{fault:?}: a domain that is refused is nobody's");
            assert_eq!(status(workos.active_connection(&id).await), expected, "{fault:?}");
            let keys = workos.application().signing_keys().await;
            assert_eq!(status(keys), expected, "{fault:?}");
            stand_in.clear_faults();
        }
        assert_eq!(status(workos.user_by_email(&jane()).await), 200, "all is well again");
    }

    #[tokio::test]
    async fn a_limit_on_the_callers_action_is_429_and_any_other_is_503() {
        let (stand_in, workos) = start().await;
        stand_in.inject(Fault::Limiting { retry_after: Some(7) });
        let code = MagicCode::parse("123456").unwrap();
        let id = organization_id(&stand_in, "Example");
        let (token, wait) = (secret("token"), Some(Duration::from_secs(7)));
        let attempts: [Result<Authentication, _>; 3] = [
            workos.authenticate_with_magic_auth(&jane(), &code, None).await,
            workos.authenticate_with_code(&token, &secret(VERIFIER)).await,
            workos.authenticate_with_organization_selection(&token, &id).await,
        ];
        let mut errors = attempts.map(|attempt| ApiError::from(attempt.unwrap_err())).to_vec();
        errors.push(workos.create_magic_auth(&jane(), None).await.unwrap_err().into());
        for error in errors {
            assert_eq!(error.status(), 429);
            assert_eq!(error.clone().retry_after(wait), error, "in seven seconds");
        }
        let error = ApiError::from(workos.create_user(&jane()).await.unwrap_err());
        assert_eq!(error.status(), 503);
        assert_eq!(error.clone().retry_after(wait), error, "in seven seconds");
    }

    #[tokio::test]
    async fn a_call_that_must_not_happen_twice_is_sent_once() {
        let (stand_in, workos) = start().await;
        let code = MagicCode::parse("123456").unwrap();
        stand_in.inject(Fault::Down);
        assert_eq!(status(workos.create_magic_auth(&jane(), None).await), 503);
        assert_eq!(status(workos.create_user(&jane()).await), 503);
        assert_eq!(status(workos.authenticate_with_magic_auth(&jane(), &code, None).await), 503);
        let (token, id) = (secret("token"), organization_id(&stand_in, "Example"));
        assert_eq!(status(workos.authenticate_with_code(&token, &secret(VERIFIER)).await), 503);
        let chosen = workos.authenticate_with_organization_selection(&token, &id).await;
        assert_eq!(status(chosen), 503);
        assert_eq!(stand_in.hits("POST", "/user_management/magic_auth"), 1);
        assert_eq!(stand_in.hits("POST", "/user_management/users"), 1);
        assert_eq!(stand_in.hits("POST", "/user_management/authenticate"), 3);

        stand_in.clear_faults();
        stand_in.inject(Fault::Down.once());
        assert_eq!(status(workos.user_by_email(&jane()).await), 200, "reading may be repeated");
    }
}

mod keys {
    use super::*;

    /// Everything that is called with the key, once: the statuses that our caller sees.
    async fn statuses(stand_in: &WorkOsStandIn, workos: &WorkOs) -> [u16; 3] {
        let code = stand_in.authorization_code("jane", Some(CHALLENGE));
        [
            status(workos.user_by_email(&jane()).await),
            status(workos.create_magic_auth(&jane(), None).await),
            status(workos.authenticate_with_code(&secret(&code), &secret(VERIFIER)).await),
        ]
    }

    #[tokio::test]
    async fn a_rejected_key_is_our_fault_and_not_the_users() {
        let (stand_in, workos) = start().await;
        stand_in.rotate_api_key("sk_test_another");
        assert_eq!(statuses(&stand_in, &workos).await, [502; 3]);
    }

    #[tokio::test]
    async fn a_rotated_key_fails_no_request() {
        let manager = SecretsManager::start().await.unwrap();
        let stand_in = WorkOsStandIn::start().await.unwrap();
        stand_in.lift_limits();
        let put = |key: &str| manager.put("anteroom/workos", json!({ "WORKOS_API_KEY": key }));
        put(&stand_in.api_key());
        let mut pairs = manager.settings();
        pairs.extend(stand_in.settings());
        pairs.retain(|(name, _)| name != "WORKOS_API_KEY");
        pairs.push(("WORKOS_SECRET_ID".to_owned(), "anteroom/workos".to_owned()));
        let workos = configured(pairs, WorkOs::configure).await;
        assert_eq!(statuses(&stand_in, &workos).await, [200; 3]);

        let code = stand_in.authorization_code("jane", Some(CHALLENGE));
        stand_in.rotate_api_key("sk_test_second");
        put("sk_test_second");
        let result = workos.authenticate_with_code(&secret(&code), &secret(VERIFIER)).await;
        assert_eq!(status(result), 200, "the one that meets it");
        assert_eq!(statuses(&stand_in, &workos).await, [200; 3]);
    }

    #[tokio::test]
    async fn the_signing_keys_need_no_key_of_ours() {
        let stand_in = WorkOsStandIn::start().await.unwrap();
        let mut pairs = stand_in.settings();
        pairs.retain(|(name, _)| name != "WORKOS_API_KEY" && name != "WORKOS_REDIRECT_URI");
        let application = configured(pairs, Application::configure).await;
        let keys = application.signing_keys().await;
        assert!(keys.is_ok_and(|keys| !keys.is_empty()));
        let request = last(&stand_in);
        assert_eq!(request.path(), format!("/sso/jwks/{}", stand_in.client_id()));
        assert_eq!(request.header("authorization"), None);
        assert!(application.is_issuer(&stand_in.issuer()));
    }

    #[tokio::test]
    async fn the_keys_of_an_application_that_does_not_exist_are_our_fault() {
        let stand_in = WorkOsStandIn::start().await.unwrap();
        let mut pairs = stand_in.settings();
        pairs.retain(|(name, _)| name != "WORKOS_CLIENT_ID");
        pairs.push(("WORKOS_CLIENT_ID".to_owned(), "client_another".to_owned()));
        let application = configured(pairs, Application::configure).await;
        let keys: Result<_, ProviderError> = application.signing_keys().await;
        assert_eq!(status(keys), 502);
    }
}

mod printing {
    use super::*;

    #[tokio::test]
    async fn secrets_and_personal_data_are_not_printed() {
        let (stand_in, workos) = start().await;
        let authentication = sign_in(&stand_in, &workos, &jane()).await.unwrap();
        let choice = choice(&stand_in, &workos, "123@gmail.com").await;
        let code = stand_in.magic_code_for("jane.doe@example.com").unwrap();
        let spent = MagicCode::parse(&code).unwrap();
        let refused = workos.authenticate_with_magic_auth(&jane(), &spent, None).await.unwrap_err();
        let taken = workos.create_user(&jane()).await.unwrap_err();
        let printed = format!("{workos:?} {authentication:?} {choice:?} {refused:?} {taken:?}");
        for private in [
            code.as_str(),
            stand_in.api_key().as_str(),
            authentication.access_token.expose_secret(),
            authentication.refresh_token.expose_secret(),
            choice.pending_authentication_token.expose_secret(),
            "jane",
            "Jane",
            "gmail",
        ] {
            assert!(!printed.contains(private), "{private} is in {printed}");
        }
    }
}
