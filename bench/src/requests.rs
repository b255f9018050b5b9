//! The requests that a subject gets, each made so that the same work is done for it, and the checks
//! of its answers.

mod answer;
mod guests;
mod recordings;
mod rooms;
mod sessions;
mod sign_in;
mod webhooks;

use anteroom_stand_ins::jwt;
use anteroom_testing::Event;
use serde_json::Value;

use self::answer::Answer;
use self::guests::Guests;
use self::recordings::Recordings;
use self::rooms::Rooms;
use self::sessions::Sessions;
use self::sign_in::SignIns;
use self::webhooks::Webhooks;
use crate::Failure;
use crate::providers::{EMAIL, Providers, USER};
use crate::subject::{Endpoint, Identity, Subject};

/// The requests of one process. Tokens are valid for minutes, so each process gets new ones.
pub(crate) struct Requests<'p>(Kind<'p>);

enum Kind<'p> {
    Hello(Event),
    SignIns(SignIns<'p>),
    Sessions(Sessions<'p>),
    Rooms(Rooms<'p>),
    Guests(Guests<'p>),
    Recordings(Recordings<'p>),
    Webhooks(Webhooks<'p>),
    Liveblocks(Event),
}

impl<'p> Requests<'p> {
    pub(crate) async fn to(endpoint: Endpoint, providers: &'p Providers) -> Result<Self, Failure> {
        let settings = providers.environment(Subject::anteroom(endpoint));
        let event = Event::documented(&format!("{}.json", documented(endpoint)));
        let signed_in = || match endpoint {
            Endpoint::RoomAuth(Identity::Clerk) | Endpoint::LiveblocksAuth(Identity::Clerk) => {
                event.clone().bearer(&providers.clerk.session_token(USER))
            }
            _ => event.clone().bearer(&providers.workos.access_token(USER)),
        };
        Ok(Self(match endpoint {
            Endpoint::Hello => Kind::Hello(event),
            Endpoint::SignIn
            | Endpoint::SignUp
            | Endpoint::ResendMagicAuth
            | Endpoint::FinalizeMagicAuth
            | Endpoint::ContinueWithGoogle
            | Endpoint::ContinueWithMicrosoft
            | Endpoint::ContinueWithAuthKit
            | Endpoint::FinalizeOauth
            | Endpoint::SelectOrganization
            | Endpoint::DevSignIn => {
                let requests = SignIns::to(endpoint, event, settings, &providers.workos);
                Kind::SignIns(requests.await?)
            }
            Endpoint::Session | Endpoint::SwitchOrganization | Endpoint::SignOut => {
                let requests = Sessions::to(endpoint, event, settings, &providers.workos);
                Kind::Sessions(requests.await)
            }
            Endpoint::RoomAuth(_)
            | Endpoint::LiveKitToken
            | Endpoint::RemoveParticipant
            | Endpoint::MuteParticipant => {
                Kind::Rooms(Rooms::to(endpoint, signed_in(), &providers.livekit))
            }
            Endpoint::InviteGuest => {
                Kind::Guests(Guests::to_invite(signed_in(), &providers.livekit))
            }
            Endpoint::GuestAuth => {
                Kind::Guests(Guests::to_join(&event, &settings, &providers.livekit).await)
            }
            Endpoint::StartRecording | Endpoint::StopRecording | Endpoint::Recordings => {
                Kind::Recordings(Recordings::to(endpoint, signed_in(), providers))
            }
            Endpoint::LiveKitWebhook => {
                Kind::Webhooks(Webhooks::to(&event, &providers.event_bridge)?)
            }
            Endpoint::LiveblocksAuth(_) => Kind::Liveblocks(signed_in()),
        }))
    }

    /// The next request. Where a request uses something up, it is provided again.
    pub(crate) async fn next(&self) -> Result<Event, Failure> {
        match &self.0 {
            Kind::Hello(event) | Kind::Liveblocks(event) => Ok(event.clone()),
            Kind::SignIns(requests) => requests.next().await,
            Kind::Sessions(requests) => Ok(requests.next().await),
            Kind::Rooms(requests) => Ok(requests.next()),
            Kind::Guests(requests) => Ok(requests.next()),
            Kind::Recordings(requests) => Ok(requests.next()),
            Kind::Webhooks(requests) => Ok(requests.next()),
        }
    }

    /// Checks the answer to the latest request.
    pub(crate) fn check(&self, answer: &Value) -> Result<(), Failure> {
        let parts = Answer::of(answer);
        let is_right = match &self.0 {
            Kind::Hello(_) => parts.status == 200 && answer["body"] == "hello",
            Kind::SignIns(requests) => requests.is_right(&parts),
            Kind::Sessions(requests) => requests.is_right(&parts),
            Kind::Rooms(requests) => requests.is_right(&parts),
            Kind::Guests(requests) => requests.is_right(&parts),
            Kind::Recordings(requests) => requests.is_right(&parts),
            Kind::Webhooks(requests) => requests.is_right(&parts),
            Kind::Liveblocks(_) => parts.status == 200 && identifies_the_user(&parts),
        };
        if is_right { Ok(()) } else { Err(format!("the answer is {answer}").into()) }
    }
}

/// The name of the documented event. `hello` reads none and gets any.
fn documented(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Hello => "liveblocks-auth",
        _ => endpoint.name(),
    }
}

/// Whether the answer has Liveblocks' token for the user.
fn identifies_the_user(answer: &Answer) -> bool {
    let claims = answer.body["token"].as_str().and_then(jwt::claims);
    claims.is_some_and(|claims| claims["uid"] == EMAIL && claims["ui"]["name"] == "Jane Doe")
}
