//! The organizations and memberships of the imitated WorkOS environment.

use serde_json::{Value, json};

use super::{
    identifier,
    user::{CREATED_AT, User},
};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `org_…`, derived from the name, so that it is the same in every run.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The domains of its members' addresses.
    pub domains: Vec<Domain>,
    /// The connections to its identity provider.
    pub connections: Vec<Connection>,
    /// Whether its members must sign in through one of its connections.
    pub requires_sso: bool,
    /// Whether its members need a second factor, which no user here has.
    pub requires_mfa: bool,
}

/// A domain of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// `example.com`
    pub name: String,
    /// Whether the organization has verified the domain; otherwise its state is `pending`.
    pub is_verified: bool,
}

/// An SSO connection of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `conn_…`, derived from the organization's name, so that it is the same in every run.
    pub id: String,
    /// Whether it can be used to sign in.
    pub is_active: bool,
}

/// A user's membership in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The user's id.
    pub user_id: String,
    /// The organization's id.
    pub organization_id: String,
    /// The slug of the role.
    pub role: String,
    /// The slugs of the role's permissions.
    pub permissions: Vec<String>,
    /// The slugs of what the organization has paid for.
    pub entitlements: Vec<String>,
    /// The slugs of the feature flags that are on.
    pub feature_flags: Vec<String>,
}

impl Organization {
    /// An organization without domains, connections or requirements.
    pub fn new(name: &str) -> Self {
        Self {
            id: identifier::fixed("org", name),
            name: name.to_owned(),
            domains: Vec::new(),
            connections: Vec::new(),
            requires_sso: false,
            requires_mfa: false,
        }
    }

    /// A copy with a verified domain.
    #[must_use]
    pub fn with_domain(mut self, name: &str) -> Self {
        self.domains.push(Domain { name: name.to_owned(), is_verified: true });
        self
    }

    /// A copy with an unverified domain.
    #[must_use]
    pub fn with_pending_domain(mut self, name: &str) -> Self {
        self.domains.push(Domain { name: name.to_owned(), is_verified: false });
        self
    }

    /// A copy with one more SSO connection.
    #[must_use]
    pub fn with_connection(mut self, is_active: bool) -> Self {
        let name = format!("{}{}", self.connections.len() + 1, self.name);
        self.connections.push(Connection { id: identifier::fixed("conn", &name), is_active });
        self
    }

    /// A copy whose members must sign in through one of its connections.
    #[must_use]
    pub fn requiring_sso(mut self) -> Self {
        self.requires_sso = true;
        self
    }

    /// A copy whose members need a second factor.
    #[must_use]
    pub fn requiring_mfa(mut self) -> Self {
        self.requires_mfa = true;
        self
    }

    /// Whether this is the organization's id or name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.id == name || self.name == name
    }

    pub(super) fn has_domain(&self, name: &str) -> bool {
        self.domains.iter().any(|domain| domain.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn active_connections(&self) -> Vec<&str> {
        let active = self.connections.iter().filter(|connection| connection.is_active);
        active.map(|connection| connection.id.as_str()).collect()
    }

    /// The `Organization` object. <https://workos.com/docs/reference/organization>
    pub(super) fn to_json(&self) -> Value {
        let domains: Value = self.domains.iter().map(|domain| self.domain_json(domain)).collect();
        json!({
            "object": "organization",
            "id": self.id,
            "name": self.name,
            "allow_profiles_outside_organization": false,
            "domains": domains,
            "metadata": {},
            "external_id": null,
            "created_at": identifier::timestamp(CREATED_AT),
            "updated_at": identifier::timestamp(CREATED_AT),
        })
    }

    fn domain_json(&self, domain: &Domain) -> Value {
        json!({
            "object": "organization_domain",
            "id": identifier::fixed("org_domain", &domain.name),
            "organization_id": self.id,
            "domain": domain.name,
            "state": if domain.is_verified { "verified" } else { "pending" },
            "verification_strategy": "dns",
            "created_at": identifier::timestamp(CREATED_AT),
            "updated_at": identifier::timestamp(CREATED_AT),
        })
    }

    /// The `Connection` object of one of its connections.
    /// <https://workos.com/docs/reference/sso/connection>
    pub(super) fn connection_json(&self, connection: &Connection) -> Value {
        let domain_json = |domain: &Domain| {
            let id = identifier::fixed("conn_domain", &domain.name);
            json!({"object": "connection_domain", "id": id, "domain": domain.name})
        };
        let domains: Value = self.domains.iter().map(domain_json).collect();
        let (state, status) =
            if connection.is_active { ("active", "linked") } else { ("inactive", "unlinked") };
        json!({
            "object": "connection",
            "id": connection.id,
            "organization_id": self.id,
            "connection_type": CONNECTION_TYPE,
            "name": format!("{} SSO", self.name),
            "state": state,
            "status": status,
            "domains": domains,
            "created_at": identifier::timestamp(CREATED_AT),
            "updated_at": identifier::timestamp(CREATED_AT),
        })
    }
}

/// The type of every connection here.
pub(super) const CONNECTION_TYPE: &str = "GenericSAML";

impl Membership {
    /// The membership of a member without permissions.
    pub(super) fn as_member(user_id: &str, organization_id: &str) -> Self {
        Self {
            user_id: user_id.to_owned(),
            organization_id: organization_id.to_owned(),
            role: "member".to_owned(),
            permissions: Vec::new(),
            entitlements: Vec::new(),
            feature_flags: Vec::new(),
        }
    }

    pub(super) fn id(&self) -> String {
        let organization = self.organization_id.rsplit('_').next().unwrap_or_default();
        let user = self.user_id.rsplit('_').next().unwrap_or_default();
        // The name follows the first ten characters of an id, which are the same for all.
        let name = |id: &str| id.chars().skip(10).take(8).collect::<String>();
        identifier::fixed("om", &format!("{}{}", name(user), name(organization)))
    }

    /// The `OrganizationMembership` object.
    /// <https://workos.com/docs/reference/authkit/organization-membership>
    pub(super) fn to_json(&self, user: &User, organization: &Organization) -> Value {
        json!({
            "object": "organization_membership",
            "id": self.id(),
            "user_id": self.user_id,
            "organization_id": self.organization_id,
            "organization_name": organization.name,
            "status": "active",
            "directory_managed": false,
            "role": {"slug": self.role},
            "custom_attributes": {},
            "user": user.to_json(),
            "created_at": identifier::timestamp(CREATED_AT),
            "updated_at": identifier::timestamp(CREATED_AT),
        })
    }
}
