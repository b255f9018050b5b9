//! Which providers are real here and which are stood in for. One entry of [`Provider`] per
//! provider, and nothing else, says how.

use std::{any::Any, fmt, io};

use crate::{
    environment::Environment,
    stand_ins::{clerk::Clerk, liveblocks::Liveblocks},
};

/// A provider for which there is a stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Users and sessions.
    Clerk,
    /// Rooms.
    Liveblocks,
}

/// A stand-in that runs. It stops when this is dropped.
pub struct StandIn {
    /// Whom it stands in for.
    pub provider: Provider,
    /// Where it listens.
    pub url: String,
    settings: Vec<(String, String)>,
    _server: Box<dyn Any + Send + Sync>,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Clerk, Self::Liveblocks];

    /// The provider's name as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clerk => "Clerk",
            Self::Liveblocks => "Liveblocks",
        }
    }

    /// The variables of which any one says that the real provider is meant.
    const fn credentials(self) -> &'static [&'static str] {
        match self {
            Self::Clerk => &["CLERK_SECRET_KEY", "CLERK_SECRET_ID"],
            Self::Liveblocks => &["LIVEBLOCKS_SECRET_KEY", "LIVEBLOCKS_SECRET_ID"],
        }
    }

    /// The variables that speak of a real account, and would contradict a stand-in.
    const fn account(self) -> &'static [&'static str] {
        match self {
            Self::Clerk => {
                &["CLERK_PUBLISHABLE_KEY", "CLERK_JWT_KEY", "CLERK_ISSUER", "CLERK_API_URL"]
            }
            Self::Liveblocks => &["LIVEBLOCKS_API_URL"],
        }
    }

    /// Starts the stand-in on a free port.
    async fn stand_in(self) -> io::Result<StandIn> {
        Ok(match self {
            Self::Clerk => {
                let clerk = Clerk::start().await?;
                StandIn::new(self, clerk.url(), clerk.settings(), clerk)
            }
            Self::Liveblocks => {
                let liveblocks = Liveblocks::start().await?;
                StandIn::new(self, liveblocks.url(), liveblocks.settings(), liveblocks)
            }
        })
    }
}

impl StandIn {
    fn new(
        provider: Provider,
        url: impl Into<String>,
        settings: Vec<(String, String)>,
        server: impl Any + Send + Sync,
    ) -> Self {
        Self { provider, url: url.into(), settings, _server: Box::new(server) }
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.provider.name(), self.url)
    }
}

/// Starts a stand-in for every provider whose credentials the environment does not have, and
/// points the environment at it.
pub async fn stand_in_for_missing(environment: &mut Environment) -> io::Result<Vec<StandIn>> {
    let mut stand_ins = Vec::new();
    for provider in Provider::ALL {
        let is_configured =
            provider.credentials().iter().any(|name| environment.value(name).is_some());
        if is_configured {
            continue;
        }
        let stand_in = provider.stand_in().await?;
        for name in provider.account() {
            environment.remove(name);
        }
        for (name, value) in &stand_in.settings {
            environment.set(name, value);
        }
        stand_ins.push(stand_in);
    }
    Ok(stand_ins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stands_in_for_a_provider_without_credentials() {
        let mut environment = Environment::default();
        environment.set("CLERK_JWT_KEY", "the key of a real account");
        environment.set("LIVEBLOCKS_SECRET_ID", "a secret's name");
        let stand_ins = stand_in_for_missing(&mut environment).await.expect("they start");

        let providers: Vec<_> = stand_ins.iter().map(|stand_in| stand_in.provider).collect();
        assert_eq!(providers, [Provider::Clerk]);
        assert_eq!(environment.value("CLERK_API_URL"), Some(stand_ins[0].url.as_str()));
        assert!(environment.value("CLERK_SECRET_KEY").is_some());
        assert_eq!(environment.value("CLERK_JWT_KEY"), None, "it would be another account's");
        assert_eq!(environment.value("LIVEBLOCKS_API_URL"), None, "Liveblocks is configured");
    }
}
