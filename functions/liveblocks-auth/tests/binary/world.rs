//! Clerk, Liveblocks and the function, for all tests.

use anteroom_local::instance::Instance;
use anteroom_stand_ins::clerk::Clerk;
use anteroom_stand_ins::exchange::Answer as Reply;
use anteroom_stand_ins::jwt;
use anteroom_stand_ins::liveblocks::Liveblocks;
use anteroom_testing::{Answer, Event, PAGE};
use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_liveblocks-auth");
pub(crate) const PATH: &str = "/api/liveblocks-auth";

pub(crate) type Environment = Vec<(String, String)>;

/// Clerk, Liveblocks, and the function between them.
pub(crate) struct World {
    pub(crate) clerk: Clerk,
    pub(crate) liveblocks: Liveblocks,
    pub(crate) function: Instance,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_as(|_| {}, &[]).await
    }

    /// Starts the function after `prepare`, with settings of its own.
    pub(crate) async fn start_as(prepare: impl FnOnce(&Clerk), own: &[(&str, &str)]) -> Self {
        let clerk = Clerk::start().await.unwrap();
        let liveblocks = Liveblocks::start().await.unwrap();
        prepare(&clerk);
        let mut environment = environment(&clerk, &liveblocks);
        environment
            .extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let function = Instance::start(BINARY, environment).await.unwrap();
        Self { clerk, liveblocks, function }
    }

    pub(crate) async fn ask(&self, event: &Event) -> Answer {
        Answer::of(&self.function, event).await
    }

    /// Jane's session token with other claims; `null` takes one out.
    pub(crate) fn token(&self, changes: &Value) -> String {
        self.clerk.sign(&self.clerk.header(), &self.claims(changes))
    }

    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let mut claims = self.clerk.claims_for("jane");
        let object = claims.as_object_mut().unwrap();
        for (name, change) in changes.as_object().unwrap() {
            object.insert(name.clone(), change.clone());
        }
        object.retain(|_, value| !value.is_null());
        claims
    }

    /// The answer for Jane when Clerk writes her user object with these changes.
    pub(crate) async fn ask_as_changed(&self, changes: &Value) -> Answer {
        let (path, mut document) = self.clerk.user_document("jane");
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.clerk.answer_with(&path, Reply::json(200, &document));
        self.ask_as("jane").await
    }

    /// The answer to the user's own, current session.
    pub(crate) async fn ask_as(&self, user: &str) -> Answer {
        self.ask(&bearer(&self.clerk.session_token(user))).await
    }
}

pub(crate) fn environment(clerk: &Clerk, liveblocks: &Liveblocks) -> Environment {
    let mut environment = clerk.settings();
    environment.extend(liveblocks.settings());
    environment.push(("ALLOWED_ORIGINS".to_owned(), PAGE.to_owned()));
    environment
}

pub(crate) fn bearer(token: &str) -> Event {
    Event::post(PATH).bearer(token)
}

/// The claims of the Liveblocks token in an answer.
pub(crate) fn identity(answer: &Answer) -> Value {
    jwt::claims(answer.success()["token"].as_str().unwrap()).unwrap()
}

/// A session token in the cookie, without the suffix.
pub(crate) fn in_cookie(token: &str) -> Event {
    Event::post(PATH).cookie("__session", token)
}

/// The suffix of the cookies of the imitated instance.
pub(crate) fn suffix(world: &World) -> String {
    let key: anteroom::clerk::PublishableKey = world.clerk.publishable_key().parse().unwrap();
    key.cookie_suffix().to_owned()
}
