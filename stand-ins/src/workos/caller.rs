//! Who calls, as the application says: the address and the user agent that come with a grant.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{fields::Fields, refusal::Refusal};

/// The fields that only `authenticate` has.
const ADDRESS: &str = "ip_address";
const USER_AGENT: &str = "user_agent";

/// The client that a grant was sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The kind of grant: `authorization_code`, `refresh_token` …
    pub grant_type: String,
    /// The client's address, if the application sent one.
    pub ip_address: Option<IpAddr>,
    /// The client's user agent, if the application sent one.
    pub user_agent: Option<String>,
}

impl Caller {
    pub(super) fn read(fields: &Fields, grant_type: &str) -> Result<Self, Refusal> {
        let ip_address = match fields.optional(ADDRESS)? {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                Refusal::invalid_parameter("ip_address_invalid", "ip_address must be an ip address")
            })?),
        };
        let user_agent = fields.optional(USER_AGENT)?.map(str::to_owned);
        Ok(Self { grant_type: grant_type.to_owned(), ip_address, user_agent })
    }

    /// As `/dev/callers` lists it.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "grant_type": self.grant_type,
            "ip_address": self.ip_address,
            "user_agent": self.user_agent,
        })
    }
}

/// Refuses the fields where WorkOS has none of that name.
pub(super) fn refuse_caller(fields: &Fields) -> Result<(), Refusal> {
    match [ADDRESS, USER_AGENT].into_iter().find(|name| fields.has(name)) {
        Some(name) => Err(Refusal::unexpected_property(name)),
        None => Ok(()),
    }
}
