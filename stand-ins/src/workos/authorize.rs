//! `GET /user_management/authorize`: the sign-in page, which issues an authorization code.
//! <https://workos.com/docs/reference/authkit/authentication/get-authorization-url>
//!
//! The page lists who can sign in that way, and a click signs in. `&user=jane` in the query is the
//! click without the page, for curl and for tests; WorkOS has no such parameter. If WorkOS asks
//! something of the user first, AuthKit's own page (`provider=authkit`) takes them through it: here, a
//! second click, which is `&step=` and the name of the step.
//!
//! A wrong client or an unregistered redirect URI is an error on this page, without a redirect; all
//! other errors go to the redirect URI, as `error` and `error_description`.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::header;
use ring::digest::SHA256;
use url::Url;

use super::{
    application::CLIENT_ID,
    fields::Query,
    organization::Organization,
    page::{escaped, page},
    session::{SignIn, magic_auth},
    state::State,
    user::{Step, User},
};
use crate::exchange::{Answer, Request};

/// The providers in WorkOS's OpenAPI document.
const PROVIDERS: [&str; 14] = [
    HOSTED_PAGE,
    "AppleOAuth",
    "BitbucketOAuth",
    "GitHubOAuth",
    "GitLabOAuth",
    "GoogleOAuth",
    "IntuitOAuth",
    "LinkedInOAuth",
    "MicrosoftOAuth",
    "SalesforceOAuth",
    "SlackOAuth",
    "VercelMarketplaceOAuth",
    "VercelOAuth",
    "XeroOAuth",
];

/// AuthKit's own page, which offers every method.
const HOSTED_PAGE: &str = "authkit";

/// What a browser was sent here for.
struct Authorization<'a> {
    redirect_uri: Url,
    state: Option<&'a str>,
    challenge: Option<&'a str>,
    selector: Selector<'a>,
    invitation: Option<&'a str>,
}

/// The method of signing in.
enum Selector<'a> {
    Provider { name: &'a str, organization: Option<&'a Organization> },
    Connection { id: &'a str, organization: &'a Organization },
}

/// An error that is reported to the application, at its redirect URI.
struct Problem {
    error: &'static str,
    description: &'static str,
}

const fn problem(error: &'static str, description: &'static str) -> Problem {
    Problem { error, description }
}

const DENIED: Problem = problem("access_denied", "The user denied the request.");

impl State {
    pub(super) fn authorize(&mut self, request: &Request, now: u64) -> Answer {
        let query = Query::of(request);
        let redirect_uri = match self.redirect_uri(&query) {
            Ok(uri) => uri,
            Err(problem) => return refusal_page(problem),
        };
        let state = query.first("state");
        let unsolicited = match query.first("provider") {
            Some(HOSTED_PAGE) => self.take_unsolicited(request),
            _ => None,
        };
        let outcome = self.authorization(&query, redirect_uri.clone()).and_then(|asked| {
            if let Some(sign_in) = unsolicited {
                return Ok(Next::Code(sign_in, asked.challenge.map(str::to_owned)));
            }
            let candidates = self.candidates(&asked.selector);
            let Some(name) = query.first("user") else {
                return Ok(Next::Page(sign_in_page(&query, &asked, &candidates)));
            };
            let chosen = candidates.iter().find(|user| user.is_called(name));
            let user = chosen.ok_or(DENIED)?;
            let mut sign_in = sign_in(user, &asked);
            if let Selector::Provider { name: HOSTED_PAGE, .. } = asked.selector
                && let Some(step) = self.next_step(user, &sign_in)
            {
                if query.first("step") != Some(step.name()) {
                    return Ok(Next::Page(step_page(&query, step)));
                }
                sign_in.has_taken_steps = true;
            }
            Ok(Next::Code(sign_in, asked.challenge.map(str::to_owned)))
        });
        match outcome {
            Ok(Next::Page(page)) => page,
            Ok(Next::Code(sign_in, challenge)) => {
                if sign_in.has_taken_steps {
                    self.take_step(&sign_in.user_id);
                }
                let code = self.codes.issue(sign_in, challenge.as_deref(), now);
                redirect_to(callback(redirect_uri, state, &[("code", &code)]).as_str())
            }
            Err(problem) => {
                redirect_to(callback(redirect_uri, state, &refusal_of(&problem)).as_str())
            }
        }
    }

    /// Checks the client and returns the redirect URI. These errors are shown only to the user.
    fn redirect_uri(&self, query: &Query) -> Result<Url, &'static str> {
        if query.first("client_id") != Some(CLIENT_ID) {
            return Err("The client ID is invalid.");
        }
        let uri = query.first("redirect_uri").ok_or("A redirect URI is required.")?;
        if !self.redirect_uris.iter().any(|registered| registered == uri) {
            return Err("This is not a valid redirect URI.");
        }
        Url::parse(uri).map_err(|_| "This is not a valid redirect URI.")
    }

    fn authorization<'a>(
        &'a self,
        query: &'a Query,
        redirect_uri: Url,
    ) -> Result<Authorization<'a>, Problem> {
        if query.first("response_type") != Some("code") {
            return Err(problem("invalid_request", "response_type must be code."));
        }
        let challenge = challenge(query)?;
        let selector = self.selector(query)?;
        match (query.first("screen_hint"), &selector) {
            (None, _)
            | (Some("sign-in" | "sign-up"), Selector::Provider { name: HOSTED_PAGE, .. }) => {}
            _ => {
                let description = "screen_hint is for the provider authkit: sign-in or sign-up.";
                return Err(problem("invalid_request", description));
            }
        }
        let (state, invitation) = (query.first("state"), query.first("invitation_token"));
        Ok(Authorization { redirect_uri, state, challenge, selector, invitation })
    }

    /// What WorkOS asks of a user before there is a session.
    fn next_step(&self, user: &User, sign_in: &SignIn) -> Option<Step> {
        let own = sign_in.organization_id.as_deref();
        let organizations = match own {
            Some(id) => self.organization(id).into_iter().collect(),
            None => self.organizations_of(&user.id),
        };
        let is_demanded = !organizations.is_empty()
            && organizations.iter().all(|organization| organization.requires_mfa);
        user.next_step.or(is_demanded.then_some(Step::MfaEnrollment))
    }

    /// The user has taken a step on the hosted page. An address stays verified, and a second factor
    /// that has been set up is asked for from then on.
    fn take_step(&mut self, user_id: &str) {
        let Some(user) = self.users.iter_mut().find(|user| user.id == user_id) else { return };
        match user.next_step {
            Some(Step::EmailVerification) => {
                user.is_email_verified = true;
                user.next_step = None;
            }
            Some(Step::MfaEnrollment) => user.next_step = Some(Step::MfaChallenge),
            Some(Step::MfaChallenge) | None => {}
        }
    }

    fn selector<'a>(&'a self, query: &'a Query) -> Result<Selector<'a>, Problem> {
        let organization = match query.first("organization_id") {
            None => None,
            Some(id) => Some(self.organization(id).ok_or(problem(
                "organization_invalid",
                "There is no organization matching the provided ID.",
            ))?),
        };
        match (query.first("provider"), query.first("connection_id"), organization) {
            (Some(name), None, organization) if PROVIDERS.contains(&name) => {
                Ok(Selector::Provider { name, organization })
            }
            (None, Some(id), _) => self.connection(id),
            (None, None, Some(organization)) => only_connection_of(organization),
            _ => Err(problem(
                "invalid_connection_selector",
                "A valid connection selector query parameter must be provided.",
            )),
        }
    }

    fn connection<'a>(&'a self, id: &'a str) -> Result<Selector<'a>, Problem> {
        let found = self.organizations.iter().find_map(|organization| {
            let connection = organization.connections.iter().find(|other| other.id == id)?;
            Some((organization, connection))
        });
        match found {
            None => {
                Err(problem("connection_invalid", "There is no connection for the provided ID."))
            }
            Some((_, connection)) if !connection.is_active => {
                Err(problem("connection_unlinked", "The connection is unlinked."))
            }
            Some((organization, connection)) => {
                Ok(Selector::Connection { id: &connection.id, organization })
            }
        }
    }

    /// The users who can sign in with this method: for a connection or an organization its members,
    /// and for a provider everybody.
    fn candidates(&self, selector: &Selector<'_>) -> Vec<&User> {
        let organization = match selector {
            Selector::Provider { organization, .. } => *organization,
            Selector::Connection { organization, .. } => Some(*organization),
        };
        self.users
            .iter()
            .filter(|user| {
                organization.is_none_or(|organization| {
                    self.membership(&user.id, &organization.id).is_some()
                })
            })
            .collect()
    }
}

enum Next {
    Page(Answer),
    Code(SignIn, Option<String>),
}

fn challenge(query: &Query) -> Result<Option<&str>, Problem> {
    let Some(challenge) = query.first("code_challenge") else { return Ok(None) };
    let is_hash = BASE64_URL_SAFE_NO_PAD
        .decode(challenge)
        .is_ok_and(|hash| hash.len() == SHA256.output_len());
    if query.first("code_challenge_method") == Some("S256") && is_hash {
        return Ok(Some(challenge));
    }
    Err(problem("invalid_request", "code_challenge must be one of the method S256."))
}

fn only_connection_of(organization: &Organization) -> Result<Selector<'_>, Problem> {
    match organization.active_connections()[..] {
        [id] => Ok(Selector::Connection { id, organization }),
        [] => Err(problem("organization_invalid", "No connection associated with organization")),
        _ => Err(problem(
            "ambiguous_connection_selector",
            "A connection could not be uniquely identified using the provided selector.",
        )),
    }
}

fn sign_in(user: &User, asked: &Authorization<'_>) -> SignIn {
    let (method, connection_id, organization) = match &asked.selector {
        // AuthKit's own page signs people in with a code by e-mail.
        Selector::Provider { name: HOSTED_PAGE, organization } => {
            ("MagicAuth", None, *organization)
        }
        Selector::Provider { name, organization } => (*name, None, *organization),
        Selector::Connection { id, organization } => ("SSO", Some(*id), Some(*organization)),
    };
    SignIn {
        method: method.to_owned(),
        connection_id: connection_id.map(str::to_owned),
        organization_id: organization.map(|organization| organization.id.clone()),
        invitation: asked.invitation.map(str::to_owned),
        ..magic_auth(user.id.clone())
    }
}

/// The application's redirect URI with the given parameters.
fn callback(mut uri: Url, state: Option<&str>, parameters: &[(&str, &str)]) -> Url {
    uri.query_pairs_mut()
        .extend_pairs(parameters)
        .extend_pairs(state.map(|state| ("state", state)));
    uri
}

fn refusal_of(problem: &Problem) -> [(&'static str, &'static str); 2] {
    [("error", problem.error), ("error_description", problem.description)]
}

pub(super) fn redirect_to(uri: &str) -> Answer {
    Answer::new(302, "text/html", String::new()).with_header(header::LOCATION, uri)
}

fn sign_in_page(query: &Query, asked: &Authorization<'_>, candidates: &[&User]) -> Answer {
    let (way, organization) = match &asked.selector {
        Selector::Provider { name, organization } => (*name, *organization),
        Selector::Connection { id, organization } => (*id, Some(*organization)),
    };
    let into = organization.map(|into| format!(" to {}", into.name)).unwrap_or_default();
    let hint = query.first("login_hint").map(str::to_ascii_lowercase);
    let mut candidates = candidates.to_vec();
    candidates.sort_by_key(|user| hint.as_ref() != Some(&user.email));

    let links: String = candidates.iter().map(|user| link(query, user)).collect();
    let cancel = callback(asked.redirect_uri.clone(), asked.state, &refusal_of(&DENIED));
    page(
        200,
        &format!("Sign in{into}"),
        &format!(
            "<p>This is the stand-in for WorkOS, by way of <code>{}</code>. Who are you?</p>\
             <ul>{links}</ul><p><a href=\"{}\">Nobody: cancel</a></p>",
            escaped(way),
            escaped(cancel.as_str())
        ),
    )
}

fn link(query: &Query, user: &User) -> String {
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let name = if name.is_empty() { name } else { format!("<b>{}</b> ", escaped(&name)) };
    format!(
        "<li><a href=\"/user_management/authorize?{}\">{name}<span>{}</span></a></li>",
        escaped(&query.with("user", &user.id)),
        escaped(&user.email)
    )
}

/// The form for a step, which here takes a click.
fn step_page(query: &Query, step: Step) -> Answer {
    let (title, done) = match step {
        Step::EmailVerification => ("Verify your e-mail address", "The address is mine"),
        Step::MfaEnrollment => ("Set up a second factor", "It is set up"),
        Step::MfaChallenge => ("Use your second factor", "This is its code"),
    };
    let link = query.with("step", step.name());
    page(
        200,
        title,
        &format!(
            "<p>The stand-in for WorkOS believes everybody.</p>\
             <p><a class=\"step\" href=\"/user_management/authorize?{}\">{done}</a></p>",
            escaped(&link)
        ),
    )
}

fn refusal_page(problem: &str) -> Answer {
    page(400, "Something went wrong", &format!("<p>{}</p>", escaped(problem)))
}
