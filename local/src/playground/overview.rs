//! What the page has to know about this project: providers, endpoints, addresses.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::{environment::Environment, project::Project, providers::Provider};

/// The users of the stand-in for Clerk, and the outcome that each is for.
pub(super) const CLERK_USERS: [(&str, &str); 8] = [
    ("jane", "has a name, a picture and an address"),
    ("member", "is in the organization acme; may record, invite and moderate"),
    ("nameless", "has no name"),
    ("several", "has three addresses"),
    ("mailless", "has no primary address"),
    ("unproven", "has an address that is not verified"),
    ("banned", "is banned"),
    ("locked", "is locked"),
];

/// The users of the stand-in for WorkOS, and the outcome that each is for.
const WORKOS_USERS: [(&str, &str); 10] = [
    ("jane.doe@example.com", "signs in with a code; may record, invite and moderate"),
    ("123@gmail.com", "chooses between two organizations"),
    ("someone@sso.example.com", "signs in with single sign-on"),
    ("without.organization@example.com", "is in no organization"),
    ("member.of.hundred@example.com", "chooses between a hundred organizations"),
    ("consultant@example.com", "may choose three, of which one works with a code"),
    ("unverified@example.com", "has to verify the address first"),
    ("enrolling@example.com", "has to set up a second factor"),
    ("challenged@example.com", "needs the second factor"),
    ("nobody@example.com", "has no account"),
];

/// A project in the page's terms.
#[derive(Debug)]
pub(super) struct Overview {
    facts: Value,
    addresses: Vec<String>,
}

/// A server that browsers connect to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RoomServer {
    url: Option<String>,
    is_real: bool,
    /// Whether it runs on this machine.
    is_local: bool,
}

impl Overview {
    pub(super) fn of(project: &Project) -> Self {
        let environment = project.environment();
        let livekit = livekit(project, environment);
        let liveblocks = liveblocks(project, environment);
        let addresses =
            [&livekit, &liveblocks].into_iter().flat_map(RoomServer::addresses).collect();
        let facts = json!({
            "providers": Provider::ALL.map(|provider| described(project, provider)),
            "endpoints": project.endpoints().map(|(endpoint, function)| json!({
                "endpoint": endpoint,
                "function": function,
                "identity": project.identity(function).map(Provider::word),
            })).collect::<Vec<_>>(),
            "notServed": project.not_served().iter().map(|(function, reason)| json!({
                "function": function,
                "reason": reason.to_string(),
            })).collect::<Vec<_>>(),
            "hasBucket": project.stand_ins().iter().any(|stand_in| stand_in.bucket().is_some()),
            "missingForRecordings": project.missing_for_recordings(),
            "livekit": livekit,
            "liveblocks": liveblocks,
            "stage": environment.value("STAGE"),
            "cookieName": environment.value("WORKOS_COOKIE_NAME").unwrap_or("wos-session"),
            "redirectUri": environment.value("WORKOS_REDIRECT_URI"),
            "devSignIn": environment.value("DEV_SIGN_IN_EMAIL"),
            "users": {"workos": WORKOS_USERS.map(user), "clerk": CLERK_USERS.map(user)},
        });
        Self { facts, addresses }
    }

    /// The facts, and whether the browser code of the rooms' providers is there.
    pub(super) fn with_files(&self, folder: &Path) -> Value {
        let mut facts = self.facts.clone();
        let has = |name: &str| folder.join("vendor").join(name).is_file();
        facts["vendor"] =
            json!({"livekit": has("livekit-client.js"), "liveblocks": has("liveblocks-client.js")});
        facts
    }

    /// Where the page may connect to besides its own origin, for its Content-Security-Policy.
    pub(super) fn addresses(&self) -> &[String] {
        &self.addresses
    }
}

impl RoomServer {
    /// Its origin for HTTP and for `ws`. A stand-in takes no connections from browsers.
    fn addresses(&self) -> Vec<String> {
        let url = self.url.as_deref().filter(|_| self.is_real).and_then(|url| Url::parse(url).ok());
        let Some((url, host)) = url.as_ref().and_then(|url| Some((url, url.host_str()?))) else {
            return vec![];
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let schemes = match url.scheme() {
            "https" | "wss" => ["https", "wss"],
            _ => ["http", "ws"],
        };
        schemes.map(|scheme| format!("{scheme}://{host}{port}")).to_vec()
    }
}

fn livekit(project: &Project, environment: &Environment) -> RoomServer {
    let url = environment.value("LIVEKIT_PUBLIC_URL").or_else(|| environment.value("LIVEKIT_URL"));
    let url = url.map(|url| match url.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        _ => url.to_owned(),
    });
    RoomServer::of(project, Provider::LiveKit, url)
}

fn liveblocks(project: &Project, environment: &Environment) -> RoomServer {
    let url = environment.value("LIVEBLOCKS_API_URL").unwrap_or("https://api.liveblocks.io");
    RoomServer::of(project, Provider::Liveblocks, Some(url.to_owned()))
}

impl RoomServer {
    fn of(project: &Project, provider: Provider, url: Option<String>) -> Self {
        let is_real = kind(project, provider) == "real";
        let is_local = url.as_deref().is_some_and(is_local);
        Self { url, is_real, is_local }
    }
}

/// Whether a URL is of this machine.
pub(super) fn is_local(url: &str) -> bool {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host.as_str()))
}

fn described(project: &Project, provider: Provider) -> Value {
    let stand_in = project.stand_ins().iter().find(|stand_in| stand_in.provider == provider);
    json!({
        "name": provider.name(),
        "word": provider.word(),
        "kind": kind(project, provider),
        "url": stand_in.map(|stand_in| &stand_in.url),
    })
}

fn kind(project: &Project, provider: Provider) -> &'static str {
    if project.left_out().contains(&provider) {
        "left out"
    } else if project.stand_ins().iter().any(|stand_in| stand_in.provider == provider) {
        "stand-in"
    } else {
        "real"
    }
}

fn user((name, note): (&str, &str)) -> Value {
    json!({"name": name, "note": note})
}

#[cfg(test)]
mod tests {
    use anteroom_stand_ins::{clerk, workos};

    use super::*;

    #[test]
    fn names_users_that_the_stand_ins_have() {
        let users = clerk::seeded_users();
        for (name, _) in CLERK_USERS {
            assert!(users.iter().any(|user| user.short_name == name), "{name}");
        }
        let users = workos::seeded_users();
        for (email, _) in WORKOS_USERS {
            let exists = users.iter().any(|user| user.email == email);
            assert_eq!(exists, email != "nobody@example.com", "{email}");
        }
    }

    #[test]
    fn lets_the_page_connect_to_a_real_server_only() {
        let server =
            |url: &str, is_real| RoomServer { url: Some(url.to_owned()), is_real, is_local: false };
        let addresses = |url, is_real| server(url, is_real).addresses();
        assert_eq!(addresses("ws://127.0.0.1:7880", false), [""; 0]);
        assert_eq!(
            addresses("ws://127.0.0.1:7880", true),
            ["http://127.0.0.1:7880", "ws://127.0.0.1:7880"]
        );
        assert_eq!(
            addresses("wss://a.livekit.cloud", true),
            ["https://a.livekit.cloud", "wss://a.livekit.cloud"]
        );
        assert_eq!(addresses("nonsense; script-src *", true), [""; 0]);
    }

    #[test]
    fn knows_addresses_of_this_machine() {
        assert!(is_local("http://127.0.0.1:1153"));
        assert!(is_local("http://localhost:1153/"));
        assert!(!is_local("https://api.liveblocks.io"));
        assert!(!is_local("http://127.0.0.1.example.com"));
    }
}
