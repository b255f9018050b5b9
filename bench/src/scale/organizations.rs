//! A domain that many organizations have verified, and a user who belongs to all of them.

use anteroom_local::instance::Instance;
use anteroom_stand_ins::workos::{Organization, User};
use anteroom_testing::Event;
use serde_json::{Value, json};

use super::{Bench, ask, body};
use crate::Failure;
use crate::curve::{Curves, Panel, Series};
use crate::providers::Providers;
use crate::sessions;
use crate::subject::{Endpoint, Subject};

const MEMBER: &str = "member";
const DOMAIN: &str = "many.example.com";
const EMAIL: &str = "member@many.example.com";

pub(super) async fn curves(bench: &Bench) -> Result<Curves, Failure> {
    let counts: &[u32] = bench.either(&[1, 200], &[1, 2, 3, 4, 10, 25, 50, 75, 100, 150, 200]);
    let mut sign_in = Series::new("sign-in");
    let mut finalize = Series::new("finalize-magic-auth");
    let mut select = Series::new("select-organization");
    let mut session = Series::new("session");
    let mut calls = Series::new("sign-in");
    for &count in counts {
        let world = World::start(count).await?;
        let x = f64::from(count);
        let (cpu, called) = world.sign_in(bench).await?;
        sign_in.push(x, cpu);
        calls.push(x, called);
        finalize.push(x, world.finalize(bench).await?);
        session.push(x, world.session(bench).await?);
        // Who belongs to one organization has no choice.
        if count > 1 {
            select.push(x, world.select(bench).await?);
        }
    }
    Ok(Curves {
        title: "Organizations of a domain and of its user".to_owned(),
        panels: vec![
            Panel::new("CPU, ms", "organizations", vec![sign_in, finalize, select, session]),
            Panel::new("provider calls", "organizations", vec![calls]),
        ],
    })
}

struct World {
    providers: Providers,
    organizations: u32,
}

impl World {
    async fn start(organizations: u32) -> Result<Self, Failure> {
        let providers = Providers::start().await?;
        let workos = &providers.workos;
        workos.add_user(User::new(MEMBER, EMAIL).with_name("Many", "Rooms"));
        for number in 0..organizations {
            let name = Self::organization(number);
            // No connection is active, so that all have to be looked at.
            workos.add_organization(
                Organization::new(&name).with_domain(DOMAIN).with_connection(false),
            );
            workos.add_member(&name, MEMBER);
        }
        Ok(Self { providers, organizations })
    }

    fn organization(number: u32) -> String {
        format!("Many {number:03}")
    }

    async fn launch(&self, bench: &Bench, name: &str) -> Result<Instance, Failure> {
        let environment = self.providers.environment(Subject::anteroom(Endpoint::SignIn));
        Ok(Instance::launch(&bench.functions.launch(name, environment)).await?)
    }

    /// The CPU time, and the provider calls, of one request.
    async fn sign_in(&self, bench: &Bench) -> Result<(f64, f64), Failure> {
        let instance = self.launch(bench, "sign-in").await?;
        let event = Event::documented("sign-in.json").json(&json!({ "email": EMAIL }));
        let is_right = |answer: &Value| {
            body(answer).is_some_and(|body| body["authData"]["authMethod"] == "magic_auth")
        };
        let cpu = bench.cpu_per_request(&instance, async || Ok(event.clone()), is_right).await?;
        self.providers.workos.forget_requests();
        ask(&instance, &event, is_right).await?;
        let calls = u32::try_from(self.providers.calls())?;
        instance.stop().await;
        Ok((cpu, calls.into()))
    }

    fn finalize_event(&self) -> Event {
        let code = self.providers.workos.magic_code(MEMBER);
        Event::documented("finalize-magic-auth.json").json(&json!({ "email": EMAIL, "code": code }))
    }

    /// Whether all organizations can be chosen from, or the user of one is signed in.
    fn is_choice(&self, answer: &Value) -> bool {
        body(answer).is_some_and(|body| match body["user"]["organizations"].as_array() {
            Some(organizations) => u32::try_from(organizations.len()) == Ok(self.organizations),
            None => self.organizations == 1 && body["user"]["email"] == EMAIL,
        })
    }

    async fn finalize(&self, bench: &Bench) -> Result<f64, Failure> {
        let instance = self.launch(bench, "finalize-magic-auth").await?;
        let next = async || Ok(self.finalize_event());
        let cpu = bench.cpu_per_request(&instance, next, |answer| self.is_choice(answer)).await?;
        instance.stop().await;
        Ok(cpu)
    }

    async fn select(&self, bench: &Bench) -> Result<f64, Failure> {
        let offering = self.launch(bench, "finalize-magic-auth").await?;
        let instance = self.launch(bench, "select-organization").await?;
        let last = self.providers.workos.organization(&Self::organization(self.organizations - 1));
        let next = async || {
            let is_choice = |answer: &Value| self.is_choice(answer);
            let answer = ask(&offering, &self.finalize_event(), is_choice).await?;
            let token = &body(&answer).unwrap_or_default()["user"]["pendingAuthenticationToken"];
            let input = json!({ "pendingAuthenticationToken": token, "organizationId": last.id });
            let event = Event::documented("select-organization.json").json(&input);
            let cookies = answer["cookies"].as_array().into_iter().flatten();
            let pairs = cookies.filter_map(|cookie| cookie.as_str()?.split(';').next());
            let pairs = pairs.filter_map(|pair| pair.split_once('='));
            Ok(pairs.fold(event, |event, (name, value)| event.cookie(name, value)))
        };
        let is_right =
            |answer: &Value| body(answer).is_some_and(|body| body["user"]["email"] == EMAIL);
        let cpu = bench.cpu_per_request(&instance, next, is_right).await?;
        offering.stop().await;
        instance.stop().await;
        Ok(cpu)
    }

    async fn session(&self, bench: &Bench) -> Result<f64, Failure> {
        let instance = self.launch(bench, "session").await?;
        let workos = &self.providers.workos;
        let session = workos.sign_in(MEMBER, Some(&Self::organization(0)));
        let event = sessions::with_session(&self.providers, &session).await;
        let is_right =
            |answer: &Value| body(answer).is_some_and(|body| body["user"]["email"] == EMAIL);
        let cpu = bench.cpu_per_request(&instance, async || Ok(event.clone()), is_right).await?;
        instance.stop().await;
        Ok(cpu)
    }
}
