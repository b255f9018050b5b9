//! Users, organizations and memberships: lookups, lists and additions.

use serde_json::Value;

use super::{
    fields::{Fields, Query},
    list::page,
    organization::{CONNECTION_TYPE, Membership, Organization},
    refusal::Refusal,
    state::State,
    user::User,
};

impl State {
    pub(super) fn create_user(&mut self, fields: &Fields, now: u64) -> Result<Value, Refusal> {
        let email = fields.email()?.to_lowercase();
        let user = User {
            first_name: fields.optional("first_name")?.map(str::to_owned),
            last_name: fields.optional("last_name")?.map(str::to_owned),
            is_email_verified: fields.flag("email_verified")?,
            ..User::created(&email, now)
        };
        if self.users.iter().any(|other| other.has_email(&email)) {
            return Err(Refusal::email_taken());
        }
        Ok(self.new_user(user).to_json())
    }

    pub(super) fn new_user(&mut self, user: User) -> &User {
        let index = self.users.len();
        self.users.push(user);
        &self.users[index]
    }

    pub(super) fn users_page(&self, query: &Query) -> Result<Value, Refusal> {
        let email = query.first("email");
        let organization = query.first("organization_id");
        let fitting = self.users.iter().filter(|user| {
            email.is_none_or(|email| user.has_email(email))
                && organization.is_none_or(|id| self.membership(&user.id, id).is_some())
        });
        page(fitting.map(|user| (user.id.as_str(), user.to_json())).collect(), query)
    }

    pub(super) fn memberships_page(&self, query: &Query) -> Result<Value, Refusal> {
        let (user_id, organization_id) = (query.first("user_id"), query.first("organization_id"));
        if user_id.is_none() && organization_id.is_none() {
            return Err(Refusal::unfiltered_memberships());
        }
        let statuses = query.list("statuses");
        let fitting: Vec<_> = self
            .memberships
            .iter()
            .filter(|membership| {
                user_id.is_none_or(|id| membership.user_id == id)
                    && organization_id.is_none_or(|id| membership.organization_id == id)
                    // All memberships here are active.
                    && (statuses.is_empty() || statuses.contains(&"active"))
            })
            .filter_map(|membership| {
                let user = self.user_by_id(&membership.user_id)?;
                let organization = self.organization(&membership.organization_id)?;
                Some((membership.id(), membership.to_json(user, organization)))
            })
            .collect();
        page(fitting.iter().map(|(id, json)| (id.as_str(), json.clone())).collect(), query)
    }

    pub(super) fn organizations_page(&self, query: &Query) -> Result<Value, Refusal> {
        let domains = query.list("domains");
        let fitting = self.organizations.iter().filter(|organization| {
            domains.is_empty() || domains.iter().any(|domain| organization.has_domain(domain))
        });
        let items = fitting.map(|organization| (organization.id.as_str(), organization.to_json()));
        page(items.collect(), query)
    }

    pub(super) fn connections_page(&self, query: &Query) -> Result<Value, Refusal> {
        let kind = query.first("connection_type");
        let fitting = self.organizations.iter().filter(|organization| {
            query.first("organization_id").is_none_or(|id| organization.id == id)
                && query.first("domain").is_none_or(|domain| organization.has_domain(domain))
                && kind.is_none_or(|kind| kind == CONNECTION_TYPE)
        });
        let items = fitting.flat_map(|organization| {
            organization.connections.iter().map(|connection| {
                (connection.id.as_str(), organization.connection_json(connection))
            })
        });
        page(items.collect(), query)
    }

    pub(super) fn user_by_id(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The user that a code is for. Unlike a lookup, this is case-sensitive: it finds WorkOS's own
    /// spelling, or else the address in lower case.
    pub(super) fn user_spelled(&self, email: &str) -> Option<&User> {
        let by = |spelling: &str| self.users.iter().find(|user| user.email == spelling);
        by(email).or_else(|| by(&email.to_lowercase()))
    }

    pub(super) fn user_called(&self, name: &str) -> &User {
        let found = self.users.iter().find(|user| user.is_called(name));
        found.unwrap_or_else(|| panic!("no user is called {name:?}"))
    }

    pub(super) fn organization(&self, id: &str) -> Option<&Organization> {
        self.organizations.iter().find(|organization| organization.id == id)
    }

    pub(super) fn organization_called(&self, name: &str) -> &Organization {
        let found = self.organizations.iter().find(|organization| organization.is_called(name));
        found.unwrap_or_else(|| panic!("no organization is called {name:?}"))
    }

    pub(super) fn membership(&self, user_id: &str, organization_id: &str) -> Option<&Membership> {
        self.memberships.iter().find(|membership| {
            membership.user_id == user_id && membership.organization_id == organization_id
        })
    }

    pub(super) fn organizations_of(&self, user_id: &str) -> Vec<&Organization> {
        let own = self.memberships.iter().filter(|membership| membership.user_id == user_id);
        own.filter_map(|membership| self.organization(&membership.organization_id)).collect()
    }
}
