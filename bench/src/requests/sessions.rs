//! Requests to the endpoints about the user's session, which is in a cookie.

use anteroom_stand_ins::workos::WorkOs;
use anteroom_testing::Event;
use anteroom_testing::sessions::{COOKIE, sealed};
use serde_json::json;

use super::answer::Answer;
use crate::providers::{EMAIL, Environment, USER};
use crate::subject::Endpoint;

/// The user of two organizations, by short name and address, and the two.
const MEMBER_OF_TWO: &str = "member_of_two";
const MEMBERS_EMAIL: &str = "123@gmail.com";
const FROM: &str = "MASADAS";
const TO: &str = "TAUNTA SCRE";

pub(super) struct Sessions<'p> {
    endpoint: Endpoint,
    event: Event,
    settings: Environment,
    workos: &'p WorkOs,
}

impl<'p> Sessions<'p> {
    pub(super) async fn to(
        endpoint: Endpoint,
        event: Event,
        settings: Environment,
        workos: &'p WorkOs,
    ) -> Self {
        let event = match endpoint {
            Endpoint::SwitchOrganization => event.json(&json!({
                "email": MEMBERS_EMAIL,
                "organizationId": workos.organization(TO).id,
            })),
            _ => event.cookie(COOKIE, &sealed(&settings, &workos.sign_in(USER, None)).await),
        };
        Self { endpoint, event, settings, workos }
    }

    pub(super) async fn next(&self) -> Event {
        let event = self.event.clone();
        if self.endpoint != Endpoint::SwitchOrganization {
            return event;
        }
        // A refresh token can be exchanged only once.
        let session = self.workos.sign_in(MEMBER_OF_TWO, Some(FROM));
        event.cookie(COOKIE, &sealed(&self.settings, &session).await)
    }

    pub(super) fn is_right(&self, answer: &Answer) -> bool {
        let body = &answer.body;
        match self.endpoint {
            Endpoint::SwitchOrganization => answer.signs_in(MEMBERS_EMAIL),
            Endpoint::SignOut => {
                let url = body["authData"]["redirectURL"].as_str().unwrap_or_default();
                let page = format!("{}/user_management/sessions/logout?", self.workos.url());
                answer.status == 200 && url.starts_with(&page) && answer.clears_session()
            }
            _ => answer.status == 200 && body["user"]["email"] == EMAIL && body["role"] == "admin",
        }
    }
}
