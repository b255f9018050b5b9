//! Requests to the endpoints that sign somebody in.

use anteroom::api::{self, Request};
use anteroom::clock::Clock;
use anteroom::settings::{Incomplete, Settings};
use anteroom::workos::{Cookies, Email, MagicCode, NewSignIn};
use anteroom_stand_ins::workos::WorkOs;
use anteroom_testing::Event;
use serde_json::json;

use super::answer::Answer;
use crate::Failure;
use crate::providers::{EMAIL, Environment, USER};
use crate::subject::Endpoint;

/// The account that is created.
const NEW_EMAIL: &str = "new.user@example.com";

/// The user who has to choose an organization, by short name and address, and the choice.
const CHOOSER: &str = "member_of_two";
const CHOOSERS_EMAIL: &str = "123@gmail.com";
const CHOICE: &str = "MASADAS";

pub(super) struct SignIns<'p> {
    endpoint: Endpoint,
    event: Event,
    settings: Environment,
    workos: &'p WorkOs,
    /// The sign-in that the browser has begun, whose callback `finalize-oauth` gets.
    begun: NewSignIn,
}

impl<'p> SignIns<'p> {
    pub(super) async fn to(
        endpoint: Endpoint,
        event: Event,
        settings: Environment,
        workos: &'p WorkOs,
    ) -> Result<Self, Failure> {
        let cookies = configured(&settings, Cookies::configure).await?;
        let begun = cookies.sign_in.begin(Request::default().headers()).await?;
        let event = match endpoint {
            Endpoint::FinalizeOauth => {
                event.cookie(begun.cookies[0].name(), begun.cookies[0].value())
            }
            _ => event,
        };
        Ok(Self { endpoint, event, settings, workos, begun })
    }

    pub(super) async fn next(&self) -> Result<Event, Failure> {
        let event = self.event.clone();
        Ok(match self.endpoint {
            Endpoint::SignUp => {
                self.workos.remove_user(NEW_EMAIL);
                event.json(&json!({ "email": NEW_EMAIL }))
            }
            Endpoint::FinalizeMagicAuth => {
                let code = self.workos.magic_code(USER);
                event.json(&json!({ "email": EMAIL, "code": code }))
            }
            Endpoint::FinalizeOauth => {
                let code = self.workos.authorization_code(USER, Some(&self.begun.code_challenge));
                event.json(&json!({ "code": code, "state": self.begun.state }))
            }
            Endpoint::SelectOrganization => self.choice(event).await?,
            _ => event,
        })
    }

    /// The choice of a user who has signed in as far as the choice, as `finalize-magic-auth` does it.
    async fn choice(&self, event: Event) -> Result<Event, Failure> {
        let sign_ins = configured(&self.settings, anteroom::workos::SignIns::configure).await?;
        let email = Email::parse(CHOOSERS_EMAIL).ok_or("no address")?;
        let code = MagicCode::parse(&self.workos.magic_code(CHOOSER)).ok_or("no code")?;
        let request = Request::default();
        let finish = sign_ins.finish_magic_auth(request.headers(), &email, &code, None);
        let (outcome, cookies) = api::with_cookies(finish).await;
        let outcome = outcome.map_err(|error| format!("no choice: {error:?}"))?;
        let outcome = serde_json::to_value(outcome)?;
        let cookie = cookies.first().ok_or("no cookie")?;
        let choice = json!({
            "pendingAuthenticationToken": outcome["user"]["pendingAuthenticationToken"],
            "organizationId": self.workos.organization(CHOICE).id,
        });
        Ok(event.cookie(cookie.name(), cookie.value()).json(&choice))
    }

    pub(super) fn is_right(&self, answer: &Answer) -> bool {
        let body = &answer.body;
        match self.endpoint {
            Endpoint::SignIn => {
                *body == json!({ "authData": { "authMethod": "magic_auth" } })
                    && self.workos.magic_code_for(EMAIL).is_some()
            }
            Endpoint::SignUp => answer.status == 201 && self.workos.has_user(NEW_EMAIL),
            Endpoint::ResendMagicAuth => {
                answer.is_done() && self.workos.magic_code_for(EMAIL).is_some()
            }
            Endpoint::ContinueWithGoogle => self.leads_to(answer, "provider=GoogleOAuth"),
            Endpoint::ContinueWithMicrosoft => self.leads_to(answer, "provider=MicrosoftOAuth"),
            Endpoint::ContinueWithAuthKit => self.leads_to(answer, "provider=authkit"),
            Endpoint::SelectOrganization => answer.signs_in(CHOOSERS_EMAIL),
            _ => answer.signs_in(EMAIL),
        }
    }

    /// Whether the browser is sent to WorkOS's page with this parameter.
    fn leads_to(&self, answer: &Answer, parameter: &str) -> bool {
        let url = answer.body["authData"]["redirectURL"].as_str().unwrap_or_default();
        let page = format!("{}/user_management/authorize?", self.workos.url());
        answer.status == 200 && url.starts_with(&page) && url.contains(parameter)
    }
}

/// What the function with these settings configures.
async fn configured<T>(
    settings: &[(String, String)],
    configure: impl Fn(&mut Settings) -> Result<T, Incomplete>,
) -> Result<T, Failure> {
    let settings = Settings::from_pairs(settings.to_vec(), Clock::system());
    let mut settings = settings.map_err(|error| error.to_string())?;
    let configured = configure(&mut settings);
    settings.complete(configured).await.map_err(|error| error.to_string().into())
}
