//! Organizations, and the domains that are theirs.

use serde::Deserialize;

use crate::ids::id;

id!(OrganizationId, "an organization");

/// An organization. <https://workos.com/docs/reference/organization>
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    #[serde(default)]
    domains: Vec<Domain>,
}

/// A domain that an organization claims.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Domain {
    domain: String,
    state: Option<String>,
}

impl Organization {
    /// Whether the organization has shown that `domain` is its own. What it only claims is not: it
    /// would draw other people's users to its sign-in page.
    pub fn has_verified_domain(&self, domain: &str) -> bool {
        self.domains.iter().any(|own| own.is_verified() && own.domain.eq_ignore_ascii_case(domain))
    }
}

impl Domain {
    /// `legacy_verified` are those that WorkOS took on before it asked for proof itself.
    fn is_verified(&self) -> bool {
        matches!(self.state.as_deref(), Some("verified" | "legacy_verified"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_verified_domain_counts() {
        for (state, verified) in [
            (json!("verified"), true),
            (json!("legacy_verified"), true),
            (json!("pending"), false),
            (json!("failed"), false),
            (json!("unverified"), false),
            (json!("something_new"), false),
            (json!(null), false),
        ] {
            let organization: Organization = serde_json::from_value(json!({
                "id": "org_1", "name": "Acme", "domains": [
                    {"domain": "other.example", "state": "verified"},
                    {"domain": "Example.com", "state": state},
                ],
            }))
            .expect("an organization");
            assert_eq!(organization.has_verified_domain("example.com"), verified, "{state}");
            assert!(!organization.has_verified_domain("sub.example.com"));
        }
    }

    #[test]
    fn one_without_domains_has_none() {
        let organization = json!({"id": "org_1", "name": "Acme"});
        let organization: Organization = serde_json::from_value(organization).expect("one");
        assert!(!organization.has_verified_domain("example.com"));
    }
}
